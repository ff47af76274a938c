//! `assignment`: who holds which role where.

use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::id::{OrgId, PersonId};

use super::column::parsed;
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// What the organisation-wide scope is stored as; the others are stored as the id they name.
const ORGANISATION: &str = "organisation";

/// The roles a person holds.
///
/// # Errors
/// The store's.
pub async fn of_person(tx: &Tx, person: PersonId) -> Result<Vec<Assignment>, StoreError> {
    let sql = "SELECT role, scope FROM assignment WHERE person = $1 ORDER BY role, scope";
    tx.query(sql, params![person.to_string()]).await?.iter().map(read).collect()
}

/// Gives a role.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, person: PersonId, assignment: Assignment) -> Result<(), StoreError> {
    let sql = "INSERT INTO assignment (person, role, scope) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let scope = match assignment.scope {
        Scope::Organisation => ORGANISATION.to_owned(),
        Scope::Site(site) => site.to_string(),
        Scope::Bank(bank) => bank.to_string(),
    };
    tx.exec(sql, params![person.to_string(), assignment.role.name(), scope]).await?;
    Ok(())
}

/// How many people hold a role in the whole organisation.
///
/// # Errors
/// The store's.
pub async fn count_everywhere(tx: &Tx, org: OrgId, role: Role) -> Result<u32, StoreError> {
    let sql = "SELECT COUNT(*) FROM assignment a JOIN person p ON p.id = a.person
         WHERE p.org = $1 AND p.state = 'active' AND a.role = $2 AND a.scope = $3";
    tx.query_one(sql, params![org.to_string(), role.name(), ORGANISATION]).await?.get(0)
}

fn read(row: &Row) -> Result<Assignment, StoreError> {
    let role: String = row.get("role")?;
    let role = Role::from_name(&role).ok_or_else(|| StoreError::other("column role holds no role"))?;
    let scope: String = row.get("scope")?;
    let scope = match scope.split('_').next() {
        Some(ORGANISATION) => Scope::Organisation,
        Some("sit") => Scope::Site(parsed(row, "scope")?),
        _ => Scope::Bank(parsed(row, "scope")?),
    };
    Ok(Assignment { role, scope })
}
