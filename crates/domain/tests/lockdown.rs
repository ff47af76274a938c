//! Lockdown as people at a bank and in the portal notice it.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use bailee_domain::bank::io::{Action, Answer, BoardHealth, Input, Request, Siren};
use bailee_domain::bank::screen::{Notice, Screen};
use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::event::{EventKind, Refusal, Severity};
use bailee_domain::id::PersonId;
use bailee_domain::lockdown::{
    Area, Cause, Exercise, Grade, LockdownNo, ReleaseFrom, Releasers, Rule, Security, Way,
};
use bailee_domain::roster::Roster;
use bailee_domain::tamper::{Felt, FeltClass, Source, SwitchState};
use bailee_domain::time::MonoTime;
use proptest::prelude::*;
use rig::{COURIER_CODE, KEEPER, KEEPER_CODE, Latch, MARA, Rig, SECOND_KEEPER, SECOND_KEEPER_CODE};

const CODE: &str = "12345678";
const HOUR_S: u64 = 3_600;

fn lock(rig: &mut Rig, area: Area, grade: Grade, exercise: Exercise) -> LockdownNo {
    let asked = Request::LockDown { area, grade, exercise, lasts_s: HOUR_S, by: MARA };
    assert_eq!(rig.ask(asked), Answer::Done);
    *rig.bank.lasting().lockdowns.keys().next_back().unwrap()
}

fn secure(rig: &mut Rig, change: impl FnOnce(&mut Security)) {
    let mut security = rig::security();
    change(&mut security);
    let revision = rig.bank.lasting().roster.revision + 1;
    let roster = Roster { security, ..rig::roster(revision) };
    assert_eq!(rig.ask(Request::TakeRoster(roster)), Answer::Done);
}

fn waiting(rig: &mut Rig) -> CompartmentNo {
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    compartment
}

fn held_back(rig: &mut Rig) -> bool {
    let before = rig.pulses.len();
    rig.enter(CODE);
    let refused = matches!(rig.view().notice, Some(Notice::Refused { reason: Refusal::LockedDown, .. }));
    assert_eq!(refused, rig.pulses.len() == before, "either it opens or it says why not");
    refused
}

#[test]
fn each_grade_holds_what_it_says_and_nothing_else() {
    let here = CompartmentNo(1);
    for (area, grade, local, remote, elsewhere) in [
        (Area::Bank, Grade::Watch, false, false, false),
        (Area::Bank, Grade::HoldRemote, false, true, false),
        (Area::Door(here), Grade::HoldRemote, false, true, false),
        (Area::Door(here), Grade::HoldZone, true, true, false),
        (Area::Zone(1), Grade::HoldZone, true, true, false),
        (Area::Bank, Grade::HoldZone, true, true, true),
        (Area::Zone(1), Grade::HoldAll, true, true, true),
    ] {
        let mut rig = Rig::new();
        lock(&mut rig, area, grade, Exercise::Real);
        let case = format!("{area:?} {grade:?}");
        assert_eq!(rig.bank.holds(here, Way::Local), local, "{case}");
        assert_eq!(rig.bank.holds(here, Way::Remote), remote, "{case}");
        assert_eq!(rig.bank.holds(CompartmentNo(5), Way::Local), elsewhere, "{case}");
        assert!(!rig.bank.holds(here, Way::Override), "two officers may: {case}");
    }
}

#[test]
fn a_locked_down_bank_opens_for_nobody_and_says_so_also_after_a_power_cut() {
    let mut rig = Rig::new();
    let compartment = waiting(&mut rig);
    let lockdown = lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    assert_eq!(rig.events().next_back().unwrap().severity(), Severity::Alarm);
    assert!(held_back(&mut rig));
    rig.enter(COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
    assert_eq!(rig.view().notice, Some(Notice::NoSpace), "a courier is given no compartment");
    rig.restart();
    assert!(held_back(&mut rig), "a restart lifts nothing");
    assert_eq!(rig.ask(Request::Release { lockdown, by: KEEPER }), Answer::Done);
    rig.enter(CODE);
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment }, "the code was not used up");
}

#[test]
fn who_has_a_door_open_finishes_and_nothing_new_opens() {
    let mut rig = Rig::new();
    rig.enter(COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
    lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    let Screen::PlaceParcel { compartment, can_go_bigger, .. } = rig.screen() else { panic!() };
    assert!(!can_go_bigger);
    rig.close(compartment);
    assert!(matches!(rig.screen(), Screen::Deposited { .. }));
    assert!(matches!(rig.last_event(), EventKind::ParcelDeposited(_)));
}

#[test]
fn a_lock_under_way_is_not_driven_a_second_time() {
    let mut rig = Rig::new();
    let compartment = waiting(&mut rig);
    rig.latches.insert(compartment, Latch::Stuck);
    rig.enter(CODE);
    lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    rig.latches.insert(compartment, Latch::Works);
    rig.wait_ms(10_000);
    assert_eq!(rig.pulses.len(), 1, "only the drop-off");
    assert!(rig.events().any(|kind| matches!(kind, EventKind::CompartmentDidNotOpen { .. })));
}

#[test]
fn the_kiosk_ends_a_lockdown_for_staff_whom_the_policy_names() {
    let mut rig = Rig::new();
    let lockdown = lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    rig.act(Action::Release(lockdown));
    assert_eq!(rig.view().lockdowns.len(), 1, "not for anybody without a code");
    rig.enter(KEEPER_CODE);
    assert!(matches!(rig.screen(), Screen::Keeper { .. }));
    rig.act(Action::Release(lockdown));
    assert_eq!(rig.view().notice, Some(Notice::Released));
    assert_eq!(*rig.last_event(), EventKind::LockdownReleased { lockdown, by: KEEPER, with: None });
    rig.act(Action::LockDown);
    assert!(rig.bank.holds(CompartmentNo(1), Way::Local));
    rig.act(Action::Finish);
    assert!(matches!(rig.screen(), Screen::Home { .. }));
}

#[test]
fn two_people_end_it_where_the_policy_says_and_one_person_twice_does_not() {
    let mut rig = Rig::new();
    secure(&mut rig, |security| security.releasers = Releasers::Two);
    let lockdown = lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    let ask = |rig: &mut Rig, by| rig.ask(Request::Release { lockdown, by });
    assert_eq!(ask(&mut rig, KEEPER), Answer::NeedsAnother);
    let written = rig.records.len();
    assert_eq!(ask(&mut rig, KEEPER), Answer::NeedsAnother);
    assert_eq!(rig.records.len(), written, "asking again writes nothing");
    assert_eq!(ask(&mut rig, MARA), Answer::NotAllowed);
    rig.wait_ms(16 * 60_000);
    assert_eq!(ask(&mut rig, SECOND_KEEPER), Answer::NeedsAnother, "the first agreed too long ago");
    rig.enter(KEEPER_CODE);
    rig.act(Action::Release(lockdown));
    let with = Some(SECOND_KEEPER);
    assert_eq!(*rig.last_event(), EventKind::LockdownReleased { lockdown, by: KEEPER, with });
    assert_eq!(ask(&mut rig, KEEPER), Answer::NoSuchLockdown);
}

#[test]
fn a_policy_can_keep_the_end_of_a_lockdown_at_the_kiosk() {
    let mut rig = Rig::new();
    secure(&mut rig, |security| security.release_from = ReleaseFrom::Kiosk);
    let lockdown = lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    assert_eq!(rig.ask(Request::Release { lockdown, by: KEEPER }), Answer::NotAllowed);
    rig.enter(SECOND_KEEPER_CODE);
    rig.act(Action::Release(lockdown));
    assert!(rig.view().lockdowns.is_empty());
}

#[test]
fn a_keeper_whose_code_is_replaced_meanwhile_ends_nothing() {
    let mut rig = Rig::new();
    let lockdown = lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    rig.enter(KEEPER_CODE);
    secure(&mut rig, |security| security.keepers.clear());
    rig.act(Action::Release(lockdown));
    assert_eq!(rig.view().lockdowns.len(), 1);
}

#[test]
fn a_drill_says_that_it_is_one_holds_nothing_and_ends_by_itself() {
    let mut rig = Rig::new();
    let compartment = waiting(&mut rig);
    lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Drill);
    assert_eq!(rig.last_event().severity(), Severity::Notice, "nobody is called out for a drill");
    assert!(rig.view().lockdowns[0].exercise.is_drill());
    rig.enter(CODE);
    assert_eq!(rig.screen(), Screen::TakeParcel { compartment });
    rig.close(compartment);
    rig.wait_ms(HOUR_S * 1_000 + 1_000);
    assert!(rig.view().lockdowns.is_empty());
    assert!(rig.events().any(|kind| matches!(kind, EventKind::LockdownExpired { .. })));
    let (area, grade) = (Area::Bank, Grade::Watch);
    let asked = Request::LockDown { area, grade, exercise: Exercise::Drill, lasts_s: 2 * HOUR_S, by: MARA };
    assert_eq!(rig.ask(asked), Answer::Invalid, "a drill lasts an hour at most");
}

#[test]
fn a_holding_drill_holds_what_it_says() {
    let mut rig = Rig::new();
    waiting(&mut rig);
    lock(&mut rig, Area::Zone(1), Grade::HoldZone, Exercise::HoldingDrill);
    assert!(held_back(&mut rig));
    assert!(!rig.bank.holds(CompartmentNo(2), Way::Local));
}

#[test]
fn asked_again_it_gets_harder_and_longer_never_milder_or_shorter() {
    let mut rig = Rig::new();
    let lockdown = lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    for (grade, lasts_s) in [(Grade::Watch, 60), (Grade::HoldAll, HOUR_S)] {
        let exercise = Exercise::Real;
        let asked = Request::LockDown { area: Area::Bank, grade, exercise, lasts_s, by: KEEPER };
        assert_eq!(rig.ask(asked), Answer::Done);
        assert!(!rig.events().any(|kind| matches!(kind, EventKind::LockdownChanged { .. })));
    }
    let (area, grade, exercise) = (Area::Bank, Grade::Watch, Exercise::Real);
    rig.ask(Request::LockDown { area, grade, exercise, lasts_s: 5 * HOUR_S, by: KEEPER });
    let shown = rig.view().lockdowns;
    assert_eq!((shown.len(), shown[0].lockdown, shown[0].grade), (1, lockdown, Grade::HoldAll));
    assert_eq!((shown[0].left_min, shown[0].owner), (300, Some(MARA)));
}

#[test]
fn places_and_times_that_do_not_exist_are_refused() {
    let mut rig = Rig::new();
    let mut ask = |area, lasts_s| {
        let (grade, exercise) = (Grade::HoldAll, Exercise::Real);
        rig.ask(Request::LockDown { area, grade, exercise, lasts_s, by: MARA })
    };
    assert_eq!(ask(Area::Door(CompartmentNo(99)), HOUR_S), Answer::NoSuchCompartment);
    assert_eq!(ask(Area::Zone(99), HOUR_S), Answer::NoSuchCompartment);
    assert_eq!(ask(Area::Bank, 0), Answer::Invalid);
    assert_eq!(ask(Area::Bank, u64::MAX), Answer::Invalid);
    let rules = vec![Rule { cause: Cause::ByHand, grade: Grade::HoldAll, lasts_s: 60 }];
    for rules in [rules, Security::default().rules.repeat(2)] {
        let security = Security { rules, ..Security::default() };
        let roster = Roster { security, ..rig::roster(9) };
        assert_eq!(rig.ask(Request::TakeRoster(roster)), Answer::Invalid);
    }
}

#[test]
fn the_deciding_sample_locks_down_in_the_same_step() {
    let mut rig = Rig::new();
    waiting(&mut rig);
    let felt = Felt { class: FeltClass::Drill, score: 300 };
    rig.input(Input::Vibration { sensor: 1, area: Area::Zone(1), felt });
    assert_eq!(rig.siren, Siren::On);
    let began = rig.events().any(|kind| {
        matches!(
            kind,
            EventKind::LockdownBegan { area: Area::Zone(1), grade: Grade::HoldZone, cause: Cause::Tool, .. }
        )
    });
    assert!(began, "no time passed between the sample and the lockdown");
    assert!(held_back(&mut rig));
}

#[test]
fn a_kick_cannot_lock_a_building_out() {
    let mut rig = Rig::new();
    secure(&mut rig, |security| {
        security.rules.iter_mut().for_each(|rule| rule.grade = Grade::HoldAll);
    });
    let knock = Felt { class: FeltClass::Knock, score: 900 };
    let faint = Felt { class: FeltClass::Pry, score: 299 };
    let blow = Felt { class: FeltClass::Impact, score: 900 };
    for felt in [knock, faint, knock, blow, blow] {
        rig.input(Input::Vibration { sensor: 1, area: Area::Bank, felt });
    }
    rig.wait_ms(60_000);
    rig.input(Input::Vibration { sensor: 1, area: Area::Bank, felt: blow });
    assert!(rig.view().lockdowns.is_empty(), "one burst of blows a minute is no attack");
    rig.wait_ms(5_000);
    rig.input(Input::Vibration { sensor: 1, area: Area::Bank, felt: blow });
    assert_eq!(rig.view().lockdowns[0].cause, Cause::Impact, "blows that come again are one");
}

#[test]
fn tools_and_prying_count_also_while_somebody_is_served() {
    for class in [FeltClass::Pry, FeltClass::Drill, FeltClass::Saw] {
        let mut rig = Rig::new();
        waiting(&mut rig);
        rig.enter(CODE);
        assert!(matches!(rig.screen(), Screen::TakeParcel { .. }));
        rig.input(Input::Vibration { sensor: 1, area: Area::Bank, felt: Felt { class, score: 400 } });
        assert!(rig.bank.holds(CompartmentNo(4), Way::Local), "{class:?}");
    }
}

#[test]
fn an_opened_enclosure_holds_the_whole_bank_and_a_silent_board_nothing() {
    let mut rig = Rig::new();
    rig.input(Input::Board { board: 2, health: BoardHealth::Silent });
    assert!(rig.view().lockdowns.is_empty());
    rig.input(Input::Switch { source: Source::Enclosure(1), state: SwitchState::Tripped });
    assert!(rig.bank.holds(CompartmentNo(1), Way::Local));
    rig.wait_ms(61 * 60_000);
    assert!(!rig.view().lockdowns.is_empty(), "it goes on while the enclosure stands open");
}

#[test]
fn staff_turn_the_siren_off_and_it_ends_by_itself() {
    let mut rig = Rig::new();
    rig.force(CompartmentNo(2));
    assert_eq!(rig.siren, Siren::On);
    rig.wait_ms(181_000);
    assert_eq!(rig.siren, Siren::Off);
    rig.close(CompartmentNo(2));
    rig.force(CompartmentNo(3));
    rig.enter(KEEPER_CODE);
    rig.act(Action::SilenceSiren);
    assert_eq!(rig.siren, Siren::Off);
    assert_eq!(*rig.last_event(), EventKind::SirenSilenced { by: KEEPER });
}

#[test]
fn a_lockdown_is_no_shelter_from_the_guess_budget() {
    let mut rig = Rig::new();
    lock(&mut rig, Area::Bank, Grade::HoldAll, Exercise::Real);
    rig.enter("90000001");
    assert_eq!(rig.bank.lasting().budget.misses().count(), 1);
    let nobody = PersonId::from_bytes([0xee; 16]);
    let lockdown = *rig.bank.lasting().lockdowns.keys().next().unwrap();
    assert_eq!(rig.ask(Request::Release { lockdown, by: nobody }), Answer::NotAllowed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Clocks jump and the power fails; a lockdown lasts as long as it should have, and a minute more per power cut at most.
    #[test]
    fn no_clock_moves_the_end_of_a_lockdown(
        lasts_s in 60..7_200u64,
        steps in prop::collection::vec((0..600u64, prop_oneof![Just(0i64), -400_000_000..400_000_000i64], prop::bool::weighted(0.1)), 1..60),
    ) {
        let mut rig = Rig::new();
        let (area, grade, exercise) = (Area::Bank, Grade::HoldAll, Exercise::Real);
        rig.ask(Request::LockDown { area, grade, exercise, lasts_s, by: MARA });
        let (mut ran_ms, mut cuts) = (0u64, 0u64);
        for (wait_s, jump_ms, cut) in steps {
            if cut {
                rig.restart();
                cuts += 1;
            }
            rig.now.wall = rig.now.wall.plus_ms(jump_ms);
            for _ in 0..wait_s / 10 {
                rig.now.mono = MonoTime::from_ms(rig.now.mono.ms() + 10_000);
                ran_ms += 10_000;
                rig.input(Input::Tick);
            }
            let held = rig.bank.holds(CompartmentNo(1), Way::Local);
            if ran_ms < lasts_s * 1_000 {
                prop_assert!(held, "it never ends early");
            }
            if ran_ms >= lasts_s * 1_000 + (cuts + 1) * 70_000 {
                prop_assert!(!held, "it never lasts longer than running time and power cuts allow");
            }
        }
    }
}
