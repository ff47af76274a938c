//! The texts an operator may edit, and what may appear in them.
//!
//! A template names variables as `{{ code }}`; what isn't in the list of its kind is refused before it is saved, so
//! a parcel message can't come to hold a name, a unit or a door. Templates can't include files, call functions or
//! run for long. Start with [`validate`], then [`Facts::email`] and [`Facts::sms`].

mod check;
mod defaults;

pub use check::{TemplateFault, preview, validate};
pub use defaults::default_text;

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

use super::message::{BadPart, EmailAddress, EmailContent, InlineImage};

/// The most bytes of one part of a template.
pub const TEMPLATE_BYTES: usize = 16 * 1024;
/// The most characters of a rendered text message: about four segments.
pub const SMS_CHARACTERS: usize = 480;
/// The most bytes of a rendered e-mail part.
const RENDERED_BYTES: usize = 64 * 1024;
const FUEL: u64 = 20_000;

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
}

impl TemplateKey {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::ParcelReady, Self::ParcelReminder, Self::Alarm, Self::CourierCode];

    /// The name it has in the store and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::ParcelReady => "parcel_ready",
            Self::ParcelReminder => "parcel_reminder",
            Self::Alarm => "alarm",
            Self::CourierCode => "courier_code",
        }
    }

    /// The variables its texts may use; those in [`OPTIONAL`] may have no value.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::ParcelReady => &["code", "site", "bank", "expires", "link"],
            Self::ParcelReminder => &["site", "bank", "expires", "link"],
            Self::Alarm => &["alarm", "site", "bank", "at", "link"],
            Self::CourierCode => &["code", "site", "expires", "link"],
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

/// What is true about the occasion of a message: one variant per [`TemplateKey`].
#[derive(Clone, PartialEq, Eq)]
pub enum Facts {
    /// A parcel is in a bank.
    ParcelReady {
        /// The code as digits.
        code: String,
        /// The site's name.
        site: String,
        /// The bank's name.
        bank: String,
        /// The last day to collect it, as the recipient writes dates.
        expires: String,
        /// A page with more, `https://…`.
        link: Option<String>,
    },
    /// A parcel is still there.
    ParcelReminder {
        /// The site's name.
        site: String,
        /// The bank's name.
        bank: String,
        /// The last day to collect it.
        expires: String,
        /// A page with more, `https://…`.
        link: Option<String>,
    },
    /// For administrators.
    Alarm {
        /// What happened, in words.
        alarm: String,
        /// The site's name.
        site: String,
        /// The bank's name.
        bank: String,
        /// When, as text with its time zone.
        at: String,
        /// The page of the alarm, `https://…`.
        link: Option<String>,
    },
    /// For a courier.
    CourierCode {
        /// The code as digits.
        code: String,
        /// The site's name.
        site: String,
        /// The last day it works.
        expires: String,
        /// A page with more, `https://…`.
        link: Option<String>,
    },
}

/// A text that can't be rendered; a validated template with ordinary facts always can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {} can't be written: {reason}", .part.name())]
pub struct RenderFailure {
    /// Where.
    pub part: Part,
    /// What went wrong, in words for the operator.
    pub reason: String,
}

/// A rendered e-mail.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailText {
    /// The subject, one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: Option<String>,
}

impl EmailText {
    /// The e-mail to one recipient, with a picture for its HTML part.
    ///
    /// # Errors
    /// [`BadPart::Subject`] when the subject is empty.
    pub fn to(self, to: EmailAddress, image: Option<InlineImage>) -> Result<EmailContent, BadPart> {
        let subject = self.subject.parse()?;
        Ok(EmailContent { to, subject, text: self.text, html: self.html, image })
    }
}

/// Whether the e-mail carries the picture of a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// It does, as [`InlineImage`].
    Qr,
    /// It doesn't.
    None,
}

impl Facts {
    /// Which template these facts belong to.
    pub fn key(&self) -> TemplateKey {
        match self {
            Self::ParcelReady { .. } => TemplateKey::ParcelReady,
            Self::ParcelReminder { .. } => TemplateKey::ParcelReminder,
            Self::Alarm { .. } => TemplateKey::Alarm,
            Self::CourierCode { .. } => TemplateKey::CourierCode,
        }
    }

    /// Writes the e-mail.
    ///
    /// # Errors
    /// [`RenderFailure`] for a template that didn't pass [`validate`], or an unusually long value.
    pub fn email(&self, template: &TemplateText, picture: Picture) -> Result<EmailText, RenderFailure> {
        let values = self.values();
        let subject = render(Part::Subject, &template.subject, &values)?;
        let text = render(Part::Text, &template.text, &values)?;
        let mut with_picture = values;
        with_picture.insert("qr", (picture == Picture::Qr).then(|| InlineImage::SOURCE.to_owned()));
        let html =
            template.html.as_deref().map(|html| render(Part::Html, html, &with_picture)).transpose()?;
        Ok(EmailText { subject, text, html })
    }

    /// Writes the text message, when the template has one.
    ///
    /// # Errors
    /// As [`Facts::email`], and when it is longer than [`SMS_CHARACTERS`].
    pub fn sms(&self, template: &TemplateText) -> Result<Option<String>, RenderFailure> {
        template.sms.as_deref().map(|sms| render(Part::Sms, sms, &self.values())).transpose()
    }

    fn values(&self) -> Values {
        let name = |value: &String| Some(one_line(value, NAME_CHARACTERS));
        let date = |value: &String| Some(one_line(value, DATE_CHARACTERS));
        let pairs = match self {
            Self::ParcelReady { code, site, bank, expires, link } => vec![
                ("code", Some(shown_code(code))),
                ("site", name(site)),
                ("bank", name(bank)),
                ("expires", date(expires)),
                ("link", safe_link(link.as_deref())),
            ],
            Self::ParcelReminder { site, bank, expires, link } => vec![
                ("site", name(site)),
                ("bank", name(bank)),
                ("expires", date(expires)),
                ("link", safe_link(link.as_deref())),
            ],
            Self::Alarm { alarm, site, bank, at, link } => vec![
                ("alarm", Some(one_line(alarm, ALARM_CHARACTERS))),
                ("site", name(site)),
                ("bank", name(bank)),
                ("at", date(at)),
                ("link", safe_link(link.as_deref())),
            ],
            Self::CourierCode { code, site, expires, link } => vec![
                ("code", Some(shown_code(code))),
                ("site", name(site)),
                ("expires", date(expires)),
                ("link", safe_link(link.as_deref())),
            ],
        };
        pairs.into_iter().collect()
    }
}

// Longer values are cut, so that a text that fits with the longest ones always fits.
pub(super) const NAME_CHARACTERS: usize = 60;
pub(super) const DATE_CHARACTERS: usize = 40;
pub(super) const ALARM_CHARACTERS: usize = 120;
pub(super) const LINK_CHARACTERS: usize = 200;
const SUBJECT_CHARACTERS: usize = 200;

pub(super) type Values = BTreeMap<&'static str, Option<String>>;

/// Eight digits are shown 4-4, as the kiosk asks for them; others stay as they are.
pub fn shown_code(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, second)) if code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{first} {second}")
        }
        _ => one_line(code, DATE_CHARACTERS),
    }
}

fn one_line(value: &str, characters: usize) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(characters).collect()
}

/// A link that a mail program may open; anything else is left out.
fn safe_link(link: Option<&str>) -> Option<String> {
    link.filter(|link| link.starts_with("https://") || link.starts_with("http://"))
        .filter(|link| link.len() <= LINK_CHARACTERS && link.bytes().all(|b| b.is_ascii_graphic()))
        .map(ToOwned::to_owned)
}

/// The engine, without functions, includes, or a way around the escaping.
pub(super) fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    let globals: Vec<String> = engine.globals().map(|(name, _)| name.to_owned()).collect();
    for name in globals {
        engine.remove_global(&name);
    }
    engine.remove_filter("safe");
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(20);
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|name| if name == "html" { AutoEscape::Html } else { AutoEscape::None });
    engine.set_formatter(|out, state, value| {
        if value.is_none() {
            let ask = "a value that may be missing is used without asking first, such as {% if link %}{{ link }}{% endif %}";
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, ask));
        }
        minijinja::escape_formatter(out, state, value)
    });
    engine
}

pub(super) fn render(part: Part, source: &str, values: &Values) -> Result<String, RenderFailure> {
    let failure = |reason: String| RenderFailure { part, reason };
    if source.len() > TEMPLATE_BYTES {
        return Err(failure(format!("the template is longer than {TEMPLATE_BYTES} bytes")));
    }
    let engine = engine();
    let context = Value::from_pairs(values.iter().map(|(name, value)| (*name, value.clone())));
    let written = engine
        .render_named_str(part.name(), source, context)
        .map_err(|error| failure(check::in_words(&error)))?;
    let written = match part {
        Part::Subject => one_line(written.trim(), SUBJECT_CHARACTERS),
        Part::Text | Part::Html | Part::Sms => written.trim().to_owned(),
    };
    let fits = match part {
        Part::Subject => true,
        Part::Sms => written.chars().count() <= SMS_CHARACTERS,
        Part::Text | Part::Html => written.len() <= RENDERED_BYTES,
    };
    match (written.is_empty(), fits, part) {
        (true, ..) => Err(failure("it would be empty".to_owned())),
        (_, false, Part::Sms) => {
            Err(failure(format!("with the longest names it would exceed {SMS_CHARACTERS} characters")))
        }
        (_, false, _) => Err(failure("it would be too long".to_owned())),
        _ => Ok(written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(site: &str) -> Facts {
        Facts::ParcelReady {
            code: "12345678".into(),
            site: site.into(),
            bank: "Lobby".into(),
            expires: "30 November".into(),
            link: None,
        }
    }

    #[test]
    fn the_code_is_shown_in_two_groups_everywhere() {
        let template = default_text(TemplateKey::ParcelReady, Language::En);
        let mail = ready("Mill House").email(&template, Picture::Qr).unwrap();
        let sms = ready("Mill House").sms(&template).unwrap().unwrap();
        assert!(mail.text.contains("1234 5678") && sms.contains("1234 5678"));
        let html = mail.html.unwrap();
        assert!(html.contains("1234 5678") && html.contains("src=\"cid:qr@bailee\""), "{html}");
        assert!(!ready("x").email(&template, Picture::None).unwrap().html.unwrap().contains("<img"));
    }

    #[test]
    fn html_is_escaped_and_text_is_not() {
        let template = default_text(TemplateKey::ParcelReady, Language::En);
        let mail = ready("<b>A & B</b>").email(&template, Picture::None).unwrap();
        assert!(mail.text.contains("<b>A & B</b>"));
        let html = mail.html.unwrap();
        assert!(html.contains("&lt;b&gt;A &amp; B"), "{html}");
        assert!(!html.contains("<b>A"));
    }

    #[test]
    fn a_site_name_with_line_breaks_stays_in_its_line() {
        let template = default_text(TemplateKey::ParcelReady, Language::En);
        let mail = ready("Mill\r\nBcc: x@y.example").email(&template, Picture::None).unwrap();
        assert!(!mail.subject.contains(['\r', '\n']));
        assert!(mail.subject.parse::<crate::notify::Subject>().is_ok());
    }

    #[test]
    fn links_that_are_not_web_addresses_are_left_out() {
        assert_eq!(safe_link(Some("javascript:alert(1)")), None);
        assert_eq!(safe_link(Some("https://x.example/\r\nX: y")), None);
        assert_eq!(safe_link(Some("https://x.example/p/1")), Some("https://x.example/p/1".to_owned()));
    }

    #[test]
    fn languages_are_found_by_their_tag() {
        assert_eq!(Language::of_tag("ar-EG"), Language::Ar);
        assert_eq!(Language::of_tag("de"), Language::En);
        assert_eq!(Language::of_tag(""), Language::En);
    }
}
