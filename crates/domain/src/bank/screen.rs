//! What the kiosk shows: a pure view of the engine, without any text. Texts are the kiosk's, in the person's language.

use alloc::string::String;
use alloc::vec::Vec;

use crate::budget::Keypad;
use crate::code::Code;
use crate::compartment::{CompartmentNo, Size};
use crate::event::Refusal;
use crate::id::PersonId;
use crate::lockdown::{Area, Cause, Exercise, Grade, LockdownNo};
use crate::signer::Challenge;
use crate::tamper::{Source, Tamper};

/// The kiosk as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Rises whenever the view changes.
    pub version: u64,
    /// What the bank is called.
    pub bank_name: String,
    /// Whom to call or where to go, in the operator's words; may be empty.
    pub help: String,
    /// The page.
    pub screen: Screen,
    /// A sentence above it about what just happened.
    pub notice: Option<Notice>,
    /// Doors with an alarm on them: forced, found open or held open.
    pub alarms: Vec<DoorAlarm>,
    /// Seconds until the session ends, once the kiosk asks whether somebody is still there.
    pub leaving_in_s: Option<u32>,
    /// Lockdowns in force.
    pub lockdowns: Vec<LockdownShown>,
    /// Signs of tampering that stand.
    pub tampers: Vec<(Source, Tamper)>,
    /// The compartment of which somebody is asked whether it is empty.
    pub asks: Option<CompartmentNo>,
    /// The courier at the open door may have gone: nothing but closing it counts.
    pub unattended: bool,
    /// What the home screen says to people who want a door opened from afar.
    pub remote: RemoteView,
    /// Whether this bank vouches for the platform's custody log; filled in by the caller, like the version.
    pub ledger: Vouching,
}

/// Whether a bank vouches for the platform's custody log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vouching {
    /// Nothing is held against it.
    #[default]
    Vouches,
    /// It does not continue what the bank cosigned.
    Refuses,
}

/// What a bank's screen says about keys and openings from afar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteView {
    /// What must be named to have a door opened from afar; changes every half minute.
    pub presence: Option<Code>,
    /// Whether two officers could answer a challenge.
    pub emergency: bool,
    /// New keys of staff that do not count yet.
    pub waiting_keys: u8,
}

/// A lockdown as screens show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockdownShown {
    /// Which one.
    pub lockdown: LockdownNo,
    /// What it is about.
    pub area: Area,
    /// How hard it is.
    pub grade: Grade,
    /// Why it began.
    pub cause: Cause,
    /// Whether it is meant.
    pub exercise: Exercise,
    /// Who began it, unless the bank itself did.
    pub owner: Option<PersonId>,
    /// Minutes until it ends by itself, rounded up.
    pub left_min: u64,
    /// The first of two people who agreed to end it.
    pub agreed: Option<PersonId>,
}

/// An alarm to show at the bank itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorAlarm {
    /// The door.
    pub compartment: CompartmentNo,
    /// What is wrong with it.
    pub kind: AlarmKind,
}

/// What is wrong with a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmKind {
    /// It opened without anybody having been let in, or was found open at start.
    Forced,
    /// It has been open for too long.
    HeldOpen,
}

/// One page of the kiosk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Keypad and camera.
    Home { keypad: Keypad },
    /// A code is being checked.
    Checking,
    /// The courier looks for a recipient.
    FindRecipient { carrier: String, query: String, matches: Vec<Match>, more: bool, delivered: u16 },
    /// Is this the right person?
    ConfirmRecipient { recipient: Match },
    /// How big is it?
    PickSize { recipient: Match, sizes: Vec<SizeChoice> },
    /// The door is about to open.
    Opening { compartment: CompartmentNo, task: Task },
    /// The door is open for a parcel to be put in.
    PlaceParcel { compartment: CompartmentNo, recipient: Match, can_go_bigger: bool },
    /// Close this door; then the bigger one opens, or the drop-off is cancelled.
    CloseFirst { compartment: CompartmentNo, then: Then },
    /// Done; another one?
    Deposited { compartment: CompartmentNo, recipient: Match, delivered: u16 },
    /// The door is open for the parcel to be taken.
    TakeParcel { compartment: CompartmentNo },
    /// Taken and closed.
    Collected { compartment: CompartmentNo },
    /// The door did not open and there is nothing more the kiosk can do; the parcel is safe.
    DidNotOpen { compartment: CompartmentNo, task: Task, can_retry: bool },
    /// Staff: lockdowns to end, one to begin, the siren to turn off while it sounds.
    Keeper { siren: Sounding },
    /// Staff: which door?
    ChooseDoor { doors: Vec<CompartmentNo>, task: Task },
    /// Emergency: this is to be signed by two officers, whose answers are then scanned or typed.
    Challenge { compartment: CompartmentNo, challenge: Challenge, answers: u8 },
    /// Staff have the door open.
    Inspecting { compartment: CompartmentNo },
    /// Staff have closed it again.
    Inspected { compartment: CompartmentNo },
    /// A weak badge was shown: now a code.
    SecondFactor,
    /// Now the badge that is to be enrolled.
    HoldBadge,
}

/// Whether the siren sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sounding {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// What the person is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Putting a parcel in.
    DropOff,
    /// Taking one out.
    Pickup,
    /// Looking inside, with the right to do so.
    Inspect,
    /// Working on doors.
    Repair,
    /// Getting in when nothing else is left.
    Emergency,
}

/// What happens once the door is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// A bigger compartment opens.
    Bigger,
    /// Back to the choice of recipient.
    Cancelled,
}

/// A recipient as shown to a courier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Whom to pick.
    pub person: PersonId,
    /// The unit, in full.
    pub unit: String,
    /// The name, masked.
    pub masked_name: String,
}

/// A size the courier may pick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeChoice {
    /// The size.
    pub size: Size,
    /// How many compartments of at least this size could be given.
    pub free: u16,
}

/// What just happened, in one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody was refused, and how many tries are left before a pause (for codes).
    Refused { reason: Refusal, tries_left: u8 },
    /// That door did not open; another one is given.
    TryingAnother { failed: CompartmentNo },
    /// The report was passed on.
    Reported,
    /// The drop-off was cancelled.
    Cancelled,
    /// No compartment that fits is free.
    NoSpace,
    /// The bank cannot record what it does, so it opens nothing.
    OutOfOrder,
    /// The answer was noted, with thanks.
    Thanks,
    /// A lockdown of the whole bank began.
    LockedDown,
    /// The lockdown has ended.
    Released,
    /// The lockdown ends once a second person agrees.
    ReleaseNeedsAnother,
    /// From now on this badge is known.
    BadgeEnrolled,
}
