//! People's public keys: registered and withdrawn here, carried to banks by rosters, believed by each bank when it will.
//!
//! Registering a key gives it no power: whoever has the platform could do that. When it counts is the bank's judgement
//! (decision 0010), which its events tell; what stands here about it is what was last heard. Start at [`add`].

mod heard;

use std::collections::BTreeMap;

use bailee_domain::access::{Assignment, Permission, Role, Scope, permits};
use bailee_domain::id::{BankId, KeyId, PersonId, SiteId};
use bailee_domain::platform::PlatformEventKind;
use bailee_domain::signer::{
    KeyForm, KeyUse, MAX_KEYS, MAX_STAFF_KEYS, PersonKey, PublicKey, RelyingParty, Signers,
};
use bailee_domain::time::WallTime;
use bailee_vault::assertion::PasskeyPublic;
use bailee_wire::signed;

use super::{App, AppError, FieldError, Principal, Refused, people};
use crate::store::Tx;
use crate::store::tables::bank::{self, BankRow, BankState};
use crate::store::tables::person_key::{self, Hold};
use crate::store::tables::{assignment, org, person};

pub use crate::store::tables::person_key::KeyRow;
pub(in crate::app) use heard::{key_event, roster_taken};

/// How many administrators' signatures do without somebody at the bank.
const QUORUM: u8 = 2;
/// Keys of one person in use at a time.
const KEYS_EACH: usize = 8;

/// A key as somebody typed it.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    /// For what.
    pub used_for: KeyUse,
    /// What its signatures look like.
    pub form: KeyForm,
    /// The key: hexadecimal or base64url, bare or as a passkey's `COSE_Key`.
    pub public: &'a str,
}

/// A key with how each bank holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    /// The key.
    pub row: KeyRow,
    /// Every bank it is meant for or known at, by name.
    pub at: Vec<KeyAt>,
}

/// A key at a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAt {
    /// The bank.
    pub bank: BankId,
    /// What it is called.
    pub name: String,
    /// How it holds the key.
    pub state: KeyState,
}

/// How a key stands at a bank, as far as the platform has heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The bank has not taken the roster with it.
    OnItsWay,
    /// The bank holds it and believes it only once administrators have signed for it.
    NeedsSignatures,
    /// The bank holds it and believes it after a time of running, which is over at this moment at the earliest.
    WaitsUntil(WallTime),
    /// Its signatures are believed.
    Counts,
    /// Withdrawn here; the bank has not taken the roster without it.
    BeingRemoved,
    /// The bank holds it no more.
    Removed,
}

impl KeyState {
    /// The stable name used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnItsWay => "on-its-way",
            Self::NeedsSignatures => "needs-signatures",
            Self::WaitsUntil(_) => "waits",
            Self::Counts => "counts",
            Self::BeingRemoved => "being-removed",
            Self::Removed => "removed",
        }
    }
}

/// Registers a key for a person. Banks take it with their next roster and judge from when it counts.
///
/// # Errors
/// [`Refused::Invalid`] for `public_key` (`not_a_key`, `form_does_not_fit`) and `use` (`not_their_role`);
/// [`Refused::AlreadyInUse`]; [`Refused::NotPossibleNow`] with `too_many_keys`; [`Refused::NotFound`]; not allowed.
pub async fn add(app: &App, principal: &Principal, id: PersonId, new: NewKey<'_>) -> Result<KeyId, AppError> {
    let found = people::authorised_over(app, principal, id).await?;
    if new.used_for.is_staff() {
        app.authorise(principal, Permission::ManageStaff, Scope::Organisation, None).await?;
    }
    let key = check(id, &found.roles, new)?;
    let (by, key_id) = (principal.name(), app.draw(|mut rng| KeyId::new(app.now(), &mut rng)));
    app.change(principal.actor, async move |change| {
        let known = person_key::of_person(&change.tx, change.org, id).await?;
        let in_use: Vec<_> = known.iter().filter(|row| row.removed_at.is_none()).collect();
        if in_use.iter().any(|row| row.key.public == key.public && row.key.used_for == key.used_for) {
            return Err(Refused::AlreadyInUse { field: "public_key" }.into());
        }
        let (all, staff) = person_key::count(&change.tx, change.org).await?;
        if in_use.len() >= KEYS_EACH
            || all >= MAX_KEYS
            || (key.used_for.is_staff() && staff >= MAX_STAFF_KEYS)
        {
            return Err(Refused::NotPossibleNow { why: "too_many_keys" }.into());
        }
        org::bump_roster(&change.tx, change.org).await?;
        let row = KeyRow {
            id: key_id,
            key,
            added_at: change.at,
            added_by: by.clone(),
            added_revision: org::roster_revision(&change.tx, change.org).await?,
            removed_at: None,
            removed_revision: None,
        };
        person_key::insert(&change.tx, change.org, &row).await?;
        let PersonKey { person, used_for, public, .. } = key;
        change.event(PlatformEventKind::KeyRegistered { person, key: public.fingerprint(), used_for }).await
    })
    .await?;
    Ok(key_id)
}

fn check(person: PersonId, roles: &[Assignment], new: NewKey<'_>) -> Result<PersonKey, Refused> {
    let wrong = |field, code| Refused::Invalid(vec![FieldError { field, code }]);
    if !may_hold(roles, new.used_for) {
        return Err(wrong("use", "not_their_role"));
    }
    let public = signed::public_from_text(new.public).filter(is_key);
    let public = public.ok_or_else(|| wrong("public_key", "not_a_key"))?;
    let key = PersonKey { person, used_for: new.used_for, form: new.form, public };
    if person_key::fits(&key) { Ok(key) } else { Err(wrong("public_key", "form_does_not_fit")) }
}

fn is_key(public: &PublicKey) -> bool {
    match public {
        PublicKey::Ed25519(public) => PasskeyPublic::Ed25519(*public).is_key(),
        PublicKey::P256(public) => PasskeyPublic::P256(*public).is_key(),
    }
}

/// Whether somebody with these roles may hold a key for this.
fn may_hold(roles: &[Assignment], used_for: KeyUse) -> bool {
    roles.iter().any(|held| match used_for {
        KeyUse::Resident => held.role == Role::Resident,
        KeyUse::Administrator => held.role >= Role::Admin,
        KeyUse::Officer => held.role > Role::Courier,
    })
}

/// Withdraws a key: banks forget it with their next roster, and it never counts again.
///
/// # Errors
/// [`Refused::NotFound`]; not allowed.
pub async fn remove(app: &App, principal: &Principal, person: PersonId, id: KeyId) -> Result<(), AppError> {
    people::authorised_over(app, principal, person).await?;
    app.change(principal.actor, async move |change| {
        let known = person_key::of_person(&change.tx, change.org, person).await?;
        let row = known.into_iter().find(|row| row.id == id).ok_or(Refused::NotFound)?;
        if row.removed_at.is_some() {
            return Ok(());
        }
        org::bump_roster(&change.tx, change.org).await?;
        let revision = org::roster_revision(&change.tx, change.org).await?;
        person_key::withdraw(&change.tx, id, change.at, revision).await?;
        let PersonKey { person, used_for, public, .. } = row.key;
        change.event(PlatformEventKind::KeyWithdrawn { person, key: public.fingerprint(), used_for }).await
    })
    .await
}

/// A person's keys with how each bank holds them, the oldest first.
///
/// # Errors
/// [`Refused::NotFound`]; not allowed.
pub async fn of_person(app: &App, principal: &Principal, id: PersonId) -> Result<Vec<KeyView>, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let org = app.org();
    app.db()
        .read(async move |tx| {
            person::get(&tx, org, id).await?.ok_or(Refused::NotFound)?;
            let rows = person_key::of_person(&tx, org, id).await?;
            views(&tx, org, rows).await
        })
        .await
}

/// Every key of staff that is in use, with how each bank holds it.
///
/// # Errors
/// Not allowed; the store's.
pub async fn of_staff(app: &App, principal: &Principal) -> Result<Vec<KeyView>, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let org = app.org();
    app.db()
        .read(async move |tx| {
            let mut rows = person_key::in_use(&tx, org).await?;
            rows.retain(|row| row.key.used_for.is_staff());
            views(&tx, org, rows).await
        })
        .await
}

async fn views(tx: &Tx, org: bailee_domain::id::OrgId, rows: Vec<KeyRow>) -> Result<Vec<KeyView>, AppError> {
    let mut banks = bank::all(tx, org).await?;
    banks.retain(|bank| bank.state == BankState::Enrolled);
    let mut held = BTreeMap::new();
    for bank in &banks {
        let at: BTreeMap<_, _> =
            person_key::at_bank(tx, bank.id).await?.into_iter().map(|(key, hold, _)| (key, hold)).collect();
        held.insert(bank.id, at);
    }
    let mut views = Vec::new();
    for row in rows {
        let roles = assignment::of_person(tx, row.key.person).await?;
        let at = |bank: &BankRow| {
            let hold = held.get(&bank.id).and_then(|held| held.get(&row.id)).copied();
            let meant = row.removed_at.is_none() && goes_to(&roles, row.key.used_for, bank.id, bank.site);
            let state = state(&row, hold, meant)?;
            Some(KeyAt { bank: bank.id, name: bank.name.clone(), state })
        };
        let at = banks.iter().filter_map(at).collect();
        views.push(KeyView { row, at });
    }
    Ok(views)
}

fn state(row: &KeyRow, hold: Option<Hold>, meant: bool) -> Option<KeyState> {
    let gone = row.removed_at.is_some();
    match hold {
        None if meant => Some(KeyState::OnItsWay),
        None => None,
        Some(Hold::Gone) => Some(KeyState::Removed),
        Some(_) if gone => Some(KeyState::BeingRemoved),
        Some(Hold::Counts) => Some(KeyState::Counts),
        Some(Hold::Waits(Some(until))) => Some(KeyState::WaitsUntil(until)),
        Some(Hold::Waits(None)) => Some(KeyState::NeedsSignatures),
    }
}

/// Whether a key of somebody with these roles goes to a bank: residents' to all, staff's where they operate.
fn goes_to(roles: &[Assignment], used_for: KeyUse, bank: BankId, site: SiteId) -> bool {
    let there =
        !used_for.is_staff() || permits(roles, Permission::OperateBanks, Scope::Bank(bank), Some(site));
    there && may_hold(roles, used_for)
}

/// What a bank's roster says about people's keys.
pub(in crate::app) async fn of_bank(
    app: &App,
    tx: &Tx,
    bank: BankId,
    site: SiteId,
) -> Result<Signers, AppError> {
    let keys = keys_of_bank(app, tx, bank, site).await?.into_iter().map(|row| row.key).collect();
    Ok(Signers {
        keys,
        relying_party: app.public_url().map(relying_party).unwrap_or_default(),
        quorum: QUORUM,
    })
}

async fn keys_of_bank(app: &App, tx: &Tx, bank: BankId, site: SiteId) -> Result<Vec<KeyRow>, AppError> {
    let mut kept = Vec::new();
    for row in person_key::in_use(tx, app.org()).await? {
        let roles = assignment::of_person(tx, row.key.person).await?;
        if goes_to(&roles, row.key.used_for, bank, site) {
            kept.push(row);
        }
    }
    Ok(kept)
}

/// Whom passkeys made at this address are bound to (Web Authentication Level 3: the origin's domain).
fn relying_party(public_url: &str) -> RelyingParty {
    let origin = public_url.trim_end_matches('/').to_owned();
    let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
    let id = host.split(['/', ':']).next().unwrap_or_default().to_owned();
    RelyingParty { id, origin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_bound_to_the_domain_people_use() {
        for (url, id) in [
            ("https://parcels.example.org", "parcels.example.org"),
            ("https://parcels.example.org:8443/", "parcels.example.org"),
            ("http://localhost:8080", "localhost"),
        ] {
            let party = relying_party(url);
            assert_eq!((party.id.as_str(), party.origin.as_str()), (id, url.trim_end_matches('/')));
        }
    }
}
