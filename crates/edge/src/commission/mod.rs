//! Commissioning: a technician proves what `bank.toml` says before anybody's parcel depends on it, and after a repair.
//!
//! [`run`] finds boards, opens one lock after the other while a person watches, judges wiring, polarity and switches, looks
//! at every other part, writes what was proved into the configuration and its results into the journal, and so into the
//! custody log. It must never drive a lock before the engine has written it down, never two at a time, and never while the
//! controller runs: the journal's lock and the lines' locks keep them apart. How and why is in
//! docs/decisions/0022-commissioning.md. Start with [`run`]; what is decided is in `domain::bank::commissioning` and [`judge`].

mod bench;
mod boards;
pub mod judge;
mod parts;
pub mod scan;
pub mod script;
pub mod sheet;
pub mod technician;
pub mod terminal;
mod walk;
mod write;

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use bailee_domain::commissioning::{NotCommissioned, Step};
use bailee_domain::compartment::{CompartmentNo, Layout};
use bailee_domain::time::TrustedClock;
use bailee_vault::OsRandom;
use bailee_vault::stretch::Cost;
use bailee_wire::event::time_text;
use rand_core::Rng;

use self::bench::Bench;
use self::sheet::{Report, Shelf};
use self::technician::{Left, Technician};
use crate::backlog::Identity;
use crate::boards::BusError;
use crate::clock::Clocks;
use crate::codes::CodeChecker;
use crate::config::{ConfigError, EdgeConfig};
use crate::controller::{Controller, StartError};
use crate::installation::{Installation, InstallationError};
use crate::journal::{FolderDisk, Journal, JournalError};
use crate::kek::Home;
use crate::rollback::TagStore;
use crate::siren::SirenLine;
use crate::start::RunError;

/// Why commissioning ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum CommissionError {
    /// The configuration.
    #[error("the configuration cannot be used")]
    Config(#[from] ConfigError),
    /// What enrolment gave.
    #[error("the installation cannot be used")]
    Installation(#[from] InstallationError),
    /// The journal.
    #[error("the journal cannot be opened: stop the controller first (systemctl stop bailee-bank)")]
    Journal(#[from] JournalError),
    /// Its folder.
    #[error("the journal's folder cannot be opened: stop the controller first (systemctl stop bailee-bank)")]
    Folder(#[source] std::io::Error),
    /// What is in the journal.
    #[error("the journal cannot be understood")]
    Start(#[from] StartError),
    /// The TPM that the configuration names.
    #[error("the TPM cannot be used")]
    Tpm(#[source] Box<RunError>),
    /// A line.
    #[error("the line {line} cannot be opened")]
    Line {
        /// Which.
        line: String,
        /// Why.
        #[source]
        source: BusError,
    },
    /// The engine said no.
    #[error("{}", refused(*.0))]
    Refused(NotCommissioned),
    /// The disk does not take what must be written down first.
    #[error("the journal cannot be written, so nothing opens")]
    OutOfOrder,
    /// Not a code.
    #[error("a code has eight digits")]
    BadCode,
    /// The technician left.
    #[error(transparent)]
    Left(#[from] Left),
    /// A file of the walk.
    #[error("{path} cannot be written")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn refused(why: NotCommissioned) -> String {
    match why {
        NotCommissioned::Serving => {
            "an opening has not come to its end: close its door and start the controller once".into()
        }
        NotCommissioned::Occupied(door) => {
            format!(
                "compartment {door} holds a parcel, or may: empty it first, or name another door with --door"
            )
        }
        NotCommissioned::NoSuchCompartment => "there is no such compartment in the configuration".into(),
        NotCommissioned::NobodySignedIn => {
            "this bank is in service: a staff code, or the code of a work order, is needed first".into()
        }
        NotCommissioned::NotOrdered => "the work order does not name every door concerned".into(),
        NotCommissioned::LockedDown => "a lockdown is in force: nothing opens until it is released".into(),
        NotCommissioned::OldDisk => {
            "the disk may be an old one: let the platform resynchronise this bank first".into()
        }
        NotCommissioned::NotBegun => "commissioning was not begun".into(),
        NotCommissioned::TrialOpen => "the lock tried last has no answer yet".into(),
        NotCommissioned::NothingTried => "no lock was tried".into(),
        NotCommissioned::OtherDoor => "that lock belongs to another door".into(),
    }
}

/// What is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only this door, after a repair.
    pub only: Option<CompartmentNo>,
    /// Forget the walk that was left.
    pub afresh: bool,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commissioned {
    /// Doors that can be used.
    pub doors: usize,
    /// What is wrong, in number.
    pub faults: usize,
    /// The report.
    pub report: PathBuf,
    /// Its SHA-256, as in the log.
    pub digest: [u8; 32],
    /// Whether the configuration was written.
    pub written: bool,
}

/// A bank that was taken off its controller.
pub(crate) struct Whole {
    controller: Controller<FolderDisk, OsRandom>,
    checker: CodeChecker,
    clocks: Clocks,
    trusted: TrustedClock,
    siren: SirenLine,
    layout: Layout,
    only: Option<CompartmentNo>,
}

/// Walks a technician through.
///
/// # Errors
/// [`CommissionError`]; what was proved so far is kept for the next time.
pub fn run(
    path: &Path,
    wanted: Wanted,
    technician: &mut dyn Technician,
) -> Result<Commissioned, CommissionError> {
    let mut config = EdgeConfig::read_unfinished(path)?;
    let installation = Installation::open(Home::of(&config))?;
    let shelf = Shelf::open(&config.data_dir).map_err(unwritten(&config.data_dir))?;
    let mut store = crate::start::tag_store(&config, &installation)
        .map_err(|error| CommissionError::Tpm(Box::new(error)))?;
    let tpm = parts::tpm(store.as_mut());
    let whole = take_over(&config, &installation, wanted.only, store)?;
    let clocks = whole.clocks;
    let mut bench = Bench::new(whole);

    let report = begin(&mut bench, &installation, &shelf, wanted, technician)?;
    let mut walk = walk::Walk { bench, report, shelf: &shelf, technician };
    let reached = boards::find(&mut walk, &mut config, clocks)?;
    walk.bench.open(&reached)?;
    boards::answer(&mut walk, &reached)?;
    walk.locks(&config, &reached)?;
    if wanted.only.is_none() {
        walk.parts(&config, &installation, clocks, tpm)?;
    }
    walk.trouble(&reached)?;
    finish(walk, path, &config)
}

/// Opens the journal and starts the engine, as the controller does, with no line and nobody served.
fn take_over(
    config: &EdgeConfig,
    installation: &Installation,
    only: Option<CompartmentNo>,
    store: Option<Box<dyn TagStore>>,
) -> Result<Whole, CommissionError> {
    let layout = config.layout_so_far()?;
    let clocks = Clocks::start();
    let disk = FolderDisk::open(&config.data_dir.join("journal")).map_err(CommissionError::Folder)?;
    let (journal, recovered) =
        Journal::open(disk, installation.journal_key(), installation.journal_id()?, OsRandom)?;
    let identity =
        Identity { bank: installation.bank()?, device: installation.device(), layout: layout.clone() };
    let entries = recovered.entries.into_iter().map(|entry| (entry.index, entry.payload));
    let starting = Controller::recover(identity, journal, entries, Box::new(OsRandom))?;
    let starting = match store {
        Some(store) => starting.guarded_by(store),
        None => starting,
    };
    let mut trusted = TrustedClock::start(starting.high_water(), clocks.rtc(), clocks.mono());
    let (controller, _) = starting.begin(trusted.now(clocks.rtc(), clocks.mono()));
    let checker = CodeChecker::new(installation.code_key(Cost::STANDARD)?);
    let siren = SirenLine::at(config.siren.clone());
    Ok(Whole { controller, checker, clocks, trusted, siren, layout, only })
}

/// Who is at work, by their word and, where the bank wants it, by a code; and the walk that was left.
fn begin(
    bench: &mut Bench,
    installation: &Installation,
    shelf: &Shelf,
    wanted: Wanted,
    technician: &mut dyn Technician,
) -> Result<Report, CommissionError> {
    let name = technician.name()?;
    let mut salt = [0; 16];
    OsRandom.fill_bytes(&mut salt);
    let commitment = sha256(&[b"bailee-technician/v1\n", &salt[..], name.as_bytes()].concat());
    let step = Step::Begin { technician: commitment, only: wanted.only };
    match bench.step(step) {
        Err(CommissionError::Refused(NotCommissioned::NobodySignedIn)) => {
            technician.tell("This bank is in service. Prove who you are.");
            bench.sign_in(&technician.code()?)?;
            bench.step(step)?;
        }
        other => drop(other?),
    }
    let only = wanted.only.map(|door| door.0);
    let left = shelf.unfinished().filter(|report| report.only == only && !wanted.afresh);
    if left.is_some() {
        technician.tell("Going on where the last walk was left.");
    }
    let began = time_text(bench.now().wall);
    let locks = left.map(|report| report.locks).unwrap_or_default();
    let (bank, salt) = (installation.bank()?.to_string(), bailee_wire::event::hex(&salt));
    Ok(Report { bank, technician: name, salt, began, only, locks, ..Report::default() })
}

/// Report, configuration, event, in this order: a stop between them leaves a walk that is finished by running it again.
fn finish(walk: walk::Walk<'_>, path: &Path, config: &EdgeConfig) -> Result<Commissioned, CommissionError> {
    let walk::Walk { mut bench, mut report, shelf, technician } = walk;
    report.ended = time_text(bench.now().wall);
    let name = report.ended.replace([':', '.'], "-");
    let (file, bytes) = shelf.publish(&report, &name).map_err(unwritten(path))?;
    let digest = sha256(&bytes);
    let (doors, faults) = (report.usable().count(), report.faults());
    let written = doors > 0;
    if written {
        let text = std::fs::read_to_string(path).map_err(unwritten(path))?;
        let new = write::written(&text, &config.buses, &report)?;
        sheet::replace(path, new.as_bytes()).map_err(unwritten(path))?;
    } else {
        technician.tell("No door was proved: the configuration stays as it was.");
    }
    let number = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    bench.step(Step::End { report: digest, doors: number(doors), faults: number(faults) })?;
    shelf.forget();
    Ok(Commissioned { doors, faults, report: file, digest, written })
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn unwritten(path: &Path) -> impl Fn(std::io::Error) -> CommissionError {
    move |source| CommissionError::Write { path: path.to_owned(), source }
}
