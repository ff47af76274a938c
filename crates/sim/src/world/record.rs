//! What a run leaves behind: a hash of everything that happened, and which rare things did.

use std::collections::BTreeMap;
use std::fmt;

use bailee_wire::event::chain_hash;

/// The trace of a run: each line is hashed onto the lines before it, so two runs are compared by 32 bytes.
#[derive(Debug, Default)]
pub struct Trace {
    hash: [u8; 32],
    lines: u64,
    tail: Vec<String>,
    kept: usize,
}

impl Trace {
    /// A trace that keeps its last `kept` lines for people to read.
    pub fn keeping(kept: usize) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Adds a line.
    pub fn line(&mut self, at_ms: u64, what: fmt::Arguments<'_>) {
        let line = format!("{:>10}.{:03} {what}", at_ms / 1_000, at_ms % 1_000);
        self.hash = chain_hash(&[&self.hash, line.as_bytes()].concat());
        self.lines += 1;
        if self.kept > 0 {
            if self.tail.len() >= 2 * self.kept {
                self.tail.drain(..self.kept);
            }
            self.tail.push(line);
        }
    }

    /// The hash of all lines so far.
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// How many lines there were.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// The last lines.
    pub fn tail(&self) -> &[String] {
        &self.tail[self.tail.len().saturating_sub(self.kept)..]
    }
}

macro_rules! sometimes {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Something that must happen sometimes over many runs, or the simulation tests less than it says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Sometimes {
            $($(#[$doc])* $name,)*
        }

        impl Sometimes {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

sometimes! {
    /// A parcel went in.
    Deposited,
    /// A parcel was taken out.
    Collected,
    /// A drop-off moved to a bigger compartment.
    WentBigger,
    /// A drop-off was cancelled with the door open.
    DropOffCancelled,
    /// A courier delivered several parcels in one session.
    NextParcel,
    /// No compartment was free.
    NoSpace,
    /// A pickup by QR token.
    TokenUsed,
    /// A used code was tried again.
    UsedCodeTried,
    /// A token was shown at another bank.
    TokenAtOtherBank,
    /// A wrong code was compared.
    Missed,
    /// The same wrong code came again.
    RepeatedMiss,
    /// The keypad paused.
    KeypadPaused,
    /// The keypad closed for the day.
    KeypadClosed,
    /// Staff reopened it.
    KeypadReset,
    /// A door was forced and an alarm recorded.
    Forced,
    /// A door was found open at a start.
    FoundOpen,
    /// A door stood open for too long.
    HeldOpen,
    /// A jammed lock: the door did not open.
    DidNotOpen,
    /// A second pulse was given.
    SecondPulse,
    /// A door let go late.
    LetGoLate,
    /// A sensor bounced.
    SensorBounced,
    /// A sensor lied.
    SensorLied,
    /// A board fell silent.
    BoardSilent,
    /// A board answered again.
    BoardBack,
    /// An order left too late and was not obeyed.
    NotSent,
    /// A board refused an order.
    OrderRefused,
    /// Nobody knows whether an order was obeyed.
    OutcomeUnknown,
    /// Power failed at a write.
    PowerCutAtWrite,
    /// Power failed at another moment.
    PowerCut,
    /// What was not synced was lost.
    UnsyncedLost,
    /// What was not synced survived.
    UnsyncedKept,
    /// Only the process died.
    ProcessDied,
    /// Power failed while an opening was under way.
    OpeningInterrupted,
    /// A write failed once.
    WriteFailed,
    /// The disk was full.
    DiskFull,
    /// The controller worked again after its disk had failed.
    Revived,
    /// A bank's clock was set a year ahead.
    ClockAhead,
    /// A bank's clock was set a year back.
    ClockBehind,
    /// The platform moved a bank's clock.
    ClockStepped,
    /// A connection broke.
    ConnectionCut,
    /// Frames under way were lost.
    FramesLost,
    /// A network was partitioned.
    Partitioned,
    /// A partition lasted for weeks.
    LongPartition,
    /// A parcel was dropped off or collected without network.
    WorkedOffline,
    /// A bank was noticed to be offline.
    NoticedOffline,
    /// The platform restarted.
    PlatformRestarted,
    /// The platform's store refused a batch.
    StoreRefused,
    /// The platform stored a batch and could not say so.
    StoredUnsaid,
    /// A sequencer's run ended in the middle.
    SequencerStopped,
    /// An alarm overtook other events.
    AlarmOvertook,
    /// A bank was asked the same twice.
    CommandRepeated,
    /// A request was not answered in time.
    RequestExpired,
    /// A grant expired in the bank.
    GrantExpired,
    /// An expired code was tried.
    ExpiredCodeTried,
    /// A grant was revoked.
    Revoked,
    /// A revoked code was tried.
    RevokedCodeTried,
    /// A new code was ordered.
    SentAgain,
    /// A replaced code was tried.
    ReplacedCodeTried,
    /// A parcel got more time.
    Extended,
    /// People changed and banks took a new roster.
    RosterChanged,
    /// A gateway refused a message for now.
    MessageRefused,
    /// A gateway took a message.
    MessageSent,
    /// A compartment was put back in service.
    PutBack,
    /// A bank cosigned the platform's log.
    Cosigned,
    /// Power failed while a bank remembered what it cosigns.
    CosigningCut,
    /// A bank noticed that the platform was put back, or went on differently.
    PutBackNoticed,
}

/// How often each thing happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Sometimes, u64>);

impl Tally {
    /// It happened.
    pub fn saw(&mut self, what: Sometimes) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(*what).or_default() += count;
        }
    }

    /// How often it happened.
    pub fn count(&self, what: Sometimes) -> u64 {
        self.0.get(&what).copied().unwrap_or(0)
    }

    /// What never happened.
    pub fn missing(&self) -> Vec<Sometimes> {
        Sometimes::ALL.iter().copied().filter(|what| self.count(*what) == 0).collect()
    }
}
