//! Giving a reader its key: once, on a cable nobody else is on.
//!
//! The key is drawn by the caller and must be stored **before** this runs: a stop between the reader taking the key
//! and this program noting it would leave a reader with a key nobody knows. Run again with the same key it finds
//! the reader keyed and says so.

use std::sync::mpsc;
use std::time::Duration;

use rand_core::CryptoRng;

use super::bus::{LineSettings, OsdpBus};
use super::panel::{News, Panel, Purpose};
use super::reply::Identity;
use super::secure::ReaderKey;
use crate::clock::Clocks;
use crate::readers::fact::{Condition, ReaderNo};

/// Why a reader was not given its key.
#[derive(Debug, thiserror::Error)]
pub enum CommissionError {
    /// No answer in time.
    #[error("the reader did not answer: check its power, its address and the two wires of the line")]
    NoAnswer,
    /// The line can't be opened.
    #[error("the line cannot be opened: stop the controller first, and check the path")]
    NoLine,
    /// It answers, and holds some other key.
    #[error("the reader holds another key: reset it to its factory settings first")]
    OtherKey,
    /// It can't do what is needed.
    #[error("the reader has no secure channel and cannot be used")]
    NoSecureChannel,
    /// The system gave no thread.
    #[error("the line cannot be used")]
    Line(#[source] std::io::Error),
}

/// Sets a reader's key and reads what it is, within `patience`.
///
/// # Errors
/// [`CommissionError`]; the reader may hold the key all the same if it was cut off at the last word, so keep the key
/// and try again with it.
pub fn commission(
    line: LineSettings,
    address: u8,
    key: ReaderKey,
    patience: Duration,
    clocks: Clocks,
    rng: Box<dyn CryptoRng + Send>,
) -> Result<Identity, CommissionError> {
    let (sender, inbox) = mpsc::sync_channel(64);
    let panel = Panel::new(address, Purpose::Commission(key));
    let ends = clocks.elapsed() + patience;
    let watch = Box::new(move |_, news| {
        // The receiver is this function; news beyond the queue's length says nothing new.
        let _ = sender.try_send(news);
    });
    let bus = OsdpBus::start(line, vec![(ReaderNo(0), panel)], clocks, rng, watch);
    let _bus = bus.map_err(CommissionError::Line)?;
    let mut reason = CommissionError::NoAnswer;
    loop {
        let left = ends.saturating_sub(clocks.elapsed());
        match inbox.recv_timeout(left) {
            Ok(News::Keyed(identity)) => return Ok(identity),
            Ok(News::Raised(Condition::Gone)) => reason = CommissionError::NoLine,
            Ok(News::Raised(Condition::WrongKey)) => reason = CommissionError::OtherKey,
            Ok(News::Raised(Condition::Downgraded)) => reason = CommissionError::NoSecureChannel,
            Ok(_) => {}
            Err(_) => return Err(reason),
        }
    }
}
