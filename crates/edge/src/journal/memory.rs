//! A disk in memory that loses power, tears writes, fills up and fails on request, for tests and simulation.
//!
//! Every changing call is one *step*. A fault is planned for a step counted from the making of the disk. What was
//! not synced is the business of [`MemoryDisk::power_on`]: it survives or it doesn't.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use super::Disk;

/// What happens at a planned step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The power fails during the call: an append gets so many of its bytes out, any other call is not done.
    PowerCut {
        /// Bytes of the append that reached the file.
        written: usize,
    },
    /// As a power cut, but the file already has its new length: what was not written reads as zeros.
    PowerCutZeroFilled {
        /// Bytes of the append that reached the file.
        written: usize,
    },
    /// The power fails when the call is done but before its answer is heard.
    PowerCutAfter,
    /// The call fails, once; an append leaves half of its bytes.
    Fails,
}

/// What becomes of unsynced changes when the power returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsynced {
    /// They were written out by chance.
    Kept,
    /// They are gone.
    Lost,
    /// Only the process died: they are there to be read, and not durable yet.
    Cached,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<u64, usize>,
    durable_names: BTreeMap<u64, usize>,
    capacity: Option<usize>,
    plan: BTreeMap<u64, Trouble>,
    steps: u64,
    syncs: u64,
    off: bool,
}

/// A saved state of a [`MemoryDisk`], as an image of a real disk would be.
#[derive(Clone, Debug)]
pub struct DiskImage(State);

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

    /// Cuts the power now.
    pub fn power_off(&self) {
        self.state().off = true;
    }

    /// Brings the disk back after a power cut; without one, it is as if the power failed now.
    pub fn power_on(&self, unsynced: Unsynced) {
        let mut state = self.state();
        state.off = false;
        match unsynced {
            Unsynced::Cached => {}
            Unsynced::Kept => {
                state.durable_names = state.names.clone();
                state.inodes.iter_mut().for_each(|inode| inode.durable = inode.now.clone());
            }
            Unsynced::Lost => {
                state.names = state.durable_names.clone();
                state.inodes.iter_mut().for_each(|inode| inode.now = inode.durable.clone());
            }
        }
    }

    /// The disk as it is.
    #[must_use]
    pub fn image(&self) -> DiskImage {
        DiskImage(self.state().clone())
    }

    /// Puts a saved state back: a rollback.
    pub fn restore(&self, image: &DiskImage) {
        *self.state() = image.0.clone();
    }

    /// Changes the stored bytes of a segment behind everybody's back; nothing if there is no such segment.
    pub fn tamper(&self, segment: u64, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        if let Some(&at) = state.names.get(&segment) {
            change(&mut state.inodes[at].now);
            state.inodes[at].durable = state.inodes[at].now.clone();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the state panics")
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

impl State {
    /// Counts a step and performs the trouble planned for it; `Ok(true)`: cut the power afterwards.
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
            Some(Trouble::PowerCutAfter) => {
                done(self)?;
                self.off = true;
                Err(power_is_off())
            }
            Some(Trouble::PowerCut { .. } | Trouble::PowerCutZeroFilled { .. }) => {
                self.off = true;
                Err(power_is_off())
            }
        }
    }

    fn inode(&mut self, segment: u64) -> io::Result<&mut Inode> {
        let at = *self.names.get(&segment).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.inodes[at])
    }

    fn room(&self) -> usize {
        let used: usize = self.names.values().map(|&at| self.inodes[at].now.len()).sum();
        self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(used))
    }

    fn write(&mut self, segment: u64, bytes: &[u8]) -> io::Result<()> {
        let fits = self.room().min(bytes.len());
        self.inode(segment)?.now.extend_from_slice(&bytes[..fits]);
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for MemoryDisk {
    fn segments(&self) -> io::Result<Vec<u64>> {
        let state = self.state();
        if state.off { Err(power_is_off()) } else { Ok(state.names.keys().copied().collect()) }
    }

    fn create(&mut self, segment: u64) -> io::Result<()> {
        self.state().change(|state| {
            if state.names.contains_key(&segment) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if state.room() == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            state.names.insert(segment, state.inodes.len());
            state.inodes.push(Inode::default());
            Ok(())
        })
    }

    fn append(&mut self, segment: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let trouble = state.step()?;
        match trouble {
            None | Some(Trouble::PowerCutAfter) => state.write(segment, bytes)?,
            Some(Trouble::Fails) => state.write(segment, &bytes[..bytes.len() / 2])?,
            Some(Trouble::PowerCut { written }) => {
                state.write(segment, &bytes[..written.min(bytes.len())])?;
            }
            Some(Trouble::PowerCutZeroFilled { written }) => {
                let mut torn = bytes.to_vec();
                torn[written.min(bytes.len())..].fill(0);
                state.write(segment, &torn)?;
            }
        }
        match trouble {
            None => Ok(()),
            Some(Trouble::Fails) => Err(io::Error::other("planned failure")),
            Some(_) => {
                state.off = true;
                Err(power_is_off())
            }
        }
    }

    fn sync(&mut self, segment: u64) -> io::Result<()> {
        self.state().change(|state| {
            let inode = state.inode(segment)?;
            inode.durable = inode.now.clone();
            state.syncs += 1;
            Ok(())
        })
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.state().change(|state| {
            state.durable_names = state.names.clone();
            Ok(())
        })
    }

    fn read(&self, segment: u64) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        if state.off { Err(power_is_off()) } else { Ok(state.inode(segment)?.now.clone()) }
    }

    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.state().change(|state| {
            state.inode(segment)?.now.truncate(length);
            Ok(())
        })
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        self.state().change(|state| match state.names.remove(&segment) {
            Some(_) => Ok(()),
            None => Err(io::ErrorKind::NotFound.into()),
        })
    }
}
