//! A platform with a bank, a witness and a log on a disk in memory, for tests that break one place after another.

use std::sync::Arc;

use bailee_audit::Note;
use bailee_audit::cosignature::Cosigner;
use bailee_audit::hash::TreeHead;
use bailee_audit::key::KeyName;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::{Event, EventKind};
use bailee_domain::id::BankId;
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::TimeQuality;
use bailee_ledger::disk::{Kind as File, MemoryDisk, Name};
use bailee_ledger::{Config, Log};
use bailee_server::app::install::{self, LedgerDisk, Names, Outside};
use bailee_server::app::{App, Change, TestClock};
use bailee_server::ledger::check::{Kept, Kind, Report, check};
use bailee_server::ledger::{LogId, LogKey};
use bailee_server::store::Value;
use bailee_server::store::tables::log_index::Indexed;
use bailee_server::store::tables::witness::{self, CosignatureRow, RoundRow};
use bailee_server::store::tables::{bank, event};
use bailee_vault::Secret;
use bailee_vault::kek::MemoryKek;
use bailee_vault::sign::SigningKey;
use bailee_vault::stretch::Cost;
use bailee_wire::event::{Hash as ChainHash, NO_EVENT, chain_hash, encode_bank, head_statement};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::platform::{Rig, START};
use crate::support::Fresh;

/// A platform with a bank, some events and a witness, and the disk its log lies on.
pub struct House {
    pub rig: Rig,
    pub disk: MemoryDisk,
    pub key: LogKey,
    pub bank: BankId,
    pub device: SigningKey,
    /// Number and hash of the bank's last event.
    pub last: (u64, ChainHash),
}

impl House {
    pub async fn new(fresh: Fresh) -> Self {
        let kek = MemoryKek::from_key(&Secret::new([7; 32]));
        let clock = Arc::new(TestClock::at(START));
        let disk = MemoryDisk::default();
        let outside = Outside {
            clock: Box::new(clock.clone()),
            rng: Box::new(ChaCha20Rng::seed_from_u64(3)),
            cost: Cost::SIMULATION,
            ledger: LedgerDisk::Own(Box::new(disk.clone())),
        };
        let names = Names { org: "Oak Court".into(), site: "Oak Court".into() };
        let app = install::open_or_create(fresh.db.clone(), &kek, outside, &names).await.unwrap();
        let key = install::log_key(&app).unwrap();
        let rig = Rig { app, clock, fresh, kek };
        let bank = rig.enrolled_bank("East").await;
        let device = SigningKey::from_seed(&Secret::new([5; 32]));
        let mut this = Self { rig, disk, key, bank, device, last: (0, NO_EVENT) };
        let device_key = this.device.public().0;
        this.say(vec![PlatformEventKind::BankEnrolled { bank, device_key }]).await;
        for _ in 0..3 {
            this.bank_does(20).await;
            this.say(vec![PlatformEventKind::SignInRefused; 90]).await;
        }
        this
    }

    pub fn app(&self) -> &App {
        &self.rig.app
    }

    /// Events of the platform, sequenced.
    pub async fn say(&self, kinds: Vec<PlatformEventKind>) {
        let said = self.app().change(Actor::Platform, async move |change: &Change| {
            for kind in &kinds {
                change.event(kind.clone()).await?;
            }
            Ok(())
        });
        said.await.unwrap();
        self.sequence().await;
    }

    pub async fn sequence(&self) {
        let sequencer = install::sequencer(self.app());
        while sequencer.run_once(START.unix_ms()).await.unwrap().is_full() {}
    }

    /// An upload of a bank's events under a signed head.
    pub async fn bank_does(&mut self, events: u64) {
        let (bank, mut last) = (self.bank, self.last);
        let mut made = Vec::new();
        for _ in 0..events {
            let kind = EventKind::CompartmentForced { compartment: CompartmentNo(7) };
            let event = Event { seq: last.0 + 1, at: START, quality: TimeQuality::Trusted, kind };
            let bytes = encode_bank(bank, &last.1, &event);
            last = (event.seq, chain_hash(&bytes));
            made.push((event, bytes));
        }
        let signature = self.device.sign(&head_statement(bank, last.0, &last.1));
        let (from, org) = (self.last.0, self.app().org());
        let done = self.app().change(Actor::Bank(bank), async move |change: &Change| {
            for (happened, bytes) in &made {
                let line = Indexed::of_bank(bank, happened);
                event::append_bank(&change.tx, org, (bank, happened.seq), (bytes, line), START).await?;
            }
            assert!(bank::advance(&change.tx, bank, from, last).await?);
            let (seq, head) = last;
            change.event(PlatformEventKind::ChainHead { bank, seq, head, signature }).await
        });
        done.await.unwrap();
        self.last = last;
        self.sequence().await;
    }

    pub async fn checked_on(&self, disk: &MemoryDisk, kept: &[Kept]) -> Report {
        let log = LogId::new(self.app().log_id()).unwrap();
        let org = self.app().org().to_string();
        let keys = [self.key.verifying.clone()];
        let mut heard = 0;
        let disk = Box::new(disk.image());
        let mut progress = |done, of| {
            assert!(heard <= done && done <= of);
            heard = done;
        };
        check(&self.rig.fresh.db, (&log, &org), &keys, disk, kept, &mut progress).await.unwrap()
    }

    pub async fn checked(&self) -> Report {
        self.checked_on(&self.disk, &[]).await
    }

    /// The kinds found, in order and without repeats.
    pub async fn found(&self) -> Vec<Kind> {
        kinds(&self.checked().await)
    }

    pub async fn sql(&self, sql: &'static str, values: &[Value]) -> u64 {
        let values = values.to_vec();
        self.rig.fresh.db.tx(async move |tx| tx.exec(sql, &values).await).await.unwrap()
    }

    pub async fn head(&self) -> TreeHead {
        self.app().ledger().reader().head().await.unwrap()
    }

    /// The same log with 256 entries in a segment, so that most of it is packed.
    pub async fn packed(&self) -> MemoryDisk {
        let size = self.head().await.size;
        let entries = self.app().ledger().reader().range(0, size).await.unwrap();
        let entries: Vec<Vec<u8>> = entries.into_iter().map(|(_, entry)| entry).collect();
        self.written(self.key.clone(), &entries)
    }

    pub fn written(&self, key: LogKey, entries: &[Vec<u8>]) -> MemoryDisk {
        let disk = MemoryDisk::default();
        let log = Log::open(disk.clone(), Config { segment_height: 8, ..Config::new(key) }).unwrap();
        entries.chunks(40).for_each(|group| drop(log.appender().append(group).unwrap()));
        log.wait_until_packed().unwrap();
        disk
    }

    /// A witness that cosigns the newest checkpoint.
    pub async fn cosign(&self) {
        let checkpoint = self.app().ledger().reader().checkpoint().await.unwrap();
        let witness = Cosigner::from_seed(KeyName::new("witness.example").unwrap(), &[4; 32]).unwrap();
        let text = Note::parse(checkpoint.as_bytes()).unwrap().text().to_owned();
        let line = witness.cosign(&text, 1_800_000_000).unwrap().to_string();
        let (log, size) = (self.app().log_id().to_owned(), self.head().await.size);
        let vkey = witness.key().to_string();
        let stored = self.rig.fresh.db.tx(async move |tx| {
            let name = "witness.example".to_owned();
            witness::put(&tx, &log, (&name, &vkey), None, 1).await?;
            let round = RoundRow { size, checkpoint: checkpoint.clone(), opened_at: START };
            witness::open_round(&tx, &log, &round).await?;
            let row = CosignatureRow { name, line: line.clone() };
            witness::cosigned(&tx, &log, size, (&row, 1_800_000_000), START).await
        });
        stored.await.unwrap();
    }
}

pub fn kinds(report: &Report) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = report.findings.told.iter().map(|finding| finding.kind).collect();
    kinds.dedup();
    kinds
}

pub fn tail(segment: u64) -> Name {
    Name { kind: File::Tail, segment }
}

pub fn sealed(segment: u64) -> Name {
    Name { kind: File::Sealed, segment }
}
