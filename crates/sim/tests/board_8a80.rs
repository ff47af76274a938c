//! The 8A/80 driver against simulated boards: what it reports for each thing that hardware does wrong. First over
//! real pseudo terminals, then the same code in virtual time under random faults.

#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use bailee_edge::boards::{
    Action, BadFrame, Board, Board8a80, Board8a80Settings, BoardAddress, Bus, BusError, BusEvent, BusMachine,
    BusSettings, BusTiming, Channel, DoorAddress, DoorState, LineError, NotSent, Polarity, Pulsed, Ticket,
    UnknownOutcome, UnlockError, UnlockOrder,
};
use bailee_sim::cabinet::{
    BoardPlan, Cabinet, Cause, DoorPlace, Fault, Happening, Pacing, PtyCabinet, Wiring,
};
use proptest::prelude::*;

const PATIENCE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_secs(10);

#[expect(clippy::disallowed_methods, reason = "real devices pass real time")]
fn start_clock() -> impl Fn() -> Duration + Send + Sync + Copy {
    let start = Instant::now();
    move || start.elapsed() + Duration::from_secs(1)
}

fn quick(address: u8, locks: u8) -> BoardPlan {
    BoardPlan { pulse: Duration::from_millis(200), ..BoardPlan::usual(address, locks) }
}

fn driver(address: u8, channels: u8, polarity: Polarity) -> Box<dyn Board> {
    Box::new(Board8a80::new(Board8a80Settings { address, channels, polarity }).unwrap())
}

fn door(board: u8, lock: u8) -> DoorPlace {
    DoorPlace { board, lock }
}

fn address_of(door: DoorPlace) -> DoorAddress {
    DoorAddress { board: BoardAddress(door.board), channel: Channel::new(door.lock).unwrap() }
}

/// A driver on a simulated cabinet.
struct Rig {
    bus: Bus,
    events: Receiver<BusEvent>,
    cabinet: Option<PtyCabinet>,
    now: Box<dyn Fn() -> Duration>,
    tickets: u64,
}

impl Rig {
    fn new(plans: &[BoardPlan], faults: &[Fault]) -> Self {
        Self::wired(plans, faults, Polarity::ClosedWhenBitSet)
    }

    fn wired(plans: &[BoardPlan], faults: &[Fault], polarity: Polarity) -> Self {
        let mut cabinet = Cabinet::new(plans, Pacing::Baud(9600));
        faults.iter().for_each(|&fault| plans.iter().for_each(|plan| cabinet.set_fault(plan.address, fault)));
        let clock = start_clock();
        let cabinet = PtyCabinet::start(cabinet, clock).unwrap();
        let settings = BusSettings { path: cabinet.path().to_owned(), timing: BusTiming::at_baud(9600) };
        let boards = plans.iter().map(|plan| driver(plan.address, plan.locks, polarity)).collect();
        let (sender, events) = mpsc::sync_channel(1024);
        let bus = Bus::open(settings, boards, Box::new(clock), Box::new(sender)).unwrap();
        Self { bus, events, cabinet: Some(cabinet), now: Box::new(clock), tickets: 0 }
    }

    fn cabinet(&self) -> &PtyCabinet {
        self.cabinet.as_ref().unwrap()
    }

    fn order(&mut self, door: DoorPlace, within: Duration) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let not_after = (self.now)() + within;
        self.bus.unlock(UnlockOrder { ticket, door: address_of(door), not_after }).unwrap();
        ticket
    }

    fn unlock(&mut self, door: DoorPlace) -> Result<Pulsed, UnlockError> {
        let ticket = self.order(door, SOON);
        self.outcome(ticket)
    }

    fn outcome(&mut self, wanted: Ticket) -> Result<Pulsed, UnlockError> {
        self.wait(|event| match event {
            BusEvent::Unlock { ticket, outcome, .. } if *ticket == wanted => Some(*outcome),
            _ => None,
        })
    }

    /// Waits for an event that says something.
    fn wait<T>(&mut self, says: impl Fn(&BusEvent) -> Option<T>) -> T {
        let mut passed = BTreeSet::new();
        let until = (self.now)() + PATIENCE;
        while let Ok(event) = self.events.recv_timeout(until.saturating_sub((self.now)())) {
            if let Some(said) = says(&event) {
                return said;
            }
            passed.insert(format!("{event:?}").chars().take(100).collect::<String>());
        }
        panic!("not reported in time; reported: {passed:#?}");
    }

    fn wait_for_doors(&mut self, board: u8, are: impl Fn(&[DoorState]) -> bool) -> Vec<DoorState> {
        self.wait(|event| match event {
            BusEvent::Doors { board: from, doors, .. } if from.0 == board => {
                let states: Vec<_> = doors.iter().map(|door| door.state).collect();
                are(&states).then_some(states)
            }
            _ => None,
        })
    }

    fn wait_for_door(&mut self, place: DoorPlace, state: DoorState) {
        self.wait_for_doors(place.board, |doors| doors[usize::from(place.lock - 1)] == state);
    }

    fn wait_silent(&mut self, board: u8) {
        self.wait(|event| matches!(event, BusEvent::Silent { board: b, .. } if b.0 == board).then_some(()));
    }

    fn wait_back(&mut self, board: u8) {
        self.wait(|event| matches!(event, BusEvent::Back { board: b, .. } if b.0 == board).then_some(()));
    }

    fn wait_bad_frame(&mut self, of: impl Fn(BadFrame) -> bool) -> u64 {
        self.wait(|event| match event {
            BusEvent::BadFrames { latest, total, .. } if of(*latest) => Some(*total),
            _ => None,
        })
    }

    fn pulses(&self, door: DoorPlace) -> u32 {
        self.cabinet().look(|cabinet| cabinet.pulses(door))
    }

    fn heal(&self) {
        self.cabinet().change(|cabinet, _| cabinet.heal());
    }
}

const OPENED: Result<Pulsed, UnlockError> = Ok(Pulsed { door: DoorState::Open });
const STILL_CLOSED: Result<Pulsed, UnlockError> = Ok(Pulsed { door: DoorState::Closed });
const NO_ANSWER: Result<Pulsed, UnlockError> = Err(UnlockError::OutcomeUnknown(UnknownOutcome::Silence));

fn unusable(bad: BadFrame) -> Result<Pulsed, UnlockError> {
    Err(UnlockError::OutcomeUnknown(UnknownOutcome::BadFrame(bad)))
}

#[test]
fn a_door_opens_is_seen_open_and_is_seen_closed_again() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 12)], &[]);
    let place = door(1, 12);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 12]);
    assert_eq!(rig.unlock(place), OPENED);
    rig.wait_for_door(place, DoorState::Open);
    rig.cabinet().close(place);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 12]);
    assert_eq!(rig.pulses(place), 1);
}

#[test]
fn a_stuck_door_is_reported_as_pulsed_and_still_closed() {
    let mut rig = Rig::new(&[quick(1, 8)], &[]);
    let place = door(1, 3);
    rig.cabinet().change(|cabinet, _| cabinet.jam(place));
    assert_eq!(rig.unlock(place), STILL_CLOSED);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    assert_eq!(rig.pulses(place), 1, "nothing is repeated by itself");
}

#[test]
fn an_echoing_adapter_changes_nothing() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::Echo]);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    assert_eq!(rig.unlock(door(1, 1)), OPENED);
    rig.wait_for_door(door(1, 1), DoorState::Open);
    // "Still closed" is the request's own bytes.
    rig.cabinet().change(|cabinet, _| cabinet.jam(door(1, 2)));
    assert_eq!(rig.unlock(door(1, 2)), STILL_CLOSED);
}

#[test]
fn an_echo_is_never_taken_for_an_answer() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::Echo, Fault::Mute]);
    assert_eq!(rig.unlock(door(1, 1)), NO_ANSWER);
    rig.wait_silent(1);
}

#[test]
fn an_echo_that_begins_later_is_noticed() {
    // With all eight bits clear, query and answer are the same bytes.
    let plan = BoardPlan { wiring: Wiring::ShortWhenOpen, ..quick(1, 8) };
    let mut rig = Rig::wired(&[plan], &[], Polarity::ClosedWhenBitClear);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    rig.cabinet().change(|cabinet, _| {
        cabinet.set_fault(1, Fault::Echo);
        cabinet.set_fault(1, Fault::Mute);
    });
    rig.wait_silent(1);
    rig.heal();
    rig.wait_back(1);
}

#[test]
fn split_answers_are_put_together() {
    let mut rig = Rig::new(&[quick(1, 24)], &[Fault::SplitAnswers]);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 24]);
    assert_eq!(rig.unlock(door(1, 24)), OPENED);
    rig.wait_for_door(door(1, 24), DoorState::Open);
}

#[test]
fn a_late_answer_leaves_the_outcome_unknown_and_fools_nobody() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 8)], &[]);
    rig.cabinet().set_fault(1, Fault::Late(Duration::from_millis(1200)));
    let place = door(1, 2);
    assert_eq!(rig.unlock(place), NO_ANSWER);
    rig.wait_silent(1);
    rig.heal();
    rig.wait_back(1);
    rig.wait_for_door(place, DoorState::Open);
    assert_eq!(rig.pulses(place), 1);
}

#[test]
fn a_wrong_check_byte_is_no_answer() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::WrongCheckByte]);
    rig.wait_bad_frame(|bad| bad == BadFrame::Check);
    assert_eq!(rig.unlock(door(1, 1)), unusable(BadFrame::Check));
    rig.wait_silent(1);
    rig.heal();
    rig.wait_for_door(door(1, 1), DoorState::Open);
}

#[test]
fn another_boards_address_is_no_answer() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::WrongAddress]);
    assert_eq!(rig.unlock(door(1, 1)), unusable(BadFrame::Address));
    rig.wait_silent(1);
}

#[test]
fn a_silent_board_is_reported_and_comes_back() {
    let mut rig = Rig::new(&[quick(1, 8)], &[]);
    rig.wait_for_doors(1, |_| true);
    rig.cabinet().set_fault(1, Fault::Silent);
    rig.wait_silent(1);
    assert_eq!(rig.unlock(door(1, 5)), NO_ANSWER);
    assert_eq!(rig.pulses(door(1, 5)), 0);
    rig.heal();
    rig.wait_back(1);
    assert_eq!(rig.unlock(door(1, 6)), OPENED);
    // The answer could still be the one to the first order: only the door itself tells.
    assert_eq!(rig.unlock(door(1, 5)), unusable(BadFrame::Stale));
    rig.wait_for_door(door(1, 5), DoorState::Open);
}

#[test]
fn a_board_that_acts_but_does_not_answer_is_never_asked_twice() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::Mute]);
    assert_eq!(rig.unlock(door(1, 5)), NO_ANSWER);
    rig.heal();
    rig.wait_for_door(door(1, 5), DoorState::Open);
    assert_eq!(rig.pulses(door(1, 5)), 1);
}

#[test]
fn a_silent_board_does_not_stop_its_neighbour() {
    let mut rig = Rig::new(&[quick(1, 12), quick(2, 12)], &[]);
    rig.cabinet().set_fault(1, Fault::Silent);
    rig.wait_silent(1);
    assert_eq!(rig.unlock(door(2, 12)), OPENED);
    rig.wait_for_door(door(2, 12), DoorState::Open);
}

#[test]
fn inverted_wiring_shows_every_door_open_until_the_polarity_is_set() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::InvertedPolarity]);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Open; 8]);
    assert_eq!(rig.unlock(door(1, 1)), STILL_CLOSED);
    let mut rig = Rig::wired(&[quick(1, 8)], &[Fault::InvertedPolarity], Polarity::ClosedWhenBitClear);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    assert_eq!(rig.unlock(door(1, 1)), OPENED);
}

#[test]
fn too_many_status_bytes_are_ignored_and_missing_ones_are_unknown_doors() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::StatusBytes(3)]);
    rig.wait_for_doors(1, |doors| doors == [DoorState::Closed; 8]);
    assert_eq!(rig.unlock(door(1, 8)), OPENED);
    rig.wait_for_door(door(1, 8), DoorState::Open);
    let mut rig = Rig::new(&[quick(1, 24)], &[Fault::StatusBytes(2)]);
    let doors = rig.wait_for_doors(1, |_| true);
    assert_eq!(doors[..16], [DoorState::Closed; 16]);
    assert_eq!(doors[16..], [DoorState::Unknown; 8]);
}

#[test]
fn a_pushed_door_report_is_passed_on_and_disturbs_nothing() {
    let mut rig = Rig::new(&[quick(1, 8)], &[Fault::Pushes]);
    rig.wait_for_doors(1, |_| true);
    rig.cabinet().force_open(door(1, 4));
    let pushed = rig.wait(|event| match event {
        BusEvent::DoorPushed { door, .. } => Some((door.channel.number(), door.state)),
        _ => None,
    });
    assert_eq!(pushed, (4, DoorState::Open));
    // The push of the opening comes before the answer to the unlock.
    assert_eq!(rig.unlock(door(1, 6)), OPENED);
}

#[test]
fn into_a_babbling_line_nothing_is_sent() {
    let mut rig = Rig::new(&[quick(1, 8)], &[]);
    rig.wait_for_doors(1, |_| true);
    rig.cabinet().set_fault(1, Fault::Garbage);
    rig.wait_bad_frame(|bad| bad == BadFrame::Flood);
    rig.wait_silent(1);
    let ticket = rig.order(door(1, 1), Duration::from_millis(400));
    assert_eq!(rig.outcome(ticket), Err(UnlockError::NotSent(NotSent::TooLate)));
    assert_eq!(rig.pulses(door(1, 1)), 0);
    rig.heal();
    rig.wait_back(1);
    assert_eq!(rig.unlock(door(1, 1)), OPENED);
}

#[test]
fn a_forced_door_is_seen_within_two_seconds() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 12), BoardPlan::usual(2, 12)], &[]);
    rig.wait_for_doors(2, |_| true);
    let forced_at = (rig.now)();
    rig.cabinet().force_open(door(2, 7));
    let seen_at = rig.wait(|event| match event {
        BusEvent::Doors { board, doors, at } if board.0 == 2 && doors[6].state == DoorState::Open => {
            Some(*at)
        }
        _ => None,
    });
    assert!(seen_at - forced_at < Duration::from_secs(2), "{:?}", seen_at - forced_at);
}

#[test]
fn an_order_that_waits_beyond_its_deadline_is_never_sent() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 8)], &[]);
    let first = rig.order(door(1, 1), SOON);
    let second = rig.order(door(1, 2), Duration::from_millis(300));
    assert_eq!(rig.outcome(second), Err(UnlockError::NotSent(NotSent::TooLate)));
    assert_eq!(rig.outcome(first), OPENED);
    assert_eq!(rig.unlock(door(1, 3)), OPENED);
    assert_eq!(rig.pulses(door(1, 2)), 0);
}

#[test]
fn many_orders_open_one_door_after_the_other_on_two_boards() {
    let mut rig = Rig::new(&[quick(1, 12), quick(2, 12)], &[]);
    let places = [door(1, 1), door(2, 1), door(1, 2), door(2, 12), door(1, 12), door(2, 2)];
    let tickets = places.map(|place| rig.order(place, SOON));
    for ticket in tickets {
        assert_eq!(rig.outcome(ticket), OPENED);
    }
    rig.cabinet().look(|cabinet| {
        let strange = |what: Happening| {
            matches!(what, Happening::TwoCoils(_) | Happening::Collision | Happening::UnlockAll(_))
        };
        assert!(!cabinet.log().iter().any(|event| strange(event.what)), "{:?}", cabinet.log());
        let opened: Vec<_> = cabinet
            .log()
            .iter()
            .filter_map(|event| match event.what {
                Happening::Opened(place, Cause::Latch) => Some(place),
                _ => None,
            })
            .collect();
        assert_eq!(opened, places);
    });
}

#[test]
fn a_lockdown_cancels_what_was_not_sent() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 8)], &[]);
    let first = rig.order(door(1, 1), SOON);
    rig.wait(|event| matches!(event, BusEvent::UnlockSent { ticket, .. } if *ticket == first).then_some(()));
    let second = rig.order(door(1, 2), SOON);
    rig.bus.cancel_waiting().unwrap();
    assert_eq!(rig.outcome(second), Err(UnlockError::NotSent(NotSent::Cancelled)));
    assert_eq!(rig.outcome(first), OPENED);
    assert_eq!(rig.pulses(door(1, 2)), 0);
}

#[test]
fn an_unplugged_line_ends_every_order_truthfully() {
    let mut rig = Rig::new(&[BoardPlan::usual(1, 8)], &[Fault::Mute]);
    let sent = rig.order(door(1, 1), SOON);
    let waiting = rig.order(door(1, 2), SOON);
    rig.wait(|event| matches!(event, BusEvent::UnlockSent { .. }).then_some(()));
    rig.cabinet = None;
    assert_eq!(rig.outcome(sent), Err(UnlockError::OutcomeUnknown(UnknownOutcome::LineLost)));
    assert_eq!(rig.outcome(waiting), Err(UnlockError::NotSent(NotSent::LineDown)));
    rig.wait(|event| matches!(event, BusEvent::LineLost { .. }).then_some(()));
    let after = rig.order(door(1, 3), SOON);
    assert_eq!(rig.outcome(after), Err(UnlockError::NotSent(NotSent::LineDown)));
}

#[test]
fn a_line_has_one_owner_and_an_address_one_board() {
    let rig = Rig::new(&[quick(1, 8)], &[]);
    let open = |addresses: &[u8]| {
        let path = rig.cabinet().path().to_owned();
        let settings = BusSettings { path, timing: BusTiming::at_baud(9600) };
        let boards = addresses.iter().map(|&at| driver(at, 8, Polarity::ClosedWhenBitSet)).collect();
        let (sender, _) = mpsc::sync_channel(1);
        Bus::open(settings, boards, Box::new(|| Duration::ZERO), Box::new(sender)).unwrap_err()
    };
    assert!(matches!(open(&[1]), BusError::Line(LineError::InUse(_))));
    assert!(matches!(open(&[2, 2]), BusError::AddressTwice(BoardAddress(2))));
}

#[test]
fn a_door_that_does_not_exist_is_refused() {
    let mut rig = Rig::new(&[quick(1, 8)], &[]);
    assert_eq!(rig.unlock(door(1, 9)), Err(UnlockError::NotSent(NotSent::NoSuchDoor)));
    assert_eq!(rig.unlock(door(3, 1)), Err(UnlockError::NotSent(NotSent::NoSuchDoor)));
}

/// The driver and a cabinet in virtual time.
struct World {
    now: Duration,
    machine: BusMachine,
    cabinet: Cabinet,
    events: Vec<BusEvent>,
    sent: Vec<(Duration, Vec<u8>)>,
}

impl World {
    fn new(plans: &[BoardPlan]) -> Self {
        let boards = plans.iter().map(|p| driver(p.address, p.locks, Polarity::ClosedWhenBitSet)).collect();
        let mut machine = BusMachine::new(boards, BusTiming::at_baud(9600));
        let now = Duration::from_secs(1);
        machine.line_back(now);
        Self {
            now,
            machine,
            cabinet: Cabinet::new(plans, Pacing::Baud(9600)),
            events: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn run_until(&mut self, end: Duration) {
        loop {
            self.machine.advance(self.now);
            while let Some(action) = self.machine.next_action() {
                if let Action::Send(bytes) = action {
                    self.cabinet.hear(self.now, &bytes);
                    self.sent.push((self.now, bytes));
                }
            }
            while let Some(event) = self.machine.next_event() {
                self.events.push(event);
            }
            let due = [self.machine.wakes_at(), self.cabinet.next_due()].into_iter().flatten().min();
            // At least a microsecond passes, as in life.
            let next = due.unwrap_or(end).max(self.now + Duration::from_micros(1));
            if next >= end {
                self.now = end;
                return;
            }
            self.now = next;
            let said = self.cabinet.speak(self.now);
            self.machine.received(self.now, &said);
        }
    }

    fn order(&mut self, ticket: u64, place: DoorPlace, within: Duration) {
        let order =
            UnlockOrder { ticket: Ticket(ticket), door: address_of(place), not_after: self.now + within };
        self.machine.order(self.now, order);
    }

    fn outcomes(&self) -> BTreeMap<u64, Vec<Result<Pulsed, UnlockError>>> {
        let mut all: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for event in &self.events {
            if let BusEvent::Unlock { ticket, outcome, .. } = event {
                all.entry(ticket.0).or_default().push(*outcome);
            }
        }
        all
    }
}

#[test]
fn an_order_waits_for_at_most_the_one_frame_in_flight() {
    // Request 5 bytes, answer 7, both at 9600 baud, the board's thinking and the gap of 5 ms.
    let one_frame = Duration::from_millis(20);
    for offset in (0..400).map(|n| Duration::from_micros(n * 997)) {
        let mut world = World::new(&[BoardPlan::usual(1, 24), BoardPlan::usual(2, 24)]);
        world.run_until(Duration::from_secs(2) + offset);
        let ordered_at = world.now;
        world.order(1, door(2, 24), SOON);
        world.run_until(ordered_at + Duration::from_secs(1));
        let sent_at = world.sent.iter().find(|(_, bytes)| bytes[0] == 0x8A).expect("sent within a second").0;
        assert!(sent_at - ordered_at <= one_frame, "{offset:?}: {:?}", sent_at - ordered_at);
    }
}

#[test]
fn the_late_answer_to_one_order_is_not_taken_for_the_answer_to_the_next() {
    let mut world = World::new(&[BoardPlan::usual(1, 8)]);
    let late = Fault::Late(Duration::from_millis(2500));
    world.cabinet.set_fault(1, late);
    world.order(1, door(1, 5), SOON);
    world.run_until(world.now + Duration::from_secs(2));
    // The first answer is still on its way; the board hears nothing more, and somebody closes the door.
    world.cabinet.heal();
    world.cabinet.set_fault(1, Fault::Silent);
    world.cabinet.close(world.now, door(1, 5));
    world.order(2, door(1, 5), SOON);
    world.run_until(world.now + SOON);
    assert_eq!(
        world.outcomes(),
        BTreeMap::from([(1, vec![NO_ANSWER]), (2, vec![unusable(BadFrame::Stale)])])
    );
    assert!(!world.cabinet.is_open(door(1, 5)));
}

#[test]
fn supervision_goes_on_between_many_orders() {
    let mut world = World::new(&[BoardPlan::usual(1, 12), BoardPlan::usual(2, 12)]);
    world.run_until(Duration::from_secs(2));
    (1..=12).for_each(|n| world.order(u64::from(n), door(1, n), Duration::from_secs(60)));
    world.run_until(Duration::from_secs(10));
    for board in [1, 2] {
        let polls: Vec<Duration> = world
            .events
            .iter()
            .filter_map(|event| match event {
                BusEvent::Doors { board: b, at, .. } if b.0 == board => Some(*at),
                _ => None,
            })
            .collect();
        let longest = polls.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest < Duration::from_millis(1500), "board {board}: {longest:?}");
    }
    assert!(world.outcomes().values().all(|outcomes| outcomes == &[OPENED]));
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Echo),
        Just(Fault::SplitAnswers),
        (1u64..3000).prop_map(|ms| Fault::Late(Duration::from_millis(ms))),
        Just(Fault::WrongCheckByte),
        Just(Fault::Silent),
        Just(Fault::Mute),
        (0u8..9).prop_map(Fault::StatusBytes),
        Just(Fault::Pushes),
        Just(Fault::Garbage),
        Just(Fault::WrongAddress),
    ]
}

#[derive(Clone, Debug)]
enum Turn {
    Order { lock: u8, within_ms: u64 },
    SetFault(u8, Fault),
    Heal,
    Close(u8),
    Force(u8),
    Jam(u8),
    Cancel,
    LineLostAndBack,
}

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        6 => (0u8..24, 0u64..4000).prop_map(|(lock, within_ms)| Turn::Order { lock, within_ms }),
        3 => (1u8..=2, any_fault()).prop_map(|(board, fault)| Turn::SetFault(board, fault)),
        2 => Just(Turn::Heal),
        2 => (0u8..24).prop_map(Turn::Close),
        1 => (0u8..24).prop_map(Turn::Force),
        1 => (0u8..24).prop_map(Turn::Jam),
        1 => Just(Turn::Cancel),
        1 => Just(Turn::LineLostAndBack),
    ]
}

fn place_of(lock: u8) -> DoorPlace {
    door(1 + lock / 12, 1 + lock % 12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_orders_end_once_and_doors_open_only_on_order(
        turns in proptest::collection::vec((0u64..1500, any_turn()), 1..30),
    ) {
        let mut world = World::new(&[BoardPlan::usual(1, 12), BoardPlan::usual(2, 12)]);
        let mut orders = BTreeMap::new();
        for (at, (pause_ms, turn)) in turns.iter().enumerate() {
            world.run_until(world.now + Duration::from_millis(*pause_ms));
            let now = world.now;
            match *turn {
                Turn::Order { lock, within_ms } => {
                    let within = Duration::from_millis(within_ms);
                    orders.insert(at as u64, (place_of(lock), now + within));
                    world.order(at as u64, place_of(lock), within);
                }
                Turn::SetFault(board, fault) => world.cabinet.set_fault(board, fault),
                Turn::Heal => world.cabinet.heal(),
                Turn::Close(lock) => world.cabinet.close(now, place_of(lock)),
                Turn::Force(lock) => world.cabinet.force_open(now, place_of(lock)),
                Turn::Jam(lock) => world.cabinet.jam(place_of(lock)),
                Turn::Cancel => world.machine.cancel_waiting(now),
                Turn::LineLostAndBack => {
                    world.machine.line_lost(now);
                    world.machine.line_back(now);
                }
            }
        }
        world.run_until(world.now + Duration::from_secs(12));
        let outcomes = world.outcomes();
        let mut may_have_pulsed: BTreeMap<DoorPlace, u32> = BTreeMap::new();
        let mut have_pulsed: BTreeMap<DoorPlace, u32> = BTreeMap::new();
        for (ticket, (place, not_after)) in &orders {
            let ends = outcomes.get(ticket).map(Vec::as_slice).unwrap_or_default();
            prop_assert_eq!(ends.len(), 1, "order {} ended {:?}", ticket, ends);
            if !matches!(ends[0], Err(UnlockError::NotSent(_))) {
                *may_have_pulsed.entry(*place).or_default() += 1;
                *have_pulsed.entry(*place).or_default() += u32::from(ends[0].is_ok());
            }
            let sent = world.events.iter().find_map(|event| match event {
                BusEvent::UnlockSent { ticket: t, at } if t.0 == *ticket => Some(*at),
                _ => None,
            });
            prop_assert!(sent.is_none_or(|at| at < *not_after), "sent too late");
        }
        for place in world.cabinet.doors() {
            let pulses = world.cabinet.pulses(place);
            prop_assert!(pulses <= may_have_pulsed.get(&place).copied().unwrap_or(0), "{:?} pulsed unordered", place);
            prop_assert!(pulses >= have_pulsed.get(&place).copied().unwrap_or(0), "{:?} claimed without a pulse", place);
        }
        let strange = |what: Happening| matches!(what, Happening::UnlockAll(_) | Happening::TwoCoils(_));
        prop_assert!(!world.cabinet.log().iter().any(|event| strange(event.what)));
    }
}
