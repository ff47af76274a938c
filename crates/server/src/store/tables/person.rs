//! `person`: people, as sealed details and keyed indexes; no name, address or number stands here in clear.

use bailee_domain::access::Role;
use bailee_domain::id::{OrgId, PersonId};
use bailee_domain::time::WallTime;

use super::column::{parsed, time};
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// A person who has not been removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Whose.
    pub id: PersonId,
    /// The person's own key, wrapped.
    pub key: Vec<u8>,
    /// What is known of the person, sealed under that key.
    pub details: Vec<u8>,
    /// Keyed index of the e-mail address.
    pub email_index: Option<[u8; 32]>,
    /// Keyed index of the phone number.
    pub phone_index: Option<[u8; 32]>,
    /// Rises with every change.
    pub version: i64,
    /// When the person was added.
    pub created_at: WallTime,
}

const COLUMNS: &str = "p.id, p.person_key, p.details, p.email_index, p.phone_index, p.version, p.created_at";

/// Adds a person.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, person: &PersonRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO person (id, org, state, person_key, details, email_index, phone_index, version, created_at)
         VALUES ($1, $2, 'active', $3, $4, $5, $6, $7, $8)";
    let PersonRow { id, key, details, email_index, phone_index, version, created_at } = person;
    let values = params![
        id.to_string(),
        org.to_string(),
        key,
        details,
        *email_index,
        *phone_index,
        *version,
        created_at.unix_ms()
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// One person.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM person p WHERE p.id = $1 AND p.org = $2 AND p.state = 'active'");
    let row = tx.query_opt(&sql, params![id.to_string(), org.to_string()]).await?;
    row.as_ref().map(read).transpose()
}

/// Whose e-mail address has this index.
///
/// # Errors
/// The store's.
pub async fn with_email(tx: &Tx, org: OrgId, index: [u8; 32]) -> Result<Option<PersonId>, StoreError> {
    let sql = "SELECT id FROM person WHERE org = $1 AND email_index = $2 AND state = 'active'";
    let row = tx.query_opt(sql, params![org.to_string(), index]).await?;
    row.map(|row| parsed(&row, "id")).transpose()
}

/// People who hold a role anywhere, in the order they were added, after `after`.
///
/// # Errors
/// The store's.
pub async fn holding(
    tx: &Tx,
    org: OrgId,
    role: Role,
    after: Option<PersonId>,
    most: u32,
) -> Result<Vec<PersonRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM person p WHERE p.org = $1 AND p.state = 'active' AND p.id > $2
         AND EXISTS (SELECT 1 FROM assignment a WHERE a.person = p.id AND a.role = $3)
         ORDER BY p.id LIMIT $4"
    );
    let after = after.map_or_else(String::new, |id| id.to_string());
    let rows = tx.query(&sql, params![org.to_string(), after, role.name(), most]).await?;
    rows.iter().map(read).collect()
}

/// How many people hold a role anywhere.
///
/// # Errors
/// The store's.
pub async fn count_holding(tx: &Tx, org: OrgId, role: Role) -> Result<u32, StoreError> {
    let sql = "SELECT COUNT(*) FROM person p WHERE p.org = $1 AND p.state = 'active'
         AND EXISTS (SELECT 1 FROM assignment a WHERE a.person = p.id AND a.role = $2)";
    tx.query_one(sql, params![org.to_string(), role.name()]).await?.get(0)
}

/// Stores changed details if the person still has the version they were changed from; tells whether so.
///
/// # Errors
/// The store's.
pub async fn update(tx: &Tx, person: &PersonRow) -> Result<bool, StoreError> {
    let sql = "UPDATE person SET details = $1, email_index = $2, phone_index = $3, version = version + 1
         WHERE id = $4 AND version = $5 AND state = 'active'";
    let PersonRow { id, details, email_index, phone_index, version, .. } = person;
    let values = params![details, *email_index, *phone_index, id.to_string(), *version];
    Ok(tx.exec(sql, values).await? == 1)
}

/// Whether a parcel of theirs still waits in a bank.
///
/// # Errors
/// The store's.
pub async fn has_parcel_waiting(tx: &Tx, id: PersonId) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM parcel WHERE recipient = $1 AND custody = 'bank' LIMIT 1";
    Ok(tx.query_opt(sql, params![id.to_string()]).await?.is_some())
}

fn read(row: &Row) -> Result<PersonRow, StoreError> {
    Ok(PersonRow {
        id: parsed(row, "id")?,
        key: row.get("person_key")?,
        details: row.get("details")?,
        email_index: row.get("email_index")?,
        phone_index: row.get("phone_index")?,
        version: row.get("version")?,
        created_at: time(row, "created_at")?,
    })
}
