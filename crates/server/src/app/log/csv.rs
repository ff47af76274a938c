//! Lines of the log as comma-separated values (RFC 4180), safe to open in a spreadsheet.

pub use bailee_evidence::csv::{field, row};
use bailee_evidence::line::severity_text;
use bailee_wire::event::time_text;

use super::LogRow;

/// The columns, in order; JSON Lines use the same names.
pub const COLUMNS: [&str; 11] =
    ["id", "index", "at", "severity", "kind", "bank", "compartment", "parcel", "grant", "person", "actor"];

/// The values of a line, in the order of [`COLUMNS`]; what is not known is empty.
pub fn values(row: &LogRow) -> [String; 11] {
    let line = &row.line;
    let text = |value: Option<String>| value.unwrap_or_default();
    [
        row.id.to_string(),
        text(row.leaf_index.map(|index| index.to_string())),
        time_text(line.at),
        severity_text(line.severity).to_owned(),
        line.kind.clone(),
        text(line.bank.map(String::from)),
        text(line.compartment.map(|number| number.0.to_string())),
        text(line.parcel.map(String::from)),
        text(line.grant.map(String::from)),
        text(line.person.map(String::from)),
        line.actor.clone(),
    ]
}

/// The first line of a file.
pub fn header() -> String {
    self::row(COLUMNS.iter().map(|name| (*name).to_owned()))
}

/// One line of a file.
pub fn line(row: &LogRow) -> String {
    self::row(values(row).into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_separators_are_quoted() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("=cmd|' /C calc'!A0,x", "\"'=cmd|' /C calc'!A0,x\""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"\n", "\"say \"\"hi\"\"\n\""),
            ("", ""),
            ("plain", "plain"),
        ];
        for (value, written) in cases {
            assert_eq!(field(value), written, "{value:?}");
        }
    }
}
