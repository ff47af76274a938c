//! A statement with everybody's signature, as one text that is handed from person to person and to the platform.
//!
//! ```text
//! bailee-statement/v1
//! bnk_…
//! inspect 12 <64 hex digits>
//! present 40718256
//! until 1800000060000
//! signed per_… <public key> <signature>
//! signed per_… <public key> <signature> <authenticator data> <client data>      a passkey's
//! ```
//!
//! The first five lines are the bytes of [`crate::statement`]; keys and signatures are base64url without padding. Nothing is
//! believed for being readable: the bank checks every signature. Start at [`parse`].

use core::fmt::Write as _;

use bailee_domain::code::Code;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::BankId;
use bailee_domain::signer::{
    Act, KeyForm, KeyUse, MAX_AUTHENTICATOR_DATA, MAX_CLIENT_DATA, MAX_SIGNATURE, MAX_SIGNATURES, PersonKey,
    Proof, PublicKey, Signature, Signed, Statement,
};
use bailee_domain::time::WallTime;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::statement;

/// The longest text that is looked at, in bytes: five passkeys' signatures fit.
pub const MAX_BYTES: usize = 32 * 1024;
/// Lines of a statement before its signatures.
const LINES: usize = 5;

/// The text is no statement of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is no statement")]
pub struct NotAStatement;

/// Reads a statement with the signatures under it, of which there may be none yet. Line ends of any system are taken, and
/// blanks around a line; beyond that there is one form for every meaning.
///
/// # Errors
/// [`NotAStatement`] for anything else.
pub fn parse(text: &str) -> Result<(BankId, Signed), NotAStatement> {
    if text.len() > MAX_BYTES {
        return Err(NotAStatement);
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (said, signed) = lines.split_at_checked(LINES).ok_or(NotAStatement)?;
    let (bank, statement) = read(said).ok_or(NotAStatement)?;
    let same = statement::bytes(bank, &statement) == format!("{}\n", said.join("\n")).into_bytes();
    if !same || signed.len() > MAX_SIGNATURES {
        return Err(NotAStatement);
    }
    let signatures: Option<Vec<Signature>> = signed.iter().map(|line| signature(line)).collect();
    Ok((bank, Signed { statement, signatures: signatures.ok_or(NotAStatement)? }))
}

/// The text of a statement with the signatures under it.
pub fn text(bank: BankId, signed: &Signed) -> String {
    let mut text = String::from_utf8_lossy(&statement::bytes(bank, &signed.statement)).into_owned();
    for Signature { person, public, proof } in &signed.signatures {
        let public = URL_SAFE_NO_PAD.encode(public_bytes(public));
        let parts = match proof {
            Proof::Plain(signature) => URL_SAFE_NO_PAD.encode(signature),
            Proof::Passkey { authenticator_data, client_data, signature } => {
                [signature, authenticator_data, client_data]
                    .map(|part| URL_SAFE_NO_PAD.encode(part))
                    .join(" ")
            }
        };
        let _ = writeln!(text, "signed {person} {public} {parts}");
    }
    text
}

/// A public key as its bytes: 32 of Ed25519, 65 of P-256.
pub fn public_bytes(public: &PublicKey) -> &[u8] {
    match public {
        PublicKey::Ed25519(key) => key,
        PublicKey::P256(point) => point,
    }
}

/// A public key from its bytes: 32 of Ed25519, 65 of P-256 that begin with 4.
pub fn public_from(bytes: &[u8]) -> Option<PublicKey> {
    match bytes.len() {
        32 => Some(PublicKey::Ed25519(bytes.try_into().ok()?)),
        65 if bytes[0] == 4 => Some(PublicKey::P256(bytes.try_into().ok()?)),
        _ => None,
    }
}

/// A public key as people type or paste it: hexadecimal or base64url, the bare key or a passkey's `COSE_Key`.
pub fn public_from_text(text: &str) -> Option<PublicKey> {
    let text: String = text.split_whitespace().collect();
    if text.len() > 4 * crate::cose::MAX_BYTES {
        return None;
    }
    let bytes = unhex(&text).or_else(|| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok())?;
    public_from(&bytes).or_else(|| crate::cose::parse(&bytes))
}

fn read(lines: &[&str]) -> Option<(BankId, Statement)> {
    let [first, bank, act, present, until] = lines else { return None };
    let presence = match *present {
        "quorum" => None,
        other => Some(Code::parse(other.strip_prefix("present ")?).ok()?),
    };
    let expires = WallTime::from_unix_ms(until.strip_prefix("until ")?.parse().ok()?);
    let statement = Statement { act: self::act(act)?, presence, expires };
    (*first == "bailee-statement/v1").then_some(())?;
    Some((bank.parse().ok()?, statement))
}

fn act(line: &str) -> Option<Act> {
    let words: Vec<&str> = line.split(' ').collect();
    match *words {
        ["collect", door, grant] => {
            Some(Act::Collect { compartment: CompartmentNo(door.parse().ok()?), grant: grant.parse().ok()? })
        }
        ["inspect", door, reason] => Some(Act::Inspect {
            compartment: CompartmentNo(door.parse().ok()?),
            reason: unhex(reason)?.try_into().ok()?,
        }),
        ["admit", person, used_for, form, public] => Some(Act::Admit(PersonKey {
            person: person.parse().ok()?,
            used_for: statement::use_named(used_for)?,
            form: form_named(form)?,
            public: public_from(&unhex(public)?)?,
        })),
        _ => None,
    }
}

/// What a form of keys is called in statements and in the API.
pub const fn form_name(form: KeyForm) -> &'static str {
    match form {
        KeyForm::Plain => "plain",
        KeyForm::Passkey => "passkey",
    }
}

/// The form called so.
pub fn form_named(name: &str) -> Option<KeyForm> {
    [KeyForm::Plain, KeyForm::Passkey].into_iter().find(|form| form_name(*form) == name)
}

/// Every use of keys.
pub const USES: [KeyUse; 3] = [KeyUse::Resident, KeyUse::Administrator, KeyUse::Officer];

fn signature(line: &str) -> Option<Signature> {
    let words: Vec<&str> = line.split(' ').collect();
    let bytes =
        |text: &str, most: usize| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= most);
    let (person, public, proof) = match *words {
        ["signed", person, public, signature] => {
            (person, public, Proof::Plain(bytes(signature, MAX_SIGNATURE)?.try_into().ok()?))
        }
        ["signed", person, public, signature, data, client] => {
            let authenticator_data = bytes(data, MAX_AUTHENTICATOR_DATA)?;
            let (client_data, signature) =
                (bytes(client, MAX_CLIENT_DATA)?, bytes(signature, MAX_SIGNATURE)?);
            (person, public, Proof::Passkey { authenticator_data, client_data, signature })
        }
        _ => return None,
    };
    Some(Signature { person: person.parse().ok()?, public: public_from(&bytes(public, 65)?)?, proof })
}

/// Lower-case or upper-case hexadecimal digits as bytes.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty()
        || !text.len().is_multiple_of(2)
        || !text.bytes().all(|digit| digit.is_ascii_hexdigit())
    {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use bailee_domain::id::{GrantId, PersonId};
    use proptest::prelude::*;

    use super::*;

    const BANK: BankId = BankId::from_bytes([1; 16]);

    fn key(used_for: KeyUse, form: KeyForm, public: PublicKey) -> PersonKey {
        PersonKey { person: PersonId::from_bytes([9; 16]), used_for, form, public }
    }

    fn acts() -> Vec<Act> {
        let compartment = CompartmentNo(12);
        let mut point = [4; 65];
        point[1..].copy_from_slice(&[5; 64]);
        vec![
            Act::Collect { compartment, grant: GrantId::from_bytes([2; 16]) },
            Act::Inspect { compartment, reason: [0xab; 32] },
            Act::Admit(key(KeyUse::Officer, KeyForm::Plain, PublicKey::Ed25519([3; 32]))),
            Act::Admit(key(KeyUse::Administrator, KeyForm::Passkey, PublicKey::P256(point))),
        ]
    }

    fn signed(act: Act, presence: Option<&str>) -> Signed {
        let presence = presence.map(|code| Code::parse(code).unwrap());
        let statement = Statement { act, presence, expires: WallTime::from_unix_ms(1_800_000_060_000) };
        let (person, public) = (PersonId::from_bytes([7; 16]), PublicKey::Ed25519([8; 32]));
        let passkey = Proof::Passkey {
            authenticator_data: vec![1; 37],
            client_data: b"{}".to_vec(),
            signature: vec![2; 70],
        };
        let signatures = vec![
            Signature { person, public, proof: Proof::Plain([6; 64]) },
            Signature { person: PersonId::from_bytes([6; 16]), public, proof: passkey },
        ];
        Signed { statement, signatures }
    }

    #[test]
    fn what_was_written_is_read_whatever_the_line_ends() {
        for act in acts() {
            for presence in [None, Some("01234567")] {
                let signed = signed(act, presence);
                let text = text(BANK, &signed);
                assert_eq!(parse(&text), Ok((BANK, signed.clone())));
                assert_eq!(
                    parse(&format!("\r\n{}\r\n", text.replace('\n', "\r\n"))),
                    Ok((BANK, signed.clone()))
                );
                let alone = Signed { signatures: Vec::new(), ..signed };
                assert_eq!(parse(&self::text(BANK, &alone)), Ok((BANK, alone)));
            }
        }
    }

    #[test]
    fn another_spelling_of_the_same_meaning_is_refused() {
        let text = text(BANK, &signed(acts()[1], Some("01234567")));
        for (from, to) in [
            ("inspect 12", "inspect 012"),
            ("inspect 12", "inspect +12"),
            ("inspect 12", "inspect  12"),
            (&"ab".repeat(32), &"AB".repeat(32)),
            ("present 01234567", "present 0123 4567"),
            ("until 1800000060000", "until 01800000060000"),
            ("v1", "v2"),
            ("until", "signed per_x y z\nuntil"),
        ] {
            assert_eq!(parse(&text.replacen(from, to, 1)), Err(NotAStatement), "{to}");
        }
        assert_eq!(parse(&" ".repeat(MAX_BYTES + 1)), Err(NotAStatement));
        assert_eq!(parse(&format!("bailee-override/v1\n{BANK}\n12\n7K3M-9QXT\n")), Err(NotAStatement));
    }

    #[test]
    fn keys_are_read_as_people_paste_them() {
        let hex = "03".repeat(32);
        let (upper, base64) = (hex.to_uppercase(), URL_SAFE_NO_PAD.encode([3; 32]));
        for text in [hex.clone(), format!(" {}\n{} ", &hex[..32], &hex[32..]), upper, base64] {
            assert_eq!(public_from_text(&text), Some(PublicKey::Ed25519([3; 32])), "{text}");
        }
        for text in ["", "zz", "0303", &"03".repeat(65), &"0".repeat(5_000)] {
            assert_eq!(public_from_text(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(bailee-statement/v1\n)?.{0,60}(\n.{0,40}){0,6}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_key_is_read_without_a_panic(text in "[0-9a-zA-Z_-]{0,200}") {
            let _ = public_from_text(&text);
        }
    }
}
