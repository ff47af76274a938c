//! A disk in memory that loses power, tears writes, fills up and fails on request, for tests and simulation.
//!
//! Every changing call is one *step*. A fault is planned for a step counted from the making of the disk. What was not
//! synced is the business of [`MemoryDisk::power_on`]: it survives, it doesn't, or each sector decides for itself.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, Name};

/// Bytes that reach the medium together or not at all.
const SECTOR: usize = 512;

/// What happens at a planned step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The power fails during the call: a write gets so many of its bytes out, any other call is not done.
    PowerCut {
        /// Bytes of the write that reached the file.
        written: usize,
    },
    /// The power fails when the call is done but before its answer is heard.
    PowerCutAfter,
    /// The call fails, once; a write leaves half of its bytes.
    Fails,
}

/// What becomes of unsynced changes when the power returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsynced {
    /// They were written out by chance.
    Kept,
    /// They are gone.
    Lost,
    /// Each sector was written out or not, and the changes of names up to some moment, as the seed decides.
    Mixed(u64),
    /// Only the process died: they are there to be read, and not durable yet.
    Cached,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    is_dirty: bool,
}

type Names = BTreeMap<Name, usize>;

#[derive(Clone, Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: Names,
    /// The durable names, then the names after every change since.
    history: Vec<Names>,
    capacity: Option<usize>,
    plan: BTreeMap<u64, Trouble>,
    steps: u64,
    syncs: u64,
    off: bool,
}

/// The disk; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

impl MemoryDisk {
    /// Plans trouble for the step with this number, from 0.
    pub fn plan(&self, step: u64, trouble: Trouble) {
        self.state().plan.insert(step, trouble);
    }

    /// Forgets planned trouble that has not come.
    pub fn forget_plans(&self) {
        self.state().plan.clear();
    }

    /// Lets the disk hold at most so many bytes, or any number.
    pub fn limit(&self, capacity: Option<usize>) {
        self.state().capacity = capacity;
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used(&self) -> usize {
        self.state().used()
    }

    /// Steps taken so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// File syncs done so far (folder syncs not counted).
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Brings the disk back after a power cut; without one, it is as if the power failed now.
    pub fn power_on(&self, unsynced: Unsynced) {
        let mut state = self.state();
        state.off = false;
        let mut dice = match unsynced {
            Unsynced::Cached => return,
            Unsynced::Kept => Dice::Always(true),
            Unsynced::Lost => Dice::Always(false),
            Unsynced::Mixed(seed) => Dice::Seed(seed | 1),
        };
        let names = match (&dice, state.history.len()) {
            (_, 0) => Names::new(),
            (Dice::Always(false), _) => state.history[0].clone(),
            (Dice::Always(true), _) => state.names.clone(),
            (Dice::Seed(_), changes) => state.history[dice.below(changes)].clone(),
        };
        state.names = names.clone();
        state.history = vec![names];
        state.inodes.iter_mut().filter(|inode| inode.is_dirty).for_each(|inode| inode.settle(&mut dice));
    }

    /// A copy of the disk as it is: an image of it.
    #[must_use]
    pub fn image(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.state().clone())) }
    }

    /// Changes the stored bytes of a file behind everybody's back; nothing if there is no such file.
    pub fn tamper(&self, name: Name, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        if let Some(&at) = state.names.get(&name) {
            change(&mut state.inodes[at].now);
            state.inodes[at].durable = state.inodes[at].now.clone();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the state panics")
    }
}

enum Dice {
    Always(bool),
    Seed(u64),
}

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        match self {
            Self::Always(kept) => usize::from(*kept),
            Self::Seed(state) => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                (*state >> 20) as usize % limit
            }
        }
    }
}

impl Inode {
    fn settle(&mut self, dice: &mut Dice) {
        let before = std::mem::take(&mut self.durable);
        let mut after = before.clone();
        for (sector, bytes) in self.now.chunks(SECTOR).enumerate() {
            let from = sector * SECTOR;
            if before.get(from..from + bytes.len()) != Some(bytes) && dice.below(2) == 1 {
                after.resize(after.len().max(from + bytes.len()), 0);
                after[from..from + bytes.len()].copy_from_slice(bytes);
            }
        }
        self.now = after.clone();
        self.durable = after;
        self.is_dirty = false;
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

impl State {
    fn used(&self) -> usize {
        self.names.values().map(|&at| self.inodes[at].now.len()).sum()
    }

    /// Counts a step and gives the trouble planned for it.
    fn step(&mut self) -> io::Result<Option<Trouble>> {
        if self.off {
            return Err(power_is_off());
        }
        let trouble = self.plan.remove(&self.steps);
        self.steps += 1;
        Ok(trouble)
    }

    fn change(&mut self, done: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        match self.step()? {
            None => done(self),
            Some(Trouble::Fails) => Err(io::Error::other("planned failure")),
            Some(trouble) => {
                if trouble == Trouble::PowerCutAfter {
                    done(self)?;
                }
                self.off = true;
                Err(power_is_off())
            }
        }
    }

    fn rename_with(&mut self, change: impl FnOnce(&mut Names) -> io::Result<()>) -> io::Result<()> {
        if self.history.is_empty() {
            self.history.push(Names::new());
        }
        change(&mut self.names)?;
        self.history.push(self.names.clone());
        Ok(())
    }

    fn inode(&mut self, name: Name) -> io::Result<&mut Inode> {
        let at = *self.names.get(&name).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.inodes[at])
    }

    fn write(&mut self, name: Name, from: usize, bytes: &[u8]) -> io::Result<()> {
        let room = self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(self.used()));
        let inode = self.inode(name)?;
        let fits = (inode.now.len() + room.min(1 << 40)).saturating_sub(from).min(bytes.len());
        inode.now.resize(inode.now.len().max(from + fits), 0);
        inode.now[from..from + fits].copy_from_slice(&bytes[..fits]);
        inode.is_dirty = true;
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<Name>> {
        let state = self.state();
        if state.off { Err(power_is_off()) } else { Ok(state.names.keys().copied().collect()) }
    }

    fn create(&self, name: Name) -> io::Result<()> {
        self.state().change(|state| {
            if state.names.contains_key(&name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if state.capacity.is_some_and(|capacity| state.used() >= capacity) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let at = state.inodes.len();
            state.inodes.push(Inode::default());
            state.rename_with(|names| {
                names.insert(name, at);
                Ok(())
            })
        })
    }

    fn length(&self, name: Name) -> io::Result<u64> {
        let mut state = self.state();
        if state.off { Err(power_is_off()) } else { Ok(state.inode(name)?.now.len() as u64) }
    }

    fn read_at(&self, name: Name, from: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        if state.off {
            return Err(power_is_off());
        }
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let bytes = state.inode(name)?.now.get(from..from.saturating_add(buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, name: Name, from: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let trouble = state.step()?;
        let reached = match trouble {
            None | Some(Trouble::PowerCutAfter) => bytes,
            Some(Trouble::Fails) => &bytes[..bytes.len() / 2],
            Some(Trouble::PowerCut { written }) => &bytes[..written.min(bytes.len())],
        };
        state.write(name, usize::try_from(from).unwrap_or(usize::MAX), reached)?;
        match trouble {
            None => Ok(()),
            Some(Trouble::Fails) => Err(io::Error::other("planned failure")),
            Some(_) => {
                state.off = true;
                Err(power_is_off())
            }
        }
    }

    fn sync(&self, name: Name) -> io::Result<()> {
        self.state().change(|state| {
            let inode = state.inode(name)?;
            if inode.is_dirty {
                inode.durable = inode.now.clone();
                inode.is_dirty = false;
            }
            state.syncs += 1;
            Ok(())
        })
    }

    fn rename(&self, from: Name, to: Name) -> io::Result<()> {
        self.state().change(|state| {
            state.rename_with(|names| {
                let at = names.remove(&from).ok_or(io::ErrorKind::NotFound)?;
                names.insert(to, at);
                Ok(())
            })
        })
    }

    fn remove(&self, name: Name) -> io::Result<()> {
        self.state().change(|state| {
            state.rename_with(|names| names.remove(&name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into()))
        })
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.state().change(|state| {
            state.history = vec![state.names.clone()];
            Ok(())
        })
    }
}
