//! Keys in custody as staff notice them, on every engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
#[path = "support/platform.rs"]
mod platform;
mod support;

use app_bank::FakeBank;
use bailee_domain::access::{Role, Scope};
use bailee_domain::bank::io::Input;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{BankId, CustodyId};
use bailee_domain::tamper::{Source, SwitchState};
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::custody::{self, Whereabouts};
use bailee_server::app::{Principal, Refused};
use platform::{Rig, contains, holding, refused};
use support::Fresh;

on_every_engine![
    a_key_is_out_only_once_two_people_agreed_and_back_under_another_seal,
    what_opens_without_a_release_is_an_alarm_and_what_opens_with_one_is_none,
    an_opening_told_late_is_judged_by_when_it_happened,
    a_key_not_back_in_time_is_an_alarm_once,
];

const HOUR_MS: i64 = 3_600_000;

async fn world(fresh: Fresh) -> (Rig, Principal, FakeBank, CustodyId) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
    let item = custody::add(&rig.app, &admin, bank.id, "Master key", "0048113").await.unwrap();
    (rig, admin, bank, item)
}

fn second() -> Principal {
    holding(7, &[(Role::Operator, Scope::Organisation)])
}

fn not_possible<T: std::fmt::Debug>(result: Result<T, Refused>) -> &'static str {
    match result.unwrap_err() {
        Refused::NotPossibleNow { why } => why,
        other => panic!("{other:?}"),
    }
}

async fn released(rig: &Rig, admin: &Principal, which: (BankId, CustodyId)) {
    custody::ask(&rig.app, admin, which, "a canary is inside", 4).await.unwrap();
    custody::agree(&rig.app, &second(), which).await.unwrap();
}

async fn alarms(rig: &Rig, admin: &Principal, kind: &str) -> usize {
    let which = ListAlerts { filter: AlertFilter::Open, before: None, limit: 50 };
    let open = alerts::list(&rig.app, admin, which).await.unwrap();
    open.rows.iter().filter(|alert| alert.kind == kind).count()
}

async fn a_key_is_out_only_once_two_people_agreed_and_back_under_another_seal(fresh: Fresh) {
    let (rig, admin, bank, item) = world(fresh).await;
    let which = (bank.id, item);
    let at = async || custody::of_bank(&rig.app, &admin, bank.id).await.unwrap()[0].row.state;
    assert_eq!(not_possible(refused(custody::agree(&rig.app, &admin, which).await)), "nobody_asked");
    custody::ask(&rig.app, &admin, which, "a canary is inside", 4).await.unwrap();
    assert_eq!(not_possible(refused(custody::agree(&rig.app, &admin, which).await)), "same_person");
    assert_eq!(at().await, Whereabouts::Asked);
    custody::agree(&rig.app, &second(), which).await.unwrap();
    assert_eq!(at().await, Whereabouts::Out);
    assert_eq!(not_possible(refused(custody::ask(&rig.app, &admin, which, "again", 4).await)), "not_sealed");
    assert_eq!(not_possible(refused(custody::retire(&rig.app, &admin, which).await)), "not_sealed");
    let same = refused(custody::give_back(&rig.app, &admin, which, "0048113").await);
    assert!(matches!(same, Err(Refused::Invalid(_))), "a broken seal is not used again");
    custody::give_back(&rig.app, &admin, which, "0048114").await.unwrap();
    assert_eq!(at().await, Whereabouts::Sealed);

    custody::ask(&rig.app, &admin, which, "again", 4).await.unwrap();
    rig.later(HOUR_MS + 1);
    assert_eq!(not_possible(refused(custody::agree(&rig.app, &second(), which).await)), "request_over");
    custody::drop_request(&rig.app, &admin, which).await.unwrap();
    for hours in [0, 73] {
        let wrong = refused(custody::ask(&rig.app, &admin, which, "again", hours).await);
        assert!(matches!(wrong, Err(Refused::Invalid(_))));
    }
    custody::retire(&rig.app, &admin, which).await.unwrap();
    assert!(custody::of_bank(&rig.app, &admin, bank.id).await.unwrap().is_empty());
    assert!(!contains(&rig.everything_stored().await, "canary is inside"), "reasons are sealed");
}

async fn what_opens_without_a_release_is_an_alarm_and_what_opens_with_one_is_none(fresh: Fresh) {
    let (rig, admin, bank, item) = world(fresh).await;
    let source = Source::Enclosure(1);
    released(&rig, &admin, (bank.id, item)).await;
    bank.input(Input::Switch { source, state: SwitchState::Tripped });
    bank.force(CompartmentNo(3));
    bank.upload().await;
    assert_eq!(alarms(&rig, &admin, "OpenedWithoutRelease").await, 0, "a key is out");
    bank.input(Input::Switch { source, state: SwitchState::AtRest });
    bank.close(CompartmentNo(3));
    custody::give_back(&rig.app, &admin, (bank.id, item), "0048114").await.unwrap();
    rig.later(HOUR_MS);
    bank.force(CompartmentNo(4));
    bank.upload().await;
    assert_eq!(alarms(&rig, &admin, "OpenedWithoutRelease").await, 1);
}

async fn an_opening_told_late_is_judged_by_when_it_happened(fresh: Fresh) {
    let (rig, admin, bank, item) = world(fresh).await;
    released(&rig, &admin, (bank.id, item)).await;
    rig.later(1_000);
    bank.force(CompartmentNo(3));
    rig.later(HOUR_MS);
    bank.close(CompartmentNo(3));
    custody::give_back(&rig.app, &admin, (bank.id, item), "0048114").await.unwrap();
    bank.upload().await;
    assert_eq!(alarms(&rig, &admin, "OpenedWithoutRelease").await, 0, "the key was out then");

    bank.force(CompartmentNo(4));
    rig.later(HOUR_MS);
    released(&rig, &admin, (bank.id, item)).await;
    bank.upload().await;
    assert_eq!(alarms(&rig, &admin, "OpenedWithoutRelease").await, 1, "a release afterwards excuses nothing");
}

async fn a_key_not_back_in_time_is_an_alarm_once(fresh: Fresh) {
    let (rig, admin, bank, item) = world(fresh).await;
    released(&rig, &admin, (bank.id, item)).await;
    rig.later(4 * HOUR_MS - 1);
    assert!(!custody::note_overdue(&rig.app).await.unwrap());
    rig.later(1);
    assert!(custody::note_overdue(&rig.app).await.unwrap());
    assert!(!custody::note_overdue(&rig.app).await.unwrap(), "noted once");
    assert_eq!(alarms(&rig, &admin, "KeyOverdue").await, 1);
    assert!(custody::of_bank(&rig.app, &admin, bank.id).await.unwrap()[0].overdue);
}
