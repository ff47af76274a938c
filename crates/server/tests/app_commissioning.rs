//! A bank's way into use as staff notice it, on every engine: the real bank proves and decides.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
#[path = "support/platform.rs"]
mod platform;
mod support;

use app_bank::FakeBank;
use bailee_domain::bank::io::Request;
use bailee_domain::commissioning::{LockFound, Part, PartState, Step};
use bailee_domain::compartment::{CompartmentNo, Wiring};
use bailee_domain::hardware::{Demands, Entry, HardwareRecord, Item, Shortfall};
use bailee_domain::roster::BankService;
use bailee_server::app::commissioning::{self, How};
use bailee_server::app::{Refused, banks};
use platform::{Rig, refused};
use support::Fresh;

on_every_engine![
    a_bank_that_falls_short_is_refused_until_it_does_not,
    an_exception_needs_a_reason_and_can_be_withdrawn,
    banks_in_use_stay_in_use_when_something_is_demanded,
];

fn record() -> HardwareRecord {
    let entry = |item: Item| {
        let value = match item {
            Item::SteelGauge => "14",
            Item::IpRating => "IP54",
            _ => "class 3",
        };
        (item, Entry { value: value.into(), evidence: "certificate 12".into() })
    };
    Item::ALL.into_iter().map(entry).collect()
}

/// The walk of a technician at the bank, as its events tell it.
fn walk(bank: &FakeBank, found: LockFound) {
    bank.commission(Step::Begin { technician: [1; 32], only: None });
    bank.commission(Step::Checked(Part::Board(1), PartState::Sound));
    bank.commission(Step::Try(Wiring { board: 1, channel: 1 }));
    bank.commission(Step::Answered(found, Some(CompartmentNo(1))));
    bank.commission(Step::End { report: [2; 32], doors: 1, faults: u16::from(found.is_fault()) });
}

async fn a_bank_that_falls_short_is_refused_until_it_does_not(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    commissioning::change_demands(&rig.app, &admin, Demands::usual()).await.unwrap();
    let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
    let service = async || banks::roster(&rig.app, bank.id).await.unwrap().service;
    assert_eq!(service().await, BankService::NotAccepted);
    let refusal = refused(commissioning::accept(&rig.app, &admin, bank.id, "").await);
    assert!(matches!(refusal, Err(Refused::NotPossibleNow { why: "falls_short" })));

    bank.answers(
        Request::TakeRoster(banks::roster(&rig.app, bank.id).await.unwrap()),
        rig.app.now().plus_ms(15_000),
    );
    walk(&bank, LockFound::SensorDead);
    bank.upload().await;
    commissioning::record_hardware(&rig.app, &admin, bank.id, record()).await.unwrap();
    let standing = commissioning::view(&rig.app, &admin, bank.id).await.unwrap();
    assert_eq!(standing.shortfalls, [Shortfall::Faults(1)]);
    assert_eq!((standing.walked.boards(), standing.walked.proved()), ((1, 1), (0, 1)));

    walk(&bank, LockFound::Proved);
    bank.upload().await;
    assert_eq!(commissioning::accept(&rig.app, &admin, bank.id, "").await.unwrap(), How::Accepted);
    assert_eq!(service().await, BankService::InService);
}

async fn an_exception_needs_a_reason_and_can_be_withdrawn(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    commissioning::change_demands(&rig.app, &admin, Demands::usual()).await.unwrap();
    let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
    let reason = "indoors, behind a guarded door";
    assert_eq!(commissioning::accept(&rig.app, &admin, bank.id, reason).await.unwrap(), How::Excepted);
    let standing = commissioning::view(&rig.app, &admin, bank.id).await.unwrap();
    assert!(standing.in_service() && !standing.shortfalls.is_empty());
    assert_eq!(standing.acceptance.unwrap().reason, reason);
    commissioning::withdraw(&rig.app, &admin, bank.id).await.unwrap();
    let roster = banks::roster(&rig.app, bank.id).await.unwrap();
    assert_eq!(roster.service, BankService::NotAccepted);
    let long = refused(commissioning::accept(&rig.app, &admin, bank.id, &"x".repeat(201)).await);
    assert!(matches!(long, Err(Refused::Invalid(_))));
}

async fn banks_in_use_stay_in_use_when_something_is_demanded(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
    commissioning::change_demands(&rig.app, &admin, Demands::usual()).await.unwrap();
    assert_eq!(banks::roster(&rig.app, bank.id).await.unwrap().service, BankService::InService);
    let how = commissioning::view(&rig.app, &admin, bank.id).await.unwrap().acceptance.unwrap().how;
    assert_eq!(how, How::Earlier);
    let read = commissioning::demands(&rig.app, &admin).await.unwrap();
    assert_eq!(read, Demands::usual());
}
