//! Openings from afar: who may have which door opened, and who must be there.

use super::*;

#[test]
fn an_administrator_with_somebody_at_the_bank_opens_a_door() {
    let mut bench = Bench::new(keys());
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[ANN])), Answer::Done);
    assert_eq!(bench.rig.pulses, [DOOR]);
    assert_eq!(bench.rig.screen(), Screen::Inspecting { compartment: DOOR });
    let intended = bench.rig.events().rev().find_map(|kind| match kind {
        EventKind::OpeningIntended { purpose, .. } => Some((*purpose, kind.severity())),
        _ => None,
    });
    let purpose = Purpose::Inspect { by: ANN, authority: Authority::Remote { reason: [7; 32] } };
    assert_eq!(intended, Some((purpose, Severity::Notice)));
    bench.rig.close(DOOR);
    assert_eq!(bench.rig.screen(), Screen::Inspected { compartment: DOOR });
    bench.pass_ms(10_000);
    assert!(matches!(bench.rig.screen(), Screen::Home { .. }));
}

#[test]
fn a_resident_opens_the_door_of_their_own_parcel_and_no_other() {
    let mut bench = Bench::new(keys());
    let (compartment, grant) = bench.rig.drop_off(MARA, Size::Small);
    let (other, others) = bench.rig.drop_off(NOOR, Size::Small);
    bench.rig.arm(grant, 1, "12345678");
    bench.rig.arm(others, 1, "99995555");
    let before = bench.open_doors();
    for (compartment, grant) in [(other, others), (other, grant), (compartment, others)] {
        let act = Act::Collect { compartment, grant };
        let statement = Statement { act, ..bench.inspect(compartment) };
        assert_eq!(bench.ask(signed(statement, &[MARA])), Answer::NotAuthorised);
    }
    assert_eq!(bench.open_doors(), before);
    let act = Act::Collect { compartment, grant };
    let statement = Statement { act, ..bench.inspect(compartment) };
    assert_eq!(bench.ask(signed(statement, &[MARA])), Answer::Done);
    assert_eq!(bench.rig.screen(), Screen::TakeParcel { compartment });
    bench.rig.close(compartment);
    assert!(
        bench
            .rig
            .events()
            .any(|kind| matches!(kind, EventKind::ParcelCollected { grant: g, .. } if *g == grant))
    );
    bench.pass_ms(10_000);
    let again = Statement { act, ..bench.inspect(compartment) };
    assert_eq!(bench.ask(signed(again, &[MARA])), Answer::NotAuthorised, "the grant is used");
    let remote = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::OpeningIntended { purpose: Purpose::Pickup { surface: Surface::Remote, .. }, .. }
        )
    };
    assert_eq!(bench.rig.events().filter(|kind| remote(kind)).count(), 1);
    // A resident's key is no administrator's.
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[MARA])), Answer::NotAuthorised);
}

#[test]
fn without_somebody_at_the_bank_nothing_opens() {
    let mut bench = Bench::new(keys());
    for presence in [None, Code::parse("00000000").ok(), Code::parse("12345678").ok()] {
        let statement = Statement { presence, ..bench.inspect(DOOR) };
        assert_eq!(bench.ask(signed(statement, &[ANN])), Answer::NotPresent, "{presence:?}");
    }
    // What was on the screen before the one before, and what was used, is not on it any more.
    let old = bench.inspect(DOOR);
    bench.pass_ms(45_000);
    assert_eq!(
        bench.ask(signed(Statement { expires: bench.inspect(DOOR).expires, ..old }, &[ANN])),
        Answer::Done
    );
    bench.close_all();
    let used = Statement { presence: old.presence, ..bench.inspect(DOOR) };
    assert_eq!(bench.ask(signed(used, &[ANN])), Answer::NotPresent);
    let old = bench.inspect(DOOR);
    bench.pass_ms(61_000);
    let late = Statement { presence: old.presence, ..bench.inspect(DOOR) };
    assert_eq!(bench.ask(signed(late, &[ANN])), Answer::NotPresent);
    assert_eq!(bench.open_doors(), 1);
}

#[test]
fn out_of_time_is_out_of_time_whoever_moves_the_clock() {
    let mut bench = Bench::new(keys());
    let now = bench.rig.now.wall;
    for ahead_ms in [-1, 0, 60_001, 3_600_000, i64::MAX] {
        let expires = now.plus_ms(ahead_ms);
        let answer = bench.ask(signed(Statement { expires, ..bench.inspect(DOOR) }, &[ANN]));
        assert_eq!(answer, Answer::TooLate, "{ahead_ms}");
    }
    let good = signed(bench.inspect(DOOR), &[ANN]);
    bench.rig.now.wall = now.plus_ms(365 * rig::DAY_MS);
    assert_eq!(bench.ask(good), Answer::TooLate, "a clock moved ahead ends statements");
    assert_eq!(bench.open_doors(), 0);
}

#[test]
fn a_quorum_needs_nobody_there_and_counts_against_nothing() {
    let mut bench = Bench::new(keys());
    for door in 1..=5 {
        let statement = Statement { presence: None, ..bench.inspect(CompartmentNo(door)) };
        assert_eq!(bench.ask(signed(statement, &[ANN, BEN])), Answer::Done);
        bench.close_all();
    }
    assert_eq!(
        bench.ask(signed(bench.inspect(DOOR), &[ANN])),
        Answer::Done,
        "the breaker has not counted them"
    );
    bench.close_all();
    for people in [&[ANN][..], &[ANN, ANN], &[ANN, MARA], &[ANN, EVE]] {
        let statement = Statement { presence: None, ..bench.inspect(DOOR) };
        assert_ne!(bench.ask(signed(statement, people)), Answer::Done, "{people:?}");
    }
    // A roster that asks for less is not obeyed.
    let mut less = with_keys(2, keys());
    less.signers.quorum = 1;
    bench.rig.ask(Request::TakeRoster(less));
    let statement = Statement { presence: None, ..bench.inspect(DOOR) };
    assert_eq!(bench.ask(signed(statement, &[ANN])), Answer::NotPresent);
}

#[test]
fn a_lockdown_holds_openings_from_afar_and_not_two_officers() {
    let mut bench = Bench::new(keys());
    let grade = Grade::HoldAll;
    let (area, exercise) = (Area::Bank, Exercise::Real);
    bench.rig.ask(Request::LockDown { area, grade, exercise, lasts_s: 3_600, by: MARA });
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[ANN])), Answer::DoorUnavailable);
    let quorum = Statement { presence: None, ..bench.inspect(DOOR) };
    assert_eq!(bench.ask(signed(quorum, &[ANN, BEN])), Answer::DoorUnavailable);
    assert_eq!(bench.open_doors(), 0);
    bench.rig.act(Action::Emergency);
    bench.rig.act(Action::ChooseDoor(DOOR));
    bench.answers(OLA);
    bench.answers(UWE);
    assert_eq!(bench.rig.pulses, [DOOR]);
}

#[test]
fn nobody_at_the_kiosk_is_disturbed() {
    let mut bench = Bench::new(keys());
    let statement = bench.inspect(DOOR);
    bench.rig.enter(rig::COURIER_CODE);
    assert_eq!(bench.shown(), None);
    assert_eq!(bench.ask(signed(statement, &[ANN])), Answer::Busy);
    assert!(matches!(bench.rig.screen(), Screen::FindRecipient { .. }));
    assert_eq!(bench.open_doors(), 0);
}
