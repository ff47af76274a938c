//! Random orders, faults and hands at boards of every family: whatever happens, an order ends once and no door is
//! pulsed without one.

use std::{collections::BTreeMap, time::Duration};

use bailee_edge::boards::{BusEvent, UnlockError};
use bailee_sim::cabinet::{Family, Fault};
use proptest::prelude::*;

use crate::families::{plan, strange};
use crate::rig::door;
use crate::world::World;

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Echo),
        Just(Fault::SplitAnswers),
        (1u64..3000).prop_map(|ms| Fault::Late(Duration::from_millis(ms))),
        Just(Fault::WrongCheckByte),
        Just(Fault::Silent),
        Just(Fault::Mute),
        Just(Fault::Garbage),
        Just(Fault::WrongAddress),
        Just(Fault::ShortAnswers),
        Just(Fault::LongAnswers),
        Just(Fault::Unasked),
        Just(Fault::BusyStuck),
        Just(Fault::PlainEcho),
        Just(Fault::Refuses),
    ]
}

#[derive(Clone, Debug)]
enum Turn {
    Order { board: u8, lock: u8, within_ms: u64 },
    SetFault(u8, Fault),
    Heal,
    Force(u8, u8),
    Close(u8, u8),
    LineLostAndBack,
}

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        6 => (0u8..2, 1u8..=12, 0u64..4000)
            .prop_map(|(board, lock, within_ms)| Turn::Order { board, lock, within_ms }),
        4 => (0u8..2, any_fault()).prop_map(|(board, fault)| Turn::SetFault(board, fault)),
        2 => Just(Turn::Heal),
        1 => (0u8..2, 1u8..=12).prop_map(|(board, lock)| Turn::Force(board, lock)),
        2 => (0u8..2, 1u8..=12).prop_map(|(board, lock)| Turn::Close(board, lock)),
        1 => Just(Turn::LineLostAndBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_happens_orders_end_once_and_doors_open_only_on_order(
        family in prop_oneof![Just(Family::Cu16), Just(Family::Cu48), Just(Family::ModbusRelay)],
        turns in proptest::collection::vec((0u64..1500, any_turn()), 1..25),
    ) {
        let mut world = World::new(&[plan(family, 0), plan(family, 1)]);
        let base = family.first_address();
        let mut orders = BTreeMap::new();
        for (ticket, (pause_ms, turn)) in (0u64..).zip(&turns) {
            world.run_until(world.now + Duration::from_millis(*pause_ms));
            let now = world.now;
            match *turn {
                Turn::Order { board, lock, within_ms } => {
                    let within = Duration::from_millis(within_ms);
                    orders.insert(ticket, (door(base + board, lock), now + within));
                    world.order(ticket, door(base + board, lock), within);
                }
                Turn::SetFault(board, fault) => world.cabinet.set_fault(base + board, fault),
                Turn::Heal => world.cabinet.heal(),
                Turn::Force(board, lock) => world.cabinet.force_open(now, door(base + board, lock)),
                Turn::Close(board, lock) => world.cabinet.close(now, door(base + board, lock)),
                Turn::LineLostAndBack => {
                    world.machine.line_lost(now);
                    world.machine.line_back(now);
                }
            }
        }
        world.run_until(world.now + Duration::from_secs(15));
        let outcomes = world.outcomes();
        let mut allowed: BTreeMap<_, u32> = BTreeMap::new();
        for (ticket, (place, not_after)) in &orders {
            let ends = outcomes.get(ticket).map(Vec::as_slice).unwrap_or_default();
            prop_assert_eq!(ends.len(), 1, "order {} ended {:?}", ticket, ends);
            if !matches!(ends[0], Err(UnlockError::NotSent(_) | UnlockError::Refused)) {
                *allowed.entry(*place).or_default() += 1;
            }
            let sent = world.events.iter().find_map(|event| match event {
                BusEvent::UnlockSent { ticket: t, at } if t.0 == *ticket => Some(*at),
                _ => None,
            });
            prop_assert!(sent.is_none_or(|at| at < *not_after), "sent too late");
        }
        for place in world.cabinet.doors() {
            let pulses = world.cabinet.pulses(place);
            prop_assert!(pulses <= allowed.get(&place).copied().unwrap_or(0), "{:?} pulsed unordered", place);
        }
        prop_assert!(!strange(&world), "{:?}", world.cabinet.log());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_heard_no_latch_is_pulsed_without_an_order(
        family in prop_oneof![
            Just(Family::Xor8a80), Just(Family::Cu16), Just(Family::Cu48), Just(Family::ModbusRelay),
        ],
        heard in proptest::collection::vec(
            (0u64..200, proptest::collection::vec(any::<u8>(), 0..40)), 1..60),
    ) {
        let mut world = World::new(&[plan(family, 0), plan(family, 1)]);
        for (pause_ms, bytes) in heard {
            world.run_until(world.now + Duration::from_millis(pause_ms));
            world.machine.received(world.now, &bytes);
        }
        world.run_until(world.now + Duration::from_secs(5));
        prop_assert!(world.cabinet.doors().iter().all(|door| world.cabinet.pulses(*door) == 0));
        prop_assert!(world.outcomes().is_empty());
        // When the noise is over, every board answers again.
        let silent = world.machine.health().boards.values().filter(|board| board.silent).count();
        prop_assert_eq!(silent, 0);
    }
}
