//! The one writer of a log: opens it, commits groups, packs full segments. No threads here; [`crate::log`] has them.
//!
//! # What a stop means
//! | stop | found at the next opening |
//! |---|---|
//! | before a group is whole on the disk | the log without it; what was torn is wiped |
//! | after, before its callers were answered | the log with it |
//! | while a segment's tail is made | no tail, or one without a group, which is made again |
//! | while a full segment is packed | the tail; the unfinished file is removed |
//! | after the packed file has its name | both; the tail is removed |
//!
//! Everything found is taken in by the code that commits, and made durable again before anything is built on it: a
//! process that died between a write and its sync leaves bytes that can be read and lost.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bailee_audit::checkpoint::Checkpoint;
use bailee_audit::hash::TreeHead;
use bailee_audit::key::{Signer, VerifyingKey};

use crate::disk::{Disk, Kind, Name};
use crate::error::{At, Disagreement, LedgerError};
use crate::group::{Group, HEADER_LEN, Identity, header};
use crate::nodes::{Levels, Tree};
use crate::recover;
use crate::sealed;
use crate::shared::{Shared, State, Tail};

/// Entries of a segment, as a power of two.
pub const SEGMENT_HEIGHT: u8 = 16;
/// A tail grows by its own length, within these bounds.
const GROWTH: (u64, u64) = (64 << 10, 1 << 20);

/// The key that signs a log, and the ones that may have signed it before.
#[derive(Clone)]
pub struct LogKey {
    /// Signs. Its name is the origin of the log.
    pub signer: Arc<dyn Signer + Send + Sync>,
    /// Checks what `signer` signs.
    pub verifying: VerifyingKey,
    /// Keys of the same name that signed before; a log they signed last is signed anew when it is opened.
    pub earlier: Vec<VerifyingKey>,
}

/// How a log is opened.
#[derive(Clone)]
pub struct Config {
    /// The keys.
    pub key: LogKey,
    /// A tree that is known to have been signed, as a database or a witness remembers it: a log that is behind it, or
    /// not a continuation of it, is refused.
    pub known: Option<TreeHead>,
    /// Entries of a segment, as a power of two from 8 to 16: [`SEGMENT_HEIGHT`] but in tests. It never changes.
    pub segment_height: u8,
}

impl Config {
    /// A log signed by one key, of which nothing is known.
    #[must_use]
    pub fn new(key: LogKey) -> Self {
        Self { key, known: None, segment_height: SEGMENT_HEIGHT }
    }
}

pub(crate) struct Engine {
    pub shared: Arc<Shared>,
    config: Config,
    /// Where the next group goes in the last tail.
    at: u64,
    /// Bytes the last tail's file has.
    length: u64,
}

impl Engine {
    /// Opens a log, or makes an empty one where there is none.
    ///
    /// # Errors
    /// [`LedgerError::Disagrees`] naming what contradicts what: the log is then not to be appended to.
    pub fn open(disk: Box<dyn Disk>, config: Config) -> Result<Self, LedgerError> {
        let origin = digest(&SHA256, config.key.verifying.name().as_str().as_bytes());
        let origin = origin.as_ref().try_into().expect("SHA-256 has 32 bytes");
        assert!((8..=SEGMENT_HEIGHT).contains(&config.segment_height), "a segment has whole tiles");
        let identity = Identity { origin, height: config.segment_height };
        let found = recover::read(disk.as_ref(), identity, &config)?;
        let (at, length) = (found.at, found.length);
        let is_new = found.is_new || found.is_signed_by_earlier;
        let shared = Arc::new(Shared::new(disk, identity, found.state));
        let mut engine = Self { shared, config, at, length };
        if is_new {
            // The checkpoint of no entries, or a known one under a new key: a group like any other.
            let mut group = Group::default();
            group.clear(engine.shared.state().tree.size());
            engine.commit(&mut group)?;
        }
        Ok(engine)
    }

    /// Reads everything again after a failure, by the code that opens a log.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn reopen(&mut self) -> Result<(), LedgerError> {
        let signed = self.shared.state().head;
        let config = Config { known: Some(signed), ..self.config.clone() };
        // Nobody packs or reads meanwhile: what is found may be tidied away.
        let _alone = self.shared.sealing();
        let mut state = self.shared.change();
        let found = recover::read(self.shared.disk.as_ref(), self.shared.identity, &config)?;
        (self.at, self.length) = (found.at, found.length);
        *state = found.state;
        Ok(())
    }

    /// Entries that still fit the segment being filled.
    pub fn room(&self) -> u64 {
        let width = 1 << self.shared.identity.height;
        width - self.shared.state().tree.size() % width
    }

    /// Makes a group durable under a new signed checkpoint, with one sync. It begins where the log ends and fits the
    /// segment.
    ///
    /// # Errors
    /// After any the engine must be opened again: the group may be in the log or not.
    pub fn commit(&mut self, group: &mut Group) -> Result<TreeHead, LedgerError> {
        let identity = self.shared.identity;
        let segment = group.first >> identity.height;
        let shared = Arc::clone(&self.shared);
        let (staged, begins) = {
            let state = shared.state();
            let last = state.tails.back().filter(|last| last.segment == segment);
            let none = Levels::new(identity.height);
            let filling = last.map_or(&none, |last| &last.levels);
            let staged = state.tree.stage(filling, &group.leaves);
            let recomputed = state.tree.second_path(filling, group);
            if recomputed != Some(staged.head) {
                let recomputed = recomputed.unwrap_or(state.head);
                return Err(Disagreement::SecondPath { appended: staged.head, recomputed }.into());
            }
            (staged, last.is_none())
        };
        let note: Arc<str> = self.sign(staged.head)?.into();
        group.finish(identity, segment, &note);
        let at = self.write(group, segment, begins)?;
        let head = staged.head;
        let mut state = shared.change();
        let state = &mut *state;
        if begins {
            state.tails.push_back(Arc::new(Tail::new(segment, identity.height, Arc::clone(&note))));
        }
        let last = state.tails.back_mut().expect("there is one now");
        let tail = Arc::get_mut(last).expect("only full tails are shared");
        tail.places.extend(group.places_from(at));
        tail.note = Arc::clone(&note);
        state.tree.apply(&mut tail.levels, staged);
        (state.head, state.checkpoint) = (head, note);
        Ok(head)
    }

    /// One write and one sync; for the first group of a segment the file's name is made durable too.
    fn write(&mut self, group: &mut Group, segment: u64, begins: bool) -> Result<u64, LedgerError> {
        let disk = self.shared.disk.as_ref();
        let name = Name::tail(segment);
        if begins {
            self.length = self.begin(segment)?;
            self.at = HEADER_LEN as u64;
            disk.write_at(name, 0, &header(self.shared.identity, segment)).at(name)?;
        }
        let at = self.at;
        let whole = group.bytes.len();
        let end = at + whole as u64;
        if end > self.length {
            // Zeros ahead of the next groups: a sync of bytes within a file's length has no length to write.
            self.length = end + end.clamp(GROWTH.0, GROWTH.1);
            group.bytes.resize((self.length - at) as usize, 0);
        }
        disk.write_at(name, at, &group.bytes).at(name)?;
        group.bytes.truncate(whole);
        disk.sync(name).at(name)?;
        if begins {
            disk.sync_folder().map_err(LedgerError::Folder)?;
        }
        self.at = end;
        Ok(at)
    }

    /// A file for the tail of a segment: a spare one, whose blocks are there to be written over, or a new one.
    fn begin(&self, segment: u64) -> Result<u64, LedgerError> {
        let disk = self.shared.disk.as_ref();
        let name = Name::tail(segment);
        let names = disk.list().map_err(LedgerError::Folder)?;
        if names.contains(&name) {
            return disk.length(name).at(name);
        }
        if let Some(&spare) = names.iter().find(|name| name.kind == Kind::Spare) {
            disk.rename(spare, name).at(name)?;
            return disk.length(name).at(name);
        }
        disk.create(name).at(name)?;
        Ok(0)
    }

    /// Signs a tree and checks the signature as everybody else will.
    fn sign(&self, head: TreeHead) -> Result<String, LedgerError> {
        let key = &self.config.key;
        let checkpoint = Checkpoint::new(key.verifying.name().as_str(), head);
        let note = checkpoint.sign(&[key.signer.as_ref()]).map_err(LedgerError::Sign)?.to_string();
        Checkpoint::open(note.as_bytes(), &key.verifying).map_err(LedgerError::Sign)?;
        Ok(note)
    }
}

/// Packs the oldest full segment that isn't packed; `false` if there is none. One thread at a time.
///
/// # Errors
/// The disk's, or a [`Disagreement`]; the segment then stays as it is.
pub(crate) fn seal_one(shared: &Shared) -> Result<bool, LedgerError> {
    let (disk, identity) = (shared.disk.as_ref(), shared.identity);
    let _alone = shared.sealing();
    let full = shared.state().tails.front().filter(|tail| tail.is_full(identity.height)).map(Arc::clone);
    let Some(tail) = full else { return Ok(false) };
    let segment = tail.segment;
    let sealed = sealed::write(disk, identity, segment, &tail.levels, tail.note.as_bytes())?;
    drop(tail);
    let name = Name::sealed(segment);
    // A stop before the rename leaves a file that the next opening removes; after it, a tail nobody needs.
    disk.rename(Name::of(Kind::Sealing, segment), name).at(name)?;
    disk.sync_folder().map_err(LedgerError::Folder)?;
    let mut state = shared.change();
    state.sealed.push(Arc::new(sealed));
    state.tails.pop_front();
    // With the lock held nobody reads the tail, so its file may be written over.
    retire(disk, segment).map(|()| true)
}

/// Keeps one tail that is no longer needed to be written over, and removes others.
pub(crate) fn retire(disk: &dyn Disk, segment: u64) -> Result<(), LedgerError> {
    let name = Name::tail(segment);
    let names = disk.list().map_err(LedgerError::Folder)?;
    let result = match names.iter().any(|name| name.kind == Kind::Spare) {
        true => disk.remove(name),
        false => disk.rename(name, Name::of(Kind::Spare, segment)),
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.at(name),
    }
}

impl State {
    /// A log without entries or checkpoint.
    pub fn empty(height: u8) -> Self {
        let head = TreeHead { size: 0, root: bailee_audit::Hash::EMPTY_TREE };
        Self {
            tree: Tree::new(height),
            head,
            checkpoint: "".into(),
            sealed: Vec::new(),
            tails: VecDeque::new(),
        }
    }
}
