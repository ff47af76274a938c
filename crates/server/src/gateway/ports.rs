//! What the gateway needs of the rest of the platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bailee_domain::bank::io::Answer;
use bailee_domain::compartment::Layout;
use bailee_domain::event::Event;
use bailee_domain::id::{BankId, CommandId, OrgId};
use bailee_vault::tls;
use bailee_wire::link::{BankStatus, Cosign, Enrolled, Hello, Witnessed};

use super::chain::{Batch, Breach, Position};
use super::session::{Command, Moment};

/// A future behind a trait object.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The store cannot be asked now; the bank will come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the platform's store is not available")]
pub struct Unavailable;

/// An enrolled bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownBank {
    /// Its id.
    pub bank: BankId,
    /// Whose it is.
    pub org: OrgId,
    /// The Ed25519 key that signs its chain heads.
    pub device_key: [u8; 32],
}

/// Which keys belong to which banks.
pub trait BankRegistry: Send + Sync {
    /// The enrolled, not removed bank whose TLS key has this pin.
    fn by_pin(&self, pin: tls::Pin) -> Pending<'_, Result<Option<KnownBank>, Unavailable>>;
}

/// Something a bank let the platform know that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It connected and said where it stands.
    Greeted(Box<Hello>),
    /// How it is now.
    Status(BankStatus),
    /// It is heard (again).
    Online,
    /// It has not been heard for 60 seconds.
    Offline,
    /// An alarm whose turn has not come; it comes again by [`Ingest::store`].
    Alarm {
        /// What happened.
        event: Event,
        /// The exact bytes of its leaf.
        leaf: Vec<u8>,
    },
    /// Its witness answered.
    Witnessed(Witnessed),
    /// Its events do not continue what is held; nothing was taken.
    ChainBroken(Breach),
}

/// Takes what banks send.
pub trait Ingest: Send + Sync {
    /// Up to where this bank's events are held.
    fn position(&self, bank: BankId) -> Pending<'_, Result<Position, Unavailable>>;

    /// Stores a batch durably, all or none, and only directly after what is held.
    fn store(&self, batch: Batch) -> Pending<'_, Result<(), Unavailable>>;

    /// Hears news; what cannot be kept is logged and lost, except that a bank repeats its status and alarms.
    fn news(&self, bank: BankId, news: News) -> Pending<'_, ()>;
}

/// Requests to banks and what became of them.
pub trait Commands: Send + Sync {
    /// The oldest unanswered commands for this bank, at most `limit`; repeating those given before is right.
    fn pending(&self, bank: BankId, limit: usize) -> Pending<'_, Result<Vec<Command>, Unavailable>>;

    /// What this bank's witness is to be asked now, once.
    fn cosign(&self, _bank: BankId) -> Option<Cosign> {
        None
    }

    /// The bank answered.
    fn answered(&self, bank: BankId, command: CommandId, answer: Answer) -> Pending<'_, ()>;

    /// The bank did not answer in time; when it was `sent`, nobody knows what became of it.
    fn expired(&self, bank: BankId, command: CommandId, sent: bool) -> Pending<'_, ()>;
}

/// What a new bank showed. Its possession of `device_key` and of the key behind `pin` is already proven.
#[derive(Clone, PartialEq, Eq)]
pub struct Redeem {
    /// The bank its token names.
    pub bank: BankId,
    /// The token's one-time secret.
    pub secret: [u8; 32],
    /// By which it will be known on every connection.
    pub pin: tls::Pin,
    /// Signs its chain heads.
    pub device_key: [u8; 32],
    /// How it is built.
    pub layout: Layout,
    /// Name and version of its software.
    pub software: String,
}

/// Why an enrolment is not accepted; a bank learns no more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// Unknown, used or expired.
    #[error("the enrolment token is unknown, used or expired")]
    Token,
    /// Try again.
    #[error("the platform cannot enrol now")]
    Unavailable,
}

/// Lets new banks in.
pub trait Enrolment: Send + Sync {
    /// Uses up a token: the first call with its secret enrols the bank, every other is refused.
    fn redeem(&self, request: Redeem) -> Pending<'_, Result<Enrolled, NotAccepted>>;
}

/// Everything the gateway needs.
#[derive(Clone)]
pub struct Ports {
    /// Which keys belong to which banks.
    pub registry: Arc<dyn BankRegistry>,
    /// Takes what banks send.
    pub ingest: Arc<dyn Ingest>,
    /// Requests to banks.
    pub commands: Arc<dyn Commands>,
    /// Lets new banks in.
    pub enrolment: Arc<dyn Enrolment>,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Moment + Send + Sync>,
}
