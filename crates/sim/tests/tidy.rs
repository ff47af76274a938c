//! The shape of the repository, checked: who may depend on whom, what may be named where, how long files get, which
//! links lead nowhere. A rule that no longer fits is changed here, with its reason, not worked around.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may depend on whom, beyond tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("audit", &[]),
    ("vault", &[]),
    ("wire", &["domain"]),
    ("ui", &["domain"]),
    ("ledger", &["audit"]),
    ("evidence", &["domain", "wire", "audit"]),
    ("server", &["domain", "wire", "audit", "vault", "ui", "ledger", "evidence"]),
    ("edge", &["domain", "wire", "audit", "vault", "ui"]),
    ("sim", &["domain", "wire", "audit", "vault", "ledger", "server", "edge"]),
    ("fuzz", &["domain", "wire", "audit", "ledger", "evidence", "edge"]),
    ("bailee", &["domain", "wire", "audit", "vault", "ui", "ledger", "evidence", "server", "edge", "sim"]),
];

/// Files over the limit, and how long they may be: a number here only falls.
const LONG: &[(&str, usize)] = &[
    ("crates/server/src/http/portal/settings.rs", 473),
    ("crates/edge/tests/controller_crash.rs", 470),
    ("crates/edge/src/controller.rs", 420),
    ("crates/edge/src/runtime.rs", 440),
    ("crates/edge/src/uplink/session.rs", 405),
    ("crates/domain/tests/rollback_model.rs", 450),
    ("crates/edge/tests/journal_crash.rs", 430),
    ("crates/edge/tests/remote.rs", 430),
    ("crates/wire/src/link/tests.rs", 430),
    ("crates/edge/tests/link/tls.rs", 420),
    ("crates/server/tests/ledger.rs", 450),
    ("crates/server/tests/store.rs", 590),
    ("crates/sim/src/browser/page.rs", 430),
    ("crates/sim/src/world/platform.rs", 507),
    ("crates/sim/src/world/watch.rs", 415),
    ("crates/sim/tests/boards/xor.rs", 490),
    ("crates/ui/src/map.rs", 415),
];
const LIMIT: usize = 400;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("crates/sim lies in the workspace").to_owned()
}

/// Every file git would take, by its path from the root.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let listed = listed.expect("git is there").stdout;
    let names = String::from_utf8(listed).expect("file names are text");
    let mut names: Vec<String> =
        names.lines().map(str::to_owned).filter(|name| root().join(name).is_file()).collect();
    names.sort();
    names.dedup();
    names
}

fn read(name: &str) -> Option<String> {
    fs::read_to_string(root().join(name)).ok()
}

fn rust_under(prefixes: &[&str]) -> Vec<String> {
    let of = |name: &String| name.ends_with(".rs") && prefixes.iter().any(|prefix| name.starts_with(prefix));
    files().into_iter().filter(of).collect()
}

/// The code of a file without comments and without its tests at the end.
fn code(name: &str) -> String {
    let text = read(name).unwrap_or_default();
    let body = text.split("#[cfg(test)]").next().unwrap_or_default();
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

/// The dependencies of each crate of the workspace on others of it, from their manifests; `true` for tests only.
fn arrows() -> BTreeMap<String, BTreeSet<(String, bool)>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo is there");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let short = |value: &serde_json::Value| {
        value["name"].as_str().unwrap_or("").trim_start_matches("bailee-").to_owned()
    };
    let is_ours =
        |value: &serde_json::Value| value["name"].as_str().is_some_and(|name| name.starts_with("bailee"));
    let of = |package: &serde_json::Value| {
        let dependencies = list(&package["dependencies"]);
        let ours = dependencies.iter().filter(|dependency| is_ours(dependency));
        ours.map(|dependency| (short(dependency), dependency["kind"] == "dev")).collect()
    };
    list(&metadata["packages"]).iter().map(|package| (short(package), of(package))).collect()
}

#[test]
fn arrows_go_one_way() {
    let found = arrows();
    let known: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    assert!(!found.is_empty());
    for (from, to) in found {
        let allowed =
            known.get(from.as_str()).unwrap_or_else(|| panic!("crate {from} has no place in ARROWS"));
        for (to, only_in_tests) in to {
            let fits = allowed.contains(&to.as_str()) || (only_in_tests && to == "sim");
            assert!(fits, "{from} must not depend on {to}");
        }
    }
}

#[test]
fn sql_is_the_stores_and_the_ledgers() {
    let sql = ["\"SELECT ", "\"INSERT INTO ", "\"DELETE FROM ", "\"CREATE TABLE ", "\"UPDATE "];
    let outside = |name: &String| {
        !name.starts_with("crates/server/src/store")
            && !name.starts_with("crates/server/src/ledger")
            // Peers are measured in their own language.
            && !name.starts_with("crates/bailee/src/bench/")
            && name.contains("/src/")
    };
    let says = |name: &String| sql.iter().any(|word| code(name).contains(word));
    let found: Vec<String> = rust_under(&["crates/"]).into_iter().filter(outside).filter(says).collect();
    none(&found, "SQL text lives in server::store and server::ledger:");
}

#[test]
fn the_web_stays_in_its_layer() {
    let inner = [
        "crates/domain/",
        "crates/wire/",
        "crates/vault/",
        "crates/audit/",
        "crates/server/src/app",
        "crates/server/src/store",
        "crates/server/src/ledger",
        "crates/server/src/jobs",
    ];
    let found: Vec<String> =
        rust_under(&inner).into_iter().filter(|name| code(name).contains("axum")).collect();
    none(&found, "nothing below http knows the web framework:");
}

#[test]
fn status_codes_are_mapped_in_one_place() {
    let inside = ["problem.rs", "ledger", "health.rs"];
    let names =
        |name: &String| code(name).contains("StatusCode::") && !inside.iter().any(|part| name.contains(part));
    let server =
        rust_under(&["crates/server/src/http/api", "crates/server/src/app", "crates/server/src/jobs"]);
    let found: Vec<String> = server.into_iter().filter(names).collect();
    none(&found, "status codes are problem.rs's (and the ledger's tile routes'):");
}

#[test]
fn json_is_read_and_written_at_the_borders() {
    let may = [
        "crates/wire/",
        "crates/bailee/",
        // A bundle is a file format of its own, read by strangers.
        "crates/evidence/",
        "crates/fuzz/",
        "crates/sim/",
        "crates/server/src/notify/",
        "crates/server/src/http/",
        "crates/edge/src/installation.rs",
        // What a bank's witness remembers is a small file that people may have to read.
        "crates/edge/src/witness/slot.rs",
        // What the controller has seen of its doors is a small file of its own.
        "crates/edge/src/health/book.rs",
        // The report of a commissioning is for people and their other programs.
        "crates/edge/src/commission/sheet.rs",
    ];
    let names = |name: &String| {
        name.contains("/src/")
            && code(name).contains("serde_json")
            && !may.iter().any(|m| name.starts_with(m))
    };
    let found: Vec<String> = rust_under(&["crates/"]).into_iter().filter(names).collect();
    none(&found, "JSON is wire's:");
}

#[test]
fn domain_reads_no_clock_and_knows_no_encoding() {
    let words = ["std::", "serde", "async ", "rand::", "SystemTime", "Instant"];
    let names = |name: &String| words.iter().any(|word| code(name).contains(word));
    let found: Vec<String> = rust_under(&["crates/domain/src/"]).into_iter().filter(names).collect();
    none(&found, "domain is pure:");
}

#[test]
fn files_do_not_grow() {
    let allowed: BTreeMap<&str, usize> = LONG.iter().copied().collect();
    for name in rust_under(&["crates/"]) {
        let lines = read(&name).unwrap_or_default().lines().count();
        let limit = allowed.get(name.as_str()).copied().unwrap_or(LIMIT);
        assert!(lines <= limit, "{name} has {lines} lines, {limit} are allowed: split it by concept");
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut dead = Vec::new();
    for name in files().into_iter().filter(|name| name.ends_with(".md")) {
        let text = read(&name).unwrap_or_default();
        let folder = root().join(&name).parent().expect("a file lies in a folder").to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split(['#', ' ']).next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !folder.join(target).exists() {
                dead.push(format!("{name}: {target}"));
            }
        }
    }
    none(&dead, "these links lead nowhere:");
}

#[test]
fn every_dependency_is_listed_with_what_it_is_for() {
    let manifest = read("Cargo.toml").expect("the workspace has a manifest");
    let list = read("docs/reference/dependencies.md").expect("the list of dependencies is there");
    let section = manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let names = section
        .expect("the workspace names its dependencies")
        .lines()
        .filter_map(|line| line.split_once(" = "));
    let missing = |name: &&str| !name.starts_with("bailee-") && !list.contains(&format!("| {name} |"));
    let missing: Vec<String> =
        names.map(|(name, _)| name.trim()).filter(missing).map(str::to_owned).collect();
    none(&missing, "not in docs/reference/dependencies.md:");
}

#[test]
fn nothing_tells_of_the_machine_it_was_made_on() {
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("index", "-url")];
    let mut found = Vec::new();
    for name in files() {
        let Some(text) = read(&name) else { continue };
        let says = |line: &str| places.iter().any(|place| line.contains(place));
        found.extend(text.lines().filter(|line| says(line)).map(|line| format!("{name}: {line}")));
        if name.ends_with("Cargo.lock") {
            let foreign = |line: &&str| {
                line.starts_with("source = ") && !line.contains("github.com/rust-lang/crates.io-index")
            };
            found.extend(text.lines().filter(foreign).map(|line| format!("{name}: {line}")));
        }
    }
    none(&found, "paths of a machine or another registry:");
}
