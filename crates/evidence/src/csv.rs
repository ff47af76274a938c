//! Comma-separated values (RFC 4180), safe to open in a spreadsheet.

use bailee_wire::event::time_text;

use crate::line::{Line, severity_text};

/// The columns of `data/events.csv`, in order.
pub const COLUMNS: [&str; 9] =
    ["index", "at", "severity", "kind", "bank", "compartment", "parcel", "person", "actor"];

/// The first line of `data/events.csv`.
#[must_use]
pub fn header() -> String {
    row(COLUMNS.iter().map(|name| (*name).to_owned()))
}

/// An entry's line.
#[must_use]
pub fn line(index: u64, line: &Line) -> String {
    let text = |value: Option<String>| value.unwrap_or_default();
    row([
        index.to_string(),
        time_text(line.at),
        line.severity.map(severity_text).unwrap_or_default().to_owned(),
        line.kind.clone(),
        text(line.bank.map(String::from)),
        text(line.compartment.map(|number| number.to_string())),
        text(line.parcel.map(String::from)),
        text(line.person.map(String::from)),
        line.actor.clone(),
    ]
    .into_iter())
}

/// A record of fields, with its line break.
pub fn row(values: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = values.map(|value| field(&value)).collect();
    fields.join(",") + "\r\n"
}

/// A field that no spreadsheet takes for a formula: one that could be gets an apostrophe in front.
#[must_use]
pub fn field(value: &str) -> String {
    let guarded = match value.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{value}"),
        _ => value.to_owned(),
    };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}
