//! What must hold whatever the network does.

use bailee_domain::event::Severity;
use bailee_edge::uplink::{EventSource, Fault, Input};
use bailee_wire::link::{MAX_EVENTS_IN_FLIGHT, RefusedReason};
use proptest::prelude::*;

use crate::gateway::Breach;
use crate::journal::Journal;
use crate::pair::Pair;

#[derive(Clone, Debug)]
enum Step {
    Routine(u8),
    Alarm,
    Wait(u32),
    Up(u8),
    Down(u8),
    LoseUp,
    LoseDown,
    RepeatUp,
    SwapUp,
    SwapDown,
    Cut,
    Network(bool),
    StoreFails(bool),
    Command(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u8>().prop_map(Step::Routine),
        2 => Just(Step::Alarm),
        6 => prop_oneof![1u32..3_000, 3_000u32..70_000].prop_map(Step::Wait),
        10 => (1u8..20).prop_map(Step::Up),
        10 => (1u8..20).prop_map(Step::Down),
        1 => Just(Step::LoseUp),
        1 => Just(Step::LoseDown),
        2 => Just(Step::RepeatUp),
        1 => Just(Step::SwapUp),
        1 => Just(Step::SwapDown),
        2 => Just(Step::Cut),
        2 => any::<bool>().prop_map(Step::Network),
        1 => any::<bool>().prop_map(Step::StoreFails),
        2 => (1u8..40).prop_map(Step::Command),
    ]
}

fn run(pair: &mut Pair, step: &Step) {
    match *step {
        Step::Routine(n) => (0..n).for_each(|_| pair.append_routine()),
        Step::Alarm => pair.append_alarm(),
        Step::Wait(ms) => pair.advance(ms.into()),
        Step::Up(n) => (0..n).for_each(|_| {
            pair.deliver_up();
        }),
        Step::Down(n) => (0..n).for_each(|_| {
            pair.deliver_down();
        }),
        Step::LoseUp => drop(pair.up.pop_front()),
        Step::LoseDown => drop(pair.down.pop_front()),
        Step::RepeatUp => pair.up.extend(pair.up.front().cloned()),
        Step::SwapUp if pair.up.len() > 1 => pair.up.swap(0, 1),
        Step::SwapDown if pair.down.len() > 1 => pair.down.swap(0, 1),
        Step::SwapUp | Step::SwapDown => {}
        Step::Cut => pair.cut(),
        Step::Network(up) => pair.network = up,
        Step::StoreFails(fails) => pair.store_fails = fails,
        Step::Command(id) => pair.command(id, 120_000),
    }
    assert!(pair.journal.head() >= pair.stored.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_event_arrives_once_and_in_order(seed: u64, steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new(seed);
        for step in &steps {
            run(&mut pair, step);
        }
        pair.heal(180);
        pair.check_delivered();
        for breach in &pair.breaches {
            prop_assert!(matches!(breach, Breach::Gap { .. }), "an honest bank was accused: {breach}");
        }
        prop_assert!(pair.asked.values().all(|n| *n == 1), "a command reached the engine twice");
        prop_assert!(pair.answered.values().all(|n| *n == 1));
        for command in pair.expired {
            prop_assert!(!pair.answered.contains_key(&command));
        }
    }
}

/// A bank with `backlog` events nobody has seen, which has just been welcomed.
fn with_backlog(backlog: u64) -> Pair {
    let mut pair = Pair::new(1);
    pair.network = false;
    for _ in 0..backlog {
        pair.journal.routine();
    }
    pair
}

#[test]
fn an_alarm_raised_during_a_long_upload_overtakes_it() {
    let mut pair = with_backlog(10_000);
    pair.network = true;
    pair.advance(1_000);
    pair.deliver_up();
    pair.deliver_down();
    pair.append_alarm();
    pair.settle();
    let (seq, stored_then) = pair.previews[0];
    assert_eq!(seq, 10_001);
    assert!(stored_then <= MAX_EVENTS_IN_FLIGHT, "{stored_then} events went first");
    assert_eq!(pair.previews.len(), 1);
    pair.check_delivered();
}

#[test]
fn an_alarm_raised_offline_is_the_first_thing_heard() {
    let mut pair = with_backlog(10_000);
    pair.append_alarm();
    for _ in 0..100 {
        pair.append_routine();
    }
    pair.heal(5);
    assert_eq!(pair.previews, [(10_001, 0)]);
    pair.check_delivered();
}

#[test]
fn no_more_than_a_window_is_ever_under_way() {
    let mut pair = with_backlog(10_000);
    pair.heal(5);
    pair.check_delivered();
    // Hello, then at most a window in frames, and a ping.
    assert!(pair.most_in_flight <= 12, "{} frames", pair.most_in_flight);
}

#[test]
fn a_silent_bank_is_offline_within_sixty_seconds_and_notices_within_forty_five() {
    let mut pair = Pair::new(1);
    pair.heal(30);
    assert_eq!(
        (pair.presence.as_slice(), pair.reached.as_slice()),
        (["online"].as_slice(), [true].as_slice())
    );
    // The cable is pulled: nobody is told.
    for second in 1..=60 {
        pair.up.clear();
        pair.down.clear();
        pair.network = false;
        pair.advance(1_000);
        if second == 45 {
            assert_eq!(pair.reached, [true, false], "the bank gives up after 45 seconds at the latest");
        }
    }
    assert_eq!(pair.presence, ["online", "offline"]);
    pair.heal(60);
    assert_eq!(pair.presence, ["online", "offline", "online"]);
}

#[test]
fn an_idle_bank_stays_online_for_hours() {
    let mut pair = Pair::new(1);
    pair.heal(3 * 3_600);
    assert_eq!(pair.presence, ["online"]);
    assert_eq!(pair.reached, [true]);
}

#[test]
fn a_bank_that_never_comes_is_reported_offline_once() {
    let mut pair = Pair::new(1);
    pair.network = false;
    for _ in 0..300 {
        pair.advance(1_000);
    }
    assert_eq!(pair.presence, ["offline"]);
}

#[test]
fn a_journal_that_was_rolled_back_is_noticed_by_the_platform() {
    let mut pair = with_backlog(20);
    pair.heal(5);
    pair.journal = Journal::new();
    pair.journal.routine();
    pair.cut();
    pair.heal(5);
    assert!(matches!(pair.breaches[0], Breach::RolledBack { stored: 20, claimed: 1 }));
    let refused = |f: &Fault| matches!(f, Fault::Refused { reason: RefusedReason::ChainBroken, .. });
    assert!(pair.faults.iter().any(refused));
    assert_eq!(pair.stored.len(), 20);
}

#[test]
fn another_history_is_refused_and_nothing_of_it_stored() {
    let mut pair = with_backlog(20);
    pair.heal(5);
    pair.journal = Journal::new();
    for _ in 0..30 {
        pair.journal.alarm();
    }
    pair.cut();
    pair.heal(5);
    assert_eq!(pair.breaches[0], Breach::Fork { seq: 21 });
    assert_eq!(pair.stored.len(), 20);
}

#[test]
fn events_forgotten_too_early_are_a_fault_not_a_gap() {
    let mut pair = with_backlog(20);
    pair.journal.forgotten = 10;
    pair.heal(2);
    assert_eq!(
        pair.faults,
        [Fault::PlatformForgot(1)],
        "said once: the link stays for the witness and for alarms"
    );
    assert!(pair.breaches.is_empty() && pair.stored.is_empty());
    pair.command(1, 60_000);
    pair.heal(2);
    assert_eq!(pair.answered.len(), 1, "the bank can still be asked");
}

#[test]
fn a_command_is_resent_until_answered_and_obeyed_once() {
    let mut pair = Pair::new(1);
    pair.heal(2);
    pair.command(1, 60_000);
    pair.deliver_down();
    // The bank obeyed; its answer is lost with the connection.
    pair.cut();
    pair.heal(10);
    assert_eq!(pair.asked.values().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(pair.answered.values().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_command_for_an_absent_bank_expires_unsent() {
    let mut pair = Pair::new(1);
    pair.network = false;
    pair.command(1, 10_000);
    pair.advance(10_000);
    assert_eq!(pair.expired.len(), 1);
    pair.heal(60);
    assert!(pair.asked.is_empty(), "never late");
}

#[test]
fn garbage_from_either_side_ends_the_connection_and_nothing_else() {
    let mut pair = Pair::new(1);
    pair.heal(2);
    pair.up.push_back(vec![0xff; 100]);
    pair.settle();
    assert!(!pair.connected);
    pair.heal(60);
    pair.bank(Input::Frame(vec![0xff; 100]));
    assert!(matches!(pair.faults.last(), Some(Fault::Unreadable(_))));
    pair.bank(Input::Appended { seq: 1, severity: Severity::Routine });
    pair.journal.routine();
    pair.heal(60);
    pair.check_delivered();
}
