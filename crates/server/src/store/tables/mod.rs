//! One module per table: typed rows in, typed rows out, and the only SQL outside the ledger.

pub mod event;
