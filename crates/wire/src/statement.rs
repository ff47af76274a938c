//! The exact bytes people sign to have something done at a bank: a few lines of text, one form for every meaning.
//!
//! ```text
//! bailee-statement/v1
//! bnk_…                                     the bank
//! collect 12 grt_…                          or: inspect 12 <64 hex digits>
//!                                           or: admit per_… administrator passkey <hex of the public key>
//! present 12345678                          the code on the bank's screen, or: quorum
//! until 1800000060000                       Unix milliseconds
//! ```
//!
//! and for an emergency, where the bank itself minds the time:
//!
//! ```text
//! bailee-override/v1
//! bnk_…
//! 12
//! 7K3M-9QXT                                 the challenge on the kiosk's screen
//! ```
//!
//! Every line ends with a line feed. A plain key signs these bytes; a passkey signs an assertion whose challenge is
//! their SHA-256. `docs/reference/statements.md` is for those who write a signing program.

use aws_lc_rs::digest;
use bailee_domain::id::BankId;
use bailee_domain::signer::{Act, Challenge, KeyForm, KeyUse, PublicKey, Statement};

use crate::event::{Hash, hex};

/// Letters and digits of a challenge: Crockford's base32, in capitals as kiosks show them.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The bytes that are signed for `statement` at `bank`.
pub fn bytes(bank: BankId, statement: &Statement) -> Vec<u8> {
    let act = match &statement.act {
        Act::Override { compartment, challenge } => {
            let challenge = challenge_text(*challenge);
            return format!("bailee-override/v1\n{bank}\n{}\n{challenge}\n", compartment.0).into_bytes();
        }
        Act::Collect { compartment, grant } => format!("collect {} {grant}", compartment.0),
        Act::Inspect { compartment, reason } => format!("inspect {} {}", compartment.0, hex(reason)),
        Act::Admit(key) => {
            let form = match key.form {
                KeyForm::Plain => "plain",
                KeyForm::Passkey => "passkey",
            };
            let public = match &key.public {
                PublicKey::Ed25519(public) => hex(public),
                PublicKey::P256(public) => hex(public),
            };
            format!("admit {} {} {form} {public}", key.person, use_name(key.used_for))
        }
    };
    let presence = match &statement.presence {
        Some(code) => format!("present {}", String::from_utf8_lossy(code.digits())),
        None => "quorum".to_owned(),
    };
    let until = statement.expires.unix_ms();
    format!("bailee-statement/v1\n{bank}\n{act}\n{presence}\nuntil {until}\n").into_bytes()
}

/// What a use of keys is called in statements and in the API.
pub const fn use_name(used_for: KeyUse) -> &'static str {
    match used_for {
        KeyUse::Resident => "resident",
        KeyUse::Administrator => "administrator",
        KeyUse::Officer => "officer",
    }
}

/// The use called so.
pub fn use_named(name: &str) -> Option<KeyUse> {
    crate::signed::USES.into_iter().find(|used_for| use_name(*used_for) == name)
}

/// The SHA-256 of a statement's bytes: the challenge of a passkey's assertion.
pub fn digest(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// A challenge as a kiosk shows it: `7K3M-9QXT`.
pub fn challenge_text(challenge: Challenge) -> String {
    let n = challenge.0.iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    let mut text = String::with_capacity(9);
    for place in (0..8).rev() {
        let digit = usize::try_from(n >> (5 * place) & 31).expect("five bits");
        text.push(char::from(ALPHABET[digit]));
        if place == 4 {
            text.push('-');
        }
    }
    text
}

/// Reads a challenge as a person types it: hyphens, blanks and case do not matter, `O` is 0, `I` and `L` are 1.
pub fn parse_challenge(text: &str) -> Option<Challenge> {
    let mut n = 0_u64;
    let mut digits = 0;
    for c in text.bytes().filter(|c| !matches!(c, b'-' | b' ')) {
        let c = match c.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            c => c,
        };
        let digit = ALPHABET.iter().position(|known| *known == c)?;
        n = n << 5 | u64::try_from(digit).expect("a position below 32");
        digits += 1;
        if digits > 8 {
            return None;
        }
    }
    let mut challenge = [0; 5];
    challenge.copy_from_slice(&n.to_be_bytes()[3..]);
    (digits == 8).then_some(Challenge(challenge))
}

#[cfg(test)]
mod tests {
    use bailee_domain::code::Code;
    use bailee_domain::compartment::CompartmentNo;
    use bailee_domain::id::{GrantId, PersonId};
    use bailee_domain::signer::PersonKey;
    use bailee_domain::time::WallTime;
    use proptest::prelude::*;

    use super::*;

    const BANK: BankId = BankId::from_bytes([1; 16]);

    fn said(act: Act, presence: Option<&str>) -> String {
        let presence = presence.map(|code| Code::parse(code).unwrap());
        let expires = WallTime::from_unix_ms(1_800_000_060_000);
        String::from_utf8(bytes(BANK, &Statement { act, presence, expires })).unwrap()
    }

    #[test]
    fn the_form_is_fixed() {
        let (compartment, grant) = (CompartmentNo(12), GrantId::from_bytes([2; 16]));
        assert_eq!(
            said(Act::Collect { compartment, grant }, Some("01234567")),
            "bailee-statement/v1\nbnk_01041040g2081040g2081040g2\ncollect 12 grt_02082081040g2081040g208104\n\
             present 01234567\nuntil 1800000060000\n"
                .replace("bnk_01041040g2081040g2081040g2", &BANK.to_string())
                .replace("grt_02082081040g2081040g208104", &grant.to_string())
        );
        let inspect = said(Act::Inspect { compartment, reason: [0xab; 32] }, None);
        assert!(inspect.contains(&format!("\ninspect 12 {}\nquorum\n", "ab".repeat(32))));
        let (person, used_for) = (PersonId::from_bytes([3; 16]), KeyUse::Officer);
        let key = PersonKey { person, used_for, form: KeyForm::Plain, public: PublicKey::Ed25519([1; 32]) };
        let admit = said(Act::Admit(key), Some("00000000"));
        assert!(
            admit
                .contains(&format!("\nadmit {person} officer plain {}\npresent 00000000\n", "01".repeat(32)))
        );
        let challenge = Challenge([0xff; 5]);
        let emergency = said(Act::Override { compartment, challenge }, None);
        assert_eq!(emergency, format!("bailee-override/v1\n{BANK}\n12\nZZZZ-ZZZZ\n"));
    }

    proptest! {
        #[test]
        fn a_challenge_is_read_as_it_is_shown(bytes: [u8; 5]) {
            let shown = challenge_text(Challenge(bytes));
            prop_assert_eq!(parse_challenge(&shown), Some(Challenge(bytes)));
            let typed = shown.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
            prop_assert_eq!(parse_challenge(&typed), Some(Challenge(bytes)));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,40}") {
            let _ = parse_challenge(&text);
        }
    }

    #[test]
    fn what_is_no_challenge_is_refused() {
        for text in ["", "7K3M-9QX", "7K3M-9QXTT", "7K3M-9QXU", "7K3M-9QXé"] {
            assert_eq!(parse_challenge(text), None, "{text}");
        }
    }
}
