//! A log with its two threads: one commits, one packs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use crate::disk::Disk;
use crate::engine::{Config, Engine, seal_one};
use crate::error::LedgerError;
use crate::queue::{Appender, Batch, Queue, Work};
use crate::read::Reader;
use crate::shared::Shared;

/// Full segments that may wait to be packed before appending waits too.
const MOST_UNPACKED: usize = 4;

/// An open log. Dropping it finishes what was handed in, then ends both threads.
pub struct Log {
    appender: Appender,
    reader: Reader,
    packing: Arc<Packing>,
    threads: Vec<JoinHandle<()>>,
}

/// What the two threads tell each other.
struct Packing {
    state: Mutex<PackingState>,
    changed: Condvar,
}

#[derive(Default)]
struct PackingState {
    is_wanted: bool,
    is_at_work: bool,
    is_closed: bool,
    failed: Option<Arc<LedgerError>>,
}

impl Log {
    /// Opens a log, or makes an empty one where there is none, and starts its threads.
    ///
    /// # Errors
    /// [`LedgerError::Disagrees`] naming what contradicts what: the log is then not to be appended to.
    pub fn open(disk: impl Disk + 'static, config: Config) -> Result<Self, LedgerError> {
        let engine = Engine::open(Box::new(disk), config)?;
        let shared = Arc::clone(&engine.shared);
        let size = shared.state().head.size;
        let queue = Arc::new(Queue::new(size, shared.identity.height));
        let state = PackingState { is_wanted: true, ..PackingState::default() };
        let packing = Arc::new(Packing { state: Mutex::new(state), changed: Condvar::new() });
        let writer = Writer { engine, queue: Arc::clone(&queue), packing: Arc::clone(&packing) };
        let packer = (Arc::clone(&shared), Arc::clone(&packing));
        let threads = vec![
            spawn("ledger-writer", move || writer.run()),
            spawn("ledger-packer", move || packer.1.run(&packer.0)),
        ];
        Ok(Self { appender: Appender { queue }, reader: Reader { shared }, packing, threads })
    }

    /// Takes entries.
    #[must_use]
    pub fn appender(&self) -> Appender {
        self.appender.clone()
    }

    /// Serves the log.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Waits until every full segment is packed, or packing has failed.
    ///
    /// # Errors
    /// What packing failed with; the entries are safe in their tails, and it is tried again with the next segment.
    pub fn wait_until_packed(&self) -> Result<(), Arc<LedgerError>> {
        let mut state = self.packing.state();
        while state.failed.is_none() && (state.is_wanted || state.is_at_work) {
            state = self.packing.changed.wait(state).expect("no holder of the state panics");
        }
        state.failed.clone().map_or(Ok(()), Err)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.appender.queue.close();
        let mut threads = self.threads.drain(..);
        // The writer first: it may wait for the packer, which works until it is told to end.
        let writer = threads.next().map(JoinHandle::join);
        self.packing.state().is_closed = true;
        self.packing.changed.notify_all();
        let packer = threads.next().map(JoinHandle::join);
        debug_assert!([writer, packer].iter().flatten().all(Result::is_ok) || std::thread::panicking());
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).expect("the system has threads")
}

struct Writer {
    engine: Engine,
    queue: Arc<Queue>,
    packing: Arc<Packing>,
}

impl Writer {
    fn run(mut self) {
        loop {
            match self.queue.take() {
                Work::Commit(batch) => self.commit(batch),
                Work::Mend => self.mend(),
                Work::Stop => return,
            }
        }
    }

    fn commit(&mut self, mut batch: Batch) {
        let room = self.engine.room();
        match self.engine.commit(&mut batch.group) {
            Ok(head) => {
                let is_full = batch.group.leaves.len() as u64 == room;
                if is_full {
                    self.packing.want();
                }
                batch.done.settle(Ok((batch.group.first, head)));
                if is_full {
                    self.packing.wait_for_room(&self.engine.shared);
                }
                self.queue.recycle(batch.group);
            }
            Err(error) => {
                let error = Arc::new(error);
                // Nobody hears of it before the log is read again, so that whoever hears of it can look.
                let mended = self.engine.reopen();
                self.queue.break_with(&error);
                self.mended(mended);
                batch.done.settle(Err(error));
            }
        }
    }

    /// Opens the log again by the code that opened it first; if that fails too, the next caller makes it try anew.
    fn mend(&mut self) {
        let mended = self.engine.reopen();
        self.mended(mended);
    }

    fn mended(&self, result: Result<(), LedgerError>) {
        match result {
            Ok(()) => self.queue.mended(self.engine.shared.state().head.size),
            Err(error) => self.queue.break_with(&Arc::new(error)),
        }
    }
}

impl Packing {
    fn state(&self) -> MutexGuard<'_, PackingState> {
        self.state.lock().expect("no holder of the state panics")
    }

    /// Asks for packing.
    fn want(&self) {
        let mut state = self.state();
        (state.is_wanted, state.failed) = (true, None);
        self.changed.notify_all();
    }

    /// Waits while too much waits to be packed, unless packing fails.
    fn wait_for_room(&self, shared: &Shared) {
        let mut state = self.state();
        while state.failed.is_none() && shared.state().tails.len() > MOST_UNPACKED {
            state = self.changed.wait(state).expect("no holder of the state panics");
        }
    }

    fn run(&self, shared: &Shared) {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return;
            }
            if !std::mem::take(&mut state.is_wanted) {
                state = self.changed.wait(state).expect("no holder of the state panics");
                continue;
            }
            state.is_at_work = true;
            drop(state);
            let result = seal_one(shared);
            state = self.state();
            state.is_at_work = false;
            match result {
                Ok(is_more) => state.is_wanted |= is_more,
                Err(error) => state.failed = Some(Arc::new(error)),
            }
            self.changed.notify_all();
        }
    }
}
