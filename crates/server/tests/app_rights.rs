//! Badges and work orders as staff notice them, on every engine: the real bank decides.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
#[path = "support/platform.rs"]
mod platform;
mod support;

use std::collections::BTreeSet;

use app_bank::{Banks, FakeBank};
use bailee_domain::access::{Role, Scope};
use bailee_domain::badge::{Assurance, BadgeKind, BadgeShown, WeakBadges};
use bailee_domain::bank::io::{Action, Input};
use bailee_domain::bank::screen::Screen;
use bailee_domain::compartment::{CompartmentNo, Reach};
use bailee_domain::event::EventKind;
use bailee_domain::id::PersonId;
use bailee_domain::time::WallTime;
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::link::Ask;
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::work_orders::{self, NewOrder, OrderState};
use bailee_server::app::{FieldError, Principal, Refused, badges, banks, delivery, outbox};
use bailee_server::notify::templates::Facts;
use platform::{Rig, contains, refused};
use support::Fresh;

on_every_engine![
    a_badge_is_enrolled_with_a_code_and_a_lost_one_is_followed_until_every_bank_has_forgotten,
    what_weak_badges_are_good_for_reaches_the_banks,
    a_technicians_code_opens_only_free_doors_of_the_order_and_only_in_its_time,
    an_order_nobody_closes_is_overdue_once,
];

const HOUR_MS: i64 = 3_600_000;

async fn world(fresh: Fresh) -> (Rig, Principal, Banks) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let mut all = Banks::default();
    for (name, seed) in [("Lobby", 1), ("Garage", 2)] {
        all.0.push(FakeBank::enrolled(&rig.app, &rig.clock, &admin, name, seed).await);
    }
    (rig, admin, all)
}

async fn somebody(rig: &Rig, admin: &Principal, name: &str) -> PersonId {
    let email = format!("{name}@canary.example");
    let input = ResidentInput { name, unit: "4B", email: &email, phone: "", reach: Reach::Standard };
    people::add_resident(&rig.app, admin, input).await.unwrap()
}

async fn told(rig: &Rig, all: &Banks) {
    for bank in &all.0 {
        let roster = banks::roster(&rig.app, bank.id).await.unwrap();
        let request = bailee_domain::bank::io::Request::TakeRoster(roster);
        all.ask(bank.id, request, rig.app.now().plus_ms(15_000)).await.unwrap();
        bank.upload().await;
    }
}

/// The newest code a letter to this person holds.
async fn letter(rig: &Rig, person: PersonId) -> String {
    let due = delivery::due(&rig.app, 64).await.unwrap();
    let mut codes =
        due.into_iter().filter(|row| row.person == person).filter_map(|row| {
            match outbox::open(&rig.app, row.id, row.variables.as_ref()?).unwrap().facts {
                Facts::BadgeCode { code, .. } | Facts::WorkCode { code, .. } => Some(code),
                _ => None,
            }
        });
    codes.next_back().expect("a letter with a code")
}

fn badge(n: u8) -> Input {
    let (kind, assurance) = (BadgeKind::Application, Assurance::Strong);
    Input::Badge(BadgeShown { reader: 1, kind, assurance, mac: [n; 32] })
}

fn not_possible<T: std::fmt::Debug>(result: Result<T, Refused>) -> &'static str {
    match result.unwrap_err() {
        Refused::NotPossibleNow { why } => why,
        other => panic!("{other:?}"),
    }
}

async fn a_badge_is_enrolled_with_a_code_and_a_lost_one_is_followed_until_every_bank_has_forgotten(
    fresh: Fresh,
) {
    let (rig, admin, all) = world(fresh).await;
    let (lobby, garage) = (&all.0[0], &all.0[1]);
    let sam = somebody(&rig, &admin, "sam").await;
    let unknown = refused(badges::send_code(&rig.app, &all, &admin, sam, lobby.id).await);
    assert_eq!(not_possible(unknown), "refused_by_bank", "the bank does not know them yet");
    told(&rig, &all).await;
    badges::send_code(&rig.app, &all, &admin, sam, lobby.id).await.unwrap();
    let code = letter(&rig, sam).await;
    lobby.enter(&code);
    assert!(matches!(lobby.screen(), Screen::HoldBadge), "{:?}", lobby.screen());
    lobby.input(badge(7));
    lobby.upload().await;
    let known = badges::of_person(&rig.app, &admin, sam).await.unwrap();
    assert_eq!((known.enrolled.len(), known.enrolled[0].bank), (1, lobby.id));
    assert_eq!(known.enrolled[0].assurance, Assurance::Strong);
    lobby.enter(&code);
    assert!(matches!(lobby.screen(), Screen::Home { .. }), "the code is used up");

    garage.disconnect();
    badges::revoke(&rig.app, &admin, sam).await.unwrap();
    assert!(badges::carry_on(&rig.app, &all).await.unwrap());
    lobby.upload().await;
    let known = badges::of_person(&rig.app, &admin, sam).await.unwrap();
    assert!(known.enrolled[0].forgotten_at.is_some());
    let open: Vec<_> = known.revocations.iter().filter(|row| row.forgotten_at.is_none()).collect();
    assert_eq!(open.iter().map(|row| row.bank).collect::<Vec<_>>(), [garage.id], "shown until it confirms");
    let early = refused(badges::send_code(&rig.app, &all, &admin, sam, garage.id).await);
    assert_eq!(not_possible(early), "revocation_open");
    garage.connect();
    assert!(badges::carry_on(&rig.app, &all).await.unwrap());
    assert!(!badges::carry_on(&rig.app, &all).await.unwrap(), "nothing is left to do");
    let known = badges::of_person(&rig.app, &admin, sam).await.unwrap();
    assert!(known.revocations.iter().all(|row| row.forgotten_at.is_some()));
    garage.disconnect();
    let offline = refused(badges::send_code(&rig.app, &all, &admin, sam, garage.id).await);
    assert_eq!(not_possible(offline), "bank_offline");
}

async fn what_weak_badges_are_good_for_reaches_the_banks(fresh: Fresh) {
    let (rig, admin, all) = world(fresh).await;
    assert_eq!(badges::weak(&rig.app, &admin).await.unwrap(), WeakBadges::NeedCode);
    for weak in [WeakBadges::Refused, WeakBadges::Suffice, WeakBadges::NeedCode] {
        badges::set_weak(&rig.app, &admin, weak).await.unwrap();
        told(&rig, &all).await;
        assert_eq!(all.0[0].roster().badges.weak, weak);
    }
    let operator = platform::holding(7, &[(Role::Operator, Scope::Organisation)]);
    let not = refused(badges::set_weak(&rig.app, &operator, WeakBadges::Suffice).await);
    assert!(matches!(not, Err(Refused::NotAllowed(_))));
}

fn order(technician: PersonId, doors: &[u16], begins: WallTime, hours: i64) -> NewOrder<'static> {
    let doors: BTreeSet<_> = doors.iter().map(|door| CompartmentNo(*door)).collect();
    NewOrder {
        technician,
        doors,
        begins,
        expires: begins.plus_ms(hours * HOUR_MS),
        task: "exchange the canary lock",
    }
}

async fn a_technicians_code_opens_only_free_doors_of_the_order_and_only_in_its_time(fresh: Fresh) {
    let (rig, admin, all) = world(fresh).await;
    let bank = &all.0[0];
    let toni = somebody(&rig, &admin, "toni").await;
    let now = rig.app.now();
    let wrong = refused(work_orders::write(&rig.app, &admin, bank.id, order(toni, &[3], now, 8)).await);
    let unknown = |field| Refused::Invalid(vec![FieldError { field, code: "unknown" }]);
    assert_eq!(wrong.unwrap_err(), unknown("technician"), "a resident repairs nothing");
    rig.give(toni, Role::Technician, Scope::Organisation).await;
    let nowhere = refused(work_orders::write(&rig.app, &admin, bank.id, order(toni, &[99], now, 8)).await);
    assert_eq!(nowhere.unwrap_err(), unknown("doors"));
    let long = refused(work_orders::write(&rig.app, &admin, bank.id, order(toni, &[3], now, 15 * 24)).await);
    assert!(matches!(long, Err(Refused::Invalid(_))));
    let later = order(toni, &[3, 4], now.plus_ms(HOUR_MS), 8);
    let id = work_orders::write(&rig.app, &admin, bank.id, later).await.unwrap();
    let code = letter(&rig, toni).await;
    assert!(!work_orders::carry_on(&rig.app, &all).await.unwrap(), "its time has not come");
    bank.enter(&code);
    assert!(matches!(bank.screen(), Screen::Home { .. }));
    rig.later(HOUR_MS + 1);
    assert!(work_orders::carry_on(&rig.app, &all).await.unwrap());
    bank.upload().await;
    assert_eq!(state(&rig, &admin, bank).await, OrderState::Open);
    bank.enter(&code);
    let Screen::ChooseDoor { doors, .. } = bank.screen() else { panic!("{:?}", bank.screen()) };
    assert_eq!(doors, [CompartmentNo(3), CompartmentNo(4)]);
    bank.act(Action::ChooseDoor(CompartmentNo(5)));
    assert!(matches!(bank.screen(), Screen::ChooseDoor { .. }), "a door of no order stays shut");
    bank.act(Action::ChooseDoor(CompartmentNo(4)));
    assert!(matches!(bank.screen(), Screen::Inspecting { compartment: CompartmentNo(4) }));
    bank.close(CompartmentNo(4));
    bank.act(Action::Finish);
    assert!(bank.last_of(|kind| matches!(kind, EventKind::TechnicianSignedIn { .. })) > 0);

    let nothing = refused(work_orders::close(&rig.app, &admin, bank.id, id, " ").await);
    assert!(matches!(nothing, Err(Refused::Invalid(_))), "a note is needed");
    bank.disconnect();
    work_orders::close(&rig.app, &admin, bank.id, id, "exchanged the canary").await.unwrap();
    assert_eq!(state(&rig, &admin, bank).await, OrderState::Closing);
    bank.connect();
    assert!(work_orders::carry_on(&rig.app, &all).await.unwrap());
    bank.upload().await;
    assert_eq!(state(&rig, &admin, bank).await, OrderState::Closed);
    bank.enter(&code);
    assert!(matches!(bank.screen(), Screen::Home { .. }), "the order is over");
    let listed = work_orders::of_bank(&rig.app, &admin, bank.id).await.unwrap();
    assert_eq!(listed[0].note.as_deref(), Some("exchanged the canary"));
    assert!(!contains(&rig.everything_stored().await, "exchange"), "words are sealed");
}

async fn state(rig: &Rig, admin: &Principal, bank: &FakeBank) -> OrderState {
    work_orders::of_bank(&rig.app, admin, bank.id).await.unwrap()[0].state
}

async fn an_order_nobody_closes_is_overdue_once(fresh: Fresh) {
    let (rig, admin, all) = world(fresh).await;
    let bank = &all.0[0];
    let toni = somebody(&rig, &admin, "toni").await;
    rig.give(toni, Role::Technician, Scope::Organisation).await;
    let now = rig.app.now();
    let id = work_orders::write(&rig.app, &admin, bank.id, order(toni, &[3], now, 1)).await.unwrap();
    work_orders::carry_on(&rig.app, &all).await.unwrap();
    rig.later(HOUR_MS + 1);
    assert!(work_orders::carry_on(&rig.app, &all).await.unwrap());
    assert!(!work_orders::carry_on(&rig.app, &all).await.unwrap(), "noted once");
    assert_eq!(state(&rig, &admin, bank).await, OrderState::Overdue);
    let which = ListAlerts { filter: AlertFilter::Open, before: None, limit: 10 };
    let open = alerts::list(&rig.app, &admin, which).await.unwrap();
    let kinds: Vec<_> = open.rows.iter().map(|alert| alert.kind.as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "WorkOrderOverdue").count(), 1, "{kinds:?}");
    work_orders::close(&rig.app, &admin, bank.id, id, "done all the same").await.unwrap();
    assert_eq!(state(&rig, &admin, bank).await, OrderState::Closed);
}
