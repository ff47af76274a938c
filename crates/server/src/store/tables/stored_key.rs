//! `stored_key`: the wrapped keys of this installation.

use bailee_domain::time::WallTime;
use bailee_vault::kek::WrappedKey;
use bailee_vault::seal::{KeyId, Purpose, StoredKey};

use crate::params;
use crate::store::{Row, StoreError, Tx};

/// Every key, oldest first.
///
/// # Errors
/// The store's; a row that is no key is [`StoreError::Other`].
pub async fn all(tx: &Tx) -> Result<Vec<StoredKey>, StoreError> {
    let rows =
        tx.query("SELECT id, purpose, wrapped FROM stored_key ORDER BY created_at, id", params![]).await?;
    rows.iter().map(read).collect()
}

/// Adds a key.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, key: &StoredKey, at: WallTime) -> Result<(), StoreError> {
    let sql = "INSERT INTO stored_key (id, purpose, wrapped, created_at) VALUES ($1, $2, $3, $4)";
    tx.exec(sql, params![key.id.0, key.purpose.as_str(), key.wrapped.as_bytes(), at.unix_ms()]).await?;
    Ok(())
}

/// Destroys a key: nothing that it alone opened or signed for can be opened or signed for again.
///
/// # Errors
/// The store's.
pub async fn destroy(tx: &Tx, id: KeyId) -> Result<(), StoreError> {
    tx.exec("DELETE FROM stored_key WHERE id = $1", params![id.0]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<StoredKey, StoreError> {
    let damaged = |_| StoreError::other("a stored key is damaged");
    let (purpose, wrapped): (String, Vec<u8>) = (row.get("purpose")?, row.get("wrapped")?);
    Ok(StoredKey {
        id: KeyId(row.get("id")?),
        purpose: Purpose::new(&purpose).map_err(damaged)?,
        wrapped: WrappedKey::from_bytes(&wrapped)
            .map_err(|_| StoreError::other("a stored key is damaged"))?,
    })
}
