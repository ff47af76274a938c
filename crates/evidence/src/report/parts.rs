//! What stands in the report, from top to bottom.

use std::collections::BTreeMap;

use super::page::{INNER, Ink, MARGIN, Mark, Pages, WIDTH};
use super::text::{Face, fitted, wrapped};
use super::{chart, files, findings, map, table};
use crate::facts::Facts;
use crate::{FieldLine, Opening, Place, Statement, Subject};

/// What a report is drawn from: other files of the bundle, read and checked.
pub(crate) struct Sources<'a> {
    pub statement: &'a Statement,
    pub checkpoint: &'a str,
    pub openings: &'a [Opening],
    pub places: &'a [Place],
    /// The files that go along: SHA-256 and name.
    pub enclosed: &'a BTreeMap<[u8; 32], String>,
    pub facts: &'a Facts,
    /// Path and content of each file to attach.
    pub attached: Vec<(&'static str, Vec<u8>)>,
}

/// What stands at the foot of every page.
pub(super) fn footer(sources: &Sources<'_>) -> String {
    let log = &sources.statement.log;
    let root = log.root.get(..16).unwrap_or(&log.root);
    format!("{} · tree of {} entries, root {root}…", fitted(Face::Regular, 7.5, &log.origin, 250.0), log.size)
}

pub(super) fn draw(page: &mut Pages, sources: &Sources<'_>) {
    let names = Names::of(sources);
    title(page, sources, &names);
    request(page, sources, &names);
    findings::draw(page, sources);
    findings::strip(page, sources, &names);
    if sources.facts.counts.asked > 0 {
        page.heading("When", chart::TALL);
        chart::draw(page, sources.facts);
    }
    map::draw(page, sources.places, sources.facts);
    people(page, sources);
    files::draw(page, sources);
    table::draw(page, sources.facts, &names);
    how_to_check(page, sources);
}

/// What ids are called, as far as the bundle tells.
pub(super) struct Names<'a> {
    banks: BTreeMap<&'a str, &'a str>,
    people: BTreeMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    fn of(sources: &Sources<'a>) -> Self {
        let people = sources.openings.iter().filter_map(|it| Some((it.person.as_str(), it.value("name")?)));
        Self {
            banks: sources.places.iter().map(|place| (place.bank.as_str(), place.name.as_str())).collect(),
            people: people.collect(),
        }
    }

    /// A name, or the beginning and end of the id.
    pub(super) fn short(&self, id: &str) -> String {
        match self.banks.get(id).or_else(|| self.people.get(id)) {
            Some(name) => (*name).to_owned(),
            None => shortened(id),
        }
    }

    fn long(&self, id: &str) -> String {
        match self.banks.get(id).or_else(|| self.people.get(id)) {
            Some(name) => format!("{name} ({id})"),
            None => id.to_owned(),
        }
    }
}

fn shortened(id: &str) -> String {
    match id.split_once('_') {
        Some((kind, rest)) if rest.len() == 26 => format!("{kind}_…{}", rest.get(18..).unwrap_or(rest)),
        _ => id.to_owned(),
    }
}

/// The subject as a headline and a line below.
fn subject(statement: &Statement, names: &Names<'_>) -> (String, String) {
    match statement.request.subject.parse() {
        Ok(Subject::Parcel(parcel)) => ("What happened to a parcel".to_owned(), parcel.to_string()),
        Ok(Subject::Compartment(bank, number)) => {
            (format!("What happened at compartment {number}"), names.long(&bank.to_string()))
        }
        Ok(Subject::Bank(bank)) => ("What happened at a bank".to_owned(), names.long(&bank.to_string())),
        Ok(Subject::Person(person)) => {
            ("What was done for or by a person".to_owned(), names.long(&person.to_string()))
        }
        Ok(Subject::Incident(alert)) => {
            ("What happened around an alert".to_owned(), format!("{alert}, {}", span(statement)))
        }
        Ok(Subject::Span) | Err(_) => ("What happened in a time".to_owned(), span(statement)),
    }
}

fn span(statement: &Statement) -> String {
    let part =
        |text: &Option<String>| text.as_deref().map(|text| text.get(..19).unwrap_or(text).replace('T', " "));
    match (part(&statement.request.from), part(&statement.request.until)) {
        (Some(from), Some(until)) => format!("{from} to {until} UTC"),
        (Some(from), None) => format!("from {from} UTC"),
        (None, Some(until)) => format!("until {until} UTC"),
        (None, None) => "all of the log".to_owned(),
    }
}

fn title(page: &mut Pages, sources: &Sources<'_>, names: &Names<'_>) {
    const TALL: f32 = 108.0;
    page.fill((0.0, 0.0), (WIDTH, TALL), Ink::Accent);
    let (headline, line) = subject(sources.statement, names);
    page.text((MARGIN, 38.0), (Face::Bold, 8.5, Ink::AccentSoft), "EVIDENCE FROM A CUSTODY LOG");
    page.text(
        (MARGIN, 66.0),
        (Face::Bold, 21.0, Ink::White),
        &fitted(Face::Bold, 21.0, &headline, INNER - 70.0),
    );
    page.text(
        (MARGIN, 87.0),
        (Face::Regular, 10.0, Ink::White),
        &fitted(Face::Regular, 10.0, &line, INNER - 70.0),
    );
    seal(page, (WIDTH - MARGIN - 26.0, 56.0));
    page.y = TALL + 16.0;
}

/// A seal: a hexagon with a tick, for people who look before they read.
fn seal(page: &mut Pages, (x, y): (f32, f32)) {
    let hexagon = |radius: f32| {
        let corner = |n: u8| {
            let angle = f32::from(n) * std::f32::consts::FRAC_PI_3 - std::f32::consts::FRAC_PI_2;
            (x + radius * angle.cos(), y + radius * angle.sin())
        };
        (0..6).map(corner).collect::<Vec<_>>()
    };
    page.mark(Mark::Shape { points: hexagon(26.0), fill: Ink::White });
    page.mark(Mark::Shape { points: hexagon(23.0), fill: Ink::Accent });
    for (from, to) in [((x - 9.5, y + 0.5), (x - 2.5, y + 7.5)), ((x - 2.5, y + 7.5), (x + 10.5, y - 7.5))] {
        page.mark(Mark::Line { from, to, ink: Ink::White, width: 3.2 });
    }
}

/// Name and value, one below the other, in two columns.
fn request(page: &mut Pages, sources: &Sources<'_>, names: &Names<'_>) {
    let statement = sources.statement;
    let by = match statement.exported.by.as_str() {
        "platform" => "the operator, at the command line".to_owned(),
        id => names.long(id),
    };
    let mut facts = vec![
        ("Exported by", by),
        ("Exported at", statement.exported.at.get(..19).unwrap_or_default().replace('T', " ") + " UTC"),
        ("Why", statement.request.reason.clone().unwrap_or_else(|| "(left out)".to_owned())),
        ("Time asked for", span(statement)),
        ("Recorded as", format!("entry {} of the log", statement.exported.entry)),
    ];
    if !statement.left_out.is_empty() {
        facts.push(("Left out", statement.left_out.join("; ")));
    }
    for (name, value) in facts {
        let lines = wrapped(Face::Regular, 9.0, &value, INNER - 92.0);
        for (line, number) in lines.iter().take(12).zip(0..) {
            page.room(13.0);
            if number == 0 {
                page.text((MARGIN, page.y + 9.0), (Face::Regular, 9.0, Ink::Muted), name);
            }
            page.text((MARGIN + 92.0, page.y + 9.0), (Face::Regular, 9.0, Ink::Text), line);
            page.y += 13.0;
        }
        page.y += 1.5;
    }
}

fn people(page: &mut Pages, sources: &Sources<'_>) {
    /// People listed; the file of openings has them all.
    const LISTED: usize = 60;
    if sources.openings.is_empty() {
        return;
    }
    page.heading("Who", 60.0);
    let note =
        "The log holds no names. These open commitments in it: each fits what was logged when it was logged.";
    page.paragraph((MARGIN, INNER), (Face::Regular, 8.5, Ink::Muted), note);
    page.y += 3.0;
    for opening in sources.openings.iter().take(LISTED) {
        person(page, opening);
    }
    if let Some(more) = sources.openings.len().checked_sub(LISTED).filter(|more| *more > 0) {
        page.paragraph(
            (MARGIN, INNER),
            (Face::Regular, 8.5, Ink::Muted),
            &format!("… and {more} more, in openings.jsonl"),
        );
    }
}

fn person(page: &mut Pages, opening: &Opening) {
    page.room(30.0);
    let y = page.y;
    page.fill((MARGIN, y), (INNER, 27.0), Ink::Tint);
    let name = opening.value("name").unwrap_or("(name left out)");
    page.text((MARGIN + 8.0, y + 11.0), (Face::Bold, 9.0, Ink::Text), &fitted(Face::Bold, 9.0, name, 250.0));
    page.text_to(
        (MARGIN + INNER - 8.0, y + 11.0),
        (Face::Regular, 7.5, Ink::Muted),
        &format!("{} · entry {}", opening.person, opening.entry),
    );
    let told = |field: &FieldLine| match field {
        FieldLine::Told { name, value: Some(value), .. } if name != "name" => Some(format!("{name} {value}")),
        FieldLine::LeftOut { name, .. } if name != "name" => Some(format!("{name} left out")),
        _ => None,
    };
    let line = opening.fields.iter().filter_map(told).collect::<Vec<_>>().join("  ·  ");
    let line = fitted(Face::Regular, 8.0, &line, INNER - 16.0);
    page.text((MARGIN + 8.0, y + 22.0), (Face::Regular, 8.0, Ink::Muted), &line);
    page.y += 30.0;
}

fn how_to_check(page: &mut Pages, sources: &Sources<'_>) {
    page.heading("How to check this", 110.0);
    let style = (Face::Regular, 9.0, Ink::Text);
    page.paragraph(
        (MARGIN, INNER),
        style,
        "This report came in a bundle, one zip file. The bundle proves itself, without a network and without asking anybody:",
    );
    page.y += 3.0;
    page.room(22.0);
    page.fill((MARGIN, page.y), (INNER, 19.0), Ink::Tint);
    page.text(
        (MARGIN + 8.0, page.y + 12.5),
        (Face::Mono, 8.5, Ink::Text),
        "bailee verify bundle FILE --key KEY",
    );
    page.y += 26.0;
    page.paragraph(
        (MARGIN, INNER),
        style,
        "KEY is the log's verifying key. Take it from where you know the operator, not from the bundle. The check recomputes every \
         hash, draws this report again and compares it. The files it was drawn from are attached to this PDF as well. \
         A paper copy proves nothing by itself.",
    );
    page.y += 6.0;
    page.text(
        (MARGIN, page.y + 8.0),
        (Face::Bold, 8.5, Ink::Muted),
        "The signed checkpoint everything is proved against",
    );
    page.y += 14.0;
    for line in sources.checkpoint.lines().take(24) {
        page.paragraph(
            (MARGIN, INNER),
            (Face::Mono, 6.8, Ink::Text),
            if line.is_empty() { "\u{a0}" } else { line },
        );
    }
}
