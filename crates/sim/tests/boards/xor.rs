//! The 8A/80 driver against simulated boards: what it reports for each thing that hardware does wrong. First over
//! real pseudo terminals, then the same code in virtual time under random faults.

use std::{collections::BTreeMap, sync::mpsc, time::Duration};

use bailee_edge::boards::{
    BadFrame, BoardAddress, Bus, BusError, BusEvent, BusSettings, BusTiming, DoorState, LineError, NotSent,
    Polarity, UnknownOutcome, UnlockError,
};
use bailee_sim::cabinet::{BoardPlan, Cause, DoorPlace, Fault, Happening, Wiring};
use proptest::prelude::*;

use crate::rig::{NO_ANSWER, OPENED, Rig, SOON, STILL_CLOSED, door, driver, quick, unusable};
use crate::world::World;

#[test]
fn a_door_opens_is_seen_open_and_is_seen_closed_again() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 12)], &[]);
    let place = door(1, 12);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 12]);
    assert_eq!(rig.unlock(place), OPENED);
    rig.wait_for_door(place, DoorState::Open);
    rig.cabinet().close(place);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 12]);
    assert_eq!(rig.pulses(place), 1);
}

#[test]
fn a_stuck_door_is_reported_as_pulsed_and_still_closed() {
    let mut rig = Rig::new(&[quick(1, 8)], &[]);
    let place = door(1, 3);
    rig.cabinet().change(|cabinet, _| cabinet.jam(place));
    assert_eq!(rig.unlock(place), STILL_CLOSED);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    assert_eq!(rig.pulses(place), 1, "nothing is repeated by itself");
}

#[test]
fn an_echoing_adapter_changes_nothing() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::Echo]);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    assert_eq!(rig.unlock(door(1, 1)), OPENED);
    rig.wait_for_door(door(1, 1), DoorState::Open);
    // "Still closed" is the request's own bytes.
    rig.cabinet().change(|cabinet, _| cabinet.jam(door(1, 2)));
    assert_eq!(rig.unlock(door(1, 2)), STILL_CLOSED);
}

#[test]
fn an_echo_is_never_taken_for_an_answer() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::Echo, Fault::Mute]);
    assert_eq!(rig.unlock(door(1, 1)), NO_ANSWER);
    rig.wait_silent(1);
}

#[test]
fn an_echo_that_begins_later_is_noticed() {
    // With all eight bits clear, query and answer are the same bytes.
    let plan = BoardPlan { wiring: Wiring::ShortWhenOpen, ..quick(1, 8) };
    let mut rig = Rig::wired(&[plan], &[], Polarity::ClosedWhenBitClear);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    rig.cabinet().change(|cabinet, _| {
        cabinet.set_fault(1, Fault::Echo);
        cabinet.set_fault(1, Fault::Mute);
    });
    rig.wait_silent(1);
    rig.heal();
    rig.wait_back(1);
}

#[test]
fn split_answers_are_put_together() {
    let mut rig = Rig::new(&[quick(1, 24)], &[Fault::SplitAnswers]);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 24]);
    assert_eq!(rig.unlock(door(1, 24)), OPENED);
    rig.wait_for_door(door(1, 24), DoorState::Open);
}

#[test]
fn a_late_answer_leaves_the_outcome_unknown_and_fools_nobody() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 8)], &[]);
    rig.cabinet().set_fault(1, Fault::Late(Duration::from_millis(1200)));
    let place = door(1, 2);
    assert_eq!(rig.unlock(place), NO_ANSWER);
    rig.wait_silent(1);
    rig.heal();
    rig.wait_back(1);
    rig.wait_for_door(place, DoorState::Open);
    assert_eq!(rig.pulses(place), 1);
}

#[test]
fn a_wrong_check_byte_is_no_answer() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::WrongCheckByte]);
    rig.wait_bad_frame(|bad| bad == BadFrame::Check);
    assert_eq!(rig.unlock(door(1, 1)), unusable(BadFrame::Check));
    rig.wait_silent(1);
    rig.heal();
    rig.wait_for_door(door(1, 1), DoorState::Open);
}

#[test]
fn another_boards_address_is_no_answer() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::WrongAddress]);
    assert_eq!(rig.unlock(door(1, 1)), unusable(BadFrame::Address));
    rig.wait_silent(1);
}

#[test]
fn a_silent_board_is_reported_and_comes_back() {
    let mut rig = Rig::new(&[quick(1, 8)], &[]);
    rig.wait_for_doors(1, |_| true);
    rig.cabinet().set_fault(1, Fault::Silent);
    rig.wait_silent(1);
    assert_eq!(rig.unlock(door(1, 5)), NO_ANSWER);
    assert_eq!(rig.pulses(door(1, 5)), 0);
    rig.heal();
    rig.wait_back(1);
    assert_eq!(rig.unlock(door(1, 6)), OPENED);
    // The answer could still be the one to the first order: only the door itself tells.
    assert_eq!(rig.unlock(door(1, 5)), unusable(BadFrame::Stale));
    rig.wait_for_door(door(1, 5), DoorState::Open);
}

#[test]
fn a_board_that_acts_but_does_not_answer_is_never_asked_twice() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::Mute]);
    assert_eq!(rig.unlock(door(1, 5)), NO_ANSWER);
    rig.heal();
    rig.wait_for_door(door(1, 5), DoorState::Open);
    assert_eq!(rig.pulses(door(1, 5)), 1);
}

#[test]
fn a_silent_board_does_not_stop_its_neighbour() {
    let mut rig = Rig::new(&[quick(1, 12), quick(2, 12)], &[]);
    rig.cabinet().set_fault(1, Fault::Silent);
    rig.wait_silent(1);
    assert_eq!(rig.unlock(door(2, 12)), OPENED);
    rig.wait_for_door(door(2, 12), DoorState::Open);
}

#[test]
fn inverted_wiring_shows_every_door_open_until_the_polarity_is_set() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::InvertedPolarity]);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Open; 8]);
    assert_eq!(rig.unlock(door(1, 1)), STILL_CLOSED);
    let mut rig = Rig::wired(&[quick(1, 8)], &[Fault::InvertedPolarity], Polarity::ClosedWhenBitClear);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    assert_eq!(rig.unlock(door(1, 1)), OPENED);
}

#[test]
fn too_many_status_bytes_are_ignored_and_missing_ones_are_unknown_doors() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::StatusBytes(3)]);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    assert_eq!(rig.unlock(door(1, 8)), OPENED);
    rig.wait_for_door(door(1, 8), DoorState::Open);
    let mut rig = Rig::new(&[quick(1, 24)], &[Fault::StatusBytes(2)]);
    let doors = rig.wait_for_doors(1, |_| true);
    assert_eq!(doors[..16], [DoorState::Closed; 16]);
    assert_eq!(doors[16..], [DoorState::Unknown; 8]);
}

#[test]
fn a_pushed_door_report_is_passed_on_and_disturbs_nothing() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::Pushes]);
    rig.wait_for_doors(1, |_| true);
    rig.cabinet().force_open(door(1, 4));
    let pushed = rig.wait(|event| match event {
        BusEvent::DoorPushed { door, .. } => Some((door.channel.number(), door.state)),
        _ => None,
    });
    assert_eq!(pushed, (4, DoorState::Open));
    // The push of the opening comes before the answer to the unlock.
    assert_eq!(rig.unlock(door(1, 6)), OPENED);
}

#[test]
fn a_babbling_line_is_reported_and_comes_back() {
    let mut rig = Rig::new(&[quick(1, 8)], &[]);
    rig.wait_for_doors(1, |_| true);
    rig.cabinet().set_fault(1, Fault::Garbage);
    rig.wait_bad_frame(|bad| bad == BadFrame::Flood);
    rig.wait_silent(1);
    rig.heal();
    rig.wait_back(1);
    assert_eq!(rig.unlock(door(1, 1)), OPENED);
}

#[test]
fn a_forced_door_is_seen_within_two_seconds() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 12), BoardPlan::usual(2, 12)], &[]);
    rig.wait_for_doors(2, |_| true);
    let forced_at = (rig.now)();
    rig.cabinet().force_open(door(2, 7));
    let seen_at = rig.wait(|event| match event {
        BusEvent::Doors { board, doors, at } if board.0 == 2 && doors[6].state == DoorState::Open => {
            Some(*at)
        }
        _ => None,
    });
    assert!(seen_at - forced_at < Duration::from_secs(2), "{:?}", seen_at - forced_at);
}

#[test]
fn an_order_that_waits_beyond_its_deadline_is_never_sent() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 8)], &[]);
    let first = rig.order(door(1, 1), SOON);
    let second = rig.order(door(1, 2), Duration::from_millis(300));
    assert_eq!(rig.outcome(second), Err(UnlockError::NotSent(NotSent::TooLate)));
    assert_eq!(rig.outcome(first), OPENED);
    assert_eq!(rig.unlock(door(1, 3)), OPENED);
    assert_eq!(rig.pulses(door(1, 2)), 0);
}

#[test]
fn many_orders_open_one_door_after_the_other_on_two_boards() {
    let mut rig = Rig::new(&[quick(1, 12), quick(2, 12)], &[]);
    let places = [door(1, 1), door(2, 1), door(1, 2), door(2, 12), door(1, 12), door(2, 2)];
    let tickets = places.map(|place| rig.order(place, SOON));
    for ticket in tickets {
        assert_eq!(rig.outcome(ticket), OPENED);
    }
    rig.cabinet().look(|cabinet| {
        let strange = |what: Happening| {
            matches!(what, Happening::TwoCoils(_) | Happening::Collision | Happening::UnlockAll(_))
        };
        assert!(!cabinet.log().iter().any(|event| strange(event.what)), "{:?}", cabinet.log());
        let opened: Vec<_> = cabinet
            .log()
            .iter()
            .filter_map(|event| match event.what {
                Happening::Opened(place, Cause::Latch) => Some(place),
                _ => None,
            })
            .collect();
        assert_eq!(opened, places);
    });
}

#[test]
fn a_lockdown_cancels_what_was_not_sent() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 8)], &[]);
    let first = rig.order(door(1, 1), SOON);
    rig.wait(|event| matches!(event, BusEvent::UnlockSent { ticket, .. } if *ticket == first).then_some(()));
    let second = rig.order(door(1, 2), SOON);
    rig.bus.cancel_waiting().unwrap();
    assert_eq!(rig.outcome(second), Err(UnlockError::NotSent(NotSent::Cancelled)));
    assert_eq!(rig.outcome(first), OPENED);
    assert_eq!(rig.pulses(door(1, 2)), 0);
}

#[test]
fn an_unplugged_line_ends_every_order_truthfully() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 8)], &[Fault::Mute]);
    let sent = rig.order(door(1, 1), SOON);
    let waiting = rig.order(door(1, 2), SOON);
    rig.wait(|event| matches!(event, BusEvent::UnlockSent { .. }).then_some(()));
    rig.unplug();
    assert_eq!(rig.outcome(sent), Err(UnlockError::OutcomeUnknown(UnknownOutcome::LineLost)));
    assert_eq!(rig.outcome(waiting), Err(UnlockError::NotSent(NotSent::LineDown)));
    rig.wait(|event| matches!(event, BusEvent::LineLost { .. }).then_some(()));
    let after = rig.order(door(1, 3), SOON);
    assert_eq!(rig.outcome(after), Err(UnlockError::NotSent(NotSent::LineDown)));
}

#[test]
fn a_line_has_one_owner_and_an_address_one_board() {
    let rig = Rig::new(&[quick(1, 8)], &[]);
    let open = |addresses: &[u8]| {
        let line = rig.line();
        let settings = BusSettings { line, timing: BusTiming::at_baud(9600) };
        let boards = addresses.iter().map(|&at| driver(&quick(at, 8), Polarity::ClosedWhenBitSet)).collect();
        let (sender, _) = mpsc::sync_channel(1);
        Bus::open(settings, boards, Box::new(|| Duration::ZERO), Box::new(sender)).unwrap_err()
    };
    assert!(matches!(open(&[1]), BusError::Line(LineError::InUse(_))));
    assert!(matches!(open(&[2, 2]), BusError::AddressTwice(BoardAddress(2))));
}

#[test]
fn a_door_that_does_not_exist_is_refused() {
    let mut rig = Rig::new(&[quick(1, 8)], &[]);
    assert_eq!(rig.unlock(door(1, 9)), Err(UnlockError::NotSent(NotSent::NoSuchDoor)));
    assert_eq!(rig.unlock(door(3, 1)), Err(UnlockError::NotSent(NotSent::NoSuchDoor)));
}

#[test]
fn an_order_waits_for_at_most_the_one_frame_in_flight() {
    // Request 5 bytes, answer 7, both at 9600 baud, the board's thinking and the gap of 5 ms.
    let one_frame = Duration::from_millis(20);
    for offset in (0..400).map(|n| Duration::from_micros(n * 997)) {
        let mut world = World::new(&[BoardPlan::usual(1, 24), BoardPlan::usual(2, 24)]);
        world.run_until(Duration::from_secs(2) + offset);
        let ordered_at = world.now;
        world.order(1, door(2, 24), SOON);
        world.run_until(ordered_at + Duration::from_secs(1));
        let sent_at = world.sent.iter().find(|(_, bytes)| bytes[0] == 0x8A).expect("sent within a second").0;
        assert!(sent_at - ordered_at <= one_frame, "{offset:?}: {:?}", sent_at - ordered_at);
    }
}

#[test]
fn into_a_babbling_line_nothing_is_sent() {
    let mut world = World::new(&[BoardPlan::usual(1, 8)]);
    world.run_until(Duration::from_secs(2));
    world.cabinet.set_fault(1, Fault::Garbage);
    world.run_until(Duration::from_secs(6));
    world.order(1, door(1, 1), Duration::from_millis(400));
    world.run_until(Duration::from_secs(8));
    assert_eq!(world.cabinet.pulses(door(1, 1)), 0);
    world.cabinet.heal();
    world.run_until(Duration::from_secs(10));
    world.order(2, door(1, 1), SOON);
    world.run_until(Duration::from_secs(12));
    let too_late = Err(UnlockError::NotSent(NotSent::TooLate));
    assert_eq!(world.outcomes(), BTreeMap::from([(1, vec![too_late]), (2, vec![OPENED])]));
}

#[test]
fn the_late_answer_to_one_order_is_not_taken_for_the_answer_to_the_next() {
    let mut world = World::new(&[BoardPlan::usual(1, 8)]);
    let late = Fault::Late(Duration::from_millis(2500));
    world.cabinet.set_fault(1, late);
    world.order(1, door(1, 5), SOON);
    world.run_until(world.now + Duration::from_secs(2));
    // The first answer is still on its way; the board hears nothing more, and somebody closes the door.
    world.cabinet.heal();
    world.cabinet.set_fault(1, Fault::Silent);
    world.cabinet.close(world.now, door(1, 5));
    world.order(2, door(1, 5), SOON);
    world.run_until(world.now + SOON);
    assert_eq!(
        world.outcomes(),
        BTreeMap::from([(1, vec![NO_ANSWER]), (2, vec![unusable(BadFrame::Stale)])])
    );
    assert!(!world.cabinet.is_open(door(1, 5)));
}

#[test]
fn supervision_goes_on_between_many_orders() {
    let mut world = World::new(&[BoardPlan::usual(1, 12), BoardPlan::usual(2, 12)]);
    world.run_until(Duration::from_secs(2));
    (1..=12).for_each(|n| world.order(u64::from(n), door(1, n), Duration::from_secs(60)));
    world.run_until(Duration::from_secs(10));
    for board in [1, 2] {
        let polls: Vec<Duration> = world
            .events
            .iter()
            .filter_map(|event| match event {
                BusEvent::Doors { board: b, at, .. } if b.0 == board => Some(*at),
                _ => None,
            })
            .collect();
        let longest = polls.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest < Duration::from_millis(1500), "board {board}: {longest:?}");
    }
    assert!(world.outcomes().values().all(|outcomes| outcomes == &[OPENED]));
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Echo),
        Just(Fault::SplitAnswers),
        (1u64..3000).prop_map(|ms| Fault::Late(Duration::from_millis(ms))),
        Just(Fault::WrongCheckByte),
        Just(Fault::Silent),
        Just(Fault::Mute),
        (0u8..9).prop_map(Fault::StatusBytes),
        Just(Fault::Pushes),
        Just(Fault::Garbage),
        Just(Fault::WrongAddress),
    ]
}

#[derive(Clone, Debug)]
enum Turn {
    Order { lock: u8, within_ms: u64 },
    SetFault(u8, Fault),
    Heal,
    Close(u8),
    Force(u8),
    Jam(u8),
    Cancel,
    LineLostAndBack,
}

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        6 => (0u8..24, 0u64..4000).prop_map(|(lock, within_ms)| Turn::Order { lock, within_ms }),
        3 => (1u8..=2, any_fault()).prop_map(|(board, fault)| Turn::SetFault(board, fault)),
        2 => Just(Turn::Heal),
        2 => (0u8..24).prop_map(Turn::Close),
        1 => (0u8..24).prop_map(Turn::Force),
        1 => (0u8..24).prop_map(Turn::Jam),
        1 => Just(Turn::Cancel),
        1 => Just(Turn::LineLostAndBack),
    ]
}

fn place_of(lock: u8) -> DoorPlace {
    door(1 + lock / 12, 1 + lock % 12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_orders_end_once_and_doors_open_only_on_order(
        turns in proptest::collection::vec((0u64..1500, any_turn()), 1..30),
    ) {
        let mut world = World::new(&[BoardPlan::usual(1, 12), BoardPlan::usual(2, 12)]);
        let mut orders = BTreeMap::new();
        for (at, (pause_ms, turn)) in turns.iter().enumerate() {
            world.run_until(world.now + Duration::from_millis(*pause_ms));
            let now = world.now;
            match *turn {
                Turn::Order { lock, within_ms } => {
                    let within = Duration::from_millis(within_ms);
                    orders.insert(at as u64, (place_of(lock), now + within));
                    world.order(at as u64, place_of(lock), within);
                }
                Turn::SetFault(board, fault) => world.cabinet.set_fault(board, fault),
                Turn::Heal => world.cabinet.heal(),
                Turn::Close(lock) => world.cabinet.close(now, place_of(lock)),
                Turn::Force(lock) => world.cabinet.force_open(now, place_of(lock)),
                Turn::Jam(lock) => world.cabinet.jam(place_of(lock)),
                Turn::Cancel => world.machine.cancel_waiting(now),
                Turn::LineLostAndBack => {
                    world.machine.line_lost(now);
                    world.machine.line_back(now);
                }
            }
        }
        world.run_until(world.now + Duration::from_secs(12));
        let outcomes = world.outcomes();
        let mut may_have_pulsed: BTreeMap<DoorPlace, u32> = BTreeMap::new();
        let mut have_pulsed: BTreeMap<DoorPlace, u32> = BTreeMap::new();
        for (ticket, (place, not_after)) in &orders {
            let ends = outcomes.get(ticket).map(Vec::as_slice).unwrap_or_default();
            prop_assert_eq!(ends.len(), 1, "order {} ended {:?}", ticket, ends);
            if !matches!(ends[0], Err(UnlockError::NotSent(_))) {
                *may_have_pulsed.entry(*place).or_default() += 1;
                *have_pulsed.entry(*place).or_default() += u32::from(ends[0].is_ok());
            }
            let sent = world.events.iter().find_map(|event| match event {
                BusEvent::UnlockSent { ticket: t, at } if t.0 == *ticket => Some(*at),
                _ => None,
            });
            prop_assert!(sent.is_none_or(|at| at < *not_after), "sent too late");
        }
        for place in world.cabinet.doors() {
            let pulses = world.cabinet.pulses(place);
            prop_assert!(pulses <= may_have_pulsed.get(&place).copied().unwrap_or(0), "{:?} pulsed unordered", place);
            prop_assert!(pulses >= have_pulsed.get(&place).copied().unwrap_or(0), "{:?} claimed without a pulse", place);
        }
        let strange = |what: Happening| matches!(what, Happening::UnlockAll(_) | Happening::TwoCoils(_));
        prop_assert!(!world.cabinet.log().iter().any(|event| strange(event.what)));
    }
}
