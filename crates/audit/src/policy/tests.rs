use proptest::prelude::*;

use super::*;
use crate::cosignature::Cosigner;
use crate::hash::{TreeHead, leaf_hash};
use crate::key::{Ed25519Signer, KeyError, KeyName};

const NOW: u64 = 1_800_000_000;

fn log(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::new("locker.example/log/1").expect("valid"), &[seed; 32])
        .expect("a seed")
}

fn witness(number: u8) -> Cosigner {
    let name = KeyName::new(&format!("w{number}.example")).expect("valid");
    Cosigner::from_seed(name, &[100 + number; 32]).expect("a seed")
}

fn witnesses(count: u8) -> String {
    (1..=count).map(|number| format!("witness w{number} {}\n", witness(number).key())).collect()
}

fn policy(rest: &str) -> Policy {
    let text = format!("log {}\n{}{rest}", log(1).verifying_key(), witnesses(4));
    Policy::parse(text.as_bytes()).expect("sound")
}

/// A checkpoint cosigned by these witnesses at [`NOW`].
fn cosigned_by(numbers: &[u8]) -> Vec<u8> {
    cosigned_at(numbers, NOW)
}

fn cosigned_at(numbers: &[u8], time: u64) -> Vec<u8> {
    let checkpoint = Checkpoint::new("locker.example/log/1", TreeHead { size: 7, root: leaf_hash(b"x") });
    let mut note = checkpoint.sign(&[&log(1)]).expect("signs");
    for number in numbers {
        note.add(witness(*number).cosign(note.text(), time).expect("signs")).expect("room");
    }
    note.to_string().into_bytes()
}

fn fault(text: &str) -> (usize, PolicyFault) {
    let error = Policy::parse(text.as_bytes()).expect_err("unsound");
    (error.line, error.fault)
}

#[test]
fn one_witness_two_of_three_and_groups_of_groups() {
    type Sets<'a> = &'a [&'a [u8]];
    let cases: [(&str, Sets<'_>, Sets<'_>); 6] = [
        ("quorum w1\n", &[&[1], &[1, 2]], &[&[], &[2, 3]]),
        ("quorum none\n", &[&[], &[1]], &[]),
        ("group g 2 w1 w2 w3\nquorum g\n", &[&[1, 3], &[1, 2, 3]], &[&[1], &[1, 4]]),
        ("group g any w1 w2\nquorum g\n", &[&[1], &[2]], &[&[], &[3]]),
        ("group g all w1 w2\nquorum g\n", &[&[1, 2]], &[&[1], &[2, 3]]),
        (
            "group a 1 w1 w2\ngroup b all w3 w4\ngroup both all a b\nquorum both\n",
            &[&[1, 3, 4], &[1, 2, 3, 4]],
            &[&[1, 2], &[3, 4], &[1, 3]],
        ),
    ];
    for (rules, enough, too_few) in cases {
        let policy = policy(rules);
        for numbers in enough {
            let endorsed = policy.check(&cosigned_by(numbers), NOW).expect("a quorum");
            assert_eq!(endorsed.cosigned.len(), numbers.len(), "{rules}");
            assert_eq!(endorsed.checkpoint.size, 7);
        }
        for numbers in too_few {
            let refused = policy.check(&cosigned_by(numbers), NOW);
            assert!(matches!(refused, Err(NotEndorsed::Quorum { .. })), "{rules} {numbers:?}");
        }
    }
}

#[test]
fn a_wrong_cosignature_a_future_one_and_a_foreign_log_are_refused() {
    let policy = policy("quorum w1\n");
    let late = cosigned_at(&[1], NOW + CLOCK_TOLERANCE_S + 1);
    assert!(matches!(policy.check(&late, NOW), Err(NotEndorsed::FromTheFuture { .. })));
    assert!(policy.check(&cosigned_at(&[1], NOW + CLOCK_TOLERANCE_S), NOW).is_ok());

    let mut note = Note::parse(&cosigned_by(&[1])).expect("a note");
    let mut line = note.signatures()[1].clone();
    line.signature[20] ^= 1;
    note.add(line).expect("room");
    let refused = policy.check(note.to_string().as_bytes(), NOW);
    assert!(matches!(refused, Err(NotEndorsed::Cosignature(_))));

    let other = policy_of_log(2).check(&cosigned_by(&[1]), NOW);
    assert!(matches!(&other, Err(error @ NotEndorsed::Log(_)) if !error.is_about_form()));
    let text = "log PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\nquorum none\n";
    let foreign = Policy::parse(text.as_bytes()).expect("sound").check(&cosigned_by(&[1]), NOW);
    assert!(matches!(foreign, Err(NotEndorsed::UnknownLog { .. })));
    assert!(policy.check(b"nonsense", NOW).is_err_and(|error| error.is_about_form()));
}

#[test]
fn old_cosignatures_do_not_count_where_fresh_ones_are_wanted() {
    let policy = policy("quorum w1\n");
    let (old, key) = (cosigned_at(&[1], NOW - 3_600), log(1).verifying_key().clone());
    assert!(policy.check_of(&old, &key, NOW).is_ok());
    assert!(policy.check_since(&old, &key, NOW - 3_600..=NOW).is_ok());
    let refused = policy.check_since(&old, &key, NOW - 3_599..=NOW);
    assert!(matches!(refused, Err(NotEndorsed::Quorum { cosigned: 0, .. })));
}

fn policy_of_log(seed: u8) -> Policy {
    let text = format!("log {}\n{}quorum w1\n", log(seed).verifying_key(), witnesses(1));
    Policy::parse(text.as_bytes()).expect("sound")
}

#[test]
fn the_faults_of_a_policy_are_named_with_their_line() {
    let key = witness(1).key().to_string();
    let other = witness(2).key().to_string();
    let log_key = log(1).verifying_key().to_string();
    let name = |name: &str| RuleName(name.as_bytes().to_vec());
    assert_eq!(fault(""), (1, PolicyFault::NoQuorum));
    assert_eq!(fault("# all\n\n"), (3, PolicyFault::NoQuorum));
    assert_eq!(fault("quorum none"), (1, PolicyFault::Unended));
    assert_eq!(fault("quorum none\nquorum none\n"), (2, PolicyFault::SecondQuorum));
    assert_eq!(fault("quorum w\n"), (1, PolicyFault::Undefined(name("w"))));
    assert_eq!(fault("trust me\n"), (1, PolicyFault::Keyword));
    assert_eq!(fault("quorum\n"), (1, PolicyFault::Words));
    assert_eq!(fault("group g any\n"), (1, PolicyFault::Words));
    assert_eq!(fault("log a b c\n"), (1, PolicyFault::Words));
    assert_eq!(fault("log x\n"), (1, PolicyFault::Key(KeyError::Form)));
    assert_eq!(fault("quorum\u{b}none\n"), (1, PolicyFault::ControlCharacter));
    assert_eq!(fault("quorum none\r\n"), (1, PolicyFault::ControlCharacter));
    assert_eq!(fault(&format!("log {log_key}\nlog {log_key} https://x\n")), (2, PolicyFault::DuplicateKey));
    let wrong_type = PolicyFault::Key(KeyError::Type { found: 1, expected: 4 });
    assert_eq!(fault(&format!("witness w {log_key}\n")), (1, wrong_type));
    let renamed = CosignerKey::new(KeyName::new("other").expect("valid"), *witness(1).key().public());
    assert_eq!(fault(&format!("witness a {key}\nwitness b {renamed}\n")), (2, PolicyFault::DuplicateKey));
    assert_eq!(
        fault(&format!("witness a {key}\nwitness a {other}\n")),
        (2, PolicyFault::NameTaken(name("a")))
    );
    assert_eq!(fault(&format!("witness none {key}\n")), (1, PolicyFault::NameTaken(name("none"))));
    let two = format!("witness a {key}\nwitness b {other}\n");
    for least in ["0", "3", "01", "+1", "some"] {
        assert_eq!(fault(&format!("{two}group g {least} a b\n")), (3, PolicyFault::Threshold), "{least}");
    }
    assert_eq!(fault(&format!("{two}group g any c\n")), (3, PolicyFault::Undefined(name("c"))));
    assert_eq!(fault(&format!("{two}group g any a a\n")), (3, PolicyFault::CountedTwice(name("a"))));
    assert_eq!(
        fault(&format!("{two}group g any a\ngroup h any a b\n")),
        (4, PolicyFault::CountedTwice(name("a")))
    );
    assert_eq!(fault(&format!("{two}group g any none\n")), (3, PolicyFault::Undefined(name("none"))));
    assert_eq!(fault(&"#".repeat(MAX_POLICY_LEN + 1)), (1, PolicyFault::TooLong));
}

#[test]
fn blanks_comments_order_and_names_beyond_ascii_are_allowed() {
    let text = format!(
        "\t# who we trust\n\n quorum \t none  \nwitness caf\u{e9} {}  https://w.example/\n  log {} https://l.example/\n",
        witness(1).key(),
        log(1).verifying_key()
    );
    let policy = Policy::parse(text.as_bytes()).expect("sound");
    assert_eq!(policy.witnesses()[0].name.as_bytes(), "caf\u{e9}".as_bytes());
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://w.example/"));
    assert_eq!(policy.logs().len(), 1);
    let mut latin = format!("witness caf# {}\nquorum caf#\n", witness(1).key()).into_bytes();
    latin.iter_mut().filter(|byte| **byte == b'#').for_each(|byte| *byte = 0xe9);
    assert!(Policy::parse(&latin).is_ok(), "names are opaque bytes");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Policy::parse(&bytes);
    }

    #[test]
    fn any_words_are_read_or_refused(text in "((log|witness|group|quorum|#)?( (a|b|any|all|2|none))*\n){0,6}") {
        let _ = Policy::parse(text.as_bytes());
    }

    /// `k` of `n`: met exactly when at least `k` of its members cosigned.
    #[test]
    fn a_threshold_is_a_count(least in 1_usize..=4, chosen in proptest::collection::btree_set(1_u8..=4, 0..=4)) {
        let policy = policy(&format!("group g {least} w1 w2 w3 w4\nquorum g\n"));
        let numbers: Vec<u8> = chosen.into_iter().collect();
        prop_assert_eq!(policy.check(&cosigned_by(&numbers), NOW).is_ok(), numbers.len() >= least);
    }
}
