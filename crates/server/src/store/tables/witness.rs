//! `witness`, `witness_round`, `cosignature`: who vouches for the log, and what they said.

use bailee_domain::id::BankId;
use bailee_domain::time::WallTime;

use super::column::{parsed_opt, time, time_opt};
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// One witness of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessRow {
    /// Name of its key.
    pub name: String,
    /// Its verifier key.
    pub vkey: String,
    /// The bank, unless it is a witness of others.
    pub bank: Option<BankId>,
    /// The entry of the log that names it, once there is one.
    pub named_at: Option<u64>,
    /// The size it last cosigned; 0 for none.
    pub size: u64,
    /// When it was last asked.
    pub asked_at: Option<WallTime>,
    /// When it last cosigned.
    pub cosigned_at: Option<WallTime>,
    /// Why it last refused; empty once it cosigned again.
    pub refusal: String,
    /// When it last refused.
    pub refused_at: Option<WallTime>,
    /// Since when it leaves questions unanswered.
    pub unanswered_since: Option<WallTime>,
}

/// A checkpoint witnesses are asked to cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundRow {
    /// Its size.
    pub size: u64,
    /// The note with the log's signature alone.
    pub checkpoint: String,
    /// Since when.
    pub opened_at: WallTime,
}

/// A cosignature of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignatureRow {
    /// Name of the key.
    pub name: String,
    /// The signature line, without its newline.
    pub line: String,
}

/// Rounds kept.
const MAX_ROUNDS: i64 = 64;

/// Every witness of a log, by name.
///
/// # Errors
/// The store's.
pub async fn all(tx: &Tx, log: &str) -> Result<Vec<WitnessRow>, StoreError> {
    let sql = "SELECT name, vkey, bank, event.leaf_index AS named_at, size, asked_at, cosigned_at, refusal, refused_at,
            unanswered_since
        FROM witness LEFT JOIN event ON event.id = witness.named_by
        WHERE log_id = $1 ORDER BY name";
    tx.query(sql, params![log]).await?.iter().map(read).collect()
}

/// The key of the witness of that name, and whether the log was told of it.
///
/// # Errors
/// The store's.
pub async fn known(tx: &Tx, log: &str, name: &str) -> Result<Option<(String, bool)>, StoreError> {
    let sql = "SELECT vkey, named_by FROM witness WHERE log_id = $1 AND name = $2";
    let read = |row: Row| Ok((row.get("vkey")?, row.get::<Option<i64>>("named_by")?.is_some()));
    tx.query_opt(sql, params![log, name]).await?.map(read).transpose()
}

/// Notes who a witness is and which event's row names it; one whose key changed starts over.
///
/// # Errors
/// The store's.
pub async fn put(
    tx: &Tx,
    log: &str,
    (name, vkey): (&str, &str),
    bank: Option<BankId>,
    named_by: i64,
) -> Result<(), StoreError> {
    tx.exec("DELETE FROM witness WHERE log_id = $1 AND name = $2 AND vkey <> $3", params![log, name, vkey])
        .await?;
    let sql = "INSERT INTO witness (log_id, name, vkey, bank, size, refusal, named_by) VALUES ($1, $2, $3, $4, 0, '', $5)
        ON CONFLICT (log_id, name) DO UPDATE SET named_by = excluded.named_by";
    tx.exec(sql, params![log, name, vkey, bank.map(String::from), named_by]).await?;
    Ok(())
}

/// Forgets a witness; what it cosigned stays with the checkpoints.
///
/// # Errors
/// The store's.
pub async fn remove(tx: &Tx, log: &str, name: &str) -> Result<(), StoreError> {
    tx.exec("DELETE FROM witness WHERE log_id = $1 AND name = $2", params![log, name]).await?;
    Ok(())
}

/// Notes that a witness is being asked; until it answers it owes one since the first question.
///
/// # Errors
/// The store's.
pub async fn asked(tx: &Tx, log: &str, name: &str, at: WallTime) -> Result<(), StoreError> {
    let sql = "UPDATE witness SET asked_at = $3, unanswered_since = COALESCE(unanswered_since, $3)
        WHERE log_id = $1 AND name = $2";
    tx.exec(sql, params![log, name, at.unix_ms()]).await?;
    Ok(())
}

/// Forgets that a witness owes an answer: nobody can reach it.
///
/// # Errors
/// The store's.
pub async fn unreached(tx: &Tx, log: &str, name: &str) -> Result<(), StoreError> {
    let sql = "UPDATE witness SET unanswered_since = NULL WHERE log_id = $1 AND name = $2";
    tx.exec(sql, params![log, name]).await?;
    Ok(())
}

/// Notes a cosignature of a round.
///
/// # Errors
/// The store's.
pub async fn cosigned(
    tx: &Tx,
    log: &str,
    size: u64,
    (row, time_s): (&CosignatureRow, u64),
    at: WallTime,
) -> Result<(), StoreError> {
    let size = column(size);
    let sql = "UPDATE witness SET size = $3, cosigned_at = $4, refusal = '', unanswered_since = NULL
        WHERE log_id = $1 AND name = $2";
    tx.exec(sql, params![log, row.name.as_str(), size, at.unix_ms()]).await?;
    let sql = "INSERT INTO cosignature (log_id, size, name, line, time) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (log_id, size, name) DO UPDATE SET line = excluded.line, time = excluded.time";
    tx.exec(sql, params![log, size, row.name.as_str(), row.line.as_str(), column(time_s)]).await?;
    Ok(())
}

/// Notes the size a witness says it last cosigned.
///
/// # Errors
/// The store's.
pub async fn stands_at(tx: &Tx, log: &str, name: &str, size: u64) -> Result<(), StoreError> {
    let sql = "UPDATE witness SET size = $3 WHERE log_id = $1 AND name = $2";
    tx.exec(sql, params![log, name, column(size)]).await?;
    Ok(())
}

/// Notes a refusal; tells whether it is news: the witness had not refused since it last cosigned.
///
/// # Errors
/// The store's.
pub async fn refused(tx: &Tx, log: &str, name: &str, why: &str, at: WallTime) -> Result<bool, StoreError> {
    let sql = "SELECT refusal FROM witness WHERE log_id = $1 AND name = $2";
    let Some(row) = tx.query_opt(sql, params![log, name]).await? else { return Ok(false) };
    let is_news = row.get::<String>("refusal")?.is_empty();
    let sql = "UPDATE witness SET refusal = $3, refused_at = $4, unanswered_since = NULL
        WHERE log_id = $1 AND name = $2";
    tx.exec(sql, params![log, name, why, at.unix_ms()]).await?;
    Ok(is_news)
}

/// The newest rounds, newest first.
///
/// # Errors
/// The store's.
pub async fn rounds(tx: &Tx, log: &str) -> Result<Vec<RoundRow>, StoreError> {
    let sql = "SELECT size, checkpoint, opened_at FROM witness_round WHERE log_id = $1
        ORDER BY size DESC LIMIT $2";
    tx.query(sql, params![log, MAX_ROUNDS]).await?.iter().map(read_round).collect()
}

/// Of the rounds that reach beyond an entry, the one most witnesses cosigned, the newest of these; `None` without a cosignature.
///
/// # Errors
/// The store's.
pub async fn best_round(tx: &Tx, log: &str, beyond: u64) -> Result<Option<RoundRow>, StoreError> {
    let sql = "SELECT r.size, r.checkpoint, r.opened_at FROM witness_round r
        JOIN cosignature c ON c.log_id = r.log_id AND c.size = r.size
        WHERE r.log_id = $1 AND r.size > $2 GROUP BY r.size, r.checkpoint, r.opened_at
        ORDER BY COUNT(*) DESC, r.size DESC LIMIT 1";
    tx.query_opt(sql, params![log, column(beyond)]).await?.as_ref().map(read_round).transpose()
}

/// Opens a round, and forgets what lies [`MAX_ROUNDS`] back. A round of the same size with another text is replaced, with
/// its cosignatures: they are of a tree this log no longer has.
///
/// # Errors
/// The store's.
pub async fn open_round(tx: &Tx, log: &str, round: &RoundRow) -> Result<(), StoreError> {
    let size = column(round.size);
    // What is at or beyond this size is of a log that was longer: the store was put back.
    for table in ["cosignature", "witness_round"] {
        let sql = format!("DELETE FROM {table} WHERE log_id = $1 AND size >= $2");
        tx.exec(&sql, params![log, size]).await?;
    }
    let sql = "INSERT INTO witness_round (log_id, size, checkpoint, opened_at) VALUES ($1, $2, $3, $4)";
    tx.exec(sql, params![log, size, round.checkpoint.as_str(), round.opened_at.unix_ms()]).await?;
    let sql = "SELECT size FROM witness_round WHERE log_id = $1 ORDER BY size DESC LIMIT 1 OFFSET $2";
    if let Some(row) = tx.query_opt(sql, params![log, MAX_ROUNDS]).await? {
        let last: i64 = row.get("size")?;
        for table in ["cosignature", "witness_round"] {
            let sql = format!("DELETE FROM {table} WHERE log_id = $1 AND size <= $2");
            tx.exec(&sql, params![log, last]).await?;
        }
    }
    Ok(())
}

/// The cosignatures of a round, by name.
///
/// # Errors
/// The store's.
pub async fn of_round(tx: &Tx, log: &str, size: u64) -> Result<Vec<CosignatureRow>, StoreError> {
    let sql = "SELECT name, line FROM cosignature WHERE log_id = $1 AND size = $2 ORDER BY name";
    let rows = tx.query(sql, params![log, column(size)]).await?;
    let read = |row: &Row| Ok(CosignatureRow { name: row.get("name")?, line: row.get("line")? });
    rows.iter().map(read).collect()
}

fn read_round(row: &Row) -> Result<RoundRow, StoreError> {
    Ok(RoundRow {
        size: row.get("size")?,
        checkpoint: row.get("checkpoint")?,
        opened_at: time(row, "opened_at")?,
    })
}

fn read(row: &Row) -> Result<WitnessRow, StoreError> {
    Ok(WitnessRow {
        name: row.get("name")?,
        vkey: row.get("vkey")?,
        bank: parsed_opt(row, "bank")?,
        named_at: row.get("named_at")?,
        size: row.get("size")?,
        asked_at: time_opt(row, "asked_at")?,
        cosigned_at: time_opt(row, "cosigned_at")?,
        refusal: row.get("refusal")?,
        refused_at: time_opt(row, "refused_at")?,
        unanswered_since: time_opt(row, "unanswered_since")?,
    })
}

/// The store's integers end at 2^63 - 1; no log or time is beyond.
fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
