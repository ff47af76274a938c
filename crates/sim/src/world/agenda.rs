//! What will happen, and when: the only scheduler of a run.

use std::collections::BTreeMap;

/// Things that will happen, by virtual time in milliseconds; things of the same moment in the order they were planned.
#[derive(Debug)]
pub struct Agenda<T> {
    planned: BTreeMap<(u64, u64), T>,
    number: u64,
    now_ms: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { planned: BTreeMap::new(), number: 0, now_ms: 0 }
    }
}

impl<T> Agenda<T> {
    /// Milliseconds since the run began.
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Plans something for so many milliseconds from now.
    pub fn after(&mut self, ms: u64, what: T) {
        self.at(self.now_ms.saturating_add(ms), what);
    }

    /// Plans something for a moment; what is past happens next.
    pub fn at(&mut self, ms: u64, what: T) {
        self.number += 1;
        self.planned.insert((ms.max(self.now_ms), self.number), what);
    }

    /// The next thing, with the time moved to its moment.
    pub fn take_next(&mut self) -> Option<T> {
        let ((ms, _), what) = self.planned.pop_first()?;
        self.now_ms = ms;
        Some(what)
    }

    /// When the next thing happens.
    pub fn next_ms(&self) -> Option<u64> {
        self.planned.keys().next().map(|(ms, _)| *ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_by_time_and_then_in_the_order_planned() {
        let mut agenda = Agenda::default();
        agenda.after(5, 'b');
        agenda.after(1, 'a');
        agenda.after(5, 'c');
        let order: Vec<char> = std::iter::from_fn(|| agenda.take_next()).collect();
        assert_eq!((order, agenda.now_ms()), (vec!['a', 'b', 'c'], 5));
    }
}
