//! Pickup and courier codes: eight digits that nobody can read back.
//!
//! Checking a code: [`BankCodeKey::stretch`] once per attempt (slow), then [`find`] over the verifiers of
//! that bank (fast, constant time, every candidate visited). Issuing a code: [`CodeSecret::generate`], refuse
//! it when [`CodeIndex::neighbourhood`] meets a live one, then keep only [`verifier`] and the index.
//!
//! ```text
//! P   = Argon2id(code, salt of bank and epoch)
//! T   = HMAC-SHA-256(K_bank, "locker-pin/v1" ‖ tenant[16] ‖ bank[16] ‖ epoch[4] ‖ P)      CodeTag
//! v   = HMAC-SHA-256(T, subject[16] ‖ salt[16])                                           verifier, stored
//! i   = HMAC-SHA-256(K_index, "bailee/code-index/v1" ‖ bank[16] ‖ code[8])                CodeIndex, platform only
//! ```
//!
//! This module must never store, print or return a code it was given, and never end a comparison early.

mod digits;
mod index;
mod verify;

pub use digits::{CODE_LEN, CodeError, CodeSecret};
pub use index::CodeIndex;
pub use verify::{BankCodeKey, Candidate, CodeTag, find, verifier};
