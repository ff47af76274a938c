//! Power cuts and checks that never end.

use super::*;

#[test]
fn the_power_may_fail_between_any_two_writes_of_an_opening_from_afar() {
    for cut in 0..12 {
        let mut bench = Bench::new(keys());
        let statement = bench.inspect(DOOR);
        let request = signed(statement, &[ANN]);
        let (command, deadline) = (CommandId::from_bytes([1; 16]), bench.rig.now.wall.plus_ms(60_000));
        let input = Input::Platform { command, deadline, request: Request::Signed(request.clone()) };
        let (now, rng) = (bench.rig.now, &mut bench.rig.rng);
        let out = bench.rig.bank.handle(input, now, rng);
        let [Output::CheckSignatures { check, .. }] = out[..] else { panic!("{out:?}") };
        let checked = Checked { digest: digest(&statement), proven: vec![Some(0)] };
        let cut_off = bench.rig.input_until(Input::SignaturesChecked { check, checked }, cut);
        let opened = bench.open_doors();
        bench.rig.open.values_mut().for_each(|open| *open = false);
        bench.rig.restart();
        bench.pass_ms(1_000);
        let intended = bench.rig.events().any(|kind| matches!(kind, EventKind::OpeningIntended { .. }));
        assert!(opened == 0 || intended, "cut {cut}: no door without its intent");
        assert_ne!(bench.ask(request), Answer::Done, "cut {cut}: the code on the screen is another one");
        // What was written of the opening counts.
        let mut more = 0;
        for door in 3..=6 {
            more +=
                usize::from(bench.ask(signed(bench.inspect(CompartmentNo(door)), &[ANN])) == Answer::Done);
            bench.close_all();
        }
        assert_eq!(more + usize::from(intended), OPENINGS, "cut {cut}");
        if !cut_off {
            return;
        }
    }
    panic!("the opening has more outputs than cuts were made");
}

#[test]
fn a_check_that_never_ends_holds_nothing() {
    let mut bench = Bench::new(keys());
    let request = Request::Signed(signed(bench.inspect(DOOR), &[ANN]));
    // Not through the bench, which would check.
    let (command, deadline) = (CommandId::from_bytes([1; 16]), bench.rig.now.wall.plus_ms(60_000));
    let (now, rng) = (bench.rig.now, &mut bench.rig.rng);
    bench.rig.bank.handle(Input::Platform { command, deadline, request }, now, rng);
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[ANN])), Answer::Busy);
    bench.pass_ms(16_000);
    assert_eq!(bench.ask(signed(bench.inspect(DOOR), &[ANN])), Answer::Done);
}
