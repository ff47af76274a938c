//! `code_order` and `code_name`: codes on their way to a bank and a person, and the names of those given out.
//!
//! A code stands here only sealed, from when it is made until the bank has it; then it moves, sealed again, into the
//! messages that carry it. A name is a keyed hash: it tells that a code is taken, not which.

use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, GrantId};
use bailee_domain::platform::Actor;
use bailee_domain::time::WallTime;

use super::log_index::{actor_from_text, actor_text};
use super::{damaged, typed};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx, Value};

/// How long the name of a dead code is kept, in milliseconds: no new code may be like it.
pub const NAME_KEPT_MS: i64 = 90 * 86_400_000;

/// How far a code order has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// A code is to be made.
    Wanted,
    /// It is made; the bank does not have it yet.
    Made {
        /// What the bank is to be given.
        verifier: Verifier,
        /// The code, sealed.
        code: Vec<u8>,
    },
    /// The bank has it; the messages are on their way.
    Armed,
    /// It is not wanted any more: collected, revoked, or its time is over.
    Closed,
}

impl OrderState {
    const fn name(&self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Made { .. } => "made",
            Self::Armed => "armed",
            Self::Closed => "closed",
        }
    }
}

/// The newest code wanted for a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeOrder {
    /// The grant.
    pub grant: GrantId,
    /// The bank that holds it.
    pub bank: BankId,
    /// Which code: rises with every new one.
    pub generation: u8,
    /// How long it is to work.
    pub expires: WallTime,
    /// Who asked for it.
    pub ordered_by: Actor,
    /// When.
    pub ordered_at: WallTime,
    /// How far it has come.
    pub state: OrderState,
}

const COLUMNS: &str = "grant_id, bank, generation, state, expires, salt, mac, code, ordered_by, ordered_at";

fn read(row: &Row) -> Result<CodeOrder, AppError> {
    let state = match row.get::<String>("state")?.as_str() {
        "wanted" => OrderState::Wanted,
        "made" => OrderState::Made {
            verifier: Verifier { salt: row.get("salt")?, mac: row.get("mac")? },
            code: row.get("code")?,
        },
        "armed" => OrderState::Armed,
        "closed" => OrderState::Closed,
        _ => return Err(damaged("code_order.state")),
    };
    Ok(CodeOrder {
        grant: typed(row, "grant_id")?,
        bank: typed(row, "bank")?,
        generation: row.get("generation")?,
        expires: WallTime::from_unix_ms(row.get("expires")?),
        ordered_by: actor_from_text(&row.get::<String>("ordered_by")?)?,
        ordered_at: WallTime::from_unix_ms(row.get("ordered_at")?),
        state,
    })
}

/// Stores an order, in place of an earlier one for the same grant.
///
/// # Errors
/// The store's.
pub async fn put(tx: &Tx, order: &CodeOrder) -> Result<(), AppError> {
    let sql = "INSERT INTO code_order
            (grant_id, bank, generation, state, expires, salt, mac, code, ordered_by, ordered_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (grant_id) DO UPDATE SET generation = excluded.generation, state = excluded.state,
            expires = excluded.expires, salt = excluded.salt, mac = excluded.mac, code = excluded.code,
            ordered_by = excluded.ordered_by, ordered_at = excluded.ordered_at";
    let (salt, mac, code) = match &order.state {
        OrderState::Made { verifier, code } => (Some(verifier.salt), Some(verifier.mac), Some(code)),
        _ => (None, None, None),
    };
    let values = params![
        order.grant.to_string(),
        order.bank.to_string(),
        order.generation,
        order.state.name(),
        order.expires.unix_ms(),
        salt,
        mac,
        code,
        actor_text(&order.ordered_by),
        order.ordered_at.unix_ms(),
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// The order for a grant of this bank; no bank can touch another's.
///
/// # Errors
/// The store's.
pub async fn of_grant(tx: &Tx, bank: BankId, grant: GrantId) -> Result<Option<CodeOrder>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM code_order WHERE grant_id = $1 AND bank = $2");
    tx.query_opt(&sql, params![grant.to_string(), bank.to_string()]).await?.as_ref().map(read).transpose()
}

/// At most `limit` orders that wait for a code to be made, the oldest first.
///
/// # Errors
/// The store's.
pub async fn wanted(tx: &Tx, limit: u32) -> Result<Vec<CodeOrder>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM code_order WHERE state = 'wanted' ORDER BY ordered_at LIMIT $1");
    tx.query(&sql, params![limit]).await?.iter().map(read).collect()
}

/// At most `limit` orders whose code waits for the bank to take it, the oldest first.
///
/// # Errors
/// The store's.
pub async fn made(tx: &Tx, bank: BankId, limit: u32) -> Result<Vec<CodeOrder>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM code_order WHERE state = 'made' AND bank = $1 ORDER BY ordered_at LIMIT $2"
    );
    tx.query(&sql, params![bank.to_string(), limit]).await?.iter().map(read).collect()
}

/// The banks for which a code is made and not taken yet.
///
/// # Errors
/// The store's.
pub async fn banks_waiting(tx: &Tx) -> Result<Vec<BankId>, AppError> {
    let sql = "SELECT DISTINCT bank FROM code_order WHERE state = 'made' ORDER BY bank";
    tx.query(sql, params![]).await?.iter().map(|row| typed(row, "bank")).collect()
}

/// Whether any of these names is live at the bank, or died within [`NAME_KEPT_MS`].
///
/// # Errors
/// The store's.
pub async fn any_taken(tx: &Tx, bank: BankId, names: &[[u8; 32]], now: WallTime) -> Result<bool, AppError> {
    let mut only = super::Conditions::new("bank", bank.to_string());
    only.and("(dead_at IS NULL OR dead_at > ?)", now.plus_ms(-NAME_KEPT_MS).unix_ms());
    only.and_in("name", names.iter().map(|name| Value::from(*name)).collect());
    let sql = format!("SELECT 1 AS taken FROM code_name WHERE {} LIMIT 1", only.text());
    Ok(tx.query_opt(&sql, only.values()).await?.is_some())
}

/// Takes a name for a grant's or courier's code.
///
/// # Errors
/// The store's.
pub async fn take_name(tx: &Tx, bank: BankId, name: [u8; 32], subject: &str) -> Result<(), AppError> {
    // A name that died long ago may come again.
    let sql = "INSERT INTO code_name (bank, name, subject, dead_at) VALUES ($1, $2, $3, NULL)
        ON CONFLICT (bank, name) DO UPDATE SET subject = excluded.subject, dead_at = NULL";
    tx.exec(sql, params![bank.to_string(), name, subject]).await?;
    Ok(())
}

/// Marks the names of a subject's codes at a bank dead, all but `living`.
///
/// # Errors
/// The store's.
pub async fn bury_names(
    tx: &Tx,
    (bank, subject): (BankId, &str),
    living: Option<[u8; 32]>,
    now: WallTime,
) -> Result<(), AppError> {
    let sql = "UPDATE code_name SET dead_at = $2 WHERE subject = $1 AND bank = $4 AND dead_at IS NULL AND name <> $3";
    // No name is empty, so without a living one all of them match.
    let living = living.map_or_else(Vec::new, |name| name.to_vec());
    tx.exec(sql, params![subject, now.unix_ms(), living, bank.to_string()]).await?;
    Ok(())
}
