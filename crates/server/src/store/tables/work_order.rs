//! `work_order`: who may open which doors of a bank from when until when, and how far each order has come.

use std::collections::BTreeSet;

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, OrgId, PersonId, WorkOrderId};
use bailee_domain::time::WallTime;

use super::{damaged, typed};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// A work order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkOrderRow {
    /// Its id.
    pub id: WorkOrderId,
    /// The bank.
    pub bank: BankId,
    /// Who may work.
    pub technician: PersonId,
    /// On which doors.
    pub doors: BTreeSet<CompartmentNo>,
    /// From when.
    pub begins: WallTime,
    /// Until when.
    pub expires: WallTime,
    /// Proves the code the technician was sent.
    pub verifier: Verifier,
    /// What is to be done, sealed.
    pub task: Vec<u8>,
    /// Who wrote it.
    pub written_by: String,
    /// When.
    pub written_at: WallTime,
    /// When the bank took it.
    pub sent_at: Option<WallTime>,
    /// Whether the bank refused it.
    pub refused: bool,
    /// What was done, sealed.
    pub note: Option<Vec<u8>>,
    /// Who closed it.
    pub ended_by: Option<String>,
    /// When.
    pub ended_at: Option<WallTime>,
    /// When the bank ended it.
    pub gone_at: Option<WallTime>,
    /// Whether it was noted that nobody closed it in time.
    pub overdue_noted: bool,
}

const COLUMNS: &str =
    "id, bank, technician, doors, begins_at, expires_at, salt, mac, task, written_by, written_at,
    sent_at, refused, note, ended_by, ended_at, gone_at, overdue_noted";

fn read(row: &Row) -> Result<WorkOrderRow, AppError> {
    let time = |column: &str| Ok::<_, AppError>(WallTime::from_unix_ms(row.get(column)?));
    let time_opt =
        |column: &str| Ok::<_, AppError>(row.get::<Option<i64>>(column)?.map(WallTime::from_unix_ms));
    let doors: String = row.get("doors")?;
    let doors: Option<BTreeSet<_>> =
        doors.split_whitespace().map(|door| door.parse().ok().map(CompartmentNo)).collect();
    Ok(WorkOrderRow {
        id: typed(row, "id")?,
        bank: typed(row, "bank")?,
        technician: typed(row, "technician")?,
        doors: doors.ok_or(damaged("doors"))?,
        begins: time("begins_at")?,
        expires: time("expires_at")?,
        verifier: Verifier { salt: row.get("salt")?, mac: row.get("mac")? },
        task: row.get("task")?,
        written_by: row.get("written_by")?,
        written_at: time("written_at")?,
        sent_at: time_opt("sent_at")?,
        refused: row.get::<i64>("refused")? != 0,
        note: row.get("note")?,
        ended_by: row.get("ended_by")?,
        ended_at: time_opt("ended_at")?,
        gone_at: time_opt("gone_at")?,
        overdue_noted: row.get::<i64>("overdue_noted")? != 0,
    })
}

/// Adds an order.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, row: &WorkOrderRow) -> Result<(), AppError> {
    let sql =
        "INSERT INTO work_order (id, org, bank, technician, doors, begins_at, expires_at, salt, mac, task,
        written_by, written_at, refused, overdue_noted)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0)";
    let doors: Vec<String> = row.doors.iter().map(|door| door.0.to_string()).collect();
    let values = params![
        row.id.to_string(),
        org.to_string(),
        row.bank.to_string(),
        row.technician.to_string(),
        doors.join(" "),
        row.begins.unix_ms(),
        row.expires.unix_ms(),
        row.verifier.salt,
        row.verifier.mac,
        &row.task,
        &row.written_by,
        row.written_at.unix_ms(),
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// One order.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, id: WorkOrderId) -> Result<Option<WorkOrderRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM work_order WHERE org = $1 AND id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// Orders of a bank, the newest first.
///
/// # Errors
/// The store's.
pub async fn of_bank(tx: &Tx, bank: BankId, limit: u32) -> Result<Vec<WorkOrderRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM work_order WHERE bank = $1 ORDER BY id DESC LIMIT $2");
    tx.query(&sql, params![bank.to_string(), limit]).await?.iter().map(read).collect()
}

/// Orders a bank has to be told something about, or that nobody has closed.
///
/// # Errors
/// The store's.
pub async fn open(tx: &Tx, org: OrgId, limit: u32) -> Result<Vec<WorkOrderRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM work_order WHERE org = $1 AND (ended_at IS NULL OR gone_at IS NULL)
         ORDER BY id LIMIT $2"
    );
    tx.query(&sql, params![org.to_string(), limit]).await?.iter().map(read).collect()
}

/// Notes that the bank took an order, or refused it.
///
/// # Errors
/// The store's.
pub async fn sent(tx: &Tx, id: WorkOrderId, taken: bool, at: WallTime) -> Result<(), AppError> {
    let sql = if taken {
        "UPDATE work_order SET sent_at = $2 WHERE id = $1 AND sent_at IS NULL"
    } else {
        "UPDATE work_order SET refused = 1, gone_at = $2 WHERE id = $1 AND sent_at IS NULL"
    };
    tx.exec(sql, params![id.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// Notes that the bank has ended an order.
///
/// # Errors
/// The store's.
pub async fn gone(tx: &Tx, id: WorkOrderId, at: WallTime) -> Result<(), AppError> {
    let sql = "UPDATE work_order SET gone_at = $2 WHERE id = $1 AND gone_at IS NULL";
    tx.exec(sql, params![id.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// Closes an order with what was done; tells whether it was open.
///
/// # Errors
/// The store's.
pub async fn end(tx: &Tx, id: WorkOrderId, note: &[u8], by: &str, at: WallTime) -> Result<bool, AppError> {
    let sql =
        "UPDATE work_order SET note = $2, ended_by = $3, ended_at = $4 WHERE id = $1 AND ended_at IS NULL";
    Ok(tx.exec(sql, params![id.to_string(), note.to_vec(), by, at.unix_ms()]).await? == 1)
}

/// Notes once that nobody closed an order in time; tells whether it was news.
///
/// # Errors
/// The store's.
pub async fn overdue(tx: &Tx, id: WorkOrderId) -> Result<bool, AppError> {
    let sql =
        "UPDATE work_order SET overdue_noted = 1 WHERE id = $1 AND overdue_noted = 0 AND ended_at IS NULL";
    Ok(tx.exec(sql, params![id.to_string()]).await? == 1)
}
