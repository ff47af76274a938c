//! Ids and words of the log as numbers: in its rows and their indexes one to four bytes stand for a text of thirty.
//!
//! Names are only ever added, and a name's number never changes, so a number may be kept.

use std::collections::BTreeMap;

use super::{Row, StoreError, Tx, Value};

/// The number of `name`, whose value goes in place of the `?`; no row has what was never named.
pub(crate) const NUMBER: &str = "(SELECT id FROM log_name WHERE name = ?)";

/// An expression for the name of a number.
pub(crate) fn name_of(number: &str) -> String {
    format!("(SELECT name FROM log_name WHERE log_name.id = {number})")
}

/// Numbers of these names, in their order; new ones get theirs.
///
/// # Errors
/// The store's.
pub(crate) async fn numbers<const N: usize>(
    tx: &Tx,
    names: [Option<&str>; N],
) -> Result<[Option<i64>; N], StoreError> {
    let asked: Vec<&str> = names.into_iter().flatten().collect();
    let sql = format!("SELECT id, name FROM log_name WHERE name IN ({})", places(asked.len()));
    let values: Vec<Value> = asked.iter().map(|name| Value::from(*name)).collect();
    let found = tx.query(&sql, &values).await?;
    let mut known = found.iter().map(|row| Ok((row.get("name")?, row.get("id")?)));
    let mut known = known.by_ref().collect::<Result<BTreeMap<String, i64>, StoreError>>()?;
    for name in asked {
        if !known.contains_key(name) {
            known.insert(name.to_owned(), add(tx, name).await?);
        }
    }
    Ok(names.map(|name| name.and_then(|name| known.get(name).copied())))
}

async fn add(tx: &Tx, name: &str) -> Result<i64, StoreError> {
    // On PostgreSQL somebody else may be adding it: this waits for them, and is done again if they were first.
    let sql = "INSERT INTO log_name (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id";
    tx.query_one(sql, &[name.into()]).await?.get(0)
}

/// The names of numbers.
///
/// # Errors
/// The store's.
pub(crate) async fn names(tx: &Tx, numbers: &[i64]) -> Result<BTreeMap<i64, String>, StoreError> {
    const AT_ONCE: usize = 256;
    let mut names = BTreeMap::new();
    for some in numbers.chunks(AT_ONCE) {
        let sql = format!("SELECT id, name FROM log_name WHERE id IN ({})", places(some.len()));
        let values: Vec<Value> = some.iter().map(|number| Value::from(*number)).collect();
        let read = |row: &Row| Ok((row.get("id")?, row.get("name")?));
        for named in tx.query(&sql, &values).await?.iter().map(read) {
            let (number, name) = named?;
            names.insert(number, name);
        }
    }
    Ok(names)
}

fn places(count: usize) -> String {
    (1..=count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}
