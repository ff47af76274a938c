//! `/banks/{id}/openings`: what people sign to have a door opened from afar, or a key admitted; the bank's answer.
//!
//! A page of three steps: say what is wanted, sign it away from here, pass it on. Nothing on it can open a door.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::code::Code;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{BankId, KeyId, PersonId};
use bailee_domain::signer::Act;
use bailee_ui::form::Choice;

use super::form::{Form, Query};
use super::gate::Who;
use super::keys::fingerprint;
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::keys::{Admit, Openings, Past};
use super::words;
use crate::app::openings::{self, Wish};
use crate::app::person_keys::{self, KeyRow};
use crate::app::{AppError, FieldError, Refused, banks};
use crate::http::Http;
use crate::http::problem::Problem;

/// `/banks/{id}/openings?compartment=7` or `?person=…&key=…`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Query(query): Query,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    Ok(show(&view(&http, &who, id, (&query, &[]), String::new()).await?))
}

async fn view(
    http: &Http,
    who: &Who,
    id: BankId,
    (form, wrong): (&Form, &[FieldError]),
    statement: String,
) -> Result<Openings, Problem> {
    let session = who.session()?;
    let (app, principal) = (http.app(), &session.principal);
    let found = banks::view(app, principal, id).await?.summary;
    let past = openings::inspections(app, principal, id).await?;
    let key = key(http, who, form).await?;
    let mut people: Vec<PersonId> = past.iter().filter_map(|it| it.asked_by.parse().ok()).collect();
    people.extend(key.as_ref().map(|row| row.key.person));
    let names = words::names(http, principal, people).await?;
    let mut page = who.page();
    page.error = !wrong.is_empty();
    let map = words::card(&found, "").map;
    let door = |number: CompartmentNo| Choice::new(number.0.to_string(), map.door_name(page.texts, number.0));
    let doors =
        found.layout.iter().flat_map(|layout| layout.iter().map(|built| door(built.number))).collect();
    Ok(Openings {
        shell: shell(http, who, Section::Banks).await?,
        id: id.to_string(),
        name: found.name.clone(),
        me: session.person.to_string(),
        admit: key.map(|row| Admit {
            key: row.id.to_string(),
            person: row.key.person.to_string(),
            name: names.person(row.key.person),
            fingerprint: fingerprint(&row.key.public.fingerprint()),
        }),
        doors,
        compartment: form.field(&page, "compartment", wrong),
        reason: form.field(&page, "reason", wrong),
        presence: form.field(&page, "presence", wrong),
        quorum: statement.contains("\nquorum\n"),
        statement,
        signed: form.field(&page, "statement", wrong),
        past: past
            .into_iter()
            .map(|it| Past {
                door: it.compartment.to_string(),
                reason: it.reason,
                by: names.actor(&it.asked_by),
                at: words::time(it.at),
                opened: words::time_opt(it.opened_at),
            })
            .collect(),
        page,
    })
}

/// The key the page is about, if it is about one.
async fn key(http: &Http, who: &Who, form: &Form) -> Result<Option<KeyRow>, Problem> {
    let (Some(person), Some(key)) = (form.read::<PersonId>("person"), form.read::<KeyId>("key")) else {
        return Ok(None);
    };
    let listed = person_keys::of_person(http.app(), &who.session()?.principal, person).await?;
    let found = listed.into_iter().map(|view| view.row).find(|row| row.id == key);
    found.map(Some).ok_or_else(Problem::not_found)
}

/// `/banks/{id}/openings/wish`, posted: the page again, with what is to be signed.
pub async fn wish(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    match try_wish(&http, &who, id, &form).await {
        Ok(statement) => Ok(show(&view(&http, &who, id, (&form, &[]), statement).await?)),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let view = view(&http, &who, id, (&form, &wrong), String::new()).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(error) => cannot(error, &format!("/banks/{id}/openings")),
    }
}

async fn try_wish(http: &Http, who: &Who, id: BankId, form: &Form) -> Result<String, AppError> {
    let principal = &who.session().map_err(|_| Refused::NotSignedIn)?.principal;
    let wrong = |field, code| AppError::from(Refused::Invalid(vec![FieldError { field, code }]));
    let presence = match form.some("presence") {
        None => None,
        Some(digits) => Some(Code::parse(digits).map_err(|_| wrong("presence", "not_a_code"))?),
    };
    let key = key(http, who, form).await.map_err(|_| Refused::NotFound)?;
    let wish = match &key {
        Some(row) => Wish::Admit(row.key),
        None => {
            let number: u16 = form.read("compartment").ok_or_else(|| wrong("compartment", "unknown"))?;
            Wish::Inspect { compartment: CompartmentNo(number), reason: form.text("reason") }
        }
    };
    openings::prepare(http.app(), principal, id, wish, presence).await
}

/// `/banks/{id}/openings`, posted: what people have signed goes to the bank.
pub async fn pass_on(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let at = format!("/banks/{id}/openings");
    let (app, principal) = (http.app(), &who.session()?.principal);
    match openings::relay_text(app, http.ask(), principal, id, form.text("statement")).await {
        Ok(Act::Admit(_)) => Ok(Done::KeyAdmitted.at(&at)),
        Ok(_) => Ok(Done::DoorOpened.at(&at)),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let view = view(&http, &who, id, (&form, &wrong), String::new()).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(error) => cannot(error, &at),
    }
}
