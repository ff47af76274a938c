//! The messages themselves, as types that can't carry a forged header.
//!
//! Every piece of text that ends up in a header, an SMTP command or a URL goes through a constructor here that
//! refuses control characters. Nothing here talks to anybody. Start with [`Outgoing`].

use std::fmt;
use std::str::FromStr;

use super::qr::{self, QrFailure};

/// A piece of a message was refused, with what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPart {
    /// The message id isn't 1 to 64 letters, digits, `_` or `-`.
    #[error("a message id is 1 to 64 letters, digits, '_' or '-'")]
    MessageId,
    /// Not an e-mail address this platform can write to.
    #[error(
        "not an e-mail address such as name@example.org (write domains outside ASCII in their xn-- form)"
    )]
    EmailAddress,
    /// Not an international telephone number.
    #[error("not a telephone number in international form such as +12025550123")]
    PhoneNumber,
    /// A subject is empty, too long, or has control characters.
    #[error("a subject is one line of 1 to 200 characters")]
    Subject,
    /// A text is empty or too long.
    #[error("a text is 1 to {limit} characters")]
    Text {
        /// The most characters allowed.
        limit: usize,
    },
}

/// Our own id of a message; the same one on every try, so that a peer or a reader can recognise a duplicate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId(String);

impl FromStr for MessageId {
    type Err = BadPart;

    fn from_str(id: &str) -> Result<Self, BadPart> {
        let fits = (1..=64).contains(&id.len());
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits && plain { Ok(Self(id.to_owned())) } else { Err(BadPart::MessageId) }
    }
}

impl MessageId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address: `local@domain`, ASCII, without quoting and without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EmailAddress(lettre::Address);

impl FromStr for EmailAddress {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>(),;:\\[]".contains(&b));
        if text.len() > 254 || !plain {
            return Err(BadPart::EmailAddress);
        }
        text.parse().map(Self).map_err(|_| BadPart::EmailAddress)
    }
}

impl EmailAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &str {
        self.0.domain()
    }

    pub(super) fn address(&self) -> &lettre::Address {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress")
    }
}

/// A telephone number in international form (ITU-T E.164): `+` and 7 to 15 digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhoneNumber(String);

impl FromStr for PhoneNumber {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let digits = text.strip_prefix('+').ok_or(BadPart::PhoneNumber)?;
        let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        if fits && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadPart::PhoneNumber)
        }
    }
}

impl PhoneNumber {
    /// The number as text, with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber")
    }
}

/// The subject line of an e-mail: 1 to 200 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(String);

impl FromStr for Subject {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let fits = (1..=200).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadPart::Subject)
        }
    }
}

impl Subject {
    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The most characters of an e-mail part.
pub const EMAIL_CHARACTERS: usize = 64 * 1024;
/// The most characters of a text message, over all its segments (the limit of the Twilio API).
pub const SMS_CHARACTERS: usize = 1600;

/// A picture that the HTML part shows by its content id (`cid:…`, RFC 2392), also visible as an attachment.
#[derive(Clone, PartialEq, Eq)]
pub struct InlineImage {
    /// The bytes of a PNG file.
    pub png: Vec<u8>,
}

impl InlineImage {
    /// The content id that the HTML part names.
    pub const CONTENT_ID: &'static str = "qr@bailee";
    /// What to write into `src` to show it.
    pub const SOURCE: &'static str = "cid:qr@bailee";

    /// A QR code that holds `payload`.
    ///
    /// # Errors
    /// As [`qr::png`].
    pub fn qr(payload: &str) -> Result<Self, QrFailure> {
        qr::png(payload).map(|png| Self { png })
    }
}

/// What an e-mail says and to whom.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailContent {
    /// The one recipient.
    pub to: EmailAddress,
    /// The subject line.
    pub subject: Subject,
    /// The plain text, always there.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// A picture for the HTML part; without an HTML part it is an attachment.
    pub image: Option<InlineImage>,
}

/// What a text message says and to whom.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsContent {
    /// The one recipient.
    pub to: PhoneNumber,
    /// The text, at most [`SMS_CHARACTERS`].
    pub text: String,
}

/// The two kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message to a telephone.
    Sms,
}

/// A message's channel, recipient and words.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// An e-mail.
    Email(EmailContent),
    /// A text message.
    Sms(SmsContent),
}

/// A message to hand over; `Debug` shows no content, because it may hold a code.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The same on every try of the same message.
    pub id: MessageId,
    /// When the message was written, in Unix milliseconds; the same on every try.
    pub written_ms: i64,
    /// What it says and to whom.
    pub content: Content,
}

impl Outgoing {
    /// Puts a message together.
    ///
    /// # Errors
    /// [`BadPart::Text`] when a text is empty or longer than its channel takes.
    pub fn new(id: MessageId, written_ms: i64, content: Content) -> Result<Self, BadPart> {
        match &content {
            Content::Email(mail) => {
                within(&mail.text, EMAIL_CHARACTERS)?;
                mail.html.as_deref().map_or(Ok(()), |html| within(html, EMAIL_CHARACTERS))?;
            }
            Content::Sms(sms) => within(&sms.text, SMS_CHARACTERS)?,
        }
        Ok(Self { id, written_ms, content })
    }

    /// The channel this message needs.
    pub fn channel(&self) -> Channel {
        match self.content {
            Content::Email(_) => Channel::Email,
            Content::Sms(_) => Channel::Sms,
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("id", &self.id)
            .field("channel", &self.channel())
            .finish_non_exhaustive()
    }
}

fn within(text: &str, limit: usize) -> Result<(), BadPart> {
    if text.is_empty() || text.chars().count() > limit { Err(BadPart::Text { limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_refused_in_every_typed_field() {
        for bad in
            ["a@b.example\r\nBcc: x@y.example", "a@b.example\nX: y", "\"a\r\nb\"@c.example", "a b@c.example"]
        {
            assert_eq!(bad.parse::<EmailAddress>(), Err(BadPart::EmailAddress), "{bad:?}");
        }
        for bad in ["Hello\r\nBcc: x@y.example", "a\u{0}b", "a\rb", "", &"x".repeat(201)] {
            assert_eq!(bad.parse::<Subject>(), Err(BadPart::Subject), "{bad:?}");
        }
        for bad in
            ["+1202555\r\n0123", "12025550123", "+0202555012", "+1", "+1202555012345678", "+1202555&x=1"]
        {
            assert_eq!(bad.parse::<PhoneNumber>(), Err(BadPart::PhoneNumber), "{bad:?}");
        }
        for bad in ["msg\r\nX: y", "", "a b", "a@b", &"x".repeat(65)] {
            assert_eq!(bad.parse::<MessageId>(), Err(BadPart::MessageId), "{bad:?}");
        }
    }

    #[test]
    fn ordinary_parts_are_taken() {
        assert_eq!(
            "ann.o'hara+parcels@mail.example.org".parse::<EmailAddress>().unwrap().domain(),
            "mail.example.org"
        );
        assert_eq!("+12025550123".parse::<PhoneNumber>().unwrap().as_str(), "+12025550123");
        assert_eq!(
            "Ihr Paket ist da – مرحبا".parse::<Subject>().unwrap().as_str(),
            "Ihr Paket ist da – مرحبا"
        );
    }

    #[test]
    fn a_message_shows_nothing_of_itself_when_printed() {
        let content =
            Content::Sms(SmsContent { to: "+12025550123".parse().unwrap(), text: "1234 5678".into() });
        let message = Outgoing::new("msg_1".parse().unwrap(), 0, content).unwrap();
        let printed = format!("{message:?}");
        assert!(!printed.contains("1234") && !printed.contains("2025550123"), "{printed}");
    }

    #[test]
    fn texts_are_bounded() {
        let sms = |text: String| {
            let content = Content::Sms(SmsContent { to: "+12025550123".parse().unwrap(), text });
            Outgoing::new("m".parse().unwrap(), 0, content)
        };
        assert_eq!(sms("ä".repeat(1600)).map(|_| ()), Ok(()));
        assert_eq!(sms("ä".repeat(1601)), Err(BadPart::Text { limit: 1600 }));
        assert_eq!(sms(String::new()), Err(BadPart::Text { limit: 1600 }));
    }
}
