//! `/banks/{id}/resynchronise`: why a bank opens nothing, and taking it back into service.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::id::BankId;

use super::form::Form;
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::resync::Resync;
use crate::app::banks::{self, BankSummary};
use crate::app::{AppError, FieldError, Refused, resync};
use crate::http::Http;
use crate::http::problem::Problem;

/// The key of why a bank opens nothing, by what it says itself; empty when it does.
pub fn shut(bank: &BankSummary) -> &'static str {
    let warns = |word: &str| bank.live.warnings.iter().any(|warning| warning == word);
    match () {
        () if warns("disk-restored") => "shut-disk-restored",
        () if warns("tpm-silent") => "shut-tpm-silent",
        () => "",
    }
}

/// `/banks/{id}/resynchronise`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    Ok(show(&view(&http, &who, id, (&Form::default(), &[])).await?))
}

async fn view(
    http: &Http,
    who: &Who,
    id: BankId,
    (form, wrong): (&Form, &[FieldError]),
) -> Result<Resync, Problem> {
    let found = banks::view(http.app(), &who.session()?.principal, id).await?.summary;
    let mut page = who.page();
    page.error = !wrong.is_empty();
    Ok(Resync {
        shell: shell(http, who, Section::Banks).await?,
        id: id.to_string(),
        shut: shut(&found),
        name: found.name,
        confirm: form.field(&page, "confirm", wrong),
        page,
    })
}

/// `/banks/{id}/resynchronise`, posted.
pub async fn resynchronise(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let (app, principal) = (http.app(), &who.session()?.principal);
    match resync::resynchronise(app, http.ask(), principal, id, form.text("confirm")).await {
        Ok(()) => Ok(Done::Resynchronised.at(&format!("/banks/{id}/round"))),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let view = view(&http, &who, id, (&form, &wrong)).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(error) => cannot(error, &format!("/banks/{id}/resynchronise")),
    }
}
