//! The log as it stands: its newest checkpoint, and who vouches for it.

use bailee_audit::Note;
use bailee_audit::cosignature::CosignerKey;
use bailee_domain::id::BankId;
use bailee_domain::time::WallTime;

use crate::app::{App, AppError, witnesses};
use crate::store::tables::witness;

/// The newest signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The log's origin line.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    /// The note: the log's signature, then the cosignatures there are for exactly this tree.
    pub checkpoint: String,
    /// Every witness of the log.
    pub witnesses: Vec<Vouching>,
}

/// A witness and this checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouching {
    /// The name of its key.
    pub name: String,
    /// Its verifier key.
    pub vkey: String,
    /// The bank it is, unless it is a witness of others.
    pub bank: Option<BankId>,
    /// Whether it cosigned lately and refuses nothing.
    pub is_current: bool,
    /// Whether it refuses to cosign.
    pub refuses: bool,
    /// When it cosigned exactly this checkpoint.
    pub cosigned: Option<WallTime>,
}

/// The log as it stands; `None` when it cannot be read or has no checkpoint.
///
/// # Errors
/// The store's.
pub async fn head(app: &App) -> Result<Option<Head>, AppError> {
    let Ok(checkpoint) = witnesses::published(app).await else { return Ok(None) };
    let log = app.log_id().to_owned();
    let rows = app.db().read(async move |tx| Ok::<_, AppError>(witness::all(&tx, &log).await?)).await?;
    let (now, note) = (app.now(), Note::parse(checkpoint.as_bytes()).ok());
    let vouching = |row: &witness::WitnessRow| Vouching {
        cosigned: note.as_ref().and_then(|note| cosigned(&row.vkey, note)),
        is_current: witnesses::is_current(row, now),
        refuses: !row.refusal.is_empty(),
        name: row.name.clone(),
        vkey: row.vkey.clone(),
        bank: row.bank,
    };
    let witnesses = rows.iter().map(vouching).collect();
    let mut lines = checkpoint.lines().map(ToOwned::to_owned);
    // A checkpoint begins with its origin and the size of the tree (C2SP tlog-checkpoint).
    let (Some(origin), Some(Ok(size))) = (lines.next(), lines.next().map(|size| size.parse())) else {
        return Ok(None);
    };
    Ok(Some(Head { origin, size, checkpoint, witnesses }))
}

/// When the holder of a key cosigned a note, if it did.
fn cosigned(vkey: &str, note: &Note) -> Option<WallTime> {
    let key: CosignerKey = vkey.parse().ok()?;
    let seconds = key.cosigned(note).ok()??;
    Some(WallTime::from_unix_ms(i64::try_from(seconds).ok()?.checked_mul(1_000)?))
}
