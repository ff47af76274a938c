//! What every template has as `page`: language, theme, title, and the small parts pages are made of.
//!
//! Each method returns text (escaped by the template) or [`Html`]. Must hold no state of the application. Start at [`Page`].

use crate::assets::{asset_url, scale_url};
use crate::html::{Html, escape};
use crate::i18n::{Arg, Locale, Texts};
use crate::map::MapView;
use core::borrow::Borrow;
use core::fmt::Write as _;

/// The cookie that remembers a chosen theme: `light` or `dark`.
pub const THEME_COOKIE: &str = "bailee_theme";

/// Light, dark, or what the device says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Follow the device.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// Every theme, in chooser order.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The value in cookies and forms.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a cookie or form value; anything unknown follows the device.
    #[must_use]
    pub fn from_value(value: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.value() == value).unwrap_or_default()
    }
}

/// The meaning of a badge or a timeline entry; always shown with a word and an icon too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// A plain fact.
    #[default]
    Neutral,
    /// As it should be.
    Ok,
    /// Needs a look soon.
    Warn,
    /// Needs somebody now.
    Bad,
    /// Ours, in progress.
    Accent,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Accent => "accent",
        }
    }
}

/// One fact in a timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimelineItem {
    /// When, as RFC 3339 in UTC.
    pub at: String,
    /// Its meaning.
    pub tone: Tone,
    /// A symbol of `icons.svg`.
    pub icon: &'static str,
    /// What happened.
    pub title: String,
    /// Who or what else; may be empty.
    pub detail: String,
    /// Where to read more; empty for nowhere.
    pub href: String,
    /// What the link says, such as "Proof".
    pub link: String,
}

/// The document around a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The reader's texts.
    pub texts: Texts,
    /// The chosen theme.
    pub theme: Theme,
    /// The page's own name, in the reader's language.
    pub title: String,
    /// Whether a form on it was refused: the title then starts with "Error:".
    pub error: bool,
    /// CSS pixels in a millimetre of this screen (kiosk only).
    pub px_per_mm: Option<f32>,
}

impl Page {
    /// A page in `locale`.
    #[must_use]
    pub fn new(locale: Locale, title: impl Into<String>) -> Self {
        Self { texts: Texts::new(locale), title: title.into(), ..Self::default() }
    }

    /// A text without values.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        self.texts.t(key)
    }

    /// A text with one value.
    #[must_use]
    pub fn t1(&self, key: &str, name: &'static str, value: impl Arg) -> String {
        self.texts.t1(key, name, value)
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
        self.texts.t2(key, name, value, name2, value2)
    }

    /// The attributes of `<html>`.
    #[must_use]
    pub fn html_attributes(&self) -> Html {
        let locale = self.texts.locale;
        let mut out = format!(r#"lang="{}" dir="{}""#, locale.tag(), locale.dir());
        if self.theme != Theme::System {
            let _ = write!(out, r#" data-theme="{}""#, self.theme.value());
        }
        Html::from_escaped(out)
    }

    /// The address of an embedded file.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        asset_url(name)
    }

    /// The address of the stylesheet with this screen's scale, if it is a kiosk.
    #[must_use]
    pub fn scale(&self) -> Option<String> {
        self.px_per_mm.map(scale_url)
    }

    /// A symbol of `icons.svg`, hidden from screen readers: the word stands beside it.
    #[must_use]
    pub fn icon(&self, name: &str) -> Html {
        icon(name)
    }

    /// A word with its icon in the colour of its meaning.
    #[must_use]
    pub fn badge(&self, tone: impl Borrow<Tone>, symbol: &str, text: impl AsRef<str>) -> Html {
        Html::from_escaped(format!(
            r#"<span class="badge {}">{}{}</span>"#,
            tone.borrow().class(),
            icon(symbol),
            escape(text.as_ref())
        ))
    }

    /// A moment (RFC 3339, UTC): the server writes UTC, the page's module turns it into the reader's zone.
    #[must_use]
    pub fn time(&self, at: &str) -> Html {
        let short: String = at.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect();
        Html::from_escaped(format!(r#"<time datetime="{}">{} UTC</time>"#, escape(at), escape(&short)))
    }

    /// A name or code whose direction is its own.
    #[must_use]
    pub fn bdi(&self, text: &str) -> Html {
        Html::from_escaped(format!("<bdi>{}</bdi>", escape(text)))
    }

    /// What will appear here, why it is empty, in two text keys.
    #[must_use]
    pub fn empty(&self, symbol: &str, title: &str, why: &str) -> Html {
        let (title, why) = (escape(&self.t(title)), escape(&self.t(why)));
        Html::from_escaped(format!(
            r#"<div class="empty">{}<p class="strong">{title}</p><p>{why}</p></div>"#,
            icon(symbol)
        ))
    }

    /// Links to the first and the next page of a list; nothing when there is only one page.
    #[must_use]
    pub fn pager(&self, first: &Option<String>, next: &Option<String>) -> Html {
        if first.is_none() && next.is_none() {
            return Html::default();
        }
        let mut out = format!(r#"<nav class="pager" aria-label="{}">"#, escape(&self.t("pager")));
        for (href, key) in [(first, "pager-first"), (next, "pager-next")] {
            if let Some(href) = href {
                let _ =
                    write!(out, r#"<a class="button" href="{}">{}</a>"#, escape(href), escape(&self.t(key)));
            }
        }
        out.push_str("</nav>");
        Html::from_escaped(out)
    }

    /// Facts in order, each with its moment and its proof.
    #[must_use]
    pub fn timeline(&self, items: &[TimelineItem]) -> Html {
        let mut out = String::from(r#"<ol class="timeline">"#);
        for item in items {
            let _ = write!(
                out,
                r#"<li class="{}"><span class="dot">{}</span><div><p class="strong">{}</p>"#,
                item.tone.class(),
                icon(item.icon),
                escape(&item.title)
            );
            if !item.detail.is_empty() {
                let _ = write!(out, r#"<p class="muted">{}</p>"#, escape(&item.detail));
            }
            let _ = write!(out, r#"</div><p class="when">{}"#, self.time(&item.at));
            if !item.href.is_empty() {
                let _ = write!(out, r#"<a href="{}">{}</a>"#, escape(&item.href), escape(&item.link));
            }
            out.push_str("</p></li>");
        }
        out.push_str("</ol>");
        Html::from_escaped(out)
    }

    /// A bank as a drawing.
    #[must_use]
    pub fn map(&self, map: &MapView) -> Html {
        map.svg(self.texts)
    }

    /// The same bank as a table.
    #[must_use]
    pub fn map_table(&self, map: &MapView) -> Html {
        map.table(self.texts)
    }

    /// What the colours of a map mean, with counts.
    #[must_use]
    pub fn map_legend(&self, map: &MapView) -> Html {
        let mut out = String::from(r#"<ul class="legend">"#);
        for (state, count) in map.counts() {
            let word = escape(&self.t(state.key()));
            let _ = write!(
                out,
                r#"<li class="state {}">{}{word} <b>{count}</b></li>"#,
                state.key(),
                icon(state.icon())
            );
        }
        if map.compartments.iter().any(|cell| cell.low_reach) {
            let _ = write!(out, r#"<li class="state reach-key">{}</li>"#, escape(&self.t("map-low-reach")));
        }
        out.push_str("</ul>");
        Html::from_escaped(out)
    }
}

/// The address of a symbol in `icons.svg`.
pub(crate) fn icon_url(name: &str) -> String {
    format!("{}#{name}", asset_url("icons.svg"))
}

/// A symbol of `icons.svg`.
pub(crate) fn icon(name: &str) -> Html {
    let class = if matches!(name, "next" | "back" | "erase" | "carrier") { "icon turns" } else { "icon" };
    Html::from_escaped(format!(
        r#"<svg class="{class}" aria-hidden="true"><use href="{}"/></svg>"#,
        icon_url(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_carries_language_direction_and_theme() {
        let mut page = Page::new(Locale::Ar, "x");
        assert_eq!(page.html_attributes().as_str(), r#"lang="ar" dir="rtl""#);
        page.theme = Theme::from_value("dark");
        assert_eq!(page.html_attributes().as_str(), r#"lang="ar" dir="rtl" data-theme="dark""#);
        assert_eq!(Theme::from_value("\"><script>"), Theme::System);
    }

    #[test]
    fn a_moment_reads_without_script() {
        let html = Page::default().time("2026-11-23T08:41:07Z");
        assert_eq!(html.as_str(), r#"<time datetime="2026-11-23T08:41:07Z">2026-11-23 08:41 UTC</time>"#);
    }
}
