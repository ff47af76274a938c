//! Badges at the reader, enrolment at the kiosk and technicians at work, one story a test.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use bailee_domain::badge::{Assurance, BadgeBook, BadgeKind, BadgePass, BadgeShown, WeakBadges};
use bailee_domain::bank::io::{Action, Answer, Input, Record, Request};
use bailee_domain::bank::screen::{Notice, Screen, Task};
use bailee_domain::bank::work_order::WorkOrder;
use bailee_domain::budget::Keypad;
use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::event::{Authority, EventKind, Purpose, Refusal, Surface};
use bailee_domain::id::{PersonId, WorkOrderId};
use bailee_domain::roster::Roster;
use rig::{COURIER, Latch, MARA, NOOR, Rig, roster, verifier};

const CODE: &str = "12345678";
const TECH: PersonId = PersonId::from_bytes([0x7e; 16]);
const ORDER: WorkOrderId = WorkOrderId::from_bytes([0x77; 16]);

fn badge(mac: u8, assurance: Assurance) -> Input {
    let kind = if assurance == Assurance::Strong { BadgeKind::Application } else { BadgeKind::Identifier };
    Input::Badge(BadgeShown { reader: 1, kind, assurance, mac: [mac; 32] })
}

fn pass(mac: u8, person: PersonId, assurance: Assurance, pin: Option<&str>) -> BadgePass {
    BadgePass { mac: [mac; 32], person, assurance, pin: pin.map(verifier) }
}

fn with_badges(revision: u64, weak: WeakBadges) -> Roster {
    let passes = vec![
        pass(1, MARA, Assurance::Strong, None),
        pass(2, NOOR, Assurance::Weak, Some("24682468")),
        pass(3, COURIER, Assurance::Strong, None),
        pass(4, COURIER, Assurance::Weak, None),
        pass(5, TECH, Assurance::Strong, None),
    ];
    Roster { badges: BadgeBook { passes, weak }, ..roster(revision) }
}

fn bank() -> Rig {
    Rig::with_roster(with_badges(1, WeakBadges::NeedCode))
}

fn reason(rig: &Rig) -> Option<Refusal> {
    match rig.view().notice {
        Some(Notice::Refused { reason, .. }) => Some(reason),
        _ => None,
    }
}

fn order(doors: &[u16]) -> WorkOrder {
    WorkOrder {
        order: ORDER,
        technician: TECH,
        doors: doors.iter().copied().map(CompartmentNo).collect(),
        expires: bailee_domain::time::WallTime::from_unix_ms(1_800_000_000_000 + 3_600_000),
        verifier: Some(verifier("31415926")),
    }
}

#[test]
fn a_strong_badge_opens_the_doors_of_its_owner_one_after_the_other() {
    let mut rig = bank();
    let (first, one) = rig.drop_off(MARA, Size::Small);
    rig.wait_ms(500);
    let (second, two) = rig.drop_off(MARA, Size::Small);
    let (_, others) = rig.drop_off(NOOR, Size::Small);
    for (grant, code) in [(one, CODE), (two, "23456789"), (others, "34567890")] {
        rig.arm(grant, 1, code);
    }
    for door in [first, second] {
        rig.input(badge(1, Assurance::Strong));
        assert_eq!(rig.screen(), Screen::TakeParcel { compartment: door });
        rig.close(door);
        rig.wait_ms(10_000);
    }
    rig.input(badge(1, Assurance::Strong));
    assert_eq!(reason(&rig), Some(Refusal::NothingHere));
    let by_badge = |kind: &&EventKind| {
        matches!(
            kind,
            EventKind::OpeningIntended { purpose: Purpose::Pickup { surface: Surface::Badge, .. }, .. }
        )
    };
    assert_eq!(rig.events().filter(by_badge).count(), 2);
}

#[test]
fn a_badge_that_can_be_copied_needs_a_code_of_its_owner() {
    let mut rig = bank();
    let (mine, grant) = rig.drop_off(NOOR, Size::Small);
    let (_, others) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.arm(others, 1, "98765432");
    rig.input(badge(2, Assurance::Weak));
    assert_eq!(rig.screen(), Screen::SecondFactor);
    rig.enter("98765432");
    assert_eq!(reason(&rig), Some(Refusal::UnknownCode), "somebody else's code is none here");
    rig.input(badge(2, Assurance::Weak));
    rig.enter("24682468");
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment: mine });
    rig.close(mine);
    rig.wait_ms(10_000);
    rig.enter("24682468");
    assert_eq!(reason(&rig), Some(Refusal::UnknownCode), "the number alone is nothing");
}

#[test]
fn how_a_badge_was_enrolled_and_how_it_is_read_both_count() {
    let mut rig = bank();
    // A strong badge of which only the serial number was read, and the other way about.
    for (mac, read) in [(1, Assurance::Weak), (2, Assurance::Strong)] {
        rig.input(badge(mac, read));
        assert_eq!(rig.screen(), Screen::SecondFactor, "{mac}");
        rig.act(Action::Cancel);
    }
}

#[test]
fn policy_says_what_weak_badges_are_good_for() {
    let mut rig = bank();
    let (compartment, grant) = rig.drop_off(NOOR, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.ask(Request::TakeRoster(with_badges(2, WeakBadges::Refused)));
    rig.input(badge(2, Assurance::Weak));
    assert_eq!(reason(&rig), Some(Refusal::WeakBadge));
    rig.ask(Request::TakeRoster(with_badges(3, WeakBadges::Suffice)));
    rig.input(badge(2, Assurance::Weak));
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment });
}

#[test]
fn a_courier_signs_in_with_a_badge_and_with_a_weak_one_and_their_code() {
    let mut rig = bank();
    rig.input(badge(3, Assurance::Strong));
    assert!(matches!(rig.screen(), Screen::FindRecipient { .. }));
    rig.act(Action::Finish);
    rig.input(badge(4, Assurance::Weak));
    rig.enter(rig::COURIER_CODE);
    assert!(matches!(rig.screen(), Screen::FindRecipient { .. }));
}

#[test]
fn unknown_badges_are_guesses_and_the_same_one_again_is_not() {
    let mut rig = bank();
    for _ in 0..20 {
        rig.input(badge(99, Assurance::Weak));
    }
    assert_eq!(reason(&rig), Some(Refusal::UnknownBadge));
    assert_eq!(rig.bank.lasting().budget.tries_left(rig.now.wall), 4);
    for mac in 100..104 {
        rig.input(badge(mac, Assurance::Weak));
    }
    assert!(matches!(rig.screen(), Screen::Home { keypad: Keypad::Paused(_) }));
    rig.restart();
    rig.input(badge(1, Assurance::Strong));
    assert_eq!(reason(&rig), Some(Refusal::TooManyTries), "a known one has to wait as well");
}

#[test]
fn two_hundred_badges_and_restarts_buy_no_more_guesses_than_the_budget_has() {
    let mut rig = bank();
    for mac in 10..210 {
        rig.input(badge(mac, Assurance::Weak));
        if mac % 3 == 0 {
            rig.restart();
        }
    }
    let reserved = rig.records.iter().filter(|r| matches!(r, Record::GuessReserved { .. })).count();
    assert_eq!(reserved, 5);
}

#[test]
fn a_badge_is_enrolled_with_a_code_for_it_once() {
    let mut rig = bank();
    let expires = rig.now.wall.plus_ms(3_600_000);
    let offer = |person| Request::OfferEnrolment { person, verifier: verifier("55443322"), expires };
    assert_eq!(rig.ask(offer(PersonId::from_bytes([9; 16]))), Answer::Invalid, "nobody here");
    assert_eq!(rig.ask(offer(MARA)), Answer::Done);
    rig.restart();
    rig.enter("55443322");
    assert_eq!(rig.screen(), Screen::HoldBadge);
    rig.input(badge(3, Assurance::Strong));
    assert_eq!(reason(&rig), Some(Refusal::NothingHere), "somebody else's badge stays theirs");
    rig.enter("55443322");
    rig.input(badge(50, Assurance::Strong));
    assert_eq!(rig.view().notice, Some(Notice::BadgeEnrolled));
    assert!(matches!(rig.last_event(), EventKind::BadgeEnrolled { person: MARA, .. }));
    rig.enter("55443322");
    assert_eq!(reason(&rig), Some(Refusal::UnknownCode), "the offer is used");
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.restart();
    rig.input(badge(50, Assurance::Strong));
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment });
    rig.close(compartment);
    rig.wait_ms(10_000);
    assert_eq!(rig.ask(Request::ForgetBadges { person: MARA }), Answer::Done);
    rig.input(badge(50, Assurance::Strong));
    assert_eq!(reason(&rig), Some(Refusal::UnknownBadge));
}

#[test]
fn a_badge_leaves_with_its_owner() {
    let mut rig = bank();
    let expires = rig.now.wall.plus_ms(3_600_000);
    rig.ask(Request::OfferEnrolment { person: MARA, verifier: verifier("55443322"), expires });
    rig.enter("55443322");
    rig.input(badge(50, Assurance::Strong));
    let mut without = with_badges(2, WeakBadges::NeedCode);
    without.recipients.retain(|recipient| recipient.person != MARA);
    rig.ask(Request::TakeRoster(without));
    assert!(rig.bank.lasting().badges.is_empty());
}

#[test]
fn an_offer_to_enrol_ends_in_time() {
    let mut rig = bank();
    let expires = rig.now.wall.plus_ms(3_600_000);
    rig.ask(Request::OfferEnrolment { person: MARA, verifier: verifier("55443322"), expires });
    rig.wait_ms(3_601_000);
    rig.enter("55443322");
    assert_eq!(reason(&rig), Some(Refusal::UnknownCode));
}

#[test]
fn a_technician_opens_the_doors_of_an_open_order_and_no_other() {
    let mut rig = bank();
    let (full, _) = rig.drop_off(MARA, Size::Small);
    rig.input(badge(5, Assurance::Strong));
    assert_eq!(reason(&rig), Some(Refusal::NothingHere), "no order, no door");
    assert_eq!(rig.ask(Request::OpenWorkOrder(order(&[full.0, 2, 4]))), Answer::Done);
    let before = rig.pulses.len();
    rig.restart();
    rig.enter("31415926");
    let doors = vec![CompartmentNo(2), CompartmentNo(4)];
    assert_eq!(
        rig.screen(),
        Screen::ChooseDoor { doors, task: Task::Repair },
        "what holds a parcel stays shut"
    );
    for door in [full.0, 3, 6, 99] {
        rig.act(Action::ChooseDoor(CompartmentNo(door)));
    }
    assert_eq!(rig.pulses.len(), before);
    rig.act(Action::ChooseDoor(CompartmentNo(4)));
    assert_eq!(rig.screen(), Screen::Inspecting { compartment: CompartmentNo(4) });
    let purpose = Purpose::Inspect { by: TECH, authority: Authority::WorkOrder { order: ORDER } };
    assert!(
        rig.events()
            .any(|kind| matches!(kind, EventKind::OpeningIntended { purpose: p, .. } if *p == purpose))
    );
    rig.close(CompartmentNo(4));
    assert!(matches!(rig.screen(), Screen::ChooseDoor { .. }), "on to the next");
    assert_eq!(rig.ask(Request::CloseWorkOrder { order: ORDER }), Answer::Done);
    rig.wait_ms(500);
    assert!(matches!(rig.screen(), Screen::Home { .. }), "the order has ended under their hands");
    rig.input(badge(5, Assurance::Strong));
    assert_eq!(reason(&rig), Some(Refusal::NothingHere));
}

#[test]
fn an_order_ends_in_time_and_its_code_with_it() {
    let mut rig = bank();
    rig.ask(Request::OpenWorkOrder(order(&[2])));
    rig.enter("31415926");
    rig.wait_ms(3_601_000);
    rig.act(Action::ChooseDoor(CompartmentNo(2)));
    assert!(rig.pulses.is_empty());
    rig.enter("31415926");
    assert_eq!(reason(&rig), Some(Refusal::UnknownCode));
    assert!(rig.events().any(|kind| matches!(kind, EventKind::WorkOrderClosed { order: ORDER })));
}

#[test]
fn an_order_closed_between_two_pulses_is_not_pulsed_again() {
    let mut rig = bank();
    rig.ask(Request::OpenWorkOrder(order(&[2])));
    rig.latches.insert(CompartmentNo(2), Latch::Stuck);
    rig.enter("31415926");
    rig.act(Action::ChooseDoor(CompartmentNo(2)));
    rig.wait_ms(1_000);
    rig.ask(Request::CloseWorkOrder { order: ORDER });
    rig.latches.insert(CompartmentNo(2), Latch::Works);
    rig.wait_ms(10_000);
    assert!(rig.pulses.is_empty());
}

#[test]
fn absurd_orders_are_refused() {
    let mut rig = bank();
    let far = rig.now.wall.plus_ms(15 * rig::DAY_MS);
    for (bad, answer) in [
        (order(&[]), Answer::Invalid),
        (order(&[99]), Answer::NoSuchCompartment),
        (WorkOrder { expires: rig.now.wall, ..order(&[1]) }, Answer::Invalid),
        (WorkOrder { expires: far, ..order(&[1]) }, Answer::Invalid),
    ] {
        assert_eq!(rig.ask(Request::OpenWorkOrder(bad)), answer);
    }
    for n in 0..16 {
        let order = WorkOrder { order: WorkOrderId::from_bytes([n; 16]), ..order(&[1]) };
        assert_eq!(rig.ask(Request::OpenWorkOrder(order.clone())), Answer::Done);
        assert_eq!(rig.ask(Request::OpenWorkOrder(order)), Answer::Done, "asked again, it is done already");
    }
    assert_eq!(rig.ask(Request::OpenWorkOrder(order(&[1]))), Answer::Invalid, "enough");
}

#[test]
fn a_badge_during_somebody_elses_session_does_nothing() {
    let mut rig = bank();
    rig.enter(rig::COURIER_CODE);
    rig.input(badge(5, Assurance::Strong));
    rig.input(badge(200, Assurance::Weak));
    assert!(matches!(rig.screen(), Screen::FindRecipient { .. }));
    assert_eq!(rig.bank.lasting().budget.tries_left(rig.now.wall), 5);
}
