//! Who speaks when on one OSDP line: one question at a time, each reader in its turn. No I/O.

use std::time::Duration;

use rand_core::CryptoRng;

use super::frame::{Direction, Frame, MAX_FRAME, Reading, meaningful, read};
use super::panel::{Heard, Panel};

/// A reader must begin its answer within this time (SIA OSDP 2.2, 5.7).
const REPLY_WITHIN: Duration = Duration::from_millis(200);
/// An answer that pauses longer is over.
const QUIET: Duration = Duration::from_millis(30);
/// No answer takes longer, whoever keeps the line busy.
const LONGEST_ANSWER: Duration = Duration::from_millis(900);
/// The line rests this long between an answer and the next question.
const TURNAROUND: Duration = Duration::from_millis(2);

struct Waiting {
    panel: usize,
    asked: Duration,
    begins_by: Duration,
    last_byte: Option<Duration>,
}

impl Waiting {
    fn ends(&self) -> Duration {
        match self.last_byte {
            None => self.begins_by,
            Some(last) => (last + QUIET).min(self.asked + LONGEST_ANSWER),
        }
    }
}

/// The talk on one line.
pub struct Talk {
    panels: Vec<Panel>,
    turn: usize,
    waiting: Option<Waiting>,
    free_at: Duration,
    byte_time: Duration,
    heard: Vec<u8>,
    said: Vec<u8>,
}

impl Talk {
    /// Readers with different addresses on a line of this speed.
    pub fn new(panels: Vec<Panel>, baud: u32) -> Self {
        let byte_time = Duration::from_secs(10) / baud.max(1);
        let (heard, said) = (Vec::new(), Vec::new());
        Self { panels, turn: 0, waiting: None, free_at: Duration::ZERO, byte_time, heard, said }
    }

    /// The readers, in the order they were given.
    pub fn panels(&mut self) -> &mut [Panel] {
        &mut self.panels
    }

    /// What to say now, if anything.
    pub fn advance(&mut self, now: Duration, rng: &mut dyn CryptoRng) -> Option<Vec<u8>> {
        if let Some(waiting) = &self.waiting {
            if now < waiting.ends() {
                return None;
            }
            self.give_up(now);
        }
        if now < self.free_at {
            return None;
        }
        let count = self.panels.len();
        for offset in 0..count {
            let index = (self.turn + offset) % count;
            if let Some(bytes) = self.panels[index].turn(now, rng) {
                self.turn = (index + 1) % count;
                self.said.clone_from(&bytes);
                let sending = self.byte_time * u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let begins_by = now + sending + REPLY_WITHIN;
                self.waiting = Some(Waiting { panel: index, asked: now, begins_by, last_byte: None });
                return Some(bytes);
            }
        }
        None
    }

    fn give_up(&mut self, now: Duration) {
        let Some(waiting) = self.waiting.take() else { return };
        let panel = &mut self.panels[waiting.panel];
        if !self.heard.is_empty() {
            panel.damaged(now);
        }
        self.heard.clear();
        panel.unanswered(now);
        self.free_at = now + TURNAROUND;
    }

    /// When [`Self::advance`] has something to do again.
    pub fn wakes_at(&self) -> Duration {
        let due = self.panels.iter().map(Panel::due).min().unwrap_or(Duration::MAX);
        self.waiting.as_ref().map_or(due.max(self.free_at), Waiting::ends)
    }

    /// Bytes came.
    pub fn hear(&mut self, bytes: &[u8], now: Duration) {
        if let Some(waiting) = &mut self.waiting {
            waiting.last_byte = Some(now);
        }
        // More than two frames' worth unread can't happen: every whole frame is taken out below.
        let room = (2 * MAX_FRAME).saturating_sub(self.heard.len());
        self.heard.extend(bytes.iter().take(room));
        let mut from = 0;
        loop {
            let rest = &self.heard[from..];
            if rest.is_empty() {
                break;
            }
            match read(rest) {
                Reading::More => break,
                Reading::Noise(count) => {
                    let says = meaningful(&rest[..count]) > 0;
                    from += count;
                    if says {
                        self.noise(now);
                    }
                }
                Reading::Bad(count) => {
                    from += count;
                    self.noise(now);
                }
                Reading::Whole(frame, count) => {
                    let echo = self.said.get(1..).is_some_and(|said| said == &rest[..count]);
                    from += count;
                    self.frame(&frame, echo, now);
                }
            }
        }
        self.heard.drain(..from);
    }

    fn frame(&mut self, frame: &Frame, echo: bool, now: Duration) {
        match (frame.direction, &self.waiting) {
            // Some adapters hear themselves.
            (Direction::Command, _) if echo => {}
            (Direction::Command, _) => self.panels.iter_mut().for_each(|panel| panel.stranger(now)),
            (Direction::Reply, Some(waiting)) => {
                if self.panels[waiting.panel].hear(frame, now) == Heard::Answer {
                    self.waiting = None;
                    self.free_at = now + TURNAROUND;
                }
            }
            (Direction::Reply, None) => self.noise(now),
        }
    }

    /// Something that is no frame: counted for the reader that has the line, or for all when nobody has it.
    fn noise(&mut self, now: Duration) {
        match &self.waiting {
            Some(waiting) => self.panels[waiting.panel].damaged(now),
            None => self.panels.iter_mut().for_each(|panel| panel.damaged(now)),
        }
    }

    /// The line is gone: whatever was asked stays unanswered.
    pub fn line_gone(&mut self, now: Duration) {
        self.waiting = None;
        self.heard.clear();
        self.panels.iter_mut().for_each(|panel| panel.line_gone(now));
    }
}
