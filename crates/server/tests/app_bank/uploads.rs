//! What a bank in the same process sends up: its events with its signature, and what somebody with its key would send.

use bailee_domain::bank::io::{Output, Record};
use bailee_domain::event::{Event, EventKind};
use bailee_server::app::AppError;
use bailee_server::app::ingest::{self, Taken, Upload};
use bailee_server::gateway::{Batch, Checked, SignedHead};
use bailee_wire::event::{NO_EVENT, chain_hash, encode_bank, head_statement};

use super::{FakeBank, Parts, now};

impl FakeBank {
    /// What it would upload: the events from `first` on, with its signed head.
    pub fn batch(&self, first: u64) -> Upload {
        let parts = self.parts();
        let events: Vec<_> = parts.leaves.iter().filter(|(seq, _)| *seq >= first).cloned().collect();
        self.signed(&parts, events)
    }

    /// The events `first ..= last` of it.
    pub fn part(&self, first: u64, last: u64) -> Upload {
        let parts = self.parts();
        let within = |(seq, _): &&(u64, Vec<u8>)| (first..=last).contains(seq);
        let events: Vec<_> = parts.leaves.iter().filter(within).cloned().collect();
        self.signed(&parts, events)
    }

    /// What a copy of its controller would upload that did something else from event `seq` on: the same key signs it.
    pub fn as_a_copy(&self, seq: u64, kind: EventKind) -> Upload {
        let parts = self.parts();
        let before = parts.leaves.iter().find(|(of, _)| *of + 1 == seq);
        let prev = before.map_or(NO_EVENT, |(_, leaf)| chain_hash(leaf));
        let now = now(&parts.clock);
        let event = Event { seq, at: now.wall, quality: now.quality, kind };
        let leaf = encode_bank(self.id, &prev, &event);
        self.signed(&parts, vec![(seq, leaf)])
    }

    fn signed(&self, parts: &Parts, events: Vec<(u64, Vec<u8>)>) -> Upload {
        let (seq, leaf) = events.last().unwrap();
        let statement = head_statement(self.id, *seq, &chain_hash(leaf));
        let head_signature = Some(parts.device.sign(&statement));
        Upload { bank: self.id, events, head_signature }
    }

    /// Uploads what is new.
    pub async fn upload(&self) {
        let from = self.parts().uploaded + 1;
        if self.last_seq() < from {
            return;
        }
        let batch = self.batch(from);
        let last = batch.events.last().unwrap().0;
        assert_eq!(ingest::store(&self.app, batch).await.unwrap(), Taken::UpTo(last));
        self.parts().uploaded = last;
    }

    /// Writes events its engine never decided, as a bank in the wrong hands could.
    pub fn forge(&self, kinds: &[EventKind]) {
        let mut parts = self.parts();
        for kind in kinds {
            let seq = parts.leaves.last().map_or(0, |(seq, _)| *seq) + 1;
            let now = now(&parts.clock);
            let event = Event { seq, at: now.wall, quality: now.quality, kind: kind.clone() };
            parts.execute(self.id, vec![Output::Record(Record::Event(event))]);
        }
    }

    /// Its new events as the gateway hands them over once it has checked them.
    pub fn checked_batch(&self) -> Batch {
        let first = self.parts().uploaded + 1;
        let upload = self.batch(first);
        let parts = self.parts();
        let checked = upload.events.into_iter().map(|(seq, leaf)| {
            let event = parts.events.iter().find(|event| event.seq == seq).unwrap().clone();
            Checked { event, hash: chain_hash(&leaf), leaf }
        });
        let (seq, head) = (parts.leaves.last().unwrap().0, parts.head);
        let signature = upload.head_signature.unwrap();
        Batch { bank: self.id, events: checked.collect(), head: Some(SignedHead { seq, head, signature }) }
    }

    pub async fn try_upload(&self, upload: Upload) -> Result<Taken, AppError> {
        ingest::store(&self.app, upload).await
    }
}
