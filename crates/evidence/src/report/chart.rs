//! Events over time as bars.

use bailee_domain::time::WallTime;

use super::page::{INNER, Ink, MARGIN, Pages};
use super::text::Face;
use crate::facts::{Bar, Facts, STEPS, coarser};
use crate::time::minutes;

const HEIGHT: f32 = 96.0;
/// Bars that can still be told apart.
const MOST: i64 = 72;
const LEFT: f32 = MARGIN + 26.0;
const WIDTH: f32 = INNER - 26.0;

/// How tall chart and legend are together.
pub(super) const TALL: f32 = HEIGHT + 34.0;

pub(super) fn draw(page: &mut Pages, facts: &Facts) {
    let Some((bars, step)) = drawable(facts) else { return };
    let (Some((first, _)), Some((last, _))) = (bars.first_key_value(), bars.last_key_value()) else { return };
    let places = (last - first + 1).max(12);
    let top = bars.values().map(|bar| bar.all).max().unwrap_or(1).max(1);
    let scale = ceiling(top);
    let base = page.y + HEIGHT;
    grid(page, base, scale);
    #[expect(clippy::cast_precision_loss, reason = "counts and places on paper")]
    for (at, bar) in &bars {
        let slot = WIDTH / places as f32;
        let x = LEFT + (at - first) as f32 * slot;
        let tall = |count: u64| count as f32 / scale as f32 * (HEIGHT - 8.0);
        let wide = (slot * 0.78).max(1.0);
        page.fill((x, base - tall(bar.all)), (wide, tall(bar.all)), Ink::Accent);
        if bar.alarms > 0 {
            page.fill((x, base - tall(bar.alarms)), (wide, tall(bar.alarms)), Ink::Alarm);
        }
    }
    labels(page, base, (*first, places), step);
    page.y = base + 34.0;
}

/// The bars, wide enough apart to be drawn, and the minutes each covers.
fn drawable(facts: &Facts) -> Option<(std::collections::BTreeMap<i64, Bar>, i64)> {
    let (mut bars, mut step) = (facts.bars.clone(), facts.step);
    loop {
        let (first, last) = (*bars.first_key_value()?.0, *bars.last_key_value()?.0);
        let places = last.checked_sub(first)?;
        if places < MOST || step + 1 >= STEPS.len() {
            return (places < MOST).then_some((bars, STEPS[step]));
        }
        bars = coarser(&bars, STEPS[step], STEPS[step + 1]);
        step += 1;
    }
}

/// The next round number: 1, 2 or 5 times a power of ten.
fn ceiling(count: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            if unit.saturating_mul(factor) >= count {
                return unit.saturating_mul(factor);
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn grid(page: &mut Pages, base: f32, scale: u64) {
    let style = (Face::Regular, 7.0, Ink::Muted);
    for (part, value) in [(0.0, 0), (0.5, scale / 2), (1.0, scale)] {
        let y = base - part * (HEIGHT - 8.0);
        page.line((LEFT, y), (LEFT + WIDTH, y), Ink::Line);
        if part != 0.5 || scale.is_multiple_of(2) {
            page.text_to((LEFT - 5.0, y + 2.5), style, &value.to_string());
        }
    }
}

fn labels(page: &mut Pages, base: f32, (first, places): (i64, i64), step: i64) {
    let style = (Face::Regular, 7.0, Ink::Muted);
    let at = |place: i64| {
        let minute = first.saturating_add(place).saturating_mul(step);
        minutes(WallTime::from_unix_ms(minute.saturating_mul(60_000)))
    };
    page.text((LEFT, base + 10.0), style, &at(0));
    page.text_around((LEFT + WIDTH / 2.0, base + 10.0), style, &at(places / 2));
    page.text_to((LEFT + WIDTH, base + 10.0), style, &at(places));
    let y = base + 24.0;
    page.fill((LEFT, y - 6.0), (7.0, 7.0), Ink::Accent);
    page.text((LEFT + 11.0, y), style, "entries");
    page.fill((LEFT + 52.0, y - 6.0), (7.0, 7.0), Ink::Alarm);
    page.text((LEFT + 63.0, y), style, "of these, alarms");
    page.text_to((LEFT + WIDTH, y), style, &format!("one bar is {}; times in UTC", words(step)));
}

fn words(step: i64) -> String {
    let (number, unit) = match step {
        minutes if minutes < 60 => (minutes, "minute"),
        minutes if minutes < 24 * 60 => (minutes / 60, "hour"),
        minutes => (minutes / (24 * 60), "day"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round() {
        let scales: Vec<u64> = [1, 2, 3, 6, 11, 48, 51, 999].into_iter().map(ceiling).collect();
        assert_eq!(scales, [1, 2, 5, 10, 20, 50, 100, 1_000]);
        assert_eq!(
            [words(1), words(15), words(60), words(360), words(1_440)],
            ["1 minute", "15 minutes", "1 hour", "6 hours", "1 day"]
        );
    }
}
