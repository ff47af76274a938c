use proptest::prelude::*;

use super::*;
use crate::sample::Dice;

pub(crate) fn sample_event(dice: &mut Dice) -> Event {
    Event {
        seq: u64::sample(dice),
        at: WallTime::sample(dice),
        quality: TimeQuality::sample(dice),
        kind: EventKind::sample(dice),
    }
}

fn sample_leaf(dice: &mut Dice) -> Leaf {
    if dice.below(2) == 0 {
        Leaf::Bank { bank: BankId::sample(dice), prev: dice.bytes(), event: sample_event(dice) }
    } else {
        let event = PlatformEvent {
            at: WallTime::sample(dice),
            actor: Actor::sample(dice),
            kind: PlatformEventKind::sample(dice),
        };
        Leaf::Platform { org: OrgId::sample(dice), event }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_event_reads_back_as_itself(seed: u64) {
        let leaf = sample_leaf(&mut Dice::new(seed));
        let bytes = leaf.encode().unwrap();
        prop_assert!(bytes.len() <= MAX_LEAF_BYTES);
        prop_assert_eq!(decode(&bytes), Ok(leaf.clone()));
        prop_assert!(leaf.view().iter().any(|line| line.name == "kind" && line.value == leaf.kind()));
    }

    #[test]
    fn no_other_bytes_read_as_the_same_event(seed: u64, flips in prop::collection::vec((any::<usize>(), 1u8..), 1..4)) {
        let leaf = sample_leaf(&mut Dice::new(seed));
        let mut bytes = leaf.encode().unwrap();
        let original = bytes.clone();
        for (at, with) in flips {
            let at = at % bytes.len();
            bytes[at] ^= with;
        }
        if bytes != original {
            prop_assert_ne!(decode(&bytes), Ok(leaf));
        }
    }

    #[test]
    fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..1_100)) {
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn a_cut_or_lengthened_leaf_is_refused(seed: u64, cut: usize) {
        let mut bytes = sample_leaf(&mut Dice::new(seed)).encode().unwrap();
        prop_assert!(decode(&bytes[..cut % bytes.len()]).is_err());
        bytes.push(0);
        prop_assert!(decode(&bytes).is_err());
    }
}

fn opened() -> Leaf {
    Leaf::Bank {
        bank: BankId::from_bytes([1; 16]),
        prev: NO_EVENT,
        event: Event {
            seq: 1,
            at: WallTime::from_unix_ms(1_800_000_000_123),
            quality: TimeQuality::Trusted,
            kind: EventKind::CompartmentOpened {
                compartment: bailee_domain::compartment::CompartmentNo(7),
                opening: 300,
            },
        },
    }
}

#[test]
fn the_bytes_of_version_1_stay_what_they_are() {
    let expected = concat!(
        "a8",
        "0001",
        "0101",
        "0250",
        "01010101010101010101010101010101",
        "031b000001a3185c507b",
        "048205a20107021901",
        "2c",
        "0501",
        "065820",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0702",
    );
    assert_eq!(hex(&opened().encode().unwrap()), expected);
}

#[test]
fn a_longer_form_of_the_same_integer_is_not_canonical() {
    let mut bytes = opened().encode().unwrap();
    // The sequence number 1 at key 5, written in two bytes.
    let at = bytes.windows(2).rposition(|w| w == [5, 1]).unwrap() + 1;
    bytes.splice(at..=at, [0x18, 1]);
    assert_eq!(decode(&bytes), Err(EventError::NotCanonical));
}

#[test]
fn a_leaf_of_a_later_version_says_so() {
    let mut bytes = opened().encode().unwrap();
    bytes[2] = 2;
    assert_eq!(decode(&bytes), Err(EventError::UnknownVersion(2)));
}

#[test]
fn a_leaf_reads_as_sentences_of_fields() {
    let lines: Vec<_> = opened().view().into_iter().map(|l| format!("{}={}", l.name, l.value)).collect();
    assert_eq!(
        lines[1..5],
        ["at=2027-01-15T08:00:00.123Z", "kind=CompartmentOpened", "compartment=7", "opening=300"]
    );
}

#[test]
fn too_long_a_text_cannot_become_a_leaf() {
    let event = PlatformEvent {
        at: WallTime::default(),
        actor: Actor::Platform,
        kind: PlatformEventKind::SettingChanged { what: "x".repeat(MAX_TEXT_BYTES + 1) },
    };
    assert_eq!(encode_platform(OrgId::from_bytes([0; 16]), &event), Err(EventError::TooLong));
}

#[test]
fn dates_are_right_at_the_edges() {
    for (ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (i64::MAX, "9223372036854775807 ms"),
        (i64::MIN, "-9223372036854775808 ms"),
    ] {
        assert_eq!(time_text(WallTime::from_unix_ms(ms)), text);
    }
}

#[test]
fn the_reference_lists_every_kind_with_its_number() {
    let page = include_str!("../../../../docs/reference/event-encoding.md");
    let documented: Vec<(u64, &str)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?.parse().ok()?, cells.next()?))
        })
        .filter(|(_, name)| name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphabetic))
        .collect();
    let coded: Vec<_> = EventKind::VARIANTS.iter().chain(PlatformEventKind::VARIANTS).copied().collect();
    assert_eq!(documented, coded);
    let id = BankId::from_bytes([1; 16]).to_string();
    assert!(page.contains(&id), "the example's bank is {id}");
}
