//! The public face of the crate: against other implementations, and against whoever changes a published log.

mod files;
mod oracles;
mod tamper;
