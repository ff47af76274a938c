//! The fronts of banks, to scale, with the doors that the entries are about.

use std::collections::BTreeSet;

use super::page::{INNER, Ink, MARGIN, Mark, Pages};
use super::text::{Face, fitted};
use crate::facts::Facts;
use crate::{Door, Place};

/// Banks drawn; the table of entries names the others.
const BANKS: usize = 6;
const TALLEST: f32 = 150.0;
const COLUMN: f32 = 46.0;
const UNIT: f32 = 18.0;

pub(super) fn draw(page: &mut Pages, places: &[Place], facts: &Facts) {
    let banks: BTreeSet<String> = facts.doors.keys().map(|(bank, _)| bank.to_string()).collect();
    let drawn = places.iter().filter(|place| banks.contains(&place.bank) && !place.doors.is_empty());
    let drawn: Vec<&Place> = drawn.take(BANKS).collect();
    if drawn.is_empty() {
        return;
    }
    page.heading("Where", TALLEST + 40.0);
    for place in &drawn {
        bank(page, place, facts);
    }
    let note = "Names and positions are as the operator has them; they are no part of what is proved.";
    page.paragraph((MARGIN, INNER), (Face::Regular, 7.5, Ink::Muted), note);
}

fn bank(page: &mut Pages, place: &Place, facts: &Facts) {
    let columns = place.doors.iter().map(|door| door.column + 1).max().unwrap_or(1);
    let rows = place.doors.iter().map(|door| door.row + door.height).max().unwrap_or(1);
    let wide = (INNER / f32::from(columns)).min(COLUMN);
    let unit = (TALLEST / f32::from(rows)).min(UNIT);
    let (width, height) = (wide * f32::from(columns), unit * f32::from(rows));
    page.room(height + 40.0);
    let title = fitted(Face::Bold, 9.5, &format!("{} · {}", place.site, place.name), INNER);
    page.text((MARGIN, page.y + 9.0), (Face::Bold, 9.5, Ink::Text), &title);
    page.y += 16.0;
    let (left, top) = (MARGIN, page.y);
    page.mark(Mark::Box {
        x: left - 3.0,
        y: top - 3.0,
        width: width + 6.0,
        height: height + 6.0,
        fill: Some(Ink::Line),
        stroke: None,
    });
    for door in &place.doors {
        let at = (left + wide * f32::from(door.column), top + unit * f32::from(door.row));
        one(page, at, (wide - 1.5, unit * f32::from(door.height) - 1.5), (place, *door), facts);
    }
    page.y = top + height + 18.0;
}

fn one(
    page: &mut Pages,
    (x, y): (f32, f32),
    (width, height): (f32, f32),
    (place, door): (&Place, Door),
    facts: &Facts,
) {
    let used = place.bank.parse().ok().and_then(|bank| facts.doors.get(&(bank, door.number)));
    let (fill, stroke, ink) = match used {
        Some(bar) if bar.alarms > 0 => (Ink::AlarmSoft, Ink::Alarm, Ink::Alarm),
        Some(_) => (Ink::AccentSoft, Ink::Accent, Ink::Accent),
        None => (Ink::White, Ink::White, Ink::Muted),
    };
    page.mark(Mark::Box { x, y, width, height, fill: Some(fill), stroke: Some(stroke) });
    let size = (height * 0.55).clamp(4.0, 9.0);
    let face = if used.is_some() { Face::Bold } else { Face::Regular };
    let base = y + height / 2.0 + size * 0.36;
    let number = format!("{:02}", door.number);
    match used.filter(|_| width > 34.0 && height > 9.0) {
        Some(bar) => {
            page.text((x + 4.0, base), (face, size, ink), &number);
            page.text_to((x + width - 4.0, base), (Face::Regular, size * 0.8, ink), &format!("{}×", bar.all));
        }
        None => page.text_around((x + width / 2.0, base), (face, size, ink), &number),
    }
}
