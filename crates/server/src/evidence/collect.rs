//! Which entries a bundle holds: those asked for, and those that prove them.

use std::collections::{BTreeMap, BTreeSet};

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{BankId, FileId, OrgId, ParcelId, PersonId};
use bailee_domain::platform::{Commitment, PlatformEventKind};
use bailee_evidence::Subject;
use bailee_evidence::entries::Why;
use bailee_wire::event::{Leaf, decode};

use super::{CollectError, MAX_ASKED};
use crate::app::AppError;
use crate::ledger::LogReader;
use crate::store::Db;
use crate::store::tables::log_index::{self, LogFilter, LogOrder, LogRow};

/// Lines of the index read at once.
const PAGE: u32 = 1_000;
/// People a bundle can tell of.
pub const MAX_PEOPLE: usize = 500;
/// Parcels whose whole way goes along with an incident.
const MAX_PARCELS: usize = 50;
/// Kinds of entries that commit to a person's details.
const COMMITTING: [&str; 3] = ["PersonAdded", "PersonChanged", "AdministratorCreated"];

/// The entry that records an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its row.
    pub row: i64,
    /// Its place in the log.
    pub index: u64,
}

/// What a bundle holds.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// Every entry by its index.
    pub entries: BTreeMap<u64, Why>,
    /// The banks they are of or about.
    pub banks: BTreeSet<BankId>,
    /// The people they name, in order; at most [`MAX_PEOPLE`].
    pub people: BTreeSet<PersonId>,
    /// Those that attach a file.
    pub attaching: BTreeSet<u64>,
}

impl Chosen {
    /// Adds an entry unless it is there for a better reason.
    pub fn add(&mut self, index: u64, why: Why) {
        let known = self.entries.entry(index).or_insert(why);
        *known = (*known).min(why);
    }
}

/// What a bundle is about, in terms of the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Lines that pass.
    pub filter: LogFilter,
    /// And the whole way of the parcels that these lines name at this compartment.
    pub parcels_at: Option<CompartmentNo>,
}

/// The index of a log, read through a store.
pub struct Index<'a> {
    /// The store.
    pub db: &'a Db,
    /// Whose log.
    pub org: OrgId,
    /// Its entries.
    pub log: &'a LogReader,
}

impl Index<'_> {
    /// Finds the entry that records an export with this commitment.
    ///
    /// # Errors
    /// [`CollectError::NotSignedYet`] while it has no place in a tree of that size.
    pub async fn record(&self, request: Commitment, tree: u64) -> Result<Record, CollectError> {
        let filter = LogFilter { kind: Some("EvidenceExported".into()), ..LogFilter::default() };
        let mut before = None;
        loop {
            let rows = self.page(filter.clone(), LogOrder::NewestFirst { before }).await?;
            for row in &rows {
                let Some(index) = row.leaf_index.filter(|index| *index < tree) else { continue };
                if self.committed(index).await? == Some(request) {
                    return Ok(Record { row: row.id, index });
                }
            }
            before = Some(rows.last().ok_or(CollectError::NotSignedYet)?.id);
        }
    }

    /// Chooses the entries about a subject that were there before the export, with all that proves them.
    ///
    /// # Errors
    /// [`CollectError::TooMany`]; the store's.
    pub async fn choose(&self, wanted: Wanted, record: Record, tree: u64) -> Result<Chosen, CollectError> {
        let mut chosen = Chosen::default();
        chosen.add(record.index, Why::Export);
        let mut first: BTreeMap<BankId, i64> = BTreeMap::new();
        let mut parcels: BTreeSet<ParcelId> = BTreeSet::new();
        let Wanted { filter, parcels_at } = wanted;
        self.take(filter, (record, tree), &mut chosen, &mut |row| {
            if let Some(bank) = row.line.bank {
                let earliest = first.entry(bank).or_insert(row.id);
                *earliest = row.id.min(*earliest);
            }
            if parcels_at.is_some() && row.line.compartment == parcels_at && parcels.len() < MAX_PARCELS {
                parcels.extend(row.line.parcel);
            }
        })
        .await?;
        for parcel in parcels {
            let filter = LogFilter { parcel: Some(parcel), ..LogFilter::default() };
            self.take(filter, (record, tree), &mut chosen, &mut |row| {
                if let Some(bank) = row.line.bank {
                    let earliest = first.entry(bank).or_insert(row.id);
                    *earliest = row.id.min(*earliest);
                }
            })
            .await?;
        }
        for (bank, first) in first {
            self.enrolments(&mut chosen, bank, tree).await?;
            self.heads(&mut chosen, bank, first, (record.row, tree)).await?;
        }
        Ok(chosen)
    }

    /// Adds the entries that pass a filter, and tells of each.
    async fn take(
        &self,
        filter: LogFilter,
        (record, tree): (Record, u64),
        chosen: &mut Chosen,
        tell: &mut (dyn FnMut(&LogRow) + Send),
    ) -> Result<(), CollectError> {
        let (mut after, up_to) = (0, record.row.saturating_sub(1));
        loop {
            let rows = self.page(filter.clone(), LogOrder::OldestFirst { after, up_to }).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id;
            for row in &rows {
                let Some(index) = row.leaf_index.filter(|index| *index < tree) else { continue };
                chosen.add(index, Why::Asked);
                chosen.banks.extend(row.line.bank);
                if row.line.kind == "FileAttached" {
                    chosen.attaching.insert(index);
                }
                note_people(&mut chosen.people, row);
                tell(row);
            }
            if chosen.entries.len() > MAX_ASKED {
                return Err(CollectError::TooMany);
            }
        }
    }

    /// The entries that name the bank's keys.
    async fn enrolments(&self, chosen: &mut Chosen, bank: BankId, tree: u64) -> Result<(), CollectError> {
        let filter =
            LogFilter { bank: Some(bank), kind: Some("BankEnrolled".into()), ..LogFilter::default() };
        let rows = self.page(filter, LogOrder::OldestFirst { after: 0, up_to: i64::MAX }).await?;
        for index in rows.iter().filter_map(|row| row.leaf_index).filter(|index| *index < tree) {
            chosen.add(index, Why::Enrolment);
        }
        Ok(())
    }

    /// From each asked entry of a bank everything up to that bank's next signed head. Heads come with every upload, so
    /// that is a few entries, however many the bank has.
    async fn heads(
        &self,
        chosen: &mut Chosen,
        bank: BankId,
        first: i64,
        (last, tree): (i64, u64),
    ) -> Result<(), CollectError> {
        let filter = LogFilter { bank: Some(bank), ..LogFilter::default() };
        let (mut after, mut open, mut between) = (first.saturating_sub(1), false, Vec::new());
        loop {
            let order = LogOrder::OldestFirst { after, up_to: last };
            let rows = self.page(filter.clone(), order).await?;
            let Some(end) = rows.last() else { return Ok(()) };
            after = end.id;
            for row in &rows {
                let Some(index) = row.leaf_index.filter(|index| *index < tree) else { continue };
                if chosen.entries.get(&index) == Some(&Why::Asked) {
                    open = true;
                } else if row.line.kind == "ChainHead" && open {
                    chosen.add(index, Why::Head);
                    between.drain(..).for_each(|index| chosen.add(index, Why::Chain));
                    open = false;
                } else if open {
                    between.push(index);
                }
            }
        }
    }

    /// The last entry that commits to a person's details, with the commitment.
    ///
    /// # Errors
    /// The store's.
    pub async fn commitment(
        &self,
        person: PersonId,
        tree: u64,
    ) -> Result<Option<(u64, Commitment)>, CollectError> {
        let mut newest: Option<(i64, Option<u64>)> = None;
        for kind in COMMITTING {
            let filter =
                LogFilter { person: Some(person), kind: Some(kind.to_owned()), ..LogFilter::default() };
            let rows = self.page(filter, LogOrder::NewestFirst { before: None }).await?;
            let last = rows.iter().find(|row| row.line.person == Some(person));
            newest = newest.max(last.map(|row| (row.id, row.leaf_index)));
        }
        let Some(index) = newest.and_then(|(_, index)| index).filter(|index| *index < tree) else {
            return Ok(None);
        };
        Ok(self.committed(index).await?.map(|commitment| (index, commitment)))
    }

    async fn page(&self, filter: LogFilter, order: LogOrder) -> Result<Vec<LogRow>, AppError> {
        let org = self.org;
        self.db.read(async move |tx| log_index::list(&tx, org, &filter, order, (None, PAGE)).await).await
    }

    /// The files that these entries attach.
    ///
    /// # Errors
    /// The log's.
    pub async fn attached(&self, entries: &BTreeSet<u64>) -> Result<Vec<FileId>, CollectError> {
        let mut files = Vec::new();
        for index in entries {
            let Ok(Leaf::Platform { event, .. }) = decode(&self.log.entry(*index).await?) else { continue };
            if let PlatformEventKind::FileAttached { file, .. } = event.kind {
                files.push(file);
            }
        }
        Ok(files)
    }

    /// What an entry commits to: a person's details or a request for evidence.
    async fn committed(&self, index: u64) -> Result<Option<Commitment>, CollectError> {
        let bytes = self.log.entry(index).await?;
        let Ok(Leaf::Platform { event, .. }) = decode(&bytes) else { return Ok(None) };
        Ok(match event.kind {
            PlatformEventKind::PersonAdded { details, .. }
            | PlatformEventKind::PersonChanged { details, .. }
            | PlatformEventKind::AdministratorCreated { details, .. } => Some(details),
            PlatformEventKind::EvidenceExported { request } => Some(request),
            _ => None,
        })
    }
}

fn note_people(people: &mut BTreeSet<PersonId>, row: &LogRow) {
    let named = [row.line.person, row.line.actor.parse().ok()];
    people.extend(named.into_iter().flatten().take(MAX_PEOPLE.saturating_sub(people.len())));
}

/// Which lines of the index a subject means; an incident's are its bank's, or everybody's when
/// it is about no bank.
#[must_use]
pub fn wanted_of(subject: &Subject, incident: Option<(BankId, Option<CompartmentNo>)>) -> Wanted {
    let all = LogFilter::default();
    let filter = match subject {
        Subject::Span => all,
        Subject::Parcel(parcel) => LogFilter { parcel: Some(*parcel), ..all },
        Subject::Compartment(bank, number) => {
            LogFilter { bank: Some(*bank), compartment: Some(*number), ..all }
        }
        Subject::Bank(bank) => LogFilter { bank: Some(*bank), ..all },
        Subject::Person(person) => LogFilter { person: Some(*person), ..all },
        Subject::Incident(_) => LogFilter { bank: incident.map(|(bank, _)| bank), ..all },
    };
    Wanted { filter, parcels_at: incident.and_then(|(_, compartment)| compartment) }
}
