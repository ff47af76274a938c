//! `/settings` and the pages under it.
//!
//! Posts: `/settings/site` (`name`, `help`, `expiry_days`, `receipt_days`, `version`), `/settings/templates/{id}` (`subject`, `text`, `version`,
//! `act` = `preview` | `save`), `/settings/templates/{id}/reset` (`version`), `/settings/tokens` (`name`, `days`, one field for
//! every [`PermissionChoice`]), `/settings/tokens/{id}/revoke`, `/settings/enrol` (`name`).

use super::Shell;
use super::people::Conflict;
use askama::Template;
use bailee_ui::form::Field;
use bailee_ui::html::Html;
use bailee_ui::layout::{Page, Tone};

/// A way out for messages, and whether it works.
#[derive(Clone, Debug)]
pub struct ChannelStatus {
    /// Its name, such as "SMTP".
    pub name: String,
    /// Where it goes, such as "mail.example.org:587, STARTTLS"; never a secret.
    pub target: String,
    /// Whether the last try worked.
    pub working: bool,
    /// The last try (RFC 3339, UTC); empty when there was none.
    pub last: String,
    /// What went wrong and what to do; empty when it works.
    pub problem: String,
    /// Messages waiting.
    pub waiting: u32,
}

impl ChannelStatus {
    /// Works or doesn't, as a badge.
    #[must_use]
    pub fn badge(&self, page: &Page) -> Html {
        if self.working {
            page.badge(Tone::Ok, "check", page.t("sound"))
        } else {
            page.badge(Tone::Bad, "warning", page.t("failing"))
        }
    }
}

/// A notification text in the list.
#[derive(Clone, Debug)]
pub struct TemplateRow {
    /// Its id in addresses.
    pub id: String,
    /// What it is for, in the reader's language.
    pub name: String,
    /// By which channel, such as "SMS".
    pub channel: String,
    /// Whether it differs from ours.
    pub edited: bool,
}

/// `/settings`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/settings.html")]
pub struct Settings {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// The version the form was made from.
    pub version: String,
    /// The site's name.
    pub name: Field,
    /// Whom to call, as shown at kiosks.
    pub help: Field,
    /// Days until a parcel is overdue.
    pub expiry_days: Field,
    /// Days the link in a receipt works.
    pub receipt_days: Field,
    /// Somebody else's change in between.
    pub conflict: Option<Conflict>,
    /// E-mail and SMS.
    pub channels: Vec<ChannelStatus>,
    /// Notification texts.
    pub templates: Vec<TemplateRow>,
}

/// `/settings/templates/{id}`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/template.html")]
pub struct TemplateForm {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// Which text.
    pub template: TemplateRow,
    /// The version the form was made from.
    pub version: String,
    /// Somebody else's change in between.
    pub conflict: Option<Conflict>,
    /// The subject; not used for SMS.
    pub subject: Field,
    /// The text.
    pub text: Field,
    /// Placeholders that may stand in it, each with its meaning in the reader's language.
    pub placeholders: Vec<(String, String)>,
    /// The subject and text with example values.
    pub preview: (String, String),
    /// SMS parts the preview takes; `None` for e-mail.
    pub parts: Option<u32>,
}

/// An API token in the list.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// `tok_…`
    pub id: String,
    /// What it is for.
    pub name: String,
    /// All it may do, in the reader's language.
    pub may: Vec<String>,
    /// When it was made (RFC 3339, UTC).
    pub created: String,
    /// When it ends (RFC 3339, UTC).
    pub expires: String,
    /// Its last use (RFC 3339, UTC); empty when never.
    pub last_used: String,
}

/// `/settings/tokens`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/tokens.html")]
pub struct ApiTokens {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// A token made just now, shown this once.
    pub fresh: Option<String>,
    /// The tokens.
    pub rows: Vec<TokenRow>,
    /// What a new one is for.
    pub name: Field,
    /// Days a new one lasts.
    pub days: Field,
    /// What a new one may be allowed: all its maker may.
    pub choices: Vec<PermissionChoice>,
    /// What is wrong with the choice.
    pub permissions: Field,
}

/// A permission to tick.
#[derive(Clone, Debug)]
pub struct PermissionChoice {
    /// The name of its checkbox.
    pub id: String,
    /// What it allows, in the reader's language.
    pub label: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// `/settings/enrol`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/enrol.html")]
pub struct Enrol {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// The new bank's name.
    pub name: Field,
    /// An enrolment made just now, shown this once.
    pub fresh: Option<FreshEnrolment>,
}

/// A one-time enrolment token.
#[derive(Clone, Debug)]
pub struct FreshEnrolment {
    /// The token, which holds the platform's pin.
    pub token: String,
    /// The command to type at the controller.
    pub command: String,
    /// The token as a QR code: a complete `<svg>` element made by us, without inline style.
    pub qr_svg: String,
    /// When it ends (RFC 3339, UTC).
    pub expires: String,
}

#[cfg(test)]
impl Settings {
    pub(super) fn sample(page: Page) -> Self {
        let channel = |name: &str, target: &str, problem: &str| ChannelStatus {
            name: name.into(),
            target: target.into(),
            working: problem.is_empty(),
            last: "2026-11-23T08:12:00Z".into(),
            problem: problem.into(),
            waiting: if problem.is_empty() { 0 } else { 3 },
        };
        Self {
            shell: Shell::sample(super::Section::Settings),
            version: "3".into(),
            name: Field::new("Harbour House"),
            help: Field::new("+49 30 5550134"),
            conflict: None,
            expiry_days: Field::new("7"),
            receipt_days: Field::new("90"),
            channels: vec![
                channel("SMTP", "mail.example.org:587, STARTTLS", ""),
                channel(
                    "SMS",
                    "sms.example.org, Kannel",
                    "The gateway answers 503. Messages wait and are tried again.",
                ),
            ],
            templates: vec![
                TemplateForm::row(&page, "pickup-email", "E-mail", false),
                TemplateForm::row(&page, "pickup-sms", "SMS", true),
            ],
            page,
        }
    }
}

#[cfg(test)]
impl TemplateForm {
    fn row(page: &Page, id: &str, channel: &str, edited: bool) -> TemplateRow {
        TemplateRow {
            id: id.into(),
            name: page.t("event-notification-sent"),
            channel: channel.into(),
            edited,
        }
    }

    pub(super) fn sample(page: Page) -> Self {
        Self {
            shell: Shell::sample(super::Section::Settings),
            template: Self::row(&page, "pickup-email", "E-mail", true),
            version: "2".into(),
            conflict: Some(Conflict {
                by: "Toni Example".into(),
                at: "2026-11-23T08:40:00Z".into(),
                theirs: vec![("template-subject".into(), "Your parcel is here".into())],
            }),
            subject: Field::new("A parcel is waiting for you"),
            text: Field::new("Your code is {{ code }}.\nIt works until {{ until }}.\n"),
            placeholders: vec![
                ("{{ code }}".into(), "12345678".into()),
                ("{{ until }}".into(), "30 Nov 2026".into()),
            ],
            preview: (
                "A parcel is waiting for you".into(),
                "Your code is 1234 5678.\nIt works until 30 Nov 2026.\n".into(),
            ),
            parts: None,
            page,
        }
    }
}

#[cfg(test)]
impl ApiTokens {
    pub(super) fn sample(page: Page) -> Self {
        let row = |name: &str, last: &str| TokenRow {
            id: format!("tok_{name}"),
            name: name.into(),
            may: vec![page.t("may-people-view"), page.t("may-people-manage")],
            created: "2026-10-01T10:00:00Z".into(),
            expires: "2027-01-01T10:00:00Z".into(),
            last_used: last.into(),
        };
        let choice =
            |id: &str| PermissionChoice { id: id.into(), label: page.t(id), chosen: id == "may-people-view" };
        Self {
            shell: Shell::sample(super::Section::Settings),
            fresh: Some("blk_7Qm2Xv9TtR4kLw81ZpYc0aBdEfGh3JnS5uVx".into()),
            rows: vec![row("property-system", "2026-11-23T08:12:00Z"), row("dashboard", "")],
            name: Field::default(),
            days: Field::new("90"),
            choices: ["may-banks-view", "may-people-view", "may-people-manage"].map(choice).into(),
            permissions: Field::default().wrong(page.t("error-choose-permission")),
            page,
        }
    }
}

#[cfg(test)]
impl Enrol {
    pub(super) fn sample(page: Page) -> Self {
        Self {
            page,
            shell: Shell::sample(super::Section::Settings),
            name: Field::default(),
            fresh: Some(FreshEnrolment {
                token: "enr_8Hk2Xv9TtR4kLw81ZpYc0aBdEfGh3JnS5uVx8Hk2Xv9TtR4kLw81ZpYc0aBd".into(),
                command: "bailee edge enrol enr_8Hk2Xv9TtR4kLw81ZpYc0aBdEfGh3JnS5uVx8Hk2Xv9TtR4kLw81ZpYc0aBd"
                    .into(),
                qr_svg: super::tests::qr().into(),
                expires: "2026-11-23T09:40:00Z".into(),
            }),
        }
    }
}
