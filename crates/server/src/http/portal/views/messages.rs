//! Pages that say no: what happened, why, what to do, and a reference for whoever helps.

use askama::Template;
use bailee_ui::layout::Page;

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// 404
    NotFound,
    /// 403
    Forbidden,
    /// 429
    TooMany,
    /// 413
    TooLarge,
    /// 409 or 410: the form is out of date or already sent.
    Stale,
    /// 500
    Failed,
    /// 503: the store doesn't answer.
    Unavailable,
    /// The reader's own network is gone.
    Offline,
}

impl Message {
    /// Every message.
    pub const ALL: [Self; 8] = [
        Self::NotFound,
        Self::Forbidden,
        Self::TooMany,
        Self::TooLarge,
        Self::Stale,
        Self::Failed,
        Self::Unavailable,
        Self::Offline,
    ];

    /// The stem of its text keys: `{key}` title, `{key}-why`, `{key}-do`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::NotFound => "message-not-found",
            Self::Forbidden => "message-forbidden",
            Self::TooMany => "message-too-many",
            Self::TooLarge => "message-too-large",
            Self::Stale => "message-stale",
            Self::Failed => "message-failed",
            Self::Unavailable => "message-unavailable",
            Self::Offline => "message-offline",
        }
    }
}

/// A page that says no.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/message.html")]
pub struct MessagePage {
    /// The document.
    pub page: Page,
    /// Why.
    pub message: Message,
    /// The request's id, shown as a reference; may be empty.
    pub reference: String,
    /// Seconds to wait before trying again, for 429.
    pub retry_after: Option<u32>,
}

impl MessagePage {
    /// Its title.
    #[must_use]
    pub fn title(&self) -> String {
        self.page.t(self.message.key())
    }

    /// Why it happened.
    #[must_use]
    pub fn why(&self) -> String {
        self.page.t(&format!("{}-why", self.message.key()))
    }

    /// What to do now.
    #[must_use]
    pub fn remedy(&self) -> String {
        self.page.t(&format!("{}-do", self.message.key()))
    }
}

#[cfg(test)]
impl MessagePage {
    pub(super) fn sample(page: Page, message: Message) -> Self {
        let retry_after = (message == Message::TooMany).then_some(30);
        Self { page, message, reference: "req_01JD8K2V".into(), retry_after }
    }
}
