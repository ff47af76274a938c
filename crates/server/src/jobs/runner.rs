//! The loop around a reconciler: run while there is work, then wait for a signal or the timer.
//!
//! A failure or a panic ends that run, never the loop, and is logged when it begins, not each time it happens again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::{Job, Jobs, Progress};
use crate::app::App;

/// Least time between a failed run and the next.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

pub(super) struct Loop {
    jobs: Arc<Jobs>,
    job: Job,
    stop: watch::Receiver<bool>,
    commits: watch::Receiver<u64>,
    trouble: Option<String>,
}

impl Loop {
    pub(super) fn new(jobs: Arc<Jobs>, job: Job, stop: watch::Receiver<bool>) -> Self {
        let commits = jobs.app.db().commits();
        Self { jobs, job, stop, commits, trouble: None }
    }

    pub(super) async fn run(mut self) {
        while !*self.stop.borrow() {
            // A commit from here on is seen by the wait below, so no signal is lost while the job runs.
            self.commits.borrow_and_update();
            let outcome = AssertUnwindSafe(self.jobs.one(self.job)).catch_unwind().await;
            let again = match outcome {
                Ok(Ok(progress)) => {
                    self.recovered();
                    progress
                }
                Ok(Err(error)) => self.failed(&chain(&error)),
                Err(_) => self.failed("it panicked"),
            };
            if again == Progress::Idle && self.wait().await.is_err() {
                return;
            }
        }
    }

    fn failed(&mut self, why: &str) -> Progress {
        if self.trouble.as_deref() != Some(why) {
            tracing::error!(job = ?self.job, why, "a background job failed and will be tried again");
            self.trouble = Some(why.to_owned());
        }
        Progress::Idle
    }

    fn recovered(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!(job = ?self.job, "the background job works again");
        }
    }

    /// Waits for a signal or the timer; an error says that it is time to stop.
    async fn wait(&mut self) -> Result<(), watch::error::RecvError> {
        if self.trouble.is_some() {
            tokio::select! {
                stopped = self.stop.changed() => return stopped,
                () = tokio::time::sleep(AFTER_FAILURE) => {}
            }
        }
        let jittered = jittered(&self.jobs.app, self.job.period());
        tokio::select! {
            stopped = self.stop.changed() => stopped,
            _ = self.commits.changed() => Ok(()),
            () = self.jobs.app.work() => Ok(()),
            () = tokio::time::sleep(jittered) => Ok(()),
        }
    }
}

/// Between three and five quarters of the period, so that loops and nodes do not fall into step.
fn jittered(app: &App, period: Duration) -> Duration {
    let quarters = app.draw(|rng| rng.next_u32() % 512);
    period * 3 / 4 + period * quarters / 1024
}

/// A failure and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        line = format!("{line}: {source}");
        next = source.source();
    }
    line
}
