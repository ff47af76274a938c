//! `/carriers`

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::form::Form;
use super::gate::Who;
use super::notice::Done;
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::carriers::{CarrierRow, Carriers};
use crate::app::{AppError, FieldError, Refused, carriers};
use crate::http::Http;
use crate::http::problem::Problem;

/// `/carriers`
pub async fn list(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    Ok(show(&view(&http, &who, &Form::default(), &[]).await?))
}

/// `/carriers`, posted.
pub async fn add(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    match carriers::add(http.app(), &who.session()?.principal, form.text("name")).await {
        Ok(_) => Ok(Done::CarrierAdded.at("/carriers")),
        Err(AppError::Refused(refused)) => again(&http, &who, &form, refused).await,
        Err(error) => Err(error.into()),
    }
}

async fn again(http: &Http, who: &Who, form: &Form, refused: Refused) -> Result<Response, Problem> {
    let problem = Problem::from(refused);
    if problem.fields.is_empty() {
        return Err(problem);
    }
    let view = view(http, who, form, &problem.fields).await?;
    Ok(problem.wrap_page(draw(&view)))
}

async fn view(http: &Http, who: &Who, form: &Form, wrong: &[FieldError]) -> Result<Carriers, Problem> {
    let mut page = who.page();
    page.error = !wrong.is_empty();
    let listed = carriers::list(http.app(), &who.session()?.principal).await?;
    let row = |row: carriers::CarrierRow| CarrierRow {
        id: row.id.to_string(),
        name: row.name,
        couriers: row.couriers,
        waiting: row.waiting,
    };
    let rows = listed.into_iter().map(row).collect();
    let shell = shell(http, who, Section::Carriers).await?;
    Ok(Carriers { name: form.field(&page, "name", wrong), page, shell, rows })
}
