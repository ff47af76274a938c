//! Reading a log as it was left: what a stop explains is repaired, anything else is refused by name.

use std::sync::Arc;

use bailee_audit::checkpoint::{Checkpoint, CheckpointError};
use bailee_audit::hash::{Hash, TreeHead, leaf_hash};
use bailee_audit::proof::subtree_root;

use crate::disk::{Disk, Kind, Name};
use crate::engine::{Config, retire};
use crate::error::{At, Disagreement, LedgerError};
use crate::group::{Group, HEADER_LEN, Identity, Stored, TailReader};
use crate::nodes::Levels;
use crate::read::Nodes;
use crate::sealed::Sealed;
use crate::shared::{State, Tail};

/// A log as it was left.
pub(crate) struct Found {
    pub state: State,
    pub at: u64,
    pub length: u64,
    /// There was nothing at all.
    pub is_new: bool,
    /// The last checkpoint is signed by a key that doesn't sign any more.
    pub is_signed_by_earlier: bool,
}

/// Reads and repairs.
///
/// # Errors
/// The disk's, or what no stop explains.
pub(crate) fn read(disk: &dyn Disk, identity: Identity, config: &Config) -> Result<Found, LedgerError> {
    let names = tidy(disk)?;
    let state = State::empty(identity.height);
    let mut reading = Reading { disk, identity, state, note: Vec::new(), at: 0, length: 0 };
    reading.sealed(&names)?;
    reading.tails(&names)?;
    let Reading { mut state, note, at, length, .. } = reading;
    let is_new = note.is_empty();
    let mut is_signed_by_earlier = false;
    if !is_new {
        let signed;
        (signed, is_signed_by_earlier) = opened(&note, config)?;
        state.head = TreeHead { size: state.tree.size(), root: root(&state, identity.height) };
        if state.head != signed {
            return Err(Disagreement::StoredAndSigned { stored: state.head, signed }.into());
        }
        state.checkpoint = String::from_utf8(note).expect("a note that opened is text").into();
    }
    continues(disk, identity, &state, config.known)?;
    Ok(Found { state, at, length, is_new, is_signed_by_earlier })
}

/// What was found begins with the tree that is known to have been signed.
fn continues(
    disk: &dyn Disk,
    identity: Identity,
    state: &State,
    known: Option<TreeHead>,
) -> Result<(), LedgerError> {
    let Some(known) = known.filter(|known| known.size > 0) else { return Ok(()) };
    let size = state.tree.size();
    if known.size > size {
        return Err(Disagreement::Behind { known: known.size, found: size }.into());
    }
    let mut nodes = Nodes::default();
    let mut node = |height, place| nodes.node(disk, identity, state, height, place);
    let found = subtree_root(0, known.size, &mut node)?;
    match found == known.root {
        true => Ok(()),
        false => Err(Disagreement::Forked { known, found }.into()),
    }
}

/// Removes what a stop left unfinished.
fn tidy(disk: &dyn Disk) -> Result<Vec<Name>, LedgerError> {
    let names = disk.list().map_err(LedgerError::Folder)?;
    for name in &names {
        match name.kind {
            Kind::Sealing | Kind::SideMaking(_) => disk.remove(*name).at(*name)?,
            _ => {}
        }
    }
    disk.list().map_err(LedgerError::Folder)
}

/// The tree that a key of the log signed, and whether it was an earlier key.
fn opened(note: &[u8], config: &Config) -> Result<(TreeHead, bool), LedgerError> {
    let open = |key| Checkpoint::open(note, key).map(|opened| opened.checkpoint.head());
    let error: CheckpointError = match open(&config.key.verifying) {
        Ok(signed) => return Ok((signed, false)),
        Err(error) => error,
    };
    match config.key.earlier.iter().find_map(|key| open(key).ok()) {
        Some(signed) => Ok((signed, true)),
        None => Err(Disagreement::Checkpoint(error).into()),
    }
}

/// The root of all that is in memory and in the roots of packed segments.
fn root(state: &State, height: u8) -> Hash {
    let none = Levels::new(height);
    let filling = state.tails.back().map_or(&none, |tail| &tail.levels);
    state.tree.stage(filling, &[]).head.root
}

struct Reading<'a> {
    disk: &'a dyn Disk,
    identity: Identity,
    state: State,
    /// The last one read; empty before the first.
    note: Vec<u8>,
    at: u64,
    length: u64,
}

impl Reading<'_> {
    fn sealed(&mut self, names: &[Name]) -> Result<(), LedgerError> {
        for (name, expected) in names.iter().filter(|name| name.kind == Kind::Sealed).zip(0..) {
            if name.segment != expected {
                return Err(Disagreement::SegmentMissing(expected).into());
            }
            let (sealed, note) = Sealed::open(self.disk, self.identity, expected)?;
            self.state.tree.push_segment(sealed.root);
            self.state.sealed.push(Arc::new(sealed));
            self.note = note;
            if names.contains(&Name::tail(expected)) {
                retire(self.disk, expected)?;
            }
        }
        Ok(())
    }

    fn tails(&mut self, names: &[Name]) -> Result<(), LedgerError> {
        let height = self.identity.height;
        let sealed = self.state.sealed.len() as u64;
        for name in names.iter().filter(|name| name.kind == Kind::Tail && name.segment >= sealed) {
            let expected = (self.state.sealed.len() + self.state.tails.len()) as u64;
            if name.segment != expected {
                return Err(Disagreement::SegmentMissing(expected).into());
            }
            if let Some(last) = self.state.tails.back().filter(|last| !last.is_full(height)) {
                let (segment, end) = (last.segment, self.state.tree.size());
                return Err(Disagreement::SegmentShort { segment, end }.into());
            }
            self.tail(*name)?;
        }
        Ok(())
    }

    /// Takes in the groups of a tail, as they were committed.
    fn tail(&mut self, name: Name) -> Result<(), LedgerError> {
        let segment = name.segment;
        let Some(mut reader) = TailReader::open(self.disk, self.identity, segment)? else {
            // A stop while it was made: it is made again when it is needed.
            return self.disk.remove(name).at(name);
        };
        let mut tail = Tail::new(segment, self.identity.height, "".into());
        let mut last = None;
        while let Some(stored) = reader.next()? {
            self.group(&mut tail, &stored)?;
            last = Some(stored);
        }
        let Some(last) = last else {
            return self.disk.remove(name).at(name);
        };
        // The last group may have been written but not synced, or its sync may have failed: write it once more.
        reader.wipe_rest()?;
        let start = last.entries_at - crate::group::GROUP_HEADER_LEN as u64;
        self.disk.write_at(name, start, &last.bytes).at(name)?;
        self.disk.sync(name).at(name)?;
        self.disk.sync_folder().map_err(LedgerError::Folder)?;
        tail.note = String::from_utf8_lossy(last.note()).into();
        self.note = last.note().to_vec();
        (self.at, self.length) = (reader.at.max(HEADER_LEN as u64), reader.length());
        self.state.tails.push_back(Arc::new(tail));
        Ok(())
    }

    fn group(&mut self, tail: &mut Tail, stored: &Stored) -> Result<(), LedgerError> {
        let expected = self.state.tree.size();
        let mut group = Group::default();
        group.clear(stored.first);
        for entry in bailee_audit::bundle::entries(stored.bundle()).flatten() {
            group.push(entry, leaf_hash(entry));
        }
        let width = 1_usize << self.identity.height;
        let fits = tail.places.len() + group.leaves.len() <= width;
        let is_next = stored.first == expected && expected >> self.identity.height == tail.segment;
        if !fits || group.leaves.len() != stored.count as usize || !is_next {
            return Err(Disagreement::GroupOrder { expected, found: stored.first }.into());
        }
        tail.places.extend(group.places_from(stored.entries_at - crate::group::GROUP_HEADER_LEN as u64));
        let staged = self.state.tree.stage(&tail.levels, &group.leaves);
        self.state.tree.apply(&mut tail.levels, staged);
        Ok(())
    }
}
