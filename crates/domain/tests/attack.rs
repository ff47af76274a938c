//! What somebody who wishes a bank ill tries, one attempt a test.

mod rig;

use bailee_domain::bank::io::{Action, Answer, BoardHealth, Input, Record, Request, TokenClaims};
use bailee_domain::bank::screen::Screen;
use bailee_domain::code::Code;
use bailee_domain::compartment::Size;
use bailee_domain::event::{EventKind, Problem, Refusal};
use bailee_domain::id::{CommandId, GrantId, PersonId};
use bailee_domain::roster::{CourierPass, Policy};
use bailee_domain::time::{MonoTime, TrustedClock, WallTime};
use rig::{DAY_MS, Latch, MARA, Rig, roster};

const CODE: &str = "12345678";

fn count(rig: &Rig, which: impl Fn(&EventKind) -> bool) -> usize {
    rig.events().filter(|kind| which(kind)).count()
}

/// A courier with the door open in front of them.
fn placing(rig: &mut Rig) {
    rig.enter(rig::COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
}

#[test]
fn a_roster_with_absurd_times_is_refused_and_stops_nothing() {
    let absurd = [
        Policy { held_open_ms: u64::MAX, ..Policy::default() },
        Policy { idle_ms: u64::MAX, ..Policy::default() },
        Policy { idle_warning_ms: u64::MAX, ..Policy::default() },
        Policy { held_open_ms: 2 * 86_400_000, ..Policy::default() },
    ];
    for policy in absurd {
        let mut rig = Rig::new();
        placing(&mut rig);
        assert_eq!(
            rig.ask(Request::TakeRoster(bailee_domain::roster::Roster { policy, ..roster(2) })),
            Answer::Invalid,
            "{policy:?}"
        );
        rig.wait_ms(1_000);
    }
}

#[test]
fn a_journal_that_holds_absurd_times_stops_nothing() {
    let mut rig = Rig::new();
    let absurd =
        Policy { held_open_ms: u64::MAX, idle_ms: u64::MAX, idle_warning_ms: u64::MAX, ..Policy::default() };
    rig.records.push(Record::Roster(bailee_domain::roster::Roster { policy: absurd, ..roster(2) }));
    rig.restart();
    placing(&mut rig);
    rig.wait_ms(1_000);
    assert!(matches!(rig.screen(), Screen::PlaceParcel { .. }));
}

#[test]
fn a_grant_revoked_between_two_pulses_is_not_pulsed_again() {
    let mut rig = Rig::new();
    let (compartment, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    rig.latches.insert(compartment, Latch::Stuck);
    rig.enter(CODE);
    rig.wait_ms(1_000);
    assert_eq!(rig.ask(Request::Revoke { grant }), Answer::Done);
    let pulsed = rig.pulses.len();
    rig.latches.insert(compartment, Latch::Works);
    rig.wait_ms(10_000);
    assert_eq!(rig.pulses.len(), pulsed, "the revocation was answered before the second pulse");
}

#[test]
fn a_courier_taken_off_the_roster_opens_no_further_door() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    let without = bailee_domain::roster::Roster { couriers: Vec::new(), ..roster(2) };
    assert_eq!(rig.ask(Request::TakeRoster(without)), Answer::Done);
    rig.act(Action::PickSize(Size::Small));
    assert!(rig.pulses.is_empty(), "the bank had been told");
    assert!(matches!(rig.screen(), Screen::Home { .. }));
}

#[test]
fn a_courier_whose_code_was_replaced_signs_in_anew() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    let mut changed = roster(2);
    changed.couriers[0].verifier = rig::verifier("55556666");
    rig.ask(Request::TakeRoster(changed));
    assert!(matches!(rig.screen(), Screen::Home { .. }));
}

#[test]
fn a_courier_taken_off_the_roster_with_a_door_open_can_only_close_it() {
    let mut rig = Rig::new();
    placing(&mut rig);
    let Screen::PlaceParcel { compartment, .. } = rig.screen() else { panic!() };
    let without = bailee_domain::roster::Roster { couriers: Vec::new(), ..roster(2) };
    rig.ask(Request::TakeRoster(without));
    rig.act(Action::Bigger);
    rig.close(compartment);
    assert_eq!(rig.pulses, [compartment], "no second door");
    assert!(matches!(rig.screen(), Screen::Home { .. }), "{:?}", rig.screen());
}

#[test]
fn a_live_token_before_a_dead_door_does_not_fill_the_journal() {
    let mut rig = Rig::new();
    let (_, grant) = rig.drop_off(MARA, Size::Small);
    rig.arm(grant, 1, CODE);
    for board in [1, 2] {
        rig.input(Input::Board { board, health: BoardHealth::Silent });
    }
    let claims = TokenClaims {
        this_bank: true,
        grant,
        generation: 1,
        not_before: rig.now.wall,
        expires: rig.now.wall.plus_ms(DAY_MS),
    };
    for _ in 0..100 {
        rig.input(Input::Token(Ok(claims)));
    }
    let refused =
        |kind: &EventKind| matches!(kind, EventKind::AccessRefused { reason: Refusal::DoorUnavailable, .. });
    assert_eq!(count(&rig, refused), 1);
}

#[test]
fn the_same_report_again_and_again_is_written_once() {
    let mut rig = Rig::new();
    placing(&mut rig);
    for _ in 0..50 {
        rig.act(Action::Report(Problem::Empty));
        rig.act(Action::Report(Problem::DoesNotClose));
    }
    assert_eq!(count(&rig, |kind| matches!(kind, EventKind::ProblemReported { .. })), 2);
}

#[test]
fn a_courier_without_space_does_not_fill_the_journal() {
    let mut rig = Rig::new();
    rig.enter(rig::COURIER_CODE);
    rig.act(Action::Pick(MARA));
    rig.act(Action::ConfirmRecipient);
    for _ in 0..50 {
        rig.act(Action::PickSize(Size::ExtraLarge));
    }
    assert_eq!(count(&rig, |kind| matches!(kind, EventKind::AccessRefused { .. })), 1);
}

#[test]
fn a_comparison_that_never_ends_does_not_hold_the_kiosk() {
    let mut rig = Rig::new();
    let code = Code::parse("99999999").unwrap();
    // Not through the bench, which would answer.
    let now = rig.now;
    rig.bank.handle(Input::Kiosk(Action::EnterCode(code)), now, &mut rig.rng);
    let mut later = now;
    later.mono = later.mono.plus_ms(60_000);
    rig.bank.handle(Input::Tick, later, &mut rig.rng);
    assert!(matches!(rig.bank.view(later).screen, Screen::Home { .. }));
    assert_eq!(rig.bank.lasting().budget.tries_left(later.wall), 4, "it stays a miss");
}

#[test]
fn a_clock_from_the_end_of_time_is_not_obeyed() {
    let start = WallTime::from_unix_ms(1_800_000_000_000);
    for wild in [i64::MAX, i64::MIN, 253_402_300_800_000] {
        let mut clock = TrustedClock::start(Some(start), start, MonoTime::from_ms(0));
        assert_eq!(clock.trust(WallTime::from_unix_ms(wild), MonoTime::from_ms(5)), 0, "{wild}");
        assert_eq!(clock.now(start, MonoTime::from_ms(5)).wall, start.plus_ms(5));
    }
}

#[test]
fn requests_at_the_ends_of_time_and_number_are_answered() {
    let mut rig = Rig::new();
    let (_, grant) = rig.drop_off(MARA, Size::Small);
    for expires in [i64::MIN, -1, 0, i64::MAX] {
        let expires = WallTime::from_unix_ms(expires);
        let request = Request::Arm { grant, generation: 255, verifier: rig::verifier(CODE), expires };
        assert_eq!(rig.ask(request), Answer::Invalid);
    }
    assert_eq!(rig.arm(grant, 255, CODE), Answer::Done);
    for generation in [0, 1, 254] {
        assert_eq!(rig.arm(grant, generation, "87654321"), Answer::Superseded, "no wrapping around");
    }
    for deadline in [i64::MIN, i64::MAX] {
        let deadline = WallTime::from_unix_ms(deadline);
        let command = CommandId::from_bytes([9; 16]);
        rig.input(Input::Platform { command, deadline, request: Request::ResetKeypad { by: MARA } });
    }
    rig.input(Input::Acknowledged { up_to: u64::MAX });
    assert_eq!(rig.bank.lasting().acknowledged, 0);
    let wild = bailee_domain::roster::Roster { revision: u64::MAX, ..roster(2) };
    assert_eq!(rig.ask(Request::TakeRoster(wild)), Answer::Invalid, "the numbers would be used up");
    assert_eq!(rig.ask(Request::TakeRoster(roster(3))), Answer::Done);
    rig.wait_ms(1_000);
}

#[test]
fn a_token_for_a_grant_without_a_code_opens_nothing() {
    let mut rig = Rig::new();
    let (_, grant) = rig.drop_off(MARA, Size::Small);
    let pulsed = rig.pulses.len();
    for grant in [grant, GrantId::from_bytes([0; 16])] {
        for generation in [0, 1, 255] {
            let (not_before, expires) = (WallTime::from_unix_ms(i64::MIN), WallTime::from_unix_ms(i64::MAX));
            let claims = TokenClaims { this_bank: true, grant, generation, not_before, expires };
            rig.input(Input::Token(Ok(claims)));
        }
    }
    assert_eq!(rig.pulses.len(), pulsed);
}

/// Somebody with the platform's keys names a courier like a grant, so that the courier's code passes for the grant's.
#[test]
fn a_courier_named_like_a_grant_is_refused() {
    let mut rig = Rig::new();
    let (_, grant) = rig.drop_off(MARA, Size::Small);
    let mut trick = roster(2);
    let pass = CourierPass { person: PersonId::from_bytes(grant.to_bytes()), ..trick.couriers[0].clone() };
    trick.couriers.push(pass);
    assert_eq!(rig.ask(Request::TakeRoster(trick)), Answer::Invalid);
}
