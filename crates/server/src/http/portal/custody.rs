//! `/banks/{id}/keys`: override and mechanical keys of a bank, released by two people and back under a new seal.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::access::Permission;
use bailee_domain::id::{BankId, CustodyId, PersonId};
use bailee_ui::layout::Tone;

use super::form::Form;
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::custody::{Custody, CustodyLine};
use super::words::{self, Names};
use crate::app::custody::{self, CustodyView, Whereabouts};
use crate::app::{AppError, FieldError, Principal, Refused, banks};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

/// `/banks/{id}/keys`
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
) -> Result<Custody, Problem> {
    let session = who.session()?;
    let principal = &session.principal;
    let found = banks::view(http.app(), principal, id).await?.summary;
    let kept = custody::of_bank(http.app(), principal, id).await?;
    let people = kept.iter().flat_map(|key| key.row.first.into_iter().chain(key.row.second)).collect();
    let names = words::names(http, principal, people).await?;
    let mut page = who.page();
    page.error = !wrong.is_empty();
    Ok(Custody {
        shell: shell(http, who, Section::Banks).await?,
        id: id.to_string(),
        name: found.name,
        may_add: Access::Needs(Permission::EnrolBanks).admits(principal),
        rows: kept.iter().map(|key| line(&names, key)).collect(),
        label: form.field(&page, "label", wrong),
        seal: form.field(&page, "seal", wrong),
        page,
    })
}

fn line(names: &Names, key: &CustodyView) -> CustodyLine {
    let row = &key.row;
    let (state, tone, icon) = match row.state {
        _ if key.overdue => ("custody-overdue", Tone::Bad, "warning"),
        Whereabouts::Sealed => ("custody-sealed", Tone::Ok, "lock"),
        Whereabouts::Asked => ("custody-asked", Tone::Warn, "clock"),
        Whereabouts::Out => ("custody-out", Tone::Accent, "key"),
        Whereabouts::Retired => ("custody-retired", Tone::Neutral, "cross"),
    };
    let name = |person: Option<PersonId>| person.map(|person| names.person(person)).unwrap_or_default();
    CustodyLine {
        id: row.id.to_string(),
        label: row.label.clone(),
        seal: row.seal.clone(),
        sealed: words::time(row.sealed_at),
        state,
        tone,
        icon,
        reason: key.reason.clone().unwrap_or_default(),
        first: name(row.first),
        second: name(row.second),
        until: words::time_opt(row.until),
        can_ask: row.state == Whereabouts::Sealed,
        can_agree: row.state == Whereabouts::Asked,
        can_return: row.state == Whereabouts::Out,
    }
}

/// `/banks/{id}/keys`, posted.
pub async fn add(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let principal = &who.session()?.principal;
    match custody::add(http.app(), principal, id, form.text("label"), form.text("seal")).await {
        Ok(_) => Ok(Done::CustodyChanged.at(&format!("/banks/{id}/keys"))),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let view = view(&http, &who, id, (&form, &wrong)).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(error) => cannot(error, &format!("/banks/{id}/keys")),
    }
}

/// `/banks/{id}/keys/{item}/{act}`, posted: `ask`, `agree`, `drop`, `return` or `retire`.
pub async fn act(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((bank, item, act)): Path<(String, String, String)>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let item: CustodyId = item.parse().map_err(|_| Problem::not_found())?;
    let at = format!("/banks/{id}/keys");
    match try_act(&http, &who.session()?.principal, (id, item), &act, &form).await {
        Ok(()) => Ok(Done::CustodyChanged.at(&at)),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let same = wrong.iter().any(|wrong| wrong.code == "same_seal");
            let why = if same { "same_seal" } else { "words_missing" };
            cannot(Refused::NotPossibleNow { why }.into(), &at)
        }
        Err(error) => cannot(error, &at),
    }
}

async fn try_act(
    http: &Http,
    principal: &Principal,
    which: (BankId, CustodyId),
    act: &str,
    form: &Form,
) -> Result<(), AppError> {
    let app = http.app();
    match act {
        "ask" => {
            custody::ask(app, principal, which, form.text("reason"), form.read("hours").unwrap_or(0)).await
        }
        "agree" => custody::agree(app, principal, which).await,
        "drop" => custody::drop_request(app, principal, which).await,
        "return" => custody::give_back(app, principal, which, form.text("seal")).await,
        "retire" => custody::retire(app, principal, which).await,
        _ => Err(Refused::NotFound.into()),
    }
}
