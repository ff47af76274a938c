//! A whole controller with a scanner: what the scanner does wrong stands on the kiosk's screen as a sign of tampering,
//! and stopping the controller stops the readers.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bailee_domain::bank::screen::View;
use bailee_domain::id::{BankId, OrgId};
use bailee_domain::tamper::{Source, Tamper};
use bailee_edge::config::EdgeConfig;
use bailee_edge::installation::{Enrolled, Installation};
use bailee_edge::kiosk::Kiosk;
use bailee_edge::start;
use bailee_vault::OsRandom;
use nix::pty::openpty;
use nix::sys::termios::{self, LocalFlags};

const PATIENCE: Duration = Duration::from_secs(20);

/// A pseudo terminal: what is at its far end, and its name.
fn open_line() -> (File, OwnedFd, PathBuf) {
    let pair = openpty(None, None).unwrap();
    let path = nix::unistd::ttyname(&pair.slave).unwrap();
    (pair.master.into(), pair.slave, path)
}

fn enrol(dir: &Path) {
    let enrolled = Enrolled {
        bank: BankId::from_bytes([1; 16]),
        org: OrgId::from_bytes([2; 16]),
        address: "127.0.0.1:9".to_owned(),
        pins: vec![[3; 32]],
        link_seed: [4; 32],
        device_seed: [5; 32],
        code_key: [6; 32],
        code_salt: [7; 16],
        code_epoch: 1,
    };
    Installation::create(dir, &enrolled, &mut OsRandom).unwrap();
}

fn config(dir: &Path, bus: &Path, scanner: &Path) -> EdgeConfig {
    let text = format!(
        r#"
        data_dir = "{}"
        [kiosk]
        listen = "127.0.0.1:0"
        [[bus]]
        line = "{}"
        [[bus.board]]
        number = 1
        address = 1
        channels = 8
        [[compartment]]
        number = 1
        size = "S"
        board = 1
        channel = 1
        column = 0
        row = 0
        [[readers.scanner]]
        number = 2
        path = "{}"
        baud = 115200
        [[readers.scanner]]
        number = 3
        path = "/dev/no-such-scanner"
        "#,
        dir.display(),
        bus.display(),
        scanner.display()
    );
    let path = dir.join("bank.toml");
    std::fs::write(&path, text).unwrap();
    EdgeConfig::read(&path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_that_misbehaves_is_a_sign_of_tampering_on_the_screen() {
    let dir = tempfile::tempdir().unwrap();
    let ((_board, _bus_line, bus), (hand, line, scanner)) = (open_line(), open_line());
    enrol(&dir.path().join("bank"));
    let mut config = config(dir.path(), &bus, &scanner);
    config.data_dir = dir.path().join("bank");
    let running = start::run(&config).await.unwrap();
    let mut view = running.handle().view();

    let shows = |view: &View, reader, tamper| view.tampers.contains(&(Source::Reader(reader), tamper));
    let gone = view.wait_for(|view| shows(view, 3, Tamper::Lost));
    tokio::time::timeout(PATIENCE, gone).await.expect("an absent scanner is shown").unwrap();

    // What is typed before the controller has set the line raw is lost.
    let is_raw = || {
        let flags = termios::tcgetattr(&line).unwrap().local_flags;
        !flags.contains(LocalFlags::ICANON)
    };
    while !is_raw() {
        tokio::task::yield_now().await;
    }
    (&hand).write_all(b"\x1b[A\r").unwrap();
    let typed = view.wait_for(|view| shows(view, 2, Tamper::Unsolicited));
    tokio::time::timeout(PATIENCE, typed).await.expect("typed commands are shown").unwrap();
    tokio::time::timeout(PATIENCE, running.stop()).await.expect("the controller stops with its readers");
}
