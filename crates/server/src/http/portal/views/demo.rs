//! `/demo/mailbox`: what the demo's mail server and SMS gateway received, per recipient. Exists in the demo only.
//!
//! Live: patch `mailbox`.

use askama::Template;
use bailee_ui::layout::Page;

/// By which way a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// E-mail.
    Email,
    /// SMS.
    Sms,
}

impl Way {
    /// Its symbol.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Email => "mail",
            Self::Sms => "sms",
        }
    }

    /// The key of its word.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Email => "way-email",
            Self::Sms => "way-sms",
        }
    }
}

/// One received message.
#[derive(Clone, Debug)]
pub struct Received {
    /// Unique on the page.
    pub id: String,
    /// By which way.
    pub way: Way,
    /// The e-mail's subject; empty for SMS.
    pub subject: String,
    /// The text as received.
    pub text: String,
    /// The QR image as a `data:` address; empty when there is none.
    pub qr: String,
    /// When it came (RFC 3339, UTC).
    pub at: String,
}

/// Everything one address received, newest first.
#[derive(Clone, Debug)]
pub struct Inbox {
    /// The e-mail address or phone number.
    pub address: String,
    /// The messages.
    pub messages: Vec<Received>,
}

/// `/demo/mailbox`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/mailbox.html")]
pub struct Mailbox {
    /// The document.
    pub page: Page,
    /// Where the page listens for new messages; `None` for a still page.
    pub stream: Option<String>,
    /// One per address, the latest first.
    pub inboxes: Vec<Inbox>,
}

#[cfg(test)]
impl Mailbox {
    pub(super) fn sample(page: Page) -> Self {
        let received = |id: &str, way, qr: &str| Received {
            id: id.into(),
            way,
            subject: if way == Way::Email { "A parcel is waiting for you".into() } else { String::new() },
            text: "Your code is 1234 5678.\nIt works until 30 Nov 2026, 09:40.".into(),
            qr: qr.into(),
            at: "2026-11-23T08:39:12Z".into(),
        };
        let svg = super::tests::qr().replace('#', "%23").replace('"', "'");
        Self {
            page,
            stream: Some("/demo/mailbox/events".into()),
            inboxes: vec![
                Inbox {
                    address: "sam@example.org".into(),
                    messages: vec![received("m1", Way::Email, &format!("data:image/svg+xml,{svg}"))],
                },
                Inbox { address: "+49 30 5550100".into(), messages: vec![received("m2", Way::Sms, "")] },
            ],
        }
    }
}
