//! The drivers of lock boards against simulated boards: what is reported for each thing that hardware does wrong. Over
//! real pseudo terminals and sockets, and the same code in virtual time under random faults.

#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

mod chance;
mod families;
mod frames;
mod gateway;
mod rig;
mod trouble;
mod wear;
mod world;
mod xor;
