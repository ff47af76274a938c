//! What a technician may try, and when: stories of the engine.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use bailee_domain::bank::io::{Action, Output, Record, Request};
use bailee_domain::commissioning::{LockFound, NotCommissioned, Step};
use bailee_domain::compartment::{CompartmentNo, Size, Wiring};
use bailee_domain::event::EventKind;
use bailee_domain::roster::{BankService, Roster};
use rig::{COURIER_CODE, KEEPER, KEEPER_CODE, MARA, NOOR, Rig, roster};

const BEGIN: Step = Step::Begin { technician: [9; 32], only: None };
const LOCK: Wiring = Wiring { board: 1, channel: 1 };

fn new_bank() -> Rig {
    Rig::with_roster(Roster { service: BankService::NotAccepted, ..roster(1) })
}

fn take(rig: &mut Rig, step: Step) -> Result<EventKind, NotCommissioned> {
    let (seq, outputs) = rig.bank.commission(step, rig.now, &mut rig.rng)?;
    let mut kinds = outputs.iter().map(|output| match output {
        Output::Record(Record::Event(event)) => (event.seq, event.kind.clone()),
        other => panic!("a step only writes: {other:?}"),
    });
    let (written, kind) = kinds.next().unwrap();
    assert_eq!((written, kinds.next()), (seq, None));
    rig.records.extend(outputs.into_iter().filter_map(|output| match output {
        Output::Record(record) => Some(record),
        _ => None,
    }));
    Ok(kind)
}

fn only(door: u16) -> Step {
    Step::Begin { technician: [9; 32], only: Some(CompartmentNo(door)) }
}

#[test]
fn each_lock_is_written_down_before_it_moves_and_answered_before_the_next() {
    let mut rig = new_bank();
    assert_eq!(take(&mut rig, Step::Try(LOCK)), Err(NotCommissioned::NotBegun));
    assert!(matches!(take(&mut rig, BEGIN), Ok(EventKind::CommissioningBegan { by: None, .. })));
    let answer = Step::Answered(LockFound::Proved, Some(CompartmentNo(1)));
    assert_eq!(take(&mut rig, answer), Err(NotCommissioned::NothingTried));
    assert_eq!(take(&mut rig, Step::Try(LOCK)), Ok(EventKind::LockTried { board: 1, channel: 1, by: None }));
    let trial = rig.bank.lasting().seq;
    assert_eq!(take(&mut rig, Step::Try(LOCK)), Err(NotCommissioned::TrialOpen));
    let end = Step::End { report: [1; 32], doors: 1, faults: 0 };
    assert_eq!(take(&mut rig, end), Err(NotCommissioned::TrialOpen));
    let compartment = Some(CompartmentNo(1));
    let expected = EventKind::LockAnswered { trial, found: LockFound::Proved, compartment };
    assert_eq!(take(&mut rig, answer), Ok(expected));
    assert!(matches!(take(&mut rig, end), Ok(EventKind::BankCommissioned { doors: 1, .. })));
    assert_eq!(take(&mut rig, Step::Try(LOCK)), Err(NotCommissioned::NotBegun));
}

#[test]
fn a_bank_in_service_wants_somebody_of_its_roster() {
    let mut rig = Rig::new();
    assert_eq!(take(&mut rig, BEGIN), Err(NotCommissioned::NobodySignedIn));
    rig.enter(COURIER_CODE);
    assert_eq!(take(&mut rig, BEGIN), Err(NotCommissioned::Serving), "a courier is no technician");
    let mut rig = Rig::new();
    rig.enter(KEEPER_CODE);
    let Ok(EventKind::CommissioningBegan { by, .. }) = take(&mut rig, BEGIN) else { panic!("a keeper may") };
    assert_eq!(by, Some(KEEPER));
    assert!(matches!(take(&mut rig, Step::Try(LOCK)), Ok(EventKind::LockTried { by: Some(KEEPER), .. })));
}

#[test]
fn what_may_hold_a_parcel_is_not_tried() {
    let mut rig = Rig::new();
    let (full, _) = rig.drop_off(MARA, Size::Small);
    rig.ask(Request::TakeRoster(Roster { service: BankService::NotAccepted, ..roster(2) }));
    assert_eq!(take(&mut rig, BEGIN), Err(NotCommissioned::Occupied(full)));
    assert_eq!(take(&mut rig, only(full.0)), Err(NotCommissioned::Occupied(full)));
    let free = rig.bank.layout().iter().find(|c| c.number != full).unwrap().clone();
    take(&mut rig, only(free.number.0)).unwrap();
    let wired = rig.bank.layout().find(full).unwrap().wiring;
    assert_eq!(take(&mut rig, Step::Try(wired)), Err(NotCommissioned::Occupied(full)));
    let other =
        rig.bank.layout().iter().find(|c| c.number != full && c.number != free.number).unwrap().wiring;
    assert_eq!(take(&mut rig, Step::Try(other)), Err(NotCommissioned::OtherDoor));
    assert!(take(&mut rig, Step::Try(free.wiring)).is_ok());
    assert_eq!(take(&mut rig, only(99)), Err(NotCommissioned::NoSuchCompartment));
}

#[test]
fn a_bank_that_is_not_accepted_takes_nothing_in_and_gives_out_what_it_holds() {
    let mut rig = Rig::new();
    let (door, grant) = rig.drop_off(MARA, Size::Small);
    rig.ask(Request::TakeRoster(Roster { service: BankService::NotAccepted, ..roster(2) }));
    rig.enter(COURIER_CODE);
    let pulses = rig.pulses.len();
    rig.act(Action::Search("12".into()));
    rig.act(Action::Pick(NOOR));
    rig.act(Action::ConfirmRecipient);
    rig.act(Action::PickSize(Size::Small));
    assert_eq!(rig.pulses.len(), pulses, "no compartment is assigned");
    rig.act(Action::Finish);
    rig.arm(grant, 1, "12345678");
    rig.enter("12345678");
    assert_eq!(rig.pulses.last(), Some(&door), "what is inside is given out");
}
