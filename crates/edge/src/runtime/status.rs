//! What the link is told of the bank's condition, when it has changed.

use std::collections::BTreeMap;

use bailee_domain::bank::io::{BoardHealth, DoorStatus};
use bailee_domain::bank::screen::LockdownShown;
use bailee_domain::boot_tag::Freshness;
use bailee_domain::budget::Keypad;
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::Now;
use bailee_domain::truth::Truth;
use bailee_wire::link::{BankStatus, BoardStatus};
use rand_core::CryptoRng;

use super::{Engine, News};
use crate::journal::Disk;

/// What the link was told last: doors, boards, keypad, whether the bank is in order, and since when its health.
pub(super) type Told =
    (Vec<DoorStatus>, BTreeMap<u8, BoardHealth>, Keypad, (bool, Option<Freshness>, u64), Guarded);

/// The four states of every compartment, lockdowns and signs of tampering, as the link was told.
type Guarded = (Vec<Truth>, Vec<LockdownShown>, Vec<(Source, Tamper)>);

impl<D: Disk, R: CryptoRng> Engine<D, R> {
    /// What the platform must know about the guard against old disks.
    fn rollback_warnings(&self) -> Vec<String> {
        let store = (!self.controller.has_tag_store()).then_some("no-tpm");
        let disk = match self.controller.freshness() {
            Some(Freshness::Restored) => Some("disk-restored"),
            Some(Freshness::Silent | Freshness::Waiting) => Some("tpm-silent"),
            Some(Freshness::Fresh) | None => None,
        };
        store.into_iter().chain(disk).map(str::to_owned).collect()
    }

    pub(super) fn tell_status(&mut self, now: Now) {
        let keypad =
            self.controller.lasting().map_or(Keypad::ClosedUntilReset, |l| l.budget.keypad(now.wall));
        let tampers = self.controller.lasting().map(|lasting| lasting.tampers.keys().copied().collect());
        let guarded = (self.controller.truth(), self.controller.lockdowns(now), tampers.unwrap_or_default());
        let in_order = (self.controller.in_order(), self.controller.freshness(), self.vitals.telling());
        let status = (self.controller.doors(), self.health.clone(), keypad, in_order, guarded);
        if self.told.as_ref() == Some(&status) {
            return;
        }
        self.status_version += 1;
        let mut warnings = self.rollback_warnings();
        if !status.3.0 {
            warnings.push("journal-not-writable".to_owned());
        }
        let board = |number: &u8| BoardStatus {
            number: *number,
            health: self.health.get(number).copied().unwrap_or(BoardHealth::Answering),
        };
        (self.news)(News::Status(Box::new(BankStatus {
            version: self.status_version,
            doors: status.0.clone(),
            boards: self.wires.boards.keys().map(board).collect(),
            keypad,
            warnings,
            truth: status.4.0.clone(),
            lockdowns: status.4.1.clone(),
            tampers: status.4.2.clone(),
            health: self.vitals.told(),
        })));
        self.told = Some(status);
    }
}
