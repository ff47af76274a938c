//! `evidence_export` and `evidence_piece`: what evidence was asked for, how far it is, and the bundle in sealed pieces.

use bailee_domain::id::{EvidenceId, OrgId, PersonId};
use bailee_domain::time::WallTime;

use super::column::{parsed, time, time_opt};
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being made.
    Wanted,
    /// It can be fetched.
    Made,
    /// It could not be made.
    Failed,
    /// It was there and is not any more.
    Gone,
}

impl State {
    const ALL: [Self; 4] = [Self::Wanted, Self::Made, Self::Failed, Self::Gone];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Made => "made",
            Self::Failed => "failed",
            Self::Gone => "gone",
        }
    }
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// Its id.
    pub id: EvidenceId,
    /// Who asked, as in the log.
    pub asked_by: String,
    /// When.
    pub asked_at: WallTime,
    /// What and why, sealed.
    pub request: Vec<u8>,
    /// How far it is.
    pub state: State,
    /// Entries proved so far.
    pub done: u64,
    /// Entries to prove, once known.
    pub total: u64,
    /// Entries in the bundle.
    pub entries: Option<u64>,
    /// Its length.
    pub bytes: Option<u64>,
    /// Its SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// Why it failed.
    pub error: Option<String>,
    /// Until when it can be fetched.
    pub expires_at: Option<WallTime>,
}

const COLUMNS: &str =
    "id, asked_by, asked_at, request, state, done, total, entries, bytes, sha256, error, expires_at";

fn read(row: &Row) -> Result<EvidenceRow, StoreError> {
    let state: String = row.get("state")?;
    let state = State::ALL.into_iter().find(|it| it.name() == state);
    Ok(EvidenceRow {
        id: parsed(row, "id")?,
        asked_by: row.get("asked_by")?,
        asked_at: time(row, "asked_at")?,
        request: row.get("request")?,
        state: state
            .ok_or_else(|| StoreError::other("column state does not hold what it should".to_owned()))?,
        done: row.get("done")?,
        total: row.get("total")?,
        entries: row.get("entries")?,
        bytes: row.get("bytes")?,
        sha256: row.get("sha256")?,
        error: row.get("error")?,
        expires_at: time_opt(row, "expires_at")?,
    })
}

/// Adds an export that is wanted.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, row: &EvidenceRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO evidence_export (id, org, asked_by, asked_at, request, state, done, total)
        VALUES ($1, $2, $3, $4, $5, 'wanted', 0, 0)";
    let values =
        params![row.id.to_string(), org.to_string(), &row.asked_by, row.asked_at.unix_ms(), &row.request];
    tx.exec(sql, values).await?;
    Ok(())
}

/// One export.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, id: EvidenceId) -> Result<Option<EvidenceRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM evidence_export WHERE org = $1 AND id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// Exports, the newest first.
///
/// # Errors
/// The store's.
pub async fn newest(
    tx: &Tx,
    org: OrgId,
    before: Option<EvidenceId>,
    limit: u32,
) -> Result<Vec<EvidenceRow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM evidence_export WHERE org = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    let before = before.map_or_else(|| "evd_~".to_owned(), |id| id.to_string());
    tx.query(&sql, params![org.to_string(), before, limit]).await?.iter().map(read).collect()
}

/// The export that was wanted first and is not made.
///
/// # Errors
/// The store's.
pub async fn first_wanted(tx: &Tx, org: OrgId) -> Result<Option<EvidenceRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM evidence_export WHERE org = $1 AND state = 'wanted' ORDER BY id LIMIT 1"
    );
    tx.query_opt(&sql, params![org.to_string()]).await?.as_ref().map(read).transpose()
}

/// Exports that can be fetched no longer than until `now`.
///
/// # Errors
/// The store's.
pub async fn expired(tx: &Tx, org: OrgId, now: WallTime) -> Result<Vec<EvidenceId>, StoreError> {
    let sql =
        "SELECT id FROM evidence_export WHERE org = $1 AND state = 'made' AND expires_at <= $2 LIMIT 100";
    tx.query(sql, params![org.to_string(), now.unix_ms()])
        .await?
        .iter()
        .map(|row| parsed(row, "id"))
        .collect()
}

/// Notes how far it is.
///
/// # Errors
/// The store's.
pub async fn progress(tx: &Tx, id: EvidenceId, done: u64, total: u64) -> Result<(), StoreError> {
    let sql = "UPDATE evidence_export SET done = $2, total = $3 WHERE id = $1";
    tx.exec(sql, params![id.to_string(), number(done), number(total)]).await?;
    Ok(())
}

/// Notes that it can be fetched.
///
/// # Errors
/// The store's.
pub async fn made(
    tx: &Tx,
    id: EvidenceId,
    (entries, bytes, sha256): (u64, u64, [u8; 32]),
    expires_at: WallTime,
) -> Result<(), StoreError> {
    let sql =
        "UPDATE evidence_export SET state = 'made', entries = $2, bytes = $3, sha256 = $4, expires_at = $5
        WHERE id = $1";
    let values = params![id.to_string(), number(entries), number(bytes), sha256, expires_at.unix_ms()];
    tx.exec(sql, values).await?;
    Ok(())
}

/// Notes that it cannot be made, or is gone; its pieces go.
///
/// # Errors
/// The store's.
pub async fn end(tx: &Tx, id: EvidenceId, state: State, error: Option<&str>) -> Result<(), StoreError> {
    drop_pieces(tx, id).await?;
    tx.exec("DELETE FROM evidence_told WHERE export = $1", params![id.to_string()]).await?;
    tx.exec("DELETE FROM evidence_enclosed WHERE export = $1", params![id.to_string()]).await?;
    let sql = "UPDATE evidence_export SET state = $2, error = $3 WHERE id = $1";
    tx.exec(sql, params![id.to_string(), state.name(), error]).await?;
    Ok(())
}

/// Ends an export that can be fetched; one that is being made notices by itself what is gone ([`is_outdated`]).
///
/// # Errors
/// The store's.
pub async fn gone_if_made(tx: &Tx, id: EvidenceId) -> Result<(), StoreError> {
    let sql = "SELECT id FROM evidence_export WHERE id = $1 AND state = 'made'";
    match tx.query_opt(sql, params![id.to_string()]).await? {
        Some(_) => end(tx, id, State::Gone, None).await,
        None => Ok(()),
    }
}

/// Forgets the pieces stored so far.
///
/// # Errors
/// The store's.
pub async fn drop_pieces(tx: &Tx, id: EvidenceId) -> Result<(), StoreError> {
    tx.exec("DELETE FROM evidence_piece WHERE export = $1", params![id.to_string()]).await?;
    Ok(())
}

/// Stores a sealed piece.
///
/// # Errors
/// The store's.
pub async fn put_piece(tx: &Tx, id: EvidenceId, piece: u32, bytes: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO evidence_piece (export, piece, bytes) VALUES ($1, $2, $3)";
    tx.exec(sql, params![id.to_string(), piece, bytes]).await?;
    Ok(())
}

/// A sealed piece; `None` after the last.
///
/// # Errors
/// The store's.
pub async fn piece(tx: &Tx, id: EvidenceId, piece: u32) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM evidence_piece WHERE export = $1 AND piece = $2";
    tx.query_opt(sql, params![id.to_string(), piece]).await?.map(|row| row.get(0)).transpose()
}

/// Every export, for looking through what was asked for.
///
/// # Errors
/// The store's.
pub async fn all(tx: &Tx, org: OrgId) -> Result<Vec<EvidenceRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM evidence_export WHERE org = $1 ORDER BY id");
    tx.query(&sql, params![org.to_string()]).await?.iter().map(read).collect()
}

/// Says again what was asked for, in other words.
///
/// # Errors
/// The store's.
pub async fn reword(tx: &Tx, id: EvidenceId, request: &[u8]) -> Result<(), StoreError> {
    let sql = "UPDATE evidence_export SET request = $2 WHERE id = $1";
    tx.exec(sql, params![id.to_string(), request]).await?;
    Ok(())
}

/// Notes whose details a bundle that is being made tells.
///
/// # Errors
/// The store's.
pub async fn tells(tx: &Tx, id: EvidenceId, people: &[PersonId]) -> Result<(), StoreError> {
    for person in people {
        let sql = "INSERT INTO evidence_told (export, person) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        tx.exec(sql, params![id.to_string(), person.to_string()]).await?;
    }
    Ok(())
}

/// Exports that tell a person's details.
///
/// # Errors
/// The store's.
pub async fn telling(tx: &Tx, person: PersonId) -> Result<Vec<EvidenceId>, StoreError> {
    let sql = "SELECT export FROM evidence_told WHERE person = $1 ORDER BY export";
    tx.query(sql, params![person.to_string()]).await?.iter().map(|row| parsed(row, "export")).collect()
}

/// Forgets which files a bundle has in it: it is begun anew.
///
/// # Errors
/// The store's.
pub async fn begin_anew(tx: &Tx, id: EvidenceId) -> Result<(), StoreError> {
    tx.exec("DELETE FROM evidence_enclosed WHERE export = $1", params![id.to_string()]).await?;
    Ok(())
}

/// Whether somebody a bundle tells of was erased, or a file in it destroyed, since it was begun.
///
/// # Errors
/// The store's.
pub async fn is_outdated(tx: &Tx, id: EvidenceId) -> Result<bool, StoreError> {
    let told = "SELECT t.person FROM evidence_told t JOIN person p ON p.id = t.person
        WHERE t.export = $1 AND p.state <> 'active' LIMIT 1";
    let enclosed = "SELECT e.file FROM evidence_enclosed e JOIN attached_file f ON f.id = e.file
        WHERE e.export = $1 AND f.file_key IS NULL LIMIT 1";
    for sql in [told, enclosed] {
        if tx.query_opt(sql, params![id.to_string()]).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
