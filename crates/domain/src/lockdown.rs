//! Lockdown: which openings are held, why, by whom and for how long; and who may end it.
//!
//! A lockdown inhibits openings. It never closes a door and never shortens what somebody is doing: who has a door
//! open finishes and closes it. The engine's part is in `bank::lockdown`.

use alloc::vec::Vec;

use crate::compartment::{Compartment, CompartmentNo};
use crate::event::{Authority, Purpose, Surface};
use crate::grant::Verifier;
use crate::id::PersonId;

/// The sequence number of the [`LockdownBegan`](crate::event::EventKind::LockdownBegan) that began it.
pub type LockdownNo = u64;

/// What a lockdown is about. A site's lockdown comes to each of its banks as one of the whole bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// One door.
    Door(CompartmentNo),
    /// One column of the cabinet front, by its number from 0.
    Zone(u16),
    /// The whole bank.
    Bank,
}

impl Area {
    /// Whether this compartment lies in it.
    pub fn contains(self, compartment: &Compartment) -> bool {
        match self {
            Self::Door(number) => compartment.number == number,
            Self::Zone(column) => compartment.column == column,
            Self::Bank => true,
        }
    }
}

/// How hard a lockdown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing is held; people are told and look.
    Watch,
    /// Nothing in the area is opened on the platform's word.
    HoldRemote,
    /// Nothing in the area opens.
    HoldZone,
    /// Nothing in the bank opens, whatever the area.
    HoldAll,
}

impl Grade {
    /// Every grade, mildest first.
    pub const ALL: [Self; 4] = [Self::Watch, Self::HoldRemote, Self::HoldZone, Self::HoldAll];

    /// The stable name used in forms, the API and the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::HoldRemote => "hold-remote",
            Self::HoldZone => "hold-zone",
            Self::HoldAll => "hold-all",
        }
    }

    /// The grade with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.name() == name)
    }
}

/// By which way an opening is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By somebody at the bank, with a code, a token or a badge.
    Local,
    /// By somebody elsewhere, through the platform.
    Remote,
    /// By the emergency procedure of two officers, which no lockdown holds: they may end it as well.
    Override,
}

impl Purpose {
    /// By which way this opening is asked for.
    pub const fn way(&self) -> Way {
        match self {
            Self::Pickup { surface: Surface::Remote, .. }
            | Self::Inspect { authority: Authority::Remote { .. } | Authority::Quorum { .. }, .. } => {
                Way::Remote
            }
            Self::Inspect { authority: Authority::Override { .. }, .. } => Way::Override,
            Self::DropOff { .. } | Self::Pickup { .. } | Self::Inspect { .. } => Way::Local,
        }
    }
}

/// Whether it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exercise {
    /// It is.
    Real,
    /// A drill that holds nothing, whatever its grade.
    Drill,
    /// A drill that holds what its grade says.
    HoldingDrill,
}

impl Exercise {
    /// Whether it is a drill of either kind.
    pub const fn is_drill(self) -> bool {
        matches!(self, Self::Drill | Self::HoldingDrill)
    }
}

/// Why a lockdown began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Somebody decided it.
    ByHand,
    /// A door opened that nobody had authorised.
    Forced,
    /// The enclosure was opened.
    Enclosure,
    /// A pry switch moved.
    PrySwitch,
    /// Repeated strong blows.
    Impact,
    /// Prying, as felt.
    Pry,
    /// A drill or a saw, as felt.
    Tool,
    /// A tamper sensor gives no reading any more.
    SensorLost,
    /// A reader was tampered with.
    Reader,
    /// A board or its line was tampered with.
    Bus,
}

impl Cause {
    /// Every cause that a policy may answer by itself.
    pub const AUTOMATIC: [Self; 9] = [
        Self::Forced,
        Self::Enclosure,
        Self::PrySwitch,
        Self::Impact,
        Self::Pry,
        Self::Tool,
        Self::SensorLost,
        Self::Reader,
        Self::Bus,
    ];

    /// The stable name used in forms, the API and the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByHand => "by-hand",
            Self::Forced => "forced",
            Self::Enclosure => "enclosure",
            Self::PrySwitch => "pry-switch",
            Self::Impact => "impact",
            Self::Pry => "pry",
            Self::Tool => "tool",
            Self::SensorLost => "sensor-lost",
            Self::Reader => "reader",
            Self::Bus => "bus",
        }
    }

    /// The automatic cause with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::AUTOMATIC.into_iter().find(|cause| cause.name() == name)
    }
}

/// A lockdown in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockdown {
    /// What it is about.
    pub area: Area,
    /// How hard it is.
    pub grade: Grade,
    /// Why it began.
    pub cause: Cause,
    /// Whether it is meant.
    pub exercise: Exercise,
    /// Who began it; the bank itself by its policy when nobody is named.
    pub owner: Option<PersonId>,
    /// Milliseconds of running time left when that was last written down. No clock can be set that changes it.
    pub left_ms: u64,
}

impl Lockdown {
    /// Whether it holds an opening of this compartment by this way.
    pub fn holds(&self, compartment: &Compartment, way: Way) -> bool {
        let here = self.area.contains(compartment);
        match (self.exercise, way, self.grade) {
            (Exercise::Drill, ..) | (_, Way::Override, _) | (_, _, Grade::Watch) => false,
            (_, _, Grade::HoldAll) => true,
            (_, _, Grade::HoldZone) => here,
            (_, way, Grade::HoldRemote) => here && way == Way::Remote,
        }
    }
}

/// A staff member who may end lockdowns, with what proves their personal code at the kiosk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// Who.
    pub person: PersonId,
    /// Proves the code; somebody without one acts in the portal only.
    pub verifier: Option<Verifier>,
}

/// What a bank does by itself about a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The cause.
    pub cause: Cause,
    /// How hard it locks down.
    pub grade: Grade,
    /// For how many seconds.
    pub lasts_s: u64,
}

/// Where lockdowns may be ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReleaseFrom {
    /// At the kiosk and in the portal.
    #[default]
    Anywhere,
    /// At the kiosk only: the platform cannot end one.
    Kiosk,
}

/// How many people must agree to end a lockdown that is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Releasers {
    /// One.
    #[default]
    One,
    /// Two different ones within a quarter of an hour.
    Two,
}

/// A site's policy about tampering and lockdown, as its banks know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// Who may end lockdowns.
    pub keepers: Vec<Keeper>,
    /// How many of them it takes.
    pub releasers: Releasers,
    /// Where they may.
    pub release_from: ReleaseFrom,
    /// What the bank does by itself.
    pub rules: Vec<Rule>,
    /// How long the siren sounds after an alarm of tampering, in seconds; 0 for never.
    pub siren_s: u64,
}

/// At most this many people on one bank's list of keepers.
pub const MAX_KEEPERS: usize = 200;
/// At most this many rules.
pub const MAX_RULES: usize = Cause::AUTOMATIC.len();
/// A lockdown lasts at least this long, in seconds.
pub const SHORTEST_S: u64 = 60;
/// A lockdown lasts at most this long, in seconds: a week.
pub const LONGEST_S: u64 = 7 * 86_400;
/// A drill lasts at most this long, in seconds.
pub const LONGEST_DRILL_S: u64 = 3_600;
/// The siren sounds at most this long, in seconds.
pub const LONGEST_SIREN_S: u64 = 900;

impl Default for Security {
    /// What a bank does whose site has decided nothing: it holds openings only for signs that no passer-by leaves.
    fn default() -> Self {
        let rule = |cause, grade, minutes: u64| Rule { cause, grade, lasts_s: minutes * 60 };
        Self {
            keepers: Vec::new(),
            releasers: Releasers::One,
            release_from: ReleaseFrom::Anywhere,
            rules: alloc::vec![
                rule(Cause::Forced, Grade::Watch, 30),
                rule(Cause::Enclosure, Grade::HoldAll, 60),
                rule(Cause::PrySwitch, Grade::HoldZone, 60),
                rule(Cause::Impact, Grade::Watch, 30),
                rule(Cause::Pry, Grade::HoldZone, 30),
                rule(Cause::Tool, Grade::HoldZone, 60),
                rule(Cause::SensorLost, Grade::Watch, 60),
                rule(Cause::Reader, Grade::Watch, 60),
                rule(Cause::Bus, Grade::HoldRemote, 60),
            ],
            siren_s: 180,
        }
    }
}

impl Security {
    /// Whether every number in it is within its bounds and no cause has two rules.
    pub fn is_sound(&self) -> bool {
        let sound = |rule: &Rule| {
            rule.cause != Cause::ByHand
                && (SHORTEST_S..=LONGEST_S).contains(&rule.lasts_s)
                && self.rules.iter().filter(|other| other.cause == rule.cause).count() == 1
        };
        self.keepers.len() <= MAX_KEEPERS
            && self.rules.len() <= MAX_RULES
            && self.rules.iter().all(sound)
            && self.siren_s <= LONGEST_SIREN_S
    }
}
