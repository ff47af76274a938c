//! `bailee serve` and `bailee edge` as separate processes with configuration files, over the real link.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use bailee_audit::Checkpoint;
use bailee_domain::access::{Assignment, Role, Scope};
use bailee_edge::clock::Clocks;
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::enrolment::{self, OfferEnrolment};
use bailee_server::app::witnesses::{self, Overview};
use bailee_server::app::{LiveChange, Principal, install, settings};
use bailee_server::config::ServerConfig;
use bailee_server::serve::{self, Demo, Running};
use bailee_server::store::tables::witness::WitnessRow;
use bailee_sim::cabinet::{BoardPlan, Cabinet, DoorPlace, Pacing, PtyCabinet};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const WITHIN: Duration = Duration::from_secs(30);

/// A child process that is asked to stop, and must, when the test is over.
struct Process {
    child: Child,
    /// Kept open, so that the process can go on saying things.
    said: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts `bailee` and waits for its first line that begins with `first`; gives the rest of it.
    fn start(args: &[&str], first: &str) -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bailee"));
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut process = Self { child, said: None };
        let mut line = String::new();
        while said.read_line(&mut line).unwrap() > 0 {
            if let Some(rest) = line.strip_prefix(first) {
                let rest = rest.trim().to_owned();
                process.said = Some(said);
                return (process, rest);
            }
            line.clear();
        }
        panic!("bailee {args:?} never said {first:?}");
    }

    fn stop(mut self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success(), "an orderly stop is a success");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_bailee")).args(args).output().unwrap()
}

fn get(address: &str, path: &str) -> String {
    let host = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn bank_config(dir: &Path, cabinet: &PtyCabinet) -> String {
    let mut text = format!(
        "data_dir = '{}'\n[kiosk]\nlisten = '127.0.0.1:0'\n[[bus]]\npath = '{}'\n[[bus.board]]\nnumber = 1\naddress = 1\nchannels = 4\n",
        dir.join("bank").display(),
        cabinet.path().display(),
    );
    for number in 1..=4 {
        text += &format!(
            "[[compartment]]\nnumber = {number}\nsize = 'S'\nboard = 1\nchannel = {number}\ncolumn = {number}\nrow = 0\n"
        );
    }
    text
}

#[test]
fn the_platform_runs_from_its_configuration_file_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.toml");
    let data = dir.path().join("data");
    let text =
        format!("data_dir = '{}'\nlisten = '127.0.0.1:0'\n[link]\nlisten = '127.0.0.1:0'\n", data.display());
    std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    assert!(run(&["config", "check", "--serve", file]).status.success());
    let (platform, portal) = Process::start(&["serve", "--config", file], "portal on ");
    assert!(get(&portal, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(&portal, "/readyz").starts_with("HTTP/1.1 200"));
    platform.stop();
    let (platform, link) =
        Process::start(&["serve", "--config", file], "make the first administrator, once: ");
    assert!(link.contains("/set-up/"), "{link}");
    platform.stop();
}

#[test]
fn a_wrong_configuration_says_what_to_change() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.toml");
    std::fs::write(&path, "data_dir = '/nowhere'\nlisten = '0.0.0.0:80'\n").unwrap();
    let refused = run(&["config", "check", "--serve", path.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("plain HTTP") && said.contains("[tls]"), "{said}");
    std::fs::write(&path, "data_dir = '/nowhere'\nlisten_on = '127.0.0.1:80'\n").unwrap();
    let said =
        String::from_utf8(run(&["config", "check", "--serve", path.to_str().unwrap()]).stderr).unwrap();
    assert!(said.contains("listen_on"), "{said}");
}

#[test]
fn a_bank_enrols_and_runs_as_its_own_process_and_a_forced_door_reaches_the_platform() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "data_dir = '{}'\nlisten = '127.0.0.1:0'\n[link]\nlisten = '127.0.0.1:0'\n",
        dir.path().join("platform").display()
    );
    let config: ServerConfig = toml::from_str(&text).unwrap();
    let platform = runtime.block_on(serve::start(config, Demo::default())).unwrap();
    let everything = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    let installer = Principal { roles: vec![everything], ..Principal::PLATFORM };
    let offered = runtime.block_on(async {
        let site = settings::site(&platform.app, &installer).await.unwrap().id;
        let input = OfferEnrolment { site, name: "Lobby".into(), address: platform.link_address.clone() };
        enrolment::offer(&platform.app, &installer, input).await.unwrap()
    });
    let clock = Clocks::start();
    let cabinet = Cabinet::new(&[BoardPlan::usual(1, 4)], Pacing::Baud(9_600));
    let cabinet = PtyCabinet::start(cabinet, move || clock.elapsed()).unwrap();
    let path = dir.path().join("bank.toml");
    std::fs::write(&path, bank_config(dir.path(), &cabinet)).unwrap();
    let file = path.to_str().unwrap();

    let before = run(&["edge", "run", "--config", file]);
    let said = String::from_utf8(before.stderr).unwrap();
    assert!(!before.status.success() && said.contains("edge enrol"), "{said}");
    let enrolled = run(&["edge", "enrol", offered.token.expose(), "--config", file]);
    assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    let again = run(&["edge", "enrol", offered.token.expose(), "--config", file]);
    assert!(!again.status.success(), "a bank is enrolled once");

    let mut changes = platform.app.live().watch();
    let (bank, kiosk) = Process::start(&["edge", "run", "--config", file], "kiosk on ");
    assert!(kiosk.trim_start_matches("http://").parse::<SocketAddr>().is_ok());
    assert!(get(&kiosk, "/").contains("</html>"));
    runtime.block_on(async {
        let live = || platform.app.live().bank(offered.bank);
        let seen = async {
            while !(live().online && live().doors.len() == 4 && live().health.is_some()) {
                changes.recv().await.unwrap();
            }
            let health = live().health.unwrap().report.clone();
            assert!(health.software.starts_with("bailee ") && health.disk.is_some(), "{health:?}");
            assert!(health.link.pins > 0, "{health:?}");
            cabinet.force_open(DoorPlace { board: 1, lock: 3 });
            loop {
                if changes.recv().await.unwrap() == LiveChange::Alerts {
                    return;
                }
            }
        };
        tokio::time::timeout(WITHIN, seen).await.expect("the alarm reaches the platform");
    });
    assert!(get(&kiosk, "/").contains("03"), "the kiosk names the door");
    let status = get(&kiosk, "/status");
    assert!(status.contains("application/json") && status.contains("\"guard\":\"none\""), "{status}");
    let there =
        std::fs::read_to_string(&path).unwrap().replace("127.0.0.1:0", kiosk.trim_start_matches("http://"));
    let asked = dir.path().join("asked.toml");
    std::fs::write(&asked, there).unwrap();
    let said = run(&["edge", "status", "--config", asked.to_str().unwrap()]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("NOTE guard: no-guard since") && said.contains("MB free"), "{said}");
    bank.stop();
    runtime.block_on(platform.shutdown());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Waits until the witnesses stand as wanted.
async fn until(platform: &Running, wanted: impl Fn(&Overview) -> bool) -> Overview {
    let mut news = platform.app.live().watch();
    let stand =
        async || witnesses::overview(&platform.app, &everybody(), None).await.expect("the platform answers");
    let waiting = async {
        loop {
            let overview = stand().await;
            if wanted(&overview) {
                return overview;
            }
            while !matches!(news.recv().await, Ok(LiveChange::Log | LiveChange::Alerts) | Err(_)) {}
        }
    };
    match tokio::time::timeout(2 * WITHIN, waiting).await {
        Ok(overview) => overview,
        Err(_) => panic!("the witnesses do not come to stand as wanted: {:#?}", stand().await),
    }
}

/// Waits for an alert of this kind; all that are open then.
async fn alerted(platform: &Running, kind: &str) -> Vec<String> {
    let mut news = platform.app.live().watch();
    let waiting = async {
        loop {
            let open = ListAlerts { filter: AlertFilter::Open, before: None, limit: 50 };
            let listed = alerts::list(&platform.app, &everybody(), open).await.unwrap();
            let kinds: Vec<String> = listed.rows.into_iter().map(|row| row.kind).collect();
            if kinds.iter().any(|open| open == kind) {
                return kinds;
            }
            while !matches!(news.recv().await, Ok(LiveChange::Alerts) | Err(_)) {}
        }
    };
    tokio::time::timeout(WITHIN, waiting).await.expect("the alert is raised")
}

fn everybody() -> Principal {
    let everything = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    Principal { roles: vec![everything], ..Principal::PLATFORM }
}

#[test]
fn a_platform_put_back_is_refused_by_its_bank_and_by_a_customers_witness() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (data, older) = (dir.path().join("platform"), dir.path().join("older"));
    let config = |link: &str, more: &str| -> ServerConfig {
        let place = data.display();
        let text = format!("data_dir = '{place}'\nlisten = '127.0.0.1:0'\n[link]\nlisten = '{link}'\n{more}");
        toml::from_str(&text).unwrap()
    };
    let start = |config| runtime.block_on(serve::start(config, Demo::default())).unwrap();

    // A bank is enrolled; a backup is made.
    let first = start(config("127.0.0.1:0", ""));
    let (link, log) = (first.link_address.clone(), install::log_key(&first.app).unwrap().verifying);
    let offered = runtime.block_on(async {
        let site = settings::site(&first.app, &everybody()).await.unwrap().id;
        let input = OfferEnrolment { site, name: "Lobby".into(), address: link.clone() };
        enrolment::offer(&first.app, &everybody(), input).await.unwrap()
    });
    let clock = Clocks::start();
    let cabinet = Cabinet::new(&[BoardPlan::usual(1, 4)], Pacing::Baud(9_600));
    let cabinet = PtyCabinet::start(cabinet, move || clock.elapsed()).unwrap();
    let bank_toml = dir.path().join("bank.toml");
    std::fs::write(&bank_toml, bank_config(dir.path(), &cabinet)).unwrap();
    let bank_toml = bank_toml.to_str().unwrap();
    let enrolled = run(&["edge", "enrol", offered.token.expose(), "--config", bank_toml]);
    assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    runtime.block_on(first.shutdown());
    copy(&data, &older);

    // Platform, bank and a customer's witness: within seconds both vouch for the whole log.
    let (folder, vkey) = (dir.path().join("witness"), log.to_string());
    let folder = folder.to_str().unwrap();
    let made = run(&["witness", "--dir", folder, "--name", "w.example/1", "--print-key"]);
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let args = ["witness", "--dir", folder, "--listen", "127.0.0.1:0", "--log", &vkey];
    let (witness, url) = Process::start(&args, "witness on ");
    let more = format!("[[witness]]\nurl = '{url}'\nvkey = '{key}'\n");
    let second = start(config(&link, &more));
    let (bank, kiosk) = Process::start(&["edge", "run", "--config", bank_toml], "kiosk on ");
    let whole = |overview: &Overview| {
        let stands = |row: &WitnessRow| row.size == overview.size && row.refusal.is_empty();
        overview.witnesses.len() == 2 && overview.witnesses.iter().all(stands) && overview.size > 4
    };
    let vouched = runtime.block_on(until(&second, whole));
    assert_eq!(vouched.witnessed, Some(vouched.size));
    let of_bank = vouched.witnesses.iter().find(|row| row.bank.is_some()).unwrap().vkey.clone();
    let policy = dir.path().join("policy.txt");
    let text = format!("log {log}\nwitness w {key}\nwitness b {of_bank}\ngroup both all w b\nquorum both\n");
    std::fs::write(&policy, text).unwrap();
    let verify = |platform: &Running| {
        let place = format!("{}/log/{}", platform.portal_url, platform.app.log_id());
        let output = run(&["verify", "ledger", &place, "--policy", policy.to_str().unwrap()]);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    };
    let (code, said) = verify(&second);
    assert_eq!(code, 0, "{said}");
    assert!(!get(&kiosk, "/").contains("no longer vouches"));
    runtime.block_on(second.shutdown());

    // The backup is put back. Both refuse, alarm and keep what convicts it; a verifier sees it too.
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&older, &data).unwrap();
    let third = start(config(&link, &more));
    // What the platform writes about it may make the log longer than it was: then it is a gap.
    let refused = |overview: &Overview| {
        let refuses = |row: &&WitnessRow| matches!(row.refusal.as_str(), "shrink" | "gap");
        overview.witnesses.iter().filter(refuses).count() == 2 && overview.evidence.len() >= 2
    };
    let refused = runtime.block_on(until(&third, refused));
    for row in &refused.evidence {
        for note in [&row.kept, &row.shown] {
            Checkpoint::open(note.as_bytes(), &log).expect("signed by the log itself");
        }
    }
    let kinds = runtime.block_on(alerted(&third, "LedgerRefused"));
    assert_eq!(kinds.iter().filter(|kind| *kind == "WitnessRefused").count(), 2, "{kinds:?}");
    let kept = std::fs::read_dir(dir.path().join("bank/witness-evidence")).unwrap().count();
    assert!(kept >= 2, "the bank keeps both checkpoints");
    assert!(get(&kiosk, "/").contains("no longer vouches"));
    let (code, said) = verify(&third);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("of the policy's 2 witnesses"), "{said}");
    bank.stop();
    witness.stop();
    runtime.block_on(third.shutdown());
}
