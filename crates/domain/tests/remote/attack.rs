//! What a platform with all its keys gets: at most three doors an hour, and none without people.

use super::*;

#[test]
fn whatever_the_platform_says_three_doors_an_hour_open() {
    let mut bench = Bench::new(keys());
    let mut times = Vec::new();
    let start = bench.rig.now.mono;
    // Ann's signatures for four hours, with somebody at the bank all the while, and a clock that is moved as well.
    for turn in 0..240_u16 {
        let door = CompartmentNo(1 + turn % 6);
        if bench.ask(signed(bench.inspect(door), &[ANN])) == Answer::Done {
            times.push(bench.rig.now.mono.since_ms(start));
        }
        bench.close_all();
        bench.rig.now.wall = bench.rig.now.wall.plus_ms(7_200_000);
        bench.pass_ms(51_000);
    }
    assert_eq!(times.len(), bench.open_doors());
    assert!((12..=15).contains(&times.len()), "{times:?}");
    for window in times.windows(OPENINGS + 1) {
        assert!(window[OPENINGS] - window[0] >= SPAN_MS, "{window:?}");
    }
}

#[test]
fn a_restart_gives_no_opening_back() {
    let mut bench = Bench::new(keys());
    for door in 1..=3 {
        assert_eq!(bench.ask(signed(bench.inspect(CompartmentNo(door)), &[ANN])), Answer::Done);
        bench.close_all();
    }
    for _ in 0..5 {
        assert_eq!(bench.ask(signed(bench.inspect(CompartmentNo(4)), &[ANN])), Answer::BreakerOpen);
        bench.rig.now.wall = bench.rig.now.wall.plus_ms(86_400_000);
        bench.rig.restart();
        bench.pass_ms(1_000);
    }
    bench.pass_ms(SPAN_MS + 1_000);
    assert_eq!(bench.ask(signed(bench.inspect(CompartmentNo(4)), &[ANN])), Answer::Done);
    assert!(refusals(&bench).contains(&RemoteRefusal::BreakerOpen));
}

#[test]
fn guessing_the_code_on_the_screen_is_counted_across_restarts() {
    let mut bench = Bench::new(keys());
    let mut compared = 0;
    for guess in 0..40 {
        let presence = Code::parse(&format!("{guess:08}")).ok();
        match bench.ask(signed(Statement { presence, ..bench.inspect(DOOR) }, &[ANN])) {
            Answer::NotPresent => compared += 1,
            answer => assert_eq!(answer, Answer::BreakerOpen),
        }
        if guess % 5 == 0 {
            bench.rig.restart();
            bench.pass_ms(1_000);
        }
    }
    assert_eq!(compared, 10);
}

#[test]
fn a_statement_is_obeyed_once_also_after_a_restart_and_by_a_quorum() {
    let mut bench = Bench::new(keys());
    let one = signed(bench.inspect(DOOR), &[ANN]);
    assert_eq!(bench.ask(one.clone()), Answer::Done);
    bench.close_all();
    assert_eq!(bench.ask(one.clone()), Answer::NotAuthorised);
    bench.rig.restart();
    assert_eq!(bench.ask(one), Answer::NotAuthorised);
    let expires = bench.rig.now.wall.plus_ms(600_000);
    let two = signed(Statement { presence: None, expires, ..bench.inspect(DOOR) }, &[ANN, BEN]);
    bench.pass_ms(1_000);
    assert_eq!(bench.ask(two.clone()), Answer::Done);
    for _ in 0..3 {
        bench.close_all();
        bench.rig.restart();
        bench.pass_ms(1_000);
        assert_eq!(bench.ask(two.clone()), Answer::NotAuthorised);
    }
    assert_eq!(bench.open_doors(), 2);
}

#[test]
fn a_platform_with_every_key_of_its_own_opens_nothing() {
    let mut bench = Bench::new(keys());
    bench.rig.drop_off(MARA, Size::Small);
    let before = bench.open_doors();
    // No signature, a wrong one, somebody else's, one for another door.
    let statement = bench.inspect(DOOR);
    let mut forged = signed(statement, &[ANN]);
    forged.signatures[0].proof = Proof::Plain([0xb1; 64]);
    let mut moved = signed(bench.inspect(CompartmentNo(5)), &[ANN]);
    moved.statement = statement;
    let unsigned = Signed { statement, signatures: Vec::new() };
    for attempt in [forged, moved, unsigned, signed(statement, &[EVE])] {
        assert_ne!(bench.ask(attempt), Answer::Done);
    }
    // Keys of its own, as administrator, as officer, under Ann's name, and with every true key taken away.
    let eves = PersonKey { public: public(EVE), ..key(ANN, KeyUse::Administrator) };
    let own = [key(EVE, KeyUse::Administrator), key(EVE, KeyUse::Officer), eves];
    for (revision, keys) in [(2, [keys(), own.to_vec()].concat()), (3, Vec::new()), (4, own.to_vec())] {
        assert_eq!(bench.rig.ask(Request::TakeRoster(with_keys(revision, keys))), Answer::Done);
        for statement in [bench.inspect(DOOR), Statement { presence: None, ..bench.inspect(DOOR) }] {
            for people in [&[EVE][..], &[EVE, ANN]] {
                assert_ne!(bench.ask(signed(statement, people)), Answer::Done);
            }
        }
    }
    // Not after a week either: only signatures admit a key of staff.
    bench.rig.wait_ms(7 * 86_400_000);
    bench.pass_ms(1_000);
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[EVE])), Answer::NotAuthorised);
    assert_eq!(bench.open_doors(), before);
    assert!(bench.rig.events().any(|kind| matches!(kind, EventKind::KeyWaits { person: EVE, .. })));
    assert_eq!(bench.rig.view().remote.waiting_keys, 3, "and the screen says so");
}
