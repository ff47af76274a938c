//! A journal with much in it: real events, written by a real engine into the journal of a bank that is not running; only their
//! syncs are left out.

use std::io;

use bailee_domain::bank::io::{Input, Request};
use bailee_domain::compartment::{CompartmentNo, OutOfService, Service};
use bailee_domain::id::{CommandId, PersonId};
use bailee_domain::time::TrustedClock;
use bailee_edge::backlog::Identity;
use bailee_edge::clock::Clocks;
use bailee_edge::config::EdgeConfig;
use bailee_edge::controller::Controller;
use bailee_edge::installation::Installation;
use bailee_edge::journal::{Disk, FolderDisk, Journal};
use bailee_vault::OsRandom;

const BY: PersonId = PersonId::from_bytes([12; 16]);

/// Why a journal could not be filled.
pub type FillError = Box<dyn std::error::Error + Send + Sync>;

/// A folder whose syncs are left out.
struct Unsynced(FolderDisk);

impl Disk for Unsynced {
    fn segments(&self) -> io::Result<Vec<u64>> {
        self.0.segments()
    }

    fn create(&mut self, segment: u64) -> io::Result<()> {
        self.0.create(segment)
    }

    fn append(&mut self, segment: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.append(segment, bytes)
    }

    fn sync(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, segment: u64) -> io::Result<Vec<u8>> {
        self.0.read(segment)
    }

    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()> {
        self.0.truncate(segment, length)
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        self.0.remove(segment)
    }
}

/// Writes so many events, and a few more, into the journal of a bank that is not running; says how many there are.
///
/// # Errors
/// When the installation or its journal can't be used.
pub fn fill(config: &EdgeConfig, events: u32, clocks: Clocks) -> Result<u64, FillError> {
    let installation = Installation::open(&config.data_dir)?;
    let layout = config.layout()?;
    let disk = Unsynced(FolderDisk::open(&config.data_dir.join("journal"))?);
    let (journal, recovered) =
        Journal::open(disk, installation.journal_key(), installation.journal_id()?, OsRandom)?;
    let entries = recovered.entries.into_iter().map(|entry| (entry.index, entry.payload));
    let identity = Identity { bank: installation.bank()?, device: installation.device(), layout };
    let starting = Controller::recover(identity, journal, entries, Box::new(OsRandom))?;
    let mut trusted = TrustedClock::start(starting.high_water(), clocks.rtc(), clocks.mono());
    let (mut controller, _) = starting.begin(trusted.now(clocks.rtc(), clocks.mono()));
    let compartment = CompartmentNo(1);
    // An even number leaves the compartment in service.
    for turn in 0..events.next_multiple_of(2) {
        let now = trusted.now(clocks.rtc(), clocks.mono());
        let service = if turn % 2 == 0 { Service::Out(OutOfService::ByHand) } else { Service::In };
        let request = Request::SetService { compartment, service, by: BY };
        let command = CommandId::new(now.wall, &mut OsRandom);
        let deadline = now.wall.plus_ms(60_000);
        controller.handle(Input::Platform { command, deadline, request }, now);
    }
    let backlog = controller.backlog();
    let waiting = backlog.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len();
    Ok(u64::try_from(waiting)?)
}
