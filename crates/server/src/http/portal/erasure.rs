//! `/people/{person}/erase`: what erasing somebody does, legal holds that forbid it, and how far an erasure has come.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use bailee_domain::access::Permission::{ErasePeople, ManageHolds};
use bailee_domain::id::{HoldId, PersonId};

use super::form::{Form, again};
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::erasure::{Erase, Erased, HoldRow};
use super::words::{self, Names};
use crate::app::legal_hold::{self, Hold, NewHold, Protected};
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
    let what = Protected::Person(id);
    let new = NewHold { what, reason: form.text("hold_reason"), owner: form.text("owner") };
    match legal_hold::place(http.app(), &who.session()?.principal, new).await {
        Ok(_) => Ok(Done::HoldPlaced.at(&format!("/people/{id}/erase"))),
        Err(AppError::Refused(Refused::Invalid(mut wrong))) => {
            wrong.iter_mut().filter(|it| it.field == "reason").for_each(|it| it.field = "hold_reason");
            wrong_again(&http, &who, id, &form, wrong).await
        }
        Err(error) => cannot(error, &format!("/people/{id}/erase")),
    }
}

/// `/people/{person}/hold/{hold}/lift`, posted.
pub async fn lift(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((person, hold)): Path<(String, String)>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let hold: HoldId = hold.parse().map_err(|_| Problem::not_found())?;
    legal_hold::lift(http.app(), &who.session()?.principal, hold).await?;
    Ok(Done::HoldLifted.at(&format!("/people/{id}/erase")))
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
    let holds = legal_hold::on_person(app, principal, id).await?;
    let by = holds.iter().filter_map(|hold| hold.placed_by.parse().ok()).collect();
    let names = words::names(http, principal, by).await?;
    page.error = !wrong.is_empty();
    Ok(Erase {
        shell: shell(http, who, Section::People).await?,
        id: id.to_string(),
        name: found.details.name.clone(),
        may_erase: Access::Needs(ErasePeople).admits(principal),
        may_hold: Access::Needs(ManageHolds).admits(principal),
        holds: holds.iter().map(|hold| row(&names, hold)).collect(),
        reason: again(&page, form.text("reason"), "reason", wrong),
        confirm: again(&page, form.text("confirm"), "confirm", wrong),
        hold_reason: again(&page, form.text("hold_reason"), "hold_reason", wrong),
        owner: again(&page, form.text("owner"), "owner", wrong),
        page,
    })
}

fn row(names: &Names, hold: &Hold) -> HoldRow {
    HoldRow {
        id: hold.id.to_string(),
        parcel: match hold.what {
            Protected::Person(_) => None,
            Protected::Parcel(parcel) => Some(parcel.to_string()),
        },
        reason: hold.reason.clone(),
        owner: hold.owner.clone(),
        by: names.actor(&hold.placed_by),
        at: words::time(hold.placed_at),
    }
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
