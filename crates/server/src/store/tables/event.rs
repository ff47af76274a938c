//! `event` and `log_index`: every fact of the custody log, in the transaction of the change it tells of.

use bailee_domain::id::OrgId;
use bailee_domain::platform::PlatformEvent;
use bailee_wire::event::encode_platform;

use crate::app::AppError;
use crate::params;
use crate::store::Tx;

/// Appends an event of the platform; `number` only tells rows of the same source apart.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when a text in it is too long to be an entry (use cases bound their texts).
pub async fn append_platform(
    tx: &Tx,
    org: OrgId,
    number: u64,
    event: &PlatformEvent,
) -> Result<(), AppError> {
    let bytes = encode_platform(org, event).map_err(|_| AppError::Damaged { what: "event" })?;
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    tx.exec(
        "INSERT INTO event (org, source_kind, source_id, source_seq, bytes, received_at)
         VALUES ($1, 'platform', $1, $2, $3, $4)",
        params![org.to_string(), number, bytes, event.at.unix_ms()],
    )
    .await?;
    Ok(())
}
