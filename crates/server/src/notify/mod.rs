//! Messages to people: e-mail over SMTP, text messages over an HTTP gateway, and the texts an operator may edit.
//!
//! Nothing here decides *whether* somebody is told something, and nothing here keeps a message: the caller hands
//! over an [`Outgoing`] and gets an answer. Delivery is at least once: after [`SendFailure::Unknown`] the caller
//! sends the same message again under the same [`MessageId`], so a duplicate can be recognised.
//!
//! It must never send anything in clear to a peer that isn't this machine, never put a name, a unit or a door into
//! a parcel message, and never log or return a code. Start with [`Sender`], then [`config::NotifyConfig`], which
//! builds the senders, [`templates`] for the texts and [`retry`] for when to try again.

pub mod config;
mod dial;
pub mod email;
pub(crate) mod http;
pub mod message;
mod mime;
pub mod qr;
pub mod retry;
pub mod sms;
pub mod templates;

use std::future::Future;
use std::pin::Pin;

pub use config::{NotifyConfig, Senders};
pub use email::Email;
pub use message::{
    Channel, Content, EmailAddress, EmailContent, InlineImage, MessageId, Outgoing, PhoneNumber, SmsContent,
    Subject,
};
pub use sms::Sms;

/// What a peer said when it took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The peer's own words or number for the message, at most 160 characters, for the operator's eyes.
    pub reference: String,
}

/// Why a message wasn't taken; each reason is one line of at most 160 characters that holds no recipient and no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// The peer doesn't have the message; the same message may be taken later.
    #[error("not sent for now: {0}")]
    Temporary(String),
    /// The peer refused, and would refuse again.
    #[error("refused: {0}")]
    Permanent(String),
    /// The message was handed over, but no answer says whether it was taken; sending again may duplicate it.
    #[error("handed over, but not confirmed: {0}")]
    Unknown(String),
}

/// The answer of a [`Sender`], later.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Accepted, SendFailure>> + Send + 'a>>;

/// Something that hands messages of one channel to a peer.
pub trait Sender: Send + Sync {
    /// The kind of message it takes.
    fn channel(&self) -> Channel;

    /// Hands one message over and waits for the peer's answer, within the configured deadline.
    ///
    /// # Errors
    /// A [`SendFailure`] that says whether trying again makes sense; a message of another channel is `Permanent`.
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a>;
}

/// Makes a peer's words fit for storing and showing: one short line without the recipient and without any number
/// that could be a code.
pub(crate) fn peer_words(words: &str, recipient: &str) -> String {
    let words = if recipient.is_empty() { words.to_owned() } else { words.replace(recipient, "<recipient>") };
    let mut shown = String::new();
    let mut digits = String::new();
    for character in words.chars().map(|c| if c.is_control() { ' ' } else { c }).chain([' ']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let run = if digits.len() >= 4 { "####" } else { &digits };
        shown.push_str(run);
        digits.clear();
        shown.push(character);
    }
    shown.trim().chars().take(160).collect()
}

/// The peer's own number for a message: as [`peer_words`], but digits stay, because they are the point of it.
pub(crate) fn peer_reference(words: &str, recipient: &str) -> String {
    let words = if recipient.is_empty() { words.to_owned() } else { words.replace(recipient, "<recipient>") };
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_words_hide_recipients_and_codes() {
        assert_eq!(
            peer_words("550 5.1.1 <ann@example.org>\r\n no such user 1234 5678", "ann@example.org"),
            "550 5.1.1 <<recipient>>   no such user #### ####"
        );
        assert_eq!(peer_words("12345678", ""), "####");
        assert_eq!(peer_words(&"x".repeat(5000), "").len(), 160);
    }
}
