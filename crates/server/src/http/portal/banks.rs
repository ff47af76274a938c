//! `/banks` and `/banks/{id}`: maps, doors, health, and the requests staff may make of a bank.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::access::Permission;
use bailee_domain::compartment::{CompartmentNo, Reach};
use bailee_domain::id::{BankId, PersonId};
use bailee_ui::form::Field;
use bailee_ui::layout::TimelineItem;
use bailee_ui::map::Detail;

use super::form::{Form, Query};
use super::gate::Who;
use super::health;
use super::lockdown;
use super::notice::Done;
use super::resync;
use super::shell::{Answer, live_shell, show};
use super::views::Section;
use super::views::banks::{Bank, Banks, DemoControls, Door, Shown};
use super::words::{self, Names};
use crate::app::banks::{self, BankSummary, BankView, ServiceWish};
use crate::app::health as app_health;
use crate::app::log::{self, ListLog, LogFilter};
use crate::app::parcels::{self, ListParcels, ParcelFilter, ParcelState};
use crate::app::{FieldError, Principal, Refused};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

/// `/banks`
pub async fn list(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    Ok(show(&list_view(&http, &who).await?))
}

/// The list.
pub async fn list_view(http: &Http, who: &Who) -> Result<Banks, Problem> {
    let listed = banks::list(http.app(), &who.session()?.principal).await?;
    let shell = live_shell(http, who, Section::Banks).await?;
    let banks = listed.iter().map(|bank| words::card(bank, &shell.site)).collect();
    Ok(Banks { page: who.page(), shell, banks })
}

/// The banks somebody may see, none for those who may see none.
pub async fn visible(http: &Http, principal: &Principal) -> Result<Vec<BankSummary>, Problem> {
    match Access::Needs(Permission::ViewBanks).admits(principal) {
        true => Ok(banks::list(http.app(), principal).await?),
        false => Ok(Vec::new()),
    }
}

/// What banks are called.
pub fn names(banks: &[BankSummary]) -> Names {
    let banks = banks.iter().map(|bank| (bank.id, bank.name.clone())).collect();
    Names { banks, ..Names::default() }
}

/// `/banks/{id}?view=map|table&compartment=7`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Query(query): Query,
) -> Answer {
    Ok(show(&view(&http, &who, &bank, &query, &[]).await?))
}

/// One bank.
pub async fn view(
    http: &Http,
    who: &Who,
    bank: &str,
    query: &Form,
    wrong: &[FieldError],
) -> Result<Bank, Problem> {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let (principal, page) = (&who.session()?.principal, who.page());
    let found = banks::view(http.app(), principal, id).await?;
    let measured = app_health::view(http.app(), principal, id).await?;
    let mut names = names(std::slice::from_ref(&found.summary));
    names.people = words::names(http, principal, lockdown::people_of(&found.summary)).await?.people;
    let shown = if query.text("view") == "table" { Shown::Table } else { Shown::Map };
    let mut card = words::card(&found.summary, &found.site_name);
    card.map.detail = Detail::Full;
    card.map.link =
        Some(if shown.is_table() { "?view=table&compartment=".into() } else { "?compartment=".into() });
    let chosen: Option<u16> = query.read("compartment");
    card.map.highlight =
        chosen.filter(|number| card.map.compartments.iter().any(|cell| cell.number == *number));
    let mut door = match card.map.highlight {
        Some(number) => door(http, who, &found, &card.map, (CompartmentNo(number), query)).await?,
        None => None,
    };
    if let Some(door) = &mut door {
        door.reason = query.field(&page, "reason", wrong);
    }
    Ok(Bank {
        shell: live_shell(http, who, Section::Banks).await?,
        shown,
        door,
        guard: lockdown::guard(&page, principal, &names, &found.summary),
        shut: resync::shut(&found.summary),
        may_resync: Access::Needs(Permission::EnrolBanks).admits(principal),
        health: health::shown(&page, http.app().now(), &found, &measured),
        events: events(http, who, &names, LogFilter { bank: Some(id), ..LogFilter::default() }).await?,
        demo: switches(http, id, card.map.highlight),
        bank: card,
        page,
    })
}

async fn door(
    http: &Http,
    who: &Who,
    found: &BankView,
    map: &bailee_ui::map::MapView,
    (number, _query): (CompartmentNo, &Form),
) -> Result<Option<Door>, Problem> {
    let bank = &found.summary;
    let built = bank.layout.as_ref().and_then(|layout| layout.iter().find(|built| built.number == number));
    let Some(built) = built else { return Ok(None) };
    let (page, status) = (who.page(), words::door(bank, number));
    let filter = LogFilter { bank: Some(bank.id), compartment: Some(number), ..LogFilter::default() };
    let names = names(std::slice::from_ref(bank));
    let why = status.and_then(|door| door.out_of_service).map(words::out_of_service);
    let (truth, doubt) = lockdown::truth(bank, number);
    Ok(Some(Door {
        number: number.0,
        name: map.door_name(page.texts, number.0),
        state: words::state(status),
        size: built.size.code().to_string(),
        low_reach: built.reach == Reach::Low,
        parcel: parcel_in(http, &who.session()?.principal, bank.id, number).await?,
        out_of_service_reason: why.unwrap_or_default().to_owned(),
        events: events(http, who, &names, filter).await?,
        truth,
        doubt,
        reason: Field::default(),
    }))
}

/// The parcel in a compartment, as far as the reader may see parcels.
async fn parcel_in(
    http: &Http,
    principal: &Principal,
    bank: BankId,
    number: CompartmentNo,
) -> Result<String, Problem> {
    if !Access::Needs(Permission::ViewParcels).admits(principal) {
        return Ok(String::new());
    }
    let filter = ParcelFilter { state: ParcelState::InBank, bank: Some(bank), recipient: None };
    let which = ListParcels { filter, before: None, limit: parcels::MAX_PAGE };
    let listed = parcels::list(http.app(), principal, which).await?;
    let found = listed.parcels.iter().find(|parcel| parcel.compartment == number);
    Ok(found.map(|parcel| parcel.id.to_string()).unwrap_or_default())
}

async fn events(
    http: &Http,
    who: &Who,
    names: &Names,
    filter: LogFilter,
) -> Result<Vec<TimelineItem>, Problem> {
    let principal = &who.session()?.principal;
    if !Access::Needs(Permission::ViewLog).admits(principal) {
        return Ok(Vec::new());
    }
    let listed = log::list(http.app(), principal, ListLog { filter, before: None, limit: 10 }).await?;
    // Whoever locked down or ended it is named.
    let locks = listed.rows.iter().filter(|row| row.line.kind.starts_with("Lockdown"));
    let acted: Vec<PersonId> = locks.filter_map(|row| row.line.actor.parse().ok()).collect();
    let people = words::names(http, principal, acted).await?;
    let item = |row: &log::LogRow| {
        let mut item = words::timeline(&who.page(), names, row);
        if row.line.kind.starts_with("Lockdown") && row.line.actor.parse::<PersonId>().is_ok() {
            item.detail = format!("{} · {}", item.detail, people.actor(&row.line.actor));
        }
        item
    };
    Ok(listed.rows.iter().map(item).collect())
}

fn switches(http: &Http, bank: BankId, chosen: Option<u16>) -> Option<DemoControls> {
    let switches = http.options().switches.as_ref()?(bank)?;
    let force = Field::new(chosen.unwrap_or(1).to_string());
    Some(DemoControls { network: switches.network, force, kiosk: switches.kiosk })
}

/// `/banks/{id}/compartments/{n}/service`, posted: asks the bank, and waits for its answer.
pub async fn service(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((bank, number)): Path<(String, u16)>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let wish = match form.text("service") {
        "in" => ServiceWish::Back,
        "out" => ServiceWish::Out,
        _ => return Err(Refused::Invalid(vec![FieldError { field: "service", code: "unknown" }]).into()),
    };
    let (app, principal) = (http.app(), &who.session()?.principal);
    banks::request_service(app, http.ask(), principal, (id, CompartmentNo(number)), wish).await?;
    Ok(Done::ServiceChanged.at(&format!("/banks/{id}?compartment={number}")))
}

/// `/banks/{id}/keypad`, posted: asks the bank to take codes again.
pub async fn keypad(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    banks::reset_keypad(http.app(), http.ask(), &who.session()?.principal, id).await?;
    Ok(Done::KeypadReset.at(&format!("/banks/{id}")))
}
