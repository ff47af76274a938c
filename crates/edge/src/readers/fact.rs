//! What readers tell the controller.

use bailee_domain::badge::BadgeShown;
use bailee_domain::tamper::Tamper;

/// A reader, by its number in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReaderNo(pub u8);

/// Something a reader saw, or something that is the matter with it.
#[derive(Clone, PartialEq, Eq)]
pub enum Fact {
    /// A badge was held to it; the number has already become a keyed MAC.
    Badge(BadgeShown),
    /// It read a text that is no badge: a QR token, if it is ours. At most [`super::scan::MOST_TEXT`] bytes.
    Text(ReaderNo, String),
    /// It read something that is no badge of a configured format.
    Unreadable(ReaderNo),
    /// A condition begins or ends.
    Condition(ReaderNo, Condition, Standing),
}

impl std::fmt::Debug for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Badge(badge) => write!(f, "Badge({})", badge.reader),
            Self::Text(reader, _) => write!(f, "Text({reader:?})"),
            Self::Unreadable(reader) => write!(f, "Unreadable({reader:?})"),
            Self::Condition(reader, condition, standing) => {
                write!(f, "Condition({reader:?}, {condition:?}, {standing:?})")
            }
        }
    }
}

/// Whether a condition begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It begins.
    Raised,
    /// It ends.
    Cleared,
}

/// What can be the matter with a reader. Each one is an alarm, and while it stands the others are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Its device can't be opened or was unplugged.
    Gone,
    /// It does not answer.
    Silent,
    /// Its secure channel broke.
    ChannelLost,
    /// It does without a secure channel, or sent a badge in clear.
    Downgraded,
    /// It holds another key than the one set at commissioning.
    WrongKey,
    /// It answers to the key everybody knows: somebody reset it.
    DefaultKey,
    /// No key was set at commissioning, so it is not used.
    Unkeyed,
    /// It is another device than the one commissioned.
    Swapped,
    /// Damaged frames come again and again.
    Garbled,
    /// Somebody else speaks on its line.
    Intruder,
    /// Its case was opened.
    Tampered,
    /// It reports a power failure.
    PowerFault,
    /// It reads more than a hand can hold to it; what it reads is dropped.
    Flooding,
    /// It types commands or control characters; what it says is dropped.
    Commanding,
}

/// Every condition, for tables and tests.
pub const CONDITIONS: [Condition; 14] = [
    Condition::Gone,
    Condition::Silent,
    Condition::ChannelLost,
    Condition::Downgraded,
    Condition::WrongKey,
    Condition::DefaultKey,
    Condition::Unkeyed,
    Condition::Swapped,
    Condition::Garbled,
    Condition::Intruder,
    Condition::Tampered,
    Condition::PowerFault,
    Condition::Flooding,
    Condition::Commanding,
];

impl Condition {
    /// Its name in warnings and documents.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Silent => "silent",
            Self::ChannelLost => "channel-lost",
            Self::Downgraded => "downgraded",
            Self::WrongKey => "wrong-key",
            Self::DefaultKey => "default-key",
            Self::Unkeyed => "unkeyed",
            Self::Swapped => "swapped",
            Self::Garbled => "garbled",
            Self::Intruder => "intruder",
            Self::Tampered => "tampered",
            Self::PowerFault => "power-fault",
            Self::Flooding => "flooding",
            Self::Commanding => "commanding",
        }
    }

    /// The sign of tampering it is to the engine.
    pub const fn tamper(self) -> Tamper {
        match self {
            Self::Gone | Self::PowerFault => Tamper::Lost,
            Self::Silent => Tamper::Silent,
            Self::ChannelLost
            | Self::Downgraded
            | Self::WrongKey
            | Self::DefaultKey
            | Self::Unkeyed
            | Self::Swapped => Tamper::Downgraded,
            Self::Garbled => Tamper::BadFrames,
            Self::Intruder | Self::Flooding | Self::Commanding => Tamper::Unsolicited,
            Self::Tampered => Tamper::CaseOpened,
        }
    }
}

/// How a reader shows a person what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Accepted: green, one long tone.
    Accepted,
    /// Refused: red, three short tones.
    Refused,
    /// Something more is needed, at the kiosk: amber, one short tone.
    MoreNeeded,
}
