//! Events of a bank: one fact each, past tense, without personal data. Their encoding lives in `wire::event`.

mod severity;

use crate::badge::Assurance;
use crate::commissioning::{LockFound, Part, PartState};
use crate::compartment::{CompartmentNo, Service, Size};
use crate::id::{CarrierId, GrantId, ParcelId, PersonId, WorkOrderId};
use crate::lockdown::{Area, Cause, Exercise, Grade, LockdownNo};
use crate::signer::KeyUse;
use crate::tamper::{Source, Tamper};
use crate::time::{TimeQuality, WallTime};
use crate::truth::{Doubt, Seen, Teller};

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
    /// A lockdown began, by a person where one is named, otherwise by policy: an alarm unless it is a drill.
    LockdownBegan {
        area: Area,
        grade: Grade,
        cause: Cause,
        exercise: Exercise,
        by: Option<PersonId>,
        lasts_s: u64,
    },
    /// A lockdown became harder or longer.
    LockdownChanged { lockdown: LockdownNo, grade: Grade, cause: Cause, by: Option<PersonId>, lasts_s: u64 },
    /// The first of two people agreed to end a lockdown.
    LockdownReleaseAsked { lockdown: LockdownNo, by: PersonId },
    /// People ended a lockdown; `with` was the first of two.
    LockdownReleased { lockdown: LockdownNo, by: PersonId, with: Option<PersonId> },
    /// A lockdown's time was over.
    LockdownExpired { lockdown: LockdownNo },
    /// A sign of tampering, or a sensor that is lost: an alarm.
    TamperBegan { source: Source, tamper: Tamper },
    /// It goes on: so many signs since it began, the latest then.
    TamperContinued { source: Source, tamper: Tamper, times: u64, last_at: WallTime },
    /// It is over.
    TamperEnded { source: Source, tamper: Tamper, times: u64, last_at: WallTime },
    /// What a compartment is believed to hold cannot be relied on.
    OccupancyDoubted { compartment: CompartmentNo, doubt: Doubt },
    /// Somebody looked inside, or a sensor did.
    OccupancyTold { compartment: CompartmentNo, seen: Seen, teller: Teller },
    /// A staff member proved who they are at the kiosk.
    StaffSignedIn { person: PersonId },
    /// Somebody who may has turned the siren off.
    SirenSilenced { by: PersonId },
    /// An opening from afar was refused; `by` is who signed for it, where the signature is genuine.
    RemoteOpeningRefused { by: Option<PersonId>, compartment: CompartmentNo, reason: RemoteRefusal },
    /// The platform brought a new key of staff that does not count yet: an alarm. `key` is its fingerprint.
    KeyWaits { person: PersonId, key: [u8; 32], used_for: KeyUse },
    /// Administrators signed for a new key of staff, which counts from now on.
    KeyAdmitted { person: PersonId, key: [u8; 32], used_for: KeyUse, by: PersonId, second: Option<PersonId> },
    /// A key of staff left the roster and counts no more.
    KeyRemoved { person: PersonId, key: [u8; 32], used_for: KeyUse },
    /// Somebody at the kiosk asked for an emergency opening of this compartment and was shown a challenge.
    OverrideAsked { compartment: CompartmentNo },
    /// An officer answered the challenge; a second one must follow.
    OverrideAnswered { compartment: CompartmentNo, by: PersonId },
    /// Somebody may enrol a badge at the kiosk until this time.
    EnrolmentOffered { person: PersonId, expires: WallTime },
    /// A badge was enrolled at the kiosk.
    BadgeEnrolled { person: PersonId, assurance: Assurance },
    /// Badges enrolled at the kiosk were forgotten.
    BadgesForgotten { person: PersonId },
    /// A technician may open the doors of this work order until this time.
    WorkOrderOpened { order: WorkOrderId, technician: PersonId, expires: WallTime },
    /// A work order ended.
    WorkOrderClosed { order: WorkOrderId },
    /// A technician proved who they are and found this work order open.
    TechnicianSignedIn { technician: PersonId, order: WorkOrderId },
    /// The platform's log, at this size, does not continue the one this bank vouched for: an alarm. `evidence` is the
    /// SHA-256 of both signed checkpoints, which the bank keeps.
    LedgerRefused { misconduct: Misconduct, size: u64, evidence: [u8; 32] },
    /// The controller started for the `boot`-th time from a disk that is not its newest: restored, cloned or moved. An
    /// alarm; nothing opens.
    RestoredDiskFound { boot: u64 },
    /// Somebody let the bank go on with such a disk: every grant it held is used, and all contents are in doubt.
    BankResynchronised { by: PersonId },
    /// A technician began to prove the bank's doors, or one of them; `technician` is a salted commitment to the name.
    CommissioningBegan { by: Option<PersonId>, technician: [u8; 32], only: Option<CompartmentNo> },
    /// A lock is about to be pulsed by the technician; durable before it moves.
    LockTried { board: u8, channel: u8, by: Option<PersonId> },
    /// What came of it; `trial` is the number of that event, `compartment` the number on the door that opened.
    LockAnswered { trial: u64, found: LockFound, compartment: Option<CompartmentNo> },
    /// Another part of the bank was looked at.
    PartChecked { part: Part, state: PartState },
    /// Commissioning ended: so many doors can be used, so many things are wrong. `report` is the SHA-256 of all of it.
    BankCommissioned { report: [u8; 32], doors: u16, faults: u16, by: Option<PersonId> },
}

/// What is wrong with a log that a witness refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misconduct {
    /// It signed two trees of one size.
    Fork,
    /// It is smaller than it was.
    Shrink,
    /// It can't show that it only grew.
    Gap,
}

/// Why a compartment is opened, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A courier puts a parcel in.
    DropOff { parcel: ParcelId, recipient: PersonId, courier: PersonId, carrier: CarrierId, size: Size },
    /// The recipient takes a parcel out.
    Pickup { parcel: ParcelId, grant: GrantId, surface: Surface },
    /// Staff look inside, empty it or repair it.
    Inspect { by: PersonId, authority: Authority },
}

/// What lets staff open a compartment that is not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// An administrator's own signature, with somebody at the bank. `reason` is a salted commitment to words.
    Remote { reason: [u8; 32] },
    /// The signatures of a quorum of administrators.
    Quorum { second: PersonId, reason: [u8; 32] },
    /// Two officers answered the challenge on the kiosk's screen.
    Override { second: PersonId },
    /// An open work order names the compartment.
    WorkOrder { order: WorkOrderId },
}

impl Purpose {
    /// The parcel this opening is about, unless it is about the compartment.
    pub const fn parcel(&self) -> Option<ParcelId> {
        match self {
            Self::DropOff { parcel, .. } | Self::Pickup { parcel, .. } => Some(*parcel),
            Self::Inspect { .. } => None,
        }
    }

    /// Whether the platform passed it on under one person's signature: what the breaker counts.
    pub const fn is_remote(&self) -> bool {
        matches!(
            self,
            Self::Pickup { surface: Surface::Remote, .. }
                | Self::Inspect { authority: Authority::Remote { .. }, .. }
        )
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
    /// A badge held to a reader.
    Badge,
    /// A request over the link, signed by the person.
    Remote,
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
    /// A lockdown holds the opening.
    LockedDown,
    /// No badge this bank knows.
    UnknownBadge,
    /// A badge anybody can copy, where that is not taken.
    WeakBadge,
    /// The person is known, and nothing here is for them.
    NothingHere,
    /// No officer's signature under the challenge shown.
    BadResponse,
    /// The compartment holds a parcel that is none of this person's business.
    Occupied,
}

/// Why an opening from afar was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemoteRefusal {
    /// A signature is missing, wrong, used before, or of a key that does not count here for this.
    NotAuthorised,
    /// The code is not on the bank's screen: nobody stands there.
    NotPresent,
    /// Three doors have been opened from afar within the hour.
    BreakerOpen,
    /// The statement's time is over, or further away than it may be.
    OutOfTime,
    /// The door cannot be opened now.
    DoorUnavailable,
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
