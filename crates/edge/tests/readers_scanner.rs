//! Scanners on pseudo terminals and keyboards as streams of events: texts, badges, and everything that is neither.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailee_domain::badge::{Assurance, BadgeKind};
use bailee_edge::clock::Clocks;
use bailee_edge::readers::config::ReadersConfig;
use bailee_edge::readers::desk::{Desk, FactSink};
use bailee_edge::readers::store::ReaderKeys;
use bailee_edge::readers::typist::{Events, Source, Stream, Typist};
use bailee_edge::readers::{Condition, Fact, Needs, ReaderNo, Readers, Standing};
use bailee_vault::Secret;
use bailee_vault::badge::BadgeKey;
use bailee_vault::code::BankCodeKey;
use bailee_vault::stretch::Cost;
use nix::fcntl::OFlag;
use nix::pty::openpty;
use nix::unistd::pipe2;

const PATIENCE: Duration = Duration::from_secs(20);

fn badge_key() -> BadgeKey {
    let (tenant, bank, salt) = ([1; 16], [2; 16], [3; 16]);
    let key = Secret::new([4; 32]);
    BadgeKey::of(&BankCodeKey { tenant, bank, epoch: 1, key, salt, cost: Cost::SIMULATION })
}

fn facts() -> (FactSink, Receiver<Fact>) {
    let (sender, facts) = mpsc::sync_channel(1_000);
    let sink: FactSink = Arc::new(move |fact| {
        sender.try_send(fact).map_err(|error| match error {
            mpsc::TrySendError::Full(fact) | mpsc::TrySendError::Disconnected(fact) => fact,
        })
    });
    (sink, facts)
}

/// A serial scanner and the controller's end of it.
struct Scanner {
    hand: File,
    line: Option<OwnedFd>,
    facts: Receiver<Fact>,
    _readers: Readers,
}

impl Scanner {
    fn plugged_in(settings: &str) -> Self {
        let pair = openpty(None, None).unwrap();
        let path = nix::unistd::ttyname(&pair.slave).unwrap();
        let text =
            format!("[[scanner]]\nnumber = 2\npath = \"{}\"\nbaud = 115200\n{settings}", path.display());
        let config: ReadersConfig = toml::from_str(&text).unwrap();
        config.check().unwrap();
        let (sink, facts) = facts();
        let (keys, clocks) = (ReaderKeys::default(), Clocks::start());
        let needs = Needs { key: Arc::new(badge_key()), keys, clocks, sink };
        let readers = Readers::start(&config, &needs).unwrap();
        let scanner = Self { hand: pair.master.into(), line: Some(pair.slave), facts, _readers: readers };
        scanner.is_listened_to();
        scanner
    }

    /// The controller sets the line raw when it opens it; what is typed before that is lost.
    fn is_listened_to(&self) {
        let line = self.line.as_ref().unwrap();
        let raw = || {
            let flags = nix::sys::termios::tcgetattr(line).unwrap().local_flags;
            !flags.contains(nix::sys::termios::LocalFlags::ICANON)
        };
        let clocks = Clocks::start();
        while !raw() {
            assert!(clocks.elapsed() < PATIENCE, "the controller opens the line");
            std::thread::yield_now();
        }
    }

    fn types(&self, bytes: &[u8]) {
        (&self.hand).write_all(bytes).unwrap();
    }

    fn next(&self) -> Fact {
        self.facts.recv_timeout(PATIENCE).expect("something is said in time")
    }
}

fn text(text: &str) -> Fact {
    Fact::Text(ReaderNo(2), text.to_owned())
}

fn raised(condition: Condition) -> Fact {
    Fact::Condition(ReaderNo(2), condition, Standing::Raised)
}

#[test]
fn codes_that_are_scanned_come_as_texts() {
    let scanner = Scanner::plugged_in("gap_ms = 5000");
    scanner.types(b"6BFOXN*TS0\r\n");
    assert_eq!(scanner.next(), text("6BFOXN*TS0"));
    scanner.types(b"ABC");
    scanner.types(b"DEF\r");
    assert_eq!(scanner.next(), text("ABCDEF"));
}

#[test]
fn what_a_scanner_says_is_not_in_its_debug_form() {
    assert_eq!(format!("{:?}", text("SECRET")), "Text(ReaderNo(2))");
}

#[test]
fn a_printed_badge_and_a_typed_number_become_keyed_macs() {
    let scanner = Scanner::plugged_in("carries = \"3D5D\"");
    scanner.types(b"123,04567\r");
    let Fact::Badge(badge) = scanner.next() else { panic!("a badge") };
    assert_eq!(badge.mac, badge_key().mac("wiegand-26", &[123, 0x11, 0xD7]));
    assert_eq!((badge.kind, badge.assurance), (BadgeKind::Identifier, Assurance::Weak));
    scanner.types(b"999,99999\r");
    assert_eq!(scanner.next(), Fact::Unreadable(ReaderNo(2)));

    let scanner = Scanner::plugged_in("carries = \"barcodes\"");
    scanner.types(b"STAFF-0042\r");
    let Fact::Badge(badge) = scanner.next() else { panic!("a badge") };
    assert_eq!(badge.mac, badge_key().mac("barcode", b"STAFF-0042"));
    assert_eq!((badge.kind, badge.assurance), (BadgeKind::Barcode, Assurance::Weak));
}

#[test]
fn a_scanner_that_types_commands_is_cut_off_and_its_neighbour_is_served() {
    let (bad, good) = (Scanner::plugged_in(""), Scanner::plugged_in(""));
    bad.types(b"\x1b[A\x03rm -rf\r");
    assert_eq!(bad.next(), raised(Condition::Commanding));
    bad.types(b"INNOCENT\r");
    good.types(b"HELLO\r");
    assert_eq!(good.next(), text("HELLO"));
    assert!(bad.facts.try_recv().is_err(), "a scanner that is cut off is not heard");
}

#[test]
fn endless_typing_is_cut_off() {
    let scanner = Scanner::plugged_in("longest = 64");
    for _ in 0..8 {
        scanner.types(&[b'A'; 200]);
    }
    assert_eq!(scanner.next(), raised(Condition::Commanding));
}

#[test]
fn a_scanner_that_floods_is_told_and_dropped() {
    let scanner = Scanner::plugged_in("");
    let mut texts = 0;
    for number in 0..200 {
        scanner.types(format!("CODE{number}\r").as_bytes());
        match scanner.facts.recv_timeout(PATIENCE) {
            Ok(Fact::Text(..)) => texts += 1,
            Ok(Fact::Condition(_, Condition::Flooding, Standing::Raised)) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!((10..20).contains(&texts), "{texts}");
}

#[test]
fn a_scanner_that_is_unplugged_is_gone() {
    let mut scanner = Scanner::plugged_in("");
    scanner.types(b"ONE\r");
    assert_eq!(scanner.next(), text("ONE"));
    // Both our ends go: the line hangs up.
    scanner.line = None;
    let (other, _) = {
        let pair = openpty(None, None).unwrap();
        (pair.master, pair.slave)
    };
    scanner.hand = other.into();
    assert_eq!(scanner.next(), raised(Condition::Gone));
}

#[test]
fn a_scanner_that_was_never_there_is_gone_and_nothing_stops() {
    let path = PathBuf::from("/dev/no-such-scanner");
    let text = format!("[[scanner]]\nnumber = 2\npath = \"{}\"\n", path.display());
    let (sink, facts) = facts();
    let (keys, clocks) = (ReaderKeys::default(), Clocks::start());
    let needs = Needs { key: Arc::new(badge_key()), keys, clocks, sink };
    let _readers = Readers::start(&toml::from_str(&text).unwrap(), &needs).unwrap();
    assert_eq!(facts.recv_timeout(PATIENCE).unwrap(), raised(Condition::Gone));
}

#[test]
fn a_keyboard_that_cannot_be_taken_away_is_not_read() {
    // A pseudo terminal is no input device, so the system does not grant it for ourselves alone.
    let pair = openpty(None, None).unwrap();
    let path = nix::unistd::ttyname(&pair.slave).unwrap();
    let text = format!("[[scanner]]\nnumber = 2\nkind = \"keyboard\"\npath = \"{}\"\n", path.display());
    let (sink, facts) = facts();
    let (keys, clocks) = (ReaderKeys::default(), Clocks::start());
    let needs = Needs { key: Arc::new(badge_key()), keys, clocks, sink };
    let _readers = Readers::start(&toml::from_str(&text).unwrap(), &needs).unwrap();
    assert_eq!(facts.recv_timeout(PATIENCE).unwrap(), raised(Condition::Gone));
}

/// Events through a pipe, as a keyboard's device gives them.
struct Pipe(Mutex<Option<File>>);

impl Source for Pipe {
    fn open(&mut self) -> io::Result<Box<dyn Stream>> {
        let device = self.0.lock().unwrap().take().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Events::new(device)))
    }
}

fn strokes(codes: &[u16]) -> Vec<u8> {
    let event = |code: u16, value: i32| {
        let mut event = vec![0; 16];
        event.extend(1_u16.to_ne_bytes());
        event.extend(code.to_ne_bytes());
        event.extend(value.to_ne_bytes());
        event
    };
    codes.iter().flat_map(|code| [event(*code, 1), event(*code, 0)].concat()).collect()
}

#[test]
fn a_keyboard_reader_types_a_badge_and_a_command_cuts_it_off() {
    let (read, write) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
    let config: ReadersConfig =
        toml::from_str("[[scanner]]\nnumber = 2\nkind = \"keyboard\"\npath = \"/dev/x\"\ncarries = \"10D\"")
            .unwrap();
    let (sink, facts) = facts();
    let scanner = &config.scanner[0];
    let desk = Desk::new(ReaderNo(2), scanner.accept(), Arc::new(badge_key()), sink);
    let source = Box::new(Pipe(Mutex::new(Some(read.into()))));
    let _typist = Typist::start(source, scanner.framing(), desk, Clocks::start()).unwrap();
    let mut keys = File::from(write);
    // 0001234567 and Enter, as the codes of the keys.
    keys.write_all(&strokes(&[11, 11, 11, 2, 3, 4, 5, 6, 7, 8, 28])).unwrap();
    let Ok(Fact::Badge(badge)) = facts.recv_timeout(PATIENCE) else { panic!("a badge") };
    assert_eq!(badge.mac, badge_key().mac("em4100", &1_234_567_u32.to_be_bytes()));
    // Alt and F2.
    keys.write_all(&strokes(&[56, 60])).unwrap();
    assert_eq!(facts.recv_timeout(PATIENCE).unwrap(), raised(Condition::Commanding));
}
