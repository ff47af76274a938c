//! Entries as EPCIS 2.0 events (GS1, ISO/IEC 19987) in JSON-LD, with the words of CBV 2.0.
//!
//! Only what moves or holds a parcel becomes an event. Things are named by URIs below the log's own name, and each event
//! names the entry it was made from. Event ids are the hash ids of CBV 2.0 §8.9, so that whoever has the
//! same facts has the same id.

use bailee_domain::event::{EventKind, Purpose};
use bailee_domain::id::{BankId, ParcelId};
use bailee_domain::platform::PlatformEventKind;
use bailee_domain::time::WallTime;
use bailee_wire::event::{Leaf, hex, time_text};
use serde::Serialize;

use crate::commitment::sha256;

const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

#[derive(Clone, Debug, Serialize)]
struct Id {
    id: String,
}

#[derive(Clone, Debug, Serialize)]
struct Transaction {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "bizTransaction")]
    entry: String,
}

/// One event.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "eventID")]
    event_id: String,
    event_time: String,
    event_time_zone_offset: &'static str,
    #[serde(rename = "parentID", skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    #[serde(rename = "childEPCs", skip_serializing_if = "Option::is_none")]
    children: Option<[String; 1]>,
    #[serde(rename = "epcList", skip_serializing_if = "Option::is_none")]
    objects: Option<[String; 1]>,
    action: &'static str,
    biz_step: &'static str,
    disposition: &'static str,
    read_point: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    biz_location: Option<Id>,
    biz_transaction_list: [Transaction; 1],
}

/// What becomes of a parcel, in the words of CBV.
struct Step {
    parcel: ParcelId,
    /// The compartment, when custody of it begins or ends: an aggregation.
    compartment: Option<u16>,
    action: &'static str,
    biz_step: &'static str,
    disposition: &'static str,
}

fn observed(parcel: ParcelId, biz_step: &'static str, disposition: &'static str) -> Step {
    Step { parcel, compartment: None, action: "OBSERVE", biz_step, disposition }
}

fn at_bank(kind: &EventKind) -> Option<Step> {
    match kind {
        EventKind::OpeningIntended { purpose: Purpose::DropOff { parcel, .. }, attempt: 1, .. } => {
            Some(observed(*parcel, "arriving", "in_transit"))
        }
        EventKind::ParcelDeposited(deposit) => Some(Step {
            parcel: deposit.parcel,
            compartment: Some(deposit.compartment.0),
            action: "ADD",
            biz_step: "storing",
            disposition: "container_closed",
        }),
        EventKind::ParcelCollected { parcel, compartment, .. } => Some(Step {
            parcel: *parcel,
            compartment: Some(compartment.0),
            action: "DELETE",
            biz_step: "shipping",
            disposition: "in_transit",
        }),
        EventKind::DropOffCancelled { parcel, .. } => Some(observed(*parcel, "void_shipping", "returned")),
        EventKind::GrantExpired { parcel, .. } => Some(observed(*parcel, "holding", "unavailable")),
        _ => None,
    }
}

fn at_platform(kind: &PlatformEventKind) -> Option<Step> {
    match kind {
        PlatformEventKind::ParcelOverdue { parcel } => Some(observed(*parcel, "holding", "in_progress")),
        PlatformEventKind::ParcelExtended { parcel, .. } => Some(observed(*parcel, "reserving", "reserved")),
        _ => None,
    }
}

/// The event of an entry, where it has one; `origin` is the log's.
#[must_use]
pub fn event(origin: &str, index: u64, leaf: &Leaf) -> Option<Event> {
    let (step, bank) = match leaf {
        Leaf::Bank { bank, event, .. } => (at_bank(&event.kind)?, Some(*bank)),
        Leaf::Platform { event, .. } => (at_platform(&event.kind)?, None),
    };
    let base = format!("https://{origin}");
    let parcel = format!("{base}/parcels/{}", step.parcel);
    let bank_uri = |bank: BankId| format!("{base}/banks/{bank}");
    let door =
        bank.zip(step.compartment).map(|(bank, number)| format!("{}/compartments/{number}", bank_uri(bank)));
    let place = bank.map_or_else(|| base.clone(), bank_uri);
    let mut event = Event {
        kind: if door.is_some() { "AggregationEvent" } else { "ObjectEvent" },
        event_id: String::new(),
        event_time: time_text(leaf.at()),
        event_time_zone_offset: "+00:00",
        parent: door.clone(),
        children: door.is_some().then(|| [parcel.clone()]),
        objects: door.is_none().then_some([parcel]),
        action: step.action,
        biz_step: step.biz_step,
        disposition: step.disposition,
        read_point: Id { id: door.unwrap_or_else(|| place.clone()) },
        biz_location: bank.map(|_| Id { id: place }),
        biz_transaction_list: [Transaction {
            kind: format!("{base}/entry"),
            entry: format!("{base}/entries/{index}"),
        }],
    };
    event.event_id = hash_id(&event);
    Some(event)
}

/// The hash id of CBV 2.0: SHA-256 over the fields in their order, joined without separators.
fn hash_id(event: &Event) -> String {
    let mut text = format!(
        "eventType={}eventTime={}eventTimeZoneOffset={}",
        event.kind, event.event_time, event.event_time_zone_offset
    );
    if let (Some(parent), Some([child])) = (&event.parent, &event.children) {
        text += &format!("parentID={parent}childEPCsepc={child}");
    }
    if let Some([object]) = &event.objects {
        text += &format!("epcListepc={object}");
    }
    text += &format!(
        "action={}bizStep=https://ref.gs1.org/cbv/BizStep-{}disposition=https://ref.gs1.org/cbv/Disp-{}readPointid={}",
        event.action, event.biz_step, event.disposition, event.read_point.id
    );
    if let Some(place) = &event.biz_location {
        text += &format!("bizLocationid={}", place.id);
    }
    let [Transaction { kind, entry }] = &event.biz_transaction_list;
    text += &format!("bizTransactionListtype={kind}bizTransaction={entry}");
    format!("ni:///sha-256;{}?ver=CBV2.0", hex(&sha256(&[text.as_bytes()])))
}

/// A document, piece by piece: [`Document::begin`], every event, [`Document::end`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Document {
    events: u64,
}

impl Document {
    /// What stands before the events; `made` is when the document was made.
    #[must_use]
    pub fn begin(made: WallTime) -> String {
        format!(
            "{{\"@context\":[\"{CONTEXT}\"],\"type\":\"EPCISDocument\",\"schemaVersion\":\"2.0\",\"creationDate\":\"{}\",\
             \"epcisBody\":{{\"eventList\":[",
            time_text(made)
        )
    }

    /// The next event.
    pub fn event(&mut self, event: &Event) -> String {
        self.events += 1;
        let comma = if self.events == 1 { "\n" } else { ",\n" };
        format!("{comma}{}", serde_json::to_string(event).expect("an event has nothing JSON cannot say"))
    }

    /// What stands after the events.
    #[must_use]
    pub const fn end() -> &'static str {
        "\n]}}\n"
    }
}

#[cfg(test)]
mod tests {
    use bailee_domain::compartment::{CompartmentNo, Size};
    use bailee_domain::event::{Deposit, Event as BankEvent};
    use bailee_domain::id::{CarrierId, GrantId, PersonId};
    use bailee_domain::time::TimeQuality;

    use super::*;

    fn leaf(kind: EventKind) -> Leaf {
        let at = WallTime::from_unix_ms(1_795_420_800_123);
        let event = BankEvent { seq: 1, at, quality: TimeQuality::Trusted, kind };
        Leaf::Bank { bank: BankId::from_bytes([1; 16]), prev: [0; 32], event }
    }

    fn deposit() -> Deposit {
        Deposit {
            parcel: ParcelId::from_bytes([2; 16]),
            grant: GrantId::from_bytes([3; 16]),
            compartment: CompartmentNo(4),
            recipient: PersonId::from_bytes([5; 16]),
            courier: PersonId::from_bytes([6; 16]),
            carrier: CarrierId::from_bytes([7; 16]),
            size: Size::Small,
            expires: WallTime::from_unix_ms(0),
        }
    }

    /// A document with every kind of event.
    fn document() -> String {
        let it = deposit();
        let (parcel, compartment, grant) = (it.parcel, it.compartment, it.grant);
        let purpose = Purpose::DropOff {
            parcel,
            recipient: it.recipient,
            courier: it.courier,
            carrier: it.carrier,
            size: it.size,
        };
        let leaves = [
            leaf(EventKind::OpeningIntended { compartment, purpose, attempt: 1 }),
            leaf(EventKind::ParcelDeposited(it)),
            leaf(EventKind::ParcelCollected { parcel, compartment, grant }),
            leaf(EventKind::DropOffCancelled { parcel, compartment, opening: 1 }),
            leaf(EventKind::GrantExpired { grant, parcel }),
            leaf(EventKind::BoardSilent { board: 1 }),
        ];
        let mut document = Document::default();
        let mut text = Document::begin(WallTime::from_unix_ms(0));
        for (leaf, index) in leaves.iter().zip(7..) {
            if let Some(event) = event("lockers.example.org/log/1", index, leaf) {
                text += &document.event(&event);
            }
        }
        text + Document::end()
    }

    #[test]
    fn custody_becomes_aggregation_and_names_its_entry() {
        let text = document();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let events = json["epcisBody"]["eventList"].as_array().unwrap();
        let words: Vec<String> = events
            .iter()
            .map(|it| {
                let word = |key: &str| it[key].as_str().unwrap().to_owned();
                [word("type"), word("action"), word("bizStep")].join(" ")
            })
            .collect();
        assert_eq!(
            words,
            [
                "ObjectEvent OBSERVE arriving",
                "AggregationEvent ADD storing",
                "AggregationEvent DELETE shipping",
                "ObjectEvent OBSERVE void_shipping",
                "ObjectEvent OBSERVE holding"
            ]
        );
        let bank = BankId::from_bytes([1; 16]);
        assert_eq!(
            events[1]["parentID"],
            format!("https://lockers.example.org/log/1/banks/{bank}/compartments/4")
        );
        assert_eq!(
            events[1]["bizTransactionList"][0]["bizTransaction"],
            "https://lockers.example.org/log/1/entries/8"
        );
        assert_eq!(events[0]["eventTimeZoneOffset"], "+00:00");
    }

    #[test]
    fn event_ids_are_those_of_the_reference_implementation() {
        // Made with the reference implementation of the hash ids of CBV 2.0 over the document of `document`.
        let expected = include_str!("../tests/epcis-hash-ids.txt");
        let text = document();
        // For people who want to check it with other programs.
        #[expect(clippy::disallowed_methods, reason = "asked for by a person")]
        if let Ok(path) = std::env::var("BAILEE_WRITE_EPCIS") {
            std::fs::write(path, &text).unwrap();
        }
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let ids = json["epcisBody"]["eventList"].as_array().unwrap().iter();
        let ids: Vec<&str> = ids.map(|it| it["eventID"].as_str().unwrap()).collect();
        assert_eq!(ids, expected.lines().collect::<Vec<_>>());
    }
}
