//! `bailee witness` as a process of its own beside a platform, over real HTTP, and `bailee verify ledger --policy`.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use bailee_audit::{Checkpoint, CosignerKey, VerifyingKey};
use bailee_server::app::LiveChange;
use bailee_server::app::install;
use bailee_server::app::witnesses;
use bailee_server::config::ServerConfig;
use bailee_server::serve::{self, Demo, Running};

const WITHIN: Duration = Duration::from_secs(60);

struct Witness {
    child: Child,
    key: String,
    url: String,
}

impl Witness {
    fn start(dir: &Path, log: &str) -> Self {
        let dir = dir.join("w");
        let args = [
            "witness",
            "--dir",
            dir.to_str().unwrap(),
            "--name",
            "w.example/1",
            "--listen",
            "127.0.0.1:0",
            "--log",
            log,
        ];
        let mut child =
            Command::new(env!("CARGO_BIN_EXE_bailee")).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let key = lines.next().unwrap().unwrap();
        let said = lines.next().unwrap().unwrap();
        let url = said.strip_prefix("witness on ").unwrap().to_owned();
        Self { child, key, url }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // It may have stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bailee")).args(args).output().unwrap()
}

async fn platform(dir: &Path, more: &str) -> Running {
    let text = format!(
        "data_dir = '{}'\nlisten = '127.0.0.1:0'\n{more}[link]\nlisten = '127.0.0.1:0'\n",
        dir.join("data").display()
    );
    let path = dir.join("platform.toml");
    std::fs::write(&path, text).unwrap();
    serve::start(ServerConfig::read(&path).unwrap(), Demo::default()).await.unwrap()
}

/// Waits until a checkpoint is witnessed.
async fn witnessed(platform: &Running) -> String {
    let mut news = platform.app.live().watch();
    let waiting = async {
        loop {
            if let Some(note) = witnesses::witnessed(&platform.app, None).await.unwrap() {
                return note;
            }
            while !matches!(news.recv().await, Ok(LiveChange::Log) | Err(_)) {}
        }
    };
    tokio::time::timeout(WITHIN, waiting).await.expect("the witness cosigns")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_and_a_witness_are_two_processes_and_verify_demands_the_quorum() {
    let dir = tempfile::tempdir().unwrap();
    let first = platform(dir.path(), "").await;
    let log: VerifyingKey = install::log_key(&first.app).unwrap().verifying;
    first.shutdown().await;

    let witness = Witness::start(dir.path(), &log.to_string());
    let key: CosignerKey = witness.key.parse().unwrap();
    let more = format!("[[witness]]\nurl = '{}'\nvkey = '{}'\n", witness.url, witness.key);
    let text = std::fs::read_to_string(dir.path().join("platform.toml")).unwrap();
    std::fs::write(dir.path().join("platform.toml"), format!("{text}{more}")).unwrap();
    let config = ServerConfig::read(&dir.path().join("platform.toml")).unwrap();
    let running = serve::start(config, Demo::default()).await.unwrap();
    let note = witnessed(&running).await;
    let opened = Checkpoint::open(note.as_bytes(), &log).unwrap();
    assert!(key.cosigned(&opened.note).unwrap().is_some());

    let place = format!("{}/log/{}", running.portal_url, running.app.log_id());
    let verify = async |policy: String, more: &[&str]| {
        let path = dir.path().join("policy.txt");
        std::fs::write(&path, policy).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let args: Vec<String> = ["verify", "ledger", &place, "--policy", &path]
            .into_iter()
            .chain(more.iter().copied())
            .map(str::to_owned)
            .collect();
        let verified =
            tokio::task::spawn_blocking(move || run(&args.iter().map(String::as_str).collect::<Vec<_>>()));
        let output = verified.await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    };
    let policy = |key: &str| format!("log {log}\nwitness mine {key}\nquorum mine\n");
    let (code, said) = verify(policy(&witness.key), &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("vouched for by 1 witness(es) of the policy (mine)"), "{said}");
    let (code, said) = verify(policy(&witness.key), &["--max-age", "0s", "--json"]).await;
    // Cosigned within this very second or not: either is said for what it is.
    assert!(code == 0 || (code == 1 && said.contains("quorum")), "{said}");

    let stranger = bailee_audit::Cosigner::from_seed(key.name().clone(), &[7; 32]).unwrap();
    let (code, said) = verify(policy(&stranger.key().to_string()), &[]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("0 of the policy's 1 witnesses"), "{said}");
    let (code, said) = verify("quorum\n".to_owned(), &[]).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("line 1"), "{said}");

    // It keeps its key and what it cosigned.
    let before = witness.key.clone();
    drop(witness);
    let witness = Witness::start(dir.path(), &log.to_string());
    assert_eq!(witness.key, before);
    running.shutdown().await;
}

#[test]
fn a_witness_that_lost_its_memory_does_not_begin_anew() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("w");
    let folder = folder.to_str().unwrap();
    let unnamed = run(&["witness", "--dir", folder, "--print-key"]);
    assert_eq!(unnamed.status.code(), Some(1));
    let made = run(&["witness", "--dir", folder, "--name", "w.example", "--print-key"]);
    let key = String::from_utf8(made.stdout).unwrap();
    assert!(key.starts_with("w.example+"), "{key}");
    assert_eq!(run(&["witness", "--dir", folder, "--print-key"]).stdout, key.as_bytes());
    assert!(!run(&["witness", "--dir", folder, "--name", "other", "--print-key"]).status.success());
    std::fs::remove_file(dir.path().join("w/witness")).unwrap();
    let lost = run(&["witness", "--dir", folder, "--print-key"]);
    let said = String::from_utf8(lost.stderr).unwrap();
    assert!(said.contains("is gone"), "{said}");
    let wide = run(&[
        "witness",
        "--dir",
        dir.path().join("x").to_str().unwrap(),
        "--name",
        "w",
        "--listen",
        "0.0.0.0:1",
        "--log",
        "x",
    ]);
    assert!(!wide.status.success());
}
