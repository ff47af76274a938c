//! `message`: notifications on their way. What varies in one stands here sealed, until a gateway took it.

use bailee_domain::id::{BankId, MessageId, OrgId, ParcelId, PersonId};
use bailee_domain::platform::Channel;
use bailee_domain::time::WallTime;

use super::{damaged, typed, typed_opt};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// It waits for its next attempt.
    Waiting,
    /// A gateway took it.
    Sent,
    /// It was given up.
    Failed,
    /// It was not needed any more.
    Cancelled,
}

impl MessageState {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Sent, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id, the same on every attempt.
    pub id: MessageId,
    /// To whom.
    pub person: PersonId,
    /// How.
    pub channel: Channel,
    /// The name of its template.
    pub template: String,
    /// What varies, sealed; nothing once it is sent, failed or cancelled.
    pub variables: Option<Vec<u8>>,
    /// What became of it.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: WallTime,
    /// When it was written.
    pub created_at: WallTime,
    /// The gateway's last words.
    pub error: Option<String>,
    /// The parcel it is about.
    pub parcel: Option<ParcelId>,
}

const COLUMNS: &str =
    "id, person, channel, template, variables, state, attempts, next_at, created_at, error, parcel";

fn read(row: &Row) -> Result<MessageRow, AppError> {
    let channel = match row.get::<String>("channel")?.as_str() {
        "email" => Channel::Email,
        "sms" => Channel::Sms,
        _ => return Err(damaged("message.channel")),
    };
    Ok(MessageRow {
        id: typed(row, "id")?,
        person: typed(row, "person")?,
        channel,
        template: row.get("template")?,
        variables: row.get("variables")?,
        state: MessageState::from_name(&row.get::<String>("state")?).ok_or(damaged("message.state"))?,
        attempts: row.get("attempts")?,
        next_at: WallTime::from_unix_ms(row.get("next_at")?),
        created_at: WallTime::from_unix_ms(row.get("created_at")?),
        error: row.get("error")?,
        parcel: typed_opt(row, "parcel")?,
    })
}

/// The stable name of a channel.
pub const fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
    }
}

/// Adds a message.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, message: &MessageRow) -> Result<(), AppError> {
    let sql = "INSERT INTO message (id, org, person, channel, template, variables, state, attempts, next_at,
            created_at, error, parcel)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let values = params![
        message.id.to_string(),
        org.to_string(),
        message.person.to_string(),
        channel_name(message.channel),
        &message.template,
        message.variables.as_ref(),
        message.state.name(),
        message.attempts,
        message.next_at.unix_ms(),
        message.created_at.unix_ms(),
        message.error.as_ref(),
        message.parcel.map(String::from),
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// At most `limit` messages whose time has come, alarms first.
///
/// # Errors
/// The store's.
pub async fn due(tx: &Tx, now: WallTime, limit: u32) -> Result<Vec<MessageRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM message WHERE state = 'waiting' AND next_at <= $1
        ORDER BY CASE WHEN template = 'alarm' THEN 0 ELSE 1 END, next_at, id LIMIT $2"
    );
    tx.query(&sql, params![now.unix_ms(), limit]).await?.iter().map(read).collect()
}

/// Takes a message up for one attempt, before it is made: until `again_at` nobody else tries it. Tells whether it
/// was still there to be taken.
///
/// # Errors
/// The store's.
pub async fn take_up(tx: &Tx, message: &MessageRow, again_at: WallTime) -> Result<bool, AppError> {
    let sql = "UPDATE message SET attempts = attempts + 1, next_at = $3
        WHERE id = $1 AND attempts = $2 AND state = 'waiting'";
    Ok(tx.exec(sql, params![message.id.to_string(), message.attempts, again_at.unix_ms()]).await? == 1)
}

/// Puts a message off until `again_at`, with the gateway's words.
///
/// # Errors
/// The store's.
pub async fn put_off(tx: &Tx, id: MessageId, again_at: WallTime, why: &str) -> Result<(), AppError> {
    let sql = "UPDATE message SET next_at = $2, error = $3 WHERE id = $1 AND state = 'waiting'";
    tx.exec(sql, params![id.to_string(), again_at.unix_ms(), why]).await?;
    Ok(())
}

/// Ends a message and forgets what varied in it; tells whether it was still waiting.
///
/// # Errors
/// The store's.
pub async fn end(tx: &Tx, id: MessageId, state: MessageState, why: Option<&str>) -> Result<bool, AppError> {
    let sql = "UPDATE message SET state = $2, variables = NULL, error = COALESCE($3, error)
        WHERE id = $1 AND state = 'waiting'";
    Ok(tx.exec(sql, params![id.to_string(), state.name(), why]).await? == 1)
}

/// Cancels what still waits to be said about a parcel.
///
/// # Errors
/// The store's.
pub async fn cancel_about(tx: &Tx, parcel: ParcelId) -> Result<(), AppError> {
    let sql =
        "UPDATE message SET state = 'cancelled', variables = NULL WHERE parcel = $1 AND state = 'waiting'";
    tx.exec(sql, params![parcel.to_string()]).await?;
    Ok(())
}

/// What was or is to be said about a parcel, oldest first.
///
/// # Errors
/// The store's.
pub async fn about(tx: &Tx, parcel: ParcelId) -> Result<Vec<MessageRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM message WHERE parcel = $1 ORDER BY created_at, id");
    tx.query(&sql, params![parcel.to_string()]).await?.iter().map(read).collect()
}

/// Keeps a message back until `at`, as the digest of what a bank's alarms are until then.
///
/// # Errors
/// The store's.
pub async fn hold_digest(tx: &Tx, id: MessageId, bank: BankId, at: WallTime) -> Result<(), AppError> {
    let sql = "UPDATE message SET digest_of = $2, next_at = $3 WHERE id = $1";
    tx.exec(sql, params![id.to_string(), bank.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// The digest of a bank's alarms that one person is to get at this time, if it still waits.
///
/// # Errors
/// The store's.
pub async fn digest(
    tx: &Tx,
    bank: BankId,
    person: PersonId,
    at: WallTime,
) -> Result<Option<MessageId>, AppError> {
    let sql = "SELECT id FROM message WHERE digest_of = $1 AND person = $2 AND next_at = $3
        AND state = 'waiting' AND attempts = 0 LIMIT 1";
    let values = params![bank.to_string(), person.to_string(), at.unix_ms()];
    tx.query_opt(sql, values).await?.map(|row| typed(&row, "id")).transpose()
}

/// Says something else in a message nobody has tried to send yet.
///
/// # Errors
/// The store's.
pub async fn reword(tx: &Tx, id: MessageId, variables: Vec<u8>) -> Result<(), AppError> {
    let sql = "UPDATE message SET variables = $2 WHERE id = $1 AND state = 'waiting' AND attempts = 0";
    tx.exec(sql, params![id.to_string(), variables]).await?;
    Ok(())
}
