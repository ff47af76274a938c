//! Enrolment: a new bank shows its one-time secret and its keys, and is told who it is.

use std::sync::Arc;
use std::time::Duration;

use bailee_domain::compartment::Layout;
use bailee_vault::sign::SigningKey;
use bailee_vault::tls::{Identity, Pin, PinError, PinSet, client_config};
use bailee_wire::enrol::{Enrolment, possession_statement};
use bailee_wire::link::{Enrol, Enrolled, FromBank, FromPlatform, LinkError, RefusedReason};
use tokio::time::timeout;

use super::socket::{Dial, LinkFailed, Socket};

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A bank that wants to be let in.
pub struct NewBank<'a> {
    /// What the administrator carried here.
    pub token: &'a Enrolment,
    /// The key it will prove on every connection.
    pub identity: &'a Identity,
    /// The key that will sign its chain heads.
    pub device: &'a SigningKey,
    /// How it is built.
    pub layout: Layout,
    /// Name and version of its software, at most 200 bytes.
    pub software: String,
}

/// Why a new bank was not let in.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentFailed {
    /// The platform was not reached, or is not the one the token names.
    #[error("{0}")]
    Link(#[from] LinkFailed),
    /// The token's pins cannot be used.
    #[error("the token's pins cannot be used")]
    Pins(#[source] PinError),
    /// The platform said no.
    #[error("the platform refuses: {message}")]
    Refused {
        /// The kind of reason.
        reason: RefusedReason,
        /// The platform's words.
        message: String,
    },
    /// Its answer cannot be read.
    #[error("the platform's answer is not readable: {0}")]
    Unreadable(LinkError),
    /// Its answer is about something else.
    #[error("the platform's answer is not about this enrolment")]
    Unexpected,
}

/// The pins an enrolment token brings along.
///
/// # Errors
/// [`PinError`] when there are too many.
pub fn pins(token: &Enrolment) -> Result<PinSet, PinError> {
    let (current, backups) = token.pins.split_first().expect("a token holds at least one pin");
    let backups: Vec<_> = backups.iter().map(|pin| Pin(*pin)).collect();
    PinSet::with_backups(Pin(*current), &backups)
}

/// Uses up an enrolment token.
///
/// # Errors
/// [`EnrolmentFailed`]; after [`EnrolmentFailed::Refused`] the token is worth nothing.
pub async fn enrol<D: Dial>(dial: &D, new: NewBank<'_>) -> Result<Enrolled, EnrolmentFailed> {
    let token = new.token;
    let tls = client_config(Some(new.identity), pins(token).map_err(EnrolmentFailed::Pins)?);
    let mut socket = Socket::open(dial, Arc::new(tls), &token.address, "/enrol").await?;
    let device_key = new.device.public().0;
    let statement = possession_statement(token.bank, &token.secret, &new.identity.pin().0, &device_key);
    let request = FromBank::Enrol(Box::new(Enrol {
        bank: token.bank,
        secret: token.secret,
        device_key,
        possession: new.device.sign(&statement),
        layout: new.layout,
        software: new.software,
    }));
    socket.send(request.encode()).await?;
    let frame = timeout(ANSWER_WITHIN, socket.next()).await.map_err(|_| LinkFailed::TimedOut)??;
    socket.close().await;
    match FromPlatform::decode(&frame).map_err(EnrolmentFailed::Unreadable)? {
        FromPlatform::Enrolled(enrolled) if enrolled.bank == token.bank => Ok(*enrolled),
        FromPlatform::Refused { reason, message } => Err(EnrolmentFailed::Refused { reason, message }),
        _ => Err(EnrolmentFailed::Unexpected),
    }
}
