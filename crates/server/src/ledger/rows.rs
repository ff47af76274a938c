//! The ledger's SQL: rows in, rows out, nothing decided.

use std::collections::BTreeMap;

use bailee_audit::{
    hash::{Hash, TreeHead},
    tile::{LEVELS, TILE_WIDTH, TileId},
};

use super::{LedgerError, LogId, column};
use crate::{
    params,
    store::{Row, StoreError, Tx, Value},
};

/// Stored tiles by name, as much of them as was fetched.
pub(super) type Tiles = BTreeMap<TileId, Vec<u8>>;

/// The row of a log.
pub(super) struct LogRow {
    pub org: String,
    pub origin: String,
    pub head: TreeHead,
    pub checkpoint: String,
    pub cas: i64,
}

const LOG_COLUMNS: &str = "org, origin, size, root, checkpoint, cas";

impl LogRow {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.get("org")?,
            origin: row.get("origin")?,
            head: TreeHead { size: row.get("size")?, root: Hash(row.get("root")?) },
            checkpoint: row.get("checkpoint")?,
            cas: row.get("cas")?,
        })
    }
}

/// An entry as it is stored.
pub(super) struct EntryRow {
    pub index: u64,
    pub bytes: Vec<u8>,
    pub leaf: Hash,
}

/// An event that is to become an entry.
pub(super) struct PendingRow {
    pub id: i64,
    pub bytes: Vec<u8>,
}

pub(super) async fn log(tx: &Tx, log: &LogId) -> Result<LogRow, LedgerError> {
    let sql = format!("SELECT {LOG_COLUMNS} FROM ledger WHERE log_id = $1");
    let row = tx.query_opt(&sql, params![log.as_str()]).await?;
    let row = row.ok_or_else(|| LedgerError::NoSuchLog(log.clone()))?;
    Ok(LogRow::read(&row)?)
}

/// Takes the log's row for this transaction: other sequencers wait, or collide and are run again.
pub(super) async fn lock_log(tx: &Tx, log: &LogId) -> Result<LogRow, LedgerError> {
    let sql = format!("UPDATE ledger SET cas = cas + 1 WHERE log_id = $1 RETURNING {LOG_COLUMNS}");
    let row = tx.query_opt(&sql, params![log.as_str()]).await?;
    let row = row.ok_or_else(|| LedgerError::NoSuchLog(log.clone()))?;
    Ok(LogRow::read(&row)?)
}

/// Makes a log unless its organisation or name has one; returns whether it did.
pub(super) async fn insert_log(tx: &Tx, log: &LogId, row: &LogRow, now_ms: i64) -> Result<bool, LedgerError> {
    let sql = "INSERT INTO ledger (log_id, org, origin, size, root, checkpoint, signed_at, cas)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (log_id) DO NOTHING";
    let (size, root) = (column(row.head.size)?, row.head.root.0);
    let values = params![log.as_str(), &row.org, &row.origin, size, root, &row.checkpoint, now_ms, row.cas];
    Ok(tx.exec(sql, values).await? == 1)
}

/// Moves a log on if it is where the run found it; returns whether it was.
pub(super) async fn swap_head(
    tx: &Tx,
    log: &LogId,
    found: &LogRow,
    next: &TreeHead,
    checkpoint: &str,
    now_ms: i64,
) -> Result<bool, LedgerError> {
    let sql = "UPDATE ledger SET size = $1, root = $2, checkpoint = $3, signed_at = $4
        WHERE log_id = $5 AND size = $6 AND root = $7 AND cas = $8";
    let (to, from) = (column(next.size)?, column(found.head.size)?);
    let values =
        params![to, next.root.0, checkpoint, now_ms, log.as_str(), from, found.head.root.0, found.cas];
    Ok(tx.exec(sql, values).await? == 1)
}

pub(super) async fn is_pending(tx: &Tx, log: &LogId) -> Result<bool, LedgerError> {
    let org = self::log(tx, log).await?.org;
    let sql = "SELECT id FROM event WHERE org = $1 AND leaf_index IS NULL LIMIT 1";
    Ok(tx.query_opt(sql, params![org]).await?.is_some())
}

pub(super) async fn pending(tx: &Tx, org: &str, most: usize) -> Result<Vec<PendingRow>, LedgerError> {
    let sql = "SELECT id, bytes FROM event WHERE org = $1 AND leaf_index IS NULL ORDER BY id LIMIT $2";
    let rows = tx.query(sql, params![org, column(most as u64)?]).await?;
    let read = |row: &Row| Ok(PendingRow { id: row.get("id")?, bytes: row.get("bytes")? });
    rows.iter().map(read).collect()
}

/// Gives these events the leaves from `from` on; returns how many had none.
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
        next += now.len() as u64;
        rest = later;
    }
    Ok(marked)
}

/// How many of `left` rows to put into one statement: powers of two, so that few different ones are ever prepared.
fn few_sizes(left: usize) -> usize {
    1 << left.ilog2().min(7)
}

/// Appends entries, many to a statement: on PostgreSQL a statement is a round trip.
pub(super) async fn insert_entries(tx: &Tx, log: &LogId, entries: &[EntryRow]) -> Result<(), LedgerError> {
    let mut rest = entries;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(few_sizes(rest.len()));
        let mut values = vec![Value::from(log.as_str())];
        for entry in now {
            values.extend([column(entry.index)?.into(), (&entry.bytes).into(), entry.leaf.0.into()]);
        }
        let places = (0..now.len()).map(|row| 2 + 3 * row);
        let places: Vec<String> = places.map(|at| format!("($1, ${at}, ${}, ${})", at + 1, at + 2)).collect();
        let sql =
            format!("INSERT INTO ledger_entry (log_id, idx, bytes, leaf_hash) VALUES {}", places.join(", "));
        tx.exec(&sql, &values).await?;
        rest = later;
    }
    Ok(())
}

/// Entries from `from` on, up to but not including `to`.
pub(super) async fn entries(tx: &Tx, log: &LogId, from: u64, to: u64) -> Result<Vec<EntryRow>, LedgerError> {
    let sql = "SELECT idx, bytes, leaf_hash FROM ledger_entry WHERE log_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
    let rows = tx.query(sql, params![log.as_str(), column(from)?, column(to)?]).await?;
    let read = |row: &Row| {
        Ok(EntryRow { index: row.get("idx")?, bytes: row.get("bytes")?, leaf: Hash(row.get("leaf_hash")?) })
    };
    rows.iter().map(read).collect()
}

/// The highest index of any entry.
pub(super) async fn last_entry(tx: &Tx, log: &LogId) -> Result<Option<u64>, LedgerError> {
    let sql = "SELECT idx FROM ledger_entry WHERE log_id = $1 ORDER BY idx DESC LIMIT 1";
    Ok(tx.query_opt(sql, params![log.as_str()]).await?.map(|row| row.get(0)).transpose()?)
}

/// Bytes of the events that point at these leaves, by leaf index.
pub(super) async fn events_at(
    tx: &Tx,
    org: &str,
    from: u64,
    to: u64,
) -> Result<BTreeMap<u64, Vec<u8>>, LedgerError> {
    let sql = "SELECT leaf_index, bytes FROM event WHERE org = $1 AND leaf_index >= $2 AND leaf_index < $3";
    let rows = tx.query(sql, params![org, column(from)?, column(to)?]).await?;
    rows.iter().map(|row| Ok((row.get("leaf_index")?, row.get("bytes")?))).collect()
}

pub(super) async fn put_tile(tx: &Tx, log: &LogId, id: TileId, bytes: &[u8]) -> Result<(), LedgerError> {
    let sql = "INSERT INTO ledger_tile (log_id, level, idx, bytes) VALUES ($1, $2, $3, $4)
        ON CONFLICT (log_id, level, idx) DO UPDATE SET bytes = excluded.bytes";
    tx.exec(sql, params![log.as_str(), id.level, column(id.index)?, bytes]).await?;
    Ok(())
}

/// A tile's present bytes; none when it is not stored.
pub(super) async fn tile(tx: &Tx, log: &LogId, id: TileId) -> Result<Vec<u8>, LedgerError> {
    let sql = "SELECT bytes FROM ledger_tile WHERE log_id = $1 AND level = $2 AND idx = $3";
    let row = tx.query_opt(sql, params![log.as_str(), id.level, column(id.index)?]).await?;
    Ok(row.map(|row| row.get(0)).transpose()?.unwrap_or_default())
}

/// The tiles a tree of that size is still filling: one per level at most.
pub(super) async fn edge_tiles(tx: &Tx, log: &LogId, size: u64) -> Result<Tiles, LedgerError> {
    let mut tiles = Tiles::new();
    for (id, _) in (0..LEVELS).filter_map(|level| TileId::partial(level, size)) {
        tiles.insert(id, tile(tx, log, id).await?);
    }
    Ok(tiles)
}

/// First entry of the bundle that a tree of that size is still filling, or of the last full one.
pub(super) fn last_bundle_start(size: u64) -> u64 {
    size.saturating_sub(1) / u64::from(TILE_WIDTH) * u64::from(TILE_WIDTH)
}
