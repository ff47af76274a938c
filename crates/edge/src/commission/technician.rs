//! The person at work, as this program sees them: somebody at a terminal, or a file with all answers.

use bailee_domain::compartment::Wiring;

use super::sheet::DoorSheet;

/// The walk was left; what was proved so far is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("commissioning was left; run it again to go on")]
pub struct Left;

/// What to do with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Pulse it.
    Try,
    /// Nothing is wired there.
    Unused,
    /// Nothing is wired there, nor behind it on this board.
    RestUnused,
}

/// What came of a pulse, as somebody saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// These doors opened; none is an answer too.
    Opened(Vec<u16>),
    /// Nobody looked: once more.
    Again,
}

/// What somebody says of a part this program can't judge alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It works.
    Works,
    /// It does not.
    Broken,
    /// Not looked at now.
    Later,
}

/// Whoever answers.
pub trait Technician {
    /// Says something.
    fn tell(&mut self, text: &str);

    /// Who is at work.
    ///
    /// # Errors
    /// [`Left`], as everywhere here.
    fn name(&mut self) -> Result<String, Left>;

    /// Eight digits: a staff code, or that of a work order.
    ///
    /// # Errors
    /// [`Left`].
    fn code(&mut self) -> Result<String, Left>;

    /// The highest address to ask on a line, of `most`.
    ///
    /// # Errors
    /// [`Left`].
    fn highest_address(&mut self, line: &str, most: u8) -> Result<u8, Left>;

    /// Whether to go on after trouble that was told.
    ///
    /// # Errors
    /// [`Left`] is "no".
    fn go_on(&mut self, question: &str) -> Result<(), Left>;

    /// What to do with this lock.
    ///
    /// # Errors
    /// [`Left`].
    fn attempt(&mut self, lock: Wiring) -> Result<Attempt, Left>;

    /// Which doors opened; `hint` is what the switches say.
    ///
    /// # Errors
    /// [`Left`].
    fn opened(&mut self, lock: Wiring, hint: &str) -> Result<Seen, Left>;

    /// What the door is like; `usual` is what is taken without an answer.
    ///
    /// # Errors
    /// [`Left`].
    fn door(&mut self, lock: Wiring, usual: DoorSheet) -> Result<DoorSheet, Left>;

    /// A part that only a person can judge, or can make do something.
    ///
    /// # Errors
    /// [`Left`].
    fn word(&mut self, part: &str, question: &str) -> Result<Word, Left>;
}
