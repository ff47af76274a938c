//! The health of a bank on its page: one card for each matter, worst first, each saying why it is not as it should be.

use askama::Template;
use bailee_domain::health::judge::Level;
use bailee_ui::layout::{Page, Tone};

use super::Shell;

/// Everything about a bank's health.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// When the bank measured it (RFC 3339, UTC); empty when it never did.
    pub measured_at: String,
    /// Whether the bank is offline, so that the numbers are old.
    pub is_old: bool,
    /// The cards, worst first.
    pub cards: Vec<Card>,
}

/// `/banks/{id}/health`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/bank_health.html")]
pub struct BankHealth {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `bnk_…`
    pub bank: String,
    /// The bank's name.
    pub name: String,
    /// Its health.
    pub health: Health,
}

impl Health {
    /// What is not as it should be, worst first, as the bank's page lists it.
    pub fn wrong(&self) -> impl Iterator<Item = &Card> {
        self.cards.iter().filter(|card| card.level > Level::Note || !card.troubles.is_empty())
    }
}

/// One matter.
#[derive(Clone, Debug)]
pub struct Card {
    /// The key of its name.
    pub name: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was measured, in the reader's language.
    pub measured: Vec<String>,
    /// What is not as it should be.
    pub troubles: Vec<Trouble>,
    /// The last thirty days; none where nothing was measured.
    pub spark: Option<Spark>,
}

/// Why something is not as it should be.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Which of them, such as "Door 7"; empty when there is only one.
    pub subject: String,
    /// What was measured.
    pub what: String,
    /// Since when (RFC 3339, UTC); empty when that is not known.
    pub since: String,
    /// What it means.
    pub means: String,
    /// What to do.
    pub advice: String,
}

/// A small drawing of the last thirty days, 120 by 24 units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spark {
    /// Its lines as SVG path data; a gap is a time nothing was measured.
    pub path: String,
    /// What it shows, in words.
    pub label: String,
}

impl Card {
    /// Its meaning.
    #[must_use]
    pub const fn tone(&self) -> Tone {
        match self.level {
            Level::Good => Tone::Ok,
            Level::Note => Tone::Neutral,
            Level::Amber => Tone::Warn,
            Level::Red => Tone::Bad,
        }
    }

    /// Its symbol.
    #[must_use]
    pub const fn icon(&self) -> &'static str {
        match self.level {
            Level::Good => "check",
            Level::Note => "unknown",
            Level::Amber | Level::Red => "warning",
        }
    }

    /// The key of its word.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self.level {
            Level::Good => "level-good",
            Level::Note => "level-note",
            Level::Amber => "level-amber",
            Level::Red => "level-red",
        }
    }
}

/// Points across the drawing.
const COLUMNS: usize = 60;

impl Spark {
    /// Values by hour, of which the first hour is `first` and there are `hours`; `label` is given the lowest and highest.
    #[must_use]
    pub fn of(
        values: &[(i64, i64)],
        (first, hours): (i64, i64),
        label: impl Fn(i64, i64) -> String,
    ) -> Option<Self> {
        let low = values.iter().map(|(_, value)| *value).min()?;
        let high = values.iter().map(|(_, value)| *value).max()?;
        // One point says nothing of the time.
        if values.len() < 2 {
            return None;
        }
        let mut columns: Vec<Option<(i64, i64)>> = vec![None; COLUMNS];
        let wide = i64::try_from(COLUMNS).unwrap_or(1);
        for (hour, value) in values {
            let column = usize::try_from((hour - first) * wide / hours.max(1)).unwrap_or(0).min(COLUMNS - 1);
            let (sum, count) = columns[column].unwrap_or((0, 0));
            columns[column] = Some((sum.saturating_add(*value), count + 1));
        }
        let range = high.saturating_sub(low).max(1);
        let mut path = String::new();
        let mut pen = "M";
        for (x, column) in columns.iter().enumerate() {
            let Some((sum, count)) = column else {
                pen = "M";
                continue;
            };
            let y = 22 - (sum / count).saturating_sub(low).saturating_mul(20) / range;
            path += &format!("{pen}{} {y}", x * 2);
            // A lone point is drawn as a short line.
            if pen == "M" {
                path += "h1";
            }
            pen = "L";
        }
        Some(Self { path, label: label(low, high) })
    }
}

#[cfg(test)]
impl BankHealth {
    pub(super) fn sample(page: Page) -> Self {
        let shell = Shell::sample(super::Section::Banks);
        let (bank, name) = ("bnk_garage".into(), "Garage".into());
        Self { shell, bank, name, health: Health::sample(&page), page }
    }
}

#[cfg(test)]
impl Health {
    pub(super) fn sample(page: &Page) -> Self {
        let card = |name, level, measured: &str| Card {
            name,
            level,
            measured: vec![measured.into()],
            troubles: Vec::new(),
            spark: None,
        };
        let worn = Trouble {
            subject: page.t1("subject-doors", "n", "7"),
            what: page.t2("why-door-slower", "a", "210", "b", "480"),
            since: "2026-11-20T08:12:00Z".into(),
            means: page.t("why-door-slower-means"),
            advice: page.t("why-door-slower-do"),
        };
        let full = Trouble {
            subject: String::new(),
            what: page.t2("why-disk-low", "a", "96", "b", "31900"),
            since: "2026-11-23T02:00:00Z".into(),
            means: page.t("why-disk-low-means"),
            advice: page.t("why-disk-low-do"),
        };
        let label =
            |low: i64, high: i64| page.t2("health-month", "low", low.to_string(), "high", high.to_string());
        let slope: Vec<(i64, i64)> = (0..720).map(|hour| (hour, 210 + hour * hour / 1_900)).collect();
        let fall: Vec<(i64, i64)> = (0..720).filter(|h| h % 240 > 40).map(|h| (h, 30_000 - h * 41)).collect();
        let spark = |values: &[(i64, i64)]| Spark::of(values, (0, 720), label);
        let disk = card("health-disk", Level::Red, &page.t2("measured-disk", "free", "0.1", "total", "31.9"));
        let doors =
            card("health-doors", Level::Amber, &page.t2("measured-doors", "opened", "412", "tried", "418"));
        Self {
            measured_at: "2026-11-23T08:41:00Z".into(),
            is_old: true,
            cards: vec![
                Card { troubles: vec![full], spark: spark(&fall), ..disk },
                Card { troubles: vec![worn], spark: spark(&slope), ..doors },
                card("health-guard", Level::Note, &page.t("guard-none")),
                card("health-power", Level::Good, "BAT0: 12.1 V, 97 %"),
                card("health-clock", Level::Good, &page.t("clock-trusted")),
                card("health-software", Level::Good, "bailee 0.1.0, 9 d"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spark(values: &[(i64, i64)]) -> Option<Spark> {
        Spark::of(values, (0, 720), |low, high| format!("{low}–{high}"))
    }

    #[test]
    fn a_month_is_one_small_line_with_gaps() {
        let all: Vec<(i64, i64)> = (0..720).map(|hour| (hour, hour)).collect();
        let whole = spark(&all).unwrap();
        assert_eq!(whole.label, "0–719");
        assert_eq!(whole.path.matches('M').count(), 1);
        assert!(whole.path.len() < 600 && whole.path.starts_with("M0 22h1"), "{}", whole.path);
        let gap: Vec<(i64, i64)> =
            all.iter().filter(|(hour, _)| !(200..400).contains(hour)).copied().collect();
        assert_eq!(spark(&gap).unwrap().path.matches('M').count(), 2);
        assert_eq!(spark(&all[..1]), None);
        let wild = spark(&[(0, i64::MIN), (719, i64::MAX)]).unwrap();
        assert!(wild.path.len() < 60, "{}", wild.path);
    }
}
