//! `bailee verify receipt`: what a receipt (C2SP tlog-proof) proves, in words, with nothing but the file and a key or a policy.
//!
//! Every byte of the file is somebody else's. What is wrong is named by the first thing that does not fit, in the order in which
//! a reader would look: the form, whose log, whose signature, the proof, the entry. Start at [`check`].

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use bailee_audit::hash::Hash;
use bailee_audit::policy::{Endorsed, NotEndorsed};
use bailee_audit::tlog_proof::{MAX_FILE_LEN, NotAProof};
use bailee_audit::{Policy, TlogProof, VerifyingKey, leaf_hash};
use bailee_domain::receipt::{Opening, opening};
use bailee_domain::time::WallTime;
use bailee_server::app::{Clock, SystemClock};
use bailee_wire::event::{EventError, Leaf, decode, hex, time_text};
use serde::Serialize;

use super::{Outcome, report};

/// How far a bank's clock may be ahead of the reader's before its time counts as one that has not come yet.
const AHEAD_MS: i64 = 3_600_000;
/// The most a policy file can be, in bytes.
const POLICY_BYTES: u64 = 1 << 20;

/// Whose signatures the reader believes.
#[derive(Debug, Default)]
pub struct Trust {
    /// The log's key.
    pub key: Option<VerifyingKey>,
    /// Logs and witnesses, and how many of them it takes.
    pub policy: Option<Policy>,
}

/// What a receipt proves.
#[derive(Debug, Serialize)]
pub struct Sound {
    /// The opening, or what else the entry says, in words.
    pub says: String,
    /// Whether the entry is the opening of a compartment.
    pub is_opening: bool,
    /// Every field of the entry with its value, in order.
    pub entry: Vec<(String, String)>,
    /// The log's origin line.
    pub origin: String,
    /// Place of the entry in the log, from 0.
    pub index: u64,
    /// Entries the log had when it signed.
    pub size: u64,
    /// Hash of the entry as RFC 6962 has it, in hexadecimal.
    pub leaf_hash: String,
    /// Witnesses of the policy that cosigned, with the time each gives (RFC 3339, UTC).
    pub witnesses: Vec<(String, String)>,
}

/// Runs the command.
pub fn run(file: &Path, key: Option<&str>, policy: Option<&Path>, json: bool) -> ExitCode {
    let outcome = match read(file, MAX_FILE_LEN as u64).and_then(|bytes| Ok((bytes, trust(key, policy)?))) {
        Ok((bytes, trust)) => check(&bytes, &trust, SystemClock.now()),
        Err(error) => Outcome::Unusable(format!("{error:#}")),
    };
    report(outcome, json, told)
}

fn read(file: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let open = File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
    // One byte more, so that too long a file is seen to be too long.
    open.take(most + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(bytes)
}

fn trust(key: Option<&str>, policy: Option<&Path>) -> anyhow::Result<Trust> {
    let key = key.map(|key| {
        key.trim().parse().map_err(|error| anyhow!("the log's key is not a verifier key: {error}"))
    });
    let policy = policy.map(|file| {
        let bytes = read(file, POLICY_BYTES)?;
        Policy::parse(&bytes).map_err(|error| anyhow!("{}: {error}", file.display()))
    });
    Ok(Trust { key: key.transpose()?, policy: policy.transpose()? })
}

/// Checks the bytes of a receipt at a time.
pub fn check(bytes: &[u8], trust: &Trust, now: WallTime) -> Outcome<Sound> {
    match proven(bytes, trust, now).and_then(|(proof, endorsed)| sound(&proof, &endorsed, now)) {
        Ok(sound) => Outcome::Sound(Box::new(sound)),
        Err(Wrong::Unsound(why)) => Outcome::Unsound(why),
        Err(Wrong::Unusable(why)) => Outcome::Unusable(why),
    }
}

enum Wrong {
    Unsound(String),
    Unusable(String),
}

fn unsound(error: &dyn std::fmt::Display) -> Wrong {
    Wrong::Unsound(error.to_string())
}

/// The proof, and who vouches for the tree it leads to.
fn proven(bytes: &[u8], trust: &Trust, now: WallTime) -> Result<(TlogProof, Endorsed), Wrong> {
    let proof = TlogProof::parse(bytes).map_err(|error| match error {
        NotAProof::Foreign | NotAProof::TooLong => Wrong::Unusable(format!("not a receipt: {error}")),
        error => unsound(&error),
    })?;
    let leaf = leaf(&proof)?;
    let note = proof.checkpoint.to_string();
    let seconds = u64::try_from(now.unix_ms() / 1_000).unwrap_or(0);
    let endorsed = match (&trust.key, &trust.policy) {
        (Some(key), Some(policy)) => policy.check_of(note.as_bytes(), key, seconds),
        (None, Some(policy)) => policy.check(note.as_bytes(), seconds),
        (Some(key), None) => {
            let opened = proof.verify(leaf, key).map_err(|error| unsound(&error))?;
            Ok(Endorsed { checkpoint: opened.checkpoint, log: key.clone(), cosigned: Vec::new() })
        }
        (None, None) => return Err(nobody_vouches(&proof, leaf)),
    };
    let endorsed = endorsed.map_err(|error: NotEndorsed| unsound(&error))?;
    proof.leads_to(leaf, &endorsed.checkpoint).map_err(|error| unsound(&error))?;
    Ok((proof, endorsed))
}

fn leaf(proof: &TlogProof) -> Result<Hash, Wrong> {
    let entry = proof.extra.as_deref();
    let entry =
        entry.ok_or_else(|| Wrong::Unusable("the proof does not hold the entry it is about".into()))?;
    Ok(leaf_hash(entry))
}

/// Without a key nothing is proven; but what does not even fit together is wrong all the same.
fn nobody_vouches(proof: &TlogProof, leaf: Hash) -> Wrong {
    let fits = proof.claimed().and_then(|claimed| proof.leads_to(leaf, &claimed).map(|()| claimed.origin));
    match fits {
        Ok(origin) => Wrong::Unusable(format!(
            "the receipt fits together, but nobody vouches for it: give the key of the log {origin} with --key, or a --policy"
        )),
        Err(error) => unsound(&error),
    }
}

fn sound(proof: &TlogProof, endorsed: &Endorsed, now: WallTime) -> Result<Sound, Wrong> {
    let bytes = proof.extra.as_deref().unwrap_or_default();
    let entry = decode(bytes).map_err(|error| match error {
        EventError::UnknownKind | EventError::UnknownVersion(_) => {
            Wrong::Unusable(format!("the proof holds, but {error}"))
        }
        error => Wrong::Unsound(format!("the proof holds, but {error}")),
    })?;
    if entry.at().since_ms(now) > AHEAD_MS {
        return Err(Wrong::Unsound(format!(
            "the entry bears a time that has not come: {}",
            time_text(entry.at())
        )));
    }
    let (says, is_opening) = says(&entry);
    let cosigned = endorsed.cosigned.iter().map(|one| {
        let ms = i64::try_from(one.time).unwrap_or(i64::MAX).saturating_mul(1_000);
        (one.witness.to_string(), time_text(WallTime::from_unix_ms(ms)))
    });
    Ok(Sound {
        says,
        is_opening,
        entry: entry.view().into_iter().map(|field| (field.name, field.value)).collect(),
        origin: endorsed.checkpoint.origin.clone(),
        index: proof.index,
        size: endorsed.checkpoint.size,
        leaf_hash: hex(&leaf_hash(bytes).0),
        witnesses: cosigned.collect(),
    })
}

fn says(entry: &Leaf) -> (String, bool) {
    let at = time_text(entry.at());
    let Leaf::Bank { bank, event, .. } = entry else {
        return (format!("the platform wrote {} at {at}", entry.kind()), false);
    };
    let Some((door, how)) = opening(&event.kind) else {
        return (format!("bank {bank} wrote {} at {at}; it is not an opening", entry.kind()), false);
    };
    let how = match how {
        Opening::Intended(intent) => format!("was opened, as the bank had authorised in its event {intent}"),
        Opening::Forced => "was opened without permission".to_owned(),
        Opening::FoundOpen => "was found open when the bank's controller started".to_owned(),
    };
    (format!("compartment {door} of bank {bank} {how}; seen at {at} by the bank's clock"), true)
}

fn told(sound: &Sound) -> String {
    let mut text = format!(
        "sound: {}\n  entry {} of {} in the log {}, unchanged since the log signed\n",
        sound.says, sound.index, sound.size, sound.origin
    );
    for (witness, time) in &sound.witnesses {
        text.push_str(&format!("  seen in the same log by the witness {witness} at {time}\n"));
    }
    if sound.witnesses.is_empty() {
        text.push_str("  not shown: that everybody is shown the same log; that takes witnesses (--policy)\n");
    }
    text.push_str("  the entry:\n");
    for (name, value) in &sound.entry {
        text.push_str(&format!("    {name}: {value}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use bailee_audit::key::KeyName;
    use bailee_audit::{Checkpoint, Cosigner, Ed25519Signer, TreeHead, node_hash};
    use bailee_domain::compartment::CompartmentNo;
    use bailee_domain::event::{Event, EventKind};
    use bailee_domain::id::{BankId, OrgId};
    use bailee_domain::platform::{Actor, PlatformEvent, PlatformEventKind};
    use bailee_domain::time::TimeQuality;
    use bailee_wire::event::{NO_EVENT, encode_bank, encode_platform};
    use proptest::prelude::*;

    use super::*;

    const NOW: WallTime = WallTime::from_unix_ms(1_800_000_000_000);
    const DOOR: CompartmentNo = CompartmentNo(7);

    fn log() -> Ed25519Signer {
        Ed25519Signer::from_seed(KeyName::new("bailee/house").unwrap(), &[3; 32]).unwrap()
    }

    fn witness() -> Cosigner {
        Cosigner::from_seed(KeyName::new("witness.example").unwrap(), &[4; 32]).unwrap()
    }

    fn event(at: WallTime, kind: EventKind) -> Vec<u8> {
        let event = Event { seq: 31, at, quality: TimeQuality::Trusted, kind };
        encode_bank(BankId::from_bytes([1; 16]), &NO_EVENT, &event)
    }

    /// A receipt for an entry that stands second in a log of three.
    fn receipt(entry: Vec<u8>, cosigned_s: Option<u64>) -> TlogProof {
        let (first, third) = (leaf_hash(b"first"), leaf_hash(b"third"));
        let root = node_hash(&node_hash(&first, &leaf_hash(&entry)), &third);
        let mut checkpoint =
            Checkpoint::new("bailee/house", TreeHead { size: 3, root }).sign(&[&log()]).unwrap();
        if let Some(time) = cosigned_s {
            let line = witness().cosign(checkpoint.text(), time).unwrap();
            checkpoint = bailee_audit::Note::parse(format!("{checkpoint}{line}\n").as_bytes()).unwrap();
        }
        TlogProof { extra: Some(entry), index: 1, path: vec![first, third], checkpoint }
    }

    fn opened() -> String {
        let kind = EventKind::CompartmentOpened { compartment: DOOR, opening: 30 };
        receipt(event(NOW, kind), None).to_string()
    }

    fn by_key() -> Trust {
        Trust { key: Some(log().verifying_key().clone()), policy: None }
    }

    fn by_policy(quorum: &str) -> Trust {
        let (log, witness) = (log().verifying_key().to_string(), witness().key().to_string());
        let text = format!("log {log}\nwitness w {witness}\nquorum {quorum}\n");
        Trust { key: None, policy: Some(Policy::parse(text.as_bytes()).unwrap()) }
    }

    fn said(file: &str, trust: &Trust) -> String {
        match check(file.as_bytes(), trust, NOW) {
            Outcome::Sound(sound) => format!("0 {}", sound.says),
            Outcome::Unsound(why) => format!("1 {why}"),
            Outcome::Unusable(why) => format!("2 {why}"),
        }
    }

    #[test]
    fn it_says_which_opening_when_and_where() {
        let bank = BankId::from_bytes([1; 16]);
        let at = "seen at 2027-01-15T08:00:00.000Z by the bank's clock";
        for (kind, words) in [
            (
                EventKind::CompartmentOpened { compartment: DOOR, opening: 30 },
                "was opened, as the bank had authorised in its event 30",
            ),
            (EventKind::CompartmentForced { compartment: DOOR }, "was opened without permission"),
            (
                EventKind::CompartmentFoundOpen { compartment: DOOR },
                "was found open when the bank's controller started",
            ),
        ] {
            let file = receipt(event(NOW, kind), None).to_string();
            assert_eq!(said(&file, &by_key()), format!("0 compartment {DOOR} of bank {bank} {words}; {at}"));
        }
        let closed = receipt(event(NOW, EventKind::CompartmentClosed { compartment: DOOR }), None);
        assert!(said(&closed.to_string(), &by_key()).ends_with("it is not an opening"));
        let platform = PlatformEvent { at: NOW, actor: Actor::Platform, kind: PlatformEventKind::LogStarted };
        let platform = encode_platform(OrgId::from_bytes([9; 16]), &platform).unwrap();
        let told = said(&receipt(platform, None).to_string(), &by_key());
        assert!(told.starts_with("0 the platform wrote LogStarted"), "{told}");
    }

    #[test]
    fn what_is_wrong_is_named_and_what_cannot_be_checked_is_another_thing() {
        let file = opened();
        assert!(
            said(&file, &Trust::default()).starts_with("2 the receipt fits together, but nobody vouches")
        );
        let other = file.replace("index 1", "index 0");
        for trust in [by_key(), Trust::default(), by_policy("none")] {
            assert_eq!(
                said(&other, &trust),
                "1 the entry and the proof do not lead to the root that the log signed"
            );
        }
        assert!(said("PK", &by_key()).starts_with("2 not a receipt: "));
        assert_eq!(said(&file.replace("extra ", "extro "), &by_key()), "1 line 2 is not an index");
        let bare = TlogProof { extra: None, ..TlogProof::parse(file.as_bytes()).unwrap() };
        assert_eq!(said(&bare.to_string(), &by_key()), "2 the proof does not hold the entry it is about");
        let name = KeyName::new("bailee/other").unwrap();
        let stranger = Ed25519Signer::from_seed(name, &[3; 32]).unwrap();
        let key = Trust { key: Some(stranger.verifying_key().clone()), policy: None };
        assert!(said(&file, &key).starts_with("1 not signed by bailee/other+"));
        let nonsense = receipt(b"hello".to_vec(), None).to_string();
        assert_eq!(said(&nonsense, &by_key()), "1 the proof holds, but the entry is malformed");
    }

    #[test]
    fn times_that_have_not_come_are_refused() {
        let kind = EventKind::CompartmentForced { compartment: DOOR };
        let at = |ms| said(&receipt(event(NOW.plus_ms(ms), kind.clone()), None).to_string(), &by_key());
        assert!(at(AHEAD_MS).starts_with("0 "), "{}", at(AHEAD_MS));
        assert_eq!(at(AHEAD_MS + 1), "1 the entry bears a time that has not come: 2027-01-15T09:00:00.001Z");
        assert!(at(i64::MAX - NOW.unix_ms()).starts_with("1 "));
    }

    #[test]
    fn a_policy_asks_for_witnesses() {
        let entry = || event(NOW, EventKind::CompartmentForced { compartment: DOOR });
        let now_s = 1_800_000_000;
        assert!(said(&receipt(entry(), None).to_string(), &by_policy("none")).starts_with("0 "));
        assert!(
            said(&receipt(entry(), None).to_string(), &by_policy("w")).starts_with("1 the quorum is not met")
        );
        assert!(said(&receipt(entry(), Some(now_s)).to_string(), &by_policy("w")).starts_with("0 "));
        let early = said(&receipt(entry(), Some(now_s + 3_600)).to_string(), &by_policy("w"));
        assert_eq!(early, "1 the cosignature of w is from the future");
        let bare = Trust { key: None, policy: Some(Policy::parse(b"quorum none\n").unwrap()) };
        assert_eq!(said(&opened(), &bare), "1 the policy has no log \"bailee/house\"");
        let both = Trust { key: by_key().key, ..bare };
        assert!(said(&opened(), &both).starts_with("0 "));
    }

    proptest! {
        #[test]
        fn a_mutated_receipt_is_never_sound_and_never_a_panic(
            cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..4),
        ) {
            let whole = opened().into_bytes();
            let mut bytes = whole.clone();
            for (at, byte, how) in cuts {
                let at = at.index(bytes.len().max(1));
                match how {
                    0 if at < bytes.len() => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    2 if at < bytes.len() => { bytes.remove(at); }
                    _ => bytes.truncate(at),
                }
            }
            prop_assume!(bytes != whole);
            for trust in [by_key(), by_policy("none"), Trust::default()] {
                prop_assert!(!matches!(check(&bytes, &trust, NOW), Outcome::Sound(_)));
            }
        }
    }
}
