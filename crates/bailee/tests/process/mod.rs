//! `bailee` as processes of their own: started, listened to, stopped.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use bailee_sim::cabinet::PtyCabinet;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take.
pub const WITHIN: Duration = Duration::from_secs(30);

/// A child process that is asked to stop, and must, when the test is over.
pub struct Process {
    child: Child,
    /// Kept open, so that the process can go on saying things.
    said: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts `bailee` and waits for its first line that begins with `first`; gives the rest of it.
    pub fn start(args: &[&str], first: &str) -> (Self, String) {
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

    /// Asks it to stop, and waits.
    pub fn stop(mut self) {
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

/// Runs `bailee` to its end.
pub fn run(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_bailee")).args(args).output().unwrap()
}

/// What a page answers, headers and all.
pub fn get(address: &str, path: &str) -> String {
    let host = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A bank of four doors on a simulated cabinet.
pub fn bank_config(dir: &Path, cabinet: &PtyCabinet) -> String {
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
