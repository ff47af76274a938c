//! The steps of commissioning, made durable as everything else the engine decides.

use bailee_domain::commissioning::{NotCommissioned, Step};
use bailee_domain::time::Now;
use rand_core::CryptoRng;

use super::{Controller, Effect};
use crate::journal::Disk;

/// Why a step was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommissionRefused {
    /// The engine refused it.
    Engine(NotCommissioned),
    /// The journal cannot be written: nothing opens.
    OutOfOrder,
}

impl<D: Disk, R: CryptoRng> Controller<D, R> {
    /// Takes one step of commissioning; gives the number of its event, which is durable, and what else must be done.
    /// Only then may the lock of a [`Step::Try`] be driven.
    ///
    /// # Errors
    /// [`CommissionRefused`]; nothing was written then.
    pub fn commission(&mut self, step: Step, now: Now) -> Result<(u64, Vec<Effect>), CommissionRefused> {
        let bank = self.bank.as_mut().ok_or(CommissionRefused::OutOfOrder)?;
        let (event, outputs) =
            bank.commission(step, now, &mut *self.rng).map_err(CommissionRefused::Engine)?;
        let effects = self.carry_out(outputs, now);
        if self.bank.is_none() {
            return Err(CommissionRefused::OutOfOrder);
        }
        Ok((event, effects))
    }
}
