//! Badge readers and scanners: what people hold to a bank, and what is the matter with what they hold it to.
//!
//! Every reader has a thread of its own (OSDP readers share their line's) and ends in a [`Fact`]: a badge as a keyed
//! MAC, a text, or a [`Condition`]. Nothing here opens a door or waits for the engine. A badge's number must never be
//! logged, kept or sent: it ends in [`desk`].
//!
//! Start with [`Readers::start`]; bytes are judged by plain functions in [`osdp::frame`], [`wiegand`], [`scan`],
//! [`wedge`] and [`card`].

pub mod card;
pub mod config;
pub mod desk;
mod fact;
pub mod feed;
mod gate;
pub mod osdp;
#[cfg(feature = "pcsc")]
mod pcsc;
pub mod scan;
pub mod store;
pub mod typist;
pub mod wedge;
pub mod wiegand;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailee_vault::OsRandom;
use bailee_vault::badge::BadgeKey;
use bailee_vault::kek::KeyProvider;
use rand_core::Rng;

pub use self::fact::{CONDITIONS, Condition, Fact, Feedback, ReaderNo, Standing};
pub use self::feed::Probe;

use self::config::{Accept, OsdpConfig, ReadersConfig, ScannerConfig, ScannerKind};
use self::desk::{Desk, FactSink};
use self::osdp::bus::{LineSettings, OsdpBus};
use self::osdp::commission::{CommissionError, commission};
use self::osdp::panel::{News, Panel, Purpose};
use self::osdp::reply::Identity;
use self::osdp::secure::ReaderKey;
use self::store::{ReaderKeys, State, StoreError};
use self::typist::{Keyboard, Serial, Source, Typist};
use crate::clock::Clocks;
use crate::config::EdgeConfig;
use crate::installation::{Installation, InstallationError};
use crate::kek::{Home, HomeError};

/// How long a technician waits for a reader.
const PATIENCE: Duration = Duration::from_secs(20);

/// What readers work with.
pub struct Needs {
    /// Makes MACs of numbers.
    pub key: Arc<BadgeKey>,
    /// The keys set at commissioning.
    pub keys: ReaderKeys,
    /// Time.
    pub clocks: Clocks,
    /// Where facts go.
    pub sink: FactSink,
}

/// The running readers; dropping them stops them.
#[derive(Default)]
pub struct Readers {
    lines: Vec<OsdpBus>,
    typists: Vec<Typist>,
    #[cfg(feature = "pcsc")]
    pcsc: Vec<pcsc::PcscReader>,
    by_number: BTreeMap<ReaderNo, usize>,
}

impl Readers {
    /// Starts every configured reader. One that can't be reached is a condition, not an error.
    ///
    /// # Errors
    /// When the system gives no thread, or the configuration was not checked.
    pub fn start(config: &ReadersConfig, needs: &Needs) -> io::Result<Self> {
        let mut readers = Self::default();
        for line in &config.osdp {
            readers.start_line(line, needs)?;
        }
        for scanner in &config.scanner {
            readers.typists.push(start_scanner(scanner, needs)?);
        }
        #[cfg(feature = "pcsc")]
        for reader in &config.pcsc {
            let desk = needs.desk(ReaderNo(reader.number), Accept::serials_only());
            readers.pcsc.push(pcsc::PcscReader::start(reader.name.clone(), desk, needs.clocks)?);
        }
        Ok(readers)
    }

    fn start_line(&mut self, line: &OsdpConfig, needs: &Needs) -> io::Result<()> {
        let mut panels = Vec::new();
        let mut desks = BTreeMap::new();
        for reader in &line.readers {
            let number = ReaderNo(reader.number);
            let accept = reader.accept().map_err(io::Error::other)?;
            let mut desk = needs.desk(number, accept);
            match needs.keys.of(number) {
                Some((key, State::Set(identity))) => {
                    panels.push((number, Panel::new(reader.address, Purpose::Serve(key.clone(), *identity))));
                    self.by_number.insert(number, self.lines.len());
                    desks.insert(number, desk);
                }
                _ => desk.condition(Condition::Unkeyed, Standing::Raised),
            }
        }
        if panels.is_empty() {
            return Ok(());
        }
        let clocks = needs.clocks;
        let desks = Mutex::new(desks);
        let sink = Box::new(move |number, news| {
            let mut desks = desks.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(desk) = desks.get_mut(&number) {
                hear(desk, &news, clocks.elapsed());
            }
        });
        let settings = LineSettings { path: line.path.clone(), baud: line.baud };
        self.lines.push(OsdpBus::start(settings, panels, clocks, Box::new(OsRandom), sink)?);
        Ok(())
    }

    /// Shows a person at a reader what came of it; readers without lights show nothing.
    pub fn show(&self, reader: ReaderNo, feedback: Feedback) {
        if let Some(line) = self.by_number.get(&reader).and_then(|line| self.lines.get(*line)) {
            line.show(reader, feedback);
        }
    }
}

impl Needs {
    fn desk(&self, reader: ReaderNo, accept: Accept) -> Desk {
        Desk::new(reader, accept, self.key.clone(), self.sink.clone())
    }
}

fn hear(desk: &mut Desk, news: &News, now: Duration) {
    match news {
        News::Badge(badge) => desk.bits(badge, now),
        News::Raised(condition) => desk.condition(*condition, Standing::Raised),
        News::Cleared(condition) => desk.condition(*condition, Standing::Cleared),
        News::Tick => desk.tick(now),
        News::Ready(identity) => tracing::info!(reader = desk.reader().0, %identity, "the reader is served"),
        News::Keys(_) | News::Keyed(_) => {}
    }
}

fn start_scanner(config: &ScannerConfig, needs: &Needs) -> io::Result<Typist> {
    let source: Box<dyn Source> = match config.kind {
        ScannerKind::Serial => Box::new(Serial { path: config.path.clone(), baud: config.baud }),
        ScannerKind::Keyboard => Box::new(Keyboard { path: config.path.clone() }),
    };
    let desk = needs.desk(ReaderNo(config.number), config.accept());
    Typist::start(source, config.framing(), desk, needs.clocks)
}

/// Why a reader could not be commissioned.
#[derive(Debug, thiserror::Error)]
pub enum CommissionReaderError {
    /// There is no such OSDP reader.
    #[error("there is no OSDP reader {0} in the configuration")]
    NoSuchReader(u8),
    /// Nothing is enrolled here.
    #[error("the data folder cannot be used")]
    Installation(#[from] InstallationError),
    /// The key-encryption key.
    #[error("the key file cannot be used")]
    Kek(#[from] HomeError),
    /// Its key can't be stored.
    #[error("the readers' keys cannot be stored")]
    Store(#[from] StoreError),
    /// The reader did not take it.
    #[error("the reader was not given its key")]
    Reader(#[from] CommissionError),
}

/// [`commission_reader`] for the bank of this configuration: what `bailee edge key-reader` does.
///
/// # Errors
/// [`CommissionReaderError`].
pub fn key_reader(config: &EdgeConfig, number: ReaderNo) -> Result<Identity, CommissionReaderError> {
    let home = Home::of(config);
    Installation::open(&home)?;
    let kek = home.open()?;
    commission_reader(&config.readers, number, &config.data_dir, kek.as_ref(), Clocks::start())
}

/// Sets the key of one OSDP reader while the controller is not running, and notes what device it is.
///
/// # Errors
/// [`CommissionReaderError`]; asking again with the same data folder tries the same key again.
pub fn commission_reader(
    config: &ReadersConfig,
    number: ReaderNo,
    dir: &Path,
    kek: &dyn KeyProvider,
    clocks: Clocks,
) -> Result<Identity, CommissionReaderError> {
    let (line, reader) = config.osdp_reader(number).ok_or(CommissionReaderError::NoSuchReader(number.0))?;
    let mut keys = ReaderKeys::open(dir, kek)?;
    let key = keys.of(number).map_or_else(fresh_key, |(key, _)| key.clone());
    // A stop from here on leaves a pending key, which the next attempt finds and tries first.
    keys.note(number, key.clone(), State::Pending);
    keys.save(dir, kek, &mut OsRandom)?;
    let settings = LineSettings { path: line.path.clone(), baud: line.baud };
    let identity = commission(settings, reader.address, key.clone(), PATIENCE, clocks, Box::new(OsRandom))?;
    keys.note(number, key, State::Set(identity));
    keys.save(dir, kek, &mut OsRandom)?;
    Ok(identity)
}

fn fresh_key() -> ReaderKey {
    loop {
        let mut bytes = [0; 16];
        OsRandom.fill_bytes(&mut bytes);
        if let Some(key) = ReaderKey::new(bytes) {
            return key;
        }
    }
}
