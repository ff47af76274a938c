//! What the platform says.

use core::fmt;

use bailee_domain::id::CommandId;
use prost::Message;

use super::bounds::{LinkError, MAX_FRAME_BYTES, fixed, text};
use super::command::{MAX_PARTS, PART_BYTES, Part};
use super::proto::{self, from_platform::Body};
use super::roster::{roster_from, roster_to};
use super::witness::{Cosign, cosign_from, cosign_to};
use super::{BankId, OrgId, Roster, VERSION, WallTime};

/// A message of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromPlatform {
    /// The answer to a bank's hello.
    Welcome {
        /// The last event of the bank the platform holds; 0 for none.
        acked: u64,
        /// The platform's time.
        time: WallTime,
    },
    /// The platform holds the bank's events durably up to here.
    Ack {
        /// The last of them.
        up_to: u64,
    },
    /// One part of a request.
    Command(Part),
    /// The platform's time.
    Time {
        /// Now.
        time: WallTime,
    },
    /// The answer to a ping.
    Pong {
        /// The ping's.
        nonce: u64,
        /// The platform's time when it answered.
        time: WallTime,
    },
    /// The new bank is let in.
    Enrolled(Box<Enrolled>),
    /// The bank's witness is asked to cosign a checkpoint.
    Cosign(Cosign),
    /// The bank is not served; the connection is closed after this.
    Refused {
        /// The kind of reason.
        reason: RefusedReason,
        /// For the person reading the bank's log.
        message: String,
    },
}

/// What a new bank is given.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Who it is from now on.
    pub bank: BankId,
    /// Whose it is.
    pub org: OrgId,
    /// Its first roster.
    pub roster: Roster,
    /// The key of its code verifiers; to be sealed at once.
    pub code_key: [u8; 32],
    /// The salt of its code verifiers.
    pub code_salt: [u8; 16],
    /// The number of that key and salt.
    pub code_epoch: u32,
    /// The verifier key of the organisation's log (C2SP `vkey`), for the bank's witness.
    pub log_key: Option<String>,
}

impl fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Enrolled({})", self.bank)
    }
}

/// Why a bank is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedReason {
    /// Its key belongs to no enrolled bank, or to another one.
    UnknownBank,
    /// The enrolment token is unknown, used or expired, or the proof of possession is wrong.
    EnrolmentRefused,
    /// What it said makes no sense here.
    Protocol,
    /// Its events do not continue what the platform holds.
    ChainBroken,
    /// The platform cannot serve now; try again later.
    Unavailable,
    /// Another connection of the same bank took over.
    Replaced,
}

const REASONS: [(u32, RefusedReason); 6] = [
    (1, RefusedReason::UnknownBank),
    (2, RefusedReason::EnrolmentRefused),
    (3, RefusedReason::Protocol),
    (4, RefusedReason::ChainBroken),
    (5, RefusedReason::Unavailable),
    (6, RefusedReason::Replaced),
];

impl FromPlatform {
    /// A refusal, its message cut to what a frame allows.
    pub fn refused(reason: RefusedReason, message: &str) -> Self {
        let message = message.char_indices().take_while(|(at, _)| *at < 190).map(|(_, c)| c).collect();
        Self::Refused { reason, message }
    }

    /// The frame of this message.
    pub fn encode(&self) -> Vec<u8> {
        let body = match self {
            Self::Welcome { acked, time } => {
                Body::Welcome(proto::Welcome { acked: *acked, time: time.unix_ms() })
            }
            Self::Ack { up_to } => Body::Ack(proto::Ack { up_to: *up_to }),
            Self::Command(part) => Body::Command(proto::Command {
                id: part.command.to_bytes().to_vec(),
                deadline: part.deadline.unix_ms(),
                part: part.part,
                parts: part.parts,
                request: part.bytes.clone(),
            }),
            Self::Time { time } => Body::Time(proto::Time { time: time.unix_ms() }),
            Self::Pong { nonce, time } => Body::Pong(proto::Pong { nonce: *nonce, time: time.unix_ms() }),
            Self::Enrolled(enrolled) => Body::Enrolled(proto::Enrolled {
                bank: enrolled.bank.to_bytes().to_vec(),
                org: enrolled.org.to_bytes().to_vec(),
                roster: Some(roster_to(&enrolled.roster)),
                code_key: enrolled.code_key.to_vec(),
                code_salt: enrolled.code_salt.to_vec(),
                code_epoch: enrolled.code_epoch,
                log_key: enrolled.log_key.clone().unwrap_or_default(),
            }),
            Self::Cosign(cosign) => Body::Cosign(cosign_to(cosign)),
            Self::Refused { reason, message } => Body::Refused(proto::Refused {
                reason: REASONS.iter().find(|(_, r)| r == reason).expect("the table names every reason").0,
                message: message.clone(),
            }),
        };
        proto::FromPlatform { version: VERSION, body: Some(body) }.encode_to_vec()
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// The [`LinkError`] that says what is wrong with it.
    pub fn decode(frame: &[u8]) -> Result<Self, LinkError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(LinkError::FrameTooLong);
        }
        let message = proto::FromPlatform::decode(frame).map_err(|_| LinkError::Unreadable)?;
        if message.version != VERSION {
            return Err(LinkError::UnknownVersion(message.version));
        }
        Ok(match message.body.ok_or(LinkError::UnknownBody)? {
            Body::Welcome(w) => Self::Welcome { acked: w.acked, time: WallTime::from_unix_ms(w.time) },
            Body::Ack(ack) => Self::Ack { up_to: ack.up_to },
            Body::Command(command) => Self::Command(part_from(command)?),
            Body::Time(t) => Self::Time { time: WallTime::from_unix_ms(t.time) },
            Body::Pong(p) => Self::Pong { nonce: p.nonce, time: WallTime::from_unix_ms(p.time) },
            Body::Enrolled(enrolled) => Self::Enrolled(Box::new(enrolled_from(enrolled)?)),
            Body::Cosign(cosign) => Self::Cosign(cosign_from(cosign)?),
            Body::Refused(refused) => Self::Refused {
                // A reason this program does not know yet is still a refusal.
                reason: REASONS
                    .iter()
                    .find(|(n, _)| *n == refused.reason)
                    .map_or(RefusedReason::Unavailable, |(_, r)| *r),
                message: text(refused.message, "message")?,
            },
        })
    }
}

fn part_from(command: proto::Command) -> Result<Part, LinkError> {
    if command.request.len() > PART_BYTES {
        return Err(LinkError::TooLong("request"));
    }
    if command.parts == 0 || command.parts as usize > MAX_PARTS || command.part >= command.parts {
        return Err(LinkError::Invalid("part"));
    }
    Ok(Part {
        command: CommandId::from_bytes(fixed(&command.id, "command")?),
        deadline: WallTime::from_unix_ms(command.deadline),
        part: command.part,
        parts: command.parts,
        bytes: command.request,
    })
}

fn enrolled_from(enrolled: proto::Enrolled) -> Result<Enrolled, LinkError> {
    Ok(Enrolled {
        bank: BankId::from_bytes(fixed(&enrolled.bank, "bank")?),
        org: OrgId::from_bytes(fixed(&enrolled.org, "organisation")?),
        roster: roster_from(enrolled.roster.ok_or(LinkError::Invalid("roster"))?)?,
        code_key: fixed(&enrolled.code_key, "code key")?,
        code_salt: fixed(&enrolled.code_salt, "code salt")?,
        code_epoch: enrolled.code_epoch,
        log_key: Some(text(enrolled.log_key, "log key")?).filter(|key| !key.is_empty()),
    })
}
