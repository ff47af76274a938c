//! Whether the journal this engine started from is the newest there is: until that is known, nothing opens.
//!
//! The protocol and why it holds are in [`crate::boot_tag`]; here are its steps as inputs and outputs. A disk that is
//! not the newest stays shut through every restart until the platform resynchronises the bank, which ends every
//! grant of that disk for ever and makes all contents doubtful. A store that was only out of reach, and a disk that
//! comes back to its own store, need nobody: the next good reading goes on. Two officers' override stays possible.

use alloc::vec::Vec;

use super::io::{Answer, Output, Record};
use super::{Bank, Turn};
use crate::boot_tag::{BootTag, BootTags, Freshness, TagRead};
use crate::compartment::CompartmentNo;
use crate::event::EventKind;
use crate::id::PersonId;
use crate::lockdown::Way;
use crate::truth::Doubt;

/// What this start knows of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Guard {
    #[default]
    Unread,
    Silent,
    /// The store's answer does not go with the journal.
    Other(TagRead),
    /// The store was told to hold this.
    Storing(BootTag),
    Settled,
}

impl Bank {
    /// Whether this start's disk is the newest.
    pub const fn freshness(&self) -> Freshness {
        match self.guard {
            // A bank that never had a store serves without being told so.
            Guard::Unread if self.lasting.boot_tags.is_none() => Freshness::Fresh,
            Guard::Unread | Guard::Storing(_) => Freshness::Waiting,
            Guard::Silent => Freshness::Silent,
            Guard::Other(_) => Freshness::Restored,
            Guard::Settled => Freshness::Fresh,
        }
    }

    /// Whether nothing opens because the disk may be an old one.
    pub(super) fn shut(&self) -> bool {
        self.freshness() != Freshness::Fresh
    }

    pub(super) fn shut_for(&self, way: Way) -> bool {
        self.shut() && way != Way::Override
    }

    /// The store was read, at the start or once more because it had failed.
    pub(super) fn tag_read(&mut self, turn: &mut Turn<'_>, read: TagRead) {
        if self.guard == Guard::Settled {
            return;
        }
        match (read, self.lasting.boot_tags) {
            (TagRead::Silent, _) => self.guard = Guard::Silent,
            (TagRead::NoStore, None) => self.guard = Guard::Settled,
            (TagRead::Holds(None), None) => self.advance(turn, None),
            (TagRead::Holds(held), Some(tags)) if tags.accepts(held) => self.advance(turn, held),
            (TagRead::NoStore | TagRead::Holds(_), _) => self.found_restored(turn, read),
        }
    }

    fn found_restored(&mut self, turn: &mut Turn<'_>, read: TagRead) {
        if !matches!(self.guard, Guard::Other(_)) {
            self.event(turn, EventKind::RestoredDiskFound { boot: self.lasting.boot });
        }
        self.guard = Guard::Other(read);
    }

    /// Steps 1 and 2.
    fn advance(&mut self, turn: &mut Turn<'_>, held: Option<BootTag>) {
        let mut fresh = BootTag([0; 16]);
        turn.rng.fill_bytes(&mut fresh.0);
        self.record(turn, Record::BootTags(Some(BootTags { committed: held, intent: fresh })));
        turn.out.push(Output::StoreTag(fresh));
        self.guard = Guard::Storing(fresh);
    }

    /// Step 3: the store holds the tag.
    pub(super) fn tag_stored(&mut self, turn: &mut Turn<'_>, tag: BootTag) {
        if self.guard == Guard::Storing(tag) {
            self.record(turn, Record::BootTags(Some(BootTags { committed: Some(tag), intent: tag })));
            self.guard = Guard::Settled;
        }
    }

    /// The platform says that this disk is the one to go on with. What it remembers opens nothing any more.
    pub(super) fn resynchronise(&mut self, turn: &mut Turn<'_>, by: PersonId) -> Answer {
        let Guard::Other(read) = self.guard else {
            return if self.shut() { Answer::Busy } else { Answer::Done };
        };
        // A stop in between leaves the bank shut, and the platform asks again.
        let numbers: Vec<CompartmentNo> = self.layout.iter().map(|c| c.number).collect();
        for compartment in numbers {
            let held = self.lasting.contents.contains_key(&compartment);
            let doubt = if held { Doubt::Missing } else { Doubt::Unexpected };
            if self.lasting.doubts.get(&compartment) != Some(&doubt) {
                self.event(turn, EventKind::OccupancyDoubted { compartment, doubt });
            }
        }
        self.event(turn, EventKind::BankResynchronised { by });
        match read {
            TagRead::Holds(held) => self.advance(turn, held),
            TagRead::NoStore | TagRead::Silent => {
                self.record(turn, Record::BootTags(None));
                self.guard = Guard::Settled;
            }
        }
        Answer::Done
    }
}
