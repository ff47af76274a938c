//! `parcel`: what each bank's events say of the parcels in it; never changed but by such an event.

use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::id::{BankId, GrantId, OrgId, ParcelId, PersonId};
use bailee_domain::parcel::{Custody, Parcel};
use bailee_domain::time::WallTime;

use super::{Conditions, damaged, typed};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

const COLUMNS: &str = "id, bank, compartment, grant_id, recipient, courier, carrier, size, custody,
    deposited_at, expires, collected_at";

fn read(row: &Row) -> Result<Parcel, AppError> {
    let mut size = row.get::<String>("size")?.chars().collect::<Vec<_>>();
    let size = if size.len() == 1 { size.pop() } else { None };
    let custody = match row.get::<String>("custody")?.as_str() {
        "bank" => Custody::InBank,
        "collected" => Custody::Collected,
        _ => return Err(damaged("parcel.custody")),
    };
    Ok(Parcel {
        id: typed(row, "id")?,
        bank: typed(row, "bank")?,
        compartment: CompartmentNo(row.get("compartment")?),
        grant: typed(row, "grant_id")?,
        recipient: typed(row, "recipient")?,
        courier: typed(row, "courier")?,
        carrier: typed(row, "carrier")?,
        size: size.and_then(Size::from_code).ok_or(damaged("parcel.size"))?,
        deposited_at: WallTime::from_unix_ms(row.get("deposited_at")?),
        expires: WallTime::from_unix_ms(row.get("expires")?),
        custody,
        collected_at: row.get::<Option<i64>>("collected_at")?.map(WallTime::from_unix_ms),
    })
}

const fn custody_text(custody: Custody) -> &'static str {
    match custody {
        Custody::InBank => "bank",
        Custody::Collected => "collected",
    }
}

/// Adds a parcel that was dropped off, unless its id or grant is in use; tells whether it did.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, parcel: &Parcel) -> Result<bool, AppError> {
    let sql = "INSERT INTO parcel (id, org, bank, compartment, grant_id, recipient, courier, carrier, size,
            custody, deposited_at, expires, collected_at, overdue_noted)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0) ON CONFLICT DO NOTHING";
    let values = params![
        parcel.id.to_string(),
        org.to_string(),
        parcel.bank.to_string(),
        parcel.compartment.0,
        parcel.grant.to_string(),
        parcel.recipient.to_string(),
        parcel.courier.to_string(),
        parcel.carrier.to_string(),
        parcel.size.code().to_string(),
        custody_text(parcel.custody),
        parcel.deposited_at.unix_ms(),
        parcel.expires.unix_ms(),
        parcel.collected_at.map(WallTime::unix_ms),
    ];
    Ok(tx.exec(sql, values).await? == 1)
}

/// Stores what an event of its bank changed about a parcel: custody and times. More time makes it overdue anew.
///
/// # Errors
/// The store's.
pub async fn update(tx: &Tx, parcel: &Parcel) -> Result<(), AppError> {
    let sql = "UPDATE parcel SET custody = $2, collected_at = $3, expires = $4,
        overdue_noted = CASE WHEN expires = $4 THEN overdue_noted ELSE 0 END WHERE id = $1";
    let collected = parcel.collected_at.map(WallTime::unix_ms);
    let values =
        params![parcel.id.to_string(), custody_text(parcel.custody), collected, parcel.expires.unix_ms()];
    tx.exec(sql, values).await?;
    Ok(())
}

/// The parcel with this id.
///
/// # Errors
/// The store's.
pub async fn by_id(tx: &Tx, org: OrgId, id: ParcelId) -> Result<Option<Parcel>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM parcel WHERE org = $1 AND id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// The parcel this grant is for.
///
/// # Errors
/// The store's.
pub async fn by_grant(tx: &Tx, bank: BankId, grant: GrantId) -> Result<Option<Parcel>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM parcel WHERE bank = $1 AND grant_id = $2");
    tx.query_opt(&sql, params![bank.to_string(), grant.to_string()]).await?.as_ref().map(read).transpose()
}

/// The parcel that lies in this compartment.
///
/// # Errors
/// The store's.
pub async fn lying_in(tx: &Tx, bank: BankId, compartment: CompartmentNo) -> Result<Option<Parcel>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM parcel WHERE bank = $1 AND compartment = $2 AND custody = 'bank'
        ORDER BY deposited_at DESC LIMIT 1"
    );
    tx.query_opt(&sql, params![bank.to_string(), compartment.0]).await?.as_ref().map(read).transpose()
}

/// Which parcels are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParcelState {
    /// Every one.
    #[default]
    All,
    /// In a bank, whether or not their time is over.
    InBank,
    /// In a bank and within their time.
    Ready,
    /// In a bank past their time.
    Overdue,
    /// With their recipients.
    Collected,
}

/// Which parcels are asked for; what is `None` does not restrict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParcelFilter {
    /// In which state.
    pub state: ParcelState,
    /// At which bank.
    pub bank: Option<BankId>,
    /// For whom.
    pub recipient: Option<PersonId>,
}

/// At most `limit` parcels, the newest first, older than `before`; with `banks`, only parcels of those.
///
/// # Errors
/// The store's.
pub async fn list(
    tx: &Tx,
    org: OrgId,
    (filter, now): (&ParcelFilter, WallTime),
    (before, limit): (Option<ParcelId>, u32),
    banks: Option<&[BankId]>,
) -> Result<Vec<Parcel>, AppError> {
    let mut only = Conditions::new("org", org.to_string());
    match filter.state {
        ParcelState::All => {}
        ParcelState::InBank => only.and("custody = ?", "bank"),
        ParcelState::Ready => only.and("custody = 'bank' AND expires > ?", now.unix_ms()),
        ParcelState::Overdue => only.and("custody = 'bank' AND expires <= ?", now.unix_ms()),
        ParcelState::Collected => only.and("custody = ?", "collected"),
    }
    if let Some(bank) = filter.bank {
        only.and("bank = ?", bank.to_string());
    }
    if let Some(recipient) = filter.recipient {
        only.and("recipient = ?", recipient.to_string());
    }
    if let Some(before) = before {
        only.and("id < ?", before.to_string());
    }
    if let Some(banks) = banks {
        only.and_in("bank", banks.iter().map(|bank| bank.to_string().into()).collect());
    }
    let limit = only.place(limit);
    let sql = format!("SELECT {COLUMNS} FROM parcel WHERE {} ORDER BY id DESC LIMIT {limit}", only.text());
    tx.query(&sql, only.values()).await?.iter().map(read).collect()
}

/// How many parcels lie in banks, and how many of them are past their time.
///
/// # Errors
/// The store's.
pub async fn count_waiting(tx: &Tx, org: OrgId, now: WallTime) -> Result<(u64, u64), AppError> {
    let sql = "SELECT COUNT(*) AS waiting, COUNT(CASE WHEN expires <= $2 THEN 1 END) AS overdue
        FROM parcel WHERE org = $1 AND custody = 'bank'";
    let row = tx.query_one(sql, params![org.to_string(), now.unix_ms()]).await?;
    Ok((row.get("waiting")?, row.get("overdue")?))
}

/// At most `limit` parcels past their time of which that was not noted yet.
///
/// # Errors
/// The store's.
pub async fn newly_overdue(
    tx: &Tx,
    org: OrgId,
    now: WallTime,
    limit: u32,
) -> Result<Vec<ParcelId>, AppError> {
    let sql = "SELECT id FROM parcel WHERE org = $1 AND custody = 'bank' AND expires <= $2
        AND overdue_noted = 0 ORDER BY expires LIMIT $3";
    let rows = tx.query(sql, params![org.to_string(), now.unix_ms(), limit]).await?;
    rows.iter().map(|row| typed(row, "id")).collect()
}

/// Notes that a parcel is overdue, if it still is and nobody noted it; tells whether this call did.
///
/// # Errors
/// The store's.
pub async fn note_overdue(tx: &Tx, id: ParcelId, now: WallTime) -> Result<bool, AppError> {
    let sql = "UPDATE parcel SET overdue_noted = 1
        WHERE id = $1 AND custody = 'bank' AND expires <= $2 AND overdue_noted = 0";
    Ok(tx.exec(sql, params![id.to_string(), now.unix_ms()]).await? == 1)
}
