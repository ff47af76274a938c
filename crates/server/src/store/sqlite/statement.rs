//! Single statements on a SQLite connection, with `$n` parameters.

use std::{borrow::Cow, sync::Arc};

use rusqlite::{
    Connection, Statement,
    types::{ToSqlOutput, ValueRef},
};

use super::error::translate;
use crate::store::{Row, StoreError, Value, tx::TxState};

pub(in crate::store) fn query(
    conn: &Connection,
    state: &TxState,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    state.usable()?;
    let mut statement = conn.prepare_cached(&numbered(sql)).map_err(translate)?;
    bind(&mut statement, params)?;
    let writes = state.admit(statement.readonly())?;
    let names: Arc<[String]> = statement.column_names().map(String::from).collect();
    let mut rows = statement.raw_query();
    let mut read = Vec::new();
    while let Some(row) = rows.next().map_err(translate)? {
        let values = (0..names.len()).map(|at| row.get_ref(at).map_err(translate).and_then(owned));
        read.push(Row::new(names.clone(), values.collect::<Result<_, _>>()?));
    }
    if writes && !read.is_empty() {
        state.note_change();
    }
    Ok(read)
}

pub(in crate::store) fn exec(
    conn: &Connection,
    state: &TxState,
    sql: &str,
    params: &[Value],
) -> Result<u64, StoreError> {
    state.usable()?;
    let mut statement = conn.prepare_cached(&numbered(sql)).map_err(translate)?;
    bind(&mut statement, params)?;
    let writes = state.admit(statement.readonly())?;
    let changed = statement.raw_execute().map_err(translate)?;
    if writes && changed > 0 {
        state.note_change();
    }
    Ok(changed as u64)
}

pub(in crate::store) fn script(conn: &Connection, state: &TxState, sql: &str) -> Result<(), StoreError> {
    state.usable()?;
    state.note_change();
    conn.execute_batch(sql).map_err(translate)
}

fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<(), StoreError> {
    if statement.parameter_count() != params.len() {
        let (wanted, given) = (statement.parameter_count(), params.len());
        return Err(StoreError::other(format!("{given} parameters given where {wanted} are used")));
    }
    for (at, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, ToSqlOutput::Borrowed(borrowed(value))).map_err(translate)?;
    }
    Ok(())
}

fn borrowed(value: &Value) -> ValueRef<'_> {
    match value {
        Value::Null => ValueRef::Null,
        Value::Int(it) => ValueRef::Integer(*it),
        Value::Float(it) => ValueRef::Real(*it),
        Value::Text(it) => ValueRef::Text(it.as_bytes()),
        Value::Blob(it) => ValueRef::Blob(it),
    }
}

fn owned(value: ValueRef<'_>) -> Result<Value, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(it) => Value::Int(it),
        ValueRef::Real(it) => Value::Float(it),
        ValueRef::Blob(it) => Value::Blob(it.to_vec()),
        ValueRef::Text(it) => match std::str::from_utf8(it) {
            Ok(it) => Value::Text(it.to_owned()),
            Err(_) => return Err(StoreError::other("text in the store is not UTF-8")),
        },
    })
}

/// Rewrites `$n` to `?n`: to SQLite `$1` is a *name*, numbered by first use, so parameters out of order would swap.
///
/// String literals, quoted identifiers and comments are left alone.
fn numbered(sql: &str) -> Cow<'_, str> {
    if !sql.contains('$') {
        return Cow::Borrowed(sql);
    }
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'', '"', '-', '/']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match verbatim(rest) {
            0 if rest.starts_with('$') && rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                out.push('?');
                rest = &rest[1..];
                continue;
            }
            0 => 1,
            taken => taken,
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Length of the literal, quoted identifier or comment this text begins with, 0 if it begins with none.
fn verbatim(text: &str) -> usize {
    let (open, close) = match text.as_bytes() {
        [b'\'', ..] => ("'", "'"),
        [b'"', ..] => ("\"", "\""),
        [b'-', b'-', ..] => ("--", "\n"),
        [b'/', b'*', ..] => ("/*", "*/"),
        _ => return 0,
    };
    let inside = &text[open.len()..];
    inside.find(close).map_or(text.len(), |at| open.len() + at + close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_outside_literals_only() {
        for (given, wanted) in [
            ("SELECT $2, $10", "SELECT ?2, ?10"),
            ("SELECT '$1', 'it''s $2', $3", "SELECT '$1', 'it''s $2', ?3"),
            ("SELECT \"$1\" -- $2\n, $3 /* $4 */ - $5 / $6", "SELECT \"$1\" -- $2\n, ?3 /* $4 */ - ?5 / ?6"),
            ("SELECT 'open $1", "SELECT 'open $1"),
            ("SELECT $x, '€$1', $1€", "SELECT $x, '€$1', ?1€"),
            ("SELECT 1", "SELECT 1"),
        ] {
            assert_eq!(numbered(given), wanted);
        }
    }
}
