//! Erasure: everything that is, opens or proves something of a person is destroyed; the custody log goes on verifying.
//!
//! | step | a stop after it means |
//! |---|---|
//! | 1. one transaction: the key, details, indexes, secrets, letters, bundles; the event; the erasure as open | nobody can read anything of the person through the platform or with its keys; remains lie in the store's files |
//! | 2. the store's files are scrubbed, then that is noted | nothing lies in them; scrubbing again does no harm |
//! | 3. each bank forgets badges and takes a roster without the person | the banks that have not are shown |
//! | 4. when none is left, the erasure is complete, which is an event | done |
//!
//! Steps 2 to 4 are [`carry_on`], run by a reconciler after every start, so a stop anywhere is made up for. A removal
//! ([`super::remove`]) takes the same steps; an erasure also says why, and can follow a removal. Start at [`erase`].

use bailee_domain::access::{Assignment, Permission, Role, Scope};
use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_evidence::commitment;
use bailee_vault::Secret;
use bailee_vault::seal::Aad;

use super::{Details, authorised_over, details, text};
use crate::app::legal_hold::refuse_if_held;
use crate::app::link::Ask;
use crate::app::{App, AppError, Change, FieldError, Principal, Refused, evidence, files, texts};
use crate::store::tables::erasure::{self, ErasureRow, SCRUBBED};
use crate::store::tables::{assignment, damaged, legal_hold, org, person, receipt};

/// Under which label the custody log commits to why a person was erased.
pub const COMMITMENT_LABEL: &str = "erasure";
/// Erasures looked after in one run.
const BATCH: u32 = 100;
/// How long a bank may take to forget badges, in milliseconds.
const DEADLINE_MS: i64 = 20_000;

/// How far an erasure has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Whose.
    pub person: PersonId,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: WallTime,
    /// Why; none for a removal.
    pub reason: Option<String>,
    /// When the store's own files held nothing any more.
    pub scrubbed_at: Option<WallTime>,
    /// When every bank had forgotten too.
    pub completed_at: Option<WallTime>,
    /// Banks that have not been heard to have forgotten, by name.
    pub banks_waiting: Vec<(BankId, String)>,
}

/// Erases a person. What is left to do then (the store's files, the banks) is done by the reconciler; [`status`] shows it.
/// Asked for again, it does nothing.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `legal_hold`, `parcel_waiting` or `last_administrator`, each written to the custody
/// log; [`Refused::Invalid`] without a reason, or with one that names the person, as it is kept; [`Refused::NotFound`];
/// not allowed.
pub async fn erase(
    app: &App,
    principal: &Principal,
    id: PersonId,
    reason: &str,
) -> Result<Erasure, AppError> {
    app.authorise(principal, Permission::ErasePeople, Scope::Organisation, None).await?;
    let mut wrong = Vec::new();
    let reason = text("reason", reason, &mut wrong);
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong).into());
    }
    // Somebody removed already holds no role to be checked.
    if known(app, id).await? {
        authorised_over(app, principal, id).await?;
    }
    let why = Why::new(app, id, reason)?;
    let (this, by) = (app.clone(), principal.name());
    let erased = app.change(principal.actor, async move |change| in_one(&this, change, id, &why, &by).await);
    noting_refusal(app, principal.actor, id, erased.await).await?;
    status(app, principal, id).await
}

async fn known(app: &App, id: PersonId) -> Result<bool, AppError> {
    let org = app.org();
    app.db().read(async move |tx| Ok(person::get(&tx, org, id).await?.is_some())).await
}

async fn in_one(app: &App, change: &Change, id: PersonId, why: &Why, by: &str) -> Result<(), AppError> {
    let before = erasure::get(&change.tx, change.org, id).await?;
    if before.as_ref().is_some_and(|row| row.reason.is_some()) {
        return Ok(());
    }
    match person::get(&change.tx, change.org, id).await? {
        Some(row) if details::open(app.keys(), &row)?.is_named_in(&why.words) => {
            let names = FieldError { field: "reason", code: "names_the_person" };
            return Err(Refused::Invalid(vec![names]).into());
        }
        Some(_) => {}
        None if before.is_some() => {}
        None => return Err(Refused::NotFound.into()),
    }
    destroy(app, change, id, (by, Some(&why.sealed))).await?;
    change.event(PlatformEventKind::PersonErased { person: id, reason: why.commitment }).await
}

/// Step 1 without its event: everything about a person, in the caller's transaction.
pub(super) async fn destroy(
    app: &App,
    change: &Change,
    id: PersonId,
    (by, reason): (&str, Option<&Vec<u8>>),
) -> Result<(), AppError> {
    let tx = &change.tx;
    refuse_if_held(app, tx, id).await?;
    refuse_last_administrator(change, id).await?;
    if person::has_parcel_waiting(tx, id).await? {
        return Err(Refused::NotPossibleNow { why: "parcel_waiting" }.into());
    }
    let known = match person::get(tx, change.org, id).await? {
        Some(row) => Some(details::open(app.keys(), &row)?),
        None => None,
    };
    evidence::forget_person(app, tx, id, known.as_ref()).await?;
    files::forget_person(app, change, id, known.as_ref()).await?;
    receipt::forget_links(tx, id, change.at).await?;
    legal_hold::forget_lifted(tx, id).await?;
    erasure::wipe(tx, change.org, id, change.at).await?;
    org::bump_roster(tx, change.org).await?;
    let row = ErasureRow {
        person: id,
        asked_by: by.to_owned(),
        asked_at: change.at,
        reason: reason.cloned(),
        roster_revision: org::roster_revision(tx, change.org).await?,
        scrubbed_at: None,
        completed_at: None,
    };
    erasure::put(tx, change.org, &row).await
}

async fn refuse_last_administrator(change: &Change, id: PersonId) -> Result<(), AppError> {
    let everywhere = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    let holds_it = assignment::of_person(&change.tx, id).await?.contains(&everywhere);
    if holds_it && assignment::count_everywhere(&change.tx, change.org, Role::SuperAdmin).await? <= 1 {
        return Err(Refused::NotPossibleNow { why: "last_administrator" }.into());
    }
    Ok(())
}

/// Writes a refusal that somebody may have to answer for.
pub(super) async fn noting_refusal<T>(
    app: &App,
    actor: Actor,
    id: PersonId,
    outcome: Result<T, AppError>,
) -> Result<T, AppError> {
    if let Err(AppError::Refused(Refused::NotPossibleNow { .. })) = &outcome {
        let refused = PlatformEventKind::ErasureRefused { person: id };
        app.change(actor, async move |change| change.event(refused.clone()).await).await?;
    }
    outcome
}

/// How far the erasure of a person has come.
///
/// # Errors
/// [`Refused::NotFound`]; not allowed; the store's.
pub async fn status(app: &App, principal: &Principal, id: PersonId) -> Result<Erasure, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let org = app.org();
    let (row, banks_waiting) = app
        .db()
        .read(async move |tx| {
            let row = erasure::get(&tx, org, id).await?.ok_or(Refused::NotFound)?;
            let banks = erasure::banks_waiting(&tx, &row).await?;
            Ok::<_, AppError>((row, banks))
        })
        .await?;
    let reason = row.reason.as_deref().map(|sealed| opened(app, id, sealed)).transpose()?;
    let ErasureRow { person, asked_by, asked_at, scrubbed_at, completed_at, .. } = row;
    Ok(Erasure { person, asked_by, asked_at, reason, scrubbed_at, completed_at, banks_waiting })
}

/// Does what is left to do for people who were erased; tells whether anything was done.
///
/// # Errors
/// The store's, or [`AppError::Damaged`].
pub async fn carry_on(app: &App, ask: &dyn Ask) -> Result<bool, AppError> {
    let org = app.org();
    let open = app.db().read(async move |tx| erasure::open(&tx, org, BATCH).await).await?;
    let mut worked = scrub(app, &open).await?;
    for row in open {
        worked |= tell_banks(app, ask, row.person).await?;
        worked |= complete(app, row).await?;
    }
    Ok(worked)
}

/// Step 2. The people are those whose step 1 was durable before the scrubbing began.
async fn scrub(app: &App, open: &[ErasureRow]) -> Result<bool, AppError> {
    let due: Vec<PersonId> =
        open.iter().filter(|row| row.scrubbed_at.is_none()).map(|row| row.person).collect();
    if due.is_empty() || !app.db().scrub(&SCRUBBED).await? {
        return Ok(false);
    }
    let at = app.now();
    app.db().tx(async move |tx| erasure::scrubbed(&tx, &due, at).await).await?;
    Ok(true)
}

/// Step 3, as far as badges go; rosters go out by their own reconciler.
async fn tell_banks(app: &App, ask: &dyn Ask, person: PersonId) -> Result<bool, AppError> {
    let untold = app.db().read(async move |tx| erasure::untold(&tx, person).await).await?;
    let mut worked = false;
    for bank in untold.into_iter().filter(|bank| app.live().bank(*bank).online) {
        let deadline = app.now().plus_ms(DEADLINE_MS);
        if let Ok(Answer::Done) = ask.ask(bank, Request::ForgetBadges { person }, deadline).await {
            let at = app.now();
            app.db().tx(async move |tx| erasure::told(&tx, person, bank, at).await).await?;
            worked = true;
        }
    }
    Ok(worked)
}

/// Step 4.
async fn complete(app: &App, row: ErasureRow) -> Result<bool, AppError> {
    let (person, looked) = (row.person, row);
    let waiting = app.db().read(async move |tx| erasure::banks_waiting(&tx, &looked).await).await?;
    if !waiting.is_empty() {
        return Ok(false);
    }
    app.change(Actor::Platform, async move |change| {
        if !erasure::completed(&change.tx, person, change.at).await? {
            return Ok(false);
        }
        change.event(PlatformEventKind::ErasureCompleted { person }).await?;
        Ok(true)
    })
    .await
}

/// Why somebody is erased: sealed, and committed to.
struct Why {
    words: String,
    sealed: Vec<u8>,
    commitment: [u8; 32],
}

impl Why {
    fn new(app: &App, id: PersonId, words: String) -> Result<Self, AppError> {
        let salt = app.draw(|mut rng| Secret::<[u8; 32]>::random(&mut rng));
        let commitment = commitment::commit(COMMITMENT_LABEL, &[("reason", Some(&words))], salt.expose());
        let plain = Secret::new([salt.expose().as_slice(), &texts::encode(&[Some(&words)])].concat());
        let sealed =
            app.draw(|mut rng| app.keys().secret().seal(&place(&id.to_bytes()), plain.expose(), &mut rng));
        Ok(Self { words, sealed: sealed.map_err(|_| damaged("erasure.reason"))?, commitment })
    }
}

fn place(person: &[u8; 16]) -> Aad<'_> {
    Aad { table: "erasure", column: "reason", row: person }
}

fn opened(app: &App, id: PersonId, sealed: &[u8]) -> Result<String, AppError> {
    let broken = || damaged("erasure.reason");
    let opened = app.keys().secret().open(&place(&id.to_bytes()), sealed).map_err(|_| broken())?;
    let (_salt, words) = opened.expose().split_first_chunk::<32>().ok_or_else(broken)?;
    let [reason] = texts::decode(words).ok_or_else(broken)?;
    reason.ok_or_else(broken)
}

impl Details {
    /// Whether a text names the person: their whole name or an address, whatever the case.
    pub(in crate::app) fn is_named_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let named = [Some(&self.name), self.email.as_ref(), self.phone.as_ref()];
        named.into_iter().flatten().any(|it| text.contains(&it.to_lowercase()))
    }
}
