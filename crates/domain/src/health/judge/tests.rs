//! Every number has its limits, and a door is amber before it fails.

use alloc::vec;

use super::*;
use crate::compartment::CompartmentNo;
use crate::health::wear::Trend;
use crate::health::{Clock, Part, Temperature};

fn well() -> Health {
    Health {
        disk: Some(Disk { free: 20_000 * MB, total: 32_000 * MB, journal: MB }),
        clock: Clock { quality: TimeQuality::Trusted, offset_ms: Some(40) },
        guard: Guard::InOrder,
        ..Health::default()
    }
}

fn only(health: &Health) -> Option<(Level, &'static str)> {
    let found = judge(health);
    assert!(found.len() <= 1, "{found:?}");
    found.first().map(|finding| (finding.level, finding.why.name()))
}

fn door(missed: u8, in_vain: u8, trend: Option<Trend>) -> Health {
    let figures = DoorFigures {
        compartment: CompartmentNo(7),
        tried: 50,
        opened: 50 - missed,
        in_vain,
        usual_ms: Some(220),
        slowest_ms: Some(400),
        trend,
    };
    Health { doors: vec![figures], ..well() }
}

#[test]
fn a_sound_bank_has_no_finding() {
    assert_eq!(only(&well()), None);
}

#[test]
fn every_number_has_its_limits() {
    let disk = |free: u64| Health { disk: Some(Disk { free, total: 32_000 * MB, journal: 0 }), ..well() };
    assert_eq!(only(&disk(99 * MB)), Some((Level::Red, "disk-low")));
    assert_eq!(only(&disk(2_000 * MB)), Some((Level::Amber, "disk-low")));
    let warm = |millidegrees| Health {
        temperatures: vec![Temperature { millidegrees, ..Temperature::default() }],
        ..well()
    };
    for (mc, verdict) in [
        (21_000, None),
        (70_000, Some((Level::Amber, "hot"))),
        (85_000, Some((Level::Red, "hot"))),
        (-10_001, Some((Level::Amber, "cold"))),
        (-20_001, Some((Level::Red, "cold"))),
    ] {
        assert_eq!(only(&warm(mc)), verdict, "{mc}");
    }
    let clock = |quality, off| Health { clock: Clock { quality, offset_ms: Some(off) }, ..well() };
    assert_eq!(only(&clock(TimeQuality::Trusted, -31_000)), Some((Level::Amber, "clock-off")));
    assert_eq!(only(&clock(TimeQuality::Holdover, 300_000)), Some((Level::Red, "clock-off")));
    assert_eq!(only(&clock(TimeQuality::Degraded, 0)), Some((Level::Red, "time-untrusted")));
    assert_eq!(only(&Health { guard: Guard::None, ..well() }), Some((Level::Note, "no-guard")));
    let board = |failed| Health {
        boards: vec![BoardFigures { number: 1, requests: 36_000, failed, silent: false }],
        ..well()
    };
    assert_eq!(only(&board(359)), None);
    assert_eq!(only(&board(360)), Some((Level::Amber, "board-errors")));
    assert_eq!(only(&board(3_600)), Some((Level::Red, "board-errors")));
    let silent = Part { kind: PartKind::Reader, number: 1, answers: false };
    assert_eq!(only(&Health { readers: vec![silent], ..well() }), Some((Level::Red, "part-silent")));
}

#[test]
fn a_battery_is_judged_by_what_it_must_carry() {
    let battery = |charge, mains| {
        let battery = Supply { kind: SupplyKind::Battery, charge: Some(charge), ..Supply::default() };
        let mains = Supply { online: Some(mains), ..Supply::default() };
        judge(&Health { power: vec![mains, battery], ..well() })
    };
    assert_eq!(battery(95, true), []);
    assert_eq!(level_of(&battery(95, false), Matter::Power), Level::Amber);
    assert_eq!(level_of(&battery(40, true), Matter::Power), Level::Amber);
    assert_eq!(level_of(&battery(19, true), Matter::Power), Level::Red);
    let sagging = Supply { millivolts: Some(10_900), least_millivolts: Some(11_000), ..Supply::default() };
    assert_eq!(only(&Health { power: vec![sagging], ..well() }), Some((Level::Red, "voltage-low")));
}

#[test]
fn a_door_is_amber_before_it_fails_and_says_so() {
    assert_eq!(only(&door(1, 0, None)), None);
    assert_eq!(only(&door(10, 0, None)), Some((Level::Amber, "door-misses")));
    assert_eq!(only(&door(17, 0, None)), Some((Level::Red, "door-misses")));
    assert_eq!(only(&door(3, 3, None)), Some((Level::Red, "door-misses")));
    let trend = |to_ms| Some(Trend { from_ms: 200, to_ms, days: 29 });
    assert_eq!(only(&door(0, 0, trend(290))), None, "less than a poll can see");
    assert_eq!(only(&door(0, 0, trend(320))), Some((Level::Amber, "door-slower")));
    assert!(judge(&door(0, 0, trend(320))).iter().all(Finding::alerts));
}
