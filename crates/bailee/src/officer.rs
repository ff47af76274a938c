//! `bailee officer`: the key an officer keeps away from every network, and answers to the challenge on a kiosk's screen.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::BankId;
use bailee_domain::signer::{Act, Challenge, Statement};
use bailee_domain::time::WallTime;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::hex;
use bailee_wire::response::{self, Response};
use bailee_wire::statement;
use clap::{Args, Subcommand};

use crate::{key_file, say};

const FIRST_LINE: &str = "bailee officer key v1";

/// What an officer does.
#[derive(Subcommand)]
pub enum Officer {
    /// Make a key. Its public half goes to the administrators; the file goes onto a stick in a safe.
    New(New),
    /// Answer the challenge on a kiosk's screen.
    Answer(Answer),
}

/// A new key.
#[derive(Args)]
pub struct New {
    /// Where to write it; an existing file is left alone.
    file: PathBuf,
}

/// An answer.
#[derive(Args)]
pub struct Answer {
    /// The key file.
    #[arg(long)]
    key: PathBuf,
    /// The bank, as on the list that is kept with the key: `bnk_…`.
    #[arg(long)]
    bank: BankId,
    /// The number of the compartment.
    #[arg(long)]
    door: u16,
    /// What the kiosk shows, such as 7K3M-9QXT.
    challenge: String,
}

/// Runs one of them.
///
/// # Errors
/// What went wrong with the file or with what was typed.
pub fn run(command: &Officer, json: bool) -> anyhow::Result<()> {
    match command {
        Officer::New(new) => make(&new.file, json),
        Officer::Answer(answer) => {
            let key = read(&answer.key)?;
            let Some(challenge) = statement::parse_challenge(&answer.challenge) else {
                bail!("a challenge is eight letters and digits, such as 7K3M-9QXT");
            };
            let text = text(&key, answer.bank, CompartmentNo(answer.door), challenge);
            if json {
                say(&serde_json::json!({ "answer": text }).to_string());
            } else {
                show(&text)?;
            }
            Ok(())
        }
    }
}

fn make(file: &Path, json: bool) -> anyhow::Result<()> {
    let public = hex(&key_file::make(file, FIRST_LINE)?);
    if json {
        say(&serde_json::json!({ "public_key": public }).to_string());
    } else {
        say(&format!("public key {public}"));
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<SigningKey> {
    key_file::read(file, FIRST_LINE)
}

fn text(key: &SigningKey, bank: BankId, compartment: CompartmentNo, challenge: Challenge) -> String {
    let act = Act::Override { compartment, challenge };
    // The bank minds the time of a challenge.
    let statement = Statement { act, presence: None, expires: WallTime::default() };
    let signature = key.sign(&statement::bytes(bank, &statement));
    let mut tag = [0; 8];
    tag.copy_from_slice(&key.public().0[..8]);
    response::text(&Response { key: tag, signature })
}

/// As a QR code for the kiosk's camera, and as text to be typed.
fn show(text: &str) -> anyhow::Result<()> {
    let qr = fast_qr::QRBuilder::new(text).build().context("the answer fits no QR code")?;
    say(&qr.to_str());
    say("Show this to the kiosk's camera, or type:");
    say(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use bailee_vault::sign::PublicKey;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_its_answers_are_genuine() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ola.key");
        make(&file, true).unwrap();
        assert!(make(&file, true).is_err(), "an existing key is not overwritten");
        let key = read(&file).unwrap();
        let bank = BankId::from_bytes([1; 16]);
        let challenge = statement::parse_challenge("7k3m 9qxt").unwrap();
        let answer = response::parse(&text(&key, bank, CompartmentNo(12), challenge)).unwrap();
        assert_eq!(answer.key, key.public().0[..8]);
        let signed = format!("bailee-override/v1\n{bank}\n12\n7K3M-9QXT\n");
        assert!(PublicKey(key.public().0).verify(signed.as_bytes(), &answer.signature).is_ok());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&file).is_err(), "a key that others can read is not used");
        let other = folder.path().join("other");
        for text in ["", "bailee officer key v1\n12", "bailee officer key v1\nzz", "x"] {
            std::fs::write(&other, text).unwrap();
            std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert!(read(&other).is_err(), "{text:?}");
        }
    }
}
