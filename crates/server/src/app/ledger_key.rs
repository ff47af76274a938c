//! Handing the log over to a new key, which begins here and comes to its end wherever the platform is opened next.
//!
//! The old key signs a statement that names the new one; the new one signs it too. The statement is an event of the log
//! like any other, put into a tree that the old key still signs, and goes with every later checkpoint.
//!
//! # What a stop means
//! | stop | found at the next opening |
//! |---|---|
//! | before [`begin`]'s transaction | the old key; nothing has happened |
//! | after it | both keys, and the event waiting: [`finish`] goes on |
//! | after the event is an entry | the same; there is nothing to append any more |
//! | after the old key is destroyed | the new key, and a checkpoint that a key before it signed: it is signed anew |
//!
//! So there is always exactly one key that signs, and never a checkpoint of the new key without the entry that names it.

use std::sync::Arc;

use bailee_audit::handover::HandOver;
use bailee_audit::key::{KeyName, VerifyingKey};
use bailee_domain::platform::{Actor, KeyHandOver, PlatformEventKind};
use bailee_evidence::commitment;
use bailee_ledger::disk::Disk;
use bailee_vault::Secret;
use bailee_vault::kek::KeyProvider;
use bailee_vault::seal::{Aad, KeyId, Purpose, SealError, StoredKey};
use bailee_vault::sign::SigningKey;

use super::{App, AppError, Change, FieldError, Refused, install, texts};
use crate::ledger::{Ledger, LedgerError, LogId, LogKey};
use crate::store::tables::{damaged, log_key, stored_key};
use crate::store::{Db, Tx};

pub use crate::store::tables::log_key::hand_over;

/// Purpose of the log's seed.
const PURPOSE: &str = "log";
/// Under which label the custody log commits to why a key was replaced.
pub const COMMITMENT_LABEL: &str = "ledger-key-roll/v1";

/// The log's keys as they are stored.
pub(super) struct Held {
    /// The key that signs.
    pub signing: Arc<SigningKey>,
    /// How it became the log's, oldest first.
    pub handed: Vec<KeyHandOver>,
    /// The key to destroy to bring a hand-over to its end.
    pub ending: Option<KeyId>,
}

/// Which of the stored keys signs: while a hand-over is under way, still the old one.
pub(super) fn held(
    provider: &dyn KeyProvider,
    stored: &[StoredKey],
    mut handed: Vec<KeyHandOver>,
) -> Result<Held, SealError> {
    let mut keys = Vec::new();
    for key in stored.iter().filter(|key| key.purpose.as_str() == PURPOSE) {
        keys.push((key.id, SigningKey::from_seed(&key.unwrap(provider)?)));
    }
    let old = handed.last().map(|last| last.old);
    let ending = match keys.len() {
        0 | 1 => None,
        _ => keys.iter().position(|(_, key)| Some(key.public().0) == old),
    };
    if let Some(place) = ending {
        handed.pop();
        let (id, key) = keys.swap_remove(place);
        return Ok(Held { signing: Arc::new(key), handed, ending: Some(id) });
    }
    let newest = keys.pop().ok_or(SealError::NoKeyFor(Purpose::new(PURPOSE)?))?;
    Ok(Held { signing: Arc::new(newest.1), handed, ending: None })
}

/// Stores a new key beside the old one with the old one's word for it, and the event that says so. Tells the new key.
///
/// # Errors
/// [`Refused::Invalid`] without a reason; [`Refused::NotPossibleNow`] in a process that does not own the log; the store's.
pub async fn begin(
    app: &App,
    provider: &dyn KeyProvider,
    reason: &str,
) -> Result<(VerifyingKey, VerifyingKey), AppError> {
    let mut wrong: Vec<FieldError> = Vec::new();
    let reason = super::people::text("reason", reason, &mut wrong);
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong).into());
    }
    let unusable = |_| damaged("stored_key");
    let old = install::log_key(app).map_err(|_| damaged("org.log_id"))?;
    let purpose = Purpose::new(PURPOSE).map_err(unusable)?;
    let stored = app.draw(|mut rng| StoredKey::create(provider, purpose, &mut rng)).map_err(unusable)?;
    let seed = stored.unwrap(provider).map_err(unusable)?;
    let new = install::signed_by(old.verifying.name().clone(), Arc::new(SigningKey::from_seed(&seed)), &[]);
    let head = app.ledger().reader().head().await.map_err(|_| damaged("ledger"))?;
    let time = u64::try_from(app.now().unix_ms() / 1_000).unwrap_or(0);
    let both = ((old.signer.as_ref() as _, &old.verifying), (new.signer.as_ref() as _, &new.verifying));
    let handed = HandOver::sign(both.0, both.1, head, time).map_err(|_| damaged("stored_key"))?;
    let (said, why) = (of_event(&handed), Why::new(app, &reason)?);
    let (log, number) = (app.log_id().to_owned(), app.keys().handed.len() + 1);
    app.change(Actor::Platform, async move |change: &Change| {
        stored_key::insert(&change.tx, &stored, change.at).await?;
        log_key::insert(&change.tx, &log, number, &said, &why.sealed).await?;
        let kind = PlatformEventKind::LedgerKeyRolled { hand_over: said.clone(), reason: why.commitment };
        change.event(kind).await
    })
    .await?;
    Ok((old.verifying, new.verifying))
}

/// Brings a hand-over to its end: its event becomes an entry under the old key, then the old key is destroyed.
pub(super) async fn finish(
    db: &Db,
    whose: (&LogId, &str),
    old: &LogKey,
    disk: Box<dyn Disk>,
    (ending, now_ms): (KeyId, i64),
) -> Result<(), LedgerError> {
    let ledger = Ledger::open(db, whose, old, disk, now_ms).await?;
    let sequencer = ledger.sequencer(db);
    loop {
        let done = sequencer.run_once(now_ms).await?;
        if done.from == done.to {
            break;
        }
    }
    // Nothing is signed by the old key from here on.
    drop((sequencer, ledger));
    db.tx(async move |tx: Tx| stored_key::destroy(&tx, ending).await).await?;
    if !db.scrub(&["stored_key"]).await? {
        tracing::warn!("the old log key's wrapped seed may lie in the database's files until the next start");
    }
    tracing::warn!("the custody log was handed over to a new key");
    Ok(())
}

fn of_event(handed: &HandOver) -> KeyHandOver {
    KeyHandOver {
        old: *handed.old.public(),
        new: *handed.new.public(),
        size: handed.head.size,
        root: handed.head.root.0,
        time_s: handed.time,
        signature: handed.signature,
        possession: handed.possession,
    }
}

/// Signature lines that lead from earlier keys to the one that signs, each ended by a newline; the newest hand-overs of many.
pub(super) fn lines(name: &KeyName, handed: &[KeyHandOver]) -> String {
    let from = handed.len().saturating_sub(bailee_audit::handover::MAX_HANDOVERS);
    handed[from..].iter().map(|said| format!("{}\n", hand_over(name, said).line())).collect()
}

/// Why a key is replaced: sealed, and committed to.
struct Why {
    sealed: Vec<u8>,
    commitment: [u8; 32],
}

impl Why {
    fn new(app: &App, reason: &str) -> Result<Self, AppError> {
        let salt = app.draw(|mut rng| Secret::<[u8; 32]>::random(&mut rng));
        let commitment = commitment::commit(COMMITMENT_LABEL, &[("reason", Some(reason))], salt.expose());
        let plain = Secret::new([salt.expose().as_slice(), &texts::encode(&[Some(reason)])].concat());
        let place = Aad { table: "log_key", column: "reason", row: app.log_id().as_bytes() };
        let sealed = app.draw(|mut rng| app.keys().secret().seal(&place, plain.expose(), &mut rng));
        Ok(Self { sealed: sealed.map_err(|_| damaged("log_key.reason"))?, commitment })
    }
}
