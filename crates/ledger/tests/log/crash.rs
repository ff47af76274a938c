//! Every write broken in turn, persisted or not, torn anywhere; after each the whole log is verified again.

use bailee_ledger::AppendError;
use bailee_ledger::disk::{MemoryDisk, Trouble, Unsynced};
use proptest::prelude::*;

use super::support::{entries, open, verified};

/// Opens the log and appends what isn't in it yet, batch by batch, until something fails. Gives how many entries were
/// answered for.
fn work(disk: &MemoryDisk, all: &[Vec<u8>], batch: usize) -> u64 {
    let Ok(log) = open(disk.clone()) else { return 0 };
    let start = log.reader().head().size;
    let mut answered = start;
    for batch in all[start as usize..].chunks(batch) {
        match log.appender().append(batch) {
            Ok(appended) => answered = appended.last().expect("no batch is empty").head.size,
            Err(AppendError::Failed(_)) => break,
            Err(other) => panic!("{other}"),
        }
        // One step after another, so that every run of this takes the same steps.
        if log.wait_until_packed().is_err() {
            break;
        }
    }
    answered
}

/// What was answered is there, what is there was handed in, in order; and the log goes on.
fn recovered(disk: &MemoryDisk, all: &[Vec<u8>], answered: u64, what: &str) {
    let log = open(disk.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let (report, found) = verified(&log.reader());
    assert!(report.checkpoint.size >= answered, "{what}: {} of {answered} are left", report.checkpoint.size);
    assert!(found == all[..found.len()], "{what}");
    drop(log);
    assert_eq!(work(disk, all, 200), all.len() as u64, "{what}: the log goes on");
    assert_eq!(open(disk.clone()).unwrap().reader().head().size, all.len() as u64);
}

const AFTERMATHS: [Unsynced; 5] =
    [Unsynced::Kept, Unsynced::Lost, Unsynced::Cached, Unsynced::Mixed(12_345), Unsynced::Mixed(99)];

#[test]
fn power_cuts_at_every_step_lose_nothing_that_was_answered() {
    let all = entries(0..560);
    let clean = MemoryDisk::default();
    assert_eq!(work(&clean, &all, 70), 560);
    let steps = clean.steps();
    assert!(steps > 40, "{steps} steps");
    for step in 0..steps {
        let troubles =
            [Trouble::PowerCut { written: 0 }, Trouble::PowerCut { written: 700 }, Trouble::PowerCutAfter];
        for trouble in troubles {
            let disk = MemoryDisk::default();
            disk.plan(step, trouble);
            let answered = work(&disk, &all, 70);
            for aftermath in AFTERMATHS {
                let disk = disk.image();
                disk.power_on(aftermath);
                disk.forget_plans();
                recovered(&disk, &all, answered, &format!("step {step}, {trouble:?}, {aftermath:?}"));
            }
        }
    }
}

#[test]
fn a_failing_call_at_every_step_fails_its_callers_and_the_log_mends_itself() {
    let all = entries(0..560);
    let clean = MemoryDisk::default();
    work(&clean, &all, 70);
    for step in 0..clean.steps() {
        let disk = MemoryDisk::default();
        disk.plan(step, Trouble::Fails);
        let Ok(log) = open(disk.clone()) else {
            recovered(&disk, &all, 0, &format!("step {step} at the opening"));
            continue;
        };
        while log.reader().head().size < 560 {
            let next = log.reader().head().size as usize;
            // After a failure what was handed in may be there or not; the size says.
            let _ = log.appender().append(&all[next..all.len().min(next + 70)]);
            let _ = log.wait_until_packed();
        }
        assert!(verified(&log.reader()).1 == all, "step {step}");
        drop(log);
        disk.power_on(Unsynced::Lost);
        recovered(&disk, &all, 560, &format!("step {step}"));
    }
}

#[test]
fn a_power_cut_during_recovery_is_survived_too() {
    let all = entries(0..400);
    for (first, seed) in (8..40_u64).step_by(3).zip(1..) {
        let disk = MemoryDisk::default();
        disk.plan(first, Trouble::PowerCut { written: 300 });
        let answered = work(&disk, &all, 60);
        disk.power_on(Unsynced::Mixed(seed));
        disk.forget_plans();
        let image = disk.image();
        let before = image.steps();
        drop(open(image.clone()).unwrap());
        for step in before..image.steps() {
            let disk = disk.image();
            disk.plan(step, Trouble::PowerCut { written: 100 });
            let _ = open(disk.clone());
            disk.power_on(Unsynced::Mixed(seed + 7));
            disk.forget_plans();
            recovered(&disk, &all, answered, &format!("first {first}, then {step}"));
        }
    }
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let all = entries(0..900);
    for room in (0..120_000).step_by(9_000) {
        let disk = MemoryDisk::default();
        disk.limit(Some(room));
        let answered = work(&disk, &all, 50);
        disk.limit(None);
        recovered(&disk, &all, answered, &format!("{room} bytes"));
    }
    let disk = MemoryDisk::default();
    let log = open(disk.clone()).unwrap();
    disk.limit(Some(disk.used()));
    let mut next = 0;
    while let Ok(appended) = log.appender().append(&all[next..next + 50]) {
        next = appended.last().expect("fifty").head.size as usize;
    }
    disk.limit(None);
    while log.reader().head().size < 900 {
        let next = log.reader().head().size as usize;
        let _ = log.appender().append(&all[next..(next + 50).min(900)]);
    }
    assert!(verified(&log.reader()).1 == all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_group_torn_anywhere_is_there_or_not(step in 0..60_u64, written in 0..40_000_usize, seed in any::<u64>()) {
        let all = entries(0..560);
        let disk = MemoryDisk::default();
        disk.plan(step, Trouble::PowerCut { written });
        let answered = work(&disk, &all, 70);
        disk.power_on(Unsynced::Mixed(seed));
        disk.forget_plans();
        recovered(&disk, &all, answered, &format!("step {step}, {written} bytes, seed {seed}"));
    }
}
