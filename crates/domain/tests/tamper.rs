//! Signs of tampering: each ends in a named alarm, none in a flood.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use bailee_domain::bank::io::{Input, Siren};
use bailee_domain::compartment::{CompartmentNo, Sensed, Size};
use bailee_domain::event::{EventKind, Severity};
use bailee_domain::lockdown::Area;
use bailee_domain::tamper::{Felt, FeltClass, Sign, Source, SwitchState, Tamper};
use rig::{Latch, MARA, Rig};

fn begun(rig: &Rig, source: Source, tamper: Tamper) -> usize {
    let is = |kind: &&EventKind| **kind == EventKind::TamperBegan { source, tamper };
    rig.events().filter(is).count()
}

fn ended(rig: &Rig, of: Tamper) -> Option<u64> {
    rig.events().find_map(|kind| match kind {
        EventKind::TamperEnded { tamper, times, .. } if *tamper == of => Some(*times),
        _ => None,
    })
}

fn sign(rig: &mut Rig, source: Source, tamper: Tamper) {
    rig.input(Input::Tamper { source, tamper, sign: Sign::Present });
}

#[test]
fn a_cut_wire_and_a_dead_sensor_are_alarms_by_name() {
    let mut rig = Rig::new();
    for (source, state, tamper) in [
        (Source::Enclosure(1), SwitchState::Tripped, Tamper::Opened),
        (Source::PrySwitch(4), SwitchState::Tripped, Tamper::Opened),
        (Source::PrySwitch(4), SwitchState::Lost, Tamper::Lost),
    ] {
        rig.input(Input::Switch { source, state });
        assert_eq!(begun(&rig, source, tamper), 1);
        assert!(rig.view().tampers.contains(&(source, tamper)));
    }
    let felt = Felt { class: FeltClass::SensorFault, score: 0 };
    rig.input(Input::Vibration { sensor: 2, area: Area::Bank, felt });
    assert_eq!(begun(&rig, Source::Vibration(2), Tamper::Lost), 1);
    let mut alarms = rig.events().filter(|k| matches!(k, EventKind::TamperBegan { .. }));
    assert!(alarms.all(|kind| kind.severity() == Severity::Alarm));
    assert_eq!(rig.siren, Siren::On);
}

#[test]
fn a_chattering_switch_is_one_alarm_with_a_count() {
    let mut rig = Rig::new();
    let source = Source::Enclosure(1);
    let before = rig.records.len();
    for _ in 0..5_000 {
        rig.input(Input::Switch { source, state: SwitchState::Tripped });
        rig.input(Input::Switch { source, state: SwitchState::AtRest });
        rig.now.mono = rig.now.mono.plus_ms(40);
    }
    assert!(rig.records.len() < before + 20, "{} records", rig.records.len() - before);
    assert_eq!(begun(&rig, source, Tamper::Opened), 1);
    rig.wait_ms(11_000);
    assert_eq!(ended(&rig, Tamper::Opened), Some(5_000));
    assert!(rig.view().tampers.is_empty());
}

#[test]
fn a_switch_that_stays_open_is_told_again_and_again_but_seldom() {
    let mut rig = Rig::new();
    rig.input(Input::Switch { source: Source::Enclosure(1), state: SwitchState::Tripped });
    rig.wait_ms(3_600_000);
    let told = rig.events().filter(|k| matches!(k, EventKind::TamperContinued { .. })).count();
    assert_eq!(told, 6);
    assert_eq!(begun(&rig, Source::Enclosure(1), Tamper::Opened), 1);
}

#[test]
fn an_alarm_that_stands_is_not_begun_again_by_a_restart() {
    let mut rig = Rig::new();
    let source = Source::Enclosure(1);
    rig.input(Input::Switch { source, state: SwitchState::Tripped });
    rig.restart();
    rig.input(Input::Switch { source, state: SwitchState::Tripped });
    rig.wait_ms(20_000);
    assert_eq!(begun(&rig, source, Tamper::Opened), 1);
    rig.input(Input::Switch { source, state: SwitchState::AtRest });
    rig.wait_ms(11_000);
    assert!(rig.view().tampers.is_empty());
}

#[test]
fn somebody_on_the_line_is_one_alarm_that_ends_when_it_is_quiet() {
    let mut rig = Rig::new();
    let bus = Source::Bus(0);
    for tamper in [Tamper::BadFrames, Tamper::Unsolicited] {
        for _ in 0..500 {
            sign(&mut rig, bus, tamper);
        }
        assert_eq!(begun(&rig, bus, tamper), 1);
    }
    rig.wait_ms(301_000);
    assert_eq!(ended(&rig, Tamper::BadFrames), Some(500));
    assert!(rig.view().tampers.is_empty());
}

#[test]
fn a_reader_that_flags_tampering_is_an_alarm_until_it_is_over() {
    let mut rig = Rig::new();
    for tamper in [Tamper::CaseOpened, Tamper::Downgraded, Tamper::Silent] {
        let source = Source::Reader(1);
        sign(&mut rig, source, tamper);
        assert_eq!(begun(&rig, source, tamper), 1);
        rig.wait_ms(400_000);
        assert!(rig.view().tampers.contains(&(source, tamper)), "it lasts");
        rig.input(Input::Tamper { source, tamper, sign: Sign::Gone });
        rig.wait_ms(301_000);
        assert!(rig.view().tampers.is_empty());
    }
}

#[test]
fn a_bouncing_door_is_one_alarm_and_opens_for_nobody_until_it_is_steady() {
    let mut rig = Rig::new();
    let door = CompartmentNo(2);
    let before = rig.records.len();
    for n in 0..2_000 {
        let sensed = if n % 2 == 0 { Sensed::Open } else { Sensed::Closed };
        rig.input(Input::Door { compartment: door, sensed });
        rig.now.mono = rig.now.mono.plus_ms(150);
    }
    assert!(rig.records.len() < before + 30, "{} records", rig.records.len() - before);
    assert_eq!(begun(&rig, Source::Door(door), Tamper::Bouncing), 1);
    assert!(!rig.view().alarms.is_empty(), "the door counts as open meanwhile");
    rig.wait_ms(61_000);
    assert!(rig.view().alarms.is_empty(), "steady and closed");
    rig.wait_ms(301_000);
    assert!(rig.view().tampers.is_empty());
}

#[test]
fn swapped_cables_are_named() {
    let mut rig = Rig::new();
    rig.latches.insert(CompartmentNo(1), Latch::Stuck);
    rig.enter(rig::COURIER_CODE);
    rig.act(bailee_domain::bank::io::Action::Pick(MARA));
    rig.act(bailee_domain::bank::io::Action::ConfirmRecipient);
    rig.act(bailee_domain::bank::io::Action::PickSize(Size::Small));
    rig.force(CompartmentNo(4));
    assert_eq!(begun(&rig, Source::Door(CompartmentNo(4)), Tamper::Crossed), 1);
    assert!(rig.events().any(|kind| matches!(kind, EventKind::CompartmentForced { .. })));
}
