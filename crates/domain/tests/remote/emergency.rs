//! Two officers open one door without a network.

use super::*;

#[test]
fn two_officers_open_one_door_without_a_network() {
    let mut bench = Bench::new(keys());
    bench.rig.act(Action::Emergency);
    assert!(matches!(bench.rig.screen(), Screen::ChooseDoor { task: Task::Emergency, .. }));
    bench.rig.act(Action::ChooseDoor(DOOR));
    bench.answers(OLA);
    bench.answers(OLA);
    assert!(matches!(bench.rig.screen(), Screen::Challenge { answers: 1, .. }), "one officer twice is one");
    bench.answers(ANN);
    let refused = bench.rig.view().notice;
    assert!(matches!(refused, Some(Notice::Refused { reason: Refusal::BadResponse, .. })));
    assert_eq!(bench.open_doors(), 0);
    bench.answers(UWE);
    assert_eq!(bench.rig.pulses, [DOOR]);
    assert_eq!(bench.rig.screen(), Screen::Inspecting { compartment: DOOR });
    let purpose = Purpose::Inspect { by: OLA, authority: Authority::Override { second: UWE } };
    let alarm = bench
        .rig
        .events()
        .find(|kind| matches!(kind, EventKind::OpeningIntended { purpose: p, .. } if *p == purpose));
    assert_eq!(alarm.map(EventKind::severity), Some(Severity::Alarm));
    bench.rig.close(DOOR);
    assert_eq!(bench.rig.screen(), Screen::Inspected { compartment: DOOR });
}

#[test]
fn an_answer_is_good_for_one_door_one_challenge_and_a_quarter_of_an_hour() {
    let mut bench = Bench::new(keys());
    let respond = |bench: &mut Bench, door: CompartmentNo, challenge, person: PersonId| {
        let act = Act::Override { compartment: door, challenge };
        let statement = Statement { act, presence: None, expires: WallTime::default() };
        let Proof::Plain(signature) = genuine(person, &statement) else { panic!() };
        bench.rig.input(Input::Response { key: [person.to_bytes()[0]; 8], signature });
    };
    let ask = |bench: &mut Bench, door: CompartmentNo| {
        bench.rig.act(Action::Emergency);
        bench.rig.act(Action::ChooseDoor(door));
        let Screen::Challenge { challenge, .. } = bench.rig.screen() else { panic!() };
        challenge
    };
    let first = ask(&mut bench, DOOR);
    bench.rig.act(Action::Cancel);
    let second = ask(&mut bench, DOOR);
    assert_ne!(first, second);
    for person in [OLA, UWE] {
        respond(&mut bench, DOOR, first, person);
        respond(&mut bench, CompartmentNo(3), second, person);
    }
    assert_eq!(bench.open_doors(), 0);
    bench.answers(OLA);
    bench.pass_ms(15 * 60_000 + 1_000);
    assert!(matches!(bench.rig.screen(), Screen::Home { .. }), "its time is over");
    respond(&mut bench, DOOR, second, UWE);
    let third = ask(&mut bench, DOOR);
    bench.rig.restart();
    respond(&mut bench, DOOR, third, OLA);
    respond(&mut bench, DOOR, third, UWE);
    assert_eq!(bench.open_doors(), 0);
}

#[test]
fn a_bank_without_two_officers_offers_no_emergency() {
    let mut bench = Bench::new(vec![key(OLA, KeyUse::Officer), key(ANN, KeyUse::Administrator)]);
    assert!(!bench.rig.view().remote.emergency);
    bench.rig.act(Action::Emergency);
    assert!(matches!(bench.rig.screen(), Screen::Home { .. }));
}
