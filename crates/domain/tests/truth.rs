//! What is really inside, how sure that is, and who is asked.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use bailee_domain::bank::io::{Action, Answer, BoardHealth, Input, Request};
use bailee_domain::bank::screen::{Notice, Screen};
use bailee_domain::compartment::{CompartmentNo, OutOfService, Sensed, Size};
use bailee_domain::event::{EventKind, Problem};
use bailee_domain::id::GrantId;
use bailee_domain::truth::{Commanded, Confidence, Doubt, ItemSensed, Occupied, Seen, Teller, Truth};
use rig::{COURIER_CODE, MARA, Rig};

const CODE: &str = "12345678";

fn truth(rig: &Rig, compartment: CompartmentNo) -> Truth {
    rig.bank.truth().into_iter().find(|truth| truth.compartment == compartment).unwrap()
}

fn doubt(rig: &Rig, compartment: CompartmentNo) -> Option<Doubt> {
    rig.bank.lasting().doubts.get(&compartment).copied()
}

fn item(rig: &mut Rig, compartment: CompartmentNo, item: ItemSensed) {
    rig.input(Input::Item { compartment, item });
    rig.wait_ms(4_000);
}

/// A pickup whose door stands open while the power fails, then is closed.
fn interrupted(rig: &mut Rig) -> (CompartmentNo, GrantId) {
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.enter(CODE);
    rig.restart();
    rig.close(compartment);
    (compartment, grant)
}

fn open_for_courier(rig: &mut Rig) -> CompartmentNo {
    rig.enter(COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
    let Screen::PlaceParcel { compartment, .. } = rig.screen() else { panic!("{:?}", rig.screen()) };
    compartment
}

#[test]
fn four_states_follow_a_parcel_with_their_ages() {
    let mut rig = Rig::new();
    let nobody_knows = truth(&rig, CompartmentNo(1));
    assert_eq!(nobody_knows.commanded.confidence, Confidence::Unknown);
    assert_eq!(nobody_knows.latch.value, Sensed::Closed);
    let compartment = open_for_courier(&mut rig);
    let opened_at = rig.now.wall;
    rig.wait_ms(5_000);
    let open = truth(&rig, compartment);
    assert_eq!((open.commanded.value, open.latch.value), (Commanded::Opened, Sensed::Open));
    assert_eq!((open.door.value, open.door.since), (Sensed::Open, Some(opened_at)));
    rig.close(compartment);
    let full = truth(&rig, compartment);
    assert_eq!((full.occupancy.value, full.occupancy.confidence), (Occupied::Full, Confidence::Likely));
    rig.input(Input::Board { board: 1, health: BoardHealth::Silent });
    let cut_off = truth(&rig, compartment);
    assert_eq!((cut_off.latch.value, cut_off.latch.confidence), (Sensed::Unknown, Confidence::Unknown));
    assert_eq!((cut_off.door.value, cut_off.door.confidence), (Sensed::Closed, Confidence::Likely));
}

#[test]
fn a_parcel_that_vanishes_and_a_thing_that_appears_are_found() {
    let mut rig = Rig::new();
    let (compartment, _) = rig.drop_off(MARA, Size::Small);
    item(&mut rig, compartment, ItemSensed::Present);
    assert_eq!(truth(&rig, compartment).occupancy.confidence, Confidence::Sure);
    item(&mut rig, compartment, ItemSensed::Absent);
    assert_eq!(doubt(&rig, compartment), Some(Doubt::Missing));
    item(&mut rig, compartment, ItemSensed::Present);
    assert_eq!(doubt(&rig, compartment), None);
    let orphan = CompartmentNo(2);
    item(&mut rig, orphan, ItemSensed::Present);
    assert_eq!(doubt(&rig, orphan), Some(Doubt::Unexpected));
    assert_eq!(truth(&rig, orphan).occupancy.value, Occupied::Full);
    assert_ne!(open_for_courier(&mut rig), orphan, "it is not given away");
}

#[test]
fn an_unsteady_item_sensor_is_an_alarm_and_no_flood() {
    let mut rig = Rig::new();
    let (compartment, _) = rig.drop_off(MARA, Size::Small);
    let before = rig.records.len();
    for n in 0..500 {
        item(&mut rig, compartment, if n % 2 == 0 { ItemSensed::Absent } else { ItemSensed::Present });
    }
    let written = rig.records[before..].iter();
    let events = written.filter(|r| matches!(r, bailee_domain::bank::io::Record::Event(_))).count();
    assert!(events < 20, "{events} events");
    assert!(rig.events().any(|kind| matches!(kind, EventKind::TamperBegan { .. })));
}

#[test]
fn a_pickup_cut_in_two_is_neither_collected_nor_lost_until_somebody_says() {
    let mut rig = Rig::new();
    let (compartment, _) = interrupted(&mut rig);
    assert_eq!(doubt(&rig, compartment), Some(Doubt::Interrupted));
    assert!(rig.bank.lasting().contents.contains_key(&compartment));
    assert_eq!(rig.view().asks, Some(compartment), "whoever is there is asked");
    rig.act(Action::Seen(Seen::Empty));
    assert_eq!(rig.view().notice, Some(Notice::Thanks));
    assert!(matches!(rig.last_event(), EventKind::ParcelCollected { .. }));
    assert!(rig.bank.lasting().doubts.is_empty());
    assert_eq!(open_for_courier(&mut rig), compartment, "and it is free again");
}

#[test]
fn a_parcel_found_still_inside_can_be_had_with_a_new_code_and_not_with_the_old() {
    let mut rig = Rig::new();
    let (compartment, grant) = interrupted(&mut rig);
    assert_eq!(rig.arm(grant, 2, "87654321"), Answer::NoSuchGrant, "used, as far as anybody knows");
    rig.act(Action::Seen(Seen::Full));
    rig.enter(CODE);
    assert!(matches!(rig.screen(), Screen::Home { .. }));
    assert_eq!(rig.arm(grant, 2, "87654321"), Answer::Done);
    rig.enter("87654321");
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment });
    rig.close(compartment);
    assert!(matches!(rig.last_event(), EventKind::ParcelCollected { .. }));
}

#[test]
fn an_item_sensor_answers_for_an_interrupted_pickup() {
    let mut rig = Rig::new();
    let (compartment, _) = interrupted(&mut rig);
    item(&mut rig, compartment, ItemSensed::Absent);
    let told = EventKind::OccupancyTold { compartment, seen: Seen::Empty, teller: Teller::Sensor };
    assert!(rig.events().any(|kind| *kind == told));
    assert!(matches!(rig.last_event(), EventKind::ParcelCollected { .. }));
}

#[test]
fn a_round_on_foot_settles_what_nobody_answered() {
    let mut rig = Rig::new();
    let (compartment, _) = interrupted(&mut rig);
    rig.wait_ms(121_000);
    assert_eq!(rig.view().asks, None);
    let seen = vec![
        (compartment, Seen::Empty),
        (CompartmentNo(2), Seen::Full),
        (CompartmentNo(3), Seen::CannotTell),
        (CompartmentNo(4), Seen::Empty),
    ];
    assert_eq!(rig.ask(Request::TellSeen { by: MARA, seen }), Answer::Done);
    assert!(rig.bank.lasting().contents.is_empty());
    assert_eq!(doubt(&rig, CompartmentNo(2)), Some(Doubt::Unexpected));
    assert_eq!(rig.bank.lasting().out_of_service[&CompartmentNo(2)], OutOfService::NeedsCheck);
    assert_eq!(truth(&rig, CompartmentNo(4)).occupancy.confidence, Confidence::Sure);
    assert_ne!(truth(&rig, CompartmentNo(3)).occupancy.confidence, Confidence::Sure);
    let seen = vec![(CompartmentNo(77), Seen::Empty)];
    assert_eq!(rig.ask(Request::TellSeen { by: MARA, seen }), Answer::NoSuchCompartment);
}

#[test]
fn staff_who_find_a_parcel_gone_say_so_and_it_stays_theirs() {
    let mut rig = Rig::new();
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.ask(Request::TellSeen { by: MARA, seen: vec![(compartment, Seen::Empty)] });
    assert_eq!(doubt(&rig, compartment), Some(Doubt::Missing));
    assert!(rig.bank.lasting().contents.contains_key(&compartment), "nobody has collected it");
}

#[test]
fn after_a_cancelled_drop_off_the_courier_is_asked_and_so_is_the_next() {
    let mut rig = Rig::new();
    let compartment = open_for_courier(&mut rig);
    rig.act(Action::Cancel);
    rig.close(compartment);
    assert_eq!(rig.view().asks, Some(compartment));
    rig.act(Action::Finish);
    rig.wait_ms(121_000);
    assert_eq!(rig.view().asks, None);
    assert_eq!(open_for_courier(&mut rig), compartment);
    assert_eq!(rig.view().asks, Some(compartment), "before it is used again");
    rig.act(Action::Seen(Seen::Full));
    assert!(
        rig.events().any(|kind| {
            *kind == EventKind::ProblemReported { compartment, problem: Problem::AlreadyFull }
        })
    );
    rig.close(compartment);
    assert!(matches!(rig.screen(), Screen::PlaceParcel { .. }), "another one opens");
    assert_eq!(rig.bank.lasting().out_of_service[&compartment], OutOfService::NeedsCheck);
}

#[test]
fn a_tap_on_empty_is_all_it_takes() {
    let mut rig = Rig::new();
    let compartment = open_for_courier(&mut rig);
    rig.act(Action::Cancel);
    rig.close(compartment);
    rig.act(Action::Finish);
    open_for_courier(&mut rig);
    rig.act(Action::Seen(Seen::Empty));
    assert_eq!(rig.view().asks, None);
    rig.close(compartment);
    assert!(matches!(rig.last_event(), EventKind::ParcelDeposited(_)));
    assert!(rig.bank.lasting().doubts.is_empty());
}

#[test]
fn a_bigger_compartment_leaves_no_doubt_about_the_first() {
    let mut rig = Rig::new();
    let compartment = open_for_courier(&mut rig);
    rig.act(Action::Bigger);
    rig.close(compartment);
    assert!(rig.bank.lasting().doubts.is_empty());
}

#[test]
fn a_passer_by_cannot_cancel_what_a_courier_left_open() {
    let mut rig = Rig::new();
    let compartment = open_for_courier(&mut rig);
    rig.wait_ms(46_000);
    assert!(rig.view().unattended);
    for action in [Action::Cancel, Action::Back, Action::Bigger, Action::Report(Problem::AlreadyFull)] {
        rig.act(action);
        assert!(matches!(rig.screen(), Screen::PlaceParcel { .. }));
    }
    rig.close(compartment);
    assert!(matches!(rig.last_event(), EventKind::ParcelDeposited(_)), "closing it is all that counts");
}
