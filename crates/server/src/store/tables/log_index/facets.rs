//! What the newest events that match are: how many of each kind, bank, door and person. Bounded like a page.

use std::collections::BTreeMap;

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, PersonId};

use super::super::damaged;
use super::explore::{Asked, Route, Statement, horizon, matching};
use super::place::Turn;
use super::select::severity_of;
use crate::app::AppError;
use crate::store::names::names;
use crate::store::{Row, Tx};

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
        tally.add(row)?;
    }
    let facets = tally.done(tx).await?;
    Ok(Facets { counted: if more { Counted::Newest } else { Counted::All }, ..facets })
}

/// Counts by number; names come at the end.
#[derive(Default)]
struct Tally {
    events: u32,
    severe: [u32; 2],
    kinds: BTreeMap<i64, u32>,
    banks: BTreeMap<i64, u32>,
    doors: BTreeMap<(i64, u16), u32>,
    people: BTreeMap<i64, u32>,
}

impl Tally {
    fn add(&mut self, row: &Row) -> Result<(), AppError> {
        let severity = severity_of(row)?;
        self.events += 1;
        for (count, least) in self.severe.iter_mut().zip([Severity::Notice, Severity::Alarm]) {
            *count += u32::from(severity >= least);
        }
        *self.kinds.entry(row.get("kind")?).or_default() += 1;
        if let Some(bank) = row.get("bank")? {
            *self.banks.entry(bank).or_default() += 1;
            if let Some(door) = row.get("compartment")? {
                *self.doors.entry((bank, door)).or_default() += 1;
            }
        }
        let (about, by): (Option<i64>, Option<i64>) = (row.get("person")?, row.get("done_by")?);
        for person in about.into_iter().chain(by.filter(|_| about != by)) {
            *self.people.entry(person).or_default() += 1;
        }
        Ok(())
    }

    async fn done(self, tx: &Tx) -> Result<Facets, AppError> {
        let numbers: Vec<i64> =
            [&self.kinds, &self.banks, &self.people].into_iter().flat_map(BTreeMap::keys).copied().collect();
        let names = names(tx, &numbers).await?;
        let name = |number: &i64| names.get(number).cloned().ok_or(damaged("log_name"));
        let bank = |number: &i64| name(number)?.parse::<BankId>().map_err(|_| damaged("log_index.bank"));
        let person =
            |number: &i64| name(number)?.parse::<PersonId>().map_err(|_| damaged("log_index.person"));
        let door = |(number, door): &(i64, u16)| Ok((bank(number)?, CompartmentNo(*door)));
        Ok(Facets {
            events: self.events,
            counted: Counted::All,
            severe: self.severe,
            kinds: frequent(&self.kinds, name)?,
            banks: frequent(&self.banks, bank)?,
            doors: frequent(&self.doors, door)?,
            people: frequent(&self.people, person)?,
        })
    }
}

/// Named and in order: the most frequent first, then by name.
fn frequent<N, K: Ord>(
    counts: &BTreeMap<N, u32>,
    name: impl Fn(&N) -> Result<K, AppError>,
) -> Result<Vec<(K, u32)>, AppError> {
    let named = counts.iter().map(|(number, count)| Ok((name(number)?, *count)));
    let mut all = named.collect::<Result<Vec<(K, u32)>, AppError>>()?;
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(all)
}
