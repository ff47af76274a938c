//! Background work as reconcilers: each looks at what is stored, does what is missing, and can be stopped anywhere.
//!
//! A reconciler takes no input, keeps nothing between runs and is idempotent: run by a signal, by a timer or twice, it
//! comes to the same end. What is wanted stands in the store, so there is nothing to lose. Start at [`Jobs::run`];
//! tests and the simulation call [`Jobs::once`] instead.

pub mod codes;
pub mod erasures;
pub mod evidence;
pub mod liveness;
pub mod messages;
pub mod overdue;
pub mod rights;
pub mod rosters;
mod runner;
pub mod sequencer;
pub mod witnesses;

use std::sync::Arc;
use std::time::Duration;

use bailee_domain::time::WallTime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::link::Ask;
use crate::app::{App, AppError};
use crate::ledger::{LedgerError, Sequencer};
use crate::notify::{Sender, Senders};
use runner::Loop;

/// Whether a run found anything to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing could be done now.
    Idle,
    /// Something was done; there may be more.
    Worked,
}

impl Progress {
    /// [`Progress::Worked`] when so many things were done.
    #[must_use]
    pub const fn of(done: usize) -> Self {
        if done == 0 { Self::Idle } else { Self::Worked }
    }

    /// Either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Idle, Self::Idle) => Self::Idle,
            _ => Self::Worked,
        }
    }
}

/// Why a run ended early; the next run carries on.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A use case failed.
    #[error("a step of the job failed: {0}")]
    App(#[from] AppError),
    /// The ledger failed.
    #[error("the ledger failed: {0}")]
    Ledger(#[from] LedgerError),
}

/// Where messages are handed over; a channel without a gateway has none.
#[derive(Clone, Default)]
pub struct Outbound {
    /// E-mail.
    pub email: Option<Arc<dyn Sender>>,
    /// Text messages.
    pub sms: Option<Arc<dyn Sender>>,
}

impl From<Senders> for Outbound {
    fn from(senders: Senders) -> Self {
        Self {
            email: senders.email.map(|email| Arc::new(email) as Arc<dyn Sender>),
            sms: senders.sms.map(|sms| Arc::new(sms) as Arc<dyn Sender>),
        }
    }
}

/// Everything the reconcilers need.
#[derive(Clone)]
pub struct Jobs {
    /// The platform.
    pub app: App,
    /// How banks are asked.
    pub ask: Arc<dyn Ask>,
    /// How messages leave.
    pub outbound: Outbound,
    /// The writer of the custody log.
    pub sequencer: Sequencer,
    /// Since when this process serves: before it, no bank could have been heard.
    pub started: WallTime,
}

/// The reconcilers, in the order in which they feed each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// [`liveness`].
    WatchBanks,
    /// [`rosters`].
    SendRosters,
    /// [`codes::make`].
    MakeCodes,
    /// [`codes::hand_over`].
    HandOverCodes,
    /// [`overdue`].
    NoteOverdue,
    /// [`messages`].
    SendMessages,
    /// [`sequencer`].
    SequenceLog,
    /// [`evidence`].
    MakeEvidence,
    /// [`erasures`].
    FinishErasures,
    /// [`rights`].
    TellRights,
}

impl Job {
    /// Every one, in order.
    pub const ALL: [Self; 10] = [
        Self::WatchBanks,
        Self::SendRosters,
        Self::MakeCodes,
        Self::HandOverCodes,
        Self::NoteOverdue,
        Self::SendMessages,
        Self::SequenceLog,
        Self::MakeEvidence,
        Self::FinishErasures,
        Self::TellRights,
    ];

    /// How long it waits at most for a signal, more or less.
    const fn period(self) -> Duration {
        Duration::from_secs(match self {
            Self::SequenceLog => 1,
            Self::SendMessages | Self::MakeEvidence => 2,
            Self::WatchBanks | Self::HandOverCodes | Self::FinishErasures | Self::TellRights => 5,
            Self::SendRosters | Self::MakeCodes => 15,
            Self::NoteOverdue => 60,
        })
    }
}

impl Jobs {
    /// Runs every reconciler until `stop` becomes true or its sender is gone; a run that has begun is finished.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let jobs = Arc::new(self);
        let mut loops = JoinSet::new();
        for job in Job::ALL {
            loops.spawn(Loop::new(jobs.clone(), job, stop.clone()).run());
        }
        while loops.join_next().await.is_some() {}
    }

    /// One run of one reconciler.
    ///
    /// # Errors
    /// Its own.
    pub async fn one(&self, job: Job) -> Result<Progress, JobError> {
        let (app, ask) = (&self.app, &*self.ask);
        match job {
            Job::WatchBanks => liveness::run_once(app, self.started).await,
            Job::SendRosters => rosters::run_once(app, ask).await,
            Job::MakeCodes => codes::make(app).await,
            Job::HandOverCodes => codes::hand_over(app, ask).await,
            Job::NoteOverdue => overdue::run_once(app).await,
            Job::SendMessages => messages::run_once(app, &self.outbound).await,
            Job::SequenceLog => sequencer::run_once(app, &self.sequencer).await,
            Job::MakeEvidence => evidence::run_once(app).await,
            Job::FinishErasures => erasures::run_once(app, ask).await,
            Job::TellRights => rights::run_once(app, ask).await,
        }
    }

    /// Runs every reconciler once, in the order in which they feed each other.
    ///
    /// # Errors
    /// The first that fails.
    pub async fn once(&self) -> Result<Progress, JobError> {
        let mut progress = Progress::Idle;
        for job in Job::ALL {
            progress = progress.or(self.one(job).await?);
        }
        Ok(progress)
    }
}
