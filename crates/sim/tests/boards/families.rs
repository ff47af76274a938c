//! Every family, on every kind of line, through everything that can go wrong with all of them.

use std::time::Duration;

use bailee_edge::boards::{
    BadFrame, BusEvent, DoorState, ItemSense, Polarity, Pulsed, UnknownOutcome, UnlockError,
};
use bailee_sim::cabinet::{BoardPlan, Family, Fault, Happening, Wiring};

use crate::rig::{By, NO_ANSWER, Rig, SOON, door, unusable};
use crate::world::World;

const ALL: [Family; 5] = [Family::Xor8a80, Family::Cu12, Family::Cu16, Family::Cu48, Family::ModbusRelay];
/// Those whose frames say nothing after an unlock.
const SILENT_UNLOCK: [Family; 3] = [Family::Cu12, Family::Cu16, Family::Cu48];

pub fn plan(family: Family, place: u8) -> BoardPlan {
    let pulse = Duration::from_millis(200);
    let locks = family.most_locks().min(24);
    BoardPlan { pulse, ..BoardPlan::of(family, family.first_address() + place, locks) }
}

fn settled(family: Family) -> World {
    let mut world = World::new(&[plan(family, 0), plan(family, 1)]);
    world.run_until(Duration::from_secs(2));
    world
}

/// Opens a door and says how it ended, in virtual time.
fn unlock(world: &mut World, ticket: u64, board: u8, lock: u8) -> Result<Pulsed, UnlockError> {
    world.order(ticket, door(board, lock), SOON);
    world.run_until(world.now + Duration::from_secs(4));
    let outcomes = world.outcomes();
    assert_eq!(outcomes[&ticket].len(), 1, "{outcomes:?}");
    outcomes[&ticket][0]
}

pub fn strange(world: &World) -> bool {
    let of = |what: Happening| {
        matches!(what, Happening::UnlockAll(_) | Happening::TwoCoils(_) | Happening::CoilHeld(_))
    };
    world.cabinet.log().iter().any(|event| of(event.what))
}

#[test]
fn a_door_opens_is_seen_open_and_closed_again_in_every_family_over_both_lines() {
    for family in ALL {
        for by in [By::Pty, By::Tcp] {
            let plan = plan(family, 0);
            let mut rig = Rig::connected(by, &[plan], &[], Polarity::ClosedWhenBitSet);
            let place = door(plan.address, plan.locks);
            rig.wait_for_doors(plan.address, |doors| doors.iter().all(|door| *door == DoorState::Closed));
            assert!(rig.unlock(place).is_ok(), "{family}");
            rig.wait_for_door(place, DoorState::Open);
            rig.cabinet().close(place);
            rig.wait_for_door(place, DoorState::Closed);
            assert_eq!(rig.pulses(place), 1, "{family}");
        }
    }
}

#[test]
fn many_orders_open_one_door_after_the_other() {
    for family in ALL {
        let mut world = settled(family);
        let base = family.first_address();
        for (ticket, lock) in (1..=6u64).zip(1..=6) {
            world.order(ticket, door(base + lock % 2, lock), Duration::from_secs(60));
        }
        world.run_until(world.now + Duration::from_secs(12));
        let outcomes = world.outcomes();
        assert!(outcomes.len() == 6 && outcomes.values().all(|ends| ends.len() == 1 && ends[0].is_ok()));
        assert!(!strange(&world), "{family}: {:?}", world.cabinet.log());
        assert_eq!(world.troubles(), [], "{family}");
        let collided = world.cabinet.log().iter().any(|event| event.what == Happening::Collision);
        assert!(!collided, "{family}");
    }
}

#[test]
fn an_order_waits_for_at_most_the_one_frame_in_flight_in_every_family() {
    for family in ALL {
        // The longest exchange: 8 bytes there and 8 back at 9600 baud, the board's thinking and the gap of 5 ms.
        let one_frame = Duration::from_millis(23);
        for offset in (0..120).map(|n| Duration::from_micros(n * 1_703)) {
            let mut world = settled(family);
            world.run_until(Duration::from_secs(2) + offset);
            let before = world.sent.len();
            let ordered_at = world.now;
            let base = family.first_address();
            world.order(1, door(base + 1, 7), SOON);
            world.run_until(ordered_at + Duration::from_millis(400));
            let sent = world.events.iter().find_map(|event| match event {
                BusEvent::UnlockSent { at, .. } => Some(*at),
                _ => None,
            });
            let waited = sent.unwrap() - ordered_at;
            assert!(waited <= one_frame, "{family} at {offset:?}: {waited:?}, {:?}", &world.sent[before..]);
        }
    }
}

#[test]
fn item_bits_of_a_cu16_come_with_the_doors() {
    let mut world = settled(Family::Cu16);
    let items = |world: &World| {
        let last = world.events.iter().rev().find_map(|event| match event {
            BusEvent::Doors { board, doors, .. } if board.0 == 0 => Some(doors.clone()),
            _ => None,
        });
        let present = |item: ItemSense| item == ItemSense::Present;
        last.unwrap().iter().filter(|d| present(d.item)).map(|d| d.channel.number()).collect::<Vec<_>>()
    };
    assert!(items(&world).is_empty());
    world.cabinet.put_item(door(0, 5));
    world.cabinet.put_item(door(0, 16));
    world.run_until(world.now + Duration::from_secs(1));
    assert_eq!(items(&world), [5, 16]);
}

#[test]
fn a_modbus_board_is_put_to_rest_when_met_and_after_each_silence() {
    let mut world = settled(Family::ModbusRelay);
    let rests = |world: &World, board: u8| {
        world.cabinet.log().iter().filter(|event| event.what == Happening::AtRest(board)).count()
    };
    assert_eq!((rests(&world, 1), rests(&world, 2)), (1, 1));
    let first = world.sent.iter().find(|(_, bytes)| bytes[0] == 1).unwrap();
    assert_eq!(first.1[1..6], [0x05, 0x00, 0xFF, 0x00, 0x00], "the first word to a board is all-off");
    world.cabinet.set_fault(2, Fault::Silent);
    world.run_until(world.now + Duration::from_secs(6));
    world.cabinet.heal();
    world.run_until(world.now + Duration::from_secs(6));
    assert_eq!((rests(&world, 1), rests(&world, 2)), (1, 2));
}

#[test]
fn a_flash_is_answered_with_its_value_and_a_plain_echo_proves_nothing() {
    let mut world = settled(Family::ModbusRelay);
    assert_eq!(unlock(&mut world, 1, 1, 3), Ok(Pulsed { door: DoorState::Unknown }));
    let flash = world.sent.iter().find(|(_, bytes)| bytes[2] == 0x02).unwrap();
    assert_eq!(flash.1[..6], [0x01, 0x05, 0x02, 0x02, 0x00, 0x02]);
    world.cabinet.set_fault(1, Fault::PlainEcho);
    assert_eq!(unlock(&mut world, 2, 1, 4), unusable(BadFrame::State));
    assert!(world.seen_open(door(1, 4), Duration::ZERO).is_some());
}

#[test]
fn a_modbus_exception_is_a_refusal() {
    let mut world = settled(Family::ModbusRelay);
    world.cabinet.set_fault(1, Fault::Refuses);
    assert_eq!(unlock(&mut world, 1, 1, 3), Err(UnlockError::Refused));
    assert_eq!(world.cabinet.pulses(door(1, 3)), 0);
}

#[test]
fn an_echoing_adapter_changes_nothing_in_any_family() {
    for family in ALL {
        let mut world = World::new(&[plan(family, 0), plan(family, 1)]);
        world.cabinet.set_fault(family.first_address(), Fault::Echo);
        // An order that comes before anything is known of the line.
        let early = unlock(&mut world, 1, family.first_address(), 1);
        assert!(early.is_ok(), "{family}: {early:?}");
        let later = unlock(&mut world, 2, family.first_address() + 1, 2);
        assert!(later.is_ok(), "{family}: {later:?}");
        assert_eq!(world.troubles(), [], "{family}");
    }
}

#[test]
fn an_echo_alone_is_never_an_answer_in_any_family() {
    for family in ALL {
        let mut world = settled(family);
        let base = family.first_address();
        world.cabinet.set_fault(base, Fault::Echo);
        world.run_until(world.now + Duration::from_secs(1));
        world.cabinet.set_fault(base, Fault::Silent);
        assert_eq!(unlock(&mut world, 1, base, 1), NO_ANSWER, "{family}");
        assert_eq!(world.cabinet.pulses(door(base, 1)), 0);
    }
}

#[test]
fn split_answers_are_put_together_in_every_family() {
    for family in ALL {
        let mut world = settled(family);
        let base = family.first_address();
        world.cabinet.set_fault(base, Fault::SplitAnswers);
        assert!(unlock(&mut world, 1, base, 9).is_ok(), "{family}");
        assert!(world.seen_open(door(base, 9), Duration::ZERO).is_some(), "{family}");
    }
}

#[test]
fn answers_of_a_wrong_length_or_check_or_address_are_no_answers() {
    let faults = [Fault::ShortAnswers, Fault::WrongCheckByte, Fault::WrongAddress];
    for family in ALL {
        for fault in faults {
            let mut world = settled(family);
            let base = family.first_address();
            world.cabinet.set_fault(base, fault);
            let outcome = unlock(&mut world, 1, base, 2);
            let unknown = matches!(outcome, Err(UnlockError::OutcomeUnknown(_)));
            assert!(unknown, "{family} with {fault}: {outcome:?}");
            let silent =
                |event: &BusEvent| matches!(event, BusEvent::Silent { board, .. } if board.0 == base);
            assert!(world.events.iter().any(silent), "{family} with {fault}");
            assert_eq!(world.cabinet.pulses(door(base, 2)), 1, "{family} with {fault}: sent once");
        }
    }
}

#[test]
fn a_byte_too_many_is_reported_and_never_changes_a_door() {
    for family in ALL {
        let mut world = settled(family);
        let base = family.first_address();
        world.cabinet.set_fault(base, Fault::LongAnswers);
        let ordered_at = world.now;
        let _ = unlock(&mut world, 1, base, 2);
        let bad = |event: &BusEvent| matches!(event, BusEvent::BadFrames { .. });
        assert!(world.events.iter().any(bad), "{family}");
        for lock in (1..=plan(family, 0).locks).filter(|lock| *lock != 2) {
            assert_eq!(world.seen_open(door(base, lock), ordered_at), None, "{family} lock {lock}");
        }
    }
}

#[test]
fn a_silent_board_leaves_the_outcome_unknown_and_is_never_asked_twice() {
    for family in ALL {
        let mut world = settled(family);
        let base = family.first_address();
        world.cabinet.set_fault(base, Fault::Mute);
        assert_eq!(unlock(&mut world, 1, base, 5), NO_ANSWER, "{family}");
        assert_eq!(world.cabinet.pulses(door(base, 5)), 1, "{family}");
        let neighbour = unlock(&mut world, 2, base + 1, 5);
        assert!(neighbour.is_ok(), "{family}: {neighbour:?}");
        world.cabinet.heal();
        world.run_until(world.now + Duration::from_secs(3));
        assert!(world.seen_open(door(base, 5), Duration::ZERO).is_some(), "{family}");
        assert_eq!(world.cabinet.pulses(door(base, 5)), 1, "{family}");
    }
}

#[test]
fn a_board_that_hangs_after_an_unlock_is_silent_and_the_others_go_on() {
    for family in SILENT_UNLOCK {
        let mut world = settled(family);
        let base = family.first_address();
        world.cabinet.set_fault(base, Fault::BusyStuck);
        assert_eq!(unlock(&mut world, 1, base, 5), NO_ANSWER, "{family}");
        let neighbour = unlock(&mut world, 2, base + 1, 5);
        assert!(neighbour.is_ok(), "{family}: {neighbour:?}");
        let silent = |event: &BusEvent| matches!(event, BusEvent::Silent { board, .. } if board.0 == base);
        assert!(world.events.iter().any(silent), "{family}");
        world.cabinet.mend(base);
        let again = unlock(&mut world, 3, base, 6);
        assert!(again.is_ok(), "{family}: {again:?}");
    }
}

#[test]
fn late_answers_leave_the_outcome_unknown_and_are_not_taken_for_the_next() {
    for family in ALL {
        let mut world = settled(family);
        let base = family.first_address();
        world.cabinet.set_fault(base, Fault::Late(Duration::from_millis(1_900)));
        let outcome = unlock(&mut world, 1, base, 5);
        assert!(matches!(outcome, Err(UnlockError::OutcomeUnknown(_))), "{family}: {outcome:?}");
        world.cabinet.heal();
        world.run_until(world.now + Duration::from_secs(6));
        assert!(unlock(&mut world, 2, base, 6).is_ok(), "{family}");
        assert_eq!(world.cabinet.pulses(door(base, 5)), 1, "{family}");
    }
}

#[test]
fn inverted_wiring_reads_right_once_the_polarity_is_set() {
    for family in ALL {
        let plan = BoardPlan { wiring: Wiring::ShortWhenOpen, ..plan(family, 0) };
        let mut rig = Rig::wired(&[plan], &[], Polarity::ClosedWhenBitClear);
        rig.wait_for_doors(plan.address, |doors| doors.iter().all(|door| *door == DoorState::Closed));
        let mut rig = Rig::wired(&[plan], &[], Polarity::ClosedWhenBitSet);
        rig.wait_for_doors(plan.address, |doors| doors.iter().all(|door| *door == DoorState::Open));
    }
}

#[test]
fn an_unanswered_unlock_ends_even_if_the_line_babbles_before_the_poll() {
    let mut world = World::new(&[plan(Family::Cu48, 0), plan(Family::Cu48, 1)]);
    world.run_until(Duration::from_millis(1_084));
    world.cabinet.set_fault(1, Fault::Silent);
    world.run_until(Duration::from_millis(1_398));
    world.order(1, door(1, 1), Duration::from_millis(139));
    world.run_until(Duration::from_millis(1_536));
    world.cabinet.set_fault(0, Fault::Garbage);
    world.run_until(Duration::from_secs(6));
    assert_eq!(world.outcomes()[&1], [unusable(BadFrame::Flood)]);
}

#[test]
fn a_line_lost_during_an_unanswered_unlock_leaves_the_outcome_unknown() {
    let mut world = settled(Family::Cu48);
    world.order(1, door(0, 3), SOON);
    world.run_until(world.now + Duration::from_millis(25));
    world.machine.line_lost(world.now);
    world.run_until(world.now + Duration::from_secs(1));
    let lost = Err(UnlockError::OutcomeUnknown(UnknownOutcome::LineLost));
    assert_eq!(world.outcomes()[&1], [lost]);
}
