//! The ledger's SQL: rows in, rows out, nothing decided.

use bailee_audit::hash::{Hash, TreeHead};

use super::{LedgerError, LogId, column};
use crate::{
    params,
    store::{Row, StoreError, Tx, Value},
};

/// What the store knows of a log: how far its events are marked with their leaves.
#[derive(Clone)]
pub(super) struct LogRow {
    pub org: String,
    pub origin: String,
    pub head: TreeHead,
}

const LOG_COLUMNS: &str = "org, origin, size, root";

impl LogRow {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.get("org")?,
            origin: row.get("origin")?,
            head: TreeHead { size: row.get("size")?, root: Hash(row.get("root")?) },
        })
    }
}

/// An event that is to become an entry.
#[derive(Clone)]
pub(super) struct PendingRow {
    pub id: i64,
    pub bytes: Vec<u8>,
}

pub(super) async fn log(tx: &Tx, log: &LogId) -> Result<Option<LogRow>, LedgerError> {
    let sql = format!("SELECT {LOG_COLUMNS} FROM ledger WHERE log_id = $1");
    let row = tx.query_opt(&sql, params![log.as_str()]).await?;
    Ok(row.as_ref().map(LogRow::read).transpose()?)
}

/// Makes the row of a log.
pub(super) async fn insert_log(tx: &Tx, log: &LogId, row: &LogRow, now_ms: i64) -> Result<(), LedgerError> {
    let sql = "INSERT INTO ledger (log_id, org, origin, size, root, checkpoint, signed_at, cas)
        VALUES ($1, $2, $3, $4, $5, '', $6, 0) ON CONFLICT (log_id) DO NOTHING";
    let (size, root) = (column(row.head.size)?, row.head.root.0);
    tx.exec(sql, params![log.as_str(), &row.org, &row.origin, size, root, now_ms]).await?;
    Ok(())
}

/// Moves a log's row on if it is where it was read; returns whether it was.
pub(super) async fn move_head(
    tx: &Tx,
    log: &LogId,
    from: &TreeHead,
    to: &TreeHead,
    now_ms: i64,
) -> Result<bool, LedgerError> {
    let sql = "UPDATE ledger SET size = $1, root = $2, signed_at = $3, cas = cas + 1
        WHERE log_id = $4 AND size = $5 AND root = $6";
    let values = params![column(to.size)?, to.root.0, now_ms, log.as_str(), column(from.size)?, from.root.0];
    Ok(tx.exec(sql, values).await? == 1)
}

pub(super) async fn pending(tx: &Tx, org: &str, most: usize) -> Result<Vec<PendingRow>, LedgerError> {
    // CROSS: from the few bytes that wait to their events, never the other way round.
    let sql = "SELECT event_bytes.event AS id, event_bytes.bytes FROM event_bytes CROSS JOIN event
        WHERE event.id = event_bytes.event AND event.org = (SELECT id FROM log_name WHERE name = $1)
            AND event.leaf_index IS NULL
        ORDER BY event_bytes.event LIMIT $2";
    let rows = tx.query(sql, params![org, column(most as u64)?]).await?;
    let read = |row: &Row| Ok(PendingRow { id: row.get("id")?, bytes: row.get("bytes")? });
    rows.iter().map(read).collect()
}

/// Bytes of the events that have the leaves from `from` on, in that order, with their leaf, as far as they are still here.
pub(super) async fn marked(
    tx: &Tx,
    org: &str,
    from: u64,
    to: u64,
) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
    let sql = "SELECT event.leaf_index, event_bytes.bytes FROM event JOIN event_bytes ON event_bytes.event = event.id
        WHERE event.org = (SELECT id FROM log_name WHERE name = $1) AND event.leaf_index >= $2 AND event.leaf_index < $3
        ORDER BY event.leaf_index";
    let rows = tx.query(sql, params![org, column(from)?, column(to)?]).await?;
    rows.iter().map(|row| Ok((row.get("leaf_index")?, row.get("bytes")?))).collect()
}

/// Drops bytes of events that have a leaf, of so many events at most; returns how many it were.
pub(super) async fn shed(tx: &Tx, org: &str, most: usize) -> Result<u64, LedgerError> {
    let sql = "DELETE FROM event_bytes WHERE event IN (
        SELECT event_bytes.event FROM event_bytes CROSS JOIN event
        WHERE event.id = event_bytes.event AND event.org = (SELECT id FROM log_name WHERE name = $1)
            AND event.leaf_index IS NOT NULL
        ORDER BY event_bytes.event LIMIT $2)";
    Ok(tx.exec(sql, params![org, column(most as u64)?]).await?)
}

/// Gives these events the leaves from `from` on and drops their bytes; returns how many had no leaf.
///
/// By id, not by "all pending up to": an event of a smaller id may become visible between two statements.
pub(super) async fn mark_sequenced(tx: &Tx, ids: &[i64], from: u64) -> Result<u64, LedgerError> {
    let mut marked = 0;
    let mut next = from;
    let mut rest = ids;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(few_sizes(rest.len()));
        let mut values: Vec<Value> = Vec::new();
        for (id, leaf) in now.iter().zip(next..) {
            values.extend([(*id).into(), column(leaf)?.into()]);
        }
        let pair =
            |row: usize| format!("(CAST(${} AS BIGINT), CAST(${} AS BIGINT))", 2 * row + 1, 2 * row + 2);
        let pairs: Vec<String> = (0..now.len()).map(pair).collect();
        let sql = format!(
            "UPDATE event SET leaf_index = taken.column2 FROM (VALUES {}) AS taken
             WHERE event.id = taken.column1 AND event.leaf_index IS NULL",
            pairs.join(", ")
        );
        marked += tx.exec(&sql, &values).await?;
        let ids: Vec<Value> = now.iter().map(|id| Value::from(*id)).collect();
        let places: Vec<String> = (1..=now.len()).map(|place| format!("${place}")).collect();
        tx.exec(&format!("DELETE FROM event_bytes WHERE event IN ({})", places.join(", ")), &ids).await?;
        next += now.len() as u64;
        rest = later;
    }
    Ok(marked)
}

/// How many of `left` rows to put into one statement: powers of two, so that few different ones are ever prepared.
fn few_sizes(left: usize) -> usize {
    1 << left.ilog2().min(7)
}
