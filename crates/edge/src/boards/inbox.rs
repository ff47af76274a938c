//! What others want of a bus, until its thread looks.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use super::{BusHealth, NotSent, UnlockOrder, machine::MOST_ORDERS};

#[derive(Debug)]
pub(super) enum Command {
    Unlock(UnlockOrder),
    CancelWaiting,
}

#[derive(Debug, Default)]
pub(super) struct Inbox(Mutex<Wishes>);

#[derive(Debug, Default)]
struct Wishes {
    commands: VecDeque<Command>,
    stopping: bool,
    /// The latest numbers, for whoever asks.
    health: BusHealth,
}

impl Inbox {
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.0.lock().expect("no holder of the inbox panics")
    }

    pub(super) fn put(&self, command: Command) -> Result<(), NotSent> {
        let mut wishes = self.wishes();
        if wishes.stopping {
            return Err(NotSent::Closed);
        }
        // A lockdown must get through a full inbox: it also empties it of what it would cancel.
        if wishes.commands.len() >= MOST_ORDERS && !matches!(command, Command::CancelWaiting) {
            return Err(NotSent::QueueFull);
        }
        if wishes.commands.len() < 2 * MOST_ORDERS {
            wishes.commands.push_back(command);
        }
        Ok(())
    }

    /// The commands so far, and whether to stop.
    pub(super) fn take(&self) -> (VecDeque<Command>, bool) {
        let mut wishes = self.wishes();
        (std::mem::take(&mut wishes.commands), wishes.stopping)
    }

    pub(super) fn stop(&self) {
        self.wishes().stopping = true;
    }

    pub(super) fn tell(&self, health: &BusHealth) {
        self.wishes().health.clone_from(health);
    }

    pub(super) fn health(&self) -> BusHealth {
        self.wishes().health.clone()
    }
}
