//! What a message is about, and the message written from a template.
//!
//! The values are made fit here: one line, bounded, links to the web only. Start with [`Facts`].

use bailee_domain::receipt::Way;

use super::engine::{RenderFailure, Values, render};
use super::{Language, Part, TemplateKey, TemplateText};
use crate::notify::message::{BadPart, EmailAddress, EmailContent, InlineImage};

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
    /// For somebody who may enrol a badge.
    BadgeCode {
        /// The code as digits.
        code: String,
        /// The site's name.
        site: String,
        /// The bank's name.
        bank: String,
        /// Until when it works, as text with its time zone.
        expires: String,
        /// A page with more, `https://…`.
        link: Option<String>,
    },
    /// For a technician.
    WorkCode {
        /// The code as digits.
        code: String,
        /// The site's name.
        site: String,
        /// The bank's name.
        bank: String,
        /// Until when it works, as text with its time zone.
        expires: String,
        /// A page with more, `https://…`.
        link: Option<String>,
    },
    /// For the person whose parcel lay behind a door that opened.
    Receipt {
        /// How: the name of a way, such as `code`, until [`Facts::told_in`] makes words of it.
        what: String,
        /// The site's name.
        site: String,
        /// The bank's name.
        bank: String,
        /// When, as text with its time zone.
        at: String,
        /// The page of the receipt, `https://…`.
        link: Option<String>,
    },
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
            Self::Receipt { .. } => TemplateKey::Receipt,
            Self::BadgeCode { .. } => TemplateKey::BadgeCode,
            Self::WorkCode { .. } => TemplateKey::WorkCode,
        }
    }

    /// The same facts with the words of a language where they name something.
    #[must_use]
    pub fn told_in(mut self, language: Language) -> Self {
        if let Self::Receipt { what, .. } = &mut self
            && let Some(way) = Way::from_name(what)
        {
            *what = super::receipt::way(way, language).to_owned();
        }
        self
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

    pub(super) fn values(&self) -> Values {
        let name = |value: &String| Some(one_line(value, NAME_CHARACTERS));
        let date = |value: &String| Some(one_line(value, DATE_CHARACTERS));
        let pairs = match self {
            Self::ParcelReady { code, site, bank, expires, link }
            | Self::BadgeCode { code, site, bank, expires, link }
            | Self::WorkCode { code, site, bank, expires, link } => vec![
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
            Self::Receipt { what, site, bank, at, link } => vec![
                ("what", name(what)),
                ("site", name(site)),
                ("bank", name(bank)),
                ("at", date(at)),
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

/// Eight digits are shown 4-4, as the kiosk asks for them; others stay as they are.
pub fn shown_code(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, second)) if code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{first} {second}")
        }
        _ => one_line(code, DATE_CHARACTERS),
    }
}

pub(super) fn one_line(value: &str, characters: usize) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(characters).collect()
}

/// A link that a mail program may open; anything else is left out.
fn safe_link(link: Option<&str>) -> Option<String> {
    link.filter(|link| link.starts_with("https://") || link.starts_with("http://"))
        .filter(|link| link.len() <= LINK_CHARACTERS && link.bytes().all(|b| b.is_ascii_graphic()))
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::{Language, default_text};
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
}
