//! `bailee erase person` and `bailee evidence export` beside a platform that runs, on its own files.

use std::path::{Path, PathBuf};

use bailee_domain::id::PersonId;
use bailee_server::app::AppError;
use bailee_server::app::evidence::{self, Asked, Files, State, Telling};
use bailee_server::app::legal_hold::{self, NewHold, Protected};
use bailee_server::config::ServerConfig;
use bailee_server::params;
use bailee_server::serve::{self, Demo, Running};
use bailee_server::store::Value;

use super::house::{operator, resident};
use super::said;

const NAME: &str = "Zyxwina Canarysdottir";
const EMAIL: &str = "zyxwina.c@canary.example";

struct House {
    dir: tempfile::TempDir,
    config: String,
    running: Running,
}

impl House {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("platform.toml");
        let data = dir.path().join("data");
        let text = format!("data_dir = {data:?}\nlisten = '127.0.0.1:0'\n[link]\nlisten = '127.0.0.1:0'\n");
        std::fs::write(&path, text).unwrap();
        let running = serve::start(ServerConfig::read(&path).unwrap(), Demo::default()).await.unwrap();
        let config = path.to_str().unwrap().to_owned();
        Self { dir, config, running }
    }

    fn erase(&self, person: PersonId) -> (i32, String) {
        let person = person.to_string();
        said(&["erase", "person", &person, "--config", &self.config, "--reason", "Request of 3 May"])
    }

    /// What opens or finds something of a person.
    async fn secrets(&self, person: PersonId) -> Vec<Vec<u8>> {
        let sql = "SELECT person_key, details, email_index FROM person WHERE id = $1";
        let read = self.running.app.db().read(async move |tx| {
            let row = tx.query_one(sql, params![person.to_string()]).await?;
            (0..3)
                .map(|column| row.get::<Value>(column))
                .collect::<Result<Vec<Value>, _>>()
                .map_err(AppError::from)
        });
        let blob = |value| match value {
            Value::Blob(bytes) => bytes,
            other => panic!("{other:?}"),
        };
        read.await.unwrap().into_iter().map(blob).collect()
    }

    /// Waits for a bundle that was asked for.
    async fn bundle(&self, asked: Asked) {
        let app = &self.running.app;
        let id = evidence::ask(app, &operator(), asked).await.unwrap();
        let mut commits = app.db().commits();
        while evidence::find(app, &operator(), id).await.unwrap().row.state != State::Made {
            commits.changed().await.unwrap();
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(files_below(&entry.path())),
            false => files.push(entry.path()),
        }
    }
    files
}

/// The first file below a folder that holds one of the needles.
fn found(folder: &Path, needles: &[Vec<u8>]) -> Option<PathBuf> {
    files_below(folder).into_iter().find(|path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        needles.iter().any(|needle| bytes.windows(needle.len()).any(|part| part == needle))
    })
}

fn about_everything(reason: &str) -> Asked {
    Asked {
        subject: bailee_evidence::Subject::Span,
        from: None,
        until: None,
        reason: reason.into(),
        telling: Telling::everything(),
        files: Files::Along,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_beside_the_running_platform_and_nothing_is_left_in_its_folder() {
    let house = House::start().await;
    let app = &house.running.app;
    let person = resident(app, NAME, EMAIL).await;
    house.bundle(about_everything("Claim 4711")).await;
    let data = house.dir.path().join("data");
    let secrets = house.secrets(person).await;
    assert!(found(&data, &secrets).is_some(), "the test can find what is there");

    let hold =
        NewHold { what: Protected::Person(person), reason: "Case 4711/26", owner: "Legal, Dana Owner" };
    let hold = legal_hold::place(app, &operator(), hold).await.unwrap();
    let (code, told) = house.erase(person);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("Case 4711/26 (Legal, Dana Owner)") && told.contains(&hold.to_string()), "{told}");
    assert!(found(&data, &secrets).is_some(), "nothing was destroyed");
    legal_hold::lift(app, &operator(), hold).await.unwrap();

    let (code, told) = house.erase(person);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(": erased") && told.contains("every bank has forgotten"), "{told}");
    let mut needles = secrets;
    for text in [NAME, EMAIL, "Canarysdottir", "zyxwina"] {
        needles.extend([text.to_owned(), text.to_lowercase(), text.to_uppercase()].map(String::into_bytes));
    }
    assert_eq!(found(&data, &needles), None, "store, log, evidence: every file of the platform");
    let (code, told) = house.erase(person);
    assert_eq!(code, 0, "asked again, it says how far it is: {told}");

    let place = format!("{}/log/{}", house.running.portal_url, app.log_id());
    let (code, told) =
        tokio::task::spawn_blocking(move || said(&["verify", "ledger", &place])).await.unwrap();
    assert_eq!(code, 0, "the whole log verifies: {told}");
    house.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_erased_is_refused_in_words() {
    let house = House::start().await;
    let nobody = PersonId::from_bytes([7; 16]);
    let (code, told) = house.erase(nobody);
    assert!(code == 1 && !told.is_empty(), "{told}");
    let (code, told) = said(&["erase", "person", "per_x", "--config", &house.config, "--reason", "r"]);
    assert_eq!(code, 2, "{told}");
    let elsewhere = house.dir.path().join("other.toml");
    let empty = house.dir.path().join("empty");
    std::fs::write(&elsewhere, format!("data_dir = {empty:?}\n")).unwrap();
    let other = elsewhere.to_str().unwrap();
    let (code, told) = said(&["erase", "person", &nobody.to_string(), "--config", other, "--reason", "r"]);
    assert!(code == 1 && told.contains("no platform"), "{told}");
    assert!(!empty.exists(), "a slip in a path makes no platform");
    house.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_exported_beside_the_running_platform() {
    let house = House::start().await;
    resident(&house.running.app, NAME, EMAIL).await;
    let out = house.dir.path().join("bundle.zip");
    let (out, config) = (out.to_str().unwrap().to_owned(), house.config.clone());
    let (from, to) = (out.clone(), format!("{out}.less.zip"));
    let told = tokio::task::spawn_blocking(move || {
        let about = ["--from", "2020-01-01T00:00:00Z", "--reason", "Claim 4711", "--out", &out];
        let exported = said(&[&["evidence", "export", "--config", &config], &about[..]].concat());
        let redacted = said(&["evidence", "redact", &from, "--drop", "name", "--out", &to]);
        let checked = [&from, &to].map(|file| said(&["verify", "bundle", file]));
        (exported, redacted, checked)
    });
    let (exported, redacted, checked) = told.await.unwrap();
    assert_eq!(exported.0, 0, "{}", exported.1);
    assert_eq!(redacted.0, 0, "{}", redacted.1);
    for (code, told) in checked {
        assert!(code == 0 && told.contains("Claim 4711"), "{told}");
    }
    house.running.shutdown().await;
}
