//! `alert`: what needs somebody's attention.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId, OrgId, SiteId};
use bailee_domain::time::WallTime;

use super::alarm::About;
use super::column::{parsed, parsed_opt, time, time_opt};
use crate::params;
use crate::store::{Row, StoreError, Tx, Value};

/// An alert, with where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Its id.
    pub id: AlertId,
    /// What it is about.
    pub about: About,
    /// What that is called: the bank's name, or that of the witness's key.
    pub name: String,
    /// The bank's site.
    pub site: Option<SiteId>,
    /// What is wrong.
    pub kind: String,
    /// Which door, if it is about one.
    pub compartment: Option<u16>,
    /// The bank's event that raised it.
    pub event_seq: Option<u64>,
    /// Since when.
    pub at: WallTime,
    /// How often it was seen while nobody had acknowledged it.
    pub times: u32,
    /// When it was last seen.
    pub last_at: WallTime,
    /// Who acknowledged it, as in the log.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<WallTime>,
}

/// Whose alerts somebody may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Those about these banks.
    pub banks: Vec<BankId>,
    /// And those about no bank.
    pub witnesses: Witnesses,
}

/// Whether alerts about witnesses that are no banks are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witnesses {
    /// They are.
    Included,
    /// They are not.
    Left,
}

/// Which alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertFilter {
    /// Those nobody has acknowledged.
    Open,
    /// All of them.
    All,
}

const SELECT: &str =
    "SELECT a.id, a.bank, a.witness, COALESCE(b.name, a.witness) AS name, b.site, a.kind, a.compartment, a.event_seq, a.at,
       a.times, COALESCE(a.last_at, a.at) AS last_at, a.acknowledged_by, a.acknowledged_at
       FROM alert a LEFT JOIN bank b ON b.id = a.bank";

/// The banks of an organisation with their sites.
///
/// # Errors
/// The store's.
pub async fn banks(tx: &Tx, org: OrgId) -> Result<Vec<(BankId, SiteId)>, StoreError> {
    let rows =
        tx.query("SELECT id, site FROM bank WHERE org = $1 ORDER BY id", params![org.to_string()]).await?;
    rows.iter().map(|row| Ok((parsed(row, "id")?, parsed(row, "site")?))).collect()
}

/// Alerts within reach, newest first, before the one named.
///
/// # Errors
/// The store's.
pub async fn newest(
    tx: &Tx,
    (org, reach): (OrgId, &Reach),
    filter: AlertFilter,
    before: Option<AlertId>,
    most: u32,
) -> Result<Vec<AlertRow>, StoreError> {
    // Above every id: ids are lower-case base32.
    let before = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let mut values = vec![Value::from(org.to_string()), Value::from(before), Value::from(most)];
    let within = within(&mut values, reach);
    let open = match filter {
        AlertFilter::Open => "AND a.state = 'open'",
        AlertFilter::All => "",
    };
    let sql =
        format!("{SELECT} WHERE a.org = $1 AND {within} AND a.id < $2 {open} ORDER BY a.id DESC LIMIT $3");
    tx.query(&sql, &values).await?.iter().map(read).collect()
}

/// How many alerts within reach nobody has acknowledged.
///
/// # Errors
/// The store's.
pub async fn count_open(tx: &Tx, org: OrgId, reach: &Reach) -> Result<u32, StoreError> {
    let mut values = vec![Value::from(org.to_string())];
    let within = within(&mut values, reach);
    let sql = format!("SELECT COUNT(*) FROM alert a WHERE a.org = $1 AND {within} AND a.state = 'open'");
    tx.query_one(&sql, &values).await?.get(0)
}

/// One alert.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, id: AlertId) -> Result<Option<AlertRow>, StoreError> {
    let sql = format!("{SELECT} WHERE a.org = $1 AND a.id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// Notes who has seen to it; tells whether nobody had before.
///
/// # Errors
/// The store's.
pub async fn acknowledge(tx: &Tx, id: AlertId, by: &str, at: WallTime) -> Result<bool, StoreError> {
    let sql = "UPDATE alert SET state = 'acknowledged', acknowledged_by = $2, acknowledged_at = $3
         WHERE id = $1 AND state = 'open'";
    Ok(tx.exec(sql, params![id.to_string(), by, at.unix_ms()]).await? == 1)
}

/// Takes the open alerts of a kind and a door back, because what they are about is over; returns them.
///
/// # Errors
/// The store's.
pub async fn clear(
    tx: &Tx,
    bank: BankId,
    kind: &str,
    compartment: Option<CompartmentNo>,
    at: WallTime,
) -> Result<Vec<AlertId>, StoreError> {
    let sql = "UPDATE alert SET state = 'acknowledged', acknowledged_by = 'platform', acknowledged_at = $4
         WHERE bank = $1 AND kind = $2 AND COALESCE(compartment, -1) = $3 AND state = 'open' RETURNING id";
    let door = compartment.map_or(-1, |compartment| i64::from(compartment.0));
    let values = params![bank.to_string(), kind, door, at.unix_ms()];
    tx.query(sql, values).await?.iter().map(|row| parsed(row, "id")).collect()
}

fn within(values: &mut Vec<Value>, reach: &Reach) -> String {
    let first = values.len() + 1;
    values.extend(reach.banks.iter().map(|bank| Value::from(bank.to_string())));
    let places: Vec<String> = (first..=values.len()).map(|at| format!("${at}")).collect();
    // Neither engine takes an empty list; no alert is of the bank ''.
    let places = if places.is_empty() { "''".to_owned() } else { places.join(", ") };
    match reach.witnesses {
        Witnesses::Included => format!("(a.bank IN ({places}) OR a.bank IS NULL)"),
        Witnesses::Left => format!("a.bank IN ({places})"),
    }
}

fn read(row: &Row) -> Result<AlertRow, StoreError> {
    let about = match parsed_opt(row, "bank")? {
        Some(bank) => About::Bank(bank),
        None => About::Witness(row.get("witness")?),
    };
    Ok(AlertRow {
        id: parsed(row, "id")?,
        about,
        name: row.get("name")?,
        site: parsed_opt(row, "site")?,
        kind: row.get("kind")?,
        compartment: row.get("compartment")?,
        event_seq: row.get("event_seq")?,
        at: time(row, "at")?,
        times: row.get("times")?,
        last_at: time(row, "last_at")?,
        acknowledged_by: row.get("acknowledged_by")?,
        acknowledged_at: time_opt(row, "acknowledged_at")?,
    })
}
