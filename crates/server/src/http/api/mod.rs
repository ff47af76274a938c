//! The API for integrations, version 1: JSON in and out, errors as RFC 9457, bearer tokens, cursors, idempotency keys.
//!
//! Every address stands in [`routes`] with who may come there and is described where its handler stands; [`openapi`] is made
//! of those descriptions, and a test compares it with the committed `openapi.json`. Start at [`routes`].

mod badges;
mod banks;
mod custody;
mod docs;
mod erasure;
pub(super) mod evidence;
mod gate;
mod keys;
mod lockdown;
mod log;
mod openings;
mod parcels;
mod people;
mod read;
mod settings;
pub(super) mod show;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware;
use axum::response::Response;
use axum::routing::{self, MethodRouter};
use bailee_domain::access::Permission::{
    self, EnrolBanks, ErasePeople, ExportLog, HandleAlerts, ManageHolds, ManageParcels, ManagePeople,
    ManageSettings, ManageTokens, OperateBanks, ViewAlerts, ViewBanks, ViewLog, ViewParcels, ViewPeople,
};
use utoipa::OpenApi;

use super::Http;
use super::access::{Access, Listed};
use super::problem::Problem;

pub use docs::openapi;

/// What a handler ends in.
type Answer = Result<Response, Problem>;

/// One address of the API.
pub struct Route {
    /// Its line in the reviewed table.
    pub listed: Listed,
    handler: MethodRouter<Http>,
}

macro_rules! methods {
    ($($name:ident = $method:literal;)*) => {$(
        fn $name<H: Handler<T, Http>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
            Route { listed: Listed { method: $method, path, access }, handler: routing::$name(handler) }
        }
    )*};
}

methods! {
    get = "GET";
    post = "POST";
    put = "PUT";
    delete = "DELETE";
}

const fn needs(permission: Permission) -> Access {
    Access::Needs(permission)
}

/// Every address of the API and who may come there.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        get("/api/openapi.json", Access::Public, docs::document),
        get("/api/docs", Access::Public, docs::page),
        get("/api/v1/banks", needs(ViewBanks), banks::list),
        post("/api/v1/banks", needs(EnrolBanks), banks::offer),
        get("/api/v1/banks/{bank}", needs(ViewBanks), banks::one),
        get("/api/v1/banks/{bank}/compartments", needs(ViewBanks), banks::compartments),
        get("/api/v1/banks/{bank}/health", needs(ViewBanks), banks::health),
        post("/api/v1/banks/{bank}/openings", needs(OperateBanks), openings::open),
        get("/api/v1/banks/{bank}/keys", needs(OperateBanks), custody::list),
        get("/api/v1/banks/{bank}/work-orders", needs(OperateBanks), badges::work_orders),
        post("/api/v1/banks/{bank}/work-orders", needs(OperateBanks), badges::write_order),
        post("/api/v1/banks/{bank}/work-orders/{order}/close", needs(OperateBanks), badges::close_order),
        get("/api/v1/people/{person}/badges", needs(ViewPeople), badges::list),
        post("/api/v1/people/{person}/badges/code", needs(ManagePeople), badges::send_code),
        delete("/api/v1/people/{person}/badges", needs(ManagePeople), badges::revoke),
        get("/api/v1/banks/{bank}/lockdowns", needs(ViewBanks), lockdown::list),
        post("/api/v1/banks/{bank}/lockdowns", needs(OperateBanks), lockdown::begin),
        post("/api/v1/lockdowns", needs(OperateBanks), lockdown::begin_everywhere),
        post("/api/v1/banks/{bank}/resynchronisation", needs(EnrolBanks), keys::resynchronise),
        post("/api/v1/banks/{bank}/inspections", needs(OperateBanks), keys::inspection),
        post("/api/v1/banks/{bank}/statements", needs(OperateBanks), keys::statement),
        get("/api/v1/parcels", needs(ViewParcels), parcels::list),
        get("/api/v1/parcels/{parcel}", needs(ViewParcels), parcels::one),
        post("/api/v1/parcels/{parcel}/code", needs(ManageParcels), parcels::send_code),
        post("/api/v1/parcels/{parcel}/extension", needs(ManageParcels), parcels::extend),
        get("/api/v1/residents", needs(ViewPeople), people::residents),
        post("/api/v1/residents", needs(ManagePeople), people::add_resident),
        get("/api/v1/couriers", needs(ViewPeople), people::couriers),
        post("/api/v1/couriers", needs(ManagePeople), people::add_courier),
        post("/api/v1/couriers/{person}/code", needs(ManagePeople), people::courier_code),
        get("/api/v1/people/{person}", needs(ViewPeople), people::one),
        put("/api/v1/people/{person}", needs(ManagePeople), people::change),
        delete("/api/v1/people/{person}", needs(ManagePeople), people::remove),
        get("/api/v1/people/{person}/keys", needs(ViewPeople), keys::list),
        post("/api/v1/people/{person}/keys", needs(ManagePeople), keys::add),
        delete("/api/v1/people/{person}/keys/{key}", needs(ManagePeople), keys::remove),
        post("/api/v1/people/{person}/erasure", needs(ErasePeople), erasure::erase),
        get("/api/v1/people/{person}/erasure", needs(ViewPeople), erasure::status),
        get("/api/v1/holds", needs(ViewPeople), erasure::holds),
        post("/api/v1/holds", needs(ManageHolds), erasure::place),
        delete("/api/v1/holds/{hold}", needs(ManageHolds), erasure::lift),
        get("/api/v1/carriers", needs(ViewPeople), people::carriers),
        post("/api/v1/carriers", needs(ManagePeople), people::add_carrier),
        get("/api/v1/alerts", needs(ViewAlerts), log::alerts),
        post("/api/v1/alerts/{alert}/acknowledgement", needs(HandleAlerts), log::acknowledge),
        get("/api/v1/events", needs(ViewLog), log::events),
        get("/api/v1/events/{event}", needs(ViewLog), log::event),
        get("/api/v1/evidence", needs(ExportLog), evidence::list),
        post("/api/v1/evidence", needs(ExportLog), evidence::ask),
        get("/api/v1/evidence/{evidence}", needs(ExportLog), evidence::one),
        get("/api/v1/evidence/{evidence}/bundle", needs(ExportLog), evidence::bundle),
        get("/api/v1/tokens", needs(ManageTokens), settings::tokens),
        delete("/api/v1/tokens/{token}", needs(ManageTokens), settings::revoke),
        get("/api/v1/site", needs(ViewBanks), settings::site),
        put("/api/v1/site", needs(ManageSettings), settings::change_site),
    ]
}

/// The API's routes behind their gates.
pub fn router(http: &Http) -> Router<Http> {
    routes().into_iter().fold(Router::new(), |router, Route { listed, handler }| {
        let (http, access) = (http.clone(), listed.access);
        let gate = middleware::from_fn(move |request: Request, next| {
            let http = http.clone();
            async move { gate::pass(http, access, request, next).await }
        });
        router.route(listed.path, handler.route_layer(gate))
    })
}

/// Every described operation.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bailee API",
        description = "Parcels in locker banks, and the custody log that proves where each was.\n\nSend `Authorization: \
                       Bearer blk_…`. Every POST needs an `Idempotency-Key`; sent again within 24 hours it gives the first \
                       answer. Errors are `application/problem+json` (RFC 9457): decide by `code`. Lists give a `next` \
                       cursor, also as a `Link` header. Updates need the `ETag` they were made from as `If-Match`.",
        license(name = "Apache-2.0")
    ),
    paths(
        banks::list,
        banks::offer,
        banks::one,
        banks::compartments,
        banks::health,
        openings::open,
        custody::list,
        badges::list,
        badges::send_code,
        badges::revoke,
        badges::work_orders,
        badges::write_order,
        badges::close_order,
        keys::inspection,
        keys::statement,
        keys::resynchronise,
        lockdown::list,
        lockdown::begin,
        lockdown::begin_everywhere,
        parcels::list,
        parcels::one,
        parcels::send_code,
        parcels::extend,
        people::residents,
        people::add_resident,
        people::couriers,
        people::add_courier,
        people::courier_code,
        people::one,
        people::change,
        people::remove,
        keys::list,
        keys::add,
        keys::remove,
        erasure::erase,
        erasure::status,
        erasure::holds,
        erasure::place,
        erasure::lift,
        people::carriers,
        people::add_carrier,
        log::alerts,
        log::acknowledge,
        log::events,
        log::event,
        evidence::list,
        evidence::ask,
        evidence::one,
        evidence::bundle,
        settings::tokens,
        settings::revoke,
        settings::site,
        settings::change_site
    ),
    components(schemas(bailee_wire::json::Problem))
)]
struct Described;
