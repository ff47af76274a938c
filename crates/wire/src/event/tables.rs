//! The numbers of every kind and field. A number, once released, is never used for anything else.
//!
//! `docs/reference/event-encoding.md` explains the form; these tables are the form.

use bailee_domain::access::{Permission, Role};
use bailee_domain::badge::Assurance;
use bailee_domain::commissioning::{LockFound, Part, PartState};
use bailee_domain::compartment::{CompartmentNo, OutOfService, Service, Size};
use bailee_domain::event::{
    Authority, Deposit, EventKind, Misconduct, OpenFailure, Problem, Purpose, Refusal, RemoteRefusal, Surface,
};
use bailee_domain::id::WorkOrderId;
use bailee_domain::id::{
    AlertId, BankId, CarrierId, CustodyId, FileId, GrantId, HoldId, MessageId, ParcelId, PersonId, TokenId,
};
use bailee_domain::lockdown::{Area, Cause, Exercise, Grade};
use bailee_domain::platform::{Actor, Channel, KeyHandOver, PlatformEventKind};
use bailee_domain::signer::KeyUse;
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::{TimeQuality, WallTime};
use bailee_domain::truth::{Doubt, Seen, Teller};

use super::field::{Field, Reader, Writer, nested, push};
use super::{EventError, Shown};
#[cfg(test)]
use crate::sample::Dice;

/// An enumeration without data: written as its number.
macro_rules! numbers {
    ($($ty:ident { $($number:literal $name:ident,)* })*) => {$(
        impl Field for $ty {
            fn put(&self, to: &mut Writer) {
                to.unsigned(match self { $(Self::$name => $number,)* });
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
                match from.unsigned()? {
                    $($number => Ok(Self::$name),)*
                    _ => Err(EventError::Malformed),
                }
            }

            fn show(&self, name: &str, into: &mut Vec<Shown>) {
                push(name, match self { $(Self::$name => stringify!($name),)* }, into);
            }

            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                dice.pick(&[$(Self::$name),*])
            }
        }
    )*};
}

/// A structure: written as a map of field numbers.
macro_rules! fields {
    ($ty:ident { $($key:literal $field:ident: $field_ty:ty,)* }) => {
        impl Field for $ty {
            fn put(&self, to: &mut Writer) {
                to.map(0 $(+ count!($field))*);
                $(to.unsigned($key); self.$field.put(to);)*
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
                from.map(0 $(+ count!($field))*)?;
                $(from.key($key)?; let $field = <$field_ty as Field>::take(from)?;)*
                Ok(Self { $($field),* })
            }

            fn show(&self, name: &str, into: &mut Vec<Shown>) {
                $(self.$field.show(&nested(name, stringify!($field)), into);)*
            }

            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                Self { $($field: <$field_ty as Field>::sample(dice)),* }
            }
        }
    };
}

macro_rules! count {
    ($field:ident) => {
        1
    };
}

/// An enumeration with data: written as `[number, value]`, where the value is a map of field numbers or, for a
/// variant in parentheses, the value inside.
macro_rules! variants {
    ($ty:ident {
        $($number:literal $name:ident
            $(($inner:ident: $inner_ty:ty))?
            $({ $($key:literal $field:ident: $field_ty:ty),* })?;)*
    }) => {
        impl Field for $ty {
            fn put(&self, to: &mut Writer) {
                to.array(2);
                match self {$(
                    Self::$name $(($inner))? $({ $($field),* })? => {
                        to.unsigned($number);
                        $($inner.put(to);)?
                        $(to.map(0 $(+ count!($field))*); $(to.unsigned($key); $field.put(to);)*)?
                    }
                )*}
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, EventError> {
                from.array(2)?;
                Ok(match from.unsigned()? {
                    $($number => {
                        $(Self::$name(<$inner_ty as Field>::take(from)?))?
                        $({
                            from.map(0 $(+ count!($field))*)?;
                            $(from.key($key)?; let $field = <$field_ty as Field>::take(from)?;)*
                            Self::$name { $($field),* }
                        })?
                    })*
                    _ => return Err(EventError::UnknownKind),
                })
            }

            fn show(&self, name: &str, into: &mut Vec<Shown>) {
                match self {$(
                    Self::$name $(($inner))? $({ $($field),* })? => {
                        push(if name.is_empty() { "kind" } else { name }, stringify!($name), into);
                        $($inner.show(&nested(name, stringify!($inner)), into);)?
                        $($($field.show(&nested(name, stringify!($field)), into);)*)?
                    }
                )*}
            }

            #[cfg(test)]
            const VARIANTS: &'static [(u64, &'static str)] = &[$(($number, stringify!($name))),*];

            #[cfg(test)]
            fn sample(dice: &mut Dice) -> Self {
                let makers: &[fn(&mut Dice) -> Self] = &[$(|_dice| {
                    $(Self::$name(<$inner_ty as Field>::sample(_dice)))?
                    $(Self::$name { $($field: <$field_ty as Field>::sample(_dice)),* })?
                }),*];
                dice.pick(makers)(dice)
            }
        }
    };
}

numbers! {
    TimeQuality { 0 Degraded, 1 Holdover, 2 Trusted, }
    Size { 1 Small, 2 Medium, 3 Large, 4 ExtraLarge, }
    OutOfService { 1 DidNotOpen, 2 NeedsCheck, 3 Forced, 4 ByHand, }
    Surface { 1 Keypad, 2 Qr, 3 Badge, 4 Remote, }
    OpenFailure { 1 NotSent, 2 Refused, 3 StayedClosed, 4 Unknown, }
    Refusal {
        1 UnknownCode, 2 TooManyTries, 3 ForgedToken, 4 OtherBank, 5 DeadToken, 6 DoorUnavailable, 7 DoorStuck,
        8 NoSpace, 9 TooLate, 40 LockedDown,
        20 UnknownBadge, 21 WeakBadge, 22 NothingHere, 23 BadResponse, 24 Occupied,
    }
    Problem { 1 Empty, 2 NotMine, 3 DoesNotClose, 4 AlreadyFull, }
    Channel { 1 Email, 2 Sms, }
    Grade { 1 Watch, 2 HoldRemote, 3 HoldZone, 4 HoldAll, }
    Exercise { 1 Real, 2 Drill, 3 HoldingDrill, }
    Cause {
        1 ByHand, 2 Forced, 3 Enclosure, 4 PrySwitch, 5 Impact, 6 Pry, 7 Tool, 8 SensorLost, 9 Reader, 10 Bus,
    }
    Tamper {
        1 Opened, 2 Lost, 3 Impact, 4 Pry, 5 Drill, 6 Saw, 7 Silent, 8 BadFrames, 9 Unsolicited, 10 Downgraded,
        11 CaseOpened, 12 Bouncing, 13 BothWays, 14 Crossed, 15 Unsteady, 16 StaysShut,
    }
    Doubt { 1 Missing, 2 Unexpected, 3 Interrupted, 4 Cancelled, }
    Seen { 1 Empty, 2 Full, 3 CannotTell, }
    RemoteRefusal { 1 NotAuthorised, 2 NotPresent, 3 BreakerOpen, 4 OutOfTime, 5 DoorUnavailable, }
    KeyUse { 1 Resident, 2 Administrator, 3 Officer, }
    Assurance { 1 Weak, 2 Strong, }
    Misconduct { 1 Fork, 2 Shrink, 3 Gap, }
    LockFound {
        1 Proved, 2 Crossed, 3 SensorDead, 4 Several, 5 SameDoor, 6 Inverted, 7 StayedClosed, 8 NotSent, 9 Refused,
        10 Unanswered, 11 Unused, 12 LeftOpen,
    }
    PartState { 1 Sound, 2 Faulty, 3 Absent, 4 Skipped, }
}

variants! { Area { 1 Door(number: CompartmentNo); 2 Zone(column: u16); 3 Bank {}; } }

variants! {
    Source {
        1 Enclosure(number: u8);
        2 PrySwitch(number: u8);
        3 Vibration(number: u8);
        4 Board(number: u8);
        5 Reader(number: u8);
        6 Bus(number: u8);
        7 Door(compartment: CompartmentNo);
    }
}

variants! {
    Part {
        1 Line(number: u8);
        2 Board(number: u8);
        3 Reader(number: u8);
        4 Enclosure(number: u8);
        5 PrySwitch(number: u8);
        6 Vibration(number: u8);
        7 Camera {};
        8 Clock {};
        9 Identity {};
        10 Tpm {};
        11 Supply {};
    }
}

variants! { Teller { 1 Kiosk {}; 2 Sensor {}; 3 Person(person: PersonId); } }

variants! { Service { 1 In {}; 2 Out(reason: OutOfService); } }

variants! { Actor { 1 Platform {}; 2 Person(person: PersonId); 3 Token(token: TokenId); 4 Bank(bank: BankId); 5 Anonymous {}; } }

variants! {
    Authority {
        1 Remote { 1 reason: [u8; 32] };
        2 Quorum { 1 second: PersonId, 2 reason: [u8; 32] };
        3 Override { 1 second: PersonId };
        4 WorkOrder { 1 order: WorkOrderId };
    }
}

variants! {
    Purpose {
        1 DropOff { 1 parcel: ParcelId, 2 recipient: PersonId, 3 courier: PersonId, 4 carrier: CarrierId, 5 size: Size };
        2 Pickup { 1 parcel: ParcelId, 2 grant: GrantId, 3 surface: Surface };
        3 Inspect { 1 by: PersonId, 2 authority: Authority };
    }
}

fields! {
    KeyHandOver {
        1 old: [u8; 32],
        2 new: [u8; 32],
        3 size: u64,
        4 root: [u8; 32],
        5 time_s: u64,
        6 signature: [u8; 64],
        7 possession: [u8; 64],
    }
}

fields! {
    Deposit {
        1 parcel: ParcelId,
        2 grant: GrantId,
        3 compartment: CompartmentNo,
        4 recipient: PersonId,
        5 courier: PersonId,
        6 carrier: CarrierId,
        7 size: Size,
        8 expires: WallTime,
    }
}

variants! {
    EventKind {
        1 BankStarted { 1 boot: u64, 2 interrupted: u16 };
        2 RosterTaken { 1 revision: u64 };
        3 CourierSignedIn { 1 courier: PersonId, 2 carrier: CarrierId };
        4 OpeningIntended { 1 compartment: CompartmentNo, 2 purpose: Purpose, 3 attempt: u8 };
        5 CompartmentOpened { 1 compartment: CompartmentNo, 2 opening: u64 };
        6 CompartmentDidNotOpen { 1 compartment: CompartmentNo, 2 opening: u64, 3 why: OpenFailure };
        7 CompartmentClosed { 1 compartment: CompartmentNo };
        8 CompartmentForced { 1 compartment: CompartmentNo };
        9 CompartmentFoundOpen { 1 compartment: CompartmentNo };
        10 CompartmentHeldOpen { 1 compartment: CompartmentNo };
        11 ParcelDeposited(deposit: Deposit);
        12 DropOffCancelled { 1 parcel: ParcelId, 2 compartment: CompartmentNo, 3 opening: u64 };
        13 ParcelCollected { 1 parcel: ParcelId, 2 compartment: CompartmentNo, 3 grant: GrantId };
        14 GrantArmed { 1 grant: GrantId, 2 generation: u8, 3 expires: WallTime };
        15 GrantExpired { 1 grant: GrantId, 2 parcel: ParcelId };
        16 GrantRevoked { 1 grant: GrantId };
        17 AccessRefused { 1 surface: Surface, 2 reason: Refusal };
        18 KeypadClosed { 1 until: Option<WallTime> };
        19 KeypadReset { 1 by: PersonId };
        20 ServiceChanged { 1 compartment: CompartmentNo, 2 service: Service, 3 by: Option<PersonId> };
        21 BoardSilent { 1 board: u8 };
        22 BoardAnswers { 1 board: u8 };
        23 ClockStepped { 1 by_ms: i64 };
        24 ProblemReported { 1 compartment: CompartmentNo, 2 problem: Problem };
        40 LockdownBegan {
            1 area: Area, 2 grade: Grade, 3 cause: Cause, 4 exercise: Exercise, 5 by: Option<PersonId>, 6 lasts_s: u64
        };
        41 LockdownChanged {
            1 lockdown: u64, 2 grade: Grade, 3 cause: Cause, 4 by: Option<PersonId>, 5 lasts_s: u64
        };
        42 LockdownReleaseAsked { 1 lockdown: u64, 2 by: PersonId };
        43 LockdownReleased { 1 lockdown: u64, 2 by: PersonId, 3 with: Option<PersonId> };
        44 LockdownExpired { 1 lockdown: u64 };
        45 TamperBegan { 1 source: Source, 2 tamper: Tamper };
        46 TamperContinued { 1 source: Source, 2 tamper: Tamper, 3 times: u64, 4 last_at: WallTime };
        47 TamperEnded { 1 source: Source, 2 tamper: Tamper, 3 times: u64, 4 last_at: WallTime };
        48 OccupancyDoubted { 1 compartment: CompartmentNo, 2 doubt: Doubt };
        49 OccupancyTold { 1 compartment: CompartmentNo, 2 seen: Seen, 3 teller: Teller };
        50 StaffSignedIn { 1 person: PersonId };
        51 SirenSilenced { 1 by: PersonId };
        60 RemoteOpeningRefused { 1 by: Option<PersonId>, 2 compartment: CompartmentNo, 3 reason: RemoteRefusal };
        61 KeyWaits { 1 person: PersonId, 2 key: [u8; 32], 3 used_for: KeyUse };
        62 KeyAdmitted {
            1 person: PersonId, 2 key: [u8; 32], 3 used_for: KeyUse, 4 by: PersonId, 5 second: Option<PersonId>
        };
        63 KeyRemoved { 1 person: PersonId, 2 key: [u8; 32], 3 used_for: KeyUse };
        64 OverrideAsked { 1 compartment: CompartmentNo };
        65 OverrideAnswered { 1 compartment: CompartmentNo, 2 by: PersonId };
        66 EnrolmentOffered { 1 person: PersonId, 2 expires: WallTime };
        67 BadgeEnrolled { 1 person: PersonId, 2 assurance: Assurance };
        68 BadgesForgotten { 1 person: PersonId };
        69 WorkOrderOpened { 1 order: WorkOrderId, 2 technician: PersonId, 3 expires: WallTime };
        70 WorkOrderClosed { 1 order: WorkOrderId };
        71 TechnicianSignedIn { 1 technician: PersonId, 2 order: WorkOrderId };
        80 RestoredDiskFound { 1 boot: u64 };
        81 BankResynchronised { 1 by: PersonId };
        90 LedgerRefused { 1 misconduct: Misconduct, 2 size: u64, 3 evidence: [u8; 32] };
        100 CommissioningBegan { 1 by: Option<PersonId>, 2 technician: [u8; 32], 3 only: Option<CompartmentNo> };
        101 LockTried { 1 board: u8, 2 channel: u8, 3 by: Option<PersonId> };
        102 LockAnswered { 1 trial: u64, 2 found: LockFound, 3 compartment: Option<CompartmentNo> };
        103 PartChecked { 1 part: Part, 2 state: PartState };
        104 BankCommissioned { 1 report: [u8; 32], 2 doors: u16, 3 faults: u16, 4 by: Option<PersonId> };
    }
}

variants! {
    PlatformEventKind {
        1 LogStarted {};
        2 AdministratorCreated { 1 person: PersonId, 2 details: [u8; 32] };
        3 SignedIn { 1 person: PersonId };
        4 SignInRefused {};
        5 PermissionDenied { 1 permission: Permission };
        6 PersonAdded { 1 person: PersonId, 2 role: Role, 3 details: [u8; 32] };
        7 PersonChanged { 1 person: PersonId, 2 details: [u8; 32] };
        8 PersonRemoved { 1 person: PersonId };
        9 PersonalDataRead { 1 person: PersonId };
        10 CarrierAdded { 1 carrier: CarrierId, 2 name: String };
        11 CourierCodeIssued { 1 courier: PersonId };
        12 EnrolmentOffered { 1 bank: BankId };
        13 BankEnrolled { 1 bank: BankId, 2 device_key: [u8; 32] };
        14 ChainHead { 1 bank: BankId, 2 seq: u64, 3 head: [u8; 32], 4 signature: [u8; 64] };
        15 BankOffline { 1 bank: BankId };
        16 BankOnline { 1 bank: BankId };
        17 CodeIssued { 1 grant: GrantId, 2 generation: u8 };
        18 NotificationSent { 1 message: MessageId, 2 person: PersonId, 3 channel: Channel };
        19 NotificationFailed { 1 message: MessageId, 2 person: PersonId, 3 channel: Channel };
        20 ParcelOverdue { 1 parcel: ParcelId };
        21 ParcelExtended { 1 parcel: ParcelId, 2 expires: WallTime };
        22 AlertAcknowledged { 1 alert: AlertId };
        23 SettingChanged { 1 what: String };
        24 TokenCreated { 1 token: TokenId };
        25 TokenRevoked { 1 token: TokenId };
        26 LogExported { 1 entries: u64 };
        27 BankOperationRequested { 1 bank: BankId, 2 what: String };
        28 EvidenceExported { 1 request: [u8; 32] };
        40 LegalHoldPlaced { 1 hold: HoldId, 2 person: Option<PersonId>, 3 parcel: Option<ParcelId>, 4 details: [u8; 32] };
        41 LegalHoldLifted { 1 hold: HoldId, 2 person: Option<PersonId>, 3 parcel: Option<ParcelId> };
        42 ErasureRefused { 1 person: PersonId };
        43 PersonErased { 1 person: PersonId, 2 reason: [u8; 32] };
        44 ErasureCompleted { 1 person: PersonId };
        45 FileAttached {
            1 file: FileId, 2 sha256: [u8; 32], 3 bank: BankId, 4 compartment: Option<CompartmentNo>,
            5 parcel: Option<ParcelId>, 6 alert: Option<AlertId>
        };
        46 FileDestroyed {
            1 file: FileId, 2 bank: BankId, 3 compartment: Option<CompartmentNo>, 4 parcel: Option<ParcelId>,
            5 alert: Option<AlertId>
        };
        60 KeyRegistered { 1 person: PersonId, 2 key: [u8; 32], 3 used_for: KeyUse };
        61 KeyWithdrawn { 1 person: PersonId, 2 key: [u8; 32], 3 used_for: KeyUse };
        62 InspectionPrepared { 1 bank: BankId, 2 compartment: CompartmentNo, 3 reason: [u8; 32] };
        63 BadgeCodeSent { 1 person: PersonId, 2 bank: BankId };
        64 BadgesRevoked { 1 person: PersonId };
        65 WorkOrderWritten { 1 order: WorkOrderId, 2 bank: BankId, 3 technician: PersonId, 4 details: [u8; 32] };
        66 WorkOrderFinished { 1 order: WorkOrderId, 2 bank: BankId, 3 details: [u8; 32] };
        67 WorkOrderOverdue { 1 order: WorkOrderId, 2 bank: BankId };
        70 KeySealed { 1 item: CustodyId, 2 bank: BankId, 3 seal: String };
        71 KeyReleaseAsked { 1 item: CustodyId, 2 bank: BankId, 3 reason: [u8; 32] };
        72 KeyReleased { 1 item: CustodyId, 2 bank: BankId, 3 first: PersonId, 4 until: WallTime };
        73 KeyReleaseDropped { 1 item: CustodyId, 2 bank: BankId };
        74 KeyReturned { 1 item: CustodyId, 2 bank: BankId, 3 seal: String };
        75 KeyOverdue { 1 item: CustodyId, 2 bank: BankId };
        76 KeyRetired { 1 item: CustodyId, 2 bank: BankId };
        77 OpenedWithoutRelease { 1 bank: BankId, 2 seq: u64 };
        90 WitnessRefused { 1 witness: String, 2 size: u64, 3 reason: String };
        91 BankChainBroken { 1 bank: BankId, 2 seq: Option<u64> };
        92 LedgerKeyRolled { 1 hand_over: KeyHandOver, 2 reason: [u8; 32] };
        93 WitnessNamed { 1 witness: String };
        100 HardwareRecorded { 1 bank: BankId, 2 details: [u8; 32] };
        101 BankAccepted { 1 bank: BankId };
        102 BankExcepted { 1 bank: BankId, 2 shortfalls: u16, 3 reason: [u8; 32] };
        103 BankWithdrawn { 1 bank: BankId };
    }
}
