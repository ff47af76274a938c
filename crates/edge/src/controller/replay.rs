//! Reading a journal back into the state it is the fold of, and into the events the platform has not confirmed.
//!
//! A start and a revival run the same code. Entries come one at a time and are not kept. The first is the newest
//! snapshot, if there is one; what the platform has not confirmed of the events before it is read from the older
//! entries that the journal still holds.

use std::sync::MutexGuard;

use bailee_domain::bank::Lasting;
use bailee_domain::bank::io::Record;
use bailee_domain::id::BankId;
use bailee_wire::event::{NO_EVENT, chain_hash};
use bailee_wire::record::{self, Place, Read, RecordError, Snapshot};
use rand_core::CryptoRng;

use super::StartError;
use super::compaction::Written;
use crate::backlog::Backlog;
use crate::journal::{Disk, Journal};

/// A journal that is being read.
pub(super) struct Replay<'a, D, R> {
    journal: &'a Journal<D, R>,
    backlog: MutexGuard<'a, Backlog>,
    place: Place,
    lasting: Lasting,
    written: Written,
}

impl<'a, D: Disk, R: CryptoRng> Replay<'a, D, R> {
    pub(super) fn new(
        journal: &'a Journal<D, R>,
        bank: BankId,
        mut backlog: MutexGuard<'a, Backlog>,
    ) -> Self {
        backlog.forget();
        backlog.continues(0, NO_EVENT);
        let place = Place { bank, prev: NO_EVENT };
        Self { journal, backlog, place, lasting: Lasting::default(), written: Written::default() }
    }

    /// Takes the next entry.
    pub(super) fn take(&mut self, index: u64, payload: &[u8]) -> Result<(), StartError> {
        if record::is_snapshot(payload) {
            return self.take_snapshot(index, payload);
        }
        let Read { record, place } = record::decode(payload).map_err(unreadable(index))?;
        if place.is_some_and(|place| place != self.place) {
            return Err(StartError::OutOfPlace { index });
        }
        self.lasting.apply(&record);
        match &record {
            Record::Event(event) => {
                self.backlog.push(index, event.seq, event.kind.severity(), payload);
                self.place.prev = self.backlog.head();
            }
            Record::Acknowledged { up_to } => self.backlog.confirmed(*up_to),
            _ => {}
        }
        self.written.add(payload);
        Ok(())
    }

    /// The state, the place in the chain of events, and how much was written since the snapshot.
    pub(super) fn done(self) -> (Lasting, Place, Written) {
        (self.lasting, self.place, self.written)
    }

    /// A snapshot replaces what came before it.
    fn take_snapshot(&mut self, index: u64, payload: &[u8]) -> Result<(), StartError> {
        let Snapshot { lasting, place } = record::decode_snapshot(payload).map_err(unreadable(index))?;
        if place.bank != self.place.bank {
            return Err(StartError::OutOfPlace { index });
        }
        self.backlog.forget();
        self.backlog.confirmed(lasting.acknowledged);
        if lasting.acknowledged < lasting.seq {
            self.take_kept(index, &lasting)?;
            if self.backlog.last_seq() != lasting.seq || self.backlog.head() != place.prev {
                return Err(StartError::OutOfPlace { index });
            }
        }
        self.backlog.continues(lasting.seq, place.prev);
        self.written = Written::behind(index, payload);
        self.place = place;
        self.lasting = lasting;
        Ok(())
    }

    /// Reads the events before a snapshot that the platform had not confirmed when it was written.
    fn take_kept(&mut self, snapshot: u64, lasting: &Lasting) -> Result<(), StartError> {
        self.backlog.continues(lasting.acknowledged, NO_EVENT);
        let mut prev = None;
        for entries in self.journal.segments_from(self.journal.first_index()) {
            for entry in entries? {
                if entry.index >= snapshot {
                    return Ok(());
                }
                let Some(leaf) = record::leaf(&entry.payload) else { continue };
                let Read { record, place } =
                    record::decode(&entry.payload).map_err(unreadable(entry.index))?;
                let follows = place.is_some_and(|place| {
                    place.bank == self.place.bank && prev.is_none_or(|prev| prev == place.prev)
                });
                prev = Some(chain_hash(leaf));
                match record {
                    Record::Event(event) if follows && event.seq <= lasting.acknowledged => {}
                    Record::Event(event) if follows && event.seq == self.backlog.last_seq() + 1 => {
                        self.backlog.push(entry.index, event.seq, event.kind.severity(), &entry.payload);
                    }
                    _ => return Err(StartError::OutOfPlace { index: entry.index }),
                }
            }
        }
        Ok(())
    }
}

fn unreadable(index: u64) -> impl Fn(RecordError) -> StartError {
    move |source| StartError::Unreadable { index, source }
}
