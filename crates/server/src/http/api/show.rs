//! From the platform's values to the API's JSON.

use bailee_domain::access::Scope;
use bailee_domain::compartment::{CompartmentNo, Reach};
use bailee_domain::event::Severity;
use bailee_domain::parcel::{Custody, Parcel};
use bailee_domain::platform::Channel;
use bailee_domain::time::WallTime;
use bailee_ui::map::CellState;
use bailee_wire::event::hex;
use bailee_wire::event::time_text as time;
use bailee_wire::json;

use super::super::portal::words;
use crate::app::alerts::{About, AlertRow};
use crate::app::banks::BankSummary;
use crate::app::couriers::{CodeIssued, CourierSummary};
use crate::app::log::{Entry, LogRow};
use crate::app::parcels::{CodeStatus, ParcelView};
use crate::app::people::{Person, PersonSummary};
use crate::app::settings::SiteRow;
use crate::app::tokens::TokenSummary;

/// A bank.
pub fn bank(bank: &BankSummary) -> json::Bank {
    json::Bank {
        id: bank.id.to_string(),
        site: bank.site.to_string(),
        name: bank.name.clone(),
        state: bank.state.name().into(),
        online: bank.online,
        last_heard: bank.last_heard.map(time),
        compartments: bank.layout.as_ref().map_or(0, |layout| layout.iter().count()),
        occupied: bank.live.doors.iter().filter(|door| door.occupied).count(),
    }
}

/// A bank's compartments.
pub fn compartments(bank: &BankSummary) -> Vec<json::Compartment> {
    let one = |built: &bailee_domain::compartment::Compartment| json::Compartment {
        number: built.number.0,
        size: built.size.code().to_string(),
        low_reach: built.reach == Reach::Low,
        state: state(bank, built.number).into(),
    };
    bank.layout.iter().flat_map(|layout| layout.iter().map(one)).collect()
}

fn state(bank: &BankSummary, number: CompartmentNo) -> &'static str {
    match words::state(words::door(bank, number)) {
        CellState::Free => "free",
        CellState::Occupied => "occupied",
        CellState::Reserved => "reserved",
        CellState::Open => "open",
        CellState::OutOfService => "out-of-service",
        CellState::Alarm => "alarm",
        CellState::Unknown => "unknown",
    }
}

/// A parcel.
pub fn parcel(parcel: &Parcel, now: WallTime) -> json::Parcel {
    json::Parcel {
        id: parcel.id.to_string(),
        bank: parcel.bank.to_string(),
        compartment: parcel.compartment.0,
        recipient: parcel.recipient.to_string(),
        courier: parcel.courier.to_string(),
        carrier: parcel.carrier.to_string(),
        size: parcel.size.code().to_string(),
        custody: match parcel.custody {
            Custody::InBank => json::Custody::InBank,
            Custody::Collected => json::Custody::Collected,
        },
        overdue: parcel.overdue(now),
        deposited_at: time(parcel.deposited_at),
        expires: time(parcel.expires),
        collected_at: parcel.collected_at.map(time),
    }
}

/// A parcel with everything that is known of it.
pub fn parcel_detail(view: &ParcelView, now: WallTime) -> json::ParcelDetail {
    let code = |status| match status {
        CodeStatus::Ordered => "ordered",
        CodeStatus::WaitingForBank => "waiting_for_bank",
        CodeStatus::Live => "live",
        CodeStatus::Ended => "ended",
    };
    json::ParcelDetail {
        parcel: parcel(&view.parcel, now),
        code: view.code.map(|status| code(status).into()),
        messages: view.messages.iter().map(message).collect(),
        chain: view.chain.iter().map(event).collect(),
    }
}

fn message(message: &crate::store::tables::message::MessageRow) -> json::Message {
    json::Message {
        id: message.id.to_string(),
        channel: channel(message.channel).into(),
        state: message.state.name().into(),
        attempts: message.attempts,
        created_at: time(message.created_at),
    }
}

const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
    }
}

/// A person in a list.
pub fn person_listed(person: PersonSummary) -> json::PersonListed {
    let PersonSummary { id, name, unit, email, phone } = person;
    json::PersonListed { id: id.to_string(), name, unit, email, phone }
}

/// Everything known of a person.
pub fn person(person: &Person) -> json::Person {
    let details = &person.details;
    json::Person {
        id: person.id.to_string(),
        name: details.name.clone(),
        unit: details.unit.clone(),
        email: details.email.clone(),
        phone: details.phone.clone(),
        low_reach: details.reach() == Reach::Low,
        roles: person.roles.iter().map(|held| role(held.role.name(), held.scope)).collect(),
        carrier: person.courier.as_ref().map(|courier| courier.carrier.to_string()),
        version: person.version,
        created_at: time(person.created_at),
    }
}

fn role(role: &str, scope: Scope) -> json::Role {
    let scope = match scope {
        Scope::Organisation => "organisation".to_owned(),
        Scope::Site(site) => site.to_string(),
        Scope::Bank(bank) => bank.to_string(),
    };
    json::Role { role: role.into(), scope }
}

/// A courier in a list.
pub fn courier(courier: CourierSummary) -> json::Courier {
    json::Courier {
        person: person_listed(courier.person),
        carrier: courier.carrier.to_string(),
        carrier_name: courier.carrier_name,
        missing_at: courier.missing_at.iter().map(|(bank, _name)| bank.to_string()).collect(),
    }
}

/// A courier's code on its way.
pub fn code_sent(code: CodeIssued) -> json::CodeSent {
    json::CodeSent { generation: code.generation, channel: channel(code.channel).into(), banks: code.banks }
}

/// An alert.
pub fn alert(row: &AlertRow) -> json::Alert {
    json::Alert {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        bank: match &row.about {
            About::Bank(bank) => Some(bank.to_string()),
            About::Witness(_) => None,
        },
        witness: match &row.about {
            About::Bank(_) => None,
            About::Witness(name) => Some(name.clone()),
        },
        compartment: row.compartment,
        at: time(row.at),
        acknowledged_by: row.acknowledged_by.clone(),
        acknowledged_at: row.acknowledged_at.map(time),
    }
}

/// An event.
pub fn event(row: &LogRow) -> json::Event {
    let line = &row.line;
    json::Event {
        id: row.id,
        index: row.leaf_index,
        at: time(line.at),
        severity: match line.severity {
            Severity::Routine => "routine",
            Severity::Notice => "notice",
            Severity::Alarm => "alarm",
        }
        .into(),
        kind: line.kind.clone(),
        bank: line.bank.map(String::from),
        compartment: line.compartment.map(|number| number.0),
        parcel: line.parcel.map(String::from),
        grant: line.grant.map(String::from),
        person: line.person.map(String::from),
        actor: line.actor.clone(),
    }
}

/// An event with its proof.
pub fn event_proof(entry: Entry) -> json::EventProof {
    let fields = entry.view.into_iter();
    let proven = entry.proven.as_ref();
    json::EventProof {
        id: entry.id,
        fields: fields.map(|field| json::EventField { name: field.name, value: field.value }).collect(),
        leaf: hex(&entry.leaf),
        leaf_hash: hex(&entry.leaf_hash.0),
        index: proven.map(|proven| proven.index),
        size: proven.map(|proven| proven.size),
        path: proven.map(|proven| proven.path.iter().map(|hash| hex(&hash.0)).collect()).unwrap_or_default(),
        checkpoint: proven.map(|proven| proven.checkpoint.clone()),
    }
}

/// The site's settings.
pub fn site(site: SiteRow) -> json::Site {
    let SiteRow { id, name, help, expiry_days, receipt_days, version } = site;
    json::Site { id: id.to_string(), name, help, expiry_days, receipt_days, version }
}

/// An API token.
pub fn token(token: TokenSummary) -> json::Token {
    json::Token {
        id: token.id.to_string(),
        name: token.name,
        permissions: token.permissions.iter().map(|permission| permission.name().to_owned()).collect(),
        created_at: time(token.created_at),
        expires_at: time(token.expires_at),
        last_used: token.last_used.map(time),
    }
}
