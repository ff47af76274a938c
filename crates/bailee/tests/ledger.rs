//! `bailee ledger check` as its user meets it: exit codes, words, JSON.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use bailee_audit::key::{Ed25519Signer, KeyName};
use bailee_audit::{Checkpoint, Cosigner, HandOver, Note, Signer, TreeHead};
use bailee_domain::id::OrgId;
use bailee_domain::platform::{Actor, PlatformEvent, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_ledger::disk::MemoryDisk;
use bailee_ledger::{Config, Log, LogKey};
use bailee_server::app::install;
use bailee_server::config::ServerConfig;
use bailee_server::serve::{self, Demo};
use bailee_wire::event::encode_platform;

fn config(dir: &Path) -> PathBuf {
    let text = format!(
        "data_dir = \"{}/data\"\nlisten = \"127.0.0.1:0\"\n[link]\nlisten = \"127.0.0.1:0\"\n",
        dir.display()
    );
    let path = dir.join("platform.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn check(config: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bailee"));
    command.args(["ledger", "check", "--config", config.to_str().unwrap()]).args(more);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_tells_sound_from_unsound_from_unusable() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let (code, _, said) = check(&config, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.starts_with("could not be checked: there is no database at "), "{said}");
    assert!(!dir.path().join("data").exists(), "a check makes nothing");

    let running = serve::start(ServerConfig::read(&config).unwrap(), Demo::default()).await.unwrap();
    install::sequencer(&running.app).run_once(1).await.unwrap();
    let (code, told, said) = check(&config, &[]);
    assert_eq!((code, said.as_str()), (0, ""), "{told}");
    assert!(told.starts_with("sound\n") && told.contains("entries in the log's files"), "{told}");
    running.shutdown().await;
    let (code, json, _) = check(&config, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["outcome"].as_str()), (0, Some("sound")));

    let tail = dir.path().join("data/ledger/00000000.tail");
    let mut bytes = std::fs::read(&tail).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&tail, bytes).unwrap();
    let (code, _, said) = check(&config, &[]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.starts_with("UNSOUND: log-file: ") && said.contains("00000000.tail does not begin as"),
        "{said}"
    );
    assert!(said.contains("what to do: ") && said.contains("docs/operations/ledger.md"), "{said}");
    let (code, json, _) = check(&config, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["findings"][0]["kind"].as_str()), (1, Some("log-file")));

    std::fs::remove_file(dir.path().join("data/kek")).unwrap();
    assert_eq!(check(&config, &[]).0, 2);
}

fn run(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_bailee")).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_handed_over_verifies_with_the_old_key() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let path = config.to_str().unwrap();
    let roll = ["ledger", "roll-key", "--config", path, "--reason", "the machine was sold", "--json"];
    let running = serve::start(ServerConfig::read(&config).unwrap(), Demo::default()).await.unwrap();
    install::sequencer(&running.app).run_once(1).await.unwrap();
    let old = install::log_key(&running.app).unwrap().verifying.to_string();
    let (code, _, said) = run(&roll);
    assert_eq!(code, 1, "not while it runs: {said}");
    assert!(said.contains("is the platform stopped?"), "{said}");
    running.shutdown().await;
    let (code, said, why) = run(&roll);
    assert_eq!(code, 0, "{why}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["old"].as_str(), Some(old.as_str()));
    let new = said["new"].as_str().unwrap();
    assert_eq!(check(&config, &[]).0, 0);

    let running = serve::start(ServerConfig::read(&config).unwrap(), Demo::default()).await.unwrap();
    let place = format!("{}/log/{}", running.portal_url, running.app.log_id());
    for (key, followed) in [(old.as_str(), true), (new, false)] {
        let args = ["verify", "ledger", &place, "--key", key];
        let checked = args.map(ToOwned::to_owned);
        let (code, told, why) =
            tokio::task::spawn_blocking(move || run(&checked.iter().map(String::as_str).collect::<Vec<_>>()))
                .await
                .unwrap();
        assert_eq!((code, why.as_str()), (0, ""), "{key}");
        assert_eq!(told.contains("the key was handed over 1 time(s)"), followed, "{told}");
    }
    running.shutdown().await;
}

fn signer(seed: u8) -> Ed25519Signer {
    let name = KeyName::new(&format!("bailee/{}", OrgId::from_bytes([9; 16]))).unwrap();
    Ed25519Signer::from_seed(name, &[seed; 32]).unwrap()
}

fn event(kind: PlatformEventKind) -> Vec<u8> {
    let event = PlatformEvent { at: WallTime::from_unix_ms(5), actor: Actor::Platform, kind };
    encode_platform(OrgId::from_bytes([9; 16]), &event).unwrap()
}

/// A log of seven events.
fn begun() -> Log {
    let (signer, verifying) = (Arc::new(signer(1)), signer(1).verifying_key().clone());
    let log =
        Log::open(MemoryDisk::default(), Config::new(LogKey { signer, verifying, earlier: Vec::new() }))
            .unwrap();
    log.appender().append(&vec![event(PlatformEventKind::SignInRefused); 7]).unwrap();
    log
}

/// A published log of eight events by the old key, whose checkpoint a new key signed, with the old key's word for it.
/// Tells the tree that was handed over.
fn taken_over(dir: &Path, is_entry: bool) -> TreeHead {
    let (old, new) = (signer(1), signer(2));
    let (verifying, stranger) = (old.verifying_key().clone(), new.verifying_key().clone());
    let log = begun();
    let both = ((&old as &dyn Signer, &verifying), (&new as &dyn Signer, &stranger));
    let handed = HandOver::sign(both.0, both.1, log.reader().head(), 6).unwrap();
    let said = bailee_domain::platform::KeyHandOver {
        old: *handed.old.public(),
        new: *handed.new.public(),
        size: handed.head.size,
        root: handed.head.root.0,
        time_s: handed.time,
        signature: handed.signature,
        possession: handed.possession,
    };
    let rolled = PlatformEventKind::LedgerKeyRolled { hand_over: said, reason: [0; 32] };
    let last = if is_entry { event(rolled) } else { event(PlatformEventKind::SignInRefused) };
    log.appender().append(&[last]).unwrap();
    log.reader().export(dir).unwrap();
    let mut note = Checkpoint::new(verifying.name().as_str(), log.reader().head()).sign(&[&new]).unwrap();
    note.add(handed.line()).unwrap();
    std::fs::write(dir.join("checkpoint"), note.to_string()).unwrap();
    handed.head
}

#[test]
fn what_witnesses_cosigned_before_a_hand_over_still_counts_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let head = taken_over(dir.path(), true);
    let (old, witness) = (signer(1), cosigner("w.example"));
    let mut note = Checkpoint::new(old.verifying_key().name().as_str(), head).sign(&[&old]).unwrap();
    note.add(witness.cosign(note.text(), 1_700_000_000).unwrap()).unwrap();
    std::fs::write(dir.path().join("witnessed"), note.to_string()).unwrap();
    let policy = dir.path().join("policy");
    let (log, key) = (signer(2).verifying_key().to_string(), witness.key());
    std::fs::write(&policy, format!("log {log}\nwitness w {key}\nquorum w\n")).unwrap();
    let args = ["verify", "ledger", dir.path().to_str().unwrap(), "--policy", policy.to_str().unwrap()];
    let (code, told, said) = run(&args);
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(told.contains("7 entries vouched for by 1 witness(es)"), "{told}");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let key = signer(1).verifying_key().to_string();
    for name in ["checkpoint", "witnessed", "tile/0/000.p/8", "tile/entries/000.p/8"] {
        let dir = tempfile::tempdir().unwrap();
        taken_over(dir.path(), true);
        let path = dir.path().join(name);
        let _ = std::fs::remove_file(&path); // there is no `witnessed` yet
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let (code, _, said) = run(&["verify", "ledger", dir.path().to_str().unwrap(), "--key", &key]);
        assert_eq!(code, 2, "{name}: {said}");
        assert!(said.contains(name), "{name}: {said}");
    }
}

/// A published log that names a witness, whose word it is published with, and perhaps a second one's.
fn cosigned(dir: &Path, by: &[Cosigner]) {
    let log = begun();
    let named = PlatformEventKind::WitnessNamed { witness: by[0].key().to_string() };
    log.appender().append(&[event(named)]).unwrap();
    log.reader().export(dir).unwrap();
    let mut note = Note::parse(&std::fs::read(dir.join("checkpoint")).unwrap()).unwrap();
    for witness in by {
        note.add(witness.cosign(note.text(), 1_700_000_000).unwrap()).unwrap();
    }
    std::fs::write(dir.join("checkpoint"), note.to_string()).unwrap();
    std::fs::write(dir.join("witnessed"), note.to_string()).unwrap();
}

fn cosigner(name: &str) -> Cosigner {
    Cosigner::from_seed(KeyName::new(name).unwrap(), &[3; 32]).unwrap()
}

#[test]
fn no_byte_of_a_cosigned_checkpoint_can_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    cosigned(dir.path(), &[cosigner("w.example")]);
    let key = signer(1).verifying_key().to_string();
    let verify = || run(&["verify", "ledger", dir.path().to_str().unwrap(), "--key", &key]);
    let (code, told, said) = verify();
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(told.contains("1 cosignature(s) of witnesses that it or the policy names"), "{told}");
    for file in ["checkpoint", "witnessed"] {
        let whole = std::fs::read(dir.path().join(file)).unwrap();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            std::fs::write(dir.path().join(file), bytes).unwrap();
            let (code, _, said) = verify();
            assert!(code == 1 || code == 2, "byte {place} of {file} was changed, and: {code}, {said}");
            assert!(said.contains(file), "it says where: {said}");
        }
        std::fs::write(dir.path().join(file), whole).unwrap();
    }
}

#[test]
fn a_cosignature_of_somebody_the_log_does_not_name_is_unsound() {
    let dir = tempfile::tempdir().unwrap();
    let by = [cosigner("w.example"), cosigner("stranger.example")];
    cosigned(dir.path(), &by);
    let (place, key) = (dir.path().to_str().unwrap(), signer(1).verifying_key().to_string());
    let args = ["verify", "ledger", place, "--key", &key];
    let (code, _, said) = run(&args);
    let why = "UNSOUND: checkpoint: signature line 3, by stranger.example: the log names no such key";
    assert_eq!((code, said.trim()), (1, why));
    // Whoever checks may know more witnesses than the log.
    let policy = dir.path().join("policy");
    let key = by[1].key();
    std::fs::write(&policy, format!("witness second {key}\nquorum second\n")).unwrap();
    let (code, told, said) = run(&[&args[..], &["--policy", policy.to_str().unwrap()]].concat());
    assert_eq!(code, 0, "{said}");
    assert!(told.contains("2 cosignature(s) of witnesses that it or the policy names"), "{told}");
}

#[test]
fn a_hand_over_that_is_no_entry_is_unsound() {
    let key = signer(1).verifying_key().to_string();
    for (is_entry, code, words) in [(true, 0, ""), (false, 1, "took over without an entry in the log")] {
        let dir = tempfile::tempdir().unwrap();
        taken_over(dir.path(), is_entry);
        let (found, _, said) = run(&["verify", "ledger", dir.path().to_str().unwrap(), "--key", &key]);
        assert_eq!(found, code, "{said}");
        assert!(said.contains(words), "{said}");
    }
    let dir = tempfile::tempdir().unwrap();
    taken_over(dir.path(), true);
    let path = dir.path().join("checkpoint");
    let note = std::fs::read_to_string(&path).unwrap();
    let bare: String = note.lines().take(5).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, bare).unwrap();
    let (code, _, said) = run(&["verify", "ledger", dir.path().to_str().unwrap(), "--key", &key]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("not signed by"), "{said}");
}
