//! `bailee evidence`: what it writes, `bailee verify bundle` takes.

use std::path::Path;

use super::bailee;

fn verify(path: &Path) -> (Option<i32>, serde_json::Value) {
    let output = bailee(&["--json", "verify", "bundle", path.to_str().unwrap()]);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[test]
fn a_bundle_is_exported_checked_and_made_to_tell_less() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("bailee.toml");
    std::fs::write(&config, format!("data_dir = {:?}\n", dir.path().join("data"))).unwrap();
    let (config, bundle) = (config.to_str().unwrap(), dir.path().join("bundle.zip"));
    let ask = |out: &Path| {
        let (from, out) = ("2020-01-01T00:00:00Z", out.to_str().unwrap());
        let asked = ["--config", config, "--from", from, "--reason", "Claim 4711", "--out", out];
        bailee(&[&["evidence", "export"], &asked[..]].concat())
    };
    let exported = ask(&bundle);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    assert!(!ask(&bundle).status.success(), "a file that is there is not replaced");

    let (code, said) = verify(&bundle);
    assert_eq!((code, &said["outcome"]), (Some(0), &"sound".into()), "{said}");
    assert_eq!(said["checked"]["reason"], "Claim 4711");
    assert_eq!(said["checked"]["exported_by"], "platform");
    assert_eq!(said["checked"]["notes"][0]["note"], "key_from_bundle");

    let less = dir.path().join("less.zip");
    let (from, to) = (bundle.to_str().unwrap(), less.to_str().unwrap());
    let redacted = bailee(&["evidence", "redact", from, "--drop", "reason", "--out", to]);
    assert!(redacted.status.success(), "{}", String::from_utf8_lossy(&redacted.stderr));
    let (code, said) = verify(&less);
    assert_eq!((code, &said["checked"]["reason"]), (Some(0), &serde_json::Value::Null), "{said}");

    let bytes = std::fs::read(&bundle).unwrap();
    let other = dir.path().join("other.zip");
    std::fs::write(&other, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(verify(&other).0, Some(2), "cut in half it is no bundle");
    assert_eq!(verify(&dir.path().join("nowhere.zip")).0, Some(2));
    let stranger = "bailee/x+2cda0f4c+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let with_key = bailee(&["verify", "bundle", from, "--key", stranger]);
    assert_eq!(with_key.status.code(), Some(2), "that is no key");
}
