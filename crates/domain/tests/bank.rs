//! What people at a bank notice, one story a test.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use bailee_domain::bank::io::{Action, Answer, BoardHealth, Input, Record, Request, TokenClaims, TokenFault};
use bailee_domain::bank::screen::{AlarmKind, DoorAlarm, Notice, Screen, Task};
use bailee_domain::budget::Keypad;
use bailee_domain::compartment::{CompartmentNo, OutOfService, Service, Size};
use bailee_domain::event::{EventKind, OpenFailure, Refusal, Severity};
use bailee_domain::id::GrantId;
use rig::{DAY_MS, Latch, MARA, NOOR, Rig};

const CODE: &str = "12345678";

#[test]
fn a_parcel_goes_in_and_comes_out_and_the_code_dies() {
    let mut rig = Rig::new();
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    assert_eq!(rig.arm(grant, 1, CODE), Answer::Done);
    rig.enter(CODE);
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment });
    rig.close(compartment);
    assert_eq!(rig.screen(), Screen::Collected { compartment });
    assert!(matches!(rig.last_event(), EventKind::ParcelCollected { .. }));
    rig.wait_ms(10_000);
    rig.enter(CODE);
    assert!(matches!(
        rig.view().notice,
        Some(Notice::Refused { reason: Refusal::UnknownCode, tries_left: 4 })
    ));
    rig.restart();
    rig.enter(CODE);
    assert!(matches!(rig.view().notice, Some(Notice::Refused { reason: Refusal::UnknownCode, .. })));
    assert_eq!(rig.pulses, [compartment, compartment], "one drop-off, one pickup");
    assert_eq!(rig.arm(grant, 2, "87654321"), Answer::NoSuchGrant);
}

#[test]
fn the_courier_finds_people_by_unit_or_name_and_sees_only_initials() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    for query in ["4b", "mar", "ROTH", "4 B"] {
        rig.act(Action::Search(query.into()));
        let Screen::FindRecipient { matches, .. } = rig.screen() else { panic!() };
        assert_eq!(matches.len(), 1, "{query}");
        assert_eq!((matches[0].unit.as_str(), matches[0].masked_name.as_str()), ("4B", "M. R."));
    }
    rig.act(Action::Search("m".into()));
    assert!(matches!(rig.screen(), Screen::FindRecipient { matches, .. } if matches.is_empty()));
}

#[test]
fn low_doors_go_to_those_who_need_them_and_others_get_the_smallest_that_fits() {
    let mut rig = Rig::new();
    assert_eq!(rig.drop_off(NOOR, Size::Small).0, CompartmentNo(3));
    assert_eq!(rig.drop_off(MARA, Size::Small).0, CompartmentNo(1));
    assert_eq!(rig.drop_off(MARA, Size::Small).0, CompartmentNo(2));
    assert_eq!(rig.drop_off(MARA, Size::Small).0, CompartmentNo(4));
    assert_eq!(rig.drop_off(NOOR, Size::Small).0, CompartmentNo(6));
}

#[test]
fn bigger_cancels_the_first_compartment_and_opens_the_next_size() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
    rig.act(Action::Bigger);
    assert!(matches!(rig.screen(), Screen::CloseFirst { compartment: CompartmentNo(1), .. }));
    rig.close(CompartmentNo(1));
    assert!(matches!(rig.screen(), Screen::PlaceParcel { compartment: CompartmentNo(4), .. }));
    rig.close(CompartmentNo(4));
    assert!(matches!(rig.screen(), Screen::Deposited { compartment: CompartmentNo(4), delivered: 1, .. }));
    let deposits = rig.events().filter(|kind| matches!(kind, EventKind::ParcelDeposited(_))).count();
    assert_eq!(deposits, 1);
}

#[test]
fn a_cancelled_drop_off_leaves_nothing_behind_even_after_a_power_cut() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
    rig.act(Action::Cancel);
    rig.restart();
    rig.close(CompartmentNo(1));
    assert!(rig.bank.lasting().contents.is_empty());
    assert_eq!(rig.drop_off(MARA, Size::Small).0, CompartmentNo(1));
}

#[test]
fn a_door_that_does_not_open_is_tried_twice_and_another_is_given_within_five_seconds() {
    let mut rig = Rig::new();
    rig.latches.insert(CompartmentNo(1), Latch::Stuck);
    rig.enter(rig::COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
    rig.wait_ms(5_000);
    assert!(matches!(rig.screen(), Screen::PlaceParcel { compartment: CompartmentNo(2), .. }));
    assert_eq!(rig.view().notice, Some(Notice::TryingAnother { failed: CompartmentNo(1) }));
    assert!(
        rig.events().any(|kind| matches!(
            kind,
            EventKind::CompartmentDidNotOpen { why: OpenFailure::StayedClosed, .. }
        ))
    );
    assert_eq!(rig.bank.lasting().out_of_service[&CompartmentNo(1)], OutOfService::DidNotOpen);
}

#[test]
fn a_pickup_door_that_sticks_keeps_the_parcel_and_the_code_for_three_tries() {
    let mut rig = Rig::new();
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.latches.insert(compartment, Latch::Stuck);
    for tried in 1..=3 {
        rig.enter(CODE);
        rig.wait_ms(5_000);
        let can_retry = tried < 3;
        assert_eq!(rig.screen(), Screen::DidNotOpen { compartment, task: Task::Pickup, can_retry });
        rig.act(Action::Finish);
    }
    rig.enter(CODE);
    assert!(matches!(rig.view().notice, Some(Notice::Refused { reason: Refusal::DoorStuck, .. })));
}

#[test]
fn a_silent_board_is_an_alarm_and_its_doors_are_not_opened() {
    let mut rig = Rig::new();
    let (_, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.input(Input::Board { board: 1, health: BoardHealth::Silent });
    assert!(matches!(rig.last_event(), EventKind::BoardSilent { board: 1 }));
    rig.enter(CODE);
    assert!(matches!(rig.view().notice, Some(Notice::Refused { reason: Refusal::DoorUnavailable, .. })));
    assert_eq!(rig.pulses.len(), 1, "only the drop-off");
}

#[test]
fn a_pulse_nobody_answers_is_never_repeated_and_the_late_door_still_uses_up_the_code() {
    let mut rig = Rig::new();
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.latches.insert(compartment, Latch::Mute);
    rig.enter(CODE);
    rig.wait_ms(3_000);
    assert!(
        rig.events().any(|k| matches!(k, EventKind::CompartmentDidNotOpen { why: OpenFailure::Unknown, .. }))
    );
    rig.force(compartment);
    assert!(matches!(rig.last_event(), EventKind::CompartmentOpened { .. }), "{:?}", rig.last_event());
    rig.close(compartment);
    rig.latches.insert(compartment, Latch::Works);
    rig.wait_ms(31_000);
    rig.enter(CODE);
    assert!(matches!(rig.view().notice, Some(Notice::Refused { reason: Refusal::UnknownCode, .. })));
}

#[test]
fn a_forced_door_is_an_alarm_at_once_and_is_not_assigned_again() {
    let mut rig = Rig::new();
    rig.force(CompartmentNo(2));
    assert_eq!(rig.view().alarms, [DoorAlarm { compartment: CompartmentNo(2), kind: AlarmKind::Forced }]);
    let forced = rig.events().find(|k| matches!(k, EventKind::CompartmentForced { .. })).unwrap();
    assert_eq!(forced.severity(), Severity::Alarm);
    rig.close(CompartmentNo(2));
    assert!(rig.view().alarms.is_empty());
    assert_eq!(rig.drop_off(MARA, Size::Small).0, CompartmentNo(1));
    assert_eq!(rig.drop_off(MARA, Size::Small).0, CompartmentNo(3));
    let (compartment, service) = (CompartmentNo(2), Service::In);
    assert_eq!(rig.ask(Request::SetService { compartment, service, by: MARA }), Answer::Done);
    assert_eq!(rig.drop_off(MARA, Size::Small).0, CompartmentNo(2));
}

#[test]
fn a_door_found_open_at_start_or_held_open_is_an_alarm() {
    let mut rig = Rig::new();
    rig.open.insert(CompartmentNo(5), true);
    rig.restart();
    assert!(
        rig.events().any(|k| matches!(k, EventKind::CompartmentFoundOpen { compartment: CompartmentNo(5) }))
    );
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.enter(CODE);
    rig.wait_ms(91_000);
    assert!(rig.view().alarms.contains(&DoorAlarm { compartment, kind: AlarmKind::HeldOpen }));
    rig.wait_ms(90_000);
    assert!(
        matches!(rig.screen(), Screen::Home { .. }),
        "an open door does not block everybody else for ever"
    );
    rig.close(compartment);
    assert!(matches!(rig.last_event(), EventKind::ParcelCollected { .. }));
}

#[test]
fn five_misses_pause_twenty_close_and_a_restart_gives_nothing_back() {
    let mut rig = Rig::new();
    for n in 0..5 {
        rig.enter(&format!("9000000{n}"));
    }
    assert!(matches!(rig.screen(), Screen::Home { keypad: Keypad::Paused(_) }));
    rig.restart();
    assert!(matches!(rig.screen(), Screen::Home { keypad: Keypad::Paused(_) }));
    let (_, before) = (rig.enter("90000009"), rig.bank.lasting().budget.misses().count());
    assert_eq!(before, 5, "a paused keypad compares nothing");
    for n in 5..20 {
        rig.wait_ms(16 * 60_000);
        rig.enter(&format!("900000{n:02}"));
    }
    assert!(matches!(rig.last_event(), EventKind::KeypadClosed { until: Some(_) }));
    assert_eq!(rig.ask(Request::ResetKeypad { by: MARA }), Answer::Done);
    assert!(matches!(rig.screen(), Screen::Home { keypad: Keypad::Ready }));
}

#[test]
fn a_guess_is_durable_before_it_is_compared_and_the_same_slip_counts_once() {
    let mut rig = Rig::new();
    let cut = rig.input_until(Input::Kiosk(Action::EnterCode("90000000".parse_code())), 1);
    assert!(cut);
    rig.restart();
    assert_eq!(rig.bank.lasting().budget.misses().count(), 1);
    rig.enter("91111111");
    rig.enter("91111111");
    assert_eq!(rig.bank.lasting().budget.misses().count(), 2);
}

trait ParseCode {
    fn parse_code(&self) -> bailee_domain::code::Code;
}

impl ParseCode for str {
    fn parse_code(&self) -> bailee_domain::code::Code {
        bailee_domain::code::Code::parse(self).unwrap()
    }
}

#[test]
fn an_expired_grant_opens_nothing_until_it_is_extended_by_a_new_code() {
    let mut rig = Rig::new();
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.wait_ms(8 * 86_400_000);
    assert!(rig.events().any(|k| matches!(k, EventKind::GrantExpired { .. })));
    rig.enter(CODE);
    assert!(matches!(rig.view().notice, Some(Notice::Refused { reason: Refusal::UnknownCode, .. })));
    assert_eq!(rig.arm(grant, 2, "87654321"), Answer::Done);
    rig.enter("87654321");
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment });
}

fn claims(rig: &Rig, grant: GrantId, generation: u8) -> TokenClaims {
    let not_before = rig.now.wall.plus_ms(-DAY_MS);
    TokenClaims { this_bank: true, grant, generation, not_before, expires: rig.now.wall.plus_ms(DAY_MS) }
}

#[test]
fn a_token_opens_once_and_dies_with_its_code() {
    let mut rig = Rig::new();
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.input(Input::Token(Ok(claims(&rig, grant, 0))));
    assert!(matches!(rig.screen(), Screen::Home { .. }), "no token before a code was issued");
    rig.arm(grant, 1, CODE);
    rig.arm(grant, 2, "87654321");
    rig.wait_ms(10_000);
    rig.input(Input::Token(Ok(claims(&rig, grant, 1))));
    assert!(matches!(rig.view().notice, Some(Notice::Refused { reason: Refusal::DeadToken, .. })));
    rig.input(Input::Token(Ok(claims(&rig, grant, 2))));
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment });
    rig.close(compartment);
    rig.wait_ms(10_000);
    rig.input(Input::Token(Ok(claims(&rig, grant, 2))));
    assert!(matches!(rig.view().notice, Some(Notice::Refused { reason: Refusal::DeadToken, .. })));
}

#[test]
fn a_flood_of_forged_tokens_does_not_fill_the_disk() {
    let mut rig = Rig::new();
    let before = rig.records.len();
    for _ in 0..1_000 {
        rig.input(Input::Token(Err(TokenFault::Forged)));
    }
    assert_eq!(rig.records.len(), before + 1);
}

#[test]
fn requests_after_their_deadline_or_older_than_what_is_in_force_change_nothing() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask(Request::TakeRoster(rig::roster(1))), Answer::Done, "the same again is fine");
    let mut other = rig::roster(1);
    other.recipients.clear();
    assert_eq!(rig.ask(Request::TakeRoster(other)), Answer::Superseded);
    let (_, grant) = rig.drop_off(MARA, Size::Small);
    assert_eq!(rig.arm(grant, 2, CODE), Answer::Done);
    assert_eq!(rig.arm(grant, 1, "87654321"), Answer::Superseded);
    let command = bailee_domain::id::CommandId::from_bytes([9; 16]);
    let deadline = rig.now.wall.plus_ms(-1);
    rig.input(Input::Platform { command, deadline, request: Request::Revoke { grant } });
    assert_eq!(rig.replies.last(), Some(&Answer::TooLate));
    rig.enter(CODE);
    assert!(matches!(rig.screen(), Screen::TakeParcel { .. }));
}

#[test]
fn a_power_cut_after_the_intent_lets_the_same_code_try_again() {
    let mut rig = Rig::new();
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    // Reserved, compared, refunded, intended; the power fails before the lock is driven.
    assert!(rig.input_until(Input::Kiosk(Action::EnterCode(CODE.parse_code())), 4));
    assert!(
        matches!(rig.records.last(), Some(Record::Event(e)) if matches!(e.kind, EventKind::OpeningIntended { .. }))
    );
    rig.restart();
    rig.enter(CODE);
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment });
    assert_eq!(rig.pulses, [compartment, compartment]);
}

#[test]
fn a_drop_off_cut_short_before_the_door_moved_needs_a_look_inside() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    assert!(rig.input_until(Input::Kiosk(Action::PickSize(Size::Small)), 1));
    rig.restart();
    assert_eq!(rig.bank.lasting().out_of_service[&CompartmentNo(1)], OutOfService::NeedsCheck);
}

#[test]
fn a_drop_off_whose_door_is_open_survives_a_power_cut() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
    rig.restart();
    rig.close(CompartmentNo(1));
    assert!(matches!(rig.last_event(), EventKind::ParcelDeposited(_)));
}

#[test]
fn the_kiosk_asks_before_it_leaves_and_never_while_a_door_is_open() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    rig.wait_ms(46_000);
    assert_eq!(rig.view().leaving_in_s, Some(29));
    rig.act(Action::StillHere);
    assert_eq!(rig.view().leaving_in_s, None);
    rig.wait_ms(76_000);
    assert!(matches!(rig.screen(), Screen::Home { .. }));
}
