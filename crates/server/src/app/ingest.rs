//! What banks upload: checked against their chain, stored byte for byte, and followed by what it means.
//!
//! One batch is one transaction: either every event of it is held, with parcels, alerts and orders in step, or none is
//! and nothing is acknowledged. An event that does not continue what is held is never stored. Start at [`store`].

mod consequences;

use std::collections::BTreeMap;

use bailee_domain::event::{Event, EventKind, Severity};
use bailee_domain::id::BankId;
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_vault::sign::PublicKey;
use bailee_wire::event::{Hash, Leaf, chain_hash, decode, head_statement};

use super::alarm::{self, About, Alarm};
use super::{App, AppError, Change, LiveChange, Refused};
use crate::store::tables::bank::{BankRow, BankState};
use crate::store::tables::{bank, event};

/// Most events taken in one batch.
pub const MAX_BATCH: usize = 256;

/// Consecutive events of one bank as they came over the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The bank, as its connection proved.
    pub bank: BankId,
    /// The sequence number of each event and the exact bytes of its leaf.
    pub events: Vec<(u64, Vec<u8>)>,
    /// The device key's signature over the chain's head after the last of them.
    pub head_signature: Option<[u8; 64]>,
}

/// What became of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Everything up to this event is held durably; the bank may forget it.
    UpTo(u64),
    /// Nothing was stored, and an alert stands.
    Refused(Breach),
}

/// Why events are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// Events are missing in between.
    #[error("expected event {expected}, got {found}")]
    Gap {
        /// What should come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// It contradicts what is held: another history, or a repeat with other content.
    #[error("event {seq} contradicts what is held")]
    Fork {
        /// The event.
        seq: u64,
    },
    /// It cannot be read, or is not this bank's event of that number.
    #[error("event {seq} is not a readable event of this bank")]
    NotTheirs {
        /// Where it came.
        seq: u64,
    },
    /// The head is not signed by the bank's device key.
    #[error("the head after event {seq} is not signed by the bank's device key")]
    HeadSignature {
        /// After which event.
        seq: u64,
    },
    /// The batch is empty or larger than [`MAX_BATCH`].
    #[error("a batch has 1 to 256 events")]
    BatchSize,
}

impl Breach {
    /// The event the alert names.
    const fn seq(self) -> Option<u64> {
        match self {
            Self::Gap { expected, .. } => Some(expected),
            Self::Fork { seq } | Self::NotTheirs { seq } | Self::HeadSignature { seq } => Some(seq),
            Self::BatchSize => None,
        }
    }
}

/// Takes a batch: what is new of it is stored and followed up; what is known already is compared.
///
/// # Errors
/// [`Refused::NotFound`] for a bank that is not enrolled. A store failure means that nothing was stored; the bank
/// sends the batch again.
pub async fn store(app: &App, upload: Upload) -> Result<Taken, AppError> {
    let this = app.clone();
    let (taken, news) = app
        .change(Actor::Bank(upload.bank), async move |change: &Change| {
            store_batch(&this, change, &upload).await
        })
        .await?;
    news.into_iter().for_each(|news| app.live().tell(news));
    Ok(taken)
}

async fn store_batch(
    app: &App,
    change: &Change,
    upload: &Upload,
) -> Result<(Taken, Vec<LiveChange>), AppError> {
    let bank = enrolled(change, upload.bank).await?;
    let held = held_again(app, change, &bank, upload).await?;
    let new = match check(&bank, &held, upload) {
        Ok(new) => new,
        Err(breach) => {
            broken(app, change, upload.bank, breach.seq()).await?;
            return Ok((Taken::Refused(breach), vec![LiveChange::Alerts]));
        }
    };
    let Some(last) = new.last() else { return Ok((Taken::UpTo(bank.last_seq), Vec::new())) };
    let end = (last.event.seq, last.hash);
    for checked in &new {
        consequences::follow(app, change, &bank, checked).await?;
    }
    // Another connection of the same bank may have been faster; then this one starts over.
    if !bank::advance(&change.tx, bank.id, bank.last_seq, end).await? {
        return Err(AppError::Refused(Refused::Conflict { current: 0 }));
    }
    if let Some(signature) = upload.head_signature {
        let (seq, head) = end;
        change.event(PlatformEventKind::ChainHead { bank: bank.id, seq, head, signature }).await?;
    }
    Ok((Taken::UpTo(end.0), news_of(&new)))
}

/// What live pages may want to redraw after these events.
fn news_of(new: &[Checked<'_>]) -> Vec<LiveChange> {
    let about_parcels = |checked: &Checked<'_>| {
        matches!(
            checked.event.kind,
            EventKind::ParcelDeposited(_)
                | EventKind::ParcelCollected { .. }
                | EventKind::GrantArmed { .. }
                | EventKind::GrantExpired { .. }
                | EventKind::GrantRevoked { .. }
        )
    };
    let mut news = Vec::new();
    if new.iter().any(about_parcels) {
        news.push(LiveChange::Parcels);
    }
    if new.iter().any(|checked| checked.event.kind.severity() == Severity::Alarm) {
        news.push(LiveChange::Alerts);
    }
    news
}

/// A new event that continues its chain.
struct Checked<'a> {
    event: Event,
    bytes: &'a [u8],
    hash: Hash,
}

/// Checks a batch as a whole before anything of it is stored; returns what is new.
fn check<'a>(
    bank: &BankRow,
    held: &BTreeMap<u64, Vec<u8>>,
    upload: &'a Upload,
) -> Result<Vec<Checked<'a>>, Breach> {
    if upload.events.is_empty() || upload.events.len() > MAX_BATCH {
        return Err(Breach::BatchSize);
    }
    let (mut seq, mut head) = (bank.last_seq, bank.last_hash);
    let mut new = Vec::new();
    for (number, bytes) in &upload.events {
        let number = *number;
        if number <= bank.last_seq {
            if held.get(&number) != Some(bytes) {
                return Err(Breach::Fork { seq: number });
            }
            continue;
        }
        if number != seq + 1 {
            return Err(Breach::Gap { expected: seq + 1, found: number });
        }
        let (event, prev) = theirs(bank.id, number, bytes)?;
        if prev != head {
            return Err(Breach::Fork { seq: number });
        }
        (seq, head) = (number, chain_hash(bytes));
        new.push(Checked { event, bytes, hash: head });
    }
    if !new.is_empty() {
        check_head(bank, (seq, &head), upload.head_signature)?;
    }
    Ok(new)
}

fn theirs(bank: BankId, seq: u64, bytes: &[u8]) -> Result<(Event, Hash), Breach> {
    match decode(bytes) {
        Ok(Leaf::Bank { bank: of, prev, event }) if of == bank && event.seq == seq => Ok((event, prev)),
        _ => Err(Breach::NotTheirs { seq }),
    }
}

fn check_head(bank: &BankRow, (seq, head): (u64, &Hash), signature: Option<[u8; 64]>) -> Result<(), Breach> {
    let Some(signature) = signature else { return Ok(()) };
    let statement = head_statement(bank.id, seq, head);
    let key = bank.device_key.map(PublicKey).ok_or(Breach::HeadSignature { seq })?;
    key.verify(&statement, &signature).map_err(|_| Breach::HeadSignature { seq })
}

/// The stored bytes of those events of the batch that are held already.
async fn held_again(
    app: &App,
    change: &Change,
    bank: &BankRow,
    upload: &Upload,
) -> Result<BTreeMap<u64, Vec<u8>>, AppError> {
    let known = |(seq, _): &&(u64, Vec<u8>)| *seq <= bank.last_seq;
    let Some((first, _)) = upload.events.iter().find(known) else { return Ok(BTreeMap::new()) };
    let to = first.saturating_add(MAX_BATCH as u64).min(bank.last_seq);
    let log = app.ledger().reader();
    Ok(event::of_bank(&change.tx, &log, bank.id, *first..=to).await?.into_iter().collect())
}

async fn enrolled(change: &Change, id: BankId) -> Result<BankRow, AppError> {
    let bank = bank::by_id(&change.tx, change.org, id).await?;
    let bank = bank.filter(|bank| bank.state == BankState::Enrolled);
    bank.ok_or(AppError::Refused(Refused::NotFound))
}

async fn broken(app: &App, change: &Change, bank: BankId, seq: Option<u64>) -> Result<(), AppError> {
    let alarm = Alarm {
        about: About::Bank(bank),
        kind: alarm::CHAIN_BROKEN.to_owned(),
        compartment: None,
        event_seq: seq,
        at: change.at,
    };
    // One bank that repeats itself is one fact, as it is one alert.
    if alarm::raise(app, change, &alarm).await? {
        change.event(PlatformEventKind::BankChainBroken { bank, seq }).await?;
    }
    Ok(())
}

/// Raises the alert for a roster revision that no bank was ever given; `seq` is the event that claims it.
pub(super) async fn roster_claimed(
    app: &App,
    change: &Change,
    bank: BankId,
    seq: Option<u64>,
) -> Result<(), AppError> {
    let kind = alarm::ROSTER_CLAIMED.to_owned();
    let alarm = Alarm { about: About::Bank(bank), kind, compartment: None, event_seq: seq, at: change.at };
    alarm::raise(app, change, &alarm).await.map(|_| ())
}

/// Raises the alert for events that were found not to continue the chain before they came here; `seq` is where.
///
/// # Errors
/// The store's.
pub async fn chain_broken(app: &App, bank: BankId, seq: Option<u64>) -> Result<(), AppError> {
    let this = app.clone();
    app.change(Actor::Bank(bank), async move |change: &Change| broken(&this, change, bank, seq).await)
        .await?;
    app.live().tell(LiveChange::Alerts);
    Ok(())
}

/// Raises the alert of an alarm that overtook the events before it. The event itself is stored when its turn comes and
/// then raises no second alert. What is not an alarm of this bank, or no later than what is held, is ignored.
///
/// # Errors
/// [`Refused::NotFound`] for a bank that is not enrolled; the store's.
pub async fn alarm_preview(app: &App, bank: BankId, seq: u64, bytes: &[u8]) -> Result<(), AppError> {
    let Ok((event, _)) = theirs(bank, seq, bytes) else { return Ok(()) };
    if event.kind.severity() != Severity::Alarm {
        return Ok(());
    }
    let this = app.clone();
    app.change(Actor::Bank(bank), async move |change: &Change| {
        let bank = enrolled(change, bank).await?;
        if event.seq <= bank.last_seq {
            return Ok(());
        }
        consequences::alarm(&this, change, &bank, &event).await
    })
    .await?;
    app.live().tell(LiveChange::Alerts);
    Ok(())
}
