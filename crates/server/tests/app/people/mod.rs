//! People, sign-in, couriers, tokens and settings, as a user would notice them, on every engine.

mod couriers_codes;
mod first_start;
mod residents;
mod signing_in;
mod staff;

use crate::on_every_engine;
use crate::platform::{ADMIN_EMAIL, PASSWORD, Rig, START, ada, contains, holding, not_allowed, refused};
use crate::support::Fresh;
use bailee_domain::access::{Permission, Role, Scope};
use bailee_domain::compartment::Reach;
use bailee_domain::id::{AlertId, PersonId};
use bailee_domain::platform::{Actor, Channel, PlatformEventKind};
use bailee_domain::roster::Recipient;
use bailee_evidence::commitment;
use bailee_ledger::disk::MemoryDisk;
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::couriers::{self, CodeIssued, CourierInput};
use bailee_server::app::idempotency::{self, Begun};
use bailee_server::app::people::{self, ListPeople, ResidentInput};
use bailee_server::app::set_up::{self, Administrator};
use bailee_server::app::settings::{self, SiteInput};
use bailee_server::app::sign_in::{self, Step};
use bailee_server::app::templates::{self, Saved};
use bailee_server::app::tokens::{self, NewToken};
use bailee_server::app::{AppError, FieldError, Principal, Refused, carriers, install};
use bailee_server::notify::templates::{Language, TemplateKey, default_text};
use bailee_server::params;
use bailee_server::store::tables::{code, courier, org, person};
use bailee_vault::Secret;
use bailee_vault::code::{BankCodeKey, Candidate, CodeIndex, CodeSecret, find};
use bailee_vault::kek::MemoryKek;
use bailee_vault::seal::{Aad, PersonKey};
use bailee_vault::stretch::Cost;

const EVERYWHERE: Scope = Scope::Organisation;

fn resident<'a>(name: &'a str, unit: &'a str, email: &'a str) -> ResidentInput<'a> {
    ResidentInput { name, unit, email, phone: "", reach: Reach::Standard }
}

fn listed(role: Role, search: &str) -> ListPeople {
    ListPeople { role, search: search.into(), after: None, limit: 50 }
}

async fn add_courier(rig: &Rig, admin: &Principal) -> couriers::Added {
    let carrier = carriers::add(&rig.app, admin, "Swift Parcels").await.unwrap();
    let input = CourierInput { name: "Kurt", carrier, email: "kurt@canary.example", phone: "" };
    couriers::add(&rig.app, admin, input).await.unwrap()
}

/// The code in the letter that waits for a courier: what a gateway would be handed.
async fn code_sent_to(rig: &Rig, person: PersonId) -> String {
    let sql = "SELECT id, variables FROM message WHERE person = $1 AND template = 'courier_code'
        AND state = 'waiting'";
    let row = rig
        .fresh
        .db
        .read(async move |tx| tx.query_one(sql, params![person.to_string()]).await)
        .await
        .unwrap();
    let id: bailee_domain::id::MessageId = row.get::<String>("id").unwrap().parse().unwrap();
    let (id, sealed) = (id.to_bytes(), row.get::<Vec<u8>>("variables").unwrap());
    let place = Aad { table: "message", column: "variables", row: &id };
    let clear = rig.app.keys().outbox().open(&place, &sealed).unwrap();
    let digits = clear.expose().windows(8).find(|eight| eight.iter().all(u8::is_ascii_digit)).unwrap();
    String::from_utf8(digits.to_vec()).unwrap()
}
