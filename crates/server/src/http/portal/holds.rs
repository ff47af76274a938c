//! The card with the legal holds of a person or a parcel, and what its forms post.

use axum::response::Response;
use bailee_domain::access::Permission::{ManageHolds, ViewPeople};
use bailee_domain::id::HoldId;
use bailee_ui::layout::Page;

use super::form::{Form, again};
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::Answer;
use super::views::holds::{HoldRow, Holds};
use super::words::{self, Names};
use crate::app::legal_hold::{self, Hold, NewHold, Protected};
use crate::app::{AppError, FieldError, Principal, Refused};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

/// The card for a page, for readers who may see whom it is about.
pub async fn card(
    http: &Http,
    principal: &Principal,
    page: &Page,
    what: Protected,
    (form, wrong): (&Form, &[FieldError]),
) -> Result<Option<Holds>, Problem> {
    if !Access::Needs(ViewPeople).admits(principal) {
        return Ok(None);
    }
    let (holds, at, why) = match what {
        Protected::Person(id) => (
            legal_hold::on_person(http.app(), principal, id).await?,
            format!("/people/{id}/hold"),
            "hold-why",
        ),
        Protected::Parcel(id) => {
            let at = format!("/parcels/{id}/hold");
            (legal_hold::on_parcel(http.app(), principal, id).await?, at, "hold-why-parcel")
        }
    };
    let by = holds.iter().filter_map(|hold| hold.placed_by.parse().ok()).collect();
    let names = words::names(http, principal, by).await?;
    Ok(Some(Holds {
        at,
        why,
        rows: holds.iter().map(|hold| row(&names, hold, what)).collect(),
        may_hold: Access::Needs(ManageHolds).admits(principal),
        hold_reason: again(page, form.text("hold_reason"), "hold_reason", wrong),
        owner: again(page, form.text("owner"), "owner", wrong),
    }))
}

fn row(names: &Names, hold: &Hold, here: Protected) -> HoldRow {
    let (on, href) = match hold.what {
        what if what == here => ("", String::new()),
        Protected::Person(person) => ("hold-person", format!("/people/{person}/erase")),
        Protected::Parcel(parcel) => ("hold-parcel", format!("/parcels/{parcel}")),
    };
    HoldRow {
        id: hold.id.to_string(),
        on,
        href,
        reason: hold.reason.clone(),
        owner: hold.owner.clone(),
        by: names.actor(&hold.placed_by),
        at: words::time(hold.placed_at),
    }
}

/// Places a hold as a form says, and goes back; what was wrong is for the page to show again.
pub async fn place(
    http: &Http,
    who: &Who,
    (what, back): (Protected, &str),
    form: &Form,
) -> Result<Result<Response, Vec<FieldError>>, Problem> {
    let new = NewHold { what, reason: form.text("hold_reason"), owner: form.text("owner") };
    match legal_hold::place(http.app(), &who.session()?.principal, new).await {
        Ok(_) => Ok(Ok(Done::HoldPlaced.at(back))),
        Err(AppError::Refused(Refused::Invalid(mut wrong))) => {
            wrong.iter_mut().filter(|it| it.field == "reason").for_each(|it| it.field = "hold_reason");
            Ok(Err(wrong))
        }
        Err(error) => cannot(error, back).map(Ok),
    }
}

/// Lifts a hold and goes back.
pub async fn lift(http: &Http, who: &Who, hold: &str, back: &str) -> Answer {
    let hold: HoldId = hold.parse().map_err(|_| Problem::not_found())?;
    legal_hold::lift(http.app(), &who.session()?.principal, hold).await?;
    Ok(Done::HoldLifted.at(back))
}
