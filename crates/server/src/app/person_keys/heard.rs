//! What banks' events say about people's keys.

use bailee_domain::bank::keyring::{RESIDENT_WAIT_MS, STAFF_WAIT_MS};
use bailee_domain::event::{Event, EventKind};
use bailee_domain::id::BankId;
use bailee_domain::signer::KeyUse;

use crate::app::{App, AppError, Change};
use crate::store::tables::bank::BankRow;
use crate::store::tables::log_index;
use crate::store::tables::person_key::{self, Hold};

/// The bank took a roster: it holds the keys of it and no others. A key of staff that waits is told of by the next event.
pub(in crate::app) async fn roster_taken(
    app: &App,
    change: &Change,
    bank: &BankRow,
    happened: &Event,
    revision: u64,
) -> Result<(), AppError> {
    let tx = &change.tx;
    let first = log_index::is_first(tx, bank.id, "RosterTaken").await?;
    let known = person_key::at_bank(tx, bank.id).await?;
    let meant = super::keys_of_bank(app, tx, bank.id, bank.site).await?;
    for row in meant.iter().filter(|row| row.added_revision <= revision) {
        if known.iter().any(|(key, hold, _)| *key == row.id && *hold != Hold::Gone) {
            continue;
        }
        let waits = !first && row.key.used_for == KeyUse::Resident;
        let until = happened.at.plus_ms(i64::try_from(RESIDENT_WAIT_MS).unwrap_or(i64::MAX));
        let hold = if waits { Hold::Waits(Some(until)) } else { Hold::Counts };
        person_key::held(tx, bank.id, row.id, hold, happened.at).await?;
    }
    for (key, hold, _) in known {
        let named = meant.iter().any(|row| row.id == key);
        if !named && hold != Hold::Gone && person_key::is_without(tx, key, revision).await? {
            person_key::held(tx, bank.id, key, Hold::Gone, happened.at).await?;
        }
    }
    Ok(())
}

/// The bank said something about a key of staff.
pub(in crate::app) async fn key_event(
    change: &Change,
    bank: BankId,
    happened: &Event,
) -> Result<(), AppError> {
    let (person, used_for, key) = match &happened.kind {
        EventKind::KeyWaits { person, key, used_for }
        | EventKind::KeyAdmitted { person, key, used_for, .. }
        | EventKind::KeyRemoved { person, key, used_for } => (*person, *used_for, *key),
        _ => return Ok(()),
    };
    let tx = &change.tx;
    let Some(row) = person_key::named(tx, change.org, person, used_for, key).await? else { return Ok(()) };
    let hold = match &happened.kind {
        EventKind::KeyAdmitted { .. } => Hold::Counts,
        EventKind::KeyRemoved { .. } => Hold::Gone,
        // Only a bank that never held a key of staff believes its first by and by.
        _ if person_key::held_staff_before(tx, bank, happened.at).await? => Hold::Waits(None),
        _ => Hold::Waits(Some(happened.at.plus_ms(i64::try_from(STAFF_WAIT_MS).unwrap_or(i64::MAX)))),
    };
    person_key::held(tx, bank, row.id, hold, happened.at).await
}
