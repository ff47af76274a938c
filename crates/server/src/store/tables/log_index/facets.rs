//! What the newest events that match are: how many of each kind, bank, door and person. Bounded like a page.

use std::collections::BTreeMap;

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, PersonId};

use super::explore::{Asked, Route, Statement, horizon, matching};
use super::place::Turn;
use super::select::LogRow;
use crate::app::AppError;
use crate::store::Tx;

/// Events counted for the facets; of more, the newest.
pub const MOST_COUNTED: u32 = 1_000;

/// Whether everything that matches was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// All of it.
    #[default]
    All,
    /// The newest part.
    Newest,
}

/// How many events carry each value, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Events counted.
    pub events: u32,
    /// Whether these are all.
    pub counted: Counted,
    /// By severity: notices and worse, then alarms.
    pub severe: [u32; 2],
    /// By kind.
    pub kinds: Vec<(String, u32)>,
    /// By bank.
    pub banks: Vec<(BankId, u32)>,
    /// By door.
    pub doors: Vec<((BankId, CompartmentNo), u32)>,
    /// By person, whether they did it or it is about them.
    pub people: Vec<(PersonId, u32)>,
}

/// Counts the newest events that match, whatever page is asked for.
///
/// # Errors
/// The store's.
pub async fn facets(tx: &Tx, asked: &Asked<'_>) -> Result<Facets, AppError> {
    let asked = Asked { turn: Turn::Newest, limit: MOST_COUNTED, ..*asked };
    let Some(route) = Route::of(&asked) else { return Ok(Facets::default()) };
    let horizon = horizon(tx, &asked, &route).await?;
    let Statement { sql, values } = matching(&asked, &route, horizon, MOST_COUNTED + 1);
    let rows = tx.query(&sql, &values).await?;
    let more = horizon.is_some() || rows.len() > MOST_COUNTED as usize;
    let mut tally = Tally::default();
    for row in rows.iter().take(MOST_COUNTED as usize) {
        tally.add(&LogRow::without_leaf(row)?);
    }
    Ok(Facets { counted: if more { Counted::Newest } else { Counted::All }, ..tally.done() })
}

#[derive(Default)]
struct Tally {
    events: u32,
    severe: [u32; 2],
    kinds: BTreeMap<String, u32>,
    banks: BTreeMap<BankId, u32>,
    doors: BTreeMap<(BankId, CompartmentNo), u32>,
    people: BTreeMap<PersonId, u32>,
}

impl Tally {
    fn add(&mut self, row: &LogRow) {
        let line = &row.line;
        self.events += 1;
        for (count, least) in self.severe.iter_mut().zip([Severity::Notice, Severity::Alarm]) {
            *count += u32::from(line.severity >= least);
        }
        match self.kinds.get_mut(&line.kind) {
            Some(count) => *count += 1,
            None => drop(self.kinds.insert(line.kind.clone(), 1)),
        }
        if let Some(bank) = line.bank {
            *self.banks.entry(bank).or_default() += 1;
            if let Some(door) = line.compartment {
                *self.doors.entry((bank, door)).or_default() += 1;
            }
        }
        let by = line.actor.parse::<PersonId>().ok();
        for person in line.person.into_iter().chain(by.filter(|by| line.person != Some(*by))) {
            *self.people.entry(person).or_default() += 1;
        }
    }

    fn done(self) -> Facets {
        Facets {
            events: self.events,
            counted: Counted::All,
            severe: self.severe,
            kinds: frequent(self.kinds),
            banks: frequent(self.banks),
            doors: frequent(self.doors),
            people: frequent(self.people),
        }
    }
}

fn frequent<K: Ord>(counts: BTreeMap<K, u32>) -> Vec<(K, u32)> {
    let mut all: Vec<(K, u32)> = counts.into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}
