//! The controller's side of one OSDP reader, as a state machine without I/O.
//!
//! Every start goes: who are you, what can you do (both in clear, believed of nobody), handshake, then the same
//! questions *inside* the secure channel. Nothing a reader says outside it is ever taken for a badge. A reader that
//! fails any step rests, longer each time up to half a minute, and starts again from the beginning by itself.
//!
//! It must never use the default key but in [`Purpose::Commission`], and never repeat random bytes.

use std::collections::VecDeque;
use std::time::Duration;

use rand_core::CryptoRng;

use super::book::Book;
pub use super::book::News;
use super::frame::{Block, Direction, Draft, Frame, Head};
use super::reply::{Identity, Said};
use super::secure::{Handshake, Proven, ReaderKey, Session};
use super::step::{Sent, Step, Which};
use crate::readers::fact::{Condition, Feedback};

const POLL_EVERY: Duration = Duration::from_millis(50);
const BUSY_WAIT: Duration = Duration::from_millis(100);
/// How often one command is said before the reader counts as silent.
const TRIES: u8 = 3;
const MOST_BUSY: u8 = 50;
const FIRST_REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// A session is renewed after this long, because its MACs are short.
const SESSION_FOR: Duration = Duration::from_secs(24 * 3_600);
const MOST_FEEDBACK: usize = 4;

/// What a panel is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// Daily work, with the key and the device noted at commissioning.
    Serve(ReaderKey, Identity),
    /// Give this key to a reader that holds the default one, or find that it holds it already.
    Commission(ReaderKey),
}

/// What a frame was to the reader that has the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The answer it waited for: the line is free.
    Answer,
    /// Something else: the answer is still due.
    SomethingElse,
}

/// One reader.
pub struct Panel {
    address: u8,
    purpose: Purpose,
    step: Step,
    session: Option<Session>,
    since: Duration,
    sequence: u8,
    sent: Option<Sent>,
    due: Duration,
    rest: Duration,
    refused_own: Option<Condition>,
    book: Book,
    feedback: VecDeque<(u8, Vec<u8>)>,
}

impl Panel {
    /// A reader nobody has spoken to yet.
    pub fn new(address: u8, purpose: Purpose) -> Self {
        Self {
            address: address & 0x7F,
            purpose,
            step: Step::Identify,
            session: None,
            since: Duration::ZERO,
            sequence: 0,
            sent: None,
            due: Duration::ZERO,
            rest: FIRST_REST,
            refused_own: None,
            book: Book::new(),
            feedback: VecDeque::new(),
        }
    }

    /// Which reader it is.
    pub const fn address(&self) -> u8 {
        self.address
    }

    /// When it next wants the line.
    pub const fn due(&self) -> Duration {
        self.due
    }

    /// Whether badges of this reader are taken now.
    pub const fn is_serving(&self) -> bool {
        matches!(self.step, Step::Serve) && self.session.is_some()
    }

    /// What happened since the last call.
    pub fn take_news(&mut self) -> VecDeque<News> {
        self.book.take()
    }

    /// Shows something at the reader soon; what is too much is dropped.
    pub fn show(&mut self, feedback: Feedback) {
        if self.feedback.len() + 2 <= 2 * MOST_FEEDBACK {
            self.feedback.extend(super::show::commands(feedback));
        }
    }

    /// What to say now that the line is free; `None` when it is not this reader's turn.
    pub fn turn(&mut self, now: Duration, rng: &mut dyn CryptoRng) -> Option<Vec<u8>> {
        self.book.calm_down(now);
        if now < self.due {
            return None;
        }
        if let Some(sent) = &mut self.sent {
            sent.tries += 1;
            return Some(sent.bytes.clone());
        }
        if matches!(self.step, Step::Serve) && now.saturating_sub(self.since) > SESSION_FOR {
            self.start_over();
        }
        let (code, data, block) = self.command(rng);
        let bytes = self.lay_out(code, &data, block.as_ref());
        self.sent = Some(Sent { bytes: bytes.clone(), code, sequence: self.sequence, tries: 1, busy: 0 });
        Some(bytes)
    }

    fn command(&mut self, rng: &mut dyn CryptoRng) -> (u8, Vec<u8>, Option<Block>) {
        let handshake = |kind, which| {
            let key = if which == Which::Default { 0 } else { 1 };
            Some(Block { kind, data: vec![key] })
        };
        match &self.step {
            Step::Identify | Step::Confirm => (0x61, vec![0], None),
            Step::Capabilities => (0x62, vec![0], None),
            Step::Challenge(which) | Step::Answered(which, _) => {
                let which = *which;
                let mut ours = [0; 8];
                rng.fill_bytes(&mut ours);
                let begun = Handshake::begin(&self.key(which), ours);
                self.step = Step::Answered(which, Box::new(begun));
                (0x76, ours.to_vec(), handshake(0x11, which))
            }
            Step::Proven(which, proven) => (0x77, proven.cryptogram.to_vec(), handshake(0x13, *which)),
            Step::SetKey => {
                let mut data = vec![1, 16];
                data.extend(self.key(Which::Own).expose());
                (0x75, data, None)
            }
            Step::Status => (0x64, vec![], None),
            Step::Serve => match self.feedback.pop_front() {
                Some((code, data)) => (code, data, None),
                None => (0x60, vec![], None),
            },
        }
    }

    fn key(&self, which: Which) -> ReaderKey {
        let (Purpose::Serve(own, _) | Purpose::Commission(own)) = &self.purpose;
        match which {
            Which::Own => own.clone(),
            Which::Default => ReaderKey::known_to_everybody(),
        }
    }

    fn lay_out(&mut self, code: u8, data: &[u8], block: Option<&Block>) -> Vec<u8> {
        let head = Head { address: self.address, direction: Direction::Command, sequence: self.sequence };
        let Some(session) = &mut self.session else {
            return Draft::new(head, block, code, data).finish(None);
        };
        let kind = if data.is_empty() { 0x15 } else { 0x17 };
        let draft = Draft::new(head, Some(&Block { kind, data: vec![] }), code, &session.encrypt(data));
        let mac = session.seal(draft.covered());
        draft.finish(Some(mac))
    }

    /// A whole frame came from the line while this reader had it; whether it was the answer.
    pub fn hear(&mut self, frame: &Frame, now: Duration) -> Heard {
        let expected = frame.direction == Direction::Reply
            && frame.address == self.address
            && self.sent.as_ref().is_some_and(|sent| sent.sequence == frame.sequence || frame.code == 0x79);
        if !expected {
            self.damaged(now);
            return Heard::SomethingElse;
        }
        if frame.code == 0x79 && frame.mac.is_none() {
            self.wait_for_busy(now);
            return Heard::Answer;
        }
        match self.open(frame) {
            Ok(data) => self.take(frame.code, data, now),
            Err(condition) => self.fail(condition, now),
        }
        Heard::Answer
    }

    fn take(&mut self, code: u8, data: Vec<u8>, now: Duration) {
        let Some(sent) = self.sent.take() else { return };
        self.sequence = self.sequence % 3 + 1;
        self.due = now;
        self.answer(sent.code, &Said::of(code, data), now);
    }

    /// Checks a reply against the secure channel as it stands.
    fn open(&mut self, frame: &Frame) -> Result<Vec<u8>, Condition> {
        let Some(session) = &mut self.session else {
            return match frame.mac {
                None if Said::is_about_badges(frame.code) => Err(Condition::Downgraded),
                None => Ok(frame.data.clone()),
                Some(_) => Err(Condition::ChannelLost),
            };
        };
        let Some((tag, covered)) = &frame.mac else {
            let keyed = matches!(self.step, Step::SetKey) && frame.code == 0x40;
            return match frame.code {
                // Some readers drop the session with the old key before they acknowledge the new one.
                0x40 if keyed => Ok(Vec::new()),
                0x41 => Err(Condition::ChannelLost),
                _ => Err(Condition::Downgraded),
            };
        };
        session.check(covered, tag).map_err(|_| Condition::ChannelLost)?;
        match frame.block.as_ref().map(|block| block.kind) {
            Some(0x18) => session.decrypt(&frame.data).map_err(|_| Condition::ChannelLost),
            Some(0x16) => Ok(frame.data.clone()),
            _ => Err(Condition::ChannelLost),
        }
    }

    fn answer(&mut self, code: u8, said: &Said, now: Duration) {
        match std::mem::replace(&mut self.step, Step::Identify) {
            Step::Identify => match said {
                Said::Identity(_) => self.step = Step::Capabilities,
                _ => self.fail(Condition::Garbled, now),
            },
            Step::Capabilities => match said {
                Said::Capabilities { secure: true } => self.step = Step::Challenge(self.first_key()),
                Said::Capabilities { secure: false } => self.fail(Condition::Downgraded, now),
                _ => self.fail(Condition::Garbled, now),
            },
            Step::Challenge(_) => self.fail(Condition::Garbled, now),
            Step::Answered(which, handshake) => self.answered(which, *handshake, said, now),
            Step::Proven(which, proven) => self.confirmed(which, *proven, said, now),
            Step::SetKey => self.key_set(said, now),
            Step::Confirm => self.identified(said, now),
            Step::Status => self.serve(said, now),
            Step::Serve => self.served(code, said, now),
        }
    }

    fn first_key(&self) -> Which {
        if self.refused_own.is_some() { Which::Default } else { Which::Own }
    }

    fn answered(&mut self, which: Which, handshake: Handshake, said: &Said, now: Duration) {
        let proven = match said {
            Said::Cryptogram(answer) => handshake.answer(answer).map_err(|_| Condition::WrongKey),
            _ => Err(Condition::Downgraded),
        };
        match (which, proven, &self.purpose) {
            // It answers to the key everybody knows: no more is asked of it.
            (Which::Default, Ok(_), Purpose::Serve(..)) => {
                self.refused_own = None;
                self.fail(Condition::DefaultKey, now);
            }
            (_, Ok(proven), _) => self.step = Step::Proven(which, Box::new(proven)),
            // The alarm does not wait for the second question, which only tells whether it was reset.
            (Which::Own, Err(condition), purpose) => {
                if matches!(purpose, Purpose::Serve(..)) {
                    self.book.raise(condition);
                }
                self.refused_own = Some(condition);
                self.start_over();
                self.due = now;
            }
            (Which::Default, Err(_), _) => {
                let condition = self.refused_own.take().unwrap_or(Condition::WrongKey);
                self.fail(condition, now);
            }
        }
    }

    fn confirmed(&mut self, which: Which, proven: Proven, said: &Said, now: Duration) {
        let session = match said {
            Said::FirstMac(mac) => proven.confirm(mac),
            _ => return self.fail(Condition::WrongKey, now),
        };
        let Ok(session) = session else { return self.fail(Condition::WrongKey, now) };
        (self.session, self.since, self.refused_own) = (Some(session), now, None);
        self.step = match which {
            Which::Own => Step::Confirm,
            Which::Default => Step::SetKey,
        };
    }

    fn key_set(&mut self, said: &Said, now: Duration) {
        if *said == Said::Done {
            self.start_over();
            self.due = now;
        } else {
            self.fail(Condition::WrongKey, now);
        }
    }

    fn identified(&mut self, said: &Said, now: Duration) {
        let Said::Identity(identity) = *said else { return self.fail(Condition::ChannelLost, now) };
        match &self.purpose {
            Purpose::Serve(_, noted) if *noted != identity => return self.fail(Condition::Swapped, now),
            Purpose::Serve(..) => self.book.tell(News::Ready(identity)),
            Purpose::Commission(_) => self.book.tell(News::Keyed(identity)),
        }
        self.step = Step::Status;
    }

    fn serve(&mut self, said: &Said, now: Duration) {
        self.step = Step::Serve;
        self.rest = FIRST_REST;
        let over = [
            Condition::Gone,
            Condition::Silent,
            Condition::ChannelLost,
            Condition::Downgraded,
            Condition::WrongKey,
            Condition::DefaultKey,
            Condition::Swapped,
        ];
        over.into_iter().for_each(|condition| self.book.clear(condition));
        self.served(0x64, said, now);
    }

    fn served(&mut self, code: u8, said: &Said, now: Duration) {
        self.step = Step::Serve;
        self.due = if code == 0x60 { now + POLL_EVERY } else { now };
        match said {
            Said::Badge(badge) => self.book.tell(News::Badge(badge.clone())),
            Said::Keys(keys) => self.book.tell(News::Keys(keys.clone())),
            Said::Local { tamper, power } => {
                self.book.set(Condition::Tampered, *tamper);
                self.book.set(Condition::PowerFault, *power);
            }
            Said::Malformed => self.damaged(now),
            _ => {}
        }
    }

    /// Nothing, or nothing whole, came in time.
    pub fn unanswered(&mut self, now: Duration) {
        match &self.sent {
            Some(sent) if sent.tries < TRIES => self.due = now,
            _ => self.fail(Condition::Silent, now),
        }
    }

    /// The line itself is gone.
    pub fn line_gone(&mut self, now: Duration) {
        self.fail(Condition::Gone, now);
        self.due = now;
    }

    /// Something came that is no answer to what was said.
    pub fn damaged(&mut self, now: Duration) {
        self.book.damaged(now);
    }

    /// A command was heard on the line that this controller did not give.
    pub fn stranger(&mut self, now: Duration) {
        self.book.stranger(now);
    }

    fn wait_for_busy(&mut self, now: Duration) {
        let Some(sent) = &mut self.sent else { return };
        sent.busy += 1;
        sent.tries = 0;
        if sent.busy > MOST_BUSY {
            return self.fail(Condition::Silent, now);
        }
        self.due = now + BUSY_WAIT;
    }

    /// Ends whatever stands and rests before the next start.
    fn fail(&mut self, condition: Condition, now: Duration) {
        self.book.raise(condition);
        self.start_over();
        self.due = now + self.rest;
        self.rest = (self.rest * 2).min(LONGEST_REST);
    }

    fn start_over(&mut self) {
        self.session = None;
        self.sent = None;
        self.sequence = 0;
        self.step = Step::Identify;
        self.feedback.clear();
    }
}
