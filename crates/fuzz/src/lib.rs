//! What every reader of outside bytes must uphold, as plain functions over any bytes.
//!
//! A [`Target`] takes bytes an attacker could send and panics when something is broken that a user would notice: a
//! crash, memory without end, bytes accepted that don't mean what was read, a refusal without a reason, a door
//! that opens, one source that keeps others from being served. `fuzz/` runs the targets under libFuzzer; the tests of this
//! crate replay every file of `fuzz/corpus` through the same functions and change them a little.
//!
//! This crate must never be part of a product binary, and a target must give the same answer for the same bytes: no
//! clock, no randomness but a fixed seed, no file but its own.
//!
//! Start with [`TARGETS`]; docs/development/fuzzing.md says how to run them.

pub mod audit;
pub mod bank;
pub mod boards;
pub mod cut;
pub mod evidence;
pub mod ledger;
pub mod log;
pub mod readers;
pub mod wire;

use std::fmt::Display;

/// One reader of outside bytes and what must hold of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its folder in `fuzz/corpus` and of its binary in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// Takes any bytes; panics when what must hold doesn't.
    pub run: fn(&[u8]),
    /// Genuine inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: &[&[Target]] = &[
    audit::TARGETS,
    log::TARGETS,
    wire::TARGETS,
    evidence::TARGETS,
    ledger::TARGETS,
    boards::TARGETS,
    readers::TARGETS,
    bank::TARGETS,
];

/// Every target, one after the other.
pub fn targets() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().copied().flatten()
}

/// Runs one target.
///
/// # Panics
/// When there is no target of that name, or something it promises doesn't hold.
pub fn run(name: &str, data: &[u8]) {
    let target = targets().find(|target| target.name == name);
    (target.expect("fuzz_targets names a target of this crate").run)(data);
}

/// A refusal names what is wrong in one line a terminal can show.
///
/// # Panics
/// When it doesn't.
pub fn says(error: &impl Display) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < 4_096, "a reason is a sentence: {} bytes", text.len());
    assert!(!text.chars().any(char::is_control), "a reason is one line of plain text: {text:?}");
}

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, seeds }
}
