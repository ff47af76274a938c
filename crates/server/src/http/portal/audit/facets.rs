//! What stands beside the list: spans of time, filters in force to take away, and values to narrow it by with their counts.

use bailee_domain::id::BankId;
use bailee_ui::layout::Page;

use super::{FIELDS, PLACES, RANGES, RESULTS, to};
use crate::app::log::{Counted, Facets, LogFilter};
use crate::http::portal::form::Form;
use crate::http::portal::views::audit::{Facet, FacetGroup};
use crate::http::portal::words::{self, Names};

/// Most values offered of each kind.
pub const MOST: usize = 6;

/// This page without a filter and without its place.
fn without(query: &Form, names: &[&str]) -> String {
    query.query_without(&[names, &PLACES].concat())
}

/// Spans of time to choose from; the one in force leads back to all of it.
pub fn ranges(page: &Page, query: &Form) -> Vec<Facet> {
    let kept = without(query, &["range", "from", "to"]);
    let range = |(name, _): (&str, i64)| {
        let active = query.text("range") == name;
        let href = if active { format!("/audit?{kept}") } else { to(&kept, "range", name) };
        Facet { label: page.t(&format!("range-{name}")), href, active, count: None }
    };
    RANGES.into_iter().map(range).collect()
}

/// The same list with its span of time as it is now: what a link to hand on should say.
pub fn fixed(query: &Form, filter: &LogFilter) -> Option<String> {
    let from = filter.from.filter(|_| query.some("range").is_some())?;
    Some(to(&without(query, &["range"]), "from", &words::time(from)))
}

/// The filters in force, to take away.
pub fn active(page: &Page, names: &Names, query: &Form) -> Vec<Facet> {
    let facet = |name: &&str| {
        let value = query.some(name)?;
        let href = format!("/audit?{}", without(query, &[name]));
        Some(Facet { label: label(page, names, query, name, value), href, active: true, count: None })
    };
    FIELDS.iter().filter_map(facet).collect()
}

fn label(page: &Page, names: &Names, query: &Form, name: &str, value: &str) -> String {
    match name {
        "kind" => words::kind(page, value),
        "result" => RESULTS
            .iter()
            .find(|(name, _)| *name == value)
            .map_or_else(|| value.to_owned(), |(name, _)| page.t(&format!("facet-{name}"))),
        "bank" => value.parse().map_or_else(|_| value.to_owned(), |bank| names.bank(bank)),
        "person" => value.parse().map_or_else(|_| value.to_owned(), |person| names.person(person)),
        "compartment" if query.some("bank").is_none() => format!("{} {value}", page.t("map-number")),
        "from" => format!("{} {value}", page.t("from")),
        "to" => format!("{} {value}", page.t("to")),
        _ => value.to_owned(),
    }
}

/// Values to narrow the list by, of every kind that is not narrowed yet.
pub fn groups(page: &Page, names: &Names, query: &Form, facets: &Facets) -> Vec<FacetGroup> {
    let one = query.read::<BankId>("bank").or(match facets.banks.as_slice() {
        [(bank, _)] => Some(*bank),
        _ => None,
    });
    let severe = RESULTS.iter().zip(facets.severe).filter(|(_, count)| *count > 0);
    let severe =
        severe.map(|((name, _), count)| (page.t(&format!("facet-{name}")), (*name).to_owned(), count));
    let kinds = facets.kinds.iter().map(|(kind, count)| (words::kind(page, kind), kind.clone(), *count));
    let banks = facets.banks.iter().map(|(bank, count)| (names.bank(*bank), bank.to_string(), *count));
    let of_one = facets.doors.iter().filter(|((bank, _), _)| Some(*bank) == one);
    let doors = of_one.map(|((_, door), count)| (door.to_string(), door.0.to_string(), *count));
    let people = facets.people.iter().filter(|(id, _)| names.people.contains_key(id));
    let people = people.map(|(id, count)| (names.person(*id), id.to_string(), *count));
    let group = |(name, title, values): (&str, &str, Vec<(String, String, u32)>)| {
        // One value that everything has narrows nothing.
        let tells = values.len() > 1 || values.iter().any(|(_, _, count)| *count < facets.events);
        let offered = query.some(name).is_none() && tells;
        offered.then(|| FacetGroup { title: page.t(title), facets: offer(query, name, values) })
    };
    [
        ("kind", "kind", kinds.collect::<Vec<_>>()),
        ("result", "urgency", severe.collect()),
        ("bank", "bank", banks.collect()),
        ("compartment", "map-number", doors.collect()),
        ("person", "actor", people.collect()),
    ]
    .into_iter()
    .filter_map(group)
    .collect()
}

fn offer(query: &Form, name: &str, values: Vec<(String, String, u32)>) -> Vec<Facet> {
    let kept = without(query, &[name]);
    let facet = |(label, value, count): (String, String, u32)| Facet {
        label,
        href: to(&kept, name, &value),
        active: false,
        count: Some(count),
    };
    values.into_iter().take(MOST).map(facet).collect()
}

/// What the counts are of.
pub fn counted(page: &Page, facets: &Facets) -> String {
    let key = match facets.counted {
        Counted::All => "facets-all",
        Counted::Newest => "facets-newest",
    };
    page.t1(key, "count", facets.events)
}
