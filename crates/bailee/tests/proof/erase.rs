//! `bailee erase person` as its user meets it: on the platform's machine, while the platform runs.

use std::path::{Path, PathBuf};

use bailee_server::app::legal_hold::{self, NewHold, Protected};
use bailee_server::app::{install, people};
use bailee_server::config::ServerConfig;
use bailee_server::serve::{self, Demo};

use super::bailee;
use super::house::{operator, resident};

const NAME: &str = "Sam Sample";
const EMAIL: &str = "sam@example.org";

fn said(args: &[&str]) -> (i32, String, String) {
    let output = bailee(args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_beside_the_running_platform_once_no_hold_protects_them() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("platform.toml");
    let data = dir.path().join("data");
    let nowhere = "listen = \"127.0.0.1:0\"\n";
    std::fs::write(&config, format!("data_dir = {data:?}\n{nowhere}[link]\n{nowhere}")).unwrap();
    let running = serve::start(ServerConfig::read(&config).unwrap(), Demo::default()).await.unwrap();
    let app = &running.app;
    let operator = operator();
    let person = resident(app, NAME, EMAIL).await;
    let hold = NewHold { what: Protected::Person(person), reason: "Case 12/26", owner: "The lawyer" };
    let hold = legal_hold::place(app, &operator, hold).await.unwrap();
    install::sequencer(app).run_once(1).await.unwrap();

    let (config, whom) = (config.to_str().unwrap(), person.to_string());
    let erase = |more: &[&str]| {
        said(&[&["erase", "person", &whom, "--config", config, "--reason", "Asked for it"], more].concat())
    };
    let (code, _, said) = erase(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("a legal hold is in force"), "{said}");
    assert!(said.contains("Case 12/26 (The lawyer)"), "it says why and who decides: {said}");
    let still = people::find(app, &operator, person).await.unwrap();
    assert_eq!(still.details.name, NAME, "nothing was touched");

    legal_hold::lift(app, &operator, hold).await.unwrap();
    let (code, told, said) = erase(&[]);
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(told.starts_with(&format!("{whom}: erased\n")), "{told}");
    assert!(told.contains("out of reach: messages already sent"), "{told}");
    people::find(app, &operator, person).await.unwrap_err();
    let (code, json, _) = erase(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (code, json["person"].as_str()),
        (0, Some(whom.as_str())),
        "asked again it tells how far it is"
    );
    install::sequencer(app).run_once(2).await.unwrap();
    running.shutdown().await;

    let (code, told, said) = self::said(&["ledger", "check", "--config", config]);
    assert_eq!((code, said.as_str()), (0, ""), "the whole log still verifies: {told}");
    let out = dir.path().join("afterwards.zip");
    let asked = ["--person", &whom, "--reason", "What is left", "--out", out.to_str().unwrap()];
    let (code, _, said) = self::said(&[&["evidence", "export", "--config", config], &asked[..]].concat());
    assert_eq!(code, 0, "{said}");
    let bundle = std::fs::File::open(&out).unwrap();
    let mut bundle = zip::ZipArchive::new(bundle).unwrap();
    for number in 0..bundle.len() {
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut bundle.by_index(number).unwrap(), &mut content).unwrap();
        tells_nobody(&content);
    }
    for file in below(&data) {
        tells_nobody(&std::fs::read(&file).unwrap());
    }
}

/// Neither the person's name nor their address is in the bytes.
fn tells_nobody(bytes: &[u8]) {
    for datum in [NAME, EMAIL] {
        let found = bytes.windows(datum.len()).any(|part| part.eq_ignore_ascii_case(datum.as_bytes()));
        assert!(!found, "{datum} is still there");
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}
