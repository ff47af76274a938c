//! What a bench found, as a table for people and as JSON for machines.

use std::fmt;

use serde::Serialize;

use super::machine::Machine;
use super::stats::{Quantiles, Ratio};

/// All a bench has to say.
#[derive(Debug, Serialize)]
pub struct Report {
    bench: &'static str,
    title: &'static str,
    machine: Option<Machine>,
    tables: Vec<Table>,
    findings: Vec<Finding>,
    notes: Vec<String>,
}

/// A table; cells are text as it is printed.
#[derive(Debug, Serialize)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// One figure beside its aim.
#[derive(Debug, Serialize)]
pub struct Finding {
    what: String,
    value: Option<f64>,
    range: Option<(f64, f64)>,
    unit: &'static str,
    at_most: Option<f64>,
    verdict: Verdict,
}

/// How a figure stands to its aim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within it.
    Met,
    /// Beyond it.
    Missed,
    /// The machine was too unsteady to tell.
    Noisy,
    /// There is none: the figure is for orientation.
    NoAim,
}

impl Report {
    /// An empty one.
    pub fn new(bench: &'static str, title: &'static str) -> Self {
        Self { bench, title, machine: None, tables: Vec::new(), findings: Vec::new(), notes: Vec::new() }
    }

    /// Says where it was measured.
    pub fn on(&mut self, machine: Machine) {
        self.machine = Some(machine);
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Adds a sentence.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds a ratio that should not be above `at_most`; no ratio means that the machine was too noisy.
    pub fn ratio(&mut self, what: impl Into<String>, ratio: Option<Ratio>, at_most: f64) {
        let value = ratio.as_ref().map(|ratio| ratio.median);
        let range = ratio.map(|ratio| (ratio.min, ratio.max));
        self.add(what.into(), value, range, "x", Some(at_most));
    }

    /// Adds a value that should not be above `at_most`.
    pub fn value(&mut self, what: impl Into<String>, value: f64, unit: &'static str, at_most: Option<f64>) {
        self.add(what.into(), Some(value), None, unit, at_most);
    }

    fn add(
        &mut self,
        what: String,
        value: Option<f64>,
        range: Option<(f64, f64)>,
        unit: &'static str,
        at_most: Option<f64>,
    ) {
        let verdict = match (value, at_most) {
            (None, _) => Verdict::Noisy,
            (_, None) => Verdict::NoAim,
            (Some(value), Some(most)) if value <= most => Verdict::Met,
            _ => Verdict::Missed,
        };
        self.findings.push(Finding { what, value, range, unit, at_most, verdict });
    }
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// A number with as many decimals as its size deserves.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Three cells: p50, p99, p99.9.
pub fn cells(of: &Quantiles) -> [String; 3] {
    [number(of.p50), number(of.p99), of.p999.map_or_else(|| "–".to_owned(), number)]
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.bench, self.title)?;
        if let Some(machine) = &self.machine {
            writeln!(f, "{machine}")?;
        }
        for table in &self.tables {
            write!(f, "\n{table}")?;
        }
        writeln!(f)?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = self.value else { return write!(f, "{}: noisy: no result", self.what) };
        write!(f, "{}: {} {}", self.what, number(value), self.unit)?;
        if let Some((min, max)) = self.range {
            write!(f, " ({} to {})", number(min), number(max))?;
        }
        match (self.at_most, self.verdict) {
            (Some(most), Verdict::Met) => write!(f, ", aim at most {}: met", number(most)),
            (Some(most), _) => write!(f, ", aim at most {}: MISSED", number(most)),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header: Vec<String> = self.columns.iter().map(|&column| column.to_owned()).collect();
        let rule: Vec<String> = self.columns.iter().map(|_| "---".to_owned()).collect();
        for row in [&header, &rule].into_iter().chain(&self.rows) {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_whether_its_aim_is_met() {
        let mut report = Report::new("d1", "keypad to wire");
        report.ratio("p99", Ratio::of(&[1.0, 1.1, 1.3], 3), 1.2);
        report.ratio("p99", None, 1.2);
        report.value("slowest", 120.0, "ms", Some(100.0));
        report.value("journal bytes", 512.0, "B", None);
        let lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "p99: 1.10 x (1.00 to 1.30), aim at most 1.20: met",
                "p99: noisy: no result",
                "slowest: 120 ms, aim at most 100: MISSED",
                "journal bytes: 512 B",
            ]
        );
    }
}
