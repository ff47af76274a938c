//! One pass over the entries, the same for whoever writes a bundle and whoever checks one: every proof, every chain, the
//! tables made from them, and what the report says.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};

use bailee_audit::{TreeHead, leaf_hash};
use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::platform::{Actor, Commitment, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_wire::event::{Hash, Leaf, decode};

use crate::banks::{Chains, Signed};
use crate::entries::{self, Entry, Known, PLACE, Why};
use crate::line::Line;
use crate::statement::{Counts, Statement};
use crate::{Fault, MAX_ENTRIES, csv, epcis, time};

/// Asked entries the report lists; the table has them all.
pub(crate) const LISTED: usize = 400;
/// Entries from the future that are named.
const NAMED: usize = 5;
const MINUTE_MS: i64 = 60_000;
/// Minutes of a bar of the chart, from fine to coarse.
pub(crate) const STEPS: [i64; 9] = [1, 5, 15, 60, 6 * 60, 24 * 60, 7 * 24 * 60, 30 * 24 * 60, 365 * 24 * 60];
/// Bars kept at once; above it the next coarser step is taken.
const BARS: usize = 4_096;

/// What an entry that is asked about in particular claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A commitment to a person's details.
    Person(PersonId, Commitment),
    /// An export: when, by whom, and a commitment to what and why.
    Export(WallTime, Actor, Commitment),
}

impl Claim {
    fn of(leaf: &Leaf) -> Option<Self> {
        let Leaf::Platform { event, .. } = leaf else { return None };
        match &event.kind {
            PlatformEventKind::PersonAdded { person, details, .. }
            | PlatformEventKind::PersonChanged { person, details }
            | PlatformEventKind::AdministratorCreated { person, details } => {
                Some(Self::Person(*person, *details))
            }
            PlatformEventKind::EvidenceExported { request } => {
                Some(Self::Export(event.at, event.actor, *request))
            }
            _ => None,
        }
    }
}

/// How many events fell into a bar of the chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    pub all: u64,
    pub alarms: u64,
}

impl Bar {
    fn add(&mut self, other: Self) {
        self.all += other.all;
        self.alarms += other.alarms;
    }
}

/// Everything the report says of the entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub counts: Counts,
    pub first: Option<WallTime>,
    pub last: Option<WallTime>,
    pub kinds: BTreeMap<String, u64>,
    pub bars: BTreeMap<i64, Bar>,
    /// Which of [`STEPS`] a bar covers.
    pub step: usize,
    pub doors: BTreeMap<(BankId, u16), Bar>,
    pub rows: Vec<(u64, Line)>,
    pub alarms: u64,
    /// Indexes between asked entries that are not here.
    pub skipped: u64,
    pub from_future: u64,
    pub named_from_future: Vec<(u64, WallTime)>,
    pub signed: Signed,
    /// Files that entries here attach, by their SHA-256, with the first such entry.
    pub files: BTreeMap<Hash, u64>,
    last_asked: Option<u64>,
}

impl Facts {
    fn take(&mut self, index: u64, line: Line, exported: WallTime) {
        self.counts.asked += 1;
        if let Some(last) = self.last_asked.replace(index) {
            self.skipped += index - last - 1;
        }
        self.first = Some(self.first.map_or(line.at, |first| first.min(line.at)));
        self.last = Some(self.last.map_or(line.at, |last| last.max(line.at)));
        *self.kinds.entry(line.kind.clone()).or_default() += 1;
        let alarms = u64::from(line.severity == Some(Severity::Alarm));
        self.alarms += alarms;
        let bar = Bar { all: 1, alarms };
        if let (Some(bank), Some(door)) = (line.bank, line.compartment) {
            self.doors.entry((bank, door)).or_default().add(bar);
        }
        if line.at > exported {
            self.from_future += 1;
            if self.named_from_future.len() < NAMED {
                self.named_from_future.push((index, line.at));
            }
        }
        self.chart(line.at, bar);
        if self.rows.len() < LISTED {
            self.rows.push((index, line));
        }
    }

    fn chart(&mut self, at: WallTime, bar: Bar) {
        let minute = at.unix_ms().div_euclid(MINUTE_MS);
        self.bars.entry(minute.div_euclid(STEPS[self.step])).or_default().add(bar);
        while self.bars.len() > BARS && self.step + 1 < STEPS.len() {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.bars = coarser(&self.bars, STEPS[self.step], STEPS[self.step + 1]);
        self.step += 1;
    }
}

/// The same bars over longer steps.
pub(crate) fn coarser(bars: &BTreeMap<i64, Bar>, from: i64, to: i64) -> BTreeMap<i64, Bar> {
    let mut wider: BTreeMap<i64, Bar> = BTreeMap::new();
    for (at, bar) in bars {
        wider.entry((at.saturating_mul(from)).div_euclid(to)).or_default().add(*bar);
    }
    wider
}

/// What came of the pass.
pub(crate) struct Passed {
    pub facts: Facts,
    pub claims: BTreeMap<u64, Claim>,
}

/// Reads and checks every entry; writes the tables as it goes.
///
/// `tree` is what the checkpoint signs; `claims` are the indexes of entries that something else in the bundle is about.
pub(crate) fn pass(
    from: &mut impl BufRead,
    statement: &Statement,
    tree: &TreeHead,
    wanted: &BTreeSet<u64>,
    (table, document): (&mut impl Write, &mut impl Write),
) -> Result<Passed, Fault> {
    let exported = time::parse(&statement.exported.at).unwrap_or_default();
    let (mut known, mut chains, mut facts) = (Known::new(tree), Chains::default(), Facts::default());
    let (mut claims, mut events) = (BTreeMap::new(), epcis::Document::default());
    table.write_all(csv::header().as_bytes())?;
    document.write_all(epcis::Document::begin(exported).as_bytes())?;
    while let Some(entry) = entries::next(from)? {
        facts.counts.all += 1;
        if facts.counts.all > MAX_ENTRIES {
            return Err(Fault::unusable(PLACE, format!("has more than {MAX_ENTRIES} entries")));
        }
        let leaf = check(&entry, &mut known, &mut chains)?;
        if let Some(sha256) = attached(&leaf) {
            facts.files.entry(sha256).or_insert(entry.index);
        }
        if wanted.contains(&entry.index) {
            claims.extend(Claim::of(&leaf).map(|claim| (entry.index, claim)));
        }
        if entry.why != Why::Asked {
            continue;
        }
        let line = Line::of(&leaf);
        table.write_all(csv::line(entry.index, &line).as_bytes())?;
        if let Some(event) = epcis::event(&statement.log.origin, entry.index, &leaf) {
            document.write_all(events.event(&event).as_bytes())?;
        }
        facts.take(entry.index, line, exported);
    }
    document.write_all(epcis::Document::end().as_bytes())?;
    facts.signed = chains.signed();
    Ok(Passed { facts, claims })
}

/// The file that an entry attaches.
fn attached(leaf: &Leaf) -> Option<Hash> {
    match leaf {
        Leaf::Platform { event, .. } => match event.kind {
            PlatformEventKind::FileAttached { sha256, .. } => Some(sha256),
            _ => None,
        },
        Leaf::Bank { .. } => None,
    }
}

fn check(entry: &Entry, known: &mut Known, chains: &mut Chains) -> Result<Leaf, Fault> {
    let wrong = |why: String| Fault::unsound(format!("{PLACE}, entry {}", entry.index), why);
    known.take(entry.index, leaf_hash(&entry.leaf), &entry.path).map_err(|error| wrong(error.to_string()))?;
    let leaf = decode(&entry.leaf).map_err(|error| wrong(error.to_string()))?;
    chains.take(&leaf, &entry.leaf).map_err(wrong)?;
    Ok(leaf)
}
