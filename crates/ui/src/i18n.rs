//! Texts in the reader's language: Fluent files in `locales/<tag>/{common,portal,kiosk}.ftl`.
//!
//! Must never be asked for a text of the custody log or of an API: those are not translated. Start at [`Texts`]; a key that is
//! missing everywhere is shown as itself, and the tests see to it that none is.

use axum::http::{HeaderMap, header};
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, langid};
use loader::LOCALES;
use std::borrow::Cow;

#[expect(
    clippy::disallowed_types,
    reason = "what the macro expands to; only looked up in, never iterated over"
)]
mod loader {
    fluent_templates::static_loader! {
        pub(super) static LOCALES = { locales: "./locales", fallback_language: "en" };
    }
}

/// The cookie that remembers a chosen language, holding a tag such as `ar`.
pub const COOKIE: &str = "bailee_lang";

/// A language the pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Arabic, written right to left.
    Ar,
}

impl Locale {
    /// Every language, in the order a chooser shows them.
    pub const ALL: [Self; 2] = [Self::En, Self::Ar];

    /// The BCP 47 tag for `lang` attributes.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ar => "ar",
        }
    }

    /// The writing direction for `dir` attributes.
    #[must_use]
    pub fn dir(self) -> &'static str {
        match self {
            Self::En => "ltr",
            Self::Ar => "rtl",
        }
    }

    /// The language's name in itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ar => "العربية",
        }
    }

    /// The language for a tag such as `ar` or `ar-EG`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(primary))
    }

    /// The language for a request: the cookie if there is one, else the best of `Accept-Language`, else English.
    #[must_use]
    pub fn negotiate(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let chosen =
            text(header::COOKIE).and_then(|cookies| cookie(cookies, COOKIE)).and_then(Self::from_tag);
        chosen.or_else(|| text(header::ACCEPT_LANGUAGE).and_then(best_of)).unwrap_or_default()
    }

    fn id(self) -> LanguageIdentifier {
        match self {
            Self::En => langid!("en"),
            Self::Ar => langid!("ar"),
        }
    }
}

/// The value of one cookie in a `Cookie` header (RFC 6265).
#[must_use]
pub fn cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// `Accept-Language` by RFC 9110 §12.5.4; at most 16 ranges are looked at, ties go to the first.
fn best_of(header: &str) -> Option<Locale> {
    let mut best: Option<(f32, Locale)> = None;
    for range in header.split(',').take(16) {
        let mut parts = range.split(';');
        let Some(locale) = parts.next().and_then(Locale::from_tag) else { continue };
        let quality = parts.find_map(|p| p.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
        if quality > 0.0 && best.is_none_or(|(top, _)| quality > top) {
            best = Some((quality, locale));
        }
    }
    best.map(|(_, locale)| locale)
}

/// A value a text can carry: words or a number (numbers choose plurals).
pub trait Arg {
    /// The value in Fluent's own form.
    fn value(&self) -> FluentValue<'static>;
}

impl<T: Arg + ?Sized> Arg for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}
impl Arg for str {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_owned())
    }
}
impl Arg for String {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.clone())
    }
}
macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Arg for $kind {
            fn value(&self) -> FluentValue<'static> {
                FluentValue::from(*self)
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, usize, i32, i64);

/// All texts in one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The language.
    pub locale: Locale,
}

impl Texts {
    /// The texts of `locale`.
    #[must_use]
    pub fn new(locale: Locale) -> Self {
        Self { locale }
    }

    /// A text without values.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        LOCALES.try_lookup(&self.locale.id(), key).unwrap_or_else(|| key.to_owned())
    }

    /// A text with one value.
    #[must_use]
    pub fn t1(&self, key: &str, name: &'static str, value: impl Arg) -> String {
        self.with(key, [(name, value.value())])
    }

    /// A text with two values.
    #[must_use]
    pub fn t2(
        &self,
        key: &str,
        name: &'static str,
        value: impl Arg,
        name2: &'static str,
        value2: impl Arg,
    ) -> String {
        self.with(key, [(name, value.value()), (name2, value2.value())])
    }

    /// Whether a text of this key exists in this language or in English.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        LOCALES.try_lookup(&self.locale.id(), key).is_some()
    }

    fn with<const N: usize>(self, key: &str, values: [(&'static str, FluentValue<'static>); N]) -> String {
        #[expect(
            clippy::disallowed_types,
            reason = "the signature of fluent-templates; nothing iterates over it"
        )]
        let values: std::collections::HashMap<Cow<'static, str>, FluentValue<'_>> =
            values.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
        LOCALES.try_lookup_with_args(&self.locale.id(), key, &values).unwrap_or_else(|| key.to_owned())
    }
}

/// Removes the direction marks Fluent puts around values, for texts that leave HTML: SMS, e-mail, speech, CSV.
#[must_use]
pub fn without_isolates(text: &str) -> String {
    text.replace(['\u{2068}', '\u{2069}'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(cookies: &str, accept: &str) -> Locale {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookies.parse().unwrap());
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        Locale::negotiate(&headers)
    }

    #[test]
    fn a_chosen_language_wins_over_the_browsers() {
        assert_eq!(chosen("a=b; bailee_lang=ar", "en"), Locale::Ar);
        assert_eq!(chosen("bailee_lang=xx", "ar-EG,en;q=0.5"), Locale::Ar);
        assert_eq!(chosen("", "fr, en;q=0.4, ar;q=0.9"), Locale::Ar);
        assert_eq!(chosen("", "ar;q=0, de"), Locale::En);
        assert_eq!(Locale::negotiate(&HeaderMap::new()), Locale::En);
    }

    #[test]
    fn plurals_follow_the_language() {
        let parcels = |locale, n: u32| without_isolates(&Texts::new(locale).t1("count-parcels", "count", n));
        assert_eq!(parcels(Locale::En, 1), "1 parcel");
        assert_eq!(parcels(Locale::En, 3), "3 parcels");
        assert_eq!(parcels(Locale::Ar, 2), "طردان");
    }

    #[test]
    fn a_missing_key_shows_itself() {
        assert_eq!(Texts::default().t("no-such-key"), "no-such-key");
    }
}
