//! The end of a run: everything heals, everybody gets their parcel, and all accounts must agree.

use std::collections::{BTreeMap, BTreeSet};

use bailee_audit::checkpoint::Checkpoint;
use bailee_audit::proof::verify_consistency;
use bailee_audit::{DirSource, verify_log};
use bailee_domain::bank::io::BoardHealth;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::id::ParcelId;
use bailee_domain::parcel::Custody;
use bailee_edge::journal::Unsynced;
use bailee_server::app::install;
use bailee_server::app::parcels::{self, ListParcels, ParcelFilter};
use bailee_server::store::StoreError;
use bailee_server::store::tables::alert::{self, AlertFilter, Reach, Witnesses};
use bailee_server::store::tables::event;
use bailee_vault::sign::PublicKey;
use bailee_wire::chain::Checker;

use super::bank::{Lock, Sensor};
use super::post;
use super::visitor::{Errand, Key};
use super::watch::holds;
use super::{Happening, World};

/// After faults have ended, everything must be as it should be within this time.
const HEALED_WITHIN_MS: u64 = 30 * 60_000;

impl World {
    /// Every fault ends, and what was cut off catches up.
    pub(super) fn heal(&mut self) {
        self.note(format_args!("everything heals"));
        self.healing = true;
        self.next_activity_ms = self.now_ms();
        self.agenda.after(0, Happening::PlatformReturns);
        self.platform.store_fault = None;
        post::lock(&self.platform.post).refuses_percent = 0;
        for bank in 0..self.banks.len() {
            self.heal_bank(bank);
        }
        self.pass(5 * 60_000);
        for bank in 0..self.banks.len() {
            self.banks[bank].visitor = None;
            self.close_all(bank);
        }
        self.pass(60_000);
        for bank in 0..self.banks.len() {
            self.staff_look(bank);
        }
        self.until("the backlog drains", Self::has_caught_up);
    }

    fn close_all(&mut self, bank: usize) {
        let doors: Vec<CompartmentNo> = self.banks[bank].doors.keys().copied().collect();
        doors.into_iter().for_each(|compartment| self.close(bank, compartment));
    }

    fn heal_bank(&mut self, bank: usize) {
        let it = &mut self.banks[bank];
        it.disk.limit(None);
        it.net.cut_until = 0;
        it.rtc_off_ms = 0;
        it.visits += 1;
        it.visitor = None;
        for door in it.doors.values_mut() {
            (door.lock, door.sensor) = (Lock::Works, Sensor::True);
        }
        let silent: Vec<u8> =
            it.silent.iter().filter(|(_, silent)| **silent).map(|(board, _)| *board).collect();
        for board in silent {
            self.board(bank, board, BoardHealth::Answering);
        }
        self.ends(bank, super::Fault::Partition);
        if self.banks[bank].running.is_none() {
            self.agenda.after(500, Happening::PowerReturns { bank });
        }
        let doors: Vec<CompartmentNo> = self.banks[bank].doors.keys().copied().collect();
        for compartment in doors {
            self.agenda.after(2_000, Happening::Close { bank, compartment });
            self.agenda.after(2_500, Happening::Reading { bank, compartment });
        }
    }

    fn has_caught_up(&self) -> bool {
        let bank = |bank: usize| {
            let it = &self.banks[bank];
            let empty = |running: &super::bank::Running| {
                running.controller.in_order()
                    && running.link.reached()
                    && running.controller.backlog().lock().is_ok_and(|backlog| backlog.is_empty())
            };
            it.running.as_ref().is_some_and(empty)
                && self.watches[bank].stored == self.watches[bank].leaves.len() as u64
        };
        self.platform.is_up() && self.platform.is_idle() && (0..self.banks.len()).all(bank)
    }

    /// I21: lets things happen until it is so, within the bound.
    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let bound = self.now_ms() + HEALED_WITHIN_MS;
        while !is_so(self) {
            holds!(self.now_ms() < bound, "I21: {what}: not within {HEALED_WITHIN_MS} ms");
            self.step();
        }
    }

    /// The last part: every parcel is fetched, every bank loses power once more, and everything is compared.
    pub(super) fn end(&mut self) {
        for bank in 0..self.banks.len() {
            self.fetch_all(bank);
        }
        for bank in 0..self.banks.len() {
            self.power_lost(bank);
            self.switch_on(bank, Unsynced::Lost);
        }
        self.until("the backlog drains once more", Self::has_caught_up);
        self.pass(3 * 60_000);
        self.until("everything is quiet", Self::has_caught_up);
        self.check_banks();
        self.check_parcels();
        self.check_log();
        self.put_back();
    }

    /// I21: after healing, every parcel can be fetched with a code.
    fn fetch_all(&mut self, bank: usize) {
        let app = self.platform.app().expect("healed");
        let waiting: Vec<ParcelId> = self.watches[bank].contents.values().copied().collect();
        for parcel in waiting {
            let stored = self.stored_parcel(&app, parcel);
            if !self.residents.iter().any(|resident| resident.person == stored.recipient) {
                continue;
            }
            let before = self.letters.len();
            let extended = self.platform.block_on(parcels::extend(&app, &self.admin, parcel, 30));
            let again = extended
                .is_err()
                .then(|| self.platform.block_on(parcels::send_again(&app, &self.admin, parcel)));
            holds!(
                again.is_none_or(|again| again.is_ok()),
                "I21: no new code can be had for a parcel in bank {bank}"
            );
            self.until("a letter comes", |world| {
                world.letters[before..].iter().any(|letter| letter.parcel == parcel)
            });
            self.fetch(bank, parcel, before);
        }
    }

    fn fetch(&mut self, bank: usize, parcel: ParcelId, since: usize) {
        let at_home = |world: &Self| world.banks[bank].visitor.is_none();
        self.until("the kiosk is free", at_home);
        // A keypad that guessers closed is staff's business.
        self.staff_look(bank);
        self.pass(20_000);
        let letter = self.letters[since..].iter().rfind(|letter| letter.parcel == parcel).cloned();
        let code = letter.expect("one has come").code;
        let inside = |world: &Self| world.watches[bank].contents.values().any(|other| *other == parcel);
        // A fault planned for a write may still be waiting for it: then the recipient comes again.
        for _ in 0..3 {
            self.comes(bank, Errand::Pickup { key: Key::Code(code), again: false });
            self.until("the recipient has gone", at_home);
            self.close_all(bank);
            self.pass(10_000);
            // What a restart left in doubt is staff's to look at, and to tell.
            if !inside(self) || self.is_doubted(bank, parcel) {
                return;
            }
        }
        panic!("I21: a parcel in bank {bank} cannot be fetched");
    }

    fn is_doubted(&self, bank: usize, parcel: ParcelId) -> bool {
        let truth = self.banks[bank].running.as_ref().map(|running| running.controller.truth());
        let holds = |compartment| self.watches[bank].contents.get(&compartment) == Some(&parcel);
        truth.iter().flatten().any(|truth| truth.doubt.is_some() && holds(truth.compartment))
    }

    /// I5: what the platform said it holds, it holds after a restart.
    pub(super) fn check_held(&self) {
        let Some(ports) = self.platform.ports() else { return };
        for (bank, watch) in self.banks.iter().zip(&self.watches) {
            let held = self.platform.block_on(ports.ingest.position(bank.id)).expect("the store answers").seq;
            holds!(
                held >= watch.stored,
                "I5: {} events of {} were acknowledged, {held} are held",
                watch.stored,
                bank.id
            );
        }
    }

    /// I3, I4, I5: the platform holds exactly what each bank wrote, and has an alert for each alarm.
    fn check_banks(&self) {
        let app = self.platform.app().expect("healed");
        let org = app.org();
        for (bank, watch) in self.banks.iter().zip(&self.watches) {
            let id = bank.id;
            let log = app.ledger().reader();
            let stored = app.db().read(async move |tx| event::of_bank(&tx, &log, id, 1..=u64::MAX).await);
            let stored = self.platform.block_on(stored).expect("the store answers");
            let stored: Vec<Vec<u8>> = stored.into_iter().map(|(_, leaf)| leaf).collect();
            holds!(stored == watch.leaves, "I5: the platform does not hold what {id} wrote");
            let of_bank = Reach { banks: vec![id], witnesses: Witnesses::Left };
            let alerts = app.db().read(async move |tx| {
                let alerts = alert::newest(&tx, (org, &of_bank), AlertFilter::All, None, 100_000).await?;
                Ok::<_, StoreError>(
                    alerts.into_iter().filter(|alert| alert.event_seq.is_some()).collect::<Vec<_>>(),
                )
            });
            let alerts = self.platform.block_on(alerts).expect("the store answers");
            // Alarms of one kind at one door share an alert until somebody has seen to it, and are counted there.
            let mut owed: BTreeMap<(String, Option<u16>), u64> = BTreeMap::new();
            for alarm in watch.events.iter().filter(|event| event.kind.severity() == Severity::Alarm) {
                let name = format!("{:?}", alarm.kind);
                let name = name.split([' ', '(']).next().unwrap_or_default().to_owned();
                *owed.entry((name, alarm.kind.compartment().map(|c| c.0))).or_default() += 1;
            }
            for ((kind, compartment), count) in owed {
                let of_kind = alerts.iter().filter(|a| a.kind == kind && a.compartment == compartment);
                let told: u64 = of_kind.map(|alert| u64::from(alert.times)).sum();
                holds!(
                    told == count,
                    "I3: {count} alarms {kind} at {compartment:?} of {id}, {told} in alerts of {org}"
                );
            }
        }
    }

    /// I13: the platform's parcels are where the banks say.
    fn check_parcels(&self) {
        let app = self.platform.app().expect("healed");
        let mut known = BTreeSet::new();
        let mut before = None;
        loop {
            let input = ListParcels { filter: ParcelFilter::default(), before, limit: parcels::MAX_PAGE };
            let page =
                self.platform.block_on(parcels::list(&app, &self.admin, input)).expect("the store answers");
            let inside = page.parcels.iter().filter(|parcel| parcel.custody == Custody::InBank);
            known.extend(inside.map(|parcel| (parcel.bank, parcel.compartment, parcel.id)));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let banks = self.banks.iter().zip(&self.watches);
        let lie = |(bank, watch): (&super::bank::SimBank, &super::watch::Watch)| {
            let lasting =
                bank.running.as_ref().and_then(|running| running.controller.lasting()).expect("healed");
            holds!(
                lasting.contents == watch.contents,
                "I13: {} believes something else than it wrote",
                bank.id
            );
            lasting
                .contents
                .iter()
                .map(|(compartment, parcel)| (bank.id, *compartment, *parcel))
                .collect::<Vec<_>>()
        };
        let inside: BTreeSet<_> = banks.flat_map(lie).collect();
        holds!(known == inside, "I13: the platform thinks {known:?}, the banks hold {inside:?}");
    }

    /// Keeps the newest signed checkpoint, which must be consistent with the one before (I6).
    pub(super) fn keep_head(&mut self) {
        let (Some(log), Some(app)) = (self.platform.log(), self.platform.app()) else { return };
        let text = self.platform.block_on(log.checkpoint()).expect("the log is there");
        let key = install::log_key(&app).expect("the log has a key").verifying;
        let opened =
            Checkpoint::open(text.as_bytes(), &key).expect("I6: the checkpoint is signed by the log's key");
        let head = opened.checkpoint.head();
        let Some(last) = self.heads.last().copied() else { return self.heads.push(head) };
        holds!(head.size >= last.size, "I6: the log has become smaller");
        if head != last {
            let proof = self
                .platform
                .block_on(log.consistency_proof(last.size, head.size))
                .expect("it can be proven");
            verify_consistency(&last, &head, &proof).expect("I6: two checkpoints contradict each other");
            self.heads.push(head);
        }
    }

    /// I6 and the rest of what `bailee verify ledger` checks, on the exported log.
    fn check_log(&mut self) {
        self.keep_head();
        let (log, app) = (self.platform.log().expect("healed"), self.platform.app().expect("healed"));
        let newest = *self.heads.last().expect("kept above");
        for at in 0..self.heads.len() {
            let old = self.heads[self.dice.index(at + 1)];
            let proof = self
                .platform
                .block_on(log.consistency_proof(old.size, newest.size))
                .expect("it can be proven");
            verify_consistency(&old, &newest, &proof).expect("I6: two checkpoints contradict each other");
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        let head = self.platform.block_on(log.export(dir.path())).expect("the log is exported");
        let key = install::log_key(&app).expect("the log has a key").verifying;
        let mut checker = Checker::new(|key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
            PublicKey(*key).verify(message, signature).is_ok()
        });
        let mut visit =
            |_: u64, entry: &[u8]| checker.feed(entry).map(drop).map_err(|unsound| unsound.to_string());
        let report = verify_log(&mut DirSource::new(dir.path()), &key, &mut visit);
        let report = report.unwrap_or_else(|error| panic!("I6: the exported log is unsound: {error}"));
        holds!(report.entries == head.size, "I6: {} entries of {} were checked", report.entries, head.size);
        let summary = checker.summary();
        let written: u64 = self.watches.iter().map(|watch| watch.leaves.len() as u64).sum();
        holds!(
            summary.bank_events == written,
            "I6: {} of {written} events are in the log",
            summary.bank_events
        );
        holds!(summary.uncovered == 0, "I5: {} events are covered by no signed head", summary.uncovered);
        self.note(format_args!("the log holds {} entries under {:?}", head.size, head.root));
    }
}
