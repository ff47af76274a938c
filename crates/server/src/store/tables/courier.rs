//! `courier` and `courier_verifier`: who may drop off, and their codes as each bank can check them.

use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, CarrierId, OrgId, PersonId};
use bailee_domain::roster::CourierPass;
use bailee_domain::time::WallTime;

use super::code;
use super::column::parsed;
use crate::app::AppError;
use crate::params;
use crate::store::{StoreError, Tx};

/// A courier beside what is known of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourierRow {
    /// The courier.
    pub person: PersonId,
    /// The carrier.
    pub carrier: CarrierId,
    /// The carrier's name.
    pub carrier_name: String,
    /// How many codes were made; 0 before the first.
    pub code_generation: u32,
}

/// An enrolled bank with what makes verifiers for it; the key is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeBank {
    /// The bank.
    pub bank: BankId,
    /// Its code key, sealed.
    pub code_key: Vec<u8>,
    /// Its salt.
    pub salt: [u8; 16],
    /// Counts its key changes.
    pub epoch: u32,
}

/// A courier's code as one bank can check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankVerifier {
    /// The bank.
    pub bank: BankId,
    /// The epoch it was made for.
    pub epoch: u32,
    /// Proves the code.
    pub verifier: Verifier,
    /// The code's keyed name at this bank.
    pub name: [u8; 32],
}

/// Makes a person a courier.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, person: PersonId, carrier: CarrierId) -> Result<(), StoreError> {
    let sql = "INSERT INTO courier (person, carrier, code_generation) VALUES ($1, $2, 0)";
    tx.exec(sql, params![person.to_string(), carrier.to_string()]).await?;
    Ok(())
}

/// A courier who has not been removed.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, person: PersonId) -> Result<Option<CourierRow>, StoreError> {
    let sql = "SELECT k.person, k.carrier, c.name AS carrier_name, k.code_generation FROM courier k
         JOIN carrier c ON c.id = k.carrier JOIN person p ON p.id = k.person
         WHERE k.person = $1 AND p.org = $2 AND p.state = 'active'";
    let row = tx.query_opt(sql, params![person.to_string(), org.to_string()]).await?;
    row.map(|row| {
        Ok(CourierRow {
            person: parsed(&row, "person")?,
            carrier: parsed(&row, "carrier")?,
            carrier_name: row.get("carrier_name")?,
            code_generation: row.get("code_generation")?,
        })
    })
    .transpose()
}

/// Moves a courier to another carrier.
///
/// # Errors
/// The store's.
pub async fn set_carrier(tx: &Tx, person: PersonId, carrier: CarrierId) -> Result<(), StoreError> {
    let sql = "UPDATE courier SET carrier = $2 WHERE person = $1";
    tx.exec(sql, params![person.to_string(), carrier.to_string()]).await?;
    Ok(())
}

/// Enrolled banks that cannot check this courier's code.
///
/// # Errors
/// The store's.
pub async fn missing_at(tx: &Tx, org: OrgId, person: PersonId) -> Result<Vec<(BankId, String)>, StoreError> {
    let sql = "SELECT b.id, b.name FROM bank b WHERE b.org = $1 AND b.state = 'enrolled' AND NOT EXISTS
         (SELECT 1 FROM courier_verifier v WHERE v.person = $2 AND v.bank = b.id AND v.epoch = b.code_epoch)
         ORDER BY b.name";
    let rows = tx.query(sql, params![org.to_string(), person.to_string()]).await?;
    rows.iter().map(|row| Ok((parsed(row, "id")?, row.get("name")?))).collect()
}

/// Every enrolled bank, with what makes verifiers for it.
///
/// # Errors
/// The store's.
pub async fn code_banks(tx: &Tx, org: OrgId) -> Result<Vec<CodeBank>, StoreError> {
    let sql = "SELECT id, code_key, code_salt, code_epoch FROM bank
         WHERE org = $1 AND state = 'enrolled' ORDER BY id";
    let rows = tx.query(sql, params![org.to_string()]).await?;
    let read = |row: &crate::store::Row| {
        Ok(CodeBank {
            bank: parsed(row, "id")?,
            code_key: row.get("code_key")?,
            salt: row.get("code_salt")?,
            epoch: row.get("code_epoch")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Replaces a courier's code at every bank; returns its generation.
///
/// The names of the code before die now, and messages with it that nobody has sent yet are emptied.
///
/// # Errors
/// The store's.
pub async fn replace_code(
    tx: &Tx,
    person: PersonId,
    verifiers: &[BankVerifier],
    at: WallTime,
) -> Result<u32, AppError> {
    let subject = person.to_string();
    replace_verifiers(tx, person, verifiers, at).await?;
    let sql = "UPDATE message SET state = 'cancelled', variables = NULL
         WHERE person = $1 AND template = 'courier_code' AND state = 'waiting'";
    tx.exec(sql, params![&subject]).await?;
    let sql = "UPDATE courier SET code_generation = code_generation + 1 WHERE person = $1
         RETURNING code_generation";
    Ok(tx.query_one(sql, params![&subject]).await?.get(0)?)
}

/// Replaces what proves a person's code at every bank; the names of the code before die now.
///
/// # Errors
/// The store's.
pub async fn replace_verifiers(
    tx: &Tx,
    person: PersonId,
    verifiers: &[BankVerifier],
    at: WallTime,
) -> Result<(), AppError> {
    let subject = person.to_string();
    tx.exec("DELETE FROM courier_verifier WHERE person = $1", params![&subject]).await?;
    bury_names(tx, person, at).await?;
    for BankVerifier { bank, epoch, verifier, name } in verifiers {
        let sql = "INSERT INTO courier_verifier (person, bank, epoch, salt, mac) VALUES ($1, $2, $3, $4, $5)";
        tx.exec(sql, params![&subject, bank.to_string(), *epoch, verifier.salt, verifier.mac]).await?;
        code::take_name(tx, *bank, *name, &subject).await?;
    }
    Ok(())
}

/// Marks the names of a courier's code dead at every bank.
///
/// # Errors
/// The store's.
pub async fn bury_names(tx: &Tx, person: PersonId, at: WallTime) -> Result<(), StoreError> {
    let sql = "UPDATE code_name SET dead_at = $2 WHERE subject = $1 AND dead_at IS NULL";
    tx.exec(sql, params![person.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// Everybody who may drop off at a bank, with the verifiers of its present epoch.
///
/// # Errors
/// The store's.
pub async fn passes_at(tx: &Tx, org: OrgId, bank: BankId) -> Result<Vec<CourierPass>, StoreError> {
    let sql = "SELECT v.person, k.carrier, c.name AS carrier_name, v.salt, v.mac FROM courier_verifier v
         JOIN bank b ON b.id = v.bank AND b.code_epoch = v.epoch
         JOIN person p ON p.id = v.person AND p.state = 'active'
         JOIN courier k ON k.person = v.person JOIN carrier c ON c.id = k.carrier
         WHERE b.org = $1 AND v.bank = $2 ORDER BY v.person";
    let rows = tx.query(sql, params![org.to_string(), bank.to_string()]).await?;
    let read = |row: &crate::store::Row| {
        Ok(CourierPass {
            person: parsed(row, "person")?,
            carrier: parsed(row, "carrier")?,
            carrier_name: row.get("carrier_name")?,
            verifier: Verifier { salt: row.get("salt")?, mac: row.get("mac")? },
        })
    };
    rows.iter().map(read).collect()
}
