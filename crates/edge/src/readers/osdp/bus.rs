//! The thread that owns one OSDP line.
//!
//! All decisions are [`Talk`]'s; this file waits, reads, writes and passes news on. A line that breaks is a condition
//! of every reader on it and is opened again every second.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rand_core::CryptoRng;

use super::panel::{News, Panel};
use super::talk::Talk;
use crate::boards::Line;
use crate::clock::Clocks;
use crate::readers::fact::{Feedback, ReaderNo};

const REOPEN_EVERY: Duration = Duration::from_secs(1);
const TICK_EVERY: Duration = Duration::from_millis(500);
const MOST_WAITING: usize = 64;

/// Where news goes; it must not block.
pub type NewsSink = Box<dyn FnMut(ReaderNo, News) + Send>;

/// A line and what the thread needs.
pub struct LineSettings {
    /// The tty.
    pub path: PathBuf,
    /// Bits a second.
    pub baud: u32,
}

/// The owner of one OSDP line; dropping it stops the thread.
pub struct OsdpBus {
    shows: Arc<Mutex<VecDeque<(ReaderNo, Feedback)>>>,
    waker: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl OsdpBus {
    /// Starts speaking with these readers. A line that can't be opened yet is tried again by the thread.
    ///
    /// # Errors
    /// When the system gives no thread or pipe.
    pub fn start(
        settings: LineSettings,
        readers: Vec<(ReaderNo, Panel)>,
        clocks: Clocks,
        rng: Box<dyn CryptoRng + Send>,
        sink: NewsSink,
    ) -> std::io::Result<Self> {
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let shows = Arc::new(Mutex::new(VecDeque::new()));
        let (numbers, panels): (Vec<_>, Vec<_>) = readers.into_iter().unzip();
        let talk = Talk::new(panels, settings.baud);
        let (reopen_at, ticked) = (Duration::ZERO, Duration::ZERO);
        let (inbox, line) = (shows.clone(), None);
        let owner =
            Owner { settings, line, reopen_at, ticked, talk, numbers, clocks, rng, sink, inbox, woken };
        let thread = std::thread::Builder::new().name("osdp".into()).spawn(move || owner.run())?;
        Ok(Self { shows, waker: Some(waker), thread: Some(thread) })
    }

    /// Shows something at a reader; what is too much is dropped.
    pub fn show(&self, reader: ReaderNo, feedback: Feedback) {
        let mut shows = self.shows.lock().unwrap_or_else(PoisonError::into_inner);
        if shows.len() < MOST_WAITING {
            shows.push_back((reader, feedback));
        }
        drop(shows);
        if let Some(mut waker) = self.waker.as_ref() {
            // A full pipe wakes as well.
            let _ = waker.write(&[1]);
        }
    }
}

impl Drop for OsdpBus {
    fn drop(&mut self) {
        // The closed pipe is the order to stop.
        self.waker = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by the panic hook.
            let _ = thread.join();
        }
    }
}

struct Owner {
    settings: LineSettings,
    line: Option<Line>,
    reopen_at: Duration,
    ticked: Duration,
    talk: Talk,
    numbers: Vec<ReaderNo>,
    clocks: Clocks,
    rng: Box<dyn CryptoRng + Send>,
    sink: NewsSink,
    inbox: Arc<Mutex<VecDeque<(ReaderNo, Feedback)>>>,
    woken: UnixStream,
}

impl Owner {
    fn run(mut self) {
        while !self.is_stopped() {
            self.take_shows();
            self.reopen();
            self.speak();
            self.pass_on();
            self.wait();
            self.listen();
        }
    }

    fn is_stopped(&mut self) -> bool {
        matches!(self.woken.read(&mut [0; 64]), Ok(0))
    }

    fn take_shows(&mut self) {
        let shows = std::mem::take(&mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner));
        for (reader, feedback) in shows {
            if let Some(index) = self.numbers.iter().position(|number| *number == reader) {
                self.talk.panels()[index].show(feedback);
            }
        }
    }

    fn reopen(&mut self) {
        let now = self.clocks.elapsed();
        if self.line.is_some() || now < self.reopen_at {
            return;
        }
        self.reopen_at = now + REOPEN_EVERY;
        match Line::open(&self.settings.path, self.settings.baud) {
            Ok(line) => self.line = Some(line),
            Err(_) => self.talk.line_gone(now),
        }
    }

    fn speak(&mut self) {
        let now = self.clocks.elapsed();
        let Some(line) = &mut self.line else { return };
        if let Some(bytes) = self.talk.advance(now, &mut *self.rng)
            && line.write(&bytes).is_err()
        {
            self.lose(now);
        }
    }

    fn lose(&mut self, now: Duration) {
        self.line = None;
        self.reopen_at = now + REOPEN_EVERY;
        self.talk.line_gone(now);
    }

    fn pass_on(&mut self) {
        let now = self.clocks.elapsed();
        let tick = now.saturating_sub(self.ticked) >= TICK_EVERY;
        if tick {
            self.ticked = now;
        }
        for (number, panel) in self.numbers.iter().zip(self.talk.panels()) {
            for news in panel.take_news() {
                (self.sink)(*number, news);
            }
            if tick {
                (self.sink)(*number, News::Tick);
            }
        }
    }

    fn wait(&mut self) {
        let now = self.clocks.elapsed();
        let until = if self.line.is_some() { self.talk.wakes_at() } else { self.reopen_at };
        let timeout = milliseconds(until.saturating_sub(now).min(TICK_EVERY));
        let mut watched = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        if let Some(line) = &self.line {
            watched.push(PollFd::new(line.as_fd(), PollFlags::POLLIN));
        }
        // An interrupted wait is a short wait.
        let _ = poll(&mut watched, timeout);
    }

    fn listen(&mut self) {
        let mut buffer = [0; 256];
        let Some(line) = &mut self.line else { return };
        let read = line.read(&mut buffer).map(<[u8]>::to_vec);
        let now = self.clocks.elapsed();
        match read {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => self.talk.hear(&bytes, now),
            Err(_) => self.lose(now),
        }
    }
}

/// A wait rounded up, so that a deadline has passed when it ends; at most a minute.
pub(in crate::readers) fn milliseconds(wait: Duration) -> PollTimeout {
    let whole = wait.min(Duration::from_secs(60)).as_micros().div_ceil(1000);
    PollTimeout::try_from(i32::try_from(whole).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
}
