//! `/people/{person}/erase`: what erasing somebody does, legal holds that forbid it, and how far an erasure has come.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use bailee_domain::access::Permission::ErasePeople;
use bailee_domain::id::PersonId;

use super::form::{Form, again};
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::erasure::{Erase, Erased};
use super::{holds, words};
use crate::app::legal_hold::Protected;
use crate::app::people::{self, erase};
use crate::app::{AppError, FieldError, Refused};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

/// `/people/{person}/erase`: the form, or what became of it.
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    match erase::status(http.app(), &who.session()?.principal, id).await {
        Ok(status) => Ok(show(&erased(&http, &who, status).await?)),
        Err(AppError::Refused(Refused::NotFound)) => {
            Ok(show(&view(&http, &who, id, (&Form::default(), &[])).await?))
        }
        Err(error) => Err(error.into()),
    }
}

/// `/people/{person}/erase`, posted: nobody is erased by a slip, so their name has to be typed.
pub async fn erase(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let (app, principal) = (http.app(), &who.session()?.principal);
    let here = format!("/people/{id}/erase");
    let found = match people::find(app, principal, id).await {
        Err(AppError::Refused(Refused::NotFound)) => {
            erase::status(app, principal, id).await?;
            return Ok(Done::PersonErased.at(&here)); // somebody was faster
        }
        found => found?,
    };
    let typed = form.text("confirm").split_whitespace();
    if !typed.eq(found.details.name.split_whitespace()) {
        let wrong = vec![FieldError { field: "confirm", code: "not_the_name" }];
        return wrong_again(&http, &who, id, &form, wrong).await;
    }
    match erase::erase(app, principal, id, form.text("reason")).await {
        Ok(_) => Ok(Done::PersonErased.at(&here)),
        Err(AppError::Refused(Refused::Invalid(wrong))) => wrong_again(&http, &who, id, &form, wrong).await,
        Err(error) => cannot(error, &here),
    }
}

/// `/people/{person}/hold`, posted.
pub async fn hold(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    match holds::place(&http, &who, (Protected::Person(id), &format!("/people/{id}/erase")), &form).await? {
        Ok(placed) => Ok(placed),
        Err(wrong) => wrong_again(&http, &who, id, &form, wrong).await,
    }
}

/// `/people/{person}/hold/{hold}/lift`, posted.
pub async fn lift(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((person, hold)): Path<(String, String)>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    holds::lift(&http, &who, &hold, &format!("/people/{id}/erase")).await
}

async fn wrong_again(
    http: &Http,
    who: &Who,
    id: PersonId,
    form: &Form,
    wrong: Vec<FieldError>,
) -> Result<Response, Problem> {
    let view = view(http, who, id, (form, &wrong)).await?;
    Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
}

async fn view(
    http: &Http,
    who: &Who,
    id: PersonId,
    (form, wrong): (&Form, &[FieldError]),
) -> Result<Erase, Problem> {
    let (app, principal, mut page) = (http.app(), &who.session()?.principal, who.page());
    let found = people::find(app, principal, id).await?;
    page.error = !wrong.is_empty();
    Ok(Erase {
        shell: shell(http, who, Section::People).await?,
        id: id.to_string(),
        name: found.details.name.clone(),
        may_erase: Access::Needs(ErasePeople).admits(principal),
        holds: holds::card(http, principal, &page, Protected::Person(id), (form, wrong)).await?,
        reason: again(&page, form.text("reason"), "reason", wrong),
        confirm: again(&page, form.text("confirm"), "confirm", wrong),
        page,
    })
}

async fn erased(http: &Http, who: &Who, status: erase::Erasure) -> Result<Erased, Problem> {
    let principal = &who.session()?.principal;
    let by = status.asked_by.parse().into_iter().collect();
    let names = words::names(http, principal, by).await?;
    Ok(Erased {
        page: who.page(),
        shell: shell(http, who, Section::People).await?,
        id: status.person.to_string(),
        by: names.actor(&status.asked_by),
        at: words::time(status.asked_at),
        reason: status.reason.unwrap_or_default(),
        scrubbed: status.scrubbed_at.map(words::time),
        completed: status.completed_at.map(words::time),
        waiting: status.banks_waiting.into_iter().map(|(_, name)| name).collect(),
    })
}
