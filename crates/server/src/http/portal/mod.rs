//! The portal: pages for staff, made of views in `views` and use cases in [`crate::app`].
//!
//! Every address stands in [`routes`] with who may come there; [`gate`] lets in and reads forms before a handler runs. A POST
//! answers with a redirect (303), or with the page again and what was wrong. Start at [`routes`].

mod alerts;
mod audit;
mod badges;
mod banks;
mod carriers;
mod commission;
mod conflict;
mod custody;
mod erasure;
mod evidence;
mod files;
pub(super) mod form;
mod gate;
mod health;
mod holds;
mod keys;
mod live;
mod lockdown;
mod notice;
mod openings;
mod overview;
mod parcels;
mod people;
mod receipts;
mod resync;
mod settings;
mod shell;
mod sign_in;
mod site_form;
mod upload;
mod verify;
pub mod views;
mod witnesses;
pub(super) mod words;
mod work_orders;

pub(super) use audit::moment;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::HeaderMap;
use axum::middleware;
use axum::response::Response;
use axum::routing::{self, MethodRouter};
use bailee_domain::access::Permission::{
    self, EnrolBanks, ErasePeople, ExportLog, HandleAlerts, ManageHolds, ManageParcels, ManagePeople,
    ManageSettings, ManageTokens, OperateBanks, ViewAlerts, ViewBanks, ViewLog, ViewParcels, ViewPeople,
};

use bailee_domain::id::CarrierId;

use super::Http;
use super::access::{Access, Listed};
use super::problem::Problem;
use crate::app::{Principal, carriers as carriers_app};
use gate::Takes;
use views::messages::MessagePage;

/// One address of the portal.
pub struct Route {
    /// Its line in the reviewed table.
    pub listed: Listed,
    takes: Takes,
    handler: MethodRouter<Http>,
}

impl Route {
    /// The same address, taking a form with a file.
    fn with_file(self) -> Self {
        Self { takes: Takes::File, ..self }
    }
}

fn get<H: Handler<T, Http>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        listed: Listed { method: "GET", path, access },
        takes: Takes::Fields,
        handler: routing::get(handler),
    }
}

fn post<H: Handler<T, Http>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        listed: Listed { method: "POST", path, access },
        takes: Takes::Fields,
        handler: routing::post(handler),
    }
}

const fn needs(permission: Permission) -> Access {
    Access::Needs(permission)
}

/// Every address of the portal and who may come there.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        get("/sign-in", Access::Public, sign_in::form),
        post("/sign-in", Access::Public, sign_in::sign_in),
        get("/set-up/{token}", Access::Public, sign_in::old_link),
        get("/setup", Access::Public, sign_in::set_up_form),
        post("/setup", Access::Public, sign_in::set_up),
        get("/receipt", Access::Public, receipts::page),
        get("/receipt/proof", Access::Public, receipts::file),
        get("/verify", Access::Public, verify::page),
        post("/sign-out", Access::Known, sign_in::sign_out),
        post("/preferences", Access::Known, shell::preferences),
        get("/", Access::Known, overview::page),
        get("/events", Access::Known, live::events),
        get("/banks", needs(ViewBanks), banks::list),
        get("/banks/{bank}", needs(ViewBanks), banks::page),
        get("/banks/{bank}/health", needs(ViewBanks), health::page),
        post("/banks/{bank}/compartments/{number}/service", needs(OperateBanks), banks::service),
        post("/banks/{bank}/keypad", needs(OperateBanks), banks::keypad),
        post("/banks/{bank}/lockdown", needs(OperateBanks), lockdown::begin),
        post("/banks/{bank}/lockdown/{number}/release", needs(OperateBanks), lockdown::release),
        post("/banks/{bank}/siren", needs(OperateBanks), lockdown::silence),
        get("/banks/{bank}/round", needs(ViewBanks), lockdown::round),
        get("/banks/{bank}/commission", needs(ViewBanks), commission::wizard),
        post("/banks/{bank}/hardware", needs(OperateBanks), commission::hardware),
        post("/banks/{bank}/accept", needs(EnrolBanks), commission::accept),
        post("/banks/{bank}/withdraw", needs(EnrolBanks), commission::withdraw),
        post("/banks/{bank}/round", needs(OperateBanks), lockdown::tell_round),
        get("/banks/{bank}/resynchronise", needs(EnrolBanks), resync::page),
        post("/banks/{bank}/resynchronise", needs(EnrolBanks), resync::resynchronise),
        get("/banks/{bank}/keys", needs(OperateBanks), custody::page),
        post("/banks/{bank}/keys", needs(EnrolBanks), custody::add),
        post("/banks/{bank}/keys/{item}/{act}", needs(OperateBanks), custody::act),
        get("/banks/{bank}/work-orders", needs(OperateBanks), work_orders::page),
        post("/banks/{bank}/work-orders", needs(OperateBanks), work_orders::write),
        post("/banks/{bank}/work-orders/{order}/close", needs(OperateBanks), work_orders::close),
        get("/banks/{bank}/openings", needs(OperateBanks), openings::page),
        post("/banks/{bank}/openings", needs(OperateBanks), openings::pass_on),
        post("/banks/{bank}/openings/wish", needs(OperateBanks), openings::wish),
        get("/parcels", needs(ViewParcels), parcels::list),
        get("/parcels/{parcel}", needs(ViewParcels), parcels::page),
        post("/parcels/{parcel}/send-code", needs(ManageParcels), parcels::send_code),
        post("/parcels/{parcel}/extend", needs(ManageParcels), parcels::extend),
        post("/parcels/{parcel}/hold", needs(ManageHolds), parcels::hold),
        post("/parcels/{parcel}/hold/{hold}/lift", needs(ManageHolds), parcels::lift),
        get("/receipts/{event}/proof", needs(ViewParcels), receipts::staff_file),
        get("/people", needs(ViewPeople), people::list),
        get("/people/residents/new", needs(ManagePeople), people::new_resident),
        post("/people/residents/new", needs(ManagePeople), people::add_resident),
        get("/people/couriers/new", needs(ManagePeople), people::new_courier),
        post("/people/couriers/new", needs(ManagePeople), people::add_courier),
        get("/people/{person}", needs(ViewPeople), people::page),
        post("/people/{person}", needs(ManagePeople), people::change),
        post("/people/{person}/code", needs(ManagePeople), people::courier_code),
        post("/people/{person}/remove", needs(ManagePeople), people::remove),
        get("/people/{person}/badges", needs(ViewPeople), badges::page),
        post("/people/{person}/badges/code", needs(ManagePeople), badges::send_code),
        post("/people/{person}/badges/revoke", needs(ManagePeople), badges::revoke),
        get("/people/{person}/keys", needs(ViewPeople), keys::page),
        post("/people/{person}/keys", needs(ManagePeople), keys::add),
        post("/people/{person}/keys/{key}/remove", needs(ManagePeople), keys::remove),
        get("/people/{person}/erase", needs(ViewPeople), erasure::page),
        post("/people/{person}/erase", needs(ErasePeople), erasure::erase),
        post("/people/{person}/hold", needs(ManageHolds), erasure::hold),
        post("/people/{person}/hold/{hold}/lift", needs(ManageHolds), erasure::lift),
        get("/carriers", needs(ViewPeople), carriers::list),
        post("/carriers", needs(ManagePeople), carriers::add),
        get("/alerts", needs(ViewAlerts), alerts::list),
        post("/alerts/{alert}/acknowledge", needs(HandleAlerts), alerts::acknowledge),
        get("/audit", needs(ViewLog), audit::list),
        get("/audit/{event}", needs(ViewLog), audit::event),
        get("/audit/{event}/proof", needs(ViewLog), audit::proof),
        get("/audit.csv", needs(ExportLog), audit::csv),
        get("/audit.jsonl", needs(ExportLog), audit::json_lines),
        get("/audit.jsonld", needs(ExportLog), audit::epcis),
        get("/evidence", needs(ExportLog), evidence::page),
        post("/evidence", needs(ExportLog), evidence::ask),
        get("/evidence/{evidence}/bundle", needs(ExportLog), evidence::bundle),
        get("/files", needs(ViewBanks), files::page),
        post("/files", needs(ViewBanks), files::attach).with_file(),
        get("/files/{file}", needs(ViewPeople), files::content),
        post("/files/{file}/destroy", needs(ErasePeople), files::destroy),
        get("/witnesses", needs(ViewLog), witnesses::page),
        get("/witnesses/evidence/{evidence}/{which}", needs(ViewLog), witnesses::evidence),
        get("/settings", needs(ManageSettings), settings::page),
        post("/settings/site", needs(ManageSettings), settings::change_site),
        get("/settings/templates/{template}", needs(ManageSettings), settings::template),
        post("/settings/templates/{template}", needs(ManageSettings), settings::change_template),
        post("/settings/templates/{template}/reset", needs(ManageSettings), settings::reset_template),
        get("/settings/lockdown", needs(ManageSettings), lockdown::policy),
        get("/settings/commissioning", needs(ManageSettings), commission::demands),
        post("/settings/commissioning", needs(ManageSettings), commission::change_demands),
        post("/settings/lockdown", needs(ManageSettings), lockdown::change_policy),
        post("/settings/kiosk-code", needs(OperateBanks), lockdown::kiosk_code),
        get("/settings/badges", needs(ManageSettings), badges::policy),
        post("/settings/badges", needs(ManageSettings), badges::change_policy),
        get("/settings/keys", needs(ViewPeople), keys::of_staff),
        get("/settings/tokens", needs(ManageTokens), settings::tokens),
        post("/settings/tokens", needs(ManageTokens), settings::create_token),
        post("/settings/tokens/{token}/revoke", needs(ManageTokens), settings::revoke_token),
        get("/settings/enrol", needs(EnrolBanks), settings::enrol_form),
        post("/settings/enrol", needs(EnrolBanks), settings::enrol),
    ]
}

/// The portal's routes behind their gates.
pub fn router(http: &Http) -> Router<Http> {
    routes().into_iter().fold(Router::new(), |router, Route { listed, takes, handler }| {
        let (http, access) = (http.clone(), listed.access);
        let gate = middleware::from_fn(move |request: Request, next| {
            let http = http.clone();
            async move { gate::pass(http, (access, takes), request, next).await }
        });
        router.route(listed.path, handler.route_layer(gate))
    })
}

/// What carriers are called.
type CarrierNames = BTreeMap<CarrierId, String>;

/// What carriers are called, for those who may see people.
async fn carriers_of(http: &Http, reader: &Principal) -> Result<CarrierNames, Problem> {
    if !Access::Needs(ViewPeople).admits(reader) {
        return Ok(CarrierNames::new());
    }
    let listed = carriers_app::list(http.app(), reader).await?;
    Ok(listed.into_iter().map(|carrier| (carrier.id, carrier.name)).collect())
}

/// The page that shows a problem.
pub fn message(headers: &HeaderMap, problem: &Problem, reference: &str) -> Response {
    let page = gate::page_for(headers);
    let (message, retry_after) = (problem.message(), problem.wait_s);
    let view = MessagePage { page, message, reference: reference.to_owned(), retry_after };
    problem.wrap_page(shell::draw(&view))
}
