//! Events of a bank: one fact each, past tense, without personal data. Their encoding lives in `wire::event`.

use crate::compartment::{CompartmentNo, OutOfService, Service, Size};
use crate::id::{CarrierId, GrantId, ParcelId, PersonId};
use crate::time::{TimeQuality, WallTime};

/// One fact a bank wrote to its journal and, in order and without gaps, to the custody log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Position in this bank's sequence, from 1.
    pub seq: u64,
    /// When, by the bank's clock.
    pub at: WallTime,
    /// What that time is worth.
    pub quality: TimeQuality,
    /// What happened.
    pub kind: EventKind,
}

/// The sequence number of the [`EventKind::OpeningIntended`] that an outcome belongs to.
pub type OpeningNo = u64;

/// What happened at a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The controller started for the `boot`-th time; `interrupted` openings were under way when it stopped.
    BankStarted { boot: u64, interrupted: u16 },
    /// The bank took over this revision of its roster.
    RosterTaken { revision: u64 },
    /// A courier proved who they are.
    CourierSignedIn { courier: PersonId, carrier: CarrierId },
    /// A compartment is about to be opened; durable before the lock moves.
    OpeningIntended { compartment: CompartmentNo, purpose: Purpose, attempt: u8 },
    /// Its door was seen to open.
    CompartmentOpened { compartment: CompartmentNo, opening: OpeningNo },
    /// Its door was not seen to open in time.
    CompartmentDidNotOpen { compartment: CompartmentNo, opening: OpeningNo, why: OpenFailure },
    /// Its door was seen closed again.
    CompartmentClosed { compartment: CompartmentNo },
    /// A door opened that nobody had authorised: an alarm.
    CompartmentForced { compartment: CompartmentNo },
    /// A door was already open when the controller started, and should not have been: an alarm.
    CompartmentFoundOpen { compartment: CompartmentNo },
    /// A door stayed open too long: an alarm.
    CompartmentHeldOpen { compartment: CompartmentNo },
    /// The parcel lies in the compartment; custody passed from the courier to the bank.
    ParcelDeposited(Deposit),
    /// The courier took the parcel back before closing, or asked for another compartment.
    DropOffCancelled { parcel: ParcelId, compartment: CompartmentNo, opening: OpeningNo },
    /// Custody passed from the bank to the recipient; the grant is used.
    ParcelCollected { parcel: ParcelId, compartment: CompartmentNo, grant: GrantId },
    /// A code for this grant is live, as asked by the platform.
    GrantArmed { grant: GrantId, generation: u8, expires: WallTime },
    /// The grant's time ended with the parcel still inside.
    GrantExpired { grant: GrantId, parcel: ParcelId },
    /// The grant was ended by the platform.
    GrantRevoked { grant: GrantId },
    /// Somebody was refused.
    AccessRefused { surface: Surface, reason: Refusal },
    /// The keypad stopped taking codes until this time: an alarm.
    KeypadClosed { until: Option<WallTime> },
    /// A person reopened the keypad.
    KeypadReset { by: PersonId },
    /// A compartment was taken out of service or put back, by a person where one is named.
    ServiceChanged { compartment: CompartmentNo, service: Service, by: Option<PersonId> },
    /// A lock board stopped answering: an alarm.
    BoardSilent { board: u8 },
    /// It answers again.
    BoardAnswers { board: u8 },
    /// The wall time moved forward by this much because the platform said so.
    ClockStepped { by_ms: i64 },
    /// Somebody at the kiosk said that something is wrong.
    ProblemReported { compartment: CompartmentNo, problem: Problem },
}

/// Why a compartment is opened, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A courier puts a parcel in.
    DropOff { parcel: ParcelId, recipient: PersonId, courier: PersonId, carrier: CarrierId, size: Size },
    /// The recipient takes a parcel out.
    Pickup { parcel: ParcelId, grant: GrantId, surface: Surface },
}

impl Purpose {
    /// The parcel this opening is about.
    pub const fn parcel(&self) -> ParcelId {
        match self {
            Self::DropOff { parcel, .. } | Self::Pickup { parcel, .. } => *parcel,
        }
    }
}

/// A completed drop-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// The parcel, named by the bank.
    pub parcel: ParcelId,
    /// The grant created with it, not yet armed.
    pub grant: GrantId,
    /// Where it lies.
    pub compartment: CompartmentNo,
    /// For whom.
    pub recipient: PersonId,
    /// By whom.
    pub courier: PersonId,
    /// On whose behalf.
    pub carrier: CarrierId,
    /// The size the courier chose.
    pub size: Size,
    /// When the grant ends unless the platform says otherwise.
    pub expires: WallTime,
}

/// Where somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A code typed at the kiosk.
    Keypad,
    /// A QR token shown to the camera or typed.
    Qr,
}

/// Why a door was not seen to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenFailure {
    /// The command never left, or too late to be obeyed.
    NotSent,
    /// The board refused it.
    Refused,
    /// The lock was pulsed, twice, and the door stayed closed.
    StayedClosed,
    /// The board stopped answering: nobody knows.
    Unknown,
}

/// Why somebody was refused. The person sees the same for all that would help a guesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// No live code at this bank: wrong, used, expired or of another bank.
    UnknownCode,
    /// The keypad is paused or closed.
    TooManyTries,
    /// The token's signature is not by a known issuer, or it is malformed.
    ForgedToken,
    /// The token is genuine but for another bank.
    OtherBank,
    /// The token's grant is used, replaced, expired or revoked.
    DeadToken,
    /// The compartment's lock board does not answer.
    DoorUnavailable,
    /// The door failed too often; staff must open it.
    DoorStuck,
    /// No free compartment fits.
    NoSpace,
    /// A request of the platform came after its deadline.
    TooLate,
}

/// What a person reported at the kiosk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nothing was inside.
    Empty,
    /// What was inside is not theirs.
    NotMine,
    /// The door does not close.
    DoesNotClose,
    /// The recipient was given a compartment that already held something.
    AlreadyFull,
}

/// How soon somebody must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Part of the day's work.
    Routine,
    /// Worth knowing: refusals, faults that solved themselves.
    Notice,
    /// Somebody must act now; overtakes routine events on the link.
    Alarm,
}

impl EventKind {
    /// How soon somebody must look at it.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::CompartmentForced { .. }
            | Self::CompartmentFoundOpen { .. }
            | Self::CompartmentHeldOpen { .. }
            | Self::KeypadClosed { .. }
            | Self::BoardSilent { .. }
            | Self::ServiceChanged {
                service: Service::Out(OutOfService::NeedsCheck | OutOfService::DidNotOpen),
                ..
            } => Severity::Alarm,
            Self::CompartmentDidNotOpen { .. }
            | Self::AccessRefused { .. }
            | Self::ProblemReported { .. }
            | Self::GrantExpired { .. }
            | Self::ServiceChanged { .. }
            | Self::ClockStepped { .. } => Severity::Notice,
            _ => Severity::Routine,
        }
    }

    /// The compartment it is about.
    pub const fn compartment(&self) -> Option<CompartmentNo> {
        match self {
            Self::OpeningIntended { compartment, .. }
            | Self::CompartmentOpened { compartment, .. }
            | Self::CompartmentDidNotOpen { compartment, .. }
            | Self::CompartmentClosed { compartment }
            | Self::CompartmentForced { compartment }
            | Self::CompartmentFoundOpen { compartment }
            | Self::CompartmentHeldOpen { compartment }
            | Self::DropOffCancelled { compartment, .. }
            | Self::ParcelCollected { compartment, .. }
            | Self::ServiceChanged { compartment, .. }
            | Self::ProblemReported { compartment, .. } => Some(*compartment),
            Self::ParcelDeposited(deposit) => Some(deposit.compartment),
            _ => None,
        }
    }
}
