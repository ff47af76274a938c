//! The log in order of time, a page at a time, at a cost that does not grow with the log.
//!
//! Each filter leads to one or a few *lanes*: ranges of an index whose rows already stand in the order of the page. What no index
//! knows is tested on the rows of the lanes, of which a page looks at no more than [`MOST_SEEN`]; when they hold too few, the
//! page says how far it looked and the next one goes on from there. Start at [`explore`].

use std::fmt::Write as _;

use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, OrgId};
use bailee_domain::time::WallTime;

use super::place::{Position, Turn};
use super::select::{LogFilter, LogRow, named, severity_number};
use crate::app::AppError;
use crate::store::{EngineKind, Tx, Value};

/// Rows one page looks at when a filter has a part that no index knows.
pub const MOST_SEEN: u32 = 10_000;
/// Most banks of a reader that get a lane each; those with more are tested row by row.
const MOST_LANES: usize = 32;
const COLUMNS: &str =
    "event_id, at, kind, severity, bank, compartment, parcel, grant_id, person, done_by, actor";

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose log.
    pub org: OrgId,
    /// Which events.
    pub filter: &'a LogFilter,
    /// The banks whose events the reader may see; all without.
    pub banks: Option<&'a [BankId]>,
    /// Which page.
    pub turn: Turn,
    /// How many rows.
    pub limit: u32,
}

/// How a page ends in the direction it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing more matches.
    Nothing,
    /// More matches beyond this place.
    Beyond(Position),
    /// [`MOST_SEEN`] rows were looked at, up to this place; what lies beyond is not known.
    Unseen(Position),
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The rows, the newest first.
    pub rows: Vec<LogRow>,
    /// What lies beyond.
    pub rest: Rest,
}

/// One page of what matches.
///
/// # Errors
/// The store's.
pub async fn explore(tx: &Tx, asked: &Asked<'_>) -> Result<Found, AppError> {
    let Some(route) = Route::of(asked) else {
        return Ok(Found { rows: Vec::new(), rest: Rest::Nothing });
    };
    let horizon = horizon(tx, asked, &route).await?;
    let wanted = asked.limit.saturating_add(1);
    let Statement { sql, values } = page(asked, &route, horizon, wanted);
    let mut rows: Vec<LogRow> =
        tx.query(&sql, &values).await?.iter().map(LogRow::read).collect::<Result<_, _>>()?;
    let full = rows.len() > asked.limit as usize;
    rows.truncate(asked.limit as usize);
    let last = rows.last().map(|row| Position { at: row.line.at, id: row.id });
    let rest = match (full, last, horizon) {
        (true, Some(last), _) => Rest::Beyond(last),
        (_, _, Some(horizon)) => Rest::Unseen(horizon),
        _ => Rest::Nothing,
    };
    if matches!(asked.turn, Turn::Newer(_)) {
        rows.reverse();
    }
    Ok(Found { rows, rest })
}

/// How the engine would run the statements of a page, a line a step.
///
/// # Errors
/// The store's.
pub async fn explained(tx: &Tx, engine: EngineKind, asked: &Asked<'_>) -> Result<Vec<String>, AppError> {
    let Some(route) = Route::of(asked) else { return Ok(Vec::new()) };
    let (prefix, column) = match engine {
        EngineKind::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
        EngineKind::Postgres => ("EXPLAIN", "QUERY PLAN"),
    };
    let mut steps = Vec::new();
    for Statement { sql, values } in [page(asked, &route, None, asked.limit), ends(asked, &route)] {
        for row in tx.query(&format!("{prefix} {sql}"), &values).await? {
            steps.push(row.get(column)?);
        }
    }
    Ok(steps)
}

/// A test of one column, with `?` standing for the value.
#[derive(Clone)]
pub(super) struct Test(&'static str, Option<Value>);

/// How to come to the rows.
pub(super) struct Route {
    lanes: Vec<Vec<Test>>,
    tests: Vec<Test>,
    only: Option<Vec<Value>>,
}

/// A statement and its values.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Statement {
    const fn new() -> Self {
        Self { sql: String::new(), values: Vec::new() }
    }

    fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn test(&mut self, test: &Test) {
        let text = match &test.1 {
            Some(value) => {
                let place = self.place(value.clone());
                test.0.replace('?', &place)
            }
            None => test.0.to_owned(),
        };
        self.sql.push_str(&text);
    }
}

impl Route {
    /// The lanes that stand for most of a filter, and what is left to test; `None` when the reader may see nothing of it.
    pub(super) fn of(asked: &Asked<'_>) -> Option<Self> {
        let filter = asked.filter;
        if asked.banks.is_some_and(<[BankId]>::is_empty) {
            return None;
        }
        if let (Some(bank), Some(banks)) = (filter.bank, asked.banks)
            && !banks.contains(&bank)
        {
            return None;
        }
        let mut tests = Tests::of(filter);
        let mut only = asked.banks.filter(|_| filter.bank.is_none());
        let lanes = if let Some(parcel) = tests.parcel.take() {
            vec![vec![parcel]]
        } else if let Some((about, by)) = tests.person.take() {
            vec![vec![about], vec![by]]
        } else if let (Some(bank), Some(door)) = (&tests.bank, &tests.compartment) {
            let lane = vec![bank.clone(), door.clone()];
            (tests.bank, tests.compartment) = (None, None);
            vec![lane]
        } else if let Some(banks) = only.filter(|banks| banks.len() <= MOST_LANES) {
            only = None;
            banks.iter().map(|bank| vec![bank_is(*bank)]).collect()
        } else if let Some(severity) = tests.severity.take_if(|_| is_rare(filter)) {
            vec![vec![org(asked), severity]]
        } else if let Some(kind) = tests.kind.take() {
            vec![vec![org(asked), kind]]
        } else if let Some(bank) = tests.bank.take() {
            vec![vec![bank]]
        } else {
            vec![vec![org(asked)]]
        };
        let only = only.map(|banks| banks.iter().map(|bank| bank.to_string().into()).collect());
        Some(Self { lanes, tests: tests.left(), only })
    }

    /// Whether every row of the lanes matches.
    fn is_exact(&self) -> bool {
        self.tests.is_empty() && self.only.is_none()
    }

    /// Rows of each lane to look at for `wanted` that match.
    fn seen(&self, wanted: u32) -> u32 {
        let each = MOST_SEEN / u32::try_from(self.lanes.len()).unwrap_or(1).max(1);
        if self.is_exact() { wanted } else { each.max(wanted) }
    }
}

fn org(asked: &Asked<'_>) -> Test {
    Test("org = (SELECT id FROM log_name WHERE name = ?)", Some(asked.org.to_string().into()))
}

/// Whether its severity leads to fewer events than its kind.
fn is_rare(filter: &LogFilter) -> bool {
    filter.severity == Some(Severity::Alarm) || filter.kind.is_none()
}

fn bank_is(bank: BankId) -> Test {
    Test("bank = (SELECT id FROM log_name WHERE name = ?)", Some(bank.to_string().into()))
}

/// The tests of a filter, but for the time, until a lane takes them.
struct Tests {
    kind: Option<Test>,
    bank: Option<Test>,
    compartment: Option<Test>,
    parcel: Option<Test>,
    person: Option<(Test, Test)>,
    severity: Option<Test>,
}

impl Tests {
    fn of(filter: &LogFilter) -> Self {
        let person = filter.person.map(|id| Value::from(id.to_string()));
        // Literal, so that both engines see that the partial indexes hold these rows.
        let severity = match filter.severity.map(severity_number) {
            None | Some(0) => None,
            Some(1) => Some("severity > 0"),
            Some(_) => Some("severity = 2"),
        };
        Self {
            kind: filter
                .kind
                .as_deref()
                .map(|kind| Test("kind = (SELECT id FROM log_name WHERE name = ?)", Some(kind.into()))),
            bank: filter.bank.map(bank_is),
            compartment: filter.compartment.map(|door| Test("compartment = ?", Some(door.0.into()))),
            parcel: filter.parcel.map(|id| {
                Test("parcel = (SELECT id FROM log_name WHERE name = ?)", Some(id.to_string().into()))
            }),
            person: person.map(|id| {
                let by = Test("done_by = (SELECT id FROM log_name WHERE name = ?)", Some(id.clone()));
                (Test("person = (SELECT id FROM log_name WHERE name = ?)", Some(id)), by)
            }),
            severity: severity.map(|text| Test(text, None)),
        }
    }

    fn left(self) -> Vec<Test> {
        // Who goes with a parcel or a door is tested in one piece.
        let person = self
            .person
            .map(|(about, _)| Test("(SELECT id FROM log_name WHERE name = ?) IN (person, done_by)", about.1));
        [self.kind, self.bank, self.compartment, self.parcel, person, self.severity]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The rows of the lanes, `each` of every one.
fn lanes(out: &mut Statement, asked: &Asked<'_>, route: &Route, each: u32) {
    let direction = asked.turn.direction();
    for (number, lane) in route.lanes.iter().enumerate() {
        let union = if number > 0 { " UNION " } else { "" };
        let _ = write!(out.sql, "{union}SELECT * FROM (SELECT org, {COLUMNS} FROM log_index WHERE ");
        range(out, asked, lane);
        let _ =
            write!(out.sql, " ORDER BY at {direction}, event_id {direction} LIMIT {each}) AS lane{number}");
    }
}

/// The tests of a lane and the bounds of time and page.
fn range(out: &mut Statement, asked: &Asked<'_>, lane: &[Test]) {
    for (number, test) in lane.iter().enumerate() {
        out.sql.push_str(if number > 0 { " AND " } else { "" });
        out.test(test);
    }
    let start = |at: WallTime| Position { at, id: 0 };
    let (mut low, mut high) = (asked.filter.from.map(start), asked.filter.until.map(start));
    match asked.turn {
        Turn::Newest => {}
        Turn::Older(place) => high = Some(high.map_or(place, |high| high.min(place))),
        Turn::Newer(place) => {
            let after = Position { id: place.id.saturating_add(1), ..place };
            low = Some(low.map_or(after, |low| low.max(after)));
        }
    }
    bound(out, ">=", low);
    bound(out, "<", high);
}

fn bound(out: &mut Statement, sign: &str, place: Option<Position>) {
    let Some(Position { at, id }) = place else { return };
    let (at, id) = (out.place(at.unix_ms().into()), out.place(id.into()));
    let _ = write!(out.sql, " AND (at, event_id) {sign} ({at}, {id})");
}

/// The rows that match, at most `wanted`, no further than the horizon.
pub(super) fn matching(
    asked: &Asked<'_>,
    route: &Route,
    horizon: Option<Position>,
    wanted: u32,
) -> Statement {
    let mut out = Statement::new();
    let direction = asked.turn.direction();
    let _ = write!(out.sql, "SELECT {COLUMNS} FROM (");
    lanes(&mut out, asked, route, route.seen(wanted));
    out.sql.push_str(") AS seen WHERE ");
    // Not in the lanes: there it would tempt an engine to walk the whole organisation instead of one parcel.
    out.test(&org(asked));
    for test in &route.tests {
        out.sql.push_str(" AND ");
        out.test(test);
    }
    if let Some(banks) = &route.only {
        let places: Vec<String> = banks.iter().map(|bank| out.place(bank.clone())).collect();
        let _ =
            write!(out.sql, " AND bank IN (SELECT id FROM log_name WHERE name IN ({}))", places.join(", "));
    }
    bound(&mut out, if direction == "DESC" { ">=" } else { "<=" }, horizon);
    let _ = write!(out.sql, " ORDER BY at {direction}, event_id {direction} LIMIT {wanted}");
    out
}

fn page(asked: &Asked<'_>, route: &Route, horizon: Option<Position>, wanted: u32) -> Statement {
    let Statement { sql, values } = matching(asked, route, horizon, wanted);
    let direction = asked.turn.direction();
    let sql = format!(
        "SELECT {}, event.leaf_index FROM ({sql}) AS page JOIN event ON event.id = page.event_id
        ORDER BY page.at {direction}, page.event_id {direction}",
        named("page")
    );
    Statement { sql, values }
}

/// The last row each lane looks at, for those that have more.
fn ends(asked: &Asked<'_>, route: &Route) -> Statement {
    let mut out = Statement::new();
    let (direction, skip) = (asked.turn.direction(), route.seen(asked.limit).saturating_sub(1));
    for (number, lane) in route.lanes.iter().enumerate() {
        let union = if number > 0 { " UNION ALL " } else { "" };
        let _ = write!(out.sql, "{union}SELECT at, event_id FROM (SELECT at, event_id FROM log_index WHERE ");
        range(&mut out, asked, lane);
        let _ = write!(
            out.sql,
            " ORDER BY at {direction}, event_id {direction} LIMIT 1 OFFSET {skip}) AS lane{number}"
        );
    }
    out
}

/// How far the lanes can be trusted to be complete; `None` when they reach their ends.
pub(super) async fn horizon(tx: &Tx, asked: &Asked<'_>, route: &Route) -> Result<Option<Position>, AppError> {
    if route.is_exact() {
        return Ok(None);
    }
    let Statement { sql, values } = ends(asked, route);
    let read = |row: &crate::store::Row| -> Result<Position, AppError> {
        Ok(Position { at: WallTime::from_unix_ms(row.get("at")?), id: row.get("event_id")? })
    };
    let ends: Vec<Position> = tx.query(&sql, &values).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(if asked.turn.direction() == "DESC" { ends.into_iter().max() } else { ends.into_iter().min() })
}
