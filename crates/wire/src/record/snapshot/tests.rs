use bailee_domain::bank::Enrolment;
use bailee_domain::bank::breaker::Breaker;
use bailee_domain::bank::keyring::{Held, Keyring, Standing};
use bailee_domain::compartment::Reach;
use bailee_domain::roster::{CourierPass, MAX_COURIERS, MAX_RECIPIENTS, Recipient, Roster};
use proptest::prelude::*;

use super::*;
use crate::record::people::samples::{sample_badge, sample_key, sample_order, sample_verifier};
use crate::sample::Dice;

fn door(dice: &mut Dice) -> CompartmentNo {
    CompartmentNo(u16::from_be_bytes(dice.bytes()))
}

fn moment(dice: &mut Dice) -> WallTime {
    WallTime::from_unix_ms(dice.number().cast_signed())
}

fn some<T, C: FromIterator<T>>(dice: &mut Dice, max: usize, make: impl Fn(&mut Dice) -> T) -> C {
    (0..dice.below(max + 1)).map(|_| make(dice)).collect()
}

fn sample_purpose(dice: &mut Dice) -> Purpose {
    let parcel = ParcelId::from_bytes(dice.bytes());
    if dice.below(4) == 0 {
        let (second, reason) = (PersonId::from_bytes(dice.bytes()), dice.bytes());
        let order = WorkOrderId::from_bytes(dice.bytes());
        let authority = dice.pick(&[
            Authority::Remote { reason },
            Authority::Quorum { second, reason },
            Authority::Override { second },
            Authority::WorkOrder { order },
        ]);
        return Purpose::Inspect { by: PersonId::from_bytes(dice.bytes()), authority };
    }
    if dice.below(2) == 0 {
        let surface = dice.pick(SURFACES.0);
        return Purpose::Pickup { parcel, grant: GrantId::from_bytes(dice.bytes()), surface };
    }
    Purpose::DropOff {
        parcel,
        recipient: PersonId::from_bytes(dice.bytes()),
        courier: PersonId::from_bytes(dice.bytes()),
        carrier: CarrierId::from_bytes(dice.bytes()),
        size: dice.pick(SIZES.0),
    }
}

fn sample_opening(dice: &mut Dice) -> Opening {
    Opening {
        no: dice.number(),
        purpose: sample_purpose(dice),
        phase: dice.pick(PHASES.0),
        cancelled: dice.below(2) == 0,
    }
}

fn sample_grant(dice: &mut Dice) -> (GrantId, Grant) {
    let id = GrantId::from_bytes(dice.bytes());
    let live = GrantState::Live(Verifier { salt: dice.bytes(), mac: dice.bytes() });
    let grant = Grant {
        id,
        parcel: ParcelId::from_bytes(dice.bytes()),
        recipient: PersonId::from_bytes(dice.bytes()),
        compartment: door(dice),
        expires: moment(dice),
        state: if dice.below(2) == 0 { live } else { dice.pick(DEAD.0) },
        generation: dice.bytes::<1>()[0],
        attempts: dice.bytes::<1>()[0],
    };
    (id, grant)
}

fn sample_budget(dice: &mut Dice) -> GuessBudget {
    let mut budget = GuessBudget::default();
    for _ in 0..dice.below(WEEKLY_MISSES + 30) {
        let guess = budget.next().saturating_add(dice.number() >> 12);
        budget.reserve(guess, moment(dice));
        if dice.below(4) == 0 {
            budget.refund(guess);
        }
    }
    budget
}

fn sample_breaker(dice: &mut Dice) -> Breaker {
    let mut times = |most: usize| {
        let mut times: Vec<u64> = some(dice, most, Dice::number);
        times.sort_unstable();
        times
    };
    Breaker::restored(times(3), times(10)).unwrap()
}

fn sample_keyring(dice: &mut Dice) -> Keyring {
    let keys = some(dice, 5, |dice| {
        let standings = [Standing::Admitted, Standing::After(dice.number()), Standing::NeedsSignatures];
        let held = Held { standing: dice.pick(&standings), count: u32::from_be_bytes(dice.bytes()) };
        (sample_key(dice), held)
    });
    Keyring::restored(keys, dice.below(2) == 0, 2 + u8::try_from(dice.below(4)).unwrap()).unwrap()
}

fn sample_lasting(dice: &mut Dice) -> Lasting {
    Lasting {
        seq: dice.number(),
        boot: dice.number(),
        acknowledged: dice.number(),
        high_water: (dice.below(3) > 0).then(|| moment(dice)),
        roster: link::sample_roster(dice),
        grants: some(dice, 6, sample_grant),
        contents: some(dice, 6, |dice| (door(dice), ParcelId::from_bytes(dice.bytes()))),
        out_of_service: some(dice, 6, |dice| (door(dice), dice.pick(OUTAGES.0))),
        openings: some(dice, 6, |dice| (door(dice), sample_opening(dice))),
        forced: some(dice, 6, door),
        held: some(dice, 6, door),
        budget: sample_budget(dice),
        powered_ms: dice.number(),
        breaker: sample_breaker(dice),
        keyring: sample_keyring(dice),
        spent: some(dice, 5, |dice| (dice.bytes(), moment(dice))),
        work_orders: some(dice, 3, |dice| {
            let order = sample_order(dice);
            (order.order, order)
        }),
        enrolments: some(dice, 3, |dice| {
            let offer = Enrolment { verifier: sample_verifier(dice), expires: moment(dice) };
            (PersonId::from_bytes(dice.bytes()), offer)
        }),
        badges: some(dice, 3, |dice| {
            let badge = sample_badge(dice);
            (badge.mac, badge)
        }),
        lockdowns: some(dice, 4, |dice| (dice.number(), guard::samples::lockdown(dice))),
        tampers: some(dice, 4, |dice| (guard::samples::sign(dice), dice.number())),
        boot_tags: crate::record::sample_tags(dice),
        doubts: some(dice, 4, |dice| (door(dice), guard::samples::doubt(dice))),
    }
}

fn sample(seed: u64) -> Snapshot {
    let dice = &mut Dice::new(seed);
    let place = Place { bank: BankId::from_bytes(dice.bytes()), prev: dice.bytes() };
    Snapshot { lasting: sample_lasting(dice), place }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_state_reads_back_as_itself(seed: u64) {
        let snapshot = sample(seed);
        let bytes = encode_snapshot(&snapshot.lasting, snapshot.place);
        prop_assert!(is_snapshot(&bytes));
        prop_assert!(super::super::decode(&bytes).is_err(), "a snapshot is no record");
        let read = decode_snapshot(&bytes).unwrap();
        prop_assert_eq!(encode_snapshot(&read.lasting, read.place), bytes);
        prop_assert_eq!(read, snapshot);
    }

    #[test]
    fn a_cut_or_changed_snapshot_is_never_read_as_the_same(seed: u64, at: usize, with in 1u8..) {
        let snapshot = sample(seed);
        let mut bytes = encode_snapshot(&snapshot.lasting, snapshot.place);
        let at = at % bytes.len();
        prop_assert_ne!(decode_snapshot(&bytes[..at]).ok(), Some(snapshot.clone()));
        bytes[at] ^= with;
        if let Ok(read) = decode_snapshot(&bytes) {
            // Only the protobuf of the roster knows several forms of one value.
            prop_assert!(read != snapshot || bytes.len() - at <= link::encode_roster(&read.lasting.roster).len());
        }
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_snapshot(&bytes);
        let _ = decode_snapshot(&[&[SNAPSHOT, VERSION], &bytes[..]].concat());
    }
}

/// A bank with so many compartments, all holding parcels with live codes, and so many people with so long names.
fn full(compartments: u16, recipients: usize, couriers: usize, text: usize) -> usize {
    let dice = &mut Dice::new(1);
    let name = "n".repeat(text);
    let recipient = Recipient {
        person: PersonId::from_bytes(dice.bytes()),
        unit: name.clone(),
        name: name.clone(),
        reach: Reach::Low,
    };
    let courier = CourierPass {
        person: PersonId::from_bytes(dice.bytes()),
        carrier: CarrierId::from_bytes(dice.bytes()),
        carrier_name: name,
        verifier: Verifier { salt: dice.bytes(), mac: dice.bytes() },
    };
    let mut lasting = Lasting {
        roster: Roster {
            recipients: vec![recipient; recipients],
            couriers: vec![courier; couriers],
            ..Roster::default()
        },
        ..Lasting::default()
    };
    for number in (1..=compartments).map(CompartmentNo) {
        let (id, grant) = sample_grant(dice);
        let state = GrantState::Live(Verifier { salt: [1; 16], mac: [1; 32] });
        lasting.grants.insert(id, Grant { state, ..grant });
        lasting.contents.insert(number, grant.parcel);
        lasting.out_of_service.insert(number, OutOfService::ByHand);
        lasting.openings.insert(number, sample_opening(dice));
        lasting.forced.insert(number);
        lasting.held.insert(number);
    }
    (0..200).for_each(|guess| lasting.budget.reserve(guess, moment(dice)));
    let bytes = encode_snapshot(&lasting, Place { bank: BankId::from_bytes([0; 16]), prev: [0; 32] });
    assert_eq!(decode_snapshot(&bytes).unwrap().lasting, lasting);
    bytes.len()
}

#[test]
fn a_snapshot_is_as_long_as_the_bank_is_big_and_always_fits() {
    assert!((10_000..24_000).contains(&full(60, 120, 10, 12)), "an ordinary bank");
    assert!(full(500, 0, 0, 0) < 200_000, "all that is not roster");
    let most = full(500, MAX_RECIPIENTS, MAX_COURIERS, link::MAX_TEXT_BYTES);
    assert!(most < 10 << 20, "the largest bank there can be: {most}");
    const { assert!(MAX_SNAPSHOT_BYTES > 10 << 20) };
}
