//! Replacing the log's key, with the platform stopped.

use bailee_audit::VerifyingKey;
use bailee_vault::kek::FileKek;

use super::{Log, ServeError, open_as};
use crate::app::ledger_key;
use crate::config::ServerConfig;

/// Hands the log over from its key to a new one; gives both.
///
/// # Errors
/// [`ServeError`]; a platform that is running owns its log. Whatever it is, the next start brings to its end what was
/// begun.
pub async fn roll_key(
    config: &ServerConfig,
    reason: &str,
) -> Result<(VerifyingKey, VerifyingKey), ServeError> {
    config.check()?;
    let app = open_as(config, Log::Own).await?;
    let kek = FileKek::open(&config.data_dir.join("kek"))?;
    let keys = ledger_key::begin(&app, &kek, reason).await?;
    drop(app);
    // Opening it again is what ends a hand-over, whether or not it was broken off.
    drop(open_as(config, Log::Own).await?);
    Ok(keys)
}
