//! Power: losing it, at a write or at any other moment, and coming back to whatever the disk kept.

use bailee_domain::bank::io::{BoardHealth, Input};
use bailee_edge::journal::Unsynced;

use super::record::Sometimes;
use super::{Happening, World};

impl World {
    /// The power of a bank is gone. Nobody is told.
    pub(super) fn power_lost(&mut self, bank: usize) {
        let now = self.now_ms();
        self.note(format_args!("bank {bank} loses its power"));
        self.banks[bank].disk.power_off();
        self.banks[bank].running = None;
        self.banks[bank].off_since = Some(now);
        let after = match self.dice.below(20) {
            0 => self.dice.between(3_600_000, 2 * 86_400_000),
            1..8 => self.dice.between(60_000, 900_000),
            _ => self.dice.between(1_000, 20_000),
        };
        self.agenda.after(if self.healing { 2_000 } else { after }, Happening::PowerReturns { bank });
    }

    /// The power comes back, and the controller starts from what the disk kept.
    pub(super) fn power_returns(&mut self, bank: usize) {
        if self.banks[bank].running.is_some() {
            return;
        }
        let (unsynced, saw) = match self.dice.below(8) {
            0..4 => (Unsynced::Lost, Sometimes::UnsyncedLost),
            4..7 => (Unsynced::Kept, Sometimes::UnsyncedKept),
            _ => (Unsynced::Cached, Sometimes::ProcessDied),
        };
        self.saw(saw);
        self.switch_on(bank, unsynced);
    }

    pub(super) fn switch_on(&mut self, bank: usize, unsynced: Unsynced) {
        let now = self.now_ms();
        let off_ms = now - self.banks[bank].off_since.unwrap_or(now);
        self.banks[bank].disk.power_on(unsynced);
        let (payloads, effects) = match self.banks[bank].start(now, &mut self.dice) {
            Ok(started) => started,
            Err(_) if self.banks[bank].is_dark() => {
                self.note(format_args!("bank {bank} loses its power while it starts"));
                return self.agenda.after(1_500, Happening::PowerReturns { bank });
            }
            // A planned failure of one call: the service starts again.
            Err(bailee_edge::journal::JournalError::Disk(_)) => {
                self.banks[bank].off_since = Some(now);
                return self.agenda.after(1_500, Happening::PowerReturns { bank });
            }
            Err(error) => panic!("I4: the journal of bank {bank} does not open: {error}"),
        };
        let new = self.watches[bank].restarted(&payloads, off_ms);
        self.note(format_args!("bank {bank} starts, {unsynced:?}, {new} events nobody was told of"));
        let boot = self.banks[bank].boot;
        if let Some(then) = self.banks[bank].now(now) {
            self.carry_out(bank, effects, then);
        }
        let lasting =
            self.banks[bank].running.as_ref().and_then(|running| running.controller.lasting()).cloned();
        if let (Some(lasting), Some(then)) = (lasting, self.banks[bank].now(now)) {
            self.watches[bank].agrees(&lasting, then.wall);
        }
        if self.banks[bank].boot != boot || self.banks[bank].running.is_none() {
            return;
        }
        let silent: Vec<(u8, bool)> =
            self.banks[bank].silent.iter().map(|(board, silent)| (*board, *silent)).collect();
        for (board, _) in silent.into_iter().filter(|(_, silent)| *silent) {
            self.input(bank, Input::Board { board, health: BoardHealth::Silent });
        }
        self.read_all(bank);
        self.plan_bank_tick(bank, 250);
        self.plan_link_tick(bank);
    }
}
