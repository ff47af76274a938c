//! What others may know of a controller at any moment.

use std::sync::{Arc, Mutex};

use bailee_domain::bank::io::DoorStatus;
use bailee_domain::bank::screen::{LockdownShown, Notice, Screen, View};
use bailee_domain::bank::{Bank, Lasting};
use bailee_domain::budget::Keypad;
use bailee_domain::time::{MonoTime, Now};
use bailee_domain::truth::Truth;
use rand_core::CryptoRng;

use super::Controller;
use crate::backlog::Backlog;
use crate::journal::Disk;

impl<D: Disk, R: CryptoRng> Controller<D, R> {
    /// What the kiosk shows; `version` is left 0.
    pub fn view(&self, now: Now) -> View {
        match &self.bank {
            Some(bank) => bank.view(now),
            None => View {
                version: 0,
                bank_name: self.named.0.clone(),
                help: self.named.1.clone(),
                screen: Screen::Home { keypad: Keypad::ClosedUntilReset },
                notice: Some(Notice::OutOfOrder),
                alarms: Vec::new(),
                leaving_in_s: None,
                lockdowns: Vec::new(),
                tampers: Vec::new(),
                asks: None,
                unattended: false,
                remote: Default::default(),
                ledger: Default::default(),
            },
        }
    }

    /// Every door, for the platform's map.
    pub fn doors(&self) -> Vec<DoorStatus> {
        self.bank.as_ref().map(Bank::doors).unwrap_or_default()
    }

    /// The four states of every compartment.
    pub fn truth(&self) -> Vec<Truth> {
        self.bank.as_ref().map(Bank::truth).unwrap_or_default()
    }

    /// Every lockdown in force.
    pub fn lockdowns(&self, now: Now) -> Vec<LockdownShown> {
        self.bank.as_ref().map(|bank| bank.lockdowns(now.mono)).unwrap_or_default()
    }

    /// The lasting state, while the bank works.
    pub fn lasting(&self) -> Option<&Lasting> {
        self.bank.as_ref().map(Bank::lasting)
    }

    /// The events the platform has not confirmed, for the uplink.
    pub fn backlog(&self) -> Arc<Mutex<Backlog>> {
        self.backlog.clone()
    }

    /// When to call [`Controller::handle`] with [`bailee_domain::bank::io::Input::Tick`] at the latest.
    pub fn next_timeout(&self, now: MonoTime) -> MonoTime {
        self.bank.as_ref().map_or(self.revive_at, |bank| bank.next_timeout(now))
    }
}
