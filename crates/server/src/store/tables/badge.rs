//! `badge`, `badge_revocation` and `site_badges`: which badges banks have enrolled, and which banks are to forget whose.

use bailee_domain::badge::{Assurance, WeakBadges};
use bailee_domain::id::{BankId, OrgId, PersonId, SiteId};
use bailee_domain::time::WallTime;

use super::{damaged, typed};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// A badge a bank has enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadgeRow {
    /// The bank.
    pub bank: BankId,
    /// What the bank is called.
    pub bank_name: String,
    /// What it proved when it was enrolled.
    pub assurance: Assurance,
    /// When.
    pub enrolled_at: WallTime,
    /// When the bank forgot it.
    pub forgotten_at: Option<WallTime>,
}

/// A bank asked to forget a person's badges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationRow {
    /// The bank.
    pub bank: BankId,
    /// What the bank is called.
    pub bank_name: String,
    /// When it was asked.
    pub asked_at: WallTime,
    /// When it said that it had.
    pub forgotten_at: Option<WallTime>,
}

fn time(row: &Row, column: &str) -> Result<Option<WallTime>, AppError> {
    Ok(row.get::<Option<i64>>(column)?.map(WallTime::from_unix_ms))
}

/// Notes a badge a bank has enrolled.
///
/// # Errors
/// The store's.
pub async fn enrolled(
    tx: &Tx,
    (bank, seq): (BankId, u64),
    (person, assurance): (PersonId, Assurance),
    at: WallTime,
) -> Result<(), AppError> {
    // Somebody the platform has never known can have no badge here.
    let sql = "INSERT INTO badge (bank, event_seq, person, assurance, enrolled_at)
        SELECT $1, $2, p.id, $4, $5 FROM person p WHERE p.id = $3 AND p.state = 'active'";
    let name = if assurance == Assurance::Strong { "strong" } else { "weak" };
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    tx.exec(sql, params![bank.to_string(), seq, person.to_string(), name, at.unix_ms()]).await?;
    Ok(())
}

/// Notes that a bank has forgotten a person's badges.
///
/// # Errors
/// The store's.
pub async fn forgotten(tx: &Tx, bank: BankId, person: PersonId, at: WallTime) -> Result<(), AppError> {
    for sql in [
        "UPDATE badge SET forgotten_at = $3 WHERE bank = $1 AND person = $2 AND forgotten_at IS NULL",
        "UPDATE badge_revocation SET forgotten_at = $3 WHERE bank = $1 AND person = $2 AND forgotten_at IS NULL",
    ] {
        tx.exec(sql, params![bank.to_string(), person.to_string(), at.unix_ms()]).await?;
    }
    Ok(())
}

/// A person's badges, the newest first.
///
/// # Errors
/// The store's.
pub async fn of_person(tx: &Tx, person: PersonId) -> Result<Vec<BadgeRow>, AppError> {
    let sql = "SELECT g.bank, b.name, g.assurance, g.enrolled_at, g.forgotten_at FROM badge g
        JOIN bank b ON b.id = g.bank WHERE g.person = $1 ORDER BY g.enrolled_at DESC, g.bank, g.event_seq";
    let read = |row: &Row| {
        let assurance: String = row.get("assurance")?;
        Ok(BadgeRow {
            bank: typed(row, "bank")?,
            bank_name: row.get("name")?,
            assurance: if assurance == "strong" { Assurance::Strong } else { Assurance::Weak },
            enrolled_at: WallTime::from_unix_ms(row.get("enrolled_at")?),
            forgotten_at: time(row, "forgotten_at")?,
        })
    };
    tx.query(sql, params![person.to_string()]).await?.iter().map(read).collect()
}

/// Asks every enrolled bank of the organisation to forget a person's badges.
///
/// # Errors
/// The store's.
pub async fn revoke(tx: &Tx, org: OrgId, person: PersonId, at: WallTime) -> Result<(), AppError> {
    let sql = "INSERT INTO badge_revocation (person, bank, asked_at, forgotten_at)
        SELECT $1, b.id, $3, NULL FROM bank b WHERE b.org = $2 AND b.state = 'enrolled'
        ON CONFLICT (person, bank) DO UPDATE SET asked_at = excluded.asked_at, forgotten_at = NULL";
    tx.exec(sql, params![person.to_string(), org.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// The banks asked to forget a person's badges last, by name.
///
/// # Errors
/// The store's.
pub async fn revocations(tx: &Tx, person: PersonId) -> Result<Vec<RevocationRow>, AppError> {
    let sql = "SELECT r.bank, b.name, r.asked_at, r.forgotten_at FROM badge_revocation r
        JOIN bank b ON b.id = r.bank AND b.state = 'enrolled' WHERE r.person = $1 ORDER BY b.name, r.bank";
    let read = |row: &Row| {
        Ok(RevocationRow {
            bank: typed(row, "bank")?,
            bank_name: row.get("name")?,
            asked_at: WallTime::from_unix_ms(row.get("asked_at")?),
            forgotten_at: time(row, "forgotten_at")?,
        })
    };
    tx.query(sql, params![person.to_string()]).await?.iter().map(read).collect()
}

/// Who is still to be forgotten where.
///
/// # Errors
/// The store's.
pub async fn untold(tx: &Tx, org: OrgId, limit: u32) -> Result<Vec<(PersonId, BankId)>, AppError> {
    let sql = "SELECT r.person, r.bank FROM badge_revocation r JOIN bank b ON b.id = r.bank
        WHERE b.org = $1 AND b.state = 'enrolled' AND r.forgotten_at IS NULL ORDER BY r.asked_at LIMIT $2";
    let rows = tx.query(sql, params![org.to_string(), limit]).await?;
    rows.iter().map(|row| Ok((typed(row, "person")?, typed(row, "bank")?))).collect()
}

/// What weak badges are good for at a site.
///
/// # Errors
/// The store's.
pub async fn weak(tx: &Tx, site: SiteId) -> Result<WeakBadges, AppError> {
    let sql = "SELECT weak FROM site_badges WHERE site = $1";
    let Some(row) = tx.query_opt(sql, params![site.to_string()]).await? else {
        return Ok(WeakBadges::NeedCode);
    };
    weak_named(&row.get::<String>("weak")?).ok_or(damaged("weak"))
}

/// Stores it.
///
/// # Errors
/// The store's.
pub async fn set_weak(tx: &Tx, site: SiteId, weak: WeakBadges) -> Result<(), AppError> {
    let sql = "INSERT INTO site_badges (site, weak) VALUES ($1, $2)
        ON CONFLICT (site) DO UPDATE SET weak = excluded.weak";
    tx.exec(sql, params![site.to_string(), weak_name(weak)]).await?;
    Ok(())
}

/// The stable name of a policy.
pub const fn weak_name(weak: WeakBadges) -> &'static str {
    match weak {
        WeakBadges::NeedCode => "need-code",
        WeakBadges::Suffice => "suffice",
        WeakBadges::Refused => "refused",
    }
}

/// The policy called so.
pub fn weak_named(name: &str) -> Option<WeakBadges> {
    [WeakBadges::NeedCode, WeakBadges::Suffice, WeakBadges::Refused]
        .into_iter()
        .find(|weak| weak_name(*weak) == name)
}
