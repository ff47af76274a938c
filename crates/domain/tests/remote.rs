//! What a platform can do with a bank's doors: with all its keys nothing, and with people's signatures little.
//!
//! The signatures here are words ("ann signs this statement"): that real ones hold is shown where they are checked.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use std::collections::BTreeMap;

use bailee_domain::bank::breaker::{OPENINGS, SPAN_MS};
use bailee_domain::bank::io::{Action, Answer, Checked, Input, Output, Request};
use bailee_domain::bank::keyring::{RESIDENT_WAIT_MS, STAFF_WAIT_MS};
use bailee_domain::bank::screen::{Notice, Screen, Task};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::event::{Authority, EventKind, Purpose, Refusal, RemoteRefusal, Severity, Surface};
use bailee_domain::id::{CommandId, PersonId};
use bailee_domain::lockdown::{Area, Exercise, Grade};
use bailee_domain::roster::Roster;
use bailee_domain::signer::{
    Act, KeyForm, KeyUse, PersonKey, Proof, PublicKey, Signature, Signed, Signers, Statement,
};
use bailee_domain::time::WallTime;
use rig::{MARA, NOOR, Rig, roster};

const ANN: PersonId = PersonId::from_bytes([0xb1; 16]);
const BEN: PersonId = PersonId::from_bytes([0xb2; 16]);
const EVE: PersonId = PersonId::from_bytes([0xee; 16]);
const OLA: PersonId = PersonId::from_bytes([0xd8; 16]);
const UWE: PersonId = PersonId::from_bytes([0xd9; 16]);
const DOOR: CompartmentNo = CompartmentNo(2);

fn public(person: PersonId) -> PublicKey {
    PublicKey::Ed25519([person.to_bytes()[0]; 32])
}

fn key(person: PersonId, used_for: KeyUse) -> PersonKey {
    PersonKey { person, used_for, form: KeyForm::Plain, public: public(person) }
}

fn keys() -> Vec<PersonKey> {
    vec![
        key(ANN, KeyUse::Administrator),
        key(BEN, KeyUse::Administrator),
        key(MARA, KeyUse::Resident),
        key(OLA, KeyUse::Officer),
        key(UWE, KeyUse::Officer),
    ]
}

fn with_keys(revision: u64, keys: Vec<PersonKey>) -> Roster {
    Roster { signers: Signers { keys, ..Signers::default() }, ..roster(revision) }
}

/// A digest that differs where statements do; hashing is not under test here.
fn digest(statement: &Statement) -> [u8; 32] {
    let mut digest = [0_u8; 32];
    for (at, byte) in
        format!("{:?}{:?}", statement, statement.presence.map(|c| *c.digits())).bytes().enumerate()
    {
        digest[at % 32] = digest[at % 32].rotate_left(3) ^ byte;
    }
    digest
}

/// What a genuine signature of a person looks like here: it begins with their byte and covers the statement.
fn genuine(person: PersonId, statement: &Statement) -> Proof {
    let mut proof = [person.to_bytes()[0]; 64];
    proof[32..].copy_from_slice(&digest(statement));
    Proof::Plain(proof)
}

fn check(statement: &Statement, signatures: &[(PersonKey, Proof)]) -> Checked {
    let proven =
        signatures.iter().map(|(key, proof)| (*proof == genuine(key.person, statement)).then_some(0));
    Checked { digest: digest(statement), proven: proven.collect() }
}

fn signed(statement: Statement, people: &[PersonId]) -> Signed {
    let sign = |person: &PersonId| {
        let (public, proof) = (public(*person), genuine(*person, &statement));
        Signature { person: *person, public, proof }
    };
    Signed { statement, signatures: people.iter().map(sign).collect() }
}

/// A bank whose first roster held these keys, with somebody before its screen.
struct Bench {
    rig: Rig,
    commands: u8,
}

impl Bench {
    fn new(keys: Vec<PersonKey>) -> Self {
        let mut rig = Rig::with_roster(with_keys(1, keys));
        rig.checker = Some(check);
        rig.input(Input::Tick);
        Self { rig, commands: 0 }
    }

    fn shown(&self) -> Option<Code> {
        self.rig.view().remote.presence
    }

    fn inspect(&self, door: CompartmentNo) -> Statement {
        let act = Act::Inspect { compartment: door, reason: [7; 32] };
        Statement { act, presence: self.shown(), expires: self.rig.now.wall.plus_ms(50_000) }
    }

    fn ask(&mut self, signed: Signed) -> Answer {
        let before = self.rig.replies.len();
        self.commands = self.commands.wrapping_add(1);
        let command = CommandId::from_bytes([self.commands; 16]);
        let deadline = self.rig.now.wall.plus_ms(60_000);
        self.rig.input(Input::Platform { command, deadline, request: Request::Signed(signed) });
        assert_eq!(self.rig.replies.len(), before + 1, "every request is answered once");
        *self.rig.replies.last().unwrap()
    }

    /// Time passes and nothing is read meanwhile.
    fn pass_ms(&mut self, mut ms: u64) {
        while ms > 0 {
            let by = ms.min(20_000);
            ms -= by;
            self.rig.now.mono = self.rig.now.mono.plus_ms(by);
            self.rig.now.wall = self.rig.now.wall.plus_ms(i64::try_from(by).unwrap());
            self.rig.input(Input::Tick);
        }
    }

    fn answers(&mut self, person: PersonId) {
        let Screen::Challenge { compartment, challenge, .. } = self.rig.screen() else { panic!() };
        let act = Act::Override { compartment, challenge };
        let statement = Statement { act, presence: None, expires: WallTime::default() };
        let Proof::Plain(signature) = genuine(person, &statement) else { panic!() };
        self.rig.input(Input::Response { key: [person.to_bytes()[0]; 8], signature });
    }

    fn open_doors(&self) -> usize {
        self.rig.pulses.len()
    }

    fn close_all(&mut self) {
        let open: Vec<_> = self.rig.open.iter().filter(|(_, open)| **open).map(|(door, _)| *door).collect();
        open.into_iter().for_each(|door| self.rig.close(door));
        self.pass_ms(9_000);
    }
}

fn refusals(bench: &Bench) -> Vec<RemoteRefusal> {
    let reason = |kind: &EventKind| match kind {
        EventKind::RemoteOpeningRefused { reason, .. } => Some(*reason),
        _ => None,
    };
    bench.rig.events().filter_map(reason).collect()
}

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
