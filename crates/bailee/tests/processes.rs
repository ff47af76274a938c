//! `bailee serve` and `bailee edge` as separate processes with configuration files, over the real link.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use bailee_domain::access::{Assignment, Role, Scope};
use bailee_edge::clock::Clocks;
use bailee_server::app::enrolment::{self, OfferEnrolment};
use bailee_server::app::{LiveChange, Principal, settings};
use bailee_server::config::ServerConfig;
use bailee_server::serve::{self, Demo};
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
