//! What goes into the engine and what comes out of it.

use alloc::vec::Vec;

use super::work_order::WorkOrder;
use crate::badge::{BadgePass, BadgeShown};
use crate::boot_tag::{BootTag, BootTags, TagRead};
use crate::code::Code;
use crate::compartment::{CompartmentNo, OutOfService, Sensed, Service, Size, Wiring};
use crate::event::{Event, Misconduct, Problem, Surface};
use crate::grant::Verifier;
use crate::id::{CommandId, GrantId, PersonId, WorkOrderId};
use crate::lockdown::{Area, Exercise, Grade, LockdownNo};
use crate::roster::Roster;
use crate::signer::{PersonKey, Proof, Signed, Statement};
use crate::tamper::{Felt, Sign, Source, SwitchState, Tamper};
use crate::time::{MonoTime, WallTime};
use crate::truth::{ItemSensed, Seen};

/// Something that happened at or to the bank.
#[expect(clippy::large_enum_variant, reason = "one lives at a time; a box at every match would help nobody")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time passed; see [`super::Bank::next_timeout`].
    Tick,
    /// Somebody touched the kiosk.
    Kiosk(Action),
    /// A QR token was read and its form and signature examined by the caller.
    Token(Result<TokenClaims, TokenFault>),
    /// The answer to an [`Output::Verify`].
    Verified { guess: u64, outcome: Verdict },
    /// A fresh reading of one door.
    Door { compartment: CompartmentNo, sensed: Sensed },
    /// How an [`Output::Unlock`] ended.
    Unlocked { ticket: u64, result: UnlockResult },
    /// A board stopped answering, or answers again.
    Board { board: u8, health: BoardHealth },
    /// The platform asks for something.
    Platform { command: CommandId, deadline: WallTime, request: Request },
    /// The platform's ledger holds this bank's events up to and including this sequence number.
    Acknowledged { up_to: u64 },
    /// The clock was moved forward on the platform's word.
    ClockStepped { by_ms: i64 },
    /// A tamper switch says something; said again at every start of the controller.
    Switch { source: Source, state: SwitchState },
    /// What an accelerometer felt, and where it sits.
    Vibration { sensor: u8, area: Area, felt: Felt },
    /// A board, a line or a reader gives a sign of tampering, or it is over.
    Tamper { source: Source, tamper: Tamper, sign: Sign },
    /// A reading of an item sensor.
    Item { compartment: CompartmentNo, item: ItemSensed },
    /// The bank's witness refused the platform's log and kept the evidence.
    LedgerRefused { misconduct: Misconduct, size: u64, evidence: [u8; 32] },
    /// The store of boot tags was read; see [`crate::boot_tag`].
    TagRead(TagRead),
    /// The store holds the tag of an [`Output::StoreTag`], durably.
    TagStored(BootTag),
    /// A badge was held to a reader.
    Badge(BadgeShown),
    /// The answer to an [`Output::CheckSignatures`].
    SignaturesChecked { check: u64, checked: Checked },
    /// An officer's answer to the challenge on the screen was scanned or typed: the first eight bytes of the officer's
    /// public key, and a signature.
    Response { key: [u8; 8], signature: [u8; 64] },
}

/// What came of checking signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The SHA-256 of the statement's bytes.
    pub digest: [u8; 32],
    /// For each signature in order, the authenticator's count if it is genuine (0 where there is no count).
    pub proven: Vec<Option<u32>>,
}

/// What somebody at the kiosk can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Eight digits were entered: a pickup code or a courier's personal code.
    EnterCode(Code),
    /// The courier typed this to find a recipient: a unit or a part of a name (at most 64 characters are read).
    Search(alloc::string::String),
    /// The courier picked this recipient from the matches.
    Pick(PersonId),
    /// The masked recipient shown is the right one.
    ConfirmRecipient,
    /// The parcel needs this size.
    PickSize(Size),
    /// It does not fit: another, bigger compartment.
    Bigger,
    /// Another parcel, same courier.
    NextParcel,
    /// Back one step.
    Back,
    /// Stop; with a door open, the parcel was taken back.
    Cancel,
    /// Something is wrong with the compartment just used.
    Report(Problem),
    /// The person is still there.
    StillHere,
    /// Leave: the session ends.
    Finish,
    /// The answer to "is it empty?".
    Seen(Seen),
    /// Staff: end this lockdown.
    Release(LockdownNo),
    /// Staff: hold every opening of this bank.
    LockDown,
    /// Staff: the siren has been heard.
    SilenceSiren,
    /// Start an emergency opening.
    Emergency,
    /// Open this door: of a work order, or in an emergency.
    ChooseDoor(CompartmentNo),
}

/// What a genuine QR token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenClaims {
    /// Whether the token names this bank.
    pub this_bank: bool,
    /// The grant it is for.
    pub grant: GrantId,
    /// Which code generation it was issued with.
    pub generation: u8,
    /// Not before this time.
    pub not_before: WallTime,
    /// Not at or after this time.
    pub expires: WallTime,
}

/// Why a token is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It looks like ours but is malformed or not signed by a known issuer.
    Forged,
}

/// The outcome of comparing a code with every candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this candidate's code.
    Match(Subject),
    /// It is nobody's.
    Miss,
    /// It is nobody's, and the same wrong code as in one of the last guesses.
    RepeatedMiss,
}

/// Whose code a verifier proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A pickup.
    Grant(GrantId),
    /// A courier.
    Courier(PersonId),
    /// A staff member who may end lockdowns.
    Keeper(PersonId),
    /// A person whose weak badge was shown.
    Pin(PersonId),
    /// A technician.
    WorkOrder(WorkOrderId),
    /// A person who may enrol a badge.
    Enrolment(PersonId),
}

/// One verifier to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Whose it is.
    pub subject: Subject,
    /// The keyed hash.
    pub verifier: Verifier,
}

/// How driving a lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlockResult {
    /// The board says the lock was pulsed.
    Pulsed,
    /// The board refused.
    Refused,
    /// The command was not sent.
    NotSent,
    /// The command was sent and nothing came back.
    Unknown,
}

/// Whether a board answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardHealth {
    /// It does.
    Answering,
    /// It does not.
    Silent,
}

/// What the platform may ask a bank. The bank decides.
#[expect(clippy::large_enum_variant, reason = "one lives at a time; a box at every match would help nobody")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Replace the roster by a newer one.
    TakeRoster(Roster),
    /// Make a code live for a grant, ending any earlier one.
    Arm { grant: GrantId, generation: u8, verifier: Verifier, expires: WallTime },
    /// End a grant.
    Revoke { grant: GrantId },
    /// Take a compartment out of service or put it back.
    SetService { compartment: CompartmentNo, service: Service, by: PersonId },
    /// Let the keypad take codes again.
    ResetKeypad { by: PersonId },
    /// Begin a lockdown, or make the one in force there harder or longer.
    LockDown { area: Area, grade: Grade, exercise: Exercise, lasts_s: u64, by: PersonId },
    /// End a lockdown.
    Release { lockdown: LockdownNo, by: PersonId },
    /// What somebody saw inside compartments on a round.
    TellSeen { by: PersonId, seen: Vec<(CompartmentNo, Seen)> },
    /// Turn the siren off.
    SilenceSiren { by: PersonId },
    /// Do what people have signed for.
    Signed(Signed),
    /// Let a technician open some doors for a time.
    OpenWorkOrder(WorkOrder),
    /// End a work order.
    CloseWorkOrder { order: WorkOrderId },
    /// Let a person enrol a badge at the kiosk with this code.
    OfferEnrolment { person: PersonId, verifier: Verifier, expires: WallTime },
    /// Forget the badges a person enrolled at the kiosk.
    ForgetBadges { person: PersonId },
    /// Go on with a disk that was found restored: every grant on it ends.
    Resynchronise { by: PersonId },
}

/// The bank's answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done, durably, or already done.
    Done,
    /// The deadline had passed.
    TooLate,
    /// The grant is unknown here, or its parcel has left.
    NoSuchGrant,
    /// A newer generation or revision is already in force.
    Superseded,
    /// No such compartment.
    NoSuchCompartment,
    /// The request breaks a bound (sizes, lengths, times).
    Invalid,
    /// The bank's policy does not let this person do that, or not from there.
    NotAllowed,
    /// Noted; a second person must agree.
    NeedsAnother,
    /// No such lockdown is in force.
    NoSuchLockdown,
    /// Another request or somebody at the kiosk is being served; ask again.
    Busy,
    /// A signature is missing, wrong, used before, or of a key that does not count here for this.
    NotAuthorised,
    /// The presence code is not the one on the screen.
    NotPresent,
    /// Too many openings from afar within the hour.
    BreakerOpen,
    /// The door cannot be opened now.
    DoorUnavailable,
}

/// What the caller must do, in order.
#[expect(clippy::large_enum_variant, reason = "one lives at a time; a box at every match would help nobody")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Append this to the journal. **It must be durable before any later output is looked at.**
    Record(Record),
    /// Stretch the code and compare it with every candidate in constant time; answer with [`Input::Verified`].
    Verify { guess: u64, code: Code, candidates: Vec<Candidate> },
    /// Drive one lock; answer with [`Input::Unlocked`]. After `deadline` it must not be driven any more.
    Unlock { ticket: u64, compartment: CompartmentNo, wiring: Wiring, deadline: MonoTime },
    /// Turn the siren on or off.
    Siren(Siren),
    /// Tell the platform.
    Reply { command: CommandId, answer: Answer },
    /// Put this tag into the store that no copy of the disk takes along; answer with [`Input::TagStored`], or read it
    /// again if that failed.
    StoreTag(BootTag),
    /// Check every signature under the statement; answer with [`Input::SignaturesChecked`].
    CheckSignatures { check: u64, statement: Statement, signatures: Vec<(PersonKey, Proof)> },
}

/// The siren.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Siren {
    /// It sounds.
    On,
    /// It is silent.
    Off,
}

/// What the engine writes. Its lasting state is exactly the fold of these, from nothing or from a snapshot of an
/// earlier fold, which the journal's keeper may put in place of all records before it.
#[expect(clippy::large_enum_variant, reason = "one lives at a time; a box at every match would help nobody")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A fact for the custody log.
    Event(Event),
    /// The roster taken, in full.
    Roster(Roster),
    /// The verifier that belongs to the [`EventKind::GrantArmed`](crate::event::EventKind::GrantArmed) after it.
    Armed { grant: GrantId, generation: u8, verifier: Verifier, expires: WallTime },
    /// A guess is about to be compared: a miss until refunded.
    GuessReserved { guess: u64, at: WallTime },
    /// A guess was right, or the same as the one before.
    GuessRefunded { guess: u64 },
    /// The platform holds the events up to here.
    Acknowledged { up_to: u64 },
    /// The latest time seen, so that a restart cannot go back before it.
    HighWater(WallTime),
    /// Lockdowns have been in force for so much longer; their time left is that much shorter.
    LockdownRan { ms: u64 },
    /// How long the controller has been running in all, in milliseconds.
    Powered { total_ms: u64 },
    /// A statement was obeyed: never again before it expires. With the keys that signed and their counts.
    Signed { digest: [u8; 32], expires: WallTime, keys: Vec<(PersonKey, u32)> },
    /// Administrators signed for this key.
    Admitted(PersonKey),
    /// What belongs to the [`EventKind::WorkOrderOpened`](crate::event::EventKind::WorkOrderOpened) after it.
    WorkOrder(WorkOrder),
    /// The code that belongs to the [`EventKind::EnrolmentOffered`](crate::event::EventKind::EnrolmentOffered) after it.
    Enrolment { person: PersonId, verifier: Verifier, expires: WallTime },
    /// A badge was enrolled at the kiosk.
    Badge(BadgePass),
    /// The tags of this start; `None` when the bank goes on without a store.
    BootTags(Option<BootTags>),
}

/// A door as the platform's live map shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorStatus {
    /// Which compartment.
    pub compartment: CompartmentNo,
    /// What the sensor says.
    pub sensed: Sensed,
    /// Whether it holds a parcel.
    pub occupied: bool,
    /// Whether it may be assigned.
    pub out_of_service: Option<OutOfService>,
    /// Whether an alarm stands on it.
    pub alarm: bool,
}

/// Where a refusal happened, for the log.
pub type RefusedAt = Surface;
