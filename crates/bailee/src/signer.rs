//! `bailee person`: a person's own key, and signing statements with it, away from the platform.
//!
//! A statement is text (docs/reference/statements.md). It is read, shown, signed and written with one line more; several people
//! sign one after the other. What a person signs they have seen: the statement is always printed.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use bailee_domain::id::PersonId;
use bailee_domain::signer::{MAX_SIGNATURES, Proof, PublicKey, Signature};
use bailee_vault::sign::SigningKey;
use bailee_wire::event::hex;
use bailee_wire::{signed, statement};
use clap::{Args, Subcommand};

use crate::{key_file, say};

const FIRST_LINE: &str = "bailee person key v1";

/// What a person does with a key of their own.
#[derive(Subcommand)]
pub enum Person {
    /// Make a key. Its public half is registered in the portal; the file stays with the person.
    New {
        /// Where to write it; an existing file is left alone.
        file: PathBuf,
    },
    /// Sign a statement: read from a file or from standard input, written with the signature to standard output.
    Sign(Sign),
}

/// A signature.
#[derive(Args)]
pub struct Sign {
    /// The key file.
    #[arg(long)]
    key: PathBuf,
    /// Who signs: `per_…`, as the portal shows it beside the key.
    #[arg(long)]
    person: PersonId,
    /// The statement; without it, standard input.
    statement: Option<PathBuf>,
}

/// Runs one of them.
///
/// # Errors
/// What went wrong with the file or with what was given to sign.
pub fn run(command: &Person, json: bool) -> anyhow::Result<()> {
    match command {
        Person::New { file } => {
            let public = hex(&key_file::make(file, FIRST_LINE)?);
            let text = format!("public key {public}");
            say(&if json { serde_json::json!({ "public_key": public }).to_string() } else { text });
            Ok(())
        }
        Person::Sign(sign) => {
            let key = key_file::read(&sign.key, FIRST_LINE)?;
            let mut text = String::new();
            match &sign.statement {
                Some(file) => {
                    text = std::fs::read_to_string(file)
                        .with_context(|| format!("reading {}", file.display()))?;
                }
                None => {
                    std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
                }
            }
            let signed = with_signature(&key, sign.person, &text)?;
            say(&if json { serde_json::json!({ "statement": signed }).to_string() } else { signed });
            Ok(())
        }
    }
}

/// The statement with this person's signature under those it has.
///
/// # Errors
/// When the text is no statement, or the person has signed it already.
fn with_signature(key: &SigningKey, person: PersonId, text: &str) -> anyhow::Result<String> {
    let (bank, mut all) = signed::parse(text)
        .context("this is no statement of five lines, such as the portal shows; nothing was signed")?;
    if all.signatures.iter().any(|known| known.person == person) {
        bail!("{person} has signed this already");
    }
    ensure!(all.signatures.len() < MAX_SIGNATURES, "it has as many signatures as there can be");
    let bytes = statement::bytes(bank, &all.statement);
    let public = PublicKey::Ed25519(key.public().0);
    all.signatures.push(Signature { person, public, proof: Proof::Plain(key.sign(&bytes)) });
    Ok(signed::text(bank, &all))
}

#[cfg(test)]
mod tests {
    use bailee_vault::Secret;
    use bailee_vault::sign;

    use super::*;

    #[test]
    fn two_people_sign_one_statement_one_after_the_other() {
        let said = format!(
            "bailee-statement/v1\n{}\ninspect 12 {}\nquorum\nuntil 1800000060000\n",
            bailee_domain::id::BankId::from_bytes([1; 16]),
            "ab".repeat(32)
        );
        let people = [PersonId::from_bytes([1; 16]), PersonId::from_bytes([2; 16])];
        let keys = [[5; 32], [6; 32]].map(|seed| SigningKey::from_seed(&Secret::new(seed)));
        let once = with_signature(&keys[0], people[0], &said).unwrap();
        assert!(with_signature(&keys[0], people[0], &once).is_err(), "nobody counts twice");
        let twice = with_signature(&keys[1], people[1], &once).unwrap();
        let (_, all) = signed::parse(&twice).unwrap();
        for ((signature, key), person) in all.signatures.iter().zip(&keys).zip(people) {
            let Proof::Plain(proof) = &signature.proof else { panic!() };
            assert!(sign::PublicKey(key.public().0).verify(said.as_bytes(), proof).is_ok());
            assert_eq!(signature.person, person);
        }
        for other in ["", "hello", &said.replace("v1", "v2"), &said.replace("quorum", "nobody")] {
            assert!(with_signature(&keys[0], people[0], other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_key_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ann.key");
        let public = key_file::make(&file, FIRST_LINE).unwrap();
        assert!(key_file::make(&file, FIRST_LINE).is_err(), "an existing key is not overwritten");
        assert_eq!(key_file::read(&file, FIRST_LINE).unwrap().public().0, public);
        assert!(key_file::read(&file, "bailee officer key v1").is_err(), "a key is for one thing");
    }
}
