//! `/parcels` and `/parcels/{id}`: the list, the chain of custody, a new code, more time.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use bailee_domain::access::Permission;
use bailee_domain::id::{BankId, ParcelId, PersonId};
use bailee_domain::parcel::{Custody, Parcel as Held};
use bailee_domain::time::WallTime;
use bailee_ui::form::{Choice, Field};

use super::form::{Form, Query};
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, live_shell, show};
use super::views::Section;
use super::views::parcels::{Parcel, ParcelRow, ParcelState, Parcels, SavedView};
use super::words::{self, Names};
use super::{banks, carriers_of, holds};
use crate::app::banks::BankSummary;
use crate::app::files::About;
use crate::app::legal_hold::Protected;
use crate::app::parcels::{self, ListParcels, ParcelFilter, ParcelState as Wanted};
use crate::app::people::{self, ListPeople};
use crate::app::{AppError, FieldError, Principal, Refused};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

const PAGE: u32 = 50;
/// People whose parcels a search looks through.
const MAX_FOUND: u32 = 20;

/// A saved view with its count.
pub fn tab(href: &str, key: &'static str, count: u32, current: bool) -> SavedView {
    SavedView { href: href.to_owned(), key, count, current }
}

/// `/parcels?view=ready|overdue|all&q=…&bank=…`
pub async fn list(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    Ok(show(&list_view(&http, &who, &query).await?))
}

/// The list.
pub async fn list_view(http: &Http, who: &Who, query: &Form) -> Result<Parcels, Problem> {
    let (principal, page) = (&who.session()?.principal, who.page());
    let state = wanted(query.text("view"));
    let filter = ParcelFilter { state: state.1, bank: query.read::<BankId>("bank"), recipient: None };
    let before: Option<ParcelId> = http.position("parcels", query.some("cursor"))?;
    let (found, next) = search(http, principal, filter, (before, query.text("q"))).await?;
    let visible = banks::visible(http, principal).await?;
    let names = known(http, principal, &visible, &found).await?;
    let carriers = carriers_of(http, principal).await?;
    let row = |parcel: &Held| show_row(parcel, &names, &carriers, http.app().now());
    let kept = query.query_without(&["cursor"]);
    let next = next.map(|id| format!("/parcels?{kept}&cursor={}", http.cursor("parcels", &id.to_string())));
    Ok(Parcels {
        shell: live_shell(http, who, Section::Parcels).await?,
        views: views(http, principal, state.0, found.len()).await?,
        view: state.0.to_owned(),
        q: Field::new(query.text("q")),
        bank: Field::new(query.text("bank")),
        banks: bank_choices(&page.t("any-bank"), &visible),
        rows: found.iter().map(row).collect(),
        first: before.map(|_| format!("/parcels?{kept}")),
        next,
        page,
    })
}

fn wanted(view: &str) -> (&'static str, Wanted) {
    match view {
        "ready" => ("ready", Wanted::Ready),
        "overdue" => ("overdue", Wanted::Overdue),
        _ => ("all", Wanted::All),
    }
}

/// Banks to choose from, the first choice for all.
pub fn bank_choices(all: &str, banks: &[BankSummary]) -> Vec<Choice> {
    let each = banks.iter().map(|bank| Choice::new(bank.id.to_string(), bank.name.clone()));
    std::iter::once(Choice::new("", all)).chain(each).collect()
}

/// A page of parcels; with a text, those of people whose name or unit contains it.
async fn search(
    http: &Http,
    principal: &Principal,
    filter: ParcelFilter,
    (before, text): (Option<ParcelId>, &str),
) -> Result<(Vec<Held>, Option<ParcelId>), Problem> {
    if text.trim().is_empty() {
        let listed =
            parcels::list(http.app(), principal, ListParcels { filter, before, limit: PAGE }).await?;
        return Ok((listed.parcels, listed.next));
    }
    let role = bailee_domain::access::Role::Resident;
    let which = ListPeople { role, search: text.to_owned(), after: None, limit: MAX_FOUND };
    let mut found = Vec::new();
    for person in people::list(http.app(), principal, which).await?.rows {
        let filter = ParcelFilter { recipient: Some(person.id), ..filter };
        let listed =
            parcels::list(http.app(), principal, ListParcels { filter, before, limit: PAGE }).await?;
        found.extend(listed.parcels);
    }
    found.sort_by_key(|parcel| std::cmp::Reverse(parcel.id));
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let next = if more { found.last().map(|last| last.id) } else { None };
    Ok((found, next))
}

async fn views(
    http: &Http,
    principal: &Principal,
    current: &str,
    rows: usize,
) -> Result<Vec<SavedView>, Problem> {
    let whole = bailee_domain::access::Scope::Organisation;
    let (mut ready, mut overdue) = (0, 0);
    if principal.may(Permission::ViewParcels, whole, None) {
        let waiting = parcels::count_waiting(http.app(), principal).await?;
        overdue = waiting.overdue;
        ready = waiting.in_banks.saturating_sub(overdue);
    }
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let all = if current == "all" { rows as u64 } else { ready + overdue };
    Ok(vec![
        tab("/parcels?view=ready", "view-ready", count(ready), current == "ready"),
        tab("/parcels?view=overdue", "view-overdue", count(overdue), current == "overdue"),
        tab("/parcels?view=all", "view-all", count(all), current == "all"),
    ])
}

async fn known(
    http: &Http,
    principal: &Principal,
    banks: &[BankSummary],
    parcels: &[Held],
) -> Result<Names, Problem> {
    let ids: Vec<PersonId> = parcels.iter().flat_map(|parcel| [parcel.recipient, parcel.courier]).collect();
    let Names { people, .. } = words::names(http, principal, ids).await?;
    Ok(Names { people, ..banks::names(banks) })
}

fn show_row(parcel: &Held, names: &Names, carriers: &super::CarrierNames, now: WallTime) -> ParcelRow {
    ParcelRow {
        id: parcel.id.to_string(),
        recipient: names.person(parcel.recipient),
        unit: names.unit(parcel.recipient),
        carrier: carriers.get(&parcel.carrier).cloned().unwrap_or_default(),
        bank: names.bank(parcel.bank),
        compartment: parcel.compartment.0,
        state: match parcel.custody {
            Custody::Collected => ParcelState::Collected,
            Custody::InBank if parcel.overdue(now) => ParcelState::Overdue,
            Custody::InBank => ParcelState::Ready,
        },
        deposited_at: words::time(parcel.deposited_at),
        expires: words::time(parcel.expires),
    }
}

/// `/parcels/{id}`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(parcel): Path<String>,
) -> Answer {
    Ok(show(&view(&http, &who, &parcel, (&Form::default(), &[])).await?))
}

/// One parcel with its chain of custody.
pub async fn view(
    http: &Http,
    who: &Who,
    parcel: &str,
    (form, wrong): (&Form, &[FieldError]),
) -> Result<Parcel, Problem> {
    let id: ParcelId = parcel.parse().map_err(|_| Problem::not_found())?;
    let (principal, mut page) = (&who.session()?.principal, who.page());
    page.error = !wrong.is_empty();
    let found = parcels::view(http.app(), principal, id).await?;
    let visible = banks::visible(http, principal).await?;
    let mut names = known(http, principal, &visible, &[found.parcel]).await?;
    names.banks.insert(found.parcel.bank, found.place.bank_name.clone());
    let carriers = carriers_of(http, principal).await?;
    let custody = found.chain.iter().rev().map(|row| words::timeline(&page, &names, row)).collect();
    let waiting =
        found.parcel.custody == Custody::InBank && Access::Needs(Permission::ManageParcels).admits(principal);
    let days = form.some("days").unwrap_or("3");
    Ok(Parcel {
        shell: live_shell(http, who, Section::Parcels).await?,
        parcel: show_row(&found.parcel, &names, &carriers, http.app().now()),
        bank_id: found.parcel.bank.to_string(),
        courier: names.person(found.parcel.courier),
        size: found.parcel.size.code().to_string(),
        collected_at: words::time_opt(found.parcel.collected_at),
        custody,
        receipts: super::receipts::of_parcel(http, principal, &page, id).await?,
        days: super::form::again(&page, days, "days", wrong),
        files: super::files::address(About::Parcel(id)),
        holds: holds::card(http, principal, &page, Protected::Parcel(id), (form, wrong)).await?,
        waiting,
        page,
    })
}

/// `/parcels/{id}/send-code`, posted.
pub async fn send_code(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(parcel): Path<String>,
) -> Answer {
    let id: ParcelId = parcel.parse().map_err(|_| Problem::not_found())?;
    let page = format!("/parcels/{id}");
    match parcels::send_again(http.app(), &who.session()?.principal, id).await {
        Ok(_) => Ok(Done::CodeSent.at(&page)),
        Err(error) => cannot(error, &page),
    }
}

/// `/parcels/{id}/extend`, posted.
pub async fn extend(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(parcel): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: ParcelId = parcel.parse().map_err(|_| Problem::not_found())?;
    let (days, page) = (form.read::<u16>("days").unwrap_or(0), format!("/parcels/{id}"));
    match parcels::extend(http.app(), &who.session()?.principal, id, days).await {
        Ok(_until) => Ok(Done::TimeExtended.at(&page)),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            shown_again(&http, &who, &parcel, &form, wrong).await
        }
        Err(error) => cannot(error, &page),
    }
}

/// `/parcels/{id}/hold`, posted.
pub async fn hold(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(parcel): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: ParcelId = parcel.parse().map_err(|_| Problem::not_found())?;
    match holds::place(&http, &who, (Protected::Parcel(id), &format!("/parcels/{id}")), &form).await? {
        Ok(placed) => Ok(placed),
        Err(wrong) => shown_again(&http, &who, &parcel, &form, wrong).await,
    }
}

/// `/parcels/{id}/hold/{hold}/lift`, posted.
pub async fn lift(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((parcel, hold)): Path<(String, String)>,
) -> Answer {
    let id: ParcelId = parcel.parse().map_err(|_| Problem::not_found())?;
    holds::lift(&http, &who, &hold, &format!("/parcels/{id}")).await
}

async fn shown_again(
    http: &Http,
    who: &Who,
    parcel: &str,
    form: &Form,
    wrong: Vec<FieldError>,
) -> Result<Response, Problem> {
    let view = view(http, who, parcel, (form, &wrong)).await?;
    Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
}
