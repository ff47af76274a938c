//! What the controller measures: the machine as files of the kernel's form, and the doors' openings over restarts.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::health::judge::{Level, Matter, judge, level_of};
use bailee_domain::health::wear::RECENT;
use bailee_domain::health::{DoorFigures, Health, SupplyKind};
use bailee_edge::boards::{BoardAddress, BusHealth, Channel, DoorAddress, DoorNumbers};
use bailee_edge::health::{Book, Machine};

fn class(root: &Path, folder: &str, files: &[(&str, &str)]) {
    let folder = root.join("class").join(folder);
    fs::create_dir_all(&folder).unwrap();
    files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
}

fn machine(root: &Path) -> Machine {
    fs::create_dir_all(root.join("data/journal")).unwrap();
    fs::write(root.join("data/journal/0001"), [0; 3_000]).unwrap();
    Machine::at(root.join("sys"), root.join("data"))
}

#[test]
fn power_heat_and_room_are_read_as_the_kernel_shows_them() {
    let root = tempfile::tempdir().unwrap();
    let sys = root.path().join("sys");
    class(&sys, "power_supply/AC", &[("type", "Mains\n"), ("online", "0\n")]);
    let battery = [
        ("type", "Battery\n"),
        ("present", "1\n"),
        ("capacity", "87\n"),
        ("voltage_now", "12100000\n"),
        ("voltage_min_design", "11000000\n"),
    ];
    class(&sys, "power_supply/BAT0", &battery);
    class(&sys, "power_supply/mouse", &[("type", "Battery\n"), ("scope", "Device\n"), ("capacity", "3\n")]);
    class(&sys, "power_supply/BAT1", &[("type", "Battery\n"), ("present", "0\n")]);
    class(&sys, "thermal/thermal_zone0", &[("type", "cpu-thermal\n"), ("temp", "48312\n")]);
    class(&sys, "thermal/thermal_zone1", &[("type", "broken\n"), ("temp", "-273200\n")]);
    class(&sys, "thermal/cooling_device0", &[("type", "fan\n"), ("temp", "1\n")]);
    let machine = machine(root.path());

    let power = machine.power();
    let names: Vec<_> = power.iter().map(|supply| supply.name.as_str()).collect();
    assert_eq!(names, ["AC", "BAT0"], "neither a mouse nor an empty place is a supply of the bank's");
    assert_eq!((power[0].kind, power[0].online), (SupplyKind::Mains, Some(false)));
    let battery = &power[1];
    assert_eq!(
        (battery.charge, battery.millivolts, battery.least_millivolts),
        (Some(87), Some(12_100), Some(11_000))
    );
    let heat = machine.temperatures();
    assert_eq!(heat.len(), 1, "a zone that says the impossible says nothing: {heat:?}");
    assert_eq!((heat[0].name.as_str(), heat[0].millidegrees), ("cpu-thermal", 48_312));
    let disk = machine.disk().unwrap();
    assert!(disk.total >= disk.free && disk.total > 0 && disk.journal == 3_000, "{disk:?}");
    let found = judge(&Health { power, ..Health::default() });
    assert_eq!(level_of(&found, Matter::Power), Level::Amber, "on its battery");
}

#[test]
fn a_machine_that_shows_nothing_or_nonsense_is_no_fault() {
    let root = tempfile::tempdir().unwrap();
    let machine = machine(root.path());
    assert!(machine.power().is_empty() && machine.temperatures().is_empty());
    let sys = root.path().join("sys");
    let long = "9".repeat(5_000);
    class(&sys, "power_supply/BAT0", &[("type", "Battery\n"), ("capacity", &long), ("voltage_now", "-5\n")]);
    class(&sys, "power_supply/BAT1", &[("type", "\u{1b}[2J\n")]);
    class(&sys, "thermal/thermal_zone0", &[("temp", "warm\n")]);
    for zone in 1..60 {
        class(&sys, &format!("thermal/thermal_zone{zone}"), &[("temp", "20000\n")]);
    }
    assert_eq!(machine.power().len(), 1);
    assert_eq!((machine.power()[0].charge, machine.power()[0].millivolts), (None, None));
    assert_eq!(machine.temperatures().len(), 16);
    assert_eq!(Machine::at(sys, root.path().join("nowhere")).disk(), None);
}

fn lock() -> DoorAddress {
    DoorAddress { board: BoardAddress(1), channel: Channel::new(3).unwrap() }
}

fn counted(opened: u64, stayed_closed: u64, took: u64) -> BusHealth {
    let latest = Some(Duration::from_millis(took));
    let numbers = DoorNumbers {
        pulses: opened + stayed_closed,
        opened,
        stayed_closed,
        latest,
        ..DoorNumbers::default()
    };
    BusHealth { doors: [(lock(), numbers)].into(), ..BusHealth::default() }
}

fn figures(book: &Book) -> DoorFigures {
    let (door, record) = book.doors().next().unwrap();
    DoorFigures::of(door, record)
}

fn take(book: &mut Book, day: u32, numbers: &BusHealth) {
    book.take(0, day, numbers, |_, channel| Some(CompartmentNo(channel.into())));
}

#[test]
fn a_month_of_a_tiring_door_is_amber_and_survives_restarts() {
    let dir = tempfile::tempdir().unwrap();
    for day in 0..30 {
        // Every day the controller restarts, so the bus counts from nothing.
        let mut book = Book::open(dir.path());
        (1..=4).for_each(|nth| take(&mut book, day, &counted(nth, 0, 200 + u64::from(day) * 8)));
        book.keep().unwrap();
    }
    let book = Book::open(dir.path());
    let found = judge(&Health { doors: vec![figures(&book)], ..Health::default() });
    let door = found.iter().find(|finding| finding.matter == Matter::Doors).unwrap();
    assert_eq!((door.number, door.level, door.why.name()), (3, Level::Amber, "door-slower"));
    assert_eq!(figures(&book).tried, u8::try_from(RECENT).unwrap());
}

#[test]
fn a_book_that_cannot_be_read_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    for text in ["", "{", "{\"doors\": 7}", "{\"doors\": [], \"more\": 1}"] {
        fs::write(dir.path().join("doors.json"), text).unwrap();
        assert_eq!(Book::open(dir.path()).doors().count(), 0, "{text}");
    }
    fs::write(dir.path().join("doors.json"), vec![b' '; 2 << 20]).unwrap();
    let mut book = Book::open(dir.path());
    take(&mut book, 1, &counted(2, 1, 90));
    book.keep().unwrap();
    assert_eq!(figures(&Book::open(dir.path())), figures(&book));
    assert_eq!((figures(&book).tried, figures(&book).opened), (3, 2));
}
