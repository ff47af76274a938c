//! The thread behind one reader of the PC/SC service.
//!
//! It waits for cards, asks each for its serial number once, and lets go of it. The service runs in a process of its
//! own; when it is away, or the reader is unplugged, the reader is *gone* and is looked for again every two seconds.

use std::ffi::{CStr, CString};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use pcsc::{Context, Error, Protocols, ReaderState, Scope, ShareMode, State};

use super::card::{ASK_SERIAL, MOST_ANSWER, serial, technology};
use super::desk::Desk;
use super::fact::{Condition, Standing};
use crate::clock::Clocks;

/// Longest wait in the service, so that stopping takes no longer.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(2);

/// The thread behind one reader; dropping it stops it.
pub struct PcscReader {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PcscReader {
    /// Starts waiting for cards at the first reader whose name holds `name`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(name: String, desk: Desk, clocks: Clocks) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let owner = Owner { name, desk, clocks, stop: stop.clone() };
        let thread = std::thread::Builder::new().name("pcsc".into()).spawn(move || owner.run())?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for PcscReader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the thread was printed by the panic hook.
            let _ = thread.join();
        }
    }
}

struct Owner {
    name: String,
    desk: Desk,
    clocks: Clocks,
    stop: Arc<AtomicBool>,
}

impl Owner {
    fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            if let Err(error) = self.attend() {
                tracing::debug!(reader = self.desk.reader().0, %error, "the reader's service");
                self.desk.condition(Condition::Gone, Standing::Raised);
                self.desk.tick(self.clocks.elapsed());
                std::thread::park_timeout(LOOK_AGAIN_EVERY);
            }
        }
    }

    /// Waits for cards until the reader or its service goes away.
    fn attend(&mut self) -> Result<(), Error> {
        let context = Context::establish(Scope::System)?;
        let reader = self.find(&context)?;
        let mut states = [ReaderState::new(reader.clone(), State::UNAWARE)];
        while !self.stop.load(Ordering::Relaxed) {
            let changed = context.get_status_change(LOOK_EVERY, &mut states);
            self.desk.tick(self.clocks.elapsed());
            match changed {
                Ok(()) => {}
                Err(Error::Timeout) => continue,
                Err(error) => return Err(error),
            }
            let [state] = &mut states;
            let (now, before) = (state.event_state(), state.current_state());
            state.sync_current_state();
            if now.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
                return Err(Error::ReaderUnavailable);
            }
            self.desk.condition(Condition::Gone, Standing::Cleared);
            if now.contains(State::PRESENT) && !before.contains(State::PRESENT) && !now.contains(State::MUTE)
            {
                let kind = technology(state.atr());
                tracing::debug!(reader = self.desk.reader().0, ?kind, "a card");
                self.ask(&context, &reader);
            }
        }
        Ok(())
    }

    fn find(&self, context: &Context) -> Result<CString, Error> {
        let readers = context.list_readers_owned()?;
        let fits = |name: &CString| name.to_string_lossy().contains(&self.name);
        readers.into_iter().find(fits).ok_or(Error::UnknownReader)
    }

    fn ask(&mut self, context: &Context, reader: &CStr) {
        let mut buffer = [0; MOST_ANSWER];
        let answer = context
            .connect(reader, ShareMode::Shared, Protocols::ANY)
            .and_then(|card| card.transmit(&ASK_SERIAL, &mut buffer).map(<[u8]>::to_vec));
        let now = self.clocks.elapsed();
        match answer.as_deref().map(serial) {
            Ok(Ok(serial)) => self.desk.serial(serial, now),
            // Pulled away too early, or no card of ours.
            Ok(Err(_)) | Err(_) => self.desk.unreadable(now),
        }
    }
}
