//! The presence code: eight digits on the bank's own screen that whoever wants a door opened from afar must name, so
//! that nothing opens at a bank nobody stands before.

use rand_core::Rng;

use crate::code::Code;
use crate::time::MonoTime;

/// How long a code is shown, in milliseconds; it is taken for as long again, because people type slowly.
pub const SHOWN_MS: u64 = 30_000;

/// The code on the screen and the one before it. Lost on a restart, on purpose: what was signed for the old ones is
/// then worth nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presence {
    current: Code,
    previous: Option<Code>,
    since: MonoTime,
}

impl Presence {
    pub(super) fn begin(now: MonoTime, rng: &mut dyn Rng) -> Self {
        Self { current: Code::draw(rng), previous: None, since: now }
    }

    /// Shows another code if it is time.
    pub(super) fn turn(&mut self, now: MonoTime, rng: &mut dyn Rng) {
        let shown_ms = now.since_ms(self.since);
        if shown_ms >= 2 * SHOWN_MS {
            *self = Self::begin(now, rng);
        } else if shown_ms >= SHOWN_MS {
            // Counted from when it should have changed, so that no code is taken for longer.
            let since = self.since.plus_ms(SHOWN_MS);
            *self = Self { previous: Some(self.current), ..Self::begin(since, rng) };
        }
    }

    pub(super) const fn shown(&self) -> Code {
        self.current
    }

    pub(super) fn is(&self, code: Code) -> bool {
        code == self.current || Some(code) == self.previous
    }

    /// A code was used: neither it nor the one before is taken again.
    pub(super) fn used(&mut self, now: MonoTime, rng: &mut dyn Rng) {
        *self = Self::begin(now, rng);
    }
}
