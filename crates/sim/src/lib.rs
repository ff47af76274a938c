//! placeholder
pub mod mailbox;
pub mod cabinet;
