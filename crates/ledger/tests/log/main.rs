//! The log's promises: what was answered stays, nothing else appears, nothing is signed that doesn't hold, and what no
//! stop explains is refused by name.

#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

mod crash;
mod damage;
mod reading;
mod support;
mod work;
