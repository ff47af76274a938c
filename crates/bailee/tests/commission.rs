//! `bailee edge commission` as a process, on simulated cabinets behind pseudo terminals, and the bank that comes of it.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bailee_domain::bank::io::Record;
use bailee_domain::commissioning::LockFound;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::EventKind;
use bailee_domain::id::{BankId, OrgId};
use bailee_edge::clock::Clocks;
use bailee_edge::config::{BoardKind, ClosedWhen, EdgeConfig};
use bailee_edge::installation::{Enrolled, Installation};
use bailee_edge::journal::{FolderDisk, Journal};
use bailee_sim::cabinet::{BoardPlan, Cabinet, DoorPlace, Family, Fault, Happening, Pacing, PtyCabinet};
use bailee_vault::OsRandom;
use bailee_wire::record;

/// A bank that is enrolled and has never been used.
struct NewBank {
    dir: tempfile::TempDir,
    cabinet: PtyCabinet,
}

impl NewBank {
    fn new(plans: &[BoardPlan], faults: &[(u8, Fault)]) -> Self {
        let mut cabinet = Cabinet::new(plans, Pacing::Instant);
        faults.iter().for_each(|(board, fault)| cabinet.set_fault(*board, *fault));
        let clock = Clocks::start();
        let cabinet = PtyCabinet::start(cabinet, move || clock.elapsed()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let enrolled = Enrolled {
            bank: BankId::from_bytes([7; 16]),
            org: OrgId::from_bytes([8; 16]),
            address: "127.0.0.1:1".into(),
            pins: vec![[3; 32]],
            link_seed: [1; 32],
            device_seed: [2; 32],
            code_key: [4; 32],
            code_salt: [5; 16],
            code_epoch: 1,
        };
        Installation::create(&dir.path().join("data"), &enrolled, &mut OsRandom).unwrap();
        Self { dir, cabinet }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A configuration that names the line and what is given of its boards.
    fn config(&self, boards: &str) -> PathBuf {
        let (data, line) = (self.dir.path().join("data"), self.cabinet.path());
        let text = format!(
            "# the cabinet by the stairs\ndata_dir = '{}'\n\n[kiosk]\nlisten = '127.0.0.1:0'\n\n[[bus]]\nline = '{}' # the long cable\n{boards}",
            data.display(),
            line.display()
        );
        self.file("bank.toml", &text)
    }

    /// Runs the command; somebody closes every door as soon as they are asked to.
    fn commission(&self, config: &Path, more: &[&str], typed: &str) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bailee"));
        command.args(["edge", "commission", "--config", config.to_str().unwrap()]).args(more);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let mut said = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.ends_with("Close it, please.") {
                self.cabinet.change(|cabinet, now| {
                    for door in cabinet.doors() {
                        cabinet.close(now, door);
                    }
                });
            }
            said += &line;
            said.push('\n');
        }
        let ended = child.wait_with_output().unwrap();
        said += &String::from_utf8_lossy(&ended.stderr);
        (ended.status.success(), said)
    }

    fn answered(&self, config: &Path, answers: &str) -> (bool, String) {
        let text = format!("technician = 'R. Nasser'\nhighest_address = 3\n{answers}");
        let answers = self.file("answers.toml", &text);
        self.commission(config, &["--answers", answers.to_str().unwrap()], "")
    }

    /// What the journal says of commissioning: each lock tried, with what was found.
    fn journal(&self) -> Vec<EventKind> {
        let data = self.dir.path().join("data");
        let installation = Installation::open(&data).unwrap();
        let disk = FolderDisk::open(&data.join("journal")).unwrap();
        let (key, id) = (installation.journal_key(), installation.journal_id().unwrap());
        let (_, recovered) = Journal::open(disk, key, id, OsRandom).unwrap();
        let records = recovered.entries.iter().map(|entry| record::decode(&entry.payload).unwrap().record);
        let kind = |record| match record {
            Record::Event(event) => Some(event.kind),
            _ => None,
        };
        records.filter_map(kind).collect()
    }

    fn found(&self) -> Vec<(u8, u8, LockFound)> {
        let mut tried = (0, 0);
        let mut all = Vec::new();
        for kind in self.journal() {
            match kind {
                EventKind::LockTried { board, channel, .. } => tried = (board, channel),
                EventKind::LockAnswered { found, .. } => all.push((tried.0, tried.1, found)),
                _ => {}
            }
        }
        all
    }

    /// Every coil that was energised, which must have been written down first, one at a time.
    fn coils(&self) -> usize {
        self.cabinet.look(|cabinet| {
            let log = cabinet.log();
            assert!(
                !log.iter().any(|line| matches!(line.what, Happening::TwoCoils(_) | Happening::UnlockAll(_)))
            );
            log.iter().filter(|line| matches!(line.what, Happening::CoilOn(_))).count()
        })
    }
}

fn lock(board: u8, channel: u8, door: u16) -> String {
    format!(
        "[[lock]]\nboard = {board}\nchannel = {channel}\nopened = [{door}]\nsize = 'M'\ncolumn = {board}\nrow = {channel}\n"
    )
}

#[test]
fn a_new_bank_on_cu16_is_found_proved_written_and_runs() {
    let bank = NewBank::new(&[BoardPlan::of(Family::Cu16, 1, 16)], &[]);
    let config = bank.config("");
    let answers = ["[parts]\ncamera = 'works'\n", &lock(1, 1, 3), &lock(1, 2, 1), &lock(1, 3, 2)].concat();
    let (done, said) = bank.answered(&config, &answers);
    assert!(done, "{said}");
    assert!(said.contains("new: CU16 at address 1, 16 channels; it becomes board 1"), "{said}");
    assert!(said.contains("3 doors can be used, 0 faults"), "{said}");

    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("# the cabinet by the stairs") && text.contains("# the long cable"), "{text}");
    let written = EdgeConfig::read(&config).unwrap();
    let doors: Vec<_> = written.compartments.iter().map(|c| (c.number, c.channel, c.size)).collect();
    assert_eq!(doors, [(3, 1, 'M'), (1, 2, 'M'), (2, 3, 'M')]);
    assert_eq!(written.buses[0].boards[0].kind, BoardKind::Cu16);
    assert_eq!(
        bank.found(),
        [(1, 1, LockFound::Proved), (1, 2, LockFound::Proved), (1, 3, LockFound::Proved)]
    );
    assert_eq!(bank.coils(), 3);
    let ended = bank.journal().into_iter().find_map(|kind| match kind {
        EventKind::BankCommissioned { report, doors: 3, faults: 0, .. } => {
            Some(bailee_wire::event::hex(&report))
        }
        _ => None,
    });
    assert!(said.contains(&ended.unwrap()), "the log names the report's digest");

    let mut run = Command::new(env!("CARGO_BIN_EXE_bailee"));
    let run = run.args(["edge", "run", "--config", config.to_str().unwrap()]).stdout(Stdio::piped());
    let mut run = run.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(run.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("kiosk on http://"), "{line}");
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn every_kind_of_miswiring_has_its_own_name_and_is_left_out() {
    let plans = [BoardPlan::of(Family::Xor8a80, 1, 8)];
    let faults = [Fault::InvertedPolarity, Fault::DeadSwitch(2), Fault::OddSwitch(3), Fault::SameLock(5)];
    let bank = NewBank::new(&plans, &faults.map(|fault| (1, fault)));
    bank.cabinet.change(|cabinet, _| cabinet.jam(DoorPlace { board: 1, lock: 6 }));
    let config = bank.config("[[bus.board]]\nnumber = 1\naddress = 1\nchannels = 8\n");
    let nothing = "[[lock]]\nboard = 1\nchannel = 6\nopened = []\n";
    let locks = [lock(1, 1, 1), lock(1, 2, 2), lock(1, 3, 3), lock(1, 4, 4), lock(1, 5, 4), nothing.into()];
    let (done, said) = bank.answered(&config, &locks.concat());
    assert!(!done, "faults are a failure for scripts: {said}");
    assert!(said.contains("2 doors can be used, 4 faults"), "{said}");
    let found: Vec<_> = bank.found().into_iter().map(|(_, channel, found)| (channel, found)).collect();
    assert_eq!(
        found,
        [
            (1, LockFound::Proved),
            (2, LockFound::SensorDead),
            (3, LockFound::Inverted),
            (4, LockFound::Proved),
            (5, LockFound::SameDoor),
            (6, LockFound::StayedClosed),
        ]
    );
    let written = EdgeConfig::read(&config).unwrap();
    assert_eq!(written.compartments.iter().map(|c| c.number).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(written.buses[0].boards[0].closed_when, ClosedWhen::BitClear, "proved, not guessed");

    // The switch is repaired, and only that is tried again.
    bank.cabinet.change(|cabinet, _| cabinet.heal());
    bank.cabinet.set_fault(1, Fault::InvertedPolarity);
    let before = bank.coils();
    let (_, said) = bank.answered(&config, &lock(1, 2, 2));
    assert!(bank.coils() > before, "{said}");
    assert_eq!(bank.found().last().unwrap(), &(1, 2, LockFound::Proved));
}

#[test]
fn swapped_cables_between_two_modbus_boards_are_seen() {
    let plans = [BoardPlan::of(Family::ModbusRelay, 1, 8), BoardPlan::of(Family::ModbusRelay, 2, 8)];
    let bank = NewBank::new(&plans, &[(1, Fault::CablesSwapped(2)), (2, Fault::CablesSwapped(1))]);
    let boards = "[[bus.board]]\nnumber = 1\nkind = 'modbus-relay'\naddress = 1\nchannels = 8\n";
    let config = bank.config(boards);
    let (done, said) = bank.answered(&config, &[lock(1, 1, 9), lock(2, 1, 1)].concat());
    assert!(!done && said.contains("it becomes board 2"), "{said}");
    assert!(said.contains("two lock or switch cables are swapped"), "{said}");
    assert_eq!(bank.found(), [(1, 1, LockFound::Crossed), (2, 1, LockFound::Crossed)]);
    assert!(said.contains("No door was proved"), "{said}");
    assert!(EdgeConfig::read(&config).is_err(), "nothing was written");
}

#[test]
fn a_technician_at_a_terminal_proves_a_cu48_and_goes_on_where_they_left() {
    let bank = NewBank::new(&[BoardPlan::of(Family::Cu48, 0, 48)], &[]);
    let config = bank.config("[[bus.board]]\nnumber = 4\nkind = 'CU48'\naddress = 0\nchannels = 48\n");
    // Name, highest address, first lock: opens door 1, S, not low, nothing else, its place; then they leave.
    let (done, said) = bank.commission(&config, &[], "R. Nasser\n2\n\n1\n\n\n\n\nquit\n");
    assert!(!done && said.contains("run it again to go on"), "{said}");
    assert_eq!(bank.found(), [(4, 1, LockFound::Proved)]);
    // Again: channel 2 opens door 2, large, low, with power, in the next column; no more.
    let typed = "R. Nasser\n2\n\n2\nL\ny\npower\n1,0,4\nr\n\n";
    let (done, said) = bank.commission(&config, &[], typed);
    assert!(done && said.contains("Going on where the last walk was left"), "{said}");
    assert_eq!(bank.coils(), 2, "a door is proved once");
    let written = EdgeConfig::read(&config).unwrap();
    let doors: Vec<_> =
        written.compartments.iter().map(|c| (c.number, c.size, c.low_reach, c.height)).collect();
    assert_eq!(doors, [(1, 'S', false, 1), (2, 'L', true, 4)]);
    assert!(
        bank.journal().contains(&EventKind::LockAnswered {
            trial: 11,
            found: LockFound::Proved,
            compartment: Some(CompartmentNo(2))
        }) || bank.found().len() == 2
    );
}

#[test]
fn a_missing_board_is_named_and_somebody_must_want_to_go_on() {
    let bank = NewBank::new(&[BoardPlan::usual(1, 8)], &[]);
    let config = bank.config(
        "[[bus.board]]\nnumber = 1\naddress = 1\nchannels = 8\n[[bus.board]]\nnumber = 2\naddress = 2\nchannels = 8\n",
    );
    let (done, said) = bank.answered(&config, &lock(1, 1, 1));
    assert!(!done && said.contains("Board 2 does not answer"), "{said}");
    assert_eq!(bank.coils(), 0);
    let (done, said) = bank.answered(&config, &["go_on = true\n", &lock(1, 1, 1)].concat());
    assert!(!done && said.contains("1 doors can be used, 1 faults"), "{said}");
}

#[test]
fn a_board_that_floods_ends_in_time_and_opens_nothing() {
    let bank = NewBank::new(&[BoardPlan::usual(1, 8)], &[(1, Fault::Garbage)]);
    let config = bank.config("[[bus.board]]\nnumber = 1\naddress = 1\nchannels = 8\n");
    let clock = Clocks::start();
    let (done, said) = bank.answered(&config, &["go_on = true\n", &lock(1, 1, 1)].concat());
    assert!(!done && clock.elapsed() < Duration::from_secs(60), "{said}");
    assert!(
        said.contains("somebody speaks on this line all the time") || said.contains("board that floods"),
        "{said}"
    );
    assert_eq!(bank.coils(), 0);
}
