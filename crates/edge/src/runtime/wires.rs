//! Which lock hangs where: the configuration's numbers, and buses with their addresses.

use std::collections::BTreeMap;

use crate::boards::BoardAddress;

/// Which lock hangs where.
#[derive(Clone, Debug, Default)]
pub struct Wires {
    /// By the board's number in the configuration: its bus and its address there.
    pub(super) boards: BTreeMap<u8, (usize, BoardAddress)>,
}

impl Wires {
    /// Notes that board `number` answers to `address` on bus `bus`.
    pub fn board(&mut self, number: u8, bus: usize, address: BoardAddress) {
        self.boards.insert(number, (bus, address));
    }

    /// The number of the board at an address on a bus.
    pub(crate) fn number(&self, bus: usize, address: BoardAddress) -> Option<u8> {
        self.boards.iter().find(|(_, at)| **at == (bus, address)).map(|(number, _)| *number)
    }
}
