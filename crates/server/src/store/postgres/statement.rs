//! Single statements on a PostgreSQL connection, prepared once per connection.

use std::sync::Arc;

use tokio_postgres::{
    Statement,
    types::{ToSql, Type},
};

use super::{Client, error::translate};
use crate::store::{Row, StoreError, Value, tx::TxState};

pub(in crate::store) async fn query(
    client: &Client,
    state: &TxState,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let statement = prepare(client, sql, params).await?;
    let rows = client.query(&statement, &by_reference(params)).await.map_err(translate)?;
    if !rows.is_empty() && !sql.trim_start().starts_with("SELECT") {
        state.note_change();
    }
    let names: Arc<[String]> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
    let read = |row: tokio_postgres::Row| {
        let values = (0..row.len()).map(|at| row.try_get(at).map_err(translate));
        Ok(Row::new(names.clone(), values.collect::<Result<_, _>>()?))
    };
    rows.into_iter().map(read).collect()
}

pub(in crate::store) async fn exec(
    client: &Client,
    state: &TxState,
    sql: &str,
    params: &[Value],
) -> Result<u64, StoreError> {
    let statement = prepare(client, sql, params).await?;
    let changed = client.execute(&statement, &by_reference(params)).await.map_err(translate)?;
    if changed > 0 {
        state.note_change();
    }
    Ok(changed)
}

pub(in crate::store) async fn script(client: &Client, state: &TxState, sql: &str) -> Result<(), StoreError> {
    state.note_change();
    client.batch_execute(sql).await.map_err(translate)
}

async fn prepare(client: &Client, sql: &str, params: &[Value]) -> Result<Statement, StoreError> {
    let statement = client.prepare_cached(sql).await.map_err(translate)?;
    let wanted: &[Type] = statement.params();
    if wanted.len() == params.len() {
        return Ok(statement);
    }
    let (wanted, given) = (wanted.len(), params.len());
    Err(StoreError::other(format!("{given} parameters given where {wanted} are used")))
}

fn by_reference(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
