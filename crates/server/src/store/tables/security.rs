//! `site_security`: what the banks of a site do about tampering; and who may end a lockdown at a bank.

use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, PersonId, SiteId};
use bailee_domain::lockdown::{Cause, Grade, ReleaseFrom, Releasers, Rule, Security};

use super::column::parsed;
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// A site's policy without its keepers; the standard one when none was ever stored.
///
/// # Errors
/// The store's.
pub async fn of_site(tx: &Tx, site: SiteId) -> Result<Security, StoreError> {
    let sql = "SELECT releasers, release_from, siren_s, rules FROM site_security WHERE site = $1";
    match tx.query_opt(sql, params![site.to_string()]).await? {
        Some(row) => read(&row),
        None => Ok(Security::default()),
    }
}

/// Stores it, keepers excepted.
///
/// # Errors
/// The store's.
pub async fn put(tx: &Tx, site: SiteId, security: &Security) -> Result<(), StoreError> {
    let sql = "INSERT INTO site_security (site, releasers, release_from, siren_s, rules)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (site) DO UPDATE SET releasers = excluded.releasers,
         release_from = excluded.release_from, siren_s = excluded.siren_s, rules = excluded.rules";
    let releasers: u32 = match security.releasers {
        Releasers::One => 1,
        Releasers::Two => 2,
    };
    let from = match security.release_from {
        ReleaseFrom::Anywhere => "anywhere",
        ReleaseFrom::Kiosk => "kiosk",
    };
    let rule = |rule: &Rule| format!("{}={}/{}", rule.cause.name(), rule.grade.name(), rule.lasts_s);
    let rules = security.rules.iter().map(rule).collect::<Vec<_>>().join(" ");
    let siren_s = u32::try_from(security.siren_s).unwrap_or(u32::MAX);
    tx.exec(sql, params![site.to_string(), releasers, from, siren_s, rules]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Security, StoreError> {
    let (releasers, from): (u32, String) = (row.get("releasers")?, row.get("release_from")?);
    let rules: String = row.get("rules")?;
    let rule = |text: &str| {
        let (cause, rest) = text.split_once('=')?;
        let (grade, lasts_s) = rest.split_once('/')?;
        let (cause, grade) = (Cause::from_name(cause)?, Grade::from_name(grade)?);
        Some(Rule { cause, grade, lasts_s: lasts_s.parse().ok()? })
    };
    let rules: Option<Vec<Rule>> = rules.split_whitespace().map(rule).collect();
    Ok(Security {
        keepers: Vec::new(),
        releasers: if releasers == 2 { Releasers::Two } else { Releasers::One },
        release_from: if from == "kiosk" { ReleaseFrom::Kiosk } else { ReleaseFrom::Anywhere },
        rules: rules.ok_or_else(|| StoreError::other("column rules holds no rules"))?,
        siren_s: u64::from(row.get::<u32>("siren_s")?),
    })
}

/// What proves a staff member's personal code at a bank, if they have one for its present epoch.
///
/// # Errors
/// The store's.
pub async fn staff_verifier(tx: &Tx, person: PersonId, bank: BankId) -> Result<Option<Verifier>, StoreError> {
    let sql = "SELECT v.salt, v.mac FROM courier_verifier v
         JOIN bank b ON b.id = v.bank AND b.code_epoch = v.epoch
         WHERE v.person = $1 AND v.bank = $2
         AND NOT EXISTS (SELECT 1 FROM courier k WHERE k.person = v.person)";
    let row = tx.query_opt(sql, params![person.to_string(), bank.to_string()]).await?;
    row.map(|row| Ok(Verifier { salt: row.get("salt")?, mac: row.get("mac")? })).transpose()
}

/// Whether this person is a courier: their personal code is for dropping off.
///
/// # Errors
/// The store's.
pub async fn is_courier(tx: &Tx, person: PersonId) -> Result<bool, StoreError> {
    let sql = "SELECT person FROM courier WHERE person = $1";
    let row = tx.query_opt(sql, params![person.to_string()]).await?;
    row.map(|row| parsed::<PersonId>(&row, "person")).transpose().map(|found| found.is_some())
}
