//! What a bank says.

use core::fmt;

use bailee_domain::bank::io::{Answer, BoardHealth, DoorStatus};
use bailee_domain::bank::screen::LockdownShown;
use bailee_domain::budget::Keypad;
use bailee_domain::compartment::{Layout, Sensed};
use bailee_domain::health::Health;
use bailee_domain::id::{BankId, CommandId};
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::{TimeQuality, WallTime};
use bailee_domain::truth::Truth;
use prost::Message;

use super::bounds::{
    LinkError, MAX_FRAME_BYTES, coded, compartment, count, fixed, outage, outage_number, small, text,
};
use super::guard;
use super::health;
use super::proto::{self, from_bank::Body};
use super::roster::{layout_from, layout_so_far, layout_to};
use super::witness::{Witnessed, witnessed_from, witnessed_to};
use super::{MAX_EVENTS_IN_FLIGHT, VERSION};
use crate::event::MAX_LEAF_BYTES;

const MAX_DOORS: usize = 500;
const MAX_BOARDS: usize = 256;
const MAX_WARNINGS: usize = 32;

/// A message of a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromBank {
    /// The first on a connection.
    Hello(Box<Hello>),
    /// The next events of its sequence.
    Events(Events),
    /// A copy of an alarm whose turn has not come yet.
    Alarm {
        /// Its sequence number.
        seq: u64,
        /// The exact bytes of its leaf.
        event: Vec<u8>,
    },
    /// How it is now.
    Status(BankStatus),
    /// The answer to a command.
    Reply {
        /// Which command.
        command: CommandId,
        /// What became of it.
        answer: Answer,
    },
    /// Still there; wants the time.
    Ping {
        /// Comes back in the answer.
        nonce: u64,
    },
    /// A new bank asks to be let in.
    Enrol(Box<Enrol>),
    /// The bank's witness answers.
    Witnessed(Witnessed),
}

/// Who the bank is and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The bank.
    pub bank: BankId,
    /// Name and version of its software.
    pub software: String,
    /// How often it has started.
    pub boot: u64,
    /// The last event it has written; 0 for none.
    pub last_seq: u64,
    /// The last event it knows the platform to hold; 0 for none.
    pub acked_seq: u64,
    /// The roster it works with.
    pub roster_revision: u64,
    /// How it is built.
    pub layout: Layout,
    /// Its wall time.
    pub clock: WallTime,
    /// What that time is worth.
    pub clock_quality: TimeQuality,
    /// How many kiosk screens it has.
    pub screens: u8,
    /// The verifier key of its cosignatures (C2SP `vkey`), if it is a witness; at most [`MAX_TEXT_BYTES`].
    ///
    /// [`MAX_TEXT_BYTES`]: super::MAX_TEXT_BYTES
    pub witness: Option<String>,
}

/// Consecutive events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// The sequence number of the first of them.
    pub first: u64,
    /// The exact bytes of their leaves; 1 to [`MAX_EVENTS_IN_FLIGHT`].
    pub events: Vec<Vec<u8>>,
    /// The device key's signature over [`crate::event::head_statement`] after the last of them.
    pub head_signature: Option<[u8; 64]>,
}

/// How a bank is, for the platform's live map. Only the latest matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankStatus {
    /// Rises with every change since the controller started.
    pub version: u64,
    /// Its doors.
    pub doors: Vec<DoorStatus>,
    /// Its lock boards.
    pub boards: Vec<BoardStatus>,
    /// Whether it takes codes.
    pub keypad: Keypad,
    /// What is not as it should be, in stable words such as `no-tpm` or `disk-nearly-full`.
    pub warnings: Vec<String>,
    /// Lockdowns in force.
    pub lockdowns: Vec<LockdownShown>,
    /// The four states of every compartment.
    pub truth: Vec<Truth>,
    /// Signs of tampering that stand.
    pub tampers: Vec<(Source, Tamper)>,
    /// What it measures of itself; none before the first look.
    pub health: Option<Box<Health>>,
}

/// How one lock board is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardStatus {
    /// Which board.
    pub number: u8,
    /// Whether it answers.
    pub health: BoardHealth,
}

/// What a new bank shows to be let in, over a connection with its own client certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrol {
    /// The bank its enrolment token names.
    pub bank: BankId,
    /// The token's one-time secret.
    pub secret: [u8; 32],
    /// The Ed25519 key that will sign its chain heads.
    pub device_key: [u8; 32],
    /// That key's signature over [`crate::enrol::possession_statement`].
    pub possession: [u8; 64],
    /// How it is built.
    pub layout: Layout,
    /// Name and version of its software.
    pub software: String,
}

impl fmt::Debug for Enrol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Enrol({})", self.bank)
    }
}

coded! {
    quality_number, quality: TimeQuality = "clock quality" {
        0 TimeQuality::Degraded, 1 TimeQuality::Holdover, 2 TimeQuality::Trusted,
    }
}

coded! {
    sensed_number, sensed: Sensed = "door" { 1 Sensed::Closed, 2 Sensed::Open, 3 Sensed::Unknown, }
}

coded! {
    answer_number, answer: Answer = "answer" {
        1 Answer::Done, 2 Answer::TooLate, 3 Answer::NoSuchGrant, 4 Answer::Superseded,
        5 Answer::NoSuchCompartment, 6 Answer::Invalid,
        40 Answer::NotAllowed, 41 Answer::NeedsAnother, 42 Answer::NoSuchLockdown,
        20 Answer::Busy, 21 Answer::NotAuthorised, 22 Answer::NotPresent, 23 Answer::BreakerOpen,
        24 Answer::DoorUnavailable,
    }
}

impl FromBank {
    /// The frame of this message.
    pub fn encode(&self) -> Vec<u8> {
        let body = match self {
            Self::Hello(hello) => Body::Hello(hello_to(hello)),
            Self::Events(events) => Body::Events(proto::Events {
                first: events.first,
                events: events.events.clone(),
                head_signature: events.head_signature.map(|s| s.to_vec()).unwrap_or_default(),
            }),
            Self::Alarm { seq, event } => Body::Alarm(proto::Alarm { seq: *seq, event: event.clone() }),
            Self::Status(status) => Body::Status(status_to(status)),
            Self::Reply { command, answer } => Body::Reply(proto::Reply {
                command: command.to_bytes().to_vec(),
                answer: answer_number(*answer),
            }),
            Self::Ping { nonce } => Body::Ping(proto::Ping { nonce: *nonce }),
            Self::Witnessed(witnessed) => Body::Witnessed(witnessed_to(witnessed)),
            Self::Enrol(enrol) => Body::Enrol(proto::Enrol {
                bank: enrol.bank.to_bytes().to_vec(),
                secret: enrol.secret.to_vec(),
                device_key: enrol.device_key.to_vec(),
                possession: enrol.possession.to_vec(),
                layout: Some(layout_to(&enrol.layout)),
                software: enrol.software.clone(),
            }),
        };
        proto::FromBank { version: VERSION, body: Some(body) }.encode_to_vec()
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// The [`LinkError`] that says what is wrong with it.
    pub fn decode(frame: &[u8]) -> Result<Self, LinkError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(LinkError::FrameTooLong);
        }
        let message = proto::FromBank::decode(frame).map_err(|_| LinkError::Unreadable)?;
        if message.version != VERSION {
            return Err(LinkError::UnknownVersion(message.version));
        }
        match message.body.ok_or(LinkError::UnknownBody)? {
            Body::Hello(hello) => hello_from(hello).map(|h| Self::Hello(Box::new(h))),
            Body::Events(events) => events_from(events).map(Self::Events),
            Body::Alarm(alarm) => {
                leaf_length(&alarm.event)?;
                Ok(Self::Alarm { seq: alarm.seq, event: alarm.event })
            }
            Body::Status(status) => status_from(status).map(Self::Status),
            Body::Reply(reply) => {
                let command = CommandId::from_bytes(fixed(&reply.command, "command")?);
                Ok(Self::Reply { command, answer: answer(reply.answer)? })
            }
            Body::Ping(ping) => Ok(Self::Ping { nonce: ping.nonce }),
            Body::Witnessed(witnessed) => witnessed_from(witnessed).map(Self::Witnessed),
            Body::Enrol(enrol) => enrol_from(enrol).map(|e| Self::Enrol(Box::new(e))),
        }
    }
}

fn hello_to(hello: &Hello) -> proto::Hello {
    proto::Hello {
        bank: hello.bank.to_bytes().to_vec(),
        software: hello.software.clone(),
        boot: hello.boot,
        last_seq: hello.last_seq,
        acked_seq: hello.acked_seq,
        roster_revision: hello.roster_revision,
        layout: Some(layout_to(&hello.layout)),
        clock: hello.clock.unix_ms(),
        clock_quality: quality_number(hello.clock_quality),
        screens: hello.screens.into(),
        witness: hello.witness.clone().unwrap_or_default(),
    }
}

fn hello_from(hello: proto::Hello) -> Result<Hello, LinkError> {
    Ok(Hello {
        bank: BankId::from_bytes(fixed(&hello.bank, "bank")?),
        software: text(hello.software, "software")?,
        boot: hello.boot,
        last_seq: hello.last_seq,
        acked_seq: hello.acked_seq,
        roster_revision: hello.roster_revision,
        layout: layout_from(hello.layout)?,
        clock: WallTime::from_unix_ms(hello.clock),
        clock_quality: quality(hello.clock_quality)?,
        screens: small(hello.screens, "screens")?,
        witness: Some(text(hello.witness, "witness")?).filter(|key| !key.is_empty()),
    })
}

fn leaf_length(event: &[u8]) -> Result<(), LinkError> {
    if event.len() > MAX_LEAF_BYTES { Err(LinkError::TooLong("event")) } else { Ok(()) }
}

fn events_from(events: proto::Events) -> Result<Events, LinkError> {
    count(&events.events, MAX_EVENTS_IN_FLIGHT, "list of events")?;
    if events.events.is_empty() || events.first == 0 {
        return Err(LinkError::Invalid("list of events"));
    }
    for event in &events.events {
        leaf_length(event)?;
    }
    let head_signature = match events.head_signature.as_slice() {
        [] => None,
        signature => Some(fixed(signature, "head signature")?),
    };
    Ok(Events { first: events.first, events: events.events, head_signature })
}

fn status_to(status: &BankStatus) -> proto::Status {
    let (state, until) = match status.keypad {
        Keypad::Ready => (1, 0),
        Keypad::Paused(until) => (2, until.unix_ms()),
        Keypad::Closed(until) => (3, until.unix_ms()),
        Keypad::ClosedUntilReset => (4, 0),
    };
    let board = |b: &BoardStatus| proto::Board {
        number: b.number.into(),
        answering: b.health == BoardHealth::Answering,
    };
    proto::Status {
        version: status.version,
        doors: status.doors.iter().map(door_to).collect(),
        boards: status.boards.iter().map(board).collect(),
        keypad: Some(proto::Keypad { state, until }),
        warnings: status.warnings.clone(),
        lockdowns: guard::lockdowns_to(&status.lockdowns),
        truth: guard::truth_to(&status.truth),
        tampers: guard::tampers_to(&status.tampers),
        health: status.health.as_deref().map(health::health_to),
    }
}

fn status_from(status: proto::Status) -> Result<BankStatus, LinkError> {
    count(&status.doors, MAX_DOORS, "list of doors")?;
    count(&status.boards, MAX_BOARDS, "list of boards")?;
    count(&status.warnings, MAX_WARNINGS, "list of warnings")?;
    let board = |b: &proto::Board| {
        let health = if b.answering { BoardHealth::Answering } else { BoardHealth::Silent };
        Ok(BoardStatus { number: small(b.number, "board")?, health })
    };
    Ok(BankStatus {
        version: status.version,
        doors: status.doors.iter().map(door_from).collect::<Result<_, _>>()?,
        boards: status.boards.iter().map(board).collect::<Result<_, _>>()?,
        keypad: keypad(status.keypad.unwrap_or_default())?,
        lockdowns: guard::lockdowns_from(status.lockdowns)?,
        truth: guard::truth_from(status.truth)?,
        tampers: guard::tampers_from(&status.tampers)?,
        health: status.health.map(|health| health::health_from(health).map(Box::new)).transpose()?,
        warnings: status.warnings.into_iter().map(|w| text(w, "warning")).collect::<Result<_, _>>()?,
    })
}

const fn keypad(keypad: proto::Keypad) -> Result<Keypad, LinkError> {
    let until = WallTime::from_unix_ms(keypad.until);
    match keypad.state {
        1 => Ok(Keypad::Ready),
        2 => Ok(Keypad::Paused(until)),
        3 => Ok(Keypad::Closed(until)),
        4 => Ok(Keypad::ClosedUntilReset),
        _ => Err(LinkError::Invalid("keypad")),
    }
}

fn door_to(door: &DoorStatus) -> proto::Door {
    proto::Door {
        compartment: door.compartment.0.into(),
        sensed: sensed_number(door.sensed),
        occupied: door.occupied,
        out_of_service: outage_number(door.out_of_service),
        alarm: door.alarm,
    }
}

fn door_from(door: &proto::Door) -> Result<DoorStatus, LinkError> {
    Ok(DoorStatus {
        compartment: compartment(door.compartment)?,
        sensed: sensed(door.sensed)?,
        occupied: door.occupied,
        out_of_service: outage(door.out_of_service)?,
        alarm: door.alarm,
    })
}

fn enrol_from(enrol: proto::Enrol) -> Result<Enrol, LinkError> {
    Ok(Enrol {
        bank: BankId::from_bytes(fixed(&enrol.bank, "bank")?),
        secret: fixed(&enrol.secret, "secret")?,
        device_key: fixed(&enrol.device_key, "device key")?,
        possession: fixed(&enrol.possession, "proof of possession")?,
        layout: layout_so_far(enrol.layout)?,
        software: text(enrol.software, "software")?,
    })
}
