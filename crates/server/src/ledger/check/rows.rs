//! What the check reads of the store: events with their lines in the search index, marks, banks. Nothing is written.

use bailee_audit::hash::{Hash, leaf_hash};

use crate::ledger::rows::{self, LogRow};
use crate::ledger::{LedgerError, LogId, column};
use crate::params;
use crate::store::names::name_of;
use crate::store::{Row, StoreError, Tx};

/// An event as the store has it.
pub(super) struct EventSeen {
    pub id: i64,
    pub leaf_index: Option<u64>,
    /// Its bytes and their hash, while the store has them.
    pub bytes: Option<(Vec<u8>, Hash)>,
    pub source: (String, u64),
    pub line: Option<LineSeen>,
}

/// A line of the search index, as far as the event alone decides it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LineSeen {
    pub at: i64,
    pub kind: String,
    pub severity: i64,
    pub bank: Option<String>,
    pub actor: Option<String>,
}

/// What the store notes of a bank's last event.
pub(super) struct BankSeen {
    pub id: String,
    pub last_seq: u64,
    pub last_hash: [u8; 32],
}

/// Events with their lines, whose numbers are named; a number without a name is nobody's.
fn events() -> String {
    let name = |number: &str| format!("COALESCE({}, '')", name_of(number));
    let bank = name_of("line.bank");
    let (source, kind, actor) =
        (name("event.source"), name("line.kind"), name("COALESCE(line.done_by, line.actor)"));
    format!(
        "SELECT event.id AS id, event.leaf_index AS leaf_index, event_bytes.bytes AS bytes,
        {source} AS source_id, event.source_seq AS source_seq, line.event_id AS line, line.at AS at,
        {kind} AS kind, line.severity AS severity, {bank} AS bank, {actor} AS actor
        FROM event LEFT JOIN event_bytes ON event_bytes.event = event.id
        LEFT JOIN log_index line ON line.event_id = event.id
        WHERE event.org = {ORG}"
    )
}

/// The number of the organisation.
const ORG: &str = "(SELECT id FROM log_name WHERE name = $1)";

fn read(row: &Row) -> Result<EventSeen, StoreError> {
    let bytes: Option<Vec<u8>> = row.get("bytes")?;
    let line = match row.get::<Option<i64>>("line")? {
        None => None,
        Some(_) => Some(LineSeen {
            at: row.get("at")?,
            kind: row.get("kind")?,
            severity: row.get("severity")?,
            bank: row.get("bank")?,
            actor: row.get("actor")?,
        }),
    };
    Ok(EventSeen {
        id: row.get("id")?,
        leaf_index: row.get("leaf_index")?,
        bytes: bytes.map(|bytes| {
            let leaf = leaf_hash(&bytes);
            (bytes, leaf)
        }),
        source: (row.get("source_id")?, row.get("source_seq")?),
        line,
    })
}

/// The store's mark, and the events with the leaves `from .. to` in order, on one snapshot.
pub(super) async fn page(
    tx: &Tx,
    (log, org): (&LogId, &str),
    from: u64,
    to: u64,
) -> Result<(Option<LogRow>, Vec<EventSeen>), LedgerError> {
    let mark = rows::log(tx, log).await?;
    let sql = format!(
        "{} AND event.leaf_index >= $2 AND event.leaf_index < $3 ORDER BY event.leaf_index",
        events()
    );
    let found = tx.query(&sql, params![org, column(from)?, column(to)?]).await?;
    Ok((mark, found.iter().map(read).collect::<Result<_, _>>()?))
}

/// Events that wait for their leaf, oldest first.
pub(super) async fn pending(tx: &Tx, org: &str, most: usize) -> Result<Vec<EventSeen>, LedgerError> {
    let sql = format!("{} AND event.leaf_index IS NULL ORDER BY event.id LIMIT $2", events());
    let found = tx.query(&sql, params![org, column(most as u64)?]).await?;
    Ok(found.iter().map(read).collect::<Result<_, _>>()?)
}

/// How many events have a leaf from there on, and the first of these leaves.
pub(super) async fn beyond(tx: &Tx, org: &str, from: u64) -> Result<(u64, Option<u64>), LedgerError> {
    let sql = format!(
        "SELECT COUNT(*) AS many, MIN(leaf_index) AS first FROM event WHERE org = {ORG} AND leaf_index >= $2"
    );
    let row = tx.query_one(&sql, params![org, column(from)?]).await?;
    Ok((row.get("many")?, row.get("first")?))
}

/// Lines of the search index without an event.
pub(super) async fn orphans(tx: &Tx, org: &str) -> Result<u64, LedgerError> {
    let sql = format!(
        "SELECT COUNT(*) AS many FROM log_index
        WHERE org = {ORG} AND NOT EXISTS (SELECT 1 FROM event WHERE event.id = log_index.event_id)"
    );
    Ok(tx.query_one(&sql, params![org]).await?.get("many")?)
}

/// Every bank of the organisation.
pub(super) async fn banks(tx: &Tx, org: &str) -> Result<Vec<BankSeen>, LedgerError> {
    let sql = "SELECT id, last_seq, last_hash FROM bank WHERE org = $1 ORDER BY id";
    let read = |row: &Row| {
        Ok(BankSeen { id: row.get("id")?, last_seq: row.get("last_seq")?, last_hash: row.get("last_hash")? })
    };
    tx.query(sql, params![org]).await?.iter().map(read).collect()
}
