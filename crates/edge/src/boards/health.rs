//! Numbers about one bus: what wear, bad wiring and a dying power supply look like before anything fails.

use std::{collections::BTreeMap, time::Duration};

use super::{BoardAddress, DoorAddress};

/// Everything counted since the bus was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BusHealth {
    /// By board.
    pub boards: BTreeMap<BoardAddress, BoardNumbers>,
    /// By door that was ever ordered.
    pub doors: BTreeMap<DoorAddress, DoorNumbers>,
    /// Bytes heard that were no answer, whoever was asked.
    pub bad_frames: u64,
    /// How often the line was lost.
    pub line_losses: u64,
}

/// One board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoardNumbers {
    /// Frames sent to it.
    pub requests: u64,
    /// Good answers.
    pub answers: u64,
    /// Answers that never came.
    pub timeouts: u64,
    /// Answers that could not be used.
    pub bad_answers: u64,
    /// Whether it counts as cut off now.
    pub silent: bool,
}

/// One door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DoorNumbers {
    /// Unlock frames that left.
    pub pulses: u64,
    /// How often the door was then seen open.
    pub opened: u64,
    /// How often it was not, within ten seconds or before the next pulse.
    pub stayed_closed: u64,
    /// From the last bit of the frame to the poll that saw the door open, the latest time.
    pub latest: Option<Duration>,
    /// The mean of that over about the last sixteen openings; a spring that tires makes it grow.
    pub usual: Option<Duration>,
    /// The slowest ever.
    pub slowest: Option<Duration>,
}

impl DoorNumbers {
    pub(super) fn opened_after(&mut self, took: Duration) {
        self.opened += 1;
        self.latest = Some(took);
        self.slowest = self.slowest.max(Some(took));
        self.usual = Some(self.usual.map_or(took, |usual| (usual * 15 + took) / 16));
    }
}
