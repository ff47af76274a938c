//! Appending: order, groups, syncs, many callers, one process.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bailee_audit::bundle::MAX_ENTRY_LEN;
use bailee_ledger::disk::{Disk, FolderDisk, MemoryDisk};
use bailee_ledger::{AppendError, Appended, Config, Disagreement, LedgerError, Log};

use super::support::{config, entries, entry, key, open, our_key, verified};

#[test]
fn entries_become_a_log_anybody_can_verify() {
    let log = open(MemoryDisk::default()).unwrap();
    assert_eq!(log.reader().head().size, 0);
    verified(&log.reader());
    let all = entries(0..700);
    for batch in all.chunks(97) {
        let appended = log.appender().append(batch).unwrap();
        let last: &Appended = appended.last().unwrap();
        assert_eq!(last.head, log.reader().head());
        assert_eq!(last.index + 1, last.head.size);
    }
    log.wait_until_packed().unwrap();
    assert_eq!(log.reader().packed_segments(), 2);
    let (report, found) = verified(&log.reader());
    assert_eq!((report.checkpoint.size, report.entries), (700, 700));
    assert_eq!(found, all);
}

#[test]
fn a_reopened_log_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for (round, size) in [1_u64, 0, 255, 300, 1].into_iter().enumerate() {
        let log = open(FolderDisk::open(&dir.path().join("a/b")).unwrap()).unwrap();
        assert_eq!(verified(&log.reader()).1, expected, "round {round}");
        let added = entries(expected.len() as u64..expected.len() as u64 + size);
        log.appender().append(&added).unwrap();
        expected.extend(added);
    }
    let log = open(FolderDisk::open(&dir.path().join("a/b")).unwrap()).unwrap();
    assert_eq!(verified(&log.reader()).1, expected);
}

#[test]
fn a_folder_belongs_to_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let _disk = FolderDisk::open(dir.path()).unwrap();
    let error = FolderDisk::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
}

#[test]
fn a_group_is_one_sync() {
    let disk = MemoryDisk::default();
    let log = open(disk.clone()).unwrap();
    let before = disk.syncs();
    for batch in entries(0..250).chunks(25) {
        log.appender().append(batch).unwrap();
    }
    assert_eq!(disk.syncs() - before, 10);
}

#[test]
fn many_callers_keep_their_own_order_and_lose_nothing() {
    let log = open(MemoryDisk::default()).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..8_u64 {
            let appender = log.appender();
            scope.spawn(move || {
                for number in 0..150_u64 {
                    let appended =
                        appender.submit(&[caller.to_be_bytes(), number.to_be_bytes()].concat()).unwrap();
                    if number % 3 == 0 {
                        appended.wait().unwrap();
                    }
                }
            });
        }
    });
    let last = log.appender().submit(b"last").unwrap().wait().unwrap();
    assert_eq!(last.index, 1_200);
    let (_, found) = verified(&log.reader());
    for caller in 0..8_u64 {
        let of_caller = found.iter().filter(|entry| entry.starts_with(&caller.to_be_bytes()));
        assert!(
            of_caller.map(|entry| &entry[8..]).eq((0..150_u64)
                .map(u64::to_be_bytes)
                .collect::<Vec<_>>()
                .iter()
                .map(|n| &n[..]))
        );
    }
}

struct Thread(std::thread::Thread);

impl Wake for Thread {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn a_ticket_can_be_awaited() {
    let log = open(MemoryDisk::default()).unwrap();
    let mut ticket = pin!(log.appender().submit(b"one").unwrap());
    let waker = Waker::from(Arc::new(Thread(std::thread::current())));
    let appended = loop {
        match ticket.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(appended) => break appended.unwrap(),
            Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!((appended.index, appended.head.size), (0, 1));
}

#[test]
fn dropping_a_log_finishes_what_was_handed_in() {
    let disk = MemoryDisk::default();
    let log = open(disk.clone()).unwrap();
    let appender = log.appender();
    let tickets: Vec<_> = entries(0..600).iter().map(|entry| appender.submit(entry).unwrap()).collect();
    drop(log);
    assert!(tickets.iter().all(|ticket| ticket.poll_now().unwrap().is_ok()));
    assert!(matches!(appender.submit(b"late"), Err(AppendError::Closed)));
    assert_eq!(open(disk).unwrap().reader().head().size, 600);
}

#[test]
fn the_longest_entries_fit_and_longer_ones_do_not() {
    let log = open(MemoryDisk::default()).unwrap();
    let longest = vec![vec![9; MAX_ENTRY_LEN]; 60];
    log.appender().append(&longest).unwrap();
    log.appender().append(&entries(60..300)).unwrap();
    log.wait_until_packed().unwrap();
    let too_long = log.appender().submit(&vec![9; MAX_ENTRY_LEN + 1]);
    assert!(matches!(too_long, Err(AppendError::TooLong(65_536))));
    let (_, found) = verified(&log.reader());
    assert!(found[..60] == longest);
    assert_eq!(found[299], entry(299));
}

#[test]
fn a_new_key_takes_over_with_a_checkpoint_of_its_own() {
    let disk = MemoryDisk::default();
    let old = open(disk.clone()).unwrap();
    old.appender().append(&entries(0..256)).unwrap();
    drop(old);
    let mut next = Config { segment_height: 8, ..Config::new(key(8)) };
    let refused = Log::open(disk.clone(), next.clone()).err();
    assert!(matches!(refused, Some(LedgerError::Disagrees(Disagreement::Checkpoint(_)))));
    next.key.earlier.push(our_key());
    let log = Log::open(disk.clone(), next.clone()).unwrap();
    log.reader().check(&next.key.verifying, 1, &|_| ()).unwrap();
    assert_eq!(log.reader().head().size, 256);
    log.appender().append(&entries(256..300)).unwrap();
    drop(log);
    next.key.earlier.clear();
    assert_eq!(Log::open(disk, next).unwrap().reader().head().size, 300);
}

#[test]
fn a_log_behind_what_is_known_of_it_is_refused() {
    let disk = MemoryDisk::default();
    let log = open(disk.clone()).unwrap();
    log.appender().append(&entries(0..300)).unwrap();
    log.wait_until_packed().unwrap();
    let known = log.reader().head();
    drop(log);
    let image = disk.image();
    let log = open(disk.clone()).unwrap();
    log.appender().append(&entries(300..310)).unwrap();
    let later = log.reader().head();
    drop(log);
    let with =
        |disk: &MemoryDisk, known| Log::open(disk.image(), Config { known: Some(known), ..config() }).err();
    assert!(with(&disk, known).is_none());
    assert!(with(&disk, later).is_none());
    let behind = with(&image, later);
    assert!(matches!(behind, Some(LedgerError::Disagrees(Disagreement::Behind { known: 310, found: 300 }))));
    let forked = with(&disk, bailee_audit::TreeHead { root: later.root, ..known });
    assert!(matches!(forked, Some(LedgerError::Disagrees(Disagreement::Forked { .. }))));
}

#[test]
fn side_files_are_whole_or_not_there() {
    let disk = MemoryDisk::default();
    let log = open(disk.clone()).unwrap();
    log.appender().append(&entries(0..256)).unwrap();
    log.wait_until_packed().unwrap();
    assert!(matches!(log.put_side(1, 0, b"x"), Err(LedgerError::OutOfRange)));
    assert_eq!(log.reader().side(0, 3).unwrap(), None);
    log.put_side(0, 3, b"who").unwrap();
    log.put_side(0, 3, b"who and where").unwrap();
    assert_eq!(log.reader().side(0, 3).unwrap().as_deref(), Some(&b"who and where"[..]));
    let name = disk.list().unwrap().into_iter().find(|name| name.to_string() == "00000000.side-3").unwrap();
    disk.tamper(name, |bytes| bytes[20] ^= 1);
    assert_eq!(log.reader().side(0, 3).unwrap(), None);
}
