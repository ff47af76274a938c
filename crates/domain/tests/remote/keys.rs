//! Keys of people: how they are admitted, and how a copied one is noticed.

use super::*;

#[test]
fn a_new_key_of_a_resident_waits_a_day_of_running() {
    let mut bench = Bench::new(keys());
    let (compartment, grant) = bench.rig.drop_off(NOOR, Size::Small);
    bench.rig.arm(grant, 1, "12345678");
    bench.rig.ask(Request::TakeRoster(with_keys(2, [keys(), vec![key(NOOR, KeyUse::Resident)]].concat())));
    let act = Act::Collect { compartment, grant };
    let tap = |bench: &mut Bench| {
        let statement = Statement { act, ..bench.inspect(compartment) };
        bench.ask(signed(statement, &[NOOR]))
    };
    assert_eq!(tap(&mut bench), Answer::NotAuthorised);
    // A clock moved ahead does not shorten it, nor do restarts.
    bench.rig.now.wall = bench.rig.now.wall.plus_ms(2 * rig::DAY_MS);
    bench.rig.restart();
    bench.pass_ms(1_000);
    assert_eq!(tap(&mut bench), Answer::NotAuthorised);
    bench.rig.wait_ms(RESIDENT_WAIT_MS);
    bench.pass_ms(1_000);
    assert_eq!(tap(&mut bench), Answer::Done);
}

#[test]
fn administrators_admit_a_key_together() {
    let mut bench = Bench::new(keys());
    let new = key(EVE, KeyUse::Administrator);
    bench.rig.ask(Request::TakeRoster(with_keys(2, [keys(), vec![new]].concat())));
    let admit = |bench: &Bench| Statement { act: Act::Admit(new), presence: None, ..bench.inspect(DOOR) };
    assert_eq!(bench.ask(signed(admit(&bench), &[ANN])), Answer::NotAuthorised, "one is not a quorum");
    assert_eq!(
        bench.ask(signed(admit(&bench), &[ANN, EVE])),
        Answer::NotAuthorised,
        "nobody admits themselves"
    );
    assert_eq!(bench.ask(signed(admit(&bench), &[ANN, BEN])), Answer::Done);
    assert!(matches!(
        bench.rig.last_event(),
        EventKind::KeyAdmitted { person: EVE, by: ANN, second: Some(BEN), .. }
    ));
    bench.rig.restart();
    bench.pass_ms(1_000);
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[EVE])), Answer::Done);
}

#[test]
fn the_first_keys_of_a_bank_that_never_held_one_wait_three_days() {
    let mut bench = Bench::new(Vec::new());
    assert_eq!(bench.shown(), None, "without keys there is nothing to be present for");
    bench.rig.ask(Request::TakeRoster(with_keys(2, keys())));
    bench.pass_ms(1_000);
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[ANN])), Answer::NotAuthorised);
    bench.rig.wait_ms(STAFF_WAIT_MS);
    bench.pass_ms(1_000);
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[ANN])), Answer::Done);
}

#[test]
fn a_copied_authenticator_is_noticed_by_its_count() {
    let mut bench = Bench::new(keys());
    let mut tries = BTreeMap::new();
    for count in [5, 6, 6, 4, 0, 7] {
        let statement = bench.inspect(DOOR);
        let request = Request::Signed(signed(statement, &[ANN]));
        let (command, deadline) = (CommandId::from_bytes([1; 16]), bench.rig.now.wall.plus_ms(60_000));
        let (now, rng) = (bench.rig.now, &mut bench.rig.rng);
        let out = bench.rig.bank.handle(Input::Platform { command, deadline, request }, now, rng);
        let [Output::CheckSignatures { check, .. }] = out[..] else { panic!("{out:?}") };
        let checked = Checked { digest: digest(&statement), proven: vec![Some(count)] };
        bench.rig.input(Input::SignaturesChecked { check, checked });
        tries.entry(count).or_insert_with(Vec::new).push(*bench.rig.replies.last().unwrap());
        bench.close_all();
    }
    let refused = Answer::NotAuthorised;
    let expected = BTreeMap::from([
        (0, vec![refused]),
        (4, vec![refused]),
        (5, vec![Answer::Done]),
        (6, vec![Answer::Done, refused]),
        (7, vec![Answer::Done]),
    ]);
    assert_eq!(tries, expected);
}
