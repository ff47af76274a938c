//! A card at a reader of the PC/SC service: the service is Debian's `pcscd`, the reader `vsmartcard-vpcd`, the card a few
//! lines behind a socket. Left out without them unless `BAILEE_REQUIRE_PEERS=1`, and in builds without the feature.
#![cfg(feature = "pcsc")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use bailee_domain::badge::{Assurance, BadgeKind};
use bailee_edge::clock::Clocks;
use bailee_edge::readers::config::ReadersConfig;
use bailee_edge::readers::store::ReaderKeys;
use bailee_edge::readers::{Condition, Fact, Needs, ReaderNo, Readers, Standing};
use bailee_vault::Secret;
use bailee_vault::badge::BadgeKey;
use bailee_vault::code::BankCodeKey;
use bailee_vault::stretch::Cost;

const PATIENCE: Duration = Duration::from_secs(30);
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
const SOCKET: &str = "/run/pcscd/pcscd.comm";

fn badge_key() -> BadgeKey {
    let (tenant, bank, salt) = ([1; 16], [2; 16], [3; 16]);
    let key = Secret::new([4; 32]);
    BadgeKey::of(&BankCodeKey { tenant, bank, epoch: 1, key, salt, cost: Cost::SIMULATION })
}

/// Debian's service with a simulated reader that waits for its card at a socket.
struct Service {
    process: Child,
    _dir: tempfile::TempDir,
}

impl Service {
    fn start(port: u16) -> Self {
        assert!(!Path::new(SOCKET).exists(), "another pcscd runs on this machine");
        let dir = tempfile::tempdir().unwrap();
        let reader = format!(
            "FRIENDLYNAME \"Simulated\"\nDEVICENAME /dev/null:{port:#X}\nLIBPATH {DRIVER}\nCHANNELID {port:#X}\n"
        );
        std::fs::write(dir.path().join("reader"), reader).unwrap();
        let process = Command::new("pcscd")
            .args(["--foreground", "--config"])
            .arg(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, _dir: dir }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // A killed service leaves its socket behind.
        let _ = std::fs::remove_file(SOCKET);
        let _ = std::fs::remove_file("/run/pcscd/pcscd.pid");
    }
}

/// A card that lies at the reader and answers "serial number?"; dropping it takes it away.
struct Card {
    line: TcpStream,
    thread: Option<JoinHandle<()>>,
}

impl Card {
    fn held_to(port: u16, serial: &[u8]) -> Self {
        let clocks = Clocks::start();
        let mut line = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(line) => break line,
                // The service is still starting.
                Err(_) => assert!(clocks.elapsed() < PATIENCE, "the reader listens"),
            }
        };
        let mine = line.try_clone().unwrap();
        let answer = [serial, &[0x90, 0x00]].concat();
        let thread = std::thread::spawn(move || while answers(&mut line, &answer).is_ok() {});
        Self { line: mine, thread: Some(thread) }
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = self.line.shutdown(std::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn answers(line: &mut TcpStream, serial: &[u8]) -> std::io::Result<()> {
    let mut length = [0; 2];
    line.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    line.read_exact(&mut message)?;
    let reply: &[u8] = match &message[..] {
        // Power off, power on, reset.
        [0..=2] => return Ok(()),
        // The ATR of a DESFire.
        [4] => &[0x3B, 0x81, 0x80, 0x01, 0x80, 0x80],
        [0xFF, 0xCA, 0, 0, 0] => serial,
        _ => &[0x6D, 0x00],
    };
    let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
    line.write_all(&[&length[..], reply].concat())
}

fn peers() -> bool {
    let required = std::env::var_os("BAILEE_REQUIRE_PEERS").is_some_and(|value| value == "1");
    let there = Path::new(DRIVER).exists() && Path::new("/usr/sbin/pcscd").exists();
    assert!(there || !required, "pcscd and vsmartcard-vpcd are required");
    there
}

fn next(facts: &Receiver<Fact>) -> Fact {
    facts.recv_timeout(PATIENCE).expect("something is said in time")
}

#[test]
fn a_card_is_read_a_made_up_number_is_not_and_a_lost_service_is_told() {
    if !peers() {
        return;
    }
    // A port nobody uses: ours for a moment, then the reader's.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uid = [0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0x80];
    let service = Service::start(port);
    let card = Card::held_to(port, &uid);

    let (sender, facts) = mpsc::sync_channel(1_000);
    let sink = Arc::new(move |fact| sender.send(fact).map_err(|error| error.0));
    let config: ReadersConfig = toml::from_str("[[pcsc]]\nnumber = 3\nname = \"Simulated\"").unwrap();
    config.check().unwrap();
    let (keys, clocks) = (ReaderKeys::default(), Clocks::start());
    let needs = Needs { key: Arc::new(badge_key()), keys, clocks, sink };
    let _readers = Readers::start(&config, &needs).unwrap();

    let badge = loop {
        match next(&facts) {
            Fact::Badge(badge) => break badge,
            // The service may still be starting.
            Fact::Condition(_, Condition::Gone, _) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(badge.mac, badge_key().mac("uid", &uid));
    assert_eq!((badge.kind, badge.assurance), (BadgeKind::Identifier, Assurance::Weak));

    // The next one is a phone that makes up a number each time.
    drop(card);
    let _phone = Card::held_to(port, &[0x08, 1, 2, 3]);
    loop {
        match next(&facts) {
            Fact::Unreadable(ReaderNo(3)) => break,
            Fact::Condition(_, Condition::Gone, Standing::Cleared) => {}
            other => panic!("{other:?}"),
        }
    }

    drop(service);
    loop {
        match next(&facts) {
            Fact::Condition(ReaderNo(3), Condition::Gone, Standing::Raised) => break,
            Fact::Condition(_, _, Standing::Cleared) | Fact::Unreadable(_) => {}
            other => panic!("{other:?}"),
        }
    }
}
