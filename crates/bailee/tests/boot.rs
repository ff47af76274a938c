//! A bank serves again after any stop, whatever its journal holds.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bailee_domain::id::{BankId, OrgId};
use bailee_edge::clock::Clocks;
use bailee_edge::config::EdgeConfig;
use bailee_edge::installation::{Enrolled, Installation};
use bailee_sim::cabinet::{BoardPlan, Cabinet, Family, Pacing, PtyCabinet};
use bailee_sim::journal;
use bailee_vault::OsRandom;

/// Since the last snapshot; the journal is shortened long before, while nobody is served.
const EVENTS: u32 = 20_000;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn enrol(dir: &Path) {
    let enrolled = Enrolled {
        bank: BankId::from_bytes([1; 16]),
        org: OrgId::from_bytes([2; 16]),
        address: "127.0.0.1:1".into(),
        pins: vec![[3; 32]],
        link_seed: [4; 32],
        device_seed: [5; 32],
        code_key: [6; 32],
        code_salt: [7; 16],
        code_epoch: 1,
    };
    Installation::create(dir, &enrolled, &mut OsRandom).unwrap();
}

/// Two boards of 48 doors.
fn config(dir: &Path, line: &Path) -> String {
    let mut text = format!(
        "data_dir = '{}'\n[kiosk]\nlisten = '127.0.0.1:0'\n[[bus]]\nline = '{}'\n",
        dir.display(),
        line.display()
    );
    for board in 0..2 {
        let number = board + 1;
        write!(text, "[[bus.board]]\nnumber = {number}\nkind = 'CU48'\naddress = {board}\nchannels = 48\n")
            .unwrap();
    }
    for number in 0..96 {
        let (board, channel) = (number / 48 + 1, number % 48 + 1);
        let (door, column, row) = (number + 1, number / 8, number % 8);
        let place = format!("board = {board}\nchannel = {channel}\ncolumn = {column}\nrow = {row}\n");
        write!(text, "[[compartment]]\nnumber = {door}\nsize = 'S'\n{place}").unwrap();
    }
    text
}

#[test]
fn a_big_bank_with_many_thousand_events_serves_again() {
    let dir = tempfile::tempdir().unwrap();
    let (data, clock) = (dir.path().join("bank"), Clocks::start());
    enrol(&data);
    let plans = [0, 1].map(|address| BoardPlan::of(Family::Cu48, address, 48));
    let cabinet = Cabinet::new(&plans, Pacing::Baud(Family::Cu48.baud()));
    let cabinet = PtyCabinet::start(cabinet, move || clock.elapsed()).unwrap();
    let file = dir.path().join("bank.toml");
    std::fs::write(&file, config(&data, cabinet.path())).unwrap();
    let waiting = journal::fill(&EdgeConfig::read(&file).unwrap(), EVENTS, clock).unwrap();
    assert!(waiting >= EVENTS.into());

    let mut command = Command::new(env!("CARGO_BIN_EXE_bailee"));
    let command = command.args(["edge", "run", "--config"]).arg(&file).stdout(Stdio::piped());
    let mut process = Process(command.spawn().unwrap());
    let mut said = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let kiosk =
        said.find_map(|line| line.unwrap().strip_prefix("kiosk on http://").map(str::to_owned)).unwrap();
    let mut stream = TcpStream::connect(&kiosk).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {kiosk}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("</html>"), "{page}");
}
