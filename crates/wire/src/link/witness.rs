//! What is said to and by a bank's witness: requests and answers of C2SP tlog-witness, carried as they are.

use core::fmt;

use bailee_domain::event::Misconduct;

use super::bounds::{LinkError, coded, text};
use super::proto;

/// Most bytes of a request to a witness, as over HTTP.
pub const MAX_COSIGN_BYTES: usize = 128 << 10;
/// Most bytes of a witness's answer.
pub const MAX_ANSWER_BYTES: usize = 16 << 10;

/// A witness is asked to cosign a checkpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Cosign {
    /// Size of the checkpoint in the request.
    pub size: u64,
    /// The log's verifier key (C2SP `vkey`); a witness believes only the first it was told.
    pub log_key: String,
    /// The body of `add-checkpoint`; at most [`MAX_COSIGN_BYTES`].
    pub request: Vec<u8>,
}

/// A witness's answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Size of the checkpoint it is about.
    pub size: u64,
    /// As over HTTP; 500 when the witness's memory failed.
    pub status: u16,
    /// As over HTTP: cosignature lines, or the size last cosigned; at most [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
    /// What the checkpoint says about the log, if the witness holds something against it.
    pub misconduct: Option<Misconduct>,
    /// With misconduct: the checkpoint it had cosigned; at most [`MAX_COSIGN_BYTES`].
    pub kept: Vec<u8>,
}

coded! {
    misconduct_number, misconduct: Option<Misconduct> = "misconduct" { 0 None, 1 FORK, 2 SHRINK, 3 GAP, }
}

const FORK: Option<Misconduct> = Some(Misconduct::Fork);
const SHRINK: Option<Misconduct> = Some(Misconduct::Shrink);
const GAP: Option<Misconduct> = Some(Misconduct::Gap);

pub(super) fn cosign_to(cosign: &Cosign) -> proto::Cosign {
    proto::Cosign { size: cosign.size, log_key: cosign.log_key.clone(), request: cosign.request.clone() }
}

pub(super) fn cosign_from(cosign: proto::Cosign) -> Result<Cosign, LinkError> {
    bounded(&cosign.request, MAX_COSIGN_BYTES, "request to the witness")?;
    Ok(Cosign { size: cosign.size, log_key: text(cosign.log_key, "log key")?, request: cosign.request })
}

pub(super) fn witnessed_to(witnessed: &Witnessed) -> proto::Witnessed {
    proto::Witnessed {
        size: witnessed.size,
        status: witnessed.status.into(),
        body: witnessed.body.clone(),
        misconduct: misconduct_number(witnessed.misconduct),
        kept: witnessed.kept.clone(),
    }
}

pub(super) fn witnessed_from(witnessed: proto::Witnessed) -> Result<Witnessed, LinkError> {
    bounded(&witnessed.body, MAX_ANSWER_BYTES, "answer of the witness")?;
    bounded(&witnessed.kept, MAX_COSIGN_BYTES, "checkpoint kept")?;
    Ok(Witnessed {
        size: witnessed.size,
        status: u16::try_from(witnessed.status).map_err(|_| LinkError::Invalid("status"))?,
        body: witnessed.body,
        misconduct: misconduct(witnessed.misconduct)?,
        kept: witnessed.kept,
    })
}

fn bounded(bytes: &[u8], most: usize, what: &'static str) -> Result<(), LinkError> {
    if bytes.len() > most { Err(LinkError::TooLong(what)) } else { Ok(()) }
}

impl fmt::Debug for Cosign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosign({})", self.size)
    }
}

impl fmt::Debug for Witnessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Witnessed({}, {}, {:?})", self.size, self.status, self.misconduct)
    }
}
