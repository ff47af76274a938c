//! `site_demands`, `hardware_record`, `bank_acceptance`: what a bank must be, what it is, and whether it may be used.

use bailee_domain::hardware::{Demands, Entry, HardwareRecord, Item};
use bailee_domain::id::{BankId, PersonId, SiteId};
use bailee_domain::time::WallTime;

use super::column::parsed;
use super::event::bytes_now;
use crate::app::AppError;
use crate::ledger::LogReader;
use crate::params;
use crate::store::{StoreError, Tx};

/// Why a bank may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was in use before anything was demanded.
    Earlier,
    /// It is what is demanded.
    Accepted,
    /// It falls short, and somebody answers for it.
    Excepted,
}

impl How {
    const ALL: [Self; 3] = [Self::Earlier, Self::Accepted, Self::Excepted];

    /// The stable name, in the store and in keys of texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Earlier => "earlier",
            Self::Accepted => "accepted",
            Self::Excepted => "excepted",
        }
    }
}

/// That a bank may be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Why.
    pub how: How,
    /// The reason for an exception; empty otherwise.
    pub reason: String,
    /// Who accepted it.
    pub by: Option<PersonId>,
    /// When.
    pub at: WallTime,
}

/// What a site demands.
///
/// # Errors
/// The store's.
pub async fn demands(tx: &Tx, site: SiteId) -> Result<Demands, StoreError> {
    let sql = "SELECT demands FROM site_demands WHERE site = $1";
    let Some(row) = tx.query_opt(sql, params![site.to_string()]).await? else {
        return Ok(Demands::default());
    };
    let text: String = row.get("demands")?;
    let mut demands = Demands::default();
    for line in text.lines() {
        match line {
            "commissioned" => demands.commissioned = true,
            "evidence" => demands.evidence = true,
            item => {
                let read = item
                    .split_once('=')
                    .and_then(|(name, number)| Some((Item::from_name(name)?, number.parse().ok()?)));
                let (item, number) =
                    read.ok_or_else(|| StoreError::other("column demands holds no demands"))?;
                demands.items.insert(item, number);
            }
        }
    }
    Ok(demands)
}

/// Stores what a site demands.
///
/// # Errors
/// The store's.
pub async fn put_demands(tx: &Tx, site: SiteId, demands: &Demands) -> Result<(), StoreError> {
    let words = [("commissioned", demands.commissioned), ("evidence", demands.evidence)];
    let words = words.into_iter().filter(|(_, on)| *on).map(|(word, _)| word.to_owned());
    let items = demands.items.iter().map(|(item, number)| format!("{}={number}", item.name()));
    let text = words.chain(items).collect::<Vec<_>>().join("\n");
    let sql = "INSERT INTO site_demands (site, demands) VALUES ($1, $2)
         ON CONFLICT (site) DO UPDATE SET demands = excluded.demands";
    tx.exec(sql, params![site.to_string(), text]).await?;
    Ok(())
}

/// A bank's hardware record and who answers for it; nothing when none was made.
///
/// # Errors
/// The store's.
pub async fn hardware(
    tx: &Tx,
    bank: BankId,
) -> Result<Option<(HardwareRecord, PersonId, WallTime)>, StoreError> {
    let sql = "SELECT entries, attested_by, at FROM hardware_record WHERE bank = $1";
    let Some(row) = tx.query_opt(sql, params![bank.to_string()]).await? else { return Ok(None) };
    let text: String = row.get("entries")?;
    let entry = |line: &str| {
        let mut cells = line.split('\t');
        let item = Item::from_name(cells.next()?)?;
        Some((item, Entry { value: cells.next()?.into(), evidence: cells.next()?.into() }))
    };
    let record: Option<HardwareRecord> = text.lines().map(entry).collect();
    let record = record.ok_or_else(|| StoreError::other("column entries holds no hardware record"))?;
    Ok(Some((record, parsed(&row, "attested_by")?, WallTime::from_unix_ms(row.get("at")?))))
}

/// Stores a bank's hardware record.
///
/// # Errors
/// The store's.
pub async fn put_hardware(
    tx: &Tx,
    bank: BankId,
    record: &HardwareRecord,
    by: PersonId,
    at: WallTime,
) -> Result<(), StoreError> {
    let line =
        |(item, entry): (&Item, &Entry)| format!("{}\t{}\t{}", item.name(), entry.value, entry.evidence);
    let text = record.iter().map(line).collect::<Vec<_>>().join("\n");
    let sql = "INSERT INTO hardware_record (bank, entries, attested_by, at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (bank) DO UPDATE SET entries = excluded.entries, attested_by = excluded.attested_by,
         at = excluded.at";
    tx.exec(sql, params![bank.to_string(), text, by.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// Whether and why a bank may be used where something is demanded.
///
/// # Errors
/// The store's.
pub async fn acceptance(tx: &Tx, bank: BankId) -> Result<Option<Acceptance>, StoreError> {
    let sql = "SELECT how, reason, accepted_by, at FROM bank_acceptance WHERE bank = $1";
    let Some(row) = tx.query_opt(sql, params![bank.to_string()]).await? else { return Ok(None) };
    let (how, by): (String, Option<String>) = (row.get("how")?, row.get("accepted_by")?);
    let how = How::ALL.into_iter().find(|known| known.name() == how);
    let how = how.ok_or_else(|| StoreError::other("column how holds no way"))?;
    let by = by.map(|by| by.parse().map_err(|_| StoreError::other("column accepted_by holds no person")));
    let (reason, at) = (row.get("reason")?, WallTime::from_unix_ms(row.get("at")?));
    Ok(Some(Acceptance { how, reason, by: by.transpose()?, at }))
}

/// Notes that a bank may be used.
///
/// # Errors
/// The store's.
pub async fn accept(tx: &Tx, bank: BankId, acceptance: &Acceptance) -> Result<(), StoreError> {
    let sql = "INSERT INTO bank_acceptance (bank, how, reason, accepted_by, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (bank) DO UPDATE SET how = excluded.how, reason = excluded.reason,
         accepted_by = excluded.accepted_by, at = excluded.at";
    let Acceptance { how, reason, by, at } = acceptance;
    let by = by.map(|by| by.to_string());
    tx.exec(sql, params![bank.to_string(), how.name(), reason, by, at.unix_ms()]).await?;
    Ok(())
}

/// Takes a bank out of use.
///
/// # Errors
/// The store's.
pub async fn withdraw(tx: &Tx, bank: BankId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM bank_acceptance WHERE bank = $1";
    Ok(tx.exec(sql, params![bank.to_string()]).await? > 0)
}

/// The events of a bank's commissioning, oldest first, at most 4,000 of the newest. What the log has is read from there,
/// on this thread.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when the log does not have them.
pub async fn events(tx: &Tx, log: &LogReader, bank: BankId) -> Result<Vec<Vec<u8>>, AppError> {
    let sql = "SELECT event.leaf_index, event_bytes.bytes FROM log_index AS line
         JOIN event ON event.id = line.event_id LEFT JOIN event_bytes ON event_bytes.event = event.id
         WHERE line.bank = (SELECT id FROM log_name WHERE name = $1) AND line.kind IN (SELECT id FROM log_name WHERE name IN
         ('CommissioningBegan', 'LockTried', 'LockAnswered', 'PartChecked', 'BankCommissioned'))
         ORDER BY line.event_id DESC LIMIT 4000";
    let rows = tx.query(sql, params![bank.to_string()]).await?;
    rows.iter().rev().map(|row| bytes_now(row, log)).collect()
}
