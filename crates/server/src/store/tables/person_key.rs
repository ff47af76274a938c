//! `person_key` and `person_key_at`: people's public keys, and how each bank holds them by what it has said.

use bailee_domain::id::{BankId, KeyId, OrgId, PersonId};
use bailee_domain::signer::{KeyForm, KeyUse, PersonKey};
use bailee_domain::time::WallTime;
use bailee_wire::{signed, statement};

use super::{damaged, typed};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// A key of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The key.
    pub id: KeyId,
    /// Whose, for what, of which form.
    pub key: PersonKey,
    /// When it was registered.
    pub added_at: WallTime,
    /// Who registered it.
    pub added_by: String,
    /// The first roster with it.
    pub added_revision: u64,
    /// When it was withdrawn.
    pub removed_at: Option<WallTime>,
    /// The first roster without it.
    pub removed_revision: Option<u64>,
}

/// How a bank holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Its signatures are believed.
    Counts,
    /// They are not yet; from a time on where one is known.
    Waits(Option<WallTime>),
    /// It holds it no more.
    Gone,
}

const COLUMNS: &str =
    "k.id, k.person, k.used_for, k.form, k.public, k.added_at, k.added_by, k.added_revision,
    k.removed_at, k.removed_revision";

fn read(row: &Row) -> Result<KeyRow, AppError> {
    let (used_for, form): (String, String) = (row.get("used_for")?, row.get("form")?);
    let public: Vec<u8> = row.get("public")?;
    let key = PersonKey {
        person: typed(row, "person")?,
        used_for: statement::use_named(&used_for).ok_or(damaged("used_for"))?,
        form: signed::form_named(&form).ok_or(damaged("form"))?,
        public: signed::public_from(&public).ok_or(damaged("public"))?,
    };
    Ok(KeyRow {
        id: typed(row, "id")?,
        key,
        added_at: WallTime::from_unix_ms(row.get("added_at")?),
        added_by: row.get("added_by")?,
        added_revision: row.get("added_revision")?,
        removed_at: row.get::<Option<i64>>("removed_at")?.map(WallTime::from_unix_ms),
        removed_revision: row.get("removed_revision")?,
    })
}

fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

/// Adds a key.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, row: &KeyRow) -> Result<(), AppError> {
    let sql = "INSERT INTO person_key
        (id, org, person, used_for, form, public, fingerprint, added_at, added_by, added_revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let PersonKey { person, used_for, form, public } = &row.key;
    let values = params![
        row.id.to_string(),
        org.to_string(),
        person.to_string(),
        statement::use_name(*used_for),
        signed::form_name(*form),
        signed::public_bytes(public).to_vec(),
        public.fingerprint(),
        row.added_at.unix_ms(),
        &row.added_by,
        number(row.added_revision),
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// A person's keys, the oldest first, withdrawn ones too.
///
/// # Errors
/// The store's.
pub async fn of_person(tx: &Tx, org: OrgId, person: PersonId) -> Result<Vec<KeyRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM person_key k WHERE k.org = $1 AND k.person = $2 ORDER BY k.id");
    tx.query(&sql, params![org.to_string(), person.to_string()]).await?.iter().map(read).collect()
}

/// Every key that is not withdrawn, of people who have not been removed.
///
/// # Errors
/// The store's.
pub async fn in_use(tx: &Tx, org: OrgId) -> Result<Vec<KeyRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM person_key k JOIN person p ON p.id = k.person AND p.state = 'active'
         WHERE k.org = $1 AND k.removed_at IS NULL ORDER BY k.id"
    );
    tx.query(&sql, params![org.to_string()]).await?.iter().map(read).collect()
}

/// How many keys are not withdrawn: all of them, and those of staff.
///
/// # Errors
/// The store's.
pub async fn count(tx: &Tx, org: OrgId) -> Result<(usize, usize), AppError> {
    let sql = "SELECT COUNT(*) AS every, COUNT(CASE WHEN used_for <> 'resident' THEN 1 END) AS staff
        FROM person_key WHERE org = $1 AND removed_at IS NULL";
    let row = tx.query_one(sql, params![org.to_string()]).await?;
    let size = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok((size(row.get("every")?), size(row.get("staff")?)))
}

/// Withdraws a key; tells whether it was in use.
///
/// # Errors
/// The store's.
pub async fn withdraw(tx: &Tx, id: KeyId, at: WallTime, revision: u64) -> Result<bool, AppError> {
    let sql =
        "UPDATE person_key SET removed_at = $2, removed_revision = $3 WHERE id = $1 AND removed_at IS NULL";
    Ok(tx.exec(sql, params![id.to_string(), at.unix_ms(), number(revision)]).await? == 1)
}

/// The newest key that an event of a bank can mean.
///
/// # Errors
/// The store's.
pub async fn named(
    tx: &Tx,
    org: OrgId,
    person: PersonId,
    used_for: KeyUse,
    fingerprint: [u8; 32],
) -> Result<Option<KeyRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM person_key k WHERE k.org = $1 AND k.person = $2 AND k.used_for = $3
         AND k.fingerprint = $4 ORDER BY k.id DESC LIMIT 1"
    );
    let values = params![org.to_string(), person.to_string(), statement::use_name(used_for), fingerprint];
    tx.query_opt(&sql, values).await?.as_ref().map(read).transpose()
}

/// Notes how a bank holds a key.
///
/// # Errors
/// The store's.
pub async fn held(tx: &Tx, bank: BankId, key: KeyId, hold: Hold, since: WallTime) -> Result<(), AppError> {
    let sql = "INSERT INTO person_key_at (bank, key, state, since, until_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (bank, key) DO UPDATE SET state = excluded.state, since = excluded.since,
            until_at = excluded.until_at";
    let (state, until) = match hold {
        Hold::Counts => ("counts", None),
        Hold::Waits(until) => ("waits", until.map(WallTime::unix_ms)),
        Hold::Gone => ("gone", None),
    };
    tx.exec(sql, params![bank.to_string(), key.to_string(), state, since.unix_ms(), until]).await?;
    Ok(())
}

/// How a bank holds every key it has been heard to hold, and since when.
///
/// # Errors
/// The store's.
pub async fn at_bank(tx: &Tx, bank: BankId) -> Result<Vec<(KeyId, Hold, WallTime)>, AppError> {
    let sql = "SELECT key, state, since, until_at FROM person_key_at WHERE bank = $1 ORDER BY key";
    tx.query(sql, params![bank.to_string()]).await?.iter().map(read_hold).collect()
}

fn read_hold(row: &Row) -> Result<(KeyId, Hold, WallTime), AppError> {
    let (state, until): (String, Option<i64>) = (row.get("state")?, row.get("until_at")?);
    let hold = match state.as_str() {
        "counts" => Hold::Counts,
        "waits" => Hold::Waits(until.map(WallTime::from_unix_ms)),
        "gone" => Hold::Gone,
        _ => return Err(damaged("state")),
    };
    Ok((typed(row, "key")?, hold, WallTime::from_unix_ms(row.get("since")?)))
}

/// Whether a bank held a key of staff before this time.
///
/// # Errors
/// The store's.
pub async fn held_staff_before(tx: &Tx, bank: BankId, at: WallTime) -> Result<bool, AppError> {
    let sql = "SELECT a.key FROM person_key_at a JOIN person_key k ON k.id = a.key
        WHERE a.bank = $1 AND k.used_for <> 'resident' AND a.since < $2 LIMIT 1";
    Ok(tx.query_opt(sql, params![bank.to_string(), at.unix_ms()]).await?.is_some())
}

/// Whether the form and the key go together: a plain key is Ed25519.
pub const fn fits(key: &PersonKey) -> bool {
    use bailee_domain::signer::PublicKey;
    matches!((key.form, &key.public), (KeyForm::Passkey, _) | (KeyForm::Plain, PublicKey::Ed25519(_)))
}

/// Whether a key was withdrawn, and a roster of this revision is without it.
///
/// # Errors
/// The store's.
pub async fn is_without(tx: &Tx, key: KeyId, revision: u64) -> Result<bool, AppError> {
    let sql = "SELECT id FROM person_key WHERE id = $1 AND removed_revision <= $2";
    Ok(tx.query_opt(sql, params![key.to_string(), number(revision)]).await?.is_some())
}
