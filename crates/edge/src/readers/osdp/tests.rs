//! The panel against scripted readers: what each misbehaviour is called. A whole reader is in `tests/readers_osdp.rs`.

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::frame::{Block, Direction, Draft, Head, Reading, read};
use super::panel::{News, Panel, Purpose};
use super::reply::Identity;
use super::secure::ReaderKey;
use super::talk::Talk;
use crate::readers::Condition;

const STEP: Duration = Duration::from_millis(10);

/// A line with one reader that answers as the closure says; time passes in steps.
struct Line {
    talk: Talk,
    rng: ChaCha20Rng,
    now: Duration,
    raised: Vec<Condition>,
    cleared: Vec<Condition>,
    badges: usize,
}

impl Line {
    fn new(purpose: Purpose) -> Self {
        let talk = Talk::new(vec![Panel::new(5, purpose)], 115_200);
        let rng = ChaCha20Rng::seed_from_u64(7);
        let (raised, cleared) = (Vec::new(), Vec::new());
        Self { talk, rng, now: Duration::ZERO, raised, cleared, badges: 0 }
    }

    fn run(&mut self, for_ms: u64, mut reader: impl FnMut(&[u8]) -> Vec<u8>) {
        let ends = self.now + Duration::from_millis(for_ms);
        while self.now < ends {
            self.now += STEP;
            if let Some(said) = self.talk.advance(self.now, &mut self.rng) {
                let heard = reader(&said[1..]);
                if !heard.is_empty() {
                    self.talk.hear(&heard, self.now);
                }
            }
            for news in self.talk.panels()[0].take_news() {
                match news {
                    News::Raised(condition) => self.raised.push(condition),
                    News::Cleared(condition) => self.cleared.push(condition),
                    News::Badge(_) => self.badges += 1,
                    _ => {}
                }
            }
        }
    }
}

fn serving() -> Purpose {
    Purpose::Serve(ReaderKey::new([7; 16]).unwrap(), Identity([1; 12]))
}

/// The reply with this code and data to a command.
fn reply(to: &[u8], block: Option<&Block>, code: u8, data: &[u8]) -> Vec<u8> {
    let Reading::Whole(command, _) = read(to) else { panic!("the controller says frames") };
    let head = Head { address: 5, direction: Direction::Reply, sequence: command.sequence };
    Draft::new(head, block, code, data).finish(None)
}

fn code_of(command: &[u8]) -> u8 {
    let Reading::Whole(command, _) = read(command) else { panic!("the controller says frames") };
    command.code
}

/// A reader that says what it is and can do, and answers a challenge with `answer`.
fn ordinary(level: u8, answer: impl Fn(&[u8]) -> Vec<u8>) -> impl FnMut(&[u8]) -> Vec<u8> {
    move |command| match code_of(command) {
        0x61 => reply(command, None, 0x45, &[1; 12]),
        0x62 => reply(command, None, 0x46, &[9, level, 1, 8, 1, 0]),
        _ => answer(command),
    }
}

#[test]
fn a_reader_that_says_nothing_is_silent_within_a_second() {
    let mut line = Line::new(serving());
    line.run(1_000, |_| Vec::new());
    assert_eq!(line.raised, [Condition::Silent]);
}

#[test]
fn a_reader_without_a_secure_channel_is_downgraded_and_not_served() {
    let mut line = Line::new(serving());
    line.run(2_000, ordinary(0, |_| panic!("nothing more is asked of it")));
    assert_eq!(line.raised, [Condition::Downgraded]);
    assert!(!line.talk.panels()[0].is_serving());
}

#[test]
fn a_reader_that_refuses_the_handshake_is_downgraded() {
    let mut line = Line::new(serving());
    line.run(2_000, ordinary(1, |command| reply(command, None, 0x41, &[5])));
    assert_eq!(line.raised, [Condition::Downgraded]);
}

#[test]
fn a_reader_with_another_key_is_named_and_never_served() {
    let mut line = Line::new(serving());
    let block = Block { kind: 0x12, data: vec![1] };
    line.run(5_000, ordinary(1, |command| reply(command, Some(&block), 0x76, &[3; 32])));
    assert_eq!(line.raised, [Condition::WrongKey]);
}

#[test]
fn a_badge_in_clear_is_an_alarm_and_no_badge() {
    let mut line = Line::new(serving());
    let raw = [0, 1, 26, 0, 0xBD, 0x88, 0xEB, 0x80];
    line.run(2_000, |command| reply(command, None, 0x50, &raw));
    assert_eq!((line.raised, line.badges), (vec![Condition::Downgraded], 0));
}

#[test]
fn a_second_controller_on_the_line_is_an_intruder() {
    let mut line = Line::new(serving());
    line.run(300, |command| {
        let head = Head { address: 5, direction: Direction::Command, sequence: 0 };
        // Its own echo first, as some adapters do: that is no intruder.
        let mut heard = command.to_vec();
        heard.extend(Draft::new(head, None, 0x60, &[]).finish(None));
        heard
    });
    assert!(line.raised.contains(&Condition::Intruder), "{:?}", line.raised);

    let mut echoing = Line::new(serving());
    echoing.run(300, <[u8]>::to_vec);
    assert!(!echoing.raised.contains(&Condition::Intruder), "{:?}", echoing.raised);
}

#[test]
fn noise_again_and_again_is_garbled_and_ends() {
    let mut line = Line::new(serving());
    line.run(3_000, |_| vec![0x53, 0x85, 0x08, 0, 0x06, 0x40, 0, 0]);
    assert!(line.raised.contains(&Condition::Garbled), "{:?}", line.raised);
    line.run(200_000, |_| Vec::new());
    assert!(line.cleared.contains(&Condition::Garbled));
}

#[test]
fn a_silent_reader_is_asked_more_and_more_rarely_but_within_half_a_minute() {
    let mut line = Line::new(serving());
    let mut asked = Vec::new();
    let mut now = 0_u64;
    line.run(300_000, |_| {
        asked.push(());
        Vec::new()
    });
    now += asked.len() as u64;
    // Three tries each time, at least every half minute.
    assert!((30..90).contains(&now), "{now}");
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_reader_may_say_anything(answers in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..300), 1..40)) {
            let mut line = Line::new(serving());
            let mut next = answers.iter().cycle();
            line.run(2_000, |_| next.next().cloned().unwrap_or_default());
            prop_assert_eq!(line.badges, 0);
        }

        #[test]
        fn a_reader_may_frame_anything(answers in proptest::collection::vec(
            (any::<u8>(), 0x11_u8..0x19, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..64)), 1..40)) {
            let mut line = Line::new(serving());
            let mut next = answers.iter().cycle();
            line.run(2_000, |command| {
                let Some((code, kind, secured, data)) = next.next() else { return Vec::new() };
                let block = secured.then(|| Block { kind: *kind, data: vec![1] });
                reply(command, block.as_ref(), *code, data)
            });
            prop_assert_eq!(line.badges, 0);
        }
    }
}
