//! Checking what people signed: offline, off the engine's thread, with the keys the engine names.

use std::sync::mpsc::{self, SyncSender};

use bailee_domain::bank::io::Checked;
use bailee_domain::id::BankId;
use bailee_domain::signer::{KeyForm, PersonKey, Proof, PublicKey, RelyingParty, Statement};
use bailee_vault::assertion::{self, Assertion, Expected, PasskeyPublic};
use bailee_vault::sign;
use bailee_wire::statement;

/// A statement with the signatures under it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Comes back in the answer.
    pub check: u64,
    /// What is said to be signed.
    pub statement: Statement,
    /// By which keys, and what proves it.
    pub signatures: Vec<(PersonKey, Proof)>,
    /// Whom passkeys must have been used for.
    pub party: RelyingParty,
}

/// Checks every signature, also after one that is wrong.
pub fn check(bank: BankId, job: &Job) -> Checked {
    let bytes = statement::bytes(bank, &job.statement);
    let digest = statement::digest(&bytes);
    let proven = job.signatures.iter().map(|(key, proof)| prove(key, proof, &bytes, &digest, &job.party));
    Checked { digest, proven: proven.collect() }
}

/// The count of the authenticator if the proof is genuine; a key of one form proves nothing by the other.
fn prove(
    key: &PersonKey,
    proof: &Proof,
    bytes: &[u8],
    digest: &[u8; 32],
    party: &RelyingParty,
) -> Option<u32> {
    match (key.form, key.public, proof) {
        (KeyForm::Plain, PublicKey::Ed25519(public), Proof::Plain(signature)) => {
            sign::PublicKey(public).verify(bytes, signature).is_ok().then_some(0)
        }
        (KeyForm::Passkey, public, Proof::Passkey { authenticator_data, client_data, signature }) => {
            let public = match public {
                PublicKey::Ed25519(public) => PasskeyPublic::Ed25519(public),
                PublicKey::P256(public) => PasskeyPublic::P256(public),
            };
            let expected = Expected { rp_id: &party.id, origin: &party.origin, challenge: digest };
            let assertion = Assertion { authenticator_data, client_data, signature };
            // A bank that was told no relying party takes no passkeys.
            let told = !party.id.is_empty() && !party.origin.is_empty();
            assertion::verify(&public, &expected, &assertion).ok().filter(|_| told)
        }
        _ => None,
    }
}

/// Starts the thread that checks; it ends when nobody can ask any more.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    bank: BankId,
    mut answer: impl FnMut(u64, Checked) -> bool + Send + 'static,
) -> std::io::Result<SyncSender<Job>> {
    // One request of the platform and one answer at the kiosk at most are under way.
    let (jobs, inbox) = mpsc::sync_channel::<Job>(4);
    std::thread::Builder::new().name("signatures".into()).spawn(move || {
        for job in inbox {
            if !answer(job.check, check(bank, &job)) {
                return;
            }
        }
    })?;
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use bailee_domain::code::Code;
    use bailee_domain::compartment::CompartmentNo;
    use bailee_domain::id::PersonId;
    use bailee_domain::signer::{Act, KeyUse};
    use bailee_domain::time::WallTime;
    use bailee_vault::Secret;
    use bailee_vault::assertion::test_passkey::TestPasskey;
    use bailee_vault::sign::SigningKey;

    use super::*;

    const BANK: BankId = BankId::from_bytes([1; 16]);

    fn inspect(door: u16) -> Statement {
        let act = Act::Inspect { compartment: CompartmentNo(door), reason: [0; 32] };
        let presence = Some(Code::parse("12345678").unwrap());
        Statement { act, presence, expires: WallTime::from_unix_ms(5) }
    }

    fn party() -> RelyingParty {
        RelyingParty { id: "p.example".into(), origin: "https://p.example".into() }
    }

    fn key(form: KeyForm, public: PublicKey) -> PersonKey {
        PersonKey { person: PersonId::from_bytes([2; 16]), used_for: KeyUse::Administrator, form, public }
    }

    fn proven(bank: BankId, door: u16, signature: (PersonKey, Proof), party: RelyingParty) -> Option<u32> {
        let job = Job { check: 1, statement: inspect(door), signatures: vec![signature], party };
        check(bank, &job).proven[0]
    }

    #[test]
    fn passkeys_and_plain_keys_sign_for_one_bank_and_one_statement() {
        let bytes = statement::bytes(BANK, &inspect(1));
        let passkey = TestPasskey::p256();
        let PasskeyPublic::P256(public) = passkey.public() else { panic!() };
        let made = passkey.sign("p.example", "https://p.example", &statement::digest(&bytes), 6);
        let proof = Proof::Passkey {
            authenticator_data: made.authenticator_data,
            client_data: made.client_data,
            signature: made.signature,
        };
        let by_passkey = (key(KeyForm::Passkey, PublicKey::P256(public)), proof);
        let plain = SigningKey::from_seed(&Secret::new([3; 32]));
        let by_plain =
            (key(KeyForm::Plain, PublicKey::Ed25519(plain.public().0)), Proof::Plain(plain.sign(&bytes)));
        for (signature, count) in [(by_passkey.clone(), 6), (by_plain.clone(), 0)] {
            assert_eq!(proven(BANK, 1, signature.clone(), party()), Some(count));
            assert_eq!(proven(BANK, 2, signature.clone(), party()), None, "another door");
            assert_eq!(proven(BankId::from_bytes([9; 16]), 1, signature, party()), None, "another bank");
        }
        assert_eq!(proven(BANK, 1, by_passkey.clone(), RelyingParty::default()), None);
        assert_eq!(proven(BANK, 1, (by_plain.0, by_passkey.1), party()), None, "a key has one form");
        assert_eq!(proven(BANK, 1, (by_passkey.0, by_plain.1), party()), None);
    }
}
