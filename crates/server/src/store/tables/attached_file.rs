//! `attached_file`, `attached_content` and `evidence_enclosed`: files attached as evidence, sealed, and the bundles they are in.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId, EvidenceId, FileId, OrgId, ParcelId, PersonId};
use bailee_domain::time::WallTime;

use super::column::{parsed, parsed_opt, time, time_opt};
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// A file that was attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its id.
    pub id: FileId,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// What it is: `jpeg`, `png` or `pdf`.
    pub kind: String,
    /// Length of its content in bytes.
    pub bytes: u64,
    /// The bank it is about.
    pub bank: BankId,
    /// The compartment, unless it is about the whole bank.
    pub compartment: Option<CompartmentNo>,
    /// The parcel it is about, or the last one that was in the compartment.
    pub parcel: Option<ParcelId>,
    /// The alert it was attached to.
    pub alert: Option<AlertId>,
    /// What it was attached to, as text.
    pub about: String,
    /// Its own key, wrapped; `None` once it was destroyed.
    pub key: Option<Vec<u8>>,
    /// Name and note, sealed under that key.
    pub words: Option<Vec<u8>>,
    /// Who attached it, as in the log.
    pub added_by: String,
    /// When.
    pub added_at: WallTime,
    /// When it was destroyed.
    pub destroyed_at: Option<WallTime>,
}

const COLUMNS: &str =
    "f.id, f.sha256, f.kind, f.bytes, f.bank, f.compartment, f.parcel, f.alert, f.about, f.file_key, f.words,
    f.added_by, f.added_at, f.destroyed_at";

fn read(row: &Row) -> Result<FileRow, StoreError> {
    Ok(FileRow {
        id: parsed(row, "id")?,
        sha256: row.get("sha256")?,
        kind: row.get("kind")?,
        bytes: row.get("bytes")?,
        bank: parsed(row, "bank")?,
        compartment: row.get::<Option<u16>>("compartment")?.map(CompartmentNo),
        parcel: parsed_opt(row, "parcel")?,
        alert: parsed_opt(row, "alert")?,
        about: row.get("about")?,
        key: row.get("file_key")?,
        words: row.get("words")?,
        added_by: row.get("added_by")?,
        added_at: time(row, "added_at")?,
        destroyed_at: time_opt(row, "destroyed_at")?,
    })
}

/// Adds a file with its sealed content.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, file: &FileRow, content: &[u8]) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO attached_file (id, org, sha256, kind, bytes, bank, compartment, parcel, alert, about,
            file_key, words, added_by, added_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let values = params![
        file.id.to_string(),
        org.to_string(),
        file.sha256,
        &file.kind,
        i64::try_from(file.bytes).unwrap_or(i64::MAX),
        file.bank.to_string(),
        file.compartment.map(|compartment| compartment.0),
        file.parcel.map(String::from),
        file.alert.map(String::from),
        &file.about,
        file.key.as_ref(),
        file.words.as_ref(),
        &file.added_by,
        file.added_at.unix_ms(),
    ];
    tx.exec(sql, values).await?;
    let sql = "INSERT INTO attached_content (file, bytes) VALUES ($1, $2)";
    tx.exec(sql, params![file.id.to_string(), content]).await?;
    Ok(())
}

/// One file.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, id: FileId) -> Result<Option<FileRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM attached_file f WHERE f.org = $1 AND f.id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// The sealed content of a file; `None` once it was destroyed.
///
/// # Errors
/// The store's.
pub async fn content(tx: &Tx, id: FileId) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM attached_content WHERE file = $1";
    tx.query_opt(sql, params![id.to_string()]).await?.map(|row| row.get(0)).transpose()
}

/// Files attached to something, the newest first, at most `limit`.
///
/// # Errors
/// The store's.
pub async fn about(tx: &Tx, org: OrgId, about: &str, limit: u32) -> Result<Vec<FileRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM attached_file f WHERE f.org = $1 AND f.about = $2 ORDER BY f.id DESC LIMIT $3"
    );
    tx.query(&sql, params![org.to_string(), about, limit]).await?.iter().map(read).collect()
}

/// How many files that are still there were attached to something.
///
/// # Errors
/// The store's.
pub async fn count(tx: &Tx, org: OrgId, about: &str) -> Result<u32, StoreError> {
    let sql = "SELECT COUNT(*) FROM attached_file WHERE org = $1 AND about = $2 AND file_key IS NOT NULL";
    tx.query_one(sql, params![org.to_string(), about]).await?.get(0)
}

/// Files that are still there, to look through their words.
///
/// # Errors
/// The store's.
pub async fn all(tx: &Tx, org: OrgId) -> Result<Vec<FileRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM attached_file f WHERE f.org = $1 AND f.file_key IS NOT NULL ORDER BY f.id"
    );
    tx.query(&sql, params![org.to_string()]).await?.iter().map(read).collect()
}

/// Files that are still there and concern parcels somebody was to get or brought.
///
/// # Errors
/// The store's.
pub async fn concerning(tx: &Tx, org: OrgId, person: PersonId) -> Result<Vec<FileRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM attached_file f WHERE f.org = $1 AND f.file_key IS NOT NULL AND f.parcel IN
            (SELECT p.id FROM parcel p WHERE p.recipient = $2 OR p.courier = $2) ORDER BY f.id"
    );
    tx.query(&sql, params![org.to_string(), person.to_string()]).await?.iter().map(read).collect()
}

/// Gives a file other words.
///
/// # Errors
/// The store's.
pub async fn reword(tx: &Tx, id: FileId, words: &[u8]) -> Result<(), StoreError> {
    tx.exec("UPDATE attached_file SET words = $2 WHERE id = $1", params![id.to_string(), words]).await?;
    Ok(())
}

/// Takes key, words and content of a file; tells whether they were there.
///
/// # Errors
/// The store's.
pub async fn destroy(tx: &Tx, id: FileId, at: WallTime) -> Result<bool, StoreError> {
    tx.exec("DELETE FROM attached_content WHERE file = $1", params![id.to_string()]).await?;
    let sql = "UPDATE attached_file SET file_key = NULL, words = NULL, destroyed_at = $2
        WHERE id = $1 AND file_key IS NOT NULL";
    Ok(tx.exec(sql, params![id.to_string(), at.unix_ms()]).await? == 1)
}

/// Notes that a bundle that is being made has a file in it.
///
/// # Errors
/// The store's.
pub async fn enclose(tx: &Tx, export: EvidenceId, file: FileId) -> Result<(), StoreError> {
    let sql = "INSERT INTO evidence_enclosed (export, file) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    tx.exec(sql, params![export.to_string(), file.to_string()]).await?;
    Ok(())
}

/// Bundles that have a file in them.
///
/// # Errors
/// The store's.
pub async fn enclosing(tx: &Tx, file: FileId) -> Result<Vec<EvidenceId>, StoreError> {
    let sql = "SELECT export FROM evidence_enclosed WHERE file = $1 ORDER BY export";
    tx.query(sql, params![file.to_string()]).await?.iter().map(|row| parsed(row, "export")).collect()
}
