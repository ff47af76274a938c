//! What goes into the link's session and what comes out of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::event::Severity;
use bailee_domain::id::CommandId;
use bailee_domain::time::WallTime;
use bailee_wire::event::Hash;
use bailee_wire::link::{BankStatus, Cosign, Hello, LinkError, RefusedReason, RequestError, Witnessed};

/// Where the events are: the journal.
pub trait EventSource {
    /// Who the bank is and where it stands now.
    fn hello(&mut self) -> Hello;

    /// The sequence number of the last durable event, 0 for none.
    fn head(&mut self) -> u64;

    /// Events from `seq` on, in order, with the bytes of their leaves, as many as fit into `max_bytes`; empty when
    /// they are gone or not there yet.
    fn events_from(&mut self, seq: u64, max_bytes: usize) -> Vec<(u64, Vec<u8>)>;

    /// Unacknowledged events that are alarms, as far as known; they are sent ahead when a connection starts.
    fn alarms(&mut self) -> Vec<u64> {
        Vec::new()
    }

    /// The device key's signature over [`bailee_wire::event::head_statement`] for this bank, `seq` and `head`.
    fn sign_head(&mut self, seq: u64, head: &Hash) -> [u8; 64];
}

impl<S: EventSource> EventSource for Arc<Mutex<S>> {
    fn hello(&mut self) -> Hello {
        lock(self).hello()
    }

    fn head(&mut self) -> u64 {
        lock(self).head()
    }

    fn events_from(&mut self, seq: u64, max_bytes: usize) -> Vec<(u64, Vec<u8>)> {
        lock(self).events_from(seq, max_bytes)
    }

    fn alarms(&mut self) -> Vec<u64> {
        lock(self).alarms()
    }

    fn sign_head(&mut self, seq: u64, head: &Hash) -> [u8; 64] {
        lock(self).sign_head(seq, head)
    }
}

fn lock<S>(shared: &Mutex<S>) -> MutexGuard<'_, S> {
    // A journal whose writer panicked is still readable, and the process is about to end anyway.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time passed.
    Tick,
    /// The call asked for by [`Output::Connect`] was answered.
    Connected,
    /// A frame came.
    Frame(Vec<u8>),
    /// The connection, or the attempt at one, is over.
    Disconnected,
    /// An event became durable.
    Appended {
        /// Its sequence number.
        seq: u64,
        /// How soon somebody must look at it.
        severity: Severity,
    },
    /// The bank's status changed.
    Status(BankStatus),
    /// The engine answered a request.
    Replied {
        /// Which.
        command: CommandId,
        /// How.
        answer: Answer,
    },
    /// The bank's witness answered; without a connection nobody waits for it any more.
    Witnessed(Witnessed),
}

/// What the caller must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "few exist at a time, and a roster is the usual one")]
pub enum Output {
    /// Call the platform; tell [`Input::Connected`] or [`Input::Disconnected`].
    Connect,
    /// Send this frame.
    Send(Vec<u8>),
    /// Close the connection, or give up the call.
    Disconnect,
    /// Give this to the engine; answer with [`Input::Replied`].
    Request {
        /// Which.
        command: CommandId,
        /// Not to be obeyed after this time.
        deadline: WallTime,
        /// What.
        request: Request,
    },
    /// The platform holds the events up to here.
    Acknowledged {
        /// The last of them.
        up_to: u64,
    },
    /// The platform's authenticated time.
    TrustTime(WallTime),
    /// Give this to the bank's witness; answer with [`Input::Witnessed`].
    Cosign(Cosign),
    /// The platform is reached, or is not any more.
    Reached(bool),
    /// Something a person should know.
    Fault(Fault),
}

/// What went wrong on the link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// This journal is older than what the platform already holds: it was restored or lost.
    #[error("the platform holds events up to {platform}, this journal ends at {ours}: it is not the latest")]
    PlatformAhead {
        /// What the platform holds.
        platform: u64,
        /// What the journal holds.
        ours: u64,
    },
    /// The platform asks for events it had acknowledged, and they are gone here.
    #[error("the platform asks for event {0}, which it had acknowledged and which is gone")]
    PlatformForgot(u64),
    /// The platform does not serve this bank.
    #[error("the platform refuses this bank: {message}")]
    Refused {
        /// The kind of reason.
        reason: RefusedReason,
        /// The platform's words.
        message: String,
    },
    /// The platform said something that makes no sense.
    #[error("the platform sent something unreadable: {0}")]
    Unreadable(LinkError),
    /// A request could not be put together.
    #[error("{0}")]
    Request(RequestError),
    /// The platform said something that has no place here.
    #[error("the platform broke the protocol: {0}")]
    Protocol(&'static str),
}
