//! `bailee demo` as a process of its own, as a person starts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const BAILEE: &str = env!("CARGO_BIN_EXE_bailee");
/// How long the demonstration may take to start or to stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The last line that is printed once everything answers.
const READY: &str = "Ctrl-C stops it.";

/// What the demonstration wrote into its ready file.
pub struct Ready {
    pub portal: String,
    pub kiosks: Vec<String>,
    #[allow(dead_code, reason = "people at a browser need no token")]
    pub api_token: String,
    pub log: String,
    pub set_up: Option<String>,
}

/// The running demonstration; dropping it kills it.
pub struct Demo {
    child: Child,
    said: PathBuf,
    pub ready: Ready,
}

impl Demo {
    /// Starts it with its data in `dir/data`, on free ports.
    pub fn start(dir: &Path, more: &[&str]) -> Self {
        let (ready, said) = (dir.join("ready.json"), dir.join("demo.log"));
        let mut command = Command::new(BAILEE);
        command
            .args(["demo", "--port", "0", "--dir"])
            .arg(dir.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::fs::File::create(&said).unwrap());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, told) = mpsc::channel();
        std::thread::spawn(move || {
            let last = lines.map_while(Result::ok).find(|line| line == READY);
            // The test may have given up.
            let _ = sender.send(last);
        });
        let started = told.recv_timeout(PATIENCE);
        assert!(matches!(started, Ok(Some(_))), "the demo did not start:\n{}", read(&said));
        Self { child, ready: Ready::read(&ready), said }
    }

    /// Where its log is published.
    pub fn log_url(&self) -> String {
        format!("{}/log/{}", self.ready.portal, self.ready.log)
    }

    /// Ends it as a person does, with Ctrl-C.
    pub fn stop(mut self) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(id, Signal::SIGINT).unwrap();
        let (sender, ended) = mpsc::channel();
        std::thread::scope(|scope| {
            let child = &mut self.child;
            scope.spawn(move || sender.send(child.wait()));
            if ended
                .recv_timeout(PATIENCE)
                .map(|status| assert!(status.unwrap().success(), "it stops cleanly"))
                .is_err()
            {
                kill(id, Signal::SIGKILL).unwrap();
                panic!("the demo did not stop:\n{}", read(&self.said));
            }
        });
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("what the demo said:\n{}", read(&self.said));
        }
    }
}

impl Ready {
    fn read(file: &Path) -> Self {
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Self {
            portal: text("portal"),
            kiosks: json["kiosks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|k| k.as_str().unwrap().to_owned())
                .collect(),
            api_token: text("api_token"),
            log: text("log_id"),
            set_up: json["set_up"].as_str().map(str::to_owned),
        }
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// `bailee verify ledger` on an address or a folder.
pub fn verify(place: &str) -> Output {
    Command::new(BAILEE).args(["verify", "ledger", place]).output().unwrap()
}

/// Fetches an address of the demonstration: its status and its body.
pub fn fetch(url: &str, token: Option<&str>) -> (u16, Vec<u8>) {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n{token}\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_off(end + 4))
}

/// Copies a published log into a folder; the paths of its files.
pub fn export(log: &str, folder: &Path) -> Vec<PathBuf> {
    let get = |path: &str| match fetch(&format!("{log}/{path}"), None) {
        (200, body) => body,
        (status, _) => panic!("{path}: {status}"),
    };
    // Witnesses may not have come to it yet. What they cosigned is read first: the log may grow meanwhile.
    let witnessed = fetch(&format!("{log}/witnessed"), None);
    let checkpoint = get("checkpoint");
    let size: u64 = String::from_utf8_lossy(&checkpoint).lines().nth(1).unwrap().parse().unwrap();
    let mut files = vec![("checkpoint".to_owned(), checkpoint), ("key".to_owned(), get("key"))];
    if let (200, witnessed) = witnessed {
        files.push(("witnessed".to_owned(), witnessed));
    }
    files.extend(bailee_audit::TilePath::all(size).map(|path| path.to_string()).map(|path| {
        let bytes = get(&path);
        (path, bytes)
    }));
    let write = |(path, bytes): (String, Vec<u8>)| {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, bytes).unwrap();
        file
    };
    files.into_iter().map(write).collect()
}

/// Checks a log where it is published and as a copy, and that one changed byte in any file of the copy is found.
pub fn log_is_sound_and_a_changed_byte_is_found(log: &str) {
    let sound = verify(log);
    assert_eq!(sound.status.code(), Some(0), "{}", String::from_utf8_lossy(&sound.stderr));
    assert!(String::from_utf8_lossy(&sound.stdout).contains("sound"), "it says what was checked");
    let folder = tempfile::tempdir().unwrap();
    let files = export(log, folder.path());
    let copied = verify(folder.path().to_str().unwrap());
    assert_eq!(copied.status.code(), Some(0), "the copy is as good");
    for file in files.iter().filter(|file| !file.ends_with("key")) {
        let whole = std::fs::read(file).unwrap();
        let is_signed = file.ends_with("checkpoint") || file.ends_with("witnessed");
        // A signed file can be spoilt so that it is none at all; of it every line is tried.
        let (places, codes): (Vec<usize>, &[i32]) =
            if is_signed { (middles(&whole), &[1, 2]) } else { (vec![whole.len() / 2], &[1]) };
        for place in places {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            std::fs::write(file, changed).unwrap();
            let found = verify(folder.path().to_str().unwrap());
            let said = String::from_utf8_lossy(&found.stderr).into_owned();
            let code = found.status.code().unwrap();
            assert!(
                codes.contains(&code),
                "byte {place} of {} was changed, and: {code}, {said}",
                file.display()
            );
            assert!(!said.trim().is_empty(), "it says where");
        }
        std::fs::write(file, whole).unwrap();
    }
}

/// A place in the middle of every line.
fn middles(text: &[u8]) -> Vec<usize> {
    let mut start = 0;
    let middle = |line: &[u8]| {
        let place = start + line.len() / 2;
        start += line.len();
        place
    };
    text.split_inclusive(|byte| *byte == b'\n').map(middle).collect()
}
