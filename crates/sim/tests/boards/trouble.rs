//! What an honest cabinet does not do gets its name, and an honest cabinet gets none.

use std::time::Duration;

use bailee_edge::boards::{BusEvent, BusTrouble};
use bailee_sim::cabinet::{BoardPlan, DoorPlace, Family, Fault};

use crate::rig::{SOON, address_of, door};
use crate::world::World;

const ALL: [Family; 4] = [Family::Xor8a80, Family::Cu16, Family::Cu48, Family::ModbusRelay];

fn settled(family: Family) -> World {
    let plan = |place| BoardPlan {
        pulse: Duration::from_millis(200),
        ..BoardPlan::of(family, family.first_address() + place, 12)
    };
    let mut world = World::new(&[plan(0), plan(1)]);
    world.run_until(Duration::from_secs(3));
    world
}

fn open(world: &mut World, ticket: u64, place: DoorPlace) {
    world.order(ticket, place, SOON);
    world.run_until(world.now + Duration::from_secs(4));
}

#[test]
fn an_honest_day_has_no_trouble_and_right_numbers() {
    for family in ALL {
        let mut world = settled(family);
        let place = door(family.first_address(), 4);
        for ticket in 0..5 {
            open(&mut world, ticket, place);
            world.cabinet.put_item(place);
            world.cabinet.close(world.now, place);
            world.run_until(world.now + Duration::from_secs(3));
        }
        assert_eq!(world.troubles(), [], "{family}");
        let health = world.machine.health();
        let numbers = health.doors[&address_of(place)];
        assert_eq!((numbers.pulses, numbers.opened, numbers.stayed_closed), (5, 5, 0), "{family}");
        // A poll every tenth of a second; an 8A/80 board is polled after its pulse of 200 ms.
        assert!(numbers.slowest.unwrap() < Duration::from_millis(400), "{family}: {numbers:?}");
        for board in health.boards.values() {
            assert_eq!((board.timeouts, board.bad_answers, board.silent), (0, 0, false), "{family}");
            assert!(board.answers > 100 && board.requests <= board.answers + 8, "{family}: {board:?}");
        }
    }
}

#[test]
fn a_forced_door_is_named_within_one_sweep_of_polls() {
    for family in ALL {
        let boards = [1, 2, 3].map(|place| {
            BoardPlan::of(family, family.first_address() + place - 1, family.most_locks().min(24))
        });
        for offset in (0..40).map(|n| Duration::from_millis(n * 7)) {
            let mut world = World::new(&boards);
            world.run_until(Duration::from_secs(2) + offset);
            let place = door(boards[2].address, 7);
            let forced_at = world.now;
            world.cabinet.force_open(forced_at, place);
            world.run_until(forced_at + Duration::from_millis(500));
            assert_eq!(world.troubles(), [BusTrouble::OpenedUnordered(address_of(place))], "{family}");
            let seen = world.seen_open(place, forced_at).unwrap() - forced_at;
            // Every board is asked every 100 ms; the frame under way and our own come on top.
            assert!(seen <= Duration::from_millis(150), "{family} at {offset:?}: {seen:?}");
        }
    }
}

#[test]
fn swapped_cables_are_named_with_both_doors() {
    for family in ALL {
        let mut world = settled(family);
        let base = family.first_address();
        world.cabinet.set_fault(base, Fault::CablesSwapped(base + 1));
        world.cabinet.set_fault(base + 1, Fault::CablesSwapped(base));
        open(&mut world, 1, door(base, 5));
        let (ordered, opened) = (address_of(door(base, 5)), address_of(door(base + 1, 5)));
        assert_eq!(world.troubles(), [BusTrouble::OtherDoorOpened { ordered, opened }], "{family}");
    }
}

#[test]
fn a_board_that_lies_is_named_after_a_few_orders() {
    let mut world = settled(Family::Xor8a80);
    world.cabinet.set_fault(1, Fault::Lies);
    open(&mut world, 1, door(1, 5));
    assert_eq!(world.troubles(), []);
    open(&mut world, 2, door(1, 5));
    assert_eq!(world.troubles(), [BusTrouble::Contradicted(address_of(door(1, 5)))]);

    for family in [Family::Cu16, Family::Cu48, Family::ModbusRelay] {
        let mut world = settled(family);
        let place = door(family.first_address(), 5);
        world.cabinet.set_fault(place.board, Fault::Lies);
        (1..=2).for_each(|ticket| open(&mut world, ticket, place));
        assert_eq!(world.troubles(), [], "{family}");
        open(&mut world, 3, place);
        assert_eq!(world.troubles(), [BusTrouble::NeverSeenOpen(address_of(place))], "{family}");
        let numbers = world.machine.health().doors[&address_of(place)];
        assert_eq!((numbers.pulses, numbers.opened), (3, 0), "{family}");
    }
}

#[test]
fn frames_nobody_asked_for_are_named() {
    for family in ALL {
        let mut world = settled(family);
        world.cabinet.set_fault(family.first_address() + 1, Fault::Unasked);
        world.run_until(world.now + Duration::from_secs(20));
        let troubles = world.troubles();
        let bad = |event: &BusEvent| matches!(event, BusEvent::BadFrames { .. });
        assert!(world.events.iter().any(bad), "{family}");
        assert!(troubles.contains(&BusTrouble::UnaskedFrames), "{family}: {troubles:?}");
        let opened = |what: &BusTrouble| matches!(what, BusTrouble::OpenedUnordered(_));
        assert!(!troubles.iter().any(opened), "{family}: {troubles:?}");
    }
}

#[test]
fn noise_is_named_and_not_again_and_again() {
    let mut world = settled(Family::Cu16);
    world.cabinet.set_fault(0, Fault::Garbage);
    world.run_until(world.now + Duration::from_secs(25));
    let many = world.troubles().iter().filter(|what| **what == BusTrouble::ManyBadFrames).count();
    assert!((3..=5).contains(&many), "{many}");
}

#[test]
fn an_item_sensor_that_changes_behind_a_closed_door_is_named() {
    let mut world = settled(Family::Cu16);
    let place = door(0, 9);
    world.cabinet.take_item(place);
    world.cabinet.set_fault(0, Fault::ItemLies);
    world.run_until(world.now + Duration::from_secs(2));
    let troubles = world.troubles();
    assert!(troubles.contains(&BusTrouble::ItemChangedBehindClosedDoor(address_of(place))), "{troubles:?}");
}

#[test]
fn an_item_that_goes_in_and_out_through_the_door_is_no_trouble() {
    let mut world = settled(Family::Cu16);
    let place = door(0, 9);
    for ticket in 0..4 {
        open(&mut world, ticket, place);
        if ticket % 2 == 0 {
            world.cabinet.put_item(place);
        } else {
            world.cabinet.take_item(place);
        }
        world.cabinet.close(world.now, place);
        world.run_until(world.now + Duration::from_secs(3));
    }
    assert_eq!(world.troubles(), []);
}
