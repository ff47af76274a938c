//! Work orders: a technician's right to open some doors of a bank for a time, what is to be done, and what was.
//!
//! The bank holds an order from when it begins until it is closed or its time is over, and opens no door that holds a parcel for
//! it, whatever it names. What the technician types at the kiosk is a code sent for this order alone. Start at [`write`];
//! [`carry_on`] tells banks and notes what is overdue.

use std::collections::BTreeSet;

use bailee_domain::access::{Permission, Role, Scope};
use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::bank::work_order::{MAX_ORDER_DOORS, WorkOrder};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::{Event, EventKind};
use bailee_domain::id::{BankId, PersonId, WorkOrderId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;

use super::alarm::{self, About, Alarm};
use super::banks::noting_denial;
use super::link::{Ask, NotAnswered};
use super::people::text;
use super::sealed_words::{self, Place};
use super::{App, AppError, Change, FieldError, LiveChange, Principal, Refused, kiosk_code, outbox, people};
use crate::notify::templates::Facts;
use crate::store::tables::assignment;
use crate::store::tables::bank::{self, BankRow, BankState};
use crate::store::tables::work_order::{self, WorkOrderRow};

/// No order ends later than this from now: the bank takes none that does.
const LONGEST_MS: i64 = 14 * 86_400_000;
/// How long a bank may take, in milliseconds.
const REQUEST_MS: i64 = 15_000;
/// Orders shown of a bank.
const SHOWN: u32 = 50;
/// Orders looked after in one run.
const BATCH: u32 = 200;
const TASK: Place = Place { table: "work_order", column: "task", label: "work-order", fields: &["task"] };
const NOTE: Place =
    Place { table: "work_order", column: "note", label: "work-order-note", fields: &["note"] };

/// A work order as somebody typed it.
#[derive(Clone, Debug)]
pub struct NewOrder<'a> {
    /// Who may work.
    pub technician: PersonId,
    /// On which doors.
    pub doors: BTreeSet<CompartmentNo>,
    /// From when.
    pub begins: WallTime,
    /// Until when.
    pub expires: WallTime,
    /// What is to be done.
    pub task: &'a str,
}

/// A work order with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// The order.
    pub row: WorkOrderRow,
    /// What is to be done.
    pub task: String,
    /// What was done.
    pub note: Option<String>,
    /// How it stands.
    pub state: OrderState,
}

/// How a work order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Its time has not come, or the bank could not be told yet.
    Waiting,
    /// The technician may work.
    Open,
    /// Its time is over, and nobody has said what was done.
    Overdue,
    /// It was closed; the bank has not been told yet.
    Closing,
    /// It is over.
    Closed,
    /// The bank did not take it.
    Refused,
}

impl OrderState {
    /// The stable name used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Refused => "refused",
        }
    }
}

fn state(row: &WorkOrderRow, now: WallTime) -> OrderState {
    match (row.ended_at, row.gone_at) {
        _ if row.refused => OrderState::Refused,
        (Some(_), None) if row.sent_at.is_some() && now < row.expires => OrderState::Closing,
        (Some(_), _) => OrderState::Closed,
        (None, _) if now >= row.expires => OrderState::Overdue,
        (None, None) if row.sent_at.is_some() => OrderState::Open,
        (None, None) => OrderState::Waiting,
        (None, Some(_)) => OrderState::Overdue,
    }
}

async fn here(app: &App, principal: &Principal, id: BankId, needs: Permission) -> Result<BankRow, AppError> {
    let (org, whose) = (app.org(), principal.clone());
    let found = app.db().read(async move |tx| {
        let found = bank::by_id(&tx, org, id).await?;
        let found = found.filter(|bank| bank.state == BankState::Enrolled).ok_or(Refused::NotFound)?;
        whose.require(needs, Scope::Bank(id), Some(found.site))?;
        Ok(found)
    });
    noting_denial(app, principal, found.await).await
}

/// Writes a work order and sends the technician its code. The bank is told when it begins.
///
/// # Errors
/// [`Refused::Invalid`] for `technician`, `doors`, `begins`, `expires` or `task`; [`Refused::NotPossibleNow`] with
/// `not_reachable` or `no_free_code`; [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn write(
    app: &App,
    principal: &Principal,
    id: BankId,
    new: NewOrder<'_>,
) -> Result<WorkOrderId, AppError> {
    let found = here(app, principal, id, Permission::OperateBanks).await?;
    let mut wrong = Vec::new();
    let task = text("task", new.task, &mut wrong);
    check(&found, &new, app.now(), &mut wrong);
    let (reader, who) = (app.clone(), new.technician);
    let (contact, place) = app
        .db()
        .read(async move |tx| {
            let roles = assignment::of_person(&tx, who).await?;
            let staff = roles.iter().any(|held| held.role > Role::Courier);
            let contact = people::contact(&reader, &tx, who).await?.filter(|_| staff);
            Ok::<_, AppError>((contact, bank::place(&tx, id).await?.ok_or(Refused::NotFound)?))
        })
        .await?;
    if contact.is_none() {
        wrong.push(FieldError { field: "technician", code: "unknown" });
    }
    let Some(contact) = contact.filter(|_| wrong.is_empty()) else {
        return Err(Refused::Invalid(wrong).into());
    };
    let channel = kiosk_code::channel(&contact)?;
    let order = app.draw(|mut rng| WorkOrderId::new(app.now(), &mut rng));
    let drawn = kiosk_code::draw(app, id, order.to_bytes()).await?;
    let (sealed, details) = sealed_words::seal(app, TASK, &order.to_bytes(), &[&task])?;
    let row = WorkOrderRow {
        id: order,
        bank: id,
        technician: new.technician,
        doors: new.doors,
        begins: new.begins,
        expires: new.expires,
        verifier: drawn.verifier,
        task: sealed,
        written_by: principal.name(),
        written_at: app.now(),
        sent_at: None,
        refused: false,
        note: None,
        ended_by: None,
        ended_at: None,
        gone_at: None,
        overdue_noted: false,
    };
    let sender = app.clone();
    app.change(principal.actor, async move |change: &Change| {
        drawn.take(change, &order.to_string()).await?;
        work_order::insert(&change.tx, change.org, &row).await?;
        let facts = Facts::WorkCode {
            code: drawn.digits.expose().clone(),
            site: place.site_name.clone(),
            bank: place.bank_name.clone(),
            expires: outbox::shown_time(row.expires),
            link: None,
        };
        kiosk_code::post(&sender, change, (row.technician, channel), facts).await?;
        let technician = row.technician;
        change.event(PlatformEventKind::WorkOrderWritten { order, bank: id, technician, details }).await
    })
    .await?;
    Ok(order)
}

fn check(found: &BankRow, new: &NewOrder<'_>, now: WallTime, wrong: &mut Vec<FieldError>) {
    let built = |door: &CompartmentNo| found.layout.as_ref().is_some_and(|built| built.find(*door).is_some());
    if new.doors.is_empty() || new.doors.len() > MAX_ORDER_DOORS || !new.doors.iter().all(built) {
        wrong.push(FieldError { field: "doors", code: "unknown" });
    }
    if new.expires <= new.begins || new.expires <= now {
        wrong.push(FieldError { field: "expires", code: "ends_before_it_begins" });
    } else if new.expires.since_ms(now.max(new.begins)) > LONGEST_MS {
        wrong.push(FieldError { field: "expires", code: "too_far" });
    }
}

/// Closes an order with what was done; the bank ends it as soon as it can be told. Once closed it stays so.
///
/// # Errors
/// [`Refused::Invalid`] for `note`; [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn close(
    app: &App,
    principal: &Principal,
    id: BankId,
    order: WorkOrderId,
    note: &str,
) -> Result<(), AppError> {
    here(app, principal, id, Permission::OperateBanks).await?;
    let mut wrong = Vec::new();
    let note = text("note", note, &mut wrong);
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong).into());
    }
    let (sealed, details) = sealed_words::seal(app, NOTE, &order.to_bytes(), &[&note])?;
    let by = principal.name();
    app.change(principal.actor, async move |change: &Change| {
        let found = work_order::get(&change.tx, change.org, order).await?;
        let found = found.filter(|row| row.bank == id).ok_or(Refused::NotFound)?;
        if !work_order::end(&change.tx, order, &sealed, &by, change.at).await? {
            return Ok(());
        }
        // One the bank never had, or whose time is over, is gone there.
        if found.sent_at.is_none() || change.at >= found.expires {
            work_order::gone(&change.tx, order, change.at).await?;
        }
        kiosk_code::bury(&change.tx, id, &order.to_string(), change.at).await?;
        change.event(PlatformEventKind::WorkOrderFinished { order, bank: id, details }).await
    })
    .await
}

/// A bank's orders, the newest first.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn of_bank(app: &App, principal: &Principal, id: BankId) -> Result<Vec<OrderView>, AppError> {
    here(app, principal, id, Permission::OperateBanks).await?;
    let rows = app.db().read(async move |tx| work_order::of_bank(&tx, id, SHOWN).await).await?;
    let view = |row: WorkOrderRow| {
        let [task] = sealed_words::open(app, TASK, &row.id.to_bytes(), &row.task)?;
        let note = match &row.note {
            Some(sealed) => {
                let [note] = sealed_words::open(app, NOTE, &row.id.to_bytes(), sealed)?;
                Some(note)
            }
            None => None,
        };
        Ok(OrderView { state: state(&row, app.now()), row, task, note })
    };
    rows.into_iter().map(view).collect()
}

/// Tells banks what is due and notes what is overdue; tells whether anything was done.
///
/// # Errors
/// The store's.
pub async fn carry_on(app: &App, ask: &dyn Ask) -> Result<bool, AppError> {
    let org = app.org();
    let rows = app.db().read(async move |tx| work_order::open(&tx, org, BATCH).await).await?;
    let mut worked = false;
    for row in rows {
        let now = app.now();
        let online = app.live().bank(row.bank).online;
        worked |= match (row.ended_at, row.sent_at) {
            (None, _) if now >= row.expires => note_overdue(app, &row).await?,
            (None, None) if online && !row.refused && now >= row.begins => begin(app, ask, &row).await?,
            (Some(_), Some(_)) if now >= row.expires => set_gone(app, row.id).await?,
            (Some(_), Some(_)) if online => end(app, ask, &row).await?,
            (Some(_), None) => set_gone(app, row.id).await?,
            _ => false,
        };
    }
    Ok(worked)
}

async fn begin(app: &App, ask: &dyn Ask, row: &WorkOrderRow) -> Result<bool, AppError> {
    let order = WorkOrder {
        order: row.id,
        technician: row.technician,
        doors: row.doors.clone(),
        expires: row.expires,
        verifier: Some(row.verifier),
    };
    let taken = match ask.ask(row.bank, Request::OpenWorkOrder(order), app.now().plus_ms(REQUEST_MS)).await {
        Ok(Answer::Done) => true,
        // A bank that holds as many as it can may have room later; it is asked again until the order's time is over.
        Ok(Answer::Invalid | Answer::Busy | Answer::TooLate) | Err(NotAnswered) => return Ok(false),
        Ok(_) => false,
    };
    let (id, at) = (row.id, app.now());
    app.db().tx(async move |tx| work_order::sent(&tx, id, taken, at).await).await?;
    Ok(true)
}

async fn end(app: &App, ask: &dyn Ask, row: &WorkOrderRow) -> Result<bool, AppError> {
    let request = Request::CloseWorkOrder { order: row.id };
    match ask.ask(row.bank, request, app.now().plus_ms(REQUEST_MS)).await {
        Ok(Answer::Done) => set_gone(app, row.id).await,
        Ok(_) | Err(NotAnswered) => Ok(false),
    }
}

async fn set_gone(app: &App, id: WorkOrderId) -> Result<bool, AppError> {
    let at = app.now();
    app.db().tx(async move |tx| work_order::gone(&tx, id, at).await).await?;
    Ok(true)
}

async fn note_overdue(app: &App, row: &WorkOrderRow) -> Result<bool, AppError> {
    if row.overdue_noted {
        return Ok(false);
    }
    let (this, order, bank, at) = (app.clone(), row.id, row.bank, row.expires);
    let news = app
        .change(Actor::Platform, async move |change: &Change| {
            if !work_order::overdue(&change.tx, order).await? {
                return Ok(false);
            }
            change.event(PlatformEventKind::WorkOrderOverdue { order, bank }).await?;
            let kind = alarm::WORK_ORDER_OVERDUE.to_owned();
            alarm::raise(
                &this,
                change,
                &Alarm { about: About::Bank(bank), kind, compartment: None, event_seq: None, at },
            )
            .await?;
            Ok(true)
        })
        .await?;
    app.live().tell(LiveChange::Alerts);
    Ok(news)
}

/// A bank said that an order ended.
pub(in crate::app) async fn heard(change: &Change, happened: &Event) -> Result<(), AppError> {
    match &happened.kind {
        EventKind::WorkOrderClosed { order } => work_order::gone(&change.tx, *order, happened.at).await,
        _ => Ok(()),
    }
}
