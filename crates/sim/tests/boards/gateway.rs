//! Boards behind a serial gateway: what a network adds to go wrong.

use std::{net::TcpListener, sync::mpsc, time::Duration};

use bailee_edge::boards::{
    BoardAddress, Bus, BusEvent, BusSettings, BusTiming, DoorState, NotSent, Polarity, Ticket,
    UnknownOutcome, UnlockError, UnlockOrder,
};
use bailee_sim::cabinet::{BoardPlan, Cabinet, Family, Fault, Pacing, TcpCabinet};

use crate::rig::{By, Rig, SOON, address_of, door, driver, start_clock};

fn plan(family: Family) -> BoardPlan {
    BoardPlan { pulse: Duration::from_millis(200), ..BoardPlan::of(family, family.first_address(), 12) }
}

fn rig(family: Family, faults: &[Fault]) -> Rig {
    Rig::connected(By::Tcp, &[plan(family)], faults, Polarity::ClosedWhenBitSet)
}

#[test]
fn a_gateway_that_drops_the_connection_is_back_at_once() {
    let mut rig = rig(Family::Cu48, &[]);
    rig.wait_for_doors(0, |_| true);
    rig.hang_up();
    rig.wait(|event| matches!(event, BusEvent::LineLost { .. }).then_some(()));
    rig.wait(|event| matches!(event, BusEvent::LineBack { .. }).then_some(()));
    assert!(rig.unlock(door(0, 3)).is_ok());
    rig.wait_for_door(door(0, 3), DoorState::Open);
    assert_eq!(rig.bus.health().line_losses, 1);
}

#[test]
fn an_unlock_without_an_answer_closes_the_connection_so_that_it_cannot_arrive_later() {
    let mut rig = rig(Family::Xor8a80, &[]);
    rig.wait_for_doors(1, |_| true);
    rig.cabinet().set_fault(1, Fault::Mute);
    let outcome = rig.unlock(door(1, 3));
    assert_eq!(outcome, Err(UnlockError::OutcomeUnknown(UnknownOutcome::Silence)));
    rig.wait(|event| matches!(event, BusEvent::LineLost { .. }).then_some(()));
    rig.heal();
    rig.wait(|event| matches!(event, BusEvent::LineBack { .. }).then_some(()));
    rig.wait_for_door(door(1, 3), DoorState::Open);
    assert_eq!(rig.pulses(door(1, 3)), 1);
}

#[test]
fn a_gateway_that_is_not_there_yet_is_tried_again_and_its_boards_are_silent_meanwhile() {
    let clock = start_clock();
    // Taken and freed again: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let line = format!("tcp://127.0.0.1:{port}").parse().unwrap();
    let plan = plan(Family::Cu16);
    let settings = BusSettings { line, timing: BusTiming::at_baud(19_200) };
    let (sender, events) = mpsc::sync_channel(1024);
    let boards = vec![driver(&plan, Polarity::ClosedWhenBitSet)];
    let bus = Bus::open(settings, boards, Box::new(clock), Box::new(sender)).unwrap();
    let order = UnlockOrder { ticket: Ticket(1), door: address_of(door(0, 1)), not_after: clock() + SOON };
    bus.unlock(order).unwrap();
    let wait = |wanted: &dyn Fn(&BusEvent) -> bool| {
        let until = clock() + Duration::from_secs(20);
        while let Ok(event) = events.recv_timeout(until.saturating_sub(clock())) {
            if wanted(&event) {
                return;
            }
        }
        panic!("not reported in time");
    };
    wait(&|event| {
        matches!(event, BusEvent::Unlock { outcome: Err(UnlockError::NotSent(NotSent::LineDown)), .. })
    });
    wait(&|event| matches!(event, BusEvent::Silent { board: BoardAddress(0), .. }));
    let cabinet = Cabinet::new(&[plan], Pacing::Baud(19_200));
    let cabinet = TcpCabinet::start(cabinet, port, clock).unwrap();
    wait(&|event| matches!(event, BusEvent::LineBack { .. }));
    wait(&|event| matches!(event, BusEvent::Back { .. }));
    assert_eq!(cabinet.look(|cabinet| cabinet.pulses(door(0, 1))), 0, "an order never waits for a line");
}

#[test]
fn a_port_that_is_not_there_is_tried_again_too() {
    let clock = start_clock();
    let line = "/dev/no-such-port".parse().unwrap();
    let settings = BusSettings { line, timing: BusTiming::at_baud(9_600) };
    let (sender, events) = mpsc::sync_channel(1024);
    let boards = vec![driver(&plan(Family::Xor8a80), Polarity::ClosedWhenBitSet)];
    let bus = Bus::open(settings, boards, Box::new(clock), Box::new(sender)).unwrap();
    let silent = events.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(matches!(silent, BusEvent::Silent { board: BoardAddress(1), .. }), "{silent:?}");
    drop(bus);
}
