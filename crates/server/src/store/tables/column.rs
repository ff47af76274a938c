//! Reading single columns as what they hold, for the tables whose functions fail with [`StoreError`].

use std::str::FromStr;

use bailee_domain::time::WallTime;

use crate::store::{Row, StoreError};

/// Reads a column that holds an id or the like as text.
pub(super) fn parsed<T: FromStr>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| StoreError::other(format!("column {column} does not hold what it should")))
}

/// Reads a column that holds milliseconds since 1970.
pub(super) fn time(row: &Row, column: &'static str) -> Result<WallTime, StoreError> {
    row.get(column).map(WallTime::from_unix_ms)
}

/// Reads a column that holds milliseconds since 1970, or nothing.
pub(super) fn time_opt(row: &Row, column: &'static str) -> Result<Option<WallTime>, StoreError> {
    Ok(row.get::<Option<i64>>(column)?.map(WallTime::from_unix_ms))
}

/// Reads a column that holds an id or the like as text, or nothing.
pub(super) fn parsed_opt<T: FromStr>(row: &Row, column: &'static str) -> Result<Option<T>, StoreError> {
    let Some(text) = row.get::<Option<String>>(column)? else { return Ok(None) };
    let parsed = text.parse();
    parsed.map(Some).map_err(|_| StoreError::other(format!("column {column} does not hold what it should")))
}
