//! `/people/{id}/keys` and `/settings/keys`: people's own public keys, and how each bank holds them.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::access::{Permission, Role};
use bailee_domain::id::{KeyId, PersonId};
use bailee_domain::signer::{KeyForm, KeyUse};
use bailee_ui::form::Choice;
use bailee_ui::layout::{Page, Tone};
use bailee_wire::event::hex;
use bailee_wire::{signed, statement};

use super::form::Form;
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::keys::{AtBank, KeyCard, Keys, StaffKeys, StaffRow};
use super::words;
use crate::app::people::{self, ListPeople};
use crate::app::person_keys::{self, KeyAt, KeyState, KeyView, NewKey};
use crate::app::{AppError, FieldError, Principal, Refused};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

/// Staff shown on the page of their keys, of each role.
const STAFF: u32 = 200;

/// `/people/{id}/keys`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    Ok(show(&view(&http, &who, id, (&Form::default(), &[])).await?))
}

async fn view(
    http: &Http,
    who: &Who,
    id: PersonId,
    (form, wrong): (&Form, &[FieldError]),
) -> Result<Keys, Problem> {
    let principal = &who.session()?.principal;
    let listed = person_keys::of_person(http.app(), principal, id).await?;
    let mut page = who.page();
    page.error = !wrong.is_empty();
    let may = Access::Needs(Permission::ManagePeople).admits(principal);
    let admits = Access::Needs(Permission::OperateBanks).admits(principal);
    let name = words::names(http, principal, vec![id]).await?.person(id);
    let uses =
        signed::USES.map(|used_for| Choice::new(statement::use_name(used_for), page.t(use_key(used_for))));
    let forms = [KeyForm::Plain, KeyForm::Passkey]
        .map(|form| Choice::new(signed::form_name(form), page.t(form_key(form))));
    Ok(Keys {
        shell: shell(http, who, Section::People).await?,
        id: id.to_string(),
        name,
        may,
        keys: listed.iter().map(|view| card(view, admits)).collect(),
        command: "bailee person new FILE",
        uses: uses.into(),
        forms: forms.into(),
        used_for: form.field(&page, "use", wrong),
        form: form.field(&page, "form", wrong),
        public_key: form.field(&page, "public_key", wrong),
        page,
    })
}

fn card(view: &KeyView, admits: bool) -> KeyCard {
    let row = &view.row;
    KeyCard {
        id: row.id.to_string(),
        used_for: use_key(row.key.used_for),
        form: form_key(row.key.form),
        fingerprint: fingerprint(&row.key.public.fingerprint()),
        added: words::time(row.added_at),
        removed: words::time_opt(row.removed_at),
        at: view.at.iter().map(|at| at_bank(at, admits)).collect(),
    }
}

fn at_bank(at: &KeyAt, admits: bool) -> AtBank {
    let (state, tone, icon) = match at.state {
        KeyState::OnItsWay => ("key-state-on-its-way", Tone::Neutral, "clock"),
        KeyState::NeedsSignatures => ("key-state-needs-signatures", Tone::Warn, "clock"),
        KeyState::WaitsUntil(_) => ("key-state-waits", Tone::Warn, "clock"),
        KeyState::Counts => ("key-state-counts", Tone::Ok, "check"),
        KeyState::BeingRemoved => ("key-state-being-removed", Tone::Warn, "clock"),
        KeyState::Removed => ("key-state-removed", Tone::Neutral, "cross"),
    };
    let until = match at.state {
        KeyState::WaitsUntil(until) => words::time(until),
        _ => String::new(),
    };
    let waits = matches!(at.state, KeyState::NeedsSignatures | KeyState::WaitsUntil(_));
    let (bank, name) = (at.bank.to_string(), at.name.clone());
    AtBank { bank, name, state, tone, icon, until, admit: admits && waits }
}

/// A fingerprint as people compare it: in groups of four digits.
pub fn fingerprint(bytes: &[u8; 32]) -> String {
    let digits = hex(bytes);
    let groups: Vec<&str> = (0..digits.len()).step_by(4).map(|at| &digits[at..at + 4]).collect();
    groups.join(" ")
}

const fn use_key(used_for: KeyUse) -> &'static str {
    match used_for {
        KeyUse::Resident => "key-use-resident",
        KeyUse::Administrator => "key-use-administrator",
        KeyUse::Officer => "key-use-officer",
    }
}

const fn form_key(form: KeyForm) -> &'static str {
    match form {
        KeyForm::Plain => "key-form-plain",
        KeyForm::Passkey => "key-form-passkey",
    }
}

/// `/people/{id}/keys`, posted.
pub async fn add(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let at = format!("/people/{id}/keys");
    match try_add(&http, &who, id, &form).await {
        Ok(_) => Ok(Done::KeyAdded.at(&at)),
        Err(error @ AppError::Refused(Refused::Invalid(_) | Refused::AlreadyInUse { .. })) => {
            let problem = Problem::from(error);
            let view = view(&http, &who, id, (&form, &problem.fields)).await?;
            Ok(problem.wrap_page(draw(&view)))
        }
        Err(error) => cannot(error, &at),
    }
}

async fn try_add(http: &Http, who: &Who, id: PersonId, form: &Form) -> Result<KeyId, AppError> {
    let principal = &who.session().map_err(|_| Refused::NotSignedIn)?.principal;
    let unknown = |field| Refused::Invalid(vec![FieldError { field, code: "unknown" }]);
    let new = NewKey {
        used_for: statement::use_named(form.text("use")).ok_or_else(|| unknown("use"))?,
        form: signed::form_named(form.text("form")).ok_or_else(|| unknown("form"))?,
        public: form.text("public_key"),
    };
    person_keys::add(http.app(), principal, id, new).await
}

/// `/people/{id}/keys/{key}/remove`, posted.
pub async fn remove(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((person, key)): Path<(String, String)>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let key: KeyId = key.parse().map_err(|_| Problem::not_found())?;
    person_keys::remove(http.app(), &who.session()?.principal, id, key).await?;
    Ok(Done::KeyRemoved.at(&format!("/people/{id}/keys")))
}

/// `/settings/keys`
pub async fn of_staff(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    let principal = &who.session()?.principal;
    let listed = person_keys::of_staff(http.app(), principal).await?;
    let mut rows = staff(&http, principal, &who.page()).await?;
    for row in &mut rows {
        let theirs = listed.iter().filter(|view| view.row.key.person.to_string() == row.id);
        let waits = |view: &&KeyView| view.at.iter().any(|at| at.state == KeyState::NeedsSignatures);
        (row.keys, row.waiting) = (theirs.clone().count(), theirs.filter(waits).count());
    }
    Ok(show(&StaffKeys { page: who.page(), shell: shell(&http, &who, Section::Settings).await?, rows }))
}

/// Everybody who holds a role of staff, by name, each once with the highest.
pub async fn staff(http: &Http, principal: &Principal, page: &Page) -> Result<Vec<StaffRow>, Problem> {
    let mut found = BTreeMap::new();
    for role in [Role::SuperAdmin, Role::Admin, Role::Operator, Role::Technician, Role::Auditor] {
        let which = ListPeople { role, search: String::new(), after: None, limit: STAFF };
        for person in people::list(http.app(), principal, which).await?.rows {
            let (id, name) = (person.id.to_string(), person.name);
            let role = page.t(&format!("role-{}", role.name()));
            found.entry(id.clone()).or_insert(StaffRow { id, name, role, keys: 0, waiting: 0 });
        }
    }
    let mut rows: Vec<StaffRow> = found.into_values().collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(rows)
}
