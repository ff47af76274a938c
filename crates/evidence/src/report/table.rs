//! The entries as a table whose head is repeated on every page.

use super::page::{INNER, Ink, MARGIN, Pages};
use super::parts::Names;
use super::text::{Face, fitted};
use crate::facts::Facts;
use crate::line::Line;
use crate::time::seconds;
use bailee_domain::event::Severity;

const ROW: f32 = 13.5;
/// Where each column begins, from the margin.
const INDEX: f32 = 40.0;
const TIME: f32 = 48.0;
const WHAT: f32 = 134.0;
const WHERE: f32 = 250.0;
const WHO: f32 = 338.0;

pub(super) fn draw(page: &mut Pages, facts: &Facts, names: &Names<'_>) {
    if facts.rows.is_empty() {
        return;
    }
    page.heading("What happened", 60.0);
    head(page);
    for ((index, line), number) in facts.rows.iter().zip(0_u32..) {
        if !page.room(ROW) {
            head(page);
        }
        if number % 2 == 1 {
            page.fill((MARGIN, page.y), (INNER, ROW), Ink::Tint);
        }
        row(page, *index, line, names);
        page.y += ROW;
    }
    let more = facts.counts.asked - facts.rows.len() as u64;
    if more > 0 {
        page.y += 4.0;
        page.paragraph(
            (MARGIN, INNER),
            (Face::Regular, 8.5, Ink::Muted),
            &format!("… and {more} more, in events.csv"),
        );
    }
}

fn head(page: &mut Pages) {
    let style = (Face::Bold, 7.5, Ink::Muted);
    let y = page.y + 9.0;
    page.text_to((MARGIN + INDEX, y), style, "entry");
    for (at, text) in [(TIME, "time (UTC)"), (WHAT, "what"), (WHERE, "where"), (WHO, "who, to what")] {
        page.text((MARGIN + at, y), style, text);
    }
    page.line((MARGIN, page.y + 13.0), (MARGIN + INNER, page.y + 13.0), Ink::Line);
    page.y += 14.5;
}

fn row(page: &mut Pages, index: u64, line: &Line, names: &Names<'_>) {
    let ink = match line.severity {
        Some(Severity::Alarm) => Ink::Alarm,
        _ => Ink::Text,
    };
    let y = page.y + 9.5;
    let mut cell = |(from, to): (f32, f32), face: Face, ink: Ink, text: &str| {
        page.text((MARGIN + from, y), (face, 8.0, ink), &fitted(face, 8.0, text, to - from - 6.0));
    };
    cell((TIME, WHAT), Face::Regular, Ink::Muted, &seconds(line.at));
    let face = if ink == Ink::Alarm { Face::Bold } else { Face::Regular };
    cell((WHAT, WHERE), face, ink, &spaced(&line.kind));
    cell((WHERE, WHO), Face::Regular, Ink::Text, &place(line, names));
    cell((WHO, INNER + 6.0), Face::Regular, Ink::Text, &who(line, names));
    page.text_to((MARGIN + INDEX, y), (Face::Regular, 8.0, Ink::Muted), &index.to_string());
}

/// `ParcelDeposited` as `Parcel deposited`.
fn spaced(kind: &str) -> String {
    let mut text = String::new();
    for character in kind.chars() {
        if character.is_uppercase() && !text.is_empty() {
            text.push(' ');
            text.extend(character.to_lowercase());
        } else {
            text.push(character);
        }
    }
    text
}

fn place(line: &Line, names: &Names<'_>) -> String {
    let bank = line.bank.map(|bank| names.short(&bank.to_string())).unwrap_or_default();
    match line.compartment {
        Some(number) => format!("{bank} · {number:02}"),
        None => bank,
    }
}

fn who(line: &Line, names: &Names<'_>) -> String {
    let by_bank = line.bank.is_some_and(|bank| line.actor == bank.to_string());
    let actor = if by_bank { String::new() } else { names.short(&line.actor) };
    let person = line.person.map(|person| person.to_string()).filter(|person| *person != line.actor);
    let parcel = line.parcel.map(|parcel| names.short(&parcel.to_string()));
    let parts = [Some(actor).filter(|it| !it.is_empty()), person.map(|it| names.short(&it)), parcel];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn kinds_read_as_words() {
        assert_eq!(super::spaced("CompartmentDidNotOpen"), "Compartment did not open");
    }
}
