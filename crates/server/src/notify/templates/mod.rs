//! The texts an operator may edit, and what may appear in them.
//!
//! A template names variables as `{{ code }}`; what isn't in the list of its kind is refused before it is saved, so
//! a parcel message can't come to hold a name, a unit or a door. Templates can't include files, call functions or
//! run for long. Start with [`validate`], then [`Facts::email`] and [`Facts::sms`].

mod check;
mod defaults;
mod engine;
mod facts;
mod receipt;

pub use check::{TemplateFault, preview, validate};
pub use defaults::default_text;
pub use engine::RenderFailure;
pub use facts::{EmailText, Facts, Picture, shown_code};

/// The most bytes of one part of a template.
pub const TEMPLATE_BYTES: usize = 16 * 1024;
/// The most characters of a rendered text message: about four segments.
pub const SMS_CHARACTERS: usize = 480;

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TemplateKey {
    /// A parcel is in a bank, with the code that opens its compartment.
    ParcelReady,
    /// A parcel is still there.
    ParcelReminder,
    /// Something happened that an administrator has to know.
    Alarm,
    /// A courier's personal code.
    CourierCode,
    /// The compartment with somebody's parcel was opened.
    Receipt,
    /// A code for enrolling a badge at a bank's kiosk.
    BadgeCode,
    /// A technician's code for a work order.
    WorkCode,
}

impl TemplateKey {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 7] = [
        Self::ParcelReady,
        Self::ParcelReminder,
        Self::Receipt,
        Self::Alarm,
        Self::CourierCode,
        Self::BadgeCode,
        Self::WorkCode,
    ];

    /// The name it has in the store and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::ParcelReady => "parcel_ready",
            Self::ParcelReminder => "parcel_reminder",
            Self::Alarm => "alarm",
            Self::CourierCode => "courier_code",
            Self::Receipt => "receipt",
            Self::BadgeCode => "badge_code",
            Self::WorkCode => "work_code",
        }
    }

    /// The variables its texts may use; those in [`OPTIONAL`] may have no value.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::ParcelReady | Self::BadgeCode | Self::WorkCode => {
                &["code", "site", "bank", "expires", "link"]
            }
            Self::ParcelReminder => &["site", "bank", "expires", "link"],
            Self::Alarm => &["alarm", "site", "bank", "at", "link"],
            Self::CourierCode => &["code", "site", "expires", "link"],
            Self::Receipt => &["what", "site", "bank", "at", "link"],
        }
    }
}

/// The variables that may have no value: a text asks `{% if link %}` before using one.
pub const OPTIONAL: [&str; 2] = ["link", "qr"];

/// The languages with texts of their own; others read English.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Arabic.
    Ar,
}

impl Language {
    /// The language of a BCP 47 tag such as `ar-EG`, English when there are no texts in it.
    pub fn of_tag(tag: &str) -> Self {
        match tag.split(['-', '_']).next() {
            Some(primary) if primary.eq_ignore_ascii_case("ar") => Self::Ar,
            _ => Self::En,
        }
    }
}

/// The editable texts of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateText {
    /// The e-mail's subject.
    pub subject: String,
    /// The e-mail's plain text.
    pub text: String,
    /// The e-mail's HTML; values are escaped. Only here, `{{ qr }}` is the address of the QR picture, if there is one.
    pub html: Option<String>,
    /// The text message.
    pub sms: Option<String>,
}

/// The four places a template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The e-mail's subject.
    Subject,
    /// The e-mail's plain text.
    Text,
    /// The e-mail's HTML.
    Html,
    /// The text message.
    Sms,
}

impl Part {
    /// The name it has in the API and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "text",
            Self::Html => "html",
            Self::Sms => "sms",
        }
    }
}

impl TemplateText {
    /// The parts that are there.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Part, &str)> {
        let always = [(Part::Subject, self.subject.as_str()), (Part::Text, self.text.as_str())];
        let html = self.html.as_deref().map(|source| (Part::Html, source));
        let sms = self.sms.as_deref().map(|source| (Part::Sms, source));
        always.into_iter().chain(html).chain(sms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_by_their_tag() {
        assert_eq!(Language::of_tag("ar-EG"), Language::Ar);
        assert_eq!(Language::of_tag("de"), Language::En);
        assert_eq!(Language::of_tag(""), Language::En);
    }
}
