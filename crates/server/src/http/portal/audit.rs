//! `/audit`: the custody log in order of time, with what to narrow it by, and exports of what is filtered. One event with its
//! proof is in `event`; what stands beside the list is in `facets`.

mod event;
mod facets;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::id::PersonId;
use bailee_domain::time::WallTime;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::Page;
use futures_util::{Stream, StreamExt as _};

use super::banks;
use super::form::{Form, Query};
use super::gate::{self, Who};
use super::parcels::bank_choices;
use super::shell::{Answer, live_shell, show};
use super::views::Section;
use super::views::audit::{Audit, EventRow, Filters, Seal};
use super::words::{self, Names};
use crate::app::log::{self, Explore, Explored, LogFilter, LogRow, MOST_SEEN, Position, Rest, Turn};
use crate::app::{AppError, Principal};
use crate::http::problem::Problem;
use crate::http::{Http, export};

pub use event::{event, proof};

const PAGE: u32 = 25;
/// Kinds offered as filters; any other can be typed into the address.
const KINDS: [&str; 14] = [
    "ParcelDeposited",
    "ParcelCollected",
    "CompartmentOpened",
    "CompartmentDidNotOpen",
    "CompartmentForced",
    "AccessRefused",
    "NotificationSent",
    "NotificationFailed",
    "BankOffline",
    "BankOnline",
    "SignedIn",
    "SignInRefused",
    "PersonChanged",
    "PersonalDataRead",
];
const RESULTS: [(&str, Severity); 2] = [("notice", Severity::Notice), ("alarm", Severity::Alarm)];

/// The parts of an address that name a page rather than what is asked for.
const PLACES: [&str; 2] = ["cursor", "newer"];
/// Spans of time offered, with their lengths in milliseconds.
const RANGES: [(&str, i64); 4] =
    [("1h", 3_600_000), ("24h", 86_400_000), ("7d", 7 * 86_400_000), ("30d", 30 * 86_400_000)];

/// `/audit`
pub async fn list(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    Ok(show(&view(&http, &who, &query).await?))
}

/// The list.
pub async fn view(http: &Http, who: &Who, query: &Form) -> Result<Audit, Problem> {
    let (principal, page) = (&who.session()?.principal, who.page());
    let filter = filter(query, http.app().now());
    let which = Explore { filter: filter.clone(), turn: turn(http, query)?, limit: PAGE };
    let explored = log::explore(http.app(), principal, which).await?;
    let visible = banks::visible(http, principal).await?;
    let names = known(http, principal, &explored, banks::names(&visible)).await?;
    let kept = query.query_without(&PLACES);
    let link = |name: &str, place: Position| to(&kept, name, &http.cursor("log", &place.to_string()));
    let (older, looked) = match explored.older {
        Rest::Nothing => (None, None),
        Rest::Beyond(place) => (Some(link("cursor", place)), None),
        Rest::Unseen(place) => (Some(link("cursor", place)), Some((MOST_SEEN, words::time(place.at)))),
    };
    Ok(Audit {
        shell: live_shell(http, who, Section::Audit).await?,
        seal: seal(http).await?,
        filters: filters(&page, query, bank_choices(&page.t("any-bank"), &visible)),
        narrowed: FIELDS.iter().any(|name| query.some(name).is_some()),
        active: facets::active(&page, &names, query),
        ranges: facets::ranges(&page, query),
        fixed: facets::fixed(query, &filter),
        groups: facets::groups(&page, &names, query, &explored.facets),
        counted: facets::counted(&page, &explored.facets),
        rows: explored.rows.iter().map(|row| show_row(&page, &names, row)).collect(),
        csv: format!("/audit.csv?{kept}"),
        jsonl: format!("/audit.jsonl?{kept}"),
        epcis: format!("/audit.jsonld?{kept}"),
        newest: PLACES.iter().any(|name| query.some(name).is_some()).then(|| format!("/audit?{kept}")),
        newer: explored.newer.map(|place| link("newer", place)),
        older,
        looked,
        page,
    })
}

/// The fields of the form.
const FIELDS: [&str; 8] = ["from", "to", "kind", "bank", "compartment", "person", "parcel", "result"];

/// An address of the list with one more part.
fn to(kept: &str, name: &str, value: &str) -> String {
    let and = if kept.is_empty() { "" } else { "&" };
    format!("/audit?{kept}{and}{}", gate::query(name, value))
}

fn turn(http: &Http, query: &Form) -> Result<Turn, Problem> {
    let older: Option<Position> = http.position("log", query.some("cursor"))?;
    let newer: Option<Position> = http.position("log", query.some("newer"))?;
    Ok(match (older, newer) {
        (Some(place), _) => Turn::Older(place),
        (None, Some(place)) => Turn::Newer(place),
        (None, None) => Turn::Newest,
    })
}

/// What a query asks for at this time; a value that cannot be read restricts nothing.
pub fn filter(query: &Form, now: WallTime) -> LogFilter {
    let result = RESULTS.into_iter().find(|(name, _)| *name == query.text("result"));
    let range = RANGES.into_iter().find(|(name, _)| *name == query.text("range"));
    let from = query.some("from").and_then(moment);
    let until = query.some("to").and_then(moment);
    let since = range.filter(|_| from.is_none() && until.is_none()).map(|(_, ms)| now.plus_ms(-ms));
    LogFilter {
        from: from.or(since),
        until,
        kind: query.some("kind").map(ToOwned::to_owned),
        bank: query.read("bank"),
        compartment: query.read("compartment").map(CompartmentNo),
        parcel: query.read("parcel"),
        person: query.read("person"),
        severity: result.map(|(_name, severity)| severity),
    }
}

/// `YYYY-MM-DDTHH:MM` in UTC, or RFC 3339.
pub(in crate::http) fn moment(text: &str) -> Option<WallTime> {
    let exact = text.parse::<jiff::Timestamp>();
    let at = exact.or_else(|_| format!("{text}:00Z").parse::<jiff::Timestamp>()).ok()?;
    Some(WallTime::from_unix_ms(at.as_millisecond()))
}

fn filters(page: &Page, query: &Form, banks: Vec<Choice>) -> Filters {
    let field = |name: &str| Field::new(query.text(name));
    let kinds = KINDS.into_iter().map(|kind| Choice::new(kind, words::kind(page, kind)));
    let results = [("notice", "urgency-notice"), ("alarm", "urgency-alarm")];
    let results = results.into_iter().map(|(value, key)| Choice::new(value, page.t(key)));
    Filters {
        from: field("from"),
        to: field("to"),
        kind: field("kind"),
        kinds: std::iter::once(Choice::new("", page.t("any-kind"))).chain(kinds).collect(),
        bank: field("bank"),
        banks,
        compartment: field("compartment"),
        person: field("person"),
        parcel: field("parcel"),
        result: field("result"),
        results: std::iter::once(Choice::new("", page.t("any-result"))).chain(results).collect(),
    }
}

/// The names of whom the rows and the facets are about.
async fn known(http: &Http, principal: &Principal, page: &Explored, names: Names) -> Result<Names, Problem> {
    let people = page.facets.people.iter().take(facets::MOST).map(|(id, _)| *id);
    people_of(http, principal, &page.rows, people.collect(), names).await
}

async fn people_of(
    http: &Http,
    principal: &Principal,
    rows: &[LogRow],
    mut ids: Vec<PersonId>,
    names: Names,
) -> Result<Names, Problem> {
    ids.extend(rows.iter().filter_map(|row| row.line.actor.parse::<PersonId>().ok()));
    let people = words::names(http, principal, ids).await?.people;
    Ok(Names { people, ..names })
}

fn show_row(page: &Page, names: &Names, row: &LogRow) -> EventRow {
    let (result, tone) = words::outcome(row);
    let place = names.place(row.line.bank, row.line.compartment);
    let parcel = row.line.parcel.map(|parcel| parcel.to_string());
    EventRow {
        href: format!("/audit/{}", row.id),
        index: row.leaf_index,
        at: words::time(row.line.at),
        actor: actor(names, row),
        kind: words::kind(page, &row.line.kind),
        target: if place.is_empty() { parcel.unwrap_or_default() } else { place },
        result: page.t(result),
        tone,
    }
}

fn actor(names: &Names, row: &LogRow) -> String {
    match row.line.bank {
        Some(bank) if row.line.actor == bank.to_string() => names.bank(bank),
        _ => names.actor(&row.line.actor),
    }
}

/// The state of the ledger.
///
/// # Errors
/// The store's.
pub async fn seal(http: &Http) -> Result<Seal, Problem> {
    let (href, now) = (format!("/log/{}/checkpoint", http.app().log_id()), http.app().now());
    let Some(head) = log::head(http.app()).await? else { return Ok(Seal { href, ..Seal::default() }) };
    let seen = http.checkpoint_since(&signed(&head.checkpoint));
    Ok(Seal {
        entries: head.size,
        signed_at: words::time(seen),
        age: words::age(now.since_ms(seen)),
        origin: head.origin,
        current: head.witnesses.iter().filter(|witness| witness.is_current).count(),
        witnesses: head.witnesses.len(),
        refused: head.witnesses.iter().any(|witness| witness.refuses),
        href,
        sound: true,
    })
}

/// A checkpoint without the cosignatures, which come later than the log's own signature.
fn signed(checkpoint: &str) -> String {
    checkpoint.split_once("\n\n").map_or(checkpoint, |(text, _)| text).to_owned()
}

/// `/audit.csv`
pub async fn csv(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    let rows = log::export(http.app(), &who.session()?.principal, filter(&query, http.app().now())).await?;
    Ok(file("text/csv; charset=utf-8", "custody-log.csv", export::csv(rows)))
}

/// `/audit.jsonl`
pub async fn json_lines(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Query(query): Query,
) -> Answer {
    let rows = log::export(http.app(), &who.session()?.principal, filter(&query, http.app().now())).await?;
    Ok(file("application/jsonl; charset=utf-8", "custody-log.jsonl", export::json_lines(rows)))
}

/// `/audit.jsonld`
pub async fn epcis(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    let document =
        log::epcis(http.app(), &who.session()?.principal, filter(&query, http.app().now())).await?;
    Ok(file("application/ld+json", "custody-log.jsonld", document))
}

fn file(
    kind: &'static str,
    name: &str,
    lines: impl Stream<Item = Result<String, AppError>> + Send + 'static,
) -> Response {
    let named = format!("attachment; filename=\"{name}\"");
    let body = Body::from_stream(lines.map(|line| line.map_err(|error| export::broken(&error))));
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, named)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::from_unix_ms(1_795_420_800_000);

    #[test]
    fn a_filter_takes_what_it_understands() {
        let query =
            Form::parse(b"from=2026-11-23T08:00&to=nonsense&kind=AccessRefused&compartment=4&result=alarm");
        let filter = filter(&query, NOW);
        assert_eq!(filter.from, Some(NOW));
        assert_eq!((filter.until, filter.compartment), (None, Some(CompartmentNo(4))));
        assert_eq!(filter.severity, Some(Severity::Alarm));
    }

    #[test]
    fn a_range_counts_from_now_unless_times_are_given() {
        let of = |query: &[u8]| filter(&Form::parse(query), NOW).from;
        assert_eq!(of(b"range=24h"), Some(NOW.plus_ms(-86_400_000)));
        assert_eq!(of(b"range=24h&from=2026-11-23T08:00"), Some(NOW));
        assert_eq!((of(b"range=24h&to=2026-11-23T08:00"), of(b"range=1y")), (None, None));
    }
}
