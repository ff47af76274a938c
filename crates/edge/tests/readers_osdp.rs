//! Our side of OSDP against libosdp's reader over a pseudo terminal: a badge comes through the secure channel, and
//! every way of doing without it ends in a named condition.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "readers/peer.rs"]
mod peer;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use bailee_domain::badge::{Assurance, BadgeKind};
use bailee_edge::clock::Clocks;
use bailee_edge::readers::config::ReadersConfig;
use bailee_edge::readers::osdp::bus::LineSettings;
use bailee_edge::readers::osdp::commission::{CommissionError, commission};
use bailee_edge::readers::osdp::reply::Identity;
use bailee_edge::readers::osdp::secure::ReaderKey;
use bailee_edge::readers::store::{ReaderKeys, State};
use bailee_edge::readers::wiegand::{CardFormat, Number};
use bailee_edge::readers::{
    Condition, Fact, Feedback, Needs, ReaderNo, Readers, Standing, commission_reader,
};
use bailee_vault::badge::BadgeKey;
use bailee_vault::code::BankCodeKey;
use bailee_vault::kek::FileKek;
use bailee_vault::stretch::Cost;
use bailee_vault::{OsRandom, Secret};
use libosdp::OsdpCommand;
use peer::{Made, Peer, Recording};

const KEY: [u8; 16] = [0x5A; 16];
const PATIENCE: Duration = Duration::from_secs(20);

fn badge_key() -> BadgeKey {
    let (tenant, bank, salt) = ([1; 16], [2; 16], [3; 16]);
    let key = Secret::new([4; 32]);
    BadgeKey::of(&BankCodeKey { tenant, bank, epoch: 1, key, salt, cost: Cost::SIMULATION })
}

fn config(path: &Path) -> ReadersConfig {
    let text = format!(
        "[[osdp]]\npath = \"{}\"\nbaud = 115200\n[[osdp.reader]]\nnumber = 1\naddress = 5\ncards = [\"H10301\"]\n",
        path.display()
    );
    let config: ReadersConfig = toml::from_str(&text).unwrap();
    config.check().unwrap();
    config
}

/// A controller's readers, and what they say.
struct Desk {
    readers: Readers,
    facts: Receiver<Fact>,
}

impl Desk {
    fn start(path: &Path, keys: ReaderKeys) -> Self {
        let (sender, facts) = mpsc::sync_channel(1_000);
        let sink = Arc::new(move |fact| {
            sender.try_send(fact).map_err(|error| match error {
                mpsc::TrySendError::Full(fact) | mpsc::TrySendError::Disconnected(fact) => fact,
            })
        });
        let needs = Needs { key: Arc::new(badge_key()), keys, clocks: Clocks::start(), sink };
        Self { readers: Readers::start(&config(path), &needs).unwrap(), facts }
    }

    fn next(&self) -> Fact {
        self.facts.recv_timeout(PATIENCE).expect("something is said in time")
    }

    /// Waits for a condition to be raised or cleared; anything else but other conditions is wrong.
    fn wait_for(&self, condition: Condition, standing: Standing) {
        loop {
            match self.next() {
                Fact::Condition(ReaderNo(1), said, how) if (said, how) == (condition, standing) => return,
                Fact::Condition(..) => {}
                other => panic!("{other:?} while waiting for {condition:?}"),
            }
        }
    }
}

fn made(key: Option<[u8; 16]>) -> Made {
    Made { key, serial: 9 }
}

/// What the peer says it is: libosdp's vendor, model and version, our serial number.
fn identity(peer: &Peer) -> Identity {
    // A technician's question with the right key tells it; the reader must hold KEY.
    let line = LineSettings { path: peer.path().to_owned(), baud: 115_200 };
    let key = ReaderKey::new(KEY).unwrap();
    commission(line, 5, key, PATIENCE, Clocks::start(), Box::new(OsRandom)).unwrap()
}

fn keys(identity: Identity) -> ReaderKeys {
    let mut keys = ReaderKeys::default();
    keys.note(ReaderNo(1), ReaderKey::new(KEY).unwrap(), State::Set(identity));
    keys
}

fn served() -> (Peer, Desk) {
    let peer = Peer::start(made(Some(KEY)));
    let desk = Desk::start(peer.path(), keys(identity(&peer)));
    (peer, desk)
}

/// Holds this badge of facility 123 to the reader and checks what the controller makes of it.
fn holds_badge(card: u64, peer: &Peer, desk: &Desk) {
    let number = Number::of(CardFormat::H10301, 123, card).unwrap();
    let (bits, data) = number.encode();
    peer.badge(bits, &data);
    let badge = loop {
        match desk.next() {
            Fact::Badge(badge) => break badge,
            Fact::Condition(_, _, Standing::Cleared) => {}
            other => panic!("{other:?} instead of a badge"),
        }
    };
    assert_eq!(badge.mac, badge_key().mac("wiegand-26", &number.bytes()));
    assert_eq!((badge.reader, badge.kind, badge.assurance), (1, BadgeKind::Identifier, Assurance::Weak));
}

#[test]
fn a_badge_comes_through_the_secure_channel_and_the_reader_shows_it() {
    let (peer, desk) = served();
    holds_badge(4567, &peer, &desk);
    desk.readers.show(ReaderNo(1), Feedback::Accepted);
    let mut shown = Vec::new();
    while shown.len() < 2 {
        match peer.shown.recv_timeout(PATIENCE).unwrap() {
            // The question whether its case is open.
            OsdpCommand::Status(_) => {}
            command => shown.push(command),
        }
    }
    assert!(matches!(&shown[0], OsdpCommand::Led(_)), "{shown:?}");
    assert!(matches!(&shown[1], OsdpCommand::Buzzer(_)), "{shown:?}");
}

#[test]
fn nothing_of_a_badge_is_on_the_line_in_clear() {
    let (peer, desk) = served();
    holds_badge(4567, &peer, &desk);
    let heard = peer.heard.lock().unwrap().clone();
    assert!(!heard.windows(3).any(|bytes| bytes == [0xBD, 0x88, 0xEB]));
    assert!(!heard.windows(16).any(|bytes| bytes == KEY));
}

#[test]
fn a_key_is_set_once_and_the_default_key_is_refused_ever_after() {
    let dir = tempfile::tempdir().unwrap();
    let kek = FileKek::create(&dir.path().join("kek"), &mut OsRandom).unwrap();
    let peer = Peer::start(made(None));
    let noted = commission_reader(&config(peer.path()), ReaderNo(1), dir.path(), &kek, Clocks::start());
    assert!(noted.unwrap().to_string().ends_with("serial 151587081"));
    let given = peer.keys.lock().unwrap().clone();
    assert_eq!(given.len(), 1);

    let stored = ReaderKeys::open(dir.path(), &kek).unwrap();
    assert_eq!(stored.of(ReaderNo(1)).unwrap().0.expose(), &given[0]);
    let desk = Desk::start(peer.path(), stored);
    holds_badge(4567, &peer, &desk);

    // Somebody resets the reader: it answers to the key everybody knows again.
    peer.restart(made(None));
    desk.wait_for(Condition::DefaultKey, Standing::Raised);
    peer.badge(26, &[0xBD, 0x88, 0xEB, 0x80]);
    peer.restart(made(Some(given[0])));
    desk.wait_for(Condition::DefaultKey, Standing::Cleared);
    holds_badge(4568, &peer, &desk);
}

#[test]
fn commissioning_again_finds_the_reader_keyed_and_another_key_is_told() {
    let peer = Peer::start(made(Some(KEY)));
    identity(&peer);
    assert!(peer.keys.lock().unwrap().is_empty(), "no key is sent to a reader that holds it");
    let line = LineSettings { path: peer.path().to_owned(), baud: 115_200 };
    let other = ReaderKey::new([1; 16]).unwrap();
    let refused = commission(line, 5, other, Duration::from_secs(4), Clocks::start(), Box::new(OsRandom));
    let refused = refused.expect_err("the reader holds another key");
    assert!(matches!(refused, CommissionError::OtherKey | CommissionError::NoSecureChannel), "{refused:?}");
}

#[test]
fn a_stop_in_the_middle_of_commissioning_loses_no_reader() {
    // Either the reader took the key before the stop, or it did not.
    for holds in [Some(KEY), None] {
        let dir = tempfile::tempdir().unwrap();
        let kek = FileKek::create(&dir.path().join("kek"), &mut OsRandom).unwrap();
        let mut pending = ReaderKeys::default();
        pending.note(ReaderNo(1), ReaderKey::new(KEY).unwrap(), State::Pending);
        pending.save(dir.path(), &kek, &mut OsRandom).unwrap();
        let peer = Peer::start(made(holds));
        let desk = Desk::start(peer.path(), pending);
        desk.wait_for(Condition::Unkeyed, Standing::Raised);
        drop(desk);

        commission_reader(&config(peer.path()), ReaderNo(1), dir.path(), &kek, Clocks::start()).unwrap();
        let given = peer.keys.lock().unwrap().clone();
        assert_eq!(given, if holds.is_some() { vec![] } else { vec![KEY] });
        let desk = Desk::start(peer.path(), ReaderKeys::open(dir.path(), &kek).unwrap());
        holds_badge(4567, &peer, &desk);
    }
}

#[test]
fn a_recorded_session_played_to_a_controller_that_was_restarted_is_no_badge() {
    let peer = Peer::start(made(Some(KEY)));
    let known = identity(&peer);
    peer.said.lock().unwrap().clear();
    let desk = Desk::start(peer.path(), keys(known));
    holds_badge(4567, &peer, &desk);
    drop(desk);
    let recorded = peer.said.lock().unwrap().clone();
    assert!(recorded.len() > 6, "the recording holds the handshake and the badge");

    let desk_again = {
        let recording = Recording::play(recorded);
        let desk = Desk::start(recording.path(), keys(known));
        desk.wait_for(Condition::WrongKey, Standing::Raised);
        desk.wait_for(Condition::Silent, Standing::Raised);
        desk
    };
    assert!(!desk_again.facts.try_iter().any(|fact| matches!(fact, Fact::Badge(_))));
}

#[test]
fn a_reader_nobody_commissioned_is_not_used() {
    let peer = Peer::start(made(None));
    let desk = Desk::start(peer.path(), ReaderKeys::default());
    desk.wait_for(Condition::Unkeyed, Standing::Raised);
    assert!(peer.heard.lock().unwrap().is_empty(), "not a byte is said to it");
}

#[test]
fn an_opened_case_is_told_and_its_end_too() {
    let (peer, desk) = served();
    holds_badge(4567, &peer, &desk);
    peer.case(true);
    desk.wait_for(Condition::Tampered, Standing::Raised);
    peer.case(false);
    desk.wait_for(Condition::Tampered, Standing::Cleared);
}

#[test]
fn a_cut_cable_is_silence_within_two_seconds_and_a_mended_one_serves_again() {
    let (peer, desk) = served();
    holds_badge(4567, &peer, &desk);
    let clocks = Clocks::start();
    peer.cut(true);
    desk.wait_for(Condition::Silent, Standing::Raised);
    assert!(clocks.elapsed() < Duration::from_secs(2), "{:?}", clocks.elapsed());
    peer.cut(false);
    desk.wait_for(Condition::Silent, Standing::Cleared);
    holds_badge(4568, &peer, &desk);
}

#[test]
fn a_reader_that_loses_its_session_is_an_alarm_and_is_back_at_once() {
    let (peer, desk) = served();
    holds_badge(4567, &peer, &desk);
    peer.restart(made(Some(KEY)));
    desk.wait_for(Condition::ChannelLost, Standing::Raised);
    desk.wait_for(Condition::ChannelLost, Standing::Cleared);
    holds_badge(4568, &peer, &desk);
}

#[test]
fn a_reader_with_another_key_or_another_face_is_not_served() {
    let (peer, desk) = served();
    holds_badge(4567, &peer, &desk);
    peer.restart(made(Some([9; 16])));
    desk.wait_for(Condition::WrongKey, Standing::Raised);
    peer.restart(Made { serial: 10, ..made(Some(KEY)) });
    desk.wait_for(Condition::Swapped, Standing::Raised);
    peer.restart(made(Some(KEY)));
    desk.wait_for(Condition::Swapped, Standing::Cleared);
    holds_badge(4568, &peer, &desk);
}

#[test]
fn a_badge_of_no_known_form_is_no_badge() {
    let (peer, desk) = served();
    holds_badge(4567, &peer, &desk);
    for (bits, data) in
        [(26, &[0x3D, 0x88, 0xEB, 0x80][..]), (34, &[0x82, 0x69, 0x0B, 0x17, 0][..]), (1, &[0x80])]
    {
        peer.badge(bits, data);
        // Each is said once; the gate folds the same answer within a second and a half.
    }
    assert_eq!(desk.next(), Fact::Unreadable(ReaderNo(1)));
}

#[test]
fn a_reader_that_floods_is_told_and_what_it_says_is_dropped() {
    let (peer, desk) = served();
    holds_badge(4567, &peer, &desk);
    let mut badges = 0;
    let mut card = 0_u64;
    loop {
        let (bits, data) = Number::of(CardFormat::H10301, 1, card % 65_536).unwrap().encode();
        peer.badge(bits, &data);
        card += 1;
        match desk.next() {
            Fact::Badge(_) => badges += 1,
            Fact::Condition(_, Condition::Flooding, Standing::Raised) => break,
            other => panic!("{other:?}"),
        }
        assert!(card < 100, "a flood is noticed");
    }
    assert!(badges <= 15, "{badges}");
}
