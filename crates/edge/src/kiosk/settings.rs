//! How the person before the screen wants it: language, contrast, size, place. Kept in one cookie, undone after the session.

use bailee_ui::i18n::{self, Locale};

/// The cookie that holds contrast, text size and placement; the language has [`i18n::COOKIE`].
pub const COOKIE: &str = "bailee_kiosk";

/// How strong the colours are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contrast {
    /// At least 7:1.
    #[default]
    Standard,
    /// White and yellow on black.
    High,
}

/// How big the text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextSize {
    /// Capitals of 4.8 mm.
    #[default]
    Standard,
    /// A quarter bigger.
    Larger,
}

/// Where on the screen everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// All over it.
    #[default]
    Standard,
    /// In its lower part, within reach from a wheelchair.
    Lower,
}

/// All of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The language.
    pub locale: Locale,
    /// The colours.
    pub contrast: Contrast,
    /// The text.
    pub text: TextSize,
    /// The place.
    pub placement: Placement,
}

impl Settings {
    /// The settings in a `Cookie` header; what is missing or unknown is standard, in the language of the bank.
    #[must_use]
    pub fn from_cookies(header: &str, bank: Locale) -> Self {
        let locale = i18n::cookie(header, i18n::COOKIE).and_then(Locale::from_tag).unwrap_or(bank);
        let chosen = i18n::cookie(header, COOKIE).unwrap_or_default();
        let mut settings = Self { locale, ..Self::default() };
        for word in chosen.split('.').take(3) {
            settings = settings.with(word, bank).unwrap_or(settings);
        }
        settings
    }

    /// These settings after a button of the settings row, such as `lang-ar`, `contrast` or `reset`; `None` for any other word.
    #[must_use]
    pub fn with(mut self, word: &str, bank: Locale) -> Option<Self> {
        match word {
            "contrast" => {
                self.contrast =
                    if self.contrast == Contrast::High { Contrast::Standard } else { Contrast::High }
            }
            "larger" => {
                self.text = if self.text == TextSize::Larger { TextSize::Standard } else { TextSize::Larger }
            }
            "lower" => {
                self.placement =
                    if self.placement == Placement::Lower { Placement::Standard } else { Placement::Lower };
            }
            "reset" => self = Self { locale: bank, ..Self::default() },
            _ => self.locale = word.strip_prefix("lang-").and_then(Locale::from_tag)?,
        }
        Some(self)
    }

    /// The two `Set-Cookie` values that keep these settings until the browser closes.
    #[must_use]
    pub fn cookies(self) -> [String; 2] {
        let keep = "Path=/; HttpOnly; SameSite=Strict";
        [
            format!("{}={}; {keep}", i18n::COOKIE, self.locale.tag()),
            format!("{COOKIE}={}; {keep}", self.words().join(".")),
        ]
    }

    /// The classes of the page's body.
    pub(super) fn classes(self) -> String {
        ["kiosk"].into_iter().chain(self.words()).collect::<Vec<_>>().join(" ")
    }

    fn words(self) -> Vec<&'static str> {
        let chosen = [
            (self.contrast == Contrast::High, "contrast"),
            (self.text == TextSize::Larger, "larger"),
            (self.placement == Placement::Lower, "lower"),
        ];
        chosen.into_iter().filter_map(|(on, word)| on.then_some(word)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_pressed_twice_is_undone_and_cookies_round_trip() {
        let start = Settings::default();
        let set = ["lang-ar", "contrast", "lower"]
            .into_iter()
            .fold(start, |s, word| s.with(word, Locale::En).unwrap());
        assert_eq!(set.classes(), "kiosk contrast lower");
        let [lang, rest] = set.cookies();
        let value = |cookie: String| cookie.split(';').next().unwrap().to_owned();
        let header = format!("{}; {}", value(lang), value(rest));
        assert_eq!(Settings::from_cookies(&header, Locale::En), set);
        assert_eq!(set.with("contrast", Locale::En).unwrap().contrast, Contrast::Standard);
        assert_eq!(set.with("reset", Locale::En), Some(start));
        assert_eq!(set.with("lang-xx", Locale::En), None);
    }

    #[test]
    fn a_foreign_cookie_means_nothing() {
        let settings = Settings::from_cookies("bailee_lang=<b>; bailee_kiosk=a.b.c.d; x", Locale::Ar);
        assert_eq!(settings, Settings { locale: Locale::Ar, ..Settings::default() });
    }
}
