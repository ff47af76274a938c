//! The custody log as staff read it: lists with filters, one entry with its proof, and exports.
//!
//! What is listed is an index of the events; the proof of an entry is about the exact bytes in the log.

pub mod csv;
mod epcis;
mod explore;
mod head;

use bailee_audit::hash::{Hash, leaf_hash};
use bailee_domain::access::Permission;
use bailee_domain::id::BankId;
use bailee_domain::platform::PlatformEventKind;
use bailee_wire::event::{Shown, decode};
use futures_util::stream::{self, Stream, TryStreamExt};

use super::{App, AppError, Change, Principal, Refused, banks, witnesses};
use crate::ledger::LedgerError;
use crate::store::tables::{damaged, event, log_index};

pub use epcis::epcis;
pub use explore::{
    Counted, Explore, Explored, Facets, MOST_COUNTED, MOST_SEEN, Position, Rest, Turn, explore,
};
pub use head::{Head, Vouching, head};

pub use crate::store::tables::log_index::{Indexed, LogFilter, LogOrder, LogRow};

/// Most lines on a page.
pub const MAX_PAGE: u32 = 200;
/// Lines read at once for an export.
const EXPORT_PAGE: u32 = 1_000;

/// Which page of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListLog {
    /// Which events.
    pub filter: LogFilter,
    /// The last line of the page before.
    pub before: Option<i64>,
    /// How many, 1 to [`MAX_PAGE`].
    pub limit: u32,
}

/// A page of the log, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The lines.
    pub rows: Vec<LogRow>,
    /// What to ask for next with [`ListLog::before`]; `None` on the last page.
    pub next: Option<i64>,
}

/// Lists the events the caller may see. Whoever may read the log of some banks only sees the events of those.
///
/// # Errors
/// [`Refused::NotAllowed`]; the store's.
pub async fn list(app: &App, principal: &Principal, input: ListLog) -> Result<LogPage, AppError> {
    let (org, whose) = (app.org(), principal.clone());
    let limit = input.limit.clamp(1, MAX_PAGE);
    let outcome = app
        .db()
        .read(async move |tx| {
            let visible = banks::visible(&tx, org, &whose, Permission::ViewLog).await?;
            let order = LogOrder::NewestFirst { before: input.before };
            let page = (visible.as_deref(), limit + 1);
            let mut rows = log_index::list(&tx, org, &input.filter, order, page).await?;
            let more = rows.len() > limit as usize;
            rows.truncate(limit as usize);
            let next = if more { rows.last().map(|row| row.id) } else { None };
            Ok(LogPage { rows, next })
        })
        .await;
    banks::noting_denial(app, principal, outcome).await
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Names it, as in a list.
    pub id: i64,
    /// Every field of it with its value.
    pub view: Vec<Shown>,
    /// The exact bytes of the leaf.
    pub leaf: Vec<u8>,
    /// SHA-256 of the leaf as RFC 6962 has it.
    pub leaf_hash: Hash,
    /// Its place in the log; `None` until the sequencer has given it one, within seconds.
    pub proven: Option<Proven>,
}

/// Where an entry is, and the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Its index.
    pub index: u64,
    /// Size of the tree the proof leads to.
    pub size: u64,
    /// The proof, leaf to root.
    pub path: Vec<Hash>,
    /// The signed checkpoint of that tree.
    pub checkpoint: String,
}

/// Shows one entry with the proof that it is in the log.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's; [`AppError::Damaged`] when the log contradicts itself.
pub async fn entry(app: &App, principal: &Principal, id: i64) -> Result<Entry, AppError> {
    let (org, whose) = (app.org(), principal.clone());
    let found = app
        .db()
        .read(async move |tx| {
            let visible = banks::visible(&tx, org, &whose, Permission::ViewLog).await?;
            let at = LogOrder::OldestFirst { after: id.saturating_sub(1), up_to: id };
            let page = (visible.as_deref(), 1);
            let line = log_index::list(&tx, org, &LogFilter::default(), at, page).await?;
            if line.is_empty() {
                return Err(AppError::Refused(Refused::NotFound));
            }
            event::by_id(&tx, org, id).await?.ok_or(Refused::NotFound.into())
        })
        .await;
    let found = banks::noting_denial(app, principal, found).await?;
    let proven = match found.place.entry() {
        Some(index) => Some(prove(app, index).await?),
        None => None,
    };
    let leaf = bytes(app, found.place).await?;
    let view = decode(&leaf).map_err(|_| damaged("event.bytes"))?.view();
    Ok(Entry { id, view, leaf_hash: leaf_hash(&leaf), leaf, proven })
}

/// The bytes of an event, wherever they are.
///
/// # Errors
/// [`AppError::Damaged`] when the log does not have them.
pub(crate) async fn bytes(app: &App, place: event::Place) -> Result<Vec<u8>, AppError> {
    match place {
        event::Place::Waiting(bytes) => Ok(bytes),
        event::Place::Log(index) => app.ledger().reader().entry(index).await.map_err(ledger),
    }
}

/// The proof of an entry as a file that anybody can check (C2SP tlog-proof v1); `None` until the log has placed it.
///
/// # Errors
/// As [`entry`].
pub async fn proof_file(app: &App, principal: &Principal, id: i64) -> Result<Option<String>, AppError> {
    entry(app, principal, id).await?;
    super::receipts::proof_of_event(app, id).await
}

/// Proves that the entry `index` is in the tree of a signed checkpoint: the one most witnesses vouch for, otherwise the newest.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when the log contradicts itself.
pub(crate) async fn prove(app: &App, index: u64) -> Result<Proven, AppError> {
    let reader = app.ledger().reader();
    let checkpoint = match witnesses::cosigned_checkpoint(app, index).await? {
        Some(cosigned) => cosigned,
        None => reader.checkpoint().await.map_err(ledger)?,
    };
    // The second line of a checkpoint is the tree's size (C2SP tlog-checkpoint).
    let size = checkpoint.lines().nth(1).and_then(|line| line.parse().ok());
    let size = size.ok_or(damaged("ledger.checkpoint"))?;
    let path = reader.inclusion_proof(index, size).await.map_err(ledger)?;
    Ok(Proven { index, size, path, checkpoint })
}

fn ledger(error: LedgerError) -> AppError {
    match error {
        LedgerError::Store(error) => AppError::Store(error),
        _ => damaged("ledger"),
    }
}

/// Exports the events that pass the filter, oldest first: what is there when it begins, however long it takes.
///
/// The export is an event of the log itself, written before the first line is given out.
///
/// # Errors
/// [`Refused::NotAllowed`]; the store's, also within the stream.
pub async fn export(
    app: &App,
    principal: &Principal,
    filter: LogFilter,
) -> Result<impl Stream<Item = Result<LogRow, AppError>> + Send + use<>, AppError> {
    let (asked, whose) = (filter.clone(), principal.clone());
    let begun = app
        .change(principal.actor, async move |change: &Change| {
            let visible = banks::visible(&change.tx, change.org, &whose, Permission::ExportLog).await?;
            let extent = log_index::extent(&change.tx, change.org, &asked, visible.as_deref()).await?;
            change.event(PlatformEventKind::LogExported { entries: extent.0 }).await?;
            Ok((visible, extent.1))
        })
        .await;
    let (banks, last) = banks::noting_denial(app, principal, begun).await?;
    let start = (app.clone(), filter, banks, 0);
    let pages = stream::try_unfold(start, move |(app, filter, banks, after)| async move {
        let rows = page(&app, filter.clone(), banks.clone(), (after, last)).await?;
        let next = rows.last().map(|row| row.id);
        Ok::<_, AppError>(
            next.map(|next| (stream::iter(rows.into_iter().map(Ok)), (app, filter, banks, next))),
        )
    });
    Ok(pages.try_flatten())
}

async fn page(
    app: &App,
    filter: LogFilter,
    banks: Option<Vec<BankId>>,
    (after, up_to): (i64, i64),
) -> Result<Vec<LogRow>, AppError> {
    let org = app.org();
    app.db()
        .read(async move |tx| {
            let order = LogOrder::OldestFirst { after, up_to };
            log_index::list(&tx, org, &filter, order, (banks.as_deref(), EXPORT_PAGE)).await
        })
        .await
}
