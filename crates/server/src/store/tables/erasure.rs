//! `erasure` and `erasure_bank`: whose details were destroyed and how far that has come; and the statements that take
//! everything about a person out of every other table, in one place.

use bailee_domain::id::{BankId, OrgId, PersonId};
use bailee_domain::time::WallTime;

use super::{courier, typed};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// The tables whose files may hold remains of a person's rows after their erasure; a store rewrites them. The content of
/// attached files is not among them: it is large, and nothing opens it once the keys in `attached_file` are gone.
pub const SCRUBBED: [&str; 15] = [
    "attached_file",
    "person",
    "password",
    "session",
    "sign_in_failure",
    "courier_verifier",
    "code_order",
    "message",
    "evidence_export",
    "evidence_piece",
    "legal_hold",
    "receipt",
    "person_key",
    "badge",
    "work_order",
];

/// One erasure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureRow {
    /// Whose.
    pub person: PersonId,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: WallTime,
    /// Why, sealed with its salt; none for a removal.
    pub reason: Option<Vec<u8>>,
    /// The first roster without them.
    pub roster_revision: u64,
    /// When the store's files held nothing of them any more.
    pub scrubbed_at: Option<WallTime>,
    /// When every bank had forgotten them too.
    pub completed_at: Option<WallTime>,
}

const COLUMNS: &str = "person, asked_by, asked_at, reason, roster_revision, scrubbed_at, completed_at";

fn read(row: &Row) -> Result<ErasureRow, AppError> {
    let time = |name| Ok::<_, AppError>(row.get::<Option<i64>>(name)?.map(WallTime::from_unix_ms));
    Ok(ErasureRow {
        person: typed(row, "person")?,
        asked_by: row.get("asked_by")?,
        asked_at: WallTime::from_unix_ms(row.get("asked_at")?),
        reason: row.get("reason")?,
        roster_revision: row.get("roster_revision")?,
        scrubbed_at: time("scrubbed_at")?,
        completed_at: time("completed_at")?,
    })
}

/// Notes that a person is being erased, or that it begins again; every enrolled bank is to be told.
///
/// # Errors
/// The store's.
pub async fn put(tx: &Tx, org: OrgId, row: &ErasureRow) -> Result<(), AppError> {
    let sql = "INSERT INTO erasure (person, org, asked_by, asked_at, reason, roster_revision)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (person) DO UPDATE SET asked_by = excluded.asked_by, asked_at = excluded.asked_at,
            reason = excluded.reason, roster_revision = excluded.roster_revision, scrubbed_at = NULL,
            completed_at = NULL";
    let person = row.person.to_string();
    let revision = i64::try_from(row.roster_revision).unwrap_or(i64::MAX);
    let values = params![
        &person,
        org.to_string(),
        &row.asked_by,
        row.asked_at.unix_ms(),
        row.reason.as_ref(),
        revision
    ];
    tx.exec(sql, values).await?;
    tx.exec("DELETE FROM erasure_bank WHERE person = $1", params![&person]).await?;
    let sql = "INSERT INTO erasure_bank (person, bank)
        SELECT $1, id FROM bank WHERE org = $2 AND state = 'enrolled'";
    tx.exec(sql, params![&person, org.to_string()]).await?;
    Ok(())
}

/// The erasure of a person.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, person: PersonId) -> Result<Option<ErasureRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM erasure WHERE org = $1 AND person = $2");
    tx.query_opt(&sql, params![org.to_string(), person.to_string()]).await?.as_ref().map(read).transpose()
}

/// Erasures that are not complete, at most `limit`.
///
/// # Errors
/// The store's.
pub async fn open(tx: &Tx, org: OrgId, limit: u32) -> Result<Vec<ErasureRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM erasure WHERE org = $1 AND completed_at IS NULL ORDER BY person LIMIT $2"
    );
    tx.query(&sql, params![org.to_string(), limit]).await?.iter().map(read).collect()
}

/// Notes that the store's files hold nothing of the people erased up to `asked_by_then`.
///
/// # Errors
/// The store's.
pub async fn scrubbed(tx: &Tx, people: &[PersonId], at: WallTime) -> Result<(), AppError> {
    for person in people {
        let sql = "UPDATE erasure SET scrubbed_at = $2 WHERE person = $1 AND scrubbed_at IS NULL";
        tx.exec(sql, params![person.to_string(), at.unix_ms()]).await?;
    }
    Ok(())
}

/// Notes that an erasure is complete; tells whether it was not before.
///
/// # Errors
/// The store's.
pub async fn completed(tx: &Tx, person: PersonId, at: WallTime) -> Result<bool, AppError> {
    let sql = "UPDATE erasure SET completed_at = $2 WHERE person = $1 AND completed_at IS NULL
        AND scrubbed_at IS NOT NULL";
    Ok(tx.exec(sql, params![person.to_string(), at.unix_ms()]).await? == 1)
}

/// Banks that have not been heard to have forgotten the person's badges.
///
/// # Errors
/// The store's.
pub async fn untold(tx: &Tx, person: PersonId) -> Result<Vec<BankId>, AppError> {
    let sql = "SELECT e.bank FROM erasure_bank e JOIN bank b ON b.id = e.bank AND b.state = 'enrolled'
        WHERE e.person = $1 AND e.forgotten_at IS NULL ORDER BY e.bank";
    tx.query(sql, params![person.to_string()]).await?.iter().map(|row| typed(row, "bank")).collect()
}

/// Notes that a bank has forgotten the person's badges.
///
/// # Errors
/// The store's.
pub async fn told(tx: &Tx, person: PersonId, bank: BankId, at: WallTime) -> Result<(), AppError> {
    let sql = "UPDATE erasure_bank SET forgotten_at = $3 WHERE person = $1 AND bank = $2";
    tx.exec(sql, params![person.to_string(), bank.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// Banks that may still know an erased person, by name.
///
/// # Errors
/// The store's.
pub async fn banks_waiting(tx: &Tx, erasure: &ErasureRow) -> Result<Vec<(BankId, String)>, AppError> {
    let sql = "SELECT b.id, b.name FROM erasure_bank e JOIN bank b ON b.id = e.bank AND b.state = 'enrolled'
        WHERE e.person = $1 AND (e.forgotten_at IS NULL OR b.roster_acked < $2) ORDER BY b.name, b.id";
    let revision = i64::try_from(erasure.roster_revision).unwrap_or(i64::MAX);
    let rows = tx.query(sql, params![erasure.person.to_string(), revision]).await?;
    rows.iter().map(|row| Ok((typed(row, "id")?, row.get("name")?))).collect()
}

/// Takes everything that is, opens or proves something of a person out of every table, whatever is there. What stays is
/// the opaque id the custody log names.
///
/// # Errors
/// The store's.
pub async fn wipe(tx: &Tx, org: OrgId, person: PersonId, at: WallTime) -> Result<(), AppError> {
    let id = person.to_string();
    let sql = "DELETE FROM sign_in_failure WHERE org = $1 AND email_index IN
        (SELECT p.email_index FROM person p WHERE p.id = $2 AND p.email_index IS NOT NULL)";
    tx.exec(sql, params![org.to_string(), &id]).await?;
    courier::bury_names(tx, person, at).await?;
    for sql in [
        "UPDATE person SET state = 'removed', person_key = NULL, details = NULL, email_index = NULL,
            phone_index = NULL, version = version + 1
            WHERE id = $1 AND (state = 'active' OR person_key IS NOT NULL)",
        "DELETE FROM session WHERE person = $1",
        "DELETE FROM password WHERE person = $1",
        "DELETE FROM assignment WHERE person = $1",
        "DELETE FROM courier_verifier WHERE person = $1",
        "DELETE FROM courier WHERE person = $1",
        "DELETE FROM person_key_at WHERE key IN (SELECT k.id FROM person_key k WHERE k.person = $1)",
        "DELETE FROM person_key WHERE person = $1",
        "DELETE FROM badge WHERE person = $1",
        "DELETE FROM badge_revocation WHERE person = $1",
        "UPDATE code_name SET subject = 'erased', dead_at = COALESCE(dead_at, 0) WHERE subject = 'badge ' || $1",
        "DELETE FROM idempotency WHERE principal = $1",
        // The code is dead, and that no code alike is given out must not depend on whose it was.
        "UPDATE code_name SET subject = 'erased' WHERE subject = $1",
        "UPDATE code_order SET code = NULL, salt = NULL, mac = NULL, state = 'closed'
            WHERE grant_id IN (SELECT p.grant_id FROM parcel p WHERE p.recipient = $1)",
        "UPDATE message SET state = 'cancelled', variables = NULL WHERE person = $1 AND state = 'waiting'",
        // A gateway's last words often repeat the address.
        "UPDATE message SET variables = NULL, error = NULL WHERE person = $1",
    ] {
        tx.exec(sql, params![&id]).await?;
    }
    Ok(())
}
