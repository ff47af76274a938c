use bailee_domain::event::EventKind;
use bailee_domain::platform::{Actor, PlatformEvent};
use bailee_domain::time::{TimeQuality, WallTime};

use super::*;

const ORG: OrgId = OrgId::from_bytes([9; 16]);
const BANK: BankId = BankId::from_bytes([1; 16]);
const KEY: [u8; 32] = [5; 32];

/// Stands in for Ed25519: the "signature" is key ‖ SHA-256 of the message.
fn sign(key: &[u8; 32], message: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(key);
    signature[32..].copy_from_slice(&event::chain_hash(message));
    signature
}

fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    sign(key, message) == *signature
}

fn platform(kind: PlatformEventKind) -> Vec<u8> {
    event::encode_platform(ORG, &PlatformEvent { at: WallTime::default(), actor: Actor::Platform, kind })
        .unwrap()
}

fn enrolled() -> Vec<u8> {
    platform(PlatformEventKind::BankEnrolled { bank: BANK, device_key: KEY })
}

fn head(seq: u64, head: Hash, key: &[u8; 32]) -> Vec<u8> {
    let signature = sign(key, &event::head_statement(BANK, seq, &head));
    platform(PlatformEventKind::ChainHead { bank: BANK, seq, head, signature })
}

fn events(count: u64) -> Vec<Vec<u8>> {
    let mut prev = NO_EVENT;
    (1..=count)
        .map(|seq| {
            let kind = EventKind::BankStarted { boot: seq, interrupted: 0 };
            let event = Event { seq, at: WallTime::default(), quality: TimeQuality::Trusted, kind };
            let bytes = event::encode_bank(BANK, &prev, &event);
            prev = event::chain_hash(&bytes);
            bytes
        })
        .collect()
}

fn check(log: &[Vec<u8>]) -> Result<Summary, Unsound> {
    let mut checker = Checker::new(verify);
    for leaf in log {
        checker.feed(leaf)?;
    }
    Ok(checker.summary())
}

fn sound() -> Vec<Vec<u8>> {
    let e = events(5);
    let middle = event::chain_hash(&e[2]);
    let mut log = vec![platform(PlatformEventKind::LogStarted), enrolled()];
    log.extend(e);
    log.push(head(3, middle, &KEY));
    log
}

#[test]
fn a_sound_log_is_counted() {
    let expected = Summary { entries: 8, bank_events: 5, heads: 1, uncovered: 2, banks: 1 };
    assert_eq!(check(&sound()), Ok(expected));
}

#[test]
fn every_missing_repeated_or_swapped_event_is_found_where_it_is() {
    for at in 2..6 {
        let mut log = sound();
        log.remove(at);
        assert_eq!(check(&log).unwrap_err().index, at as u64, "missing {at}");
        let mut log = sound();
        log.insert(at, log[at].clone());
        assert_eq!(check(&log).unwrap_err().index, at as u64 + 1, "repeated {at}");
        let mut log = sound();
        log.swap(at, at + 1);
        assert_eq!(check(&log).unwrap_err().index, at as u64, "swapped {at}");
    }
}

#[test]
fn a_changed_event_breaks_the_chain_at_the_next_one() {
    let mut log = sound();
    let Leaf::Bank { bank, prev, mut event } = event::decode(&log[3]).unwrap() else { panic!() };
    event.at = event.at.plus_ms(1);
    log[3] = event::encode_bank(bank, &prev, &event);
    assert_eq!(check(&log).unwrap_err(), Unsound { index: 4, why: Fault::Chain { bank: BANK, seq: 3 } });
}

#[test]
fn heads_must_be_the_logs_and_signed_by_the_enrolled_key() {
    let last = event::chain_hash(&events(5)[4]);
    let mut other_key = sound();
    other_key.push(head(5, last, &[6; 32]));
    assert_eq!(check(&other_key).unwrap_err().why, Fault::Signature { bank: BANK, seq: 5 });
    for (seq, hash) in [(5, [0; 32]), (6, last), (2, last), (0, NO_EVENT)] {
        let mut log = sound();
        log.push(head(seq, hash, &KEY));
        assert_eq!(check(&log).unwrap_err().why, Fault::Head { bank: BANK, seq });
    }
    let mut log = sound();
    log.push(head(5, last, &KEY));
    assert_eq!(check(&log).unwrap().uncovered, 0);
}

#[test]
fn an_event_no_bank_signed_for_is_found() {
    // An attacker with the platform's database can write an event that continues a bank's chain. What is missing
    // is a head the bank signed.
    let mut log = sound();
    log.push(head(5, event::chain_hash(&events(5)[4]), &KEY));
    log.push(events(6).remove(5));
    let fabricated = log.len() as u64 - 1;
    assert_eq!(check(&log).unwrap().uncovered, 1, "it is counted at once");
    let filler = platform(PlatformEventKind::SignInRefused);
    while (log.len() as u64) <= fabricated + SIGNED_WITHIN {
        log.push(filler.clone());
    }
    assert!(check(&log).is_ok(), "a head may still come");
    log.push(filler.clone());
    let found = check(&log).unwrap_err();
    assert_eq!(
        found,
        Unsound { index: fabricated + SIGNED_WITHIN + 1, why: Fault::Unsigned { bank: BANK, seq: 6 } }
    );

    // Nor does it help to have an earlier head signed again.
    log.insert(20, head(5, event::chain_hash(&events(5)[4]), &KEY));
    assert!(matches!(check(&log).unwrap_err().why, Fault::Unsigned { seq: 6, .. }));
}

#[test]
fn events_signed_late_but_in_time_are_sound() {
    let filler = platform(PlatformEventKind::SignInRefused);
    let mut log = sound();
    log.extend(std::iter::repeat_n(filler.clone(), 4_000));
    log.push(head(5, event::chain_hash(&events(5)[4]), &KEY));
    log.extend(std::iter::repeat_n(filler, 5_000));
    assert_eq!(check(&log).unwrap().uncovered, 0);
}

#[test]
fn a_key_changed_by_enrolling_again_signs_from_then_on() {
    let last = event::chain_hash(&events(5)[4]);
    let mut log = sound();
    log.push(platform(PlatformEventKind::BankEnrolled { bank: BANK, device_key: [6; 32] }));
    log.push(head(5, last, &[6; 32]));
    assert_eq!(check(&log).unwrap().heads, 2);
}

#[test]
fn unknown_banks_other_logs_and_garbage_are_unsound_and_stay_so() {
    assert_eq!(check(&events(1)).unwrap_err().why, Fault::NotEnrolled(BANK));
    let foreign = OrgId::from_bytes([8; 16]);
    let event = PlatformEvent {
        at: WallTime::default(),
        actor: Actor::Platform,
        kind: PlatformEventKind::LogStarted,
    };
    let mut log = sound();
    log.push(event::encode_platform(foreign, &event).unwrap());
    assert_eq!(check(&log).unwrap_err().why, Fault::OtherLog(foreign));
    let mut checker = Checker::new(verify);
    let first = checker.feed(b"?").unwrap_err();
    assert_eq!(checker.feed(&enrolled()).unwrap_err(), first);
}
