//! Lines of the log in the order the platform took them, for lists by position, exports and evidence.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, OrgId, ParcelId, PersonId};
use bailee_domain::time::WallTime;

use super::super::{Conditions, damaged, typed_opt};
use super::Indexed;
use crate::app::AppError;
use crate::store::names::{NUMBER, name_of};
use crate::store::{Row, Tx, Value};

/// Which events are asked for; what is `None` does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Not before this time.
    pub from: Option<WallTime>,
    /// Before this time.
    pub until: Option<WallTime>,
    /// Of this kind, such as `CompartmentOpened`.
    pub kind: Option<String>,
    /// From or about this bank.
    pub bank: Option<BankId>,
    /// About this compartment.
    pub compartment: Option<CompartmentNo>,
    /// About this parcel.
    pub parcel: Option<ParcelId>,
    /// About this person, or done by them.
    pub person: Option<PersonId>,
    /// At least this severe.
    pub severity: Option<Severity>,
}

/// In which order, and from where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOrder {
    /// Newest first, older than this row.
    NewestFirst {
        /// The last row of the page before.
        before: Option<i64>,
    },
    /// Oldest first, newer than the one row and up to the other.
    OldestFirst {
        /// The last row of the page before.
        after: i64,
        /// The last row of all.
        up_to: i64,
    },
}

/// One line of the log as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Names the event; also the cursor.
    pub id: i64,
    /// Its place in the custody log, once it has one.
    pub leaf_index: Option<u64>,
    /// What it is about.
    pub line: Indexed,
}

impl LogRow {
    pub(super) fn read(row: &Row) -> Result<Self, AppError> {
        Ok(Self { leaf_index: row.get("leaf_index")?, ..Self::without_leaf(row)? })
    }

    fn without_leaf(row: &Row) -> Result<Self, AppError> {
        let severity = severity_of(row)?;
        let line = Indexed {
            at: WallTime::from_unix_ms(row.get("at")?),
            kind: row.get("kind")?,
            severity,
            bank: typed_opt(row, "bank")?,
            compartment: row.get::<Option<u16>>("compartment")?.map(CompartmentNo),
            parcel: typed_opt(row, "parcel")?,
            grant: typed_opt(row, "grant_id")?,
            person: typed_opt(row, "person")?,
            actor: row.get::<Option<String>>("actor")?.unwrap_or_default(),
            message: None,
            alert: None,
        };
        Ok(Self { id: row.get("event_id")?, leaf_index: None, line })
    }
}

/// The columns of a line for [`LogRow::read`], with names in place of numbers.
pub(super) fn named(table: &str) -> String {
    let plain = |column: &str| format!("{table}.{column}");
    let name = |column: &str| format!("{} AS {column}", name_of(&plain(column)));
    let actor = format!("{} AS actor", name_of(&format!("COALESCE({table}.done_by, {table}.actor)")));
    let plain = ["event_id", "at", "severity", "compartment"].map(plain);
    let names = ["kind", "bank", "parcel", "grant_id", "person"].map(name);
    [&plain[..], &names[..], &[actor]].concat().join(", ")
}

pub(super) fn severity_of(row: &Row) -> Result<Severity, AppError> {
    match row.get::<i64>("severity")? {
        0 => Ok(Severity::Routine),
        1 => Ok(Severity::Notice),
        2 => Ok(Severity::Alarm),
        _ => Err(damaged("log_index.severity")),
    }
}

pub(super) const fn severity_number(severity: Severity) -> i64 {
    match severity {
        Severity::Routine => 0,
        Severity::Notice => 1,
        Severity::Alarm => 2,
    }
}

fn conditions(org: OrgId, filter: &LogFilter, order: LogOrder) -> Conditions {
    let mut only = Conditions::of(&format!("log_index.org = {NUMBER}"), org.to_string());
    let named = |column: &str| format!("log_index.{column} = {NUMBER}");
    let mut and = |test: &str, value: Option<Value>| {
        if let Some(value) = value {
            only.and(test, value);
        }
    };
    and("log_index.at >= ?", filter.from.map(|at| at.unix_ms().into()));
    and("log_index.at < ?", filter.until.map(|at| at.unix_ms().into()));
    and(&named("kind"), filter.kind.as_deref().map(Value::from));
    and(&named("bank"), filter.bank.map(|id| String::from(id).into()));
    and("log_index.compartment = ?", filter.compartment.map(|number| number.0.into()));
    and(&named("parcel"), filter.parcel.map(|id| String::from(id).into()));
    let person = filter.person.map(|id| String::from(id).into());
    and(&format!("({} OR {})", named("person"), named("done_by")), person);
    and("log_index.severity >= ?", filter.severity.map(|severity| severity_number(severity).into()));
    match order {
        LogOrder::NewestFirst { before } => and("log_index.event_id < ?", before.map(Value::from)),
        LogOrder::OldestFirst { after, up_to } => {
            and("log_index.event_id > ?", Some(after.into()));
            and("log_index.event_id <= ?", Some(up_to.into()));
        }
    }
    only
}

/// At most `limit` lines that pass the filter; with `banks`, only lines of those banks.
///
/// # Errors
/// The store's.
pub async fn list(
    tx: &Tx,
    org: OrgId,
    filter: &LogFilter,
    order: LogOrder,
    (banks, limit): (Option<&[BankId]>, u32),
) -> Result<Vec<LogRow>, AppError> {
    let mut only = conditions(org, filter, order);
    if let Some(banks) = banks {
        only.and_named("log_index.bank", banks.iter().map(|bank| bank.to_string().into()).collect());
    }
    let direction = if matches!(order, LogOrder::NewestFirst { .. }) { "DESC" } else { "ASC" };
    let limit = only.place(limit);
    let sql = format!(
        "SELECT {}, event.leaf_index FROM log_index JOIN event ON event.id = log_index.event_id
        WHERE {} ORDER BY log_index.event_id {direction} LIMIT {limit}",
        named("log_index"),
        only.text()
    );
    tx.query(&sql, only.values()).await?.iter().map(LogRow::read).collect()
}

/// How many lines pass the filter, and the last of them.
///
/// # Errors
/// The store's.
pub async fn extent(
    tx: &Tx,
    org: OrgId,
    filter: &LogFilter,
    banks: Option<&[BankId]>,
) -> Result<(u64, i64), AppError> {
    let mut only = conditions(org, filter, LogOrder::NewestFirst { before: None });
    if let Some(banks) = banks {
        only.and_named("log_index.bank", banks.iter().map(|bank| bank.to_string().into()).collect());
    }
    let sql =
        format!("SELECT COUNT(*) AS entries, MAX(event_id) AS last FROM log_index WHERE {}", only.text());
    let row = tx.query_one(&sql, only.values()).await?;
    Ok((row.get("entries")?, row.get::<Option<i64>>("last")?.unwrap_or(0)))
}
