//! A lock that wears is seen in the numbers of its bus before it stays shut.

use std::time::Duration;

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::health::judge::{Level, Matter, Why, judge};
use bailee_domain::health::{DoorFigures, Health};
use bailee_edge::health::{Book, Tally};
use bailee_sim::cabinet::{BoardPlan, DoorPlace, Family, Fault};

use crate::rig::{SOON, door};
use crate::world::World;

const ALL: [Family; 4] = [Family::Xor8a80, Family::Cu16, Family::Cu48, Family::ModbusRelay];

fn settled(family: Family) -> World {
    let pulse = Duration::from_millis(200);
    let mut world = World::new(&[BoardPlan { pulse, ..BoardPlan::of(family, family.first_address(), 12) }]);
    world.run_until(Duration::from_secs(3));
    world
}

/// Opens a door, by a second pulse when the first is in vain, and closes it again; `book` looks after each pulse.
fn visit(world: &mut World, book: &mut Book, place: DoorPlace, ticket: u64, sticks: bool) {
    if sticks {
        world.cabinet.jam(place);
        world.order(2 * ticket, place, SOON);
        world.run_until(world.now + Duration::from_secs(4));
        world.cabinet.free(place);
    }
    world.order(2 * ticket + 1, place, SOON);
    world.run_until(world.now + Duration::from_secs(4));
    world.cabinet.close(world.now, place);
    world.run_until(world.now + Duration::from_secs(12));
    book.take(0, 1, world.machine.health(), |_, channel| Some(CompartmentNo(channel.into())));
}

fn figures(book: &Book, number: u16) -> Option<DoorFigures> {
    let of = |(door, record)| (door == CompartmentNo(number)).then(|| DoorFigures::of(door, record));
    book.doors().find_map(of)
}

#[test]
fn a_lock_that_fails_one_time_in_five_is_amber_and_its_neighbour_is_not() {
    let dir = tempfile::tempdir().unwrap();
    for family in ALL {
        let mut world = settled(family);
        let mut book = Book::open(dir.path());
        let (worn, sound) = (door(family.first_address(), 5), door(family.first_address(), 6));
        for ticket in 0..20 {
            visit(&mut world, &mut book, worn, 2 * ticket, ticket % 4 == 0);
            visit(&mut world, &mut book, sound, 2 * ticket + 1, false);
        }
        let (worn, sound) = (figures(&book, 5).unwrap(), figures(&book, 6).unwrap());
        assert_eq!((worn.tried, worn.opened), (25, 20), "{family}");
        assert_eq!((sound.tried, sound.opened), (20, 20), "{family}");
        let found = judge(&Health { doors: vec![worn, sound], ..Health::default() });
        let doors: Vec<_> = found.iter().filter(|finding| finding.matter == Matter::Doors).collect();
        assert_eq!(doors.len(), 1, "{family}: {doors:?}");
        assert_eq!(doors[0].why, Why::DoorMisses { missed: 5, tried: 25 }, "{family}");
        assert_eq!((doors[0].number, doors[0].level), (5, Level::Amber), "{family}");
    }
}

#[test]
fn a_board_that_answers_wrongly_is_red_within_its_hour() {
    let mut world = settled(Family::Cu16);
    let mut tally = Tally::default();
    tally.take(0, world.now, world.machine.health());
    world.run_until(Duration::from_secs(60));
    let level = |tally: &Tally| {
        let boards = tally.boards(|_, _| Some(1));
        judge(&Health { boards, ..Health::default() })
            .iter()
            .find(|f| f.matter == Matter::Boards)
            .map(|f| f.level)
    };
    tally.take(0, world.now, world.machine.health());
    assert_eq!(level(&tally), None);
    world.cabinet.set_fault(0, Fault::WrongCheckByte);
    world.run_until(world.now + Duration::from_secs(60));
    tally.take(0, world.now, world.machine.health());
    assert_eq!(level(&tally), Some(Level::Red));
}
