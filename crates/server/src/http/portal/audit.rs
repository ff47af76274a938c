//! `/audit`: the custody log with filters, one event with its proof, and exports of what is filtered.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::id::PersonId;
use bailee_domain::time::WallTime;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::Page;
use bailee_wire::event::hex;
use futures_util::{Stream, StreamExt as _};

use super::banks;
use super::form::{Form, Query};
use super::gate::Who;
use super::parcels::bank_choices;
use super::shell::{Answer, live_shell, shell, show};
use super::views::Section;
use super::views::audit::{Audit, Event, EventRow, Facet, Filters, Rung, Seal};
use super::words::{self, Names};
use crate::app::log::{self, ListLog, LogFilter, LogRow, Proven};
use crate::app::{AppError, Principal};
use crate::http::problem::Problem;
use crate::http::{Http, export};

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

/// `/audit`
pub async fn list(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    Ok(show(&view(&http, &who, &query).await?))
}

/// The list.
pub async fn view(http: &Http, who: &Who, query: &Form) -> Result<Audit, Problem> {
    let (principal, page) = (&who.session()?.principal, who.page());
    let before: Option<i64> = http.position("events", query.some("cursor"))?;
    let which = ListLog { filter: filter(query), before, limit: PAGE };
    let listed = log::list(http.app(), principal, which).await?;
    let visible = banks::visible(http, principal).await?;
    let names = known(http, principal, &listed.rows, banks::names(&visible)).await?;
    let kept = query.query_without(&["cursor"]);
    let next =
        listed.next.map(|id| format!("/audit?{kept}&cursor={}", http.cursor("events", &id.to_string())));
    Ok(Audit {
        shell: live_shell(http, who, Section::Audit).await?,
        seal: seal(http).await?,
        filters: filters(&page, query, bank_choices(&page.t("any-bank"), &visible)),
        facets: facets(&page, query),
        rows: listed.rows.iter().map(|row| show_row(&page, &names, row)).collect(),
        csv: format!("/audit.csv?{kept}"),
        jsonl: format!("/audit.jsonl?{kept}"),
        epcis: format!("/audit.jsonld?{kept}"),
        first: before.map(|_| format!("/audit?{kept}")),
        next,
        page,
    })
}

/// What a query asks for; a value that cannot be read restricts nothing.
pub fn filter(query: &Form) -> LogFilter {
    let result = RESULTS.into_iter().find(|(name, _)| *name == query.text("result"));
    LogFilter {
        from: query.some("from").and_then(moment),
        until: query.some("to").and_then(moment),
        kind: query.some("kind").map(ToOwned::to_owned),
        bank: query.read("bank"),
        compartment: query.read("compartment").map(CompartmentNo),
        parcel: query.read("parcel"),
        person: query.read("person"),
        severity: result.map(|(_name, severity)| severity),
    }
}

/// `YYYY-MM-DDTHH:MM` in UTC, or RFC 3339.
pub(super) fn moment(text: &str) -> Option<WallTime> {
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

/// Filters in force, to take away, and two frequent ones, to add.
fn facets(page: &Page, query: &Form) -> Vec<Facet> {
    let in_force = ["from", "to", "kind", "bank", "compartment", "person", "parcel", "result"];
    let mut facets = Vec::new();
    for name in in_force {
        if let Some(value) = query.some(name) {
            let href = format!("/audit?{}", query.query_without(&[name, "cursor"]));
            let label = if name == "kind" { words::kind(page, value) } else { value.to_owned() };
            facets.push(Facet { label, href, active: true, count: None });
        }
    }
    for kind in ["AccessRefused", "CompartmentForced"] {
        if query.text("kind") != kind {
            let rest = query.query_without(&["kind", "cursor"]);
            let href = format!("/audit?{rest}{}kind={kind}", if rest.is_empty() { "" } else { "&" });
            facets.push(Facet { label: words::kind(page, kind), href, active: false, count: None });
        }
    }
    facets
}

async fn known(http: &Http, principal: &Principal, rows: &[LogRow], names: Names) -> Result<Names, Problem> {
    let ids = rows.iter().filter_map(|row| row.line.actor.parse::<PersonId>().ok());
    let people = words::names(http, principal, ids.collect()).await?.people;
    Ok(Names { people, ..names })
}

fn show_row(page: &Page, names: &Names, row: &LogRow) -> EventRow {
    let (result, tone) = words::outcome(row);
    let place = names.place(row.line.bank, row.line.compartment);
    let parcel = row.line.parcel.map(|parcel| parcel.to_string());
    EventRow {
        index: u64::try_from(row.id).unwrap_or(0),
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
    let reader = http.app().ledger().reader();
    let Ok(checkpoint) = reader.checkpoint().await else { return Ok(unsound(http)) };
    let mut lines = checkpoint.lines();
    let origin = lines.next().unwrap_or_default().to_owned();
    let entries = lines.next().and_then(|size| size.parse().ok()).unwrap_or(0);
    let seen = http.checkpoint_since(&checkpoint);
    let age = words::age(http.app().now().since_ms(seen));
    Ok(Seal { entries, signed_at: words::time(seen), age, origin, sound: true, ..unsound(http) })
}

fn unsound(http: &Http) -> Seal {
    Seal {
        entries: 0,
        signed_at: words::time(http.app().now()),
        age: words::age(0),
        origin: String::new(),
        href: format!("/log/{}/checkpoint", http.app().log_id()),
        sound: false,
    }
}

/// `/audit/{id}`
pub async fn event(State(http): State<Http>, Extension(who): Extension<Who>, Path(id): Path<i64>) -> Answer {
    let (principal, page) = (&who.session()?.principal, who.page());
    let entry = log::entry(http.app(), principal, id).await?;
    let row = one(&http, principal, id).await?;
    let visible = banks::visible(&http, principal).await?;
    let names = known(&http, principal, std::slice::from_ref(&row), banks::names(&visible)).await?;
    let mut event = show_row(&page, &names, &row);
    event.index = row.leaf_index.unwrap_or(0);
    let checkpoint = entry.proven.as_ref().map(|proven| proven.checkpoint.clone()).unwrap_or_default();
    Ok(show(&Event {
        shell: shell(&http, &who, Section::Audit).await?,
        event,
        fields: entry.view.into_iter().map(|field| (field.name, field.value)).collect(),
        leaf_hash: hex(&entry.leaf_hash.0),
        path: entry.proven.as_ref().map(rungs).unwrap_or_default(),
        root_hash: root(&checkpoint),
        seal: seal(&http).await?,
        checkpoint,
        leaf_bytes: hex(&entry.leaf),
        command: format!("bailee verify ledger {}/log/{}", http.options().public_url, http.app().log_id()),
        page,
    }))
}

async fn one(http: &Http, principal: &Principal, id: i64) -> Result<LogRow, Problem> {
    let which = ListLog { filter: LogFilter::default(), before: Some(id.saturating_add(1)), limit: 1 };
    let row = log::list(http.app(), principal, which).await?.rows.into_iter().next();
    row.filter(|row| row.id == id).ok_or_else(Problem::not_found)
}

/// The path with the side each sibling stands on (RFC 9162 §2.1.3.2).
fn rungs(proven: &Proven) -> Vec<Rung> {
    let (mut index, mut last) = (proven.index, proven.size.saturating_sub(1));
    let mut level = 0;
    let mut rungs = Vec::new();
    for hash in &proven.path {
        // Without a right sibling the node is carried up unchanged until it has one to its left.
        while index == last && index % 2 == 0 && last > 0 {
            (index, last, level) = (index / 2, last / 2, level + 1);
        }
        rungs.push(Rung { level, hash: hex(&hash.0), left: index % 2 == 1 });
        (index, last, level) = (index / 2, last / 2, level + 1);
    }
    rungs
}

/// The root a checkpoint signs, in hexadecimal.
fn root(checkpoint: &str) -> String {
    use base64::Engine as _;
    let line = checkpoint.lines().nth(2).unwrap_or_default();
    base64::engine::general_purpose::STANDARD.decode(line).map(|root| hex(&root)).unwrap_or_default()
}

/// `/audit.csv`
pub async fn csv(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    let rows = log::export(http.app(), &who.session()?.principal, filter(&query)).await?;
    Ok(file("text/csv; charset=utf-8", "custody-log.csv", export::csv(rows)))
}

/// `/audit.jsonl`
pub async fn json_lines(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Query(query): Query,
) -> Answer {
    let rows = log::export(http.app(), &who.session()?.principal, filter(&query)).await?;
    Ok(file("application/jsonl; charset=utf-8", "custody-log.jsonl", export::json_lines(rows)))
}

/// `/audit.jsonld`
pub async fn epcis(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    let document = log::epcis(http.app(), &who.session()?.principal, filter(&query)).await?;
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
    use bailee_audit::hash::Hash;

    fn sides(index: u64, size: u64, steps: usize) -> String {
        let path = vec![Hash([0; 32]); steps];
        let proven = Proven { index, size, path, checkpoint: String::new() };
        rungs(&proven)
            .iter()
            .map(|rung| if rung.left { format!("L{}", rung.level) } else { format!("R{}", rung.level) })
            .collect()
    }

    #[test]
    fn siblings_stand_where_the_tree_has_them() {
        assert_eq!(sides(0, 1, 0), "");
        assert_eq!(sides(0, 2, 1), "R0");
        assert_eq!(sides(3, 4, 2), "L0L1");
        assert_eq!(sides(2, 3, 1), "L1");
        assert_eq!(sides(6, 7, 2), "L1L2");
        assert_eq!(sides(4, 7, 3), "R0R1L2");
    }

    #[test]
    fn a_filter_takes_what_it_understands() {
        let query =
            Form::parse(b"from=2026-11-23T08:00&to=nonsense&kind=AccessRefused&compartment=4&result=alarm");
        let filter = filter(&query);
        assert_eq!(filter.from, Some(WallTime::from_unix_ms(1_795_420_800_000)));
        assert_eq!((filter.until, filter.compartment), (None, Some(CompartmentNo(4))));
        assert_eq!(filter.severity, Some(Severity::Alarm));
    }
}
