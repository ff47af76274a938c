//! Bytes an event takes in all the platform keeps of it: the files of the log, and the store's rows and indexes beside them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::EventKind;
use bailee_domain::id::{BankId, GrantId, OrgId, ParcelId, PersonId};
use bailee_edge::clock::Clocks;
use bailee_ledger::disk::FolderDisk;
use bailee_server::app::AppError;
use bailee_server::ledger::event::{NewEvent, Recorded, record};
use bailee_server::ledger::{Ledger, LogId, Sequencer};
use bailee_server::store::tables::log_index::{self, Indexed};
use bailee_server::store::{Db, DbConfig, Tx, migrate};
use bailee_wire::event::{Leaf, decode};

use super::report::{Report, Table, number};
use super::tile_log::{Events, SEED, bytes, json_bytes, key};

const NOW_MS: i64 = 1_800_000_000_000;
/// Events of one transaction; a bank uploads as many at once.
const BATCH: u64 = 250;
const MOST_BESIDE_JSON: f64 = 0.2;
const MOST_GROWTH: f64 = 1.05;

/// Bytes at several sizes of one log, taken in by the code that takes in events.
///
/// # Errors
/// When the store or the log does not work.
pub async fn store_size(dir: &Path, entries: u64) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let json = json_bytes(entries)?;
    let mut platform = Platform::open(dir).await?;
    let mut report =
        Report::new("s1 store-size", "bytes per event: the log's files and the store beside them");
    let mut table = Table::new(&["events", "log", "store", "both"]);
    let mut both = Vec::new();
    let start = clock.elapsed();
    for part in [10, 4, 2, 1] {
        let size = entries / part;
        platform.grow(size).await?;
        eprintln!("{size} of {entries} events, {:.0} s", (clock.elapsed() - start).as_secs_f64());
        let each = |bytes: u64| bytes as f64 / size as f64;
        let (log, store) = (each(bytes(&dir.join("ledger"))?.0), each(platform.stored(dir).await?));
        table.row([size.to_string(), number(log), number(store), number(log + store)]);
        both.push((log, store));
    }
    report.table(table);
    let (first, last) = (both[0], both[both.len() - 1]);
    report.value("a JSON tile log", json, "B", None);
    report.value("the log beside the JSON tile log", last.0 / json, "x", Some(MOST_BESIDE_JSON));
    report.value(
        "log and store beside the JSON tile log",
        (last.0 + last.1) / json,
        "x",
        Some(MOST_BESIDE_JSON),
    );
    let growth = (last.0 + last.1) / (first.0 + first.1);
    report.value("bytes per event beside those of a tenth as many", growth, "x", Some(MOST_GROWTH));
    report.note("the store holds no bytes of events that are in the log, but what the log page filters by, in ten indexes");
    report.note("SQLite, its write-ahead log emptied");
    Ok(report)
}

struct Platform {
    db: Db,
    sequencer: Sequencer,
    org: OrgId,
    events: Events,
    parcels: Arc<Parcels>,
    size: u64,
}

/// What lies where, for what an event doesn't say itself.
#[derive(Clone, Default)]
struct Parcels {
    lying: Vec<Lying>,
    of_parcel: BTreeMap<ParcelId, usize>,
    of_grant: BTreeMap<GrantId, usize>,
    of_person: BTreeMap<PersonId, usize>,
}

#[derive(Clone, Copy)]
struct Lying {
    parcel: ParcelId,
    grant: GrantId,
    bank: BankId,
    door: CompartmentNo,
    person: PersonId,
}

impl Platform {
    async fn open(dir: &Path) -> anyhow::Result<Self> {
        let db = Db::open(&DbConfig::file(dir.join("store.db"))).await?;
        migrate::to_latest(&db).await?;
        let (events, log) = (Events::new(SEED), LogId::new("bench").expect("a good name"));
        let org = events.org();
        let disk = Box::new(FolderDisk::open(&dir.join("ledger"))?);
        let ledger = Ledger::open(&db, (&log, &org.to_string()), &key()?, disk, NOW_MS).await?;
        let sequencer = ledger.sequencer(&db);
        Ok(Self { db, sequencer, org, events, parcels: Arc::default(), size: 0 })
    }

    async fn grow(&mut self, size: u64) -> anyhow::Result<()> {
        while self.size < size {
            let count = BATCH.min(size - self.size);
            let mut batch = Vec::new();
            for number in self.size..self.size + count {
                let entry = self.events.entry();
                let leaf = decode(&entry)?;
                Arc::make_mut(&mut self.parcels).note(&leaf);
                batch.push((number, entry, leaf));
            }
            let (org, parcels) = (self.org, Arc::clone(&self.parcels));
            let taken: Result<(), AppError> = self
                .db
                .tx(async move |tx| {
                    for (number, entry, leaf) in &batch {
                        take(&tx, (org, *number), (entry, leaf), &parcels).await?;
                    }
                    Ok(())
                })
                .await;
            taken?;
            self.sequencer.run_once(NOW_MS).await?;
            self.size += count;
        }
        Ok(())
    }

    /// Bytes of the store's file.
    async fn stored(&self, dir: &Path) -> anyhow::Result<u64> {
        anyhow::ensure!(self.db.scrub(&[]).await?, "the write-ahead log could not be emptied");
        Ok(std::fs::metadata(dir.join("store.db"))?.len())
    }
}

async fn take(
    tx: &Tx,
    (org, number): (OrgId, u64),
    (bytes, leaf): (&[u8], &Leaf),
    parcels: &Parcels,
) -> Result<(), AppError> {
    let (mut line, source_id, source_seq) = match leaf {
        Leaf::Bank { bank, event, .. } => {
            let mut line = Indexed::of_bank(*bank, event);
            line.parcel = match (&event.kind, line.parcel) {
                (EventKind::CompartmentOpened { opening, .. }, None) => {
                    log_index::parcel_of_opening(tx, *bank, *opening).await?
                }
                (EventKind::CompartmentClosed { compartment }, None) => {
                    log_index::last_parcel_at(tx, *bank, *compartment).await?
                }
                (_, parcel) => parcel,
            };
            (line, bank.to_string(), event.seq)
        }
        Leaf::Platform { event, .. } => (Indexed::of_platform(org, event), org.to_string(), number),
    };
    parcels.complete(&mut line);
    let org_name = org.to_string();
    let new = NewEvent { org: &org_name, source_id: &source_id, source_seq, bytes, received_at_ms: NOW_MS };
    match record(tx, &new).await {
        Ok(Recorded::New { id }) => log_index::insert(tx, org, id, line).await,
        _ => Err(AppError::Damaged { what: "event" }),
    }
}

impl Parcels {
    fn note(&mut self, leaf: &Leaf) {
        let Leaf::Bank { bank, event, .. } = leaf else { return };
        let EventKind::ParcelDeposited(deposit) = &event.kind else { return };
        let place = self.lying.len();
        self.lying.push(Lying {
            parcel: deposit.parcel,
            grant: deposit.grant,
            bank: *bank,
            door: deposit.compartment,
            person: deposit.recipient,
        });
        self.of_parcel.insert(deposit.parcel, place);
        self.of_grant.insert(deposit.grant, place);
        self.of_person.insert(deposit.recipient, place);
    }

    /// Adds what the tables of parcels and messages would lead to.
    fn complete(&self, line: &mut Indexed) {
        let told = (line.kind == "NotificationSent").then_some(line.person).flatten();
        let place = line.parcel.and_then(|parcel| self.of_parcel.get(&parcel));
        let place = place.or_else(|| self.of_grant.get(&line.grant?));
        let Some(&place) = place.or_else(|| self.of_person.get(&told?)) else { return };
        let lying = self.lying[place];
        line.parcel = Some(lying.parcel);
        line.grant = line.grant.or(Some(lying.grant));
        line.bank = line.bank.or(Some(lying.bank));
        line.compartment = line.compartment.or(Some(lying.door));
        line.person = line.person.or(Some(lying.person));
    }
}
