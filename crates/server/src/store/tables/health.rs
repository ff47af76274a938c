//! `bank.status`, `bank_health` and `bank_finding`: the latest report of a bank, its last thirty days, and what stands.

use bailee_domain::id::BankId;
use bailee_domain::time::WallTime;

use super::column::{time, time_opt};
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// Keeps a bank's latest report.
///
/// # Errors
/// The store's.
pub async fn put_report(tx: &Tx, bank: BankId, report: &[u8], at: WallTime) -> Result<(), StoreError> {
    let sql = "UPDATE bank SET status = $2, status_at = $3 WHERE id = $1";
    tx.exec(sql, params![bank.to_string(), report, at.unix_ms()]).await.map(drop)
}

/// A bank's latest report and when it came.
///
/// # Errors
/// The store's.
pub async fn report(tx: &Tx, bank: BankId) -> Result<Option<(Vec<u8>, WallTime)>, StoreError> {
    let sql = "SELECT status, status_at FROM bank WHERE id = $1";
    let Some(row) = tx.query_opt(sql, params![bank.to_string()]).await? else { return Ok(None) };
    Ok(row.get::<Option<Vec<u8>>>("status")?.zip(time_opt(&row, "status_at")?))
}

/// The worst of an hour; nothing where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Hours since 1970.
    pub hour: i64,
    /// Least room on the disk, in megabytes.
    pub disk_free: Option<i64>,
    /// Highest temperature, in thousandths of a degree.
    pub temperature: Option<i64>,
    /// Lowest voltage, in millivolts.
    pub millivolts: Option<i64>,
    /// Least charge, in percent.
    pub charge: Option<i64>,
    /// Furthest the clock was off, in milliseconds.
    pub clock_off: Option<i64>,
    /// Most failed requests in a million.
    pub failed_ppm: Option<i64>,
    /// Longest usual time from pulse to open, in milliseconds.
    pub open_ms: Option<i64>,
    /// Most events waiting.
    pub backlog: Option<i64>,
}

impl Hour {
    /// The worse of two looks within one hour.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let most = |a: Option<i64>, b: Option<i64>| a.max(b);
        let least = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        Self {
            hour: self.hour,
            disk_free: least(self.disk_free, other.disk_free),
            temperature: most(self.temperature, other.temperature),
            millivolts: least(self.millivolts, other.millivolts),
            charge: least(self.charge, other.charge),
            clock_off: most(self.clock_off, other.clock_off),
            failed_ppm: most(self.failed_ppm, other.failed_ppm),
            open_ms: most(self.open_ms, other.open_ms),
            backlog: most(self.backlog, other.backlog),
        }
    }
}

const HOUR: &str =
    "hour, disk_free, temperature, millivolts, charge, clock_off, failed_ppm, open_ms, backlog";

/// Adds a look to its hour, and forgets hours before `oldest`.
///
/// # Errors
/// The store's.
pub async fn add(tx: &Tx, bank: BankId, look: Hour, oldest: i64) -> Result<(), StoreError> {
    let sql = format!("SELECT {HOUR} FROM bank_health WHERE bank = $1 AND hour = $2");
    let before = tx.query_opt(&sql, params![bank.to_string(), look.hour]).await?;
    let Hour { hour, disk_free, temperature, millivolts, charge, clock_off, failed_ppm, open_ms, backlog } =
        before.map(|row| read(&row)).transpose()?.map_or(look, |before| before.worse(look));
    let sql = format!(
        "INSERT INTO bank_health (bank, {HOUR}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (bank, hour) DO UPDATE SET disk_free = excluded.disk_free, temperature = excluded.temperature,
         millivolts = excluded.millivolts, charge = excluded.charge, clock_off = excluded.clock_off,
         failed_ppm = excluded.failed_ppm, open_ms = excluded.open_ms, backlog = excluded.backlog"
    );
    let values = params![
        bank.to_string(),
        hour,
        disk_free,
        temperature,
        millivolts,
        charge,
        clock_off,
        failed_ppm,
        open_ms,
        backlog
    ];
    tx.exec(&sql, values).await?;
    let sql = "DELETE FROM bank_health WHERE bank = $1 AND hour < $2";
    tx.exec(sql, params![bank.to_string(), oldest]).await.map(drop)
}

/// A bank's hours from `oldest` on, oldest first.
///
/// # Errors
/// The store's.
pub async fn hours(tx: &Tx, bank: BankId, oldest: i64) -> Result<Vec<Hour>, StoreError> {
    let sql = format!("SELECT {HOUR} FROM bank_health WHERE bank = $1 AND hour >= $2 ORDER BY hour");
    tx.query(&sql, params![bank.to_string(), oldest]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Hour, StoreError> {
    Ok(Hour {
        hour: row.get("hour")?,
        disk_free: row.get("disk_free")?,
        temperature: row.get("temperature")?,
        millivolts: row.get("millivolts")?,
        charge: row.get("charge")?,
        clock_off: row.get("clock_off")?,
        failed_ppm: row.get("failed_ppm")?,
        open_ms: row.get("open_ms")?,
        backlog: row.get("backlog")?,
    })
}

/// Something that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRow {
    /// What it is about.
    pub matter: String,
    /// Which of them.
    pub number: u16,
    /// The stable name of the reason.
    pub why: String,
    /// Since when.
    pub since: WallTime,
    /// When it was last found.
    pub seen: WallTime,
    /// The kind of alert that was raised for it.
    pub alert: Option<String>,
}

/// What stands at a bank.
///
/// # Errors
/// The store's.
pub async fn findings(tx: &Tx, bank: BankId) -> Result<Vec<FindingRow>, StoreError> {
    let sql = "SELECT matter, number, why, since, seen, alert FROM bank_finding WHERE bank = $1
        ORDER BY matter, number, why";
    let read = |row: &Row| {
        Ok(FindingRow {
            matter: row.get("matter")?,
            number: row.get("number")?,
            why: row.get("why")?,
            since: time(row, "since")?,
            seen: time(row, "seen")?,
            alert: row.get("alert")?,
        })
    };
    tx.query(sql, params![bank.to_string()]).await?.iter().map(read).collect()
}

/// Notes that something stands.
///
/// # Errors
/// The store's.
pub async fn put_finding(tx: &Tx, bank: BankId, row: &FindingRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO bank_finding (bank, matter, number, why, since, seen, alert)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (bank, matter, number, why) DO UPDATE SET seen = excluded.seen, alert = excluded.alert";
    let values = params![
        bank.to_string(),
        &row.matter,
        row.number,
        &row.why,
        row.since.unix_ms(),
        row.seen.unix_ms(),
        row.alert.clone(),
    ];
    tx.exec(sql, values).await.map(drop)
}

/// Forgets what is over.
///
/// # Errors
/// The store's.
pub async fn drop_finding(tx: &Tx, bank: BankId, row: &FindingRow) -> Result<(), StoreError> {
    let sql = "DELETE FROM bank_finding WHERE bank = $1 AND matter = $2 AND number = $3 AND why = $4";
    tx.exec(sql, params![bank.to_string(), &row.matter, row.number, &row.why]).await.map(drop)
}
