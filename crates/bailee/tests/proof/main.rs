//! Proof at the command line: evidence, and its checks with their exit codes, as the program a person runs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod erase;
mod exit_codes;
mod export;
mod house;

use std::process::{Command, Output};

/// Runs the program.
fn bailee(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bailee")).args(arguments).output().unwrap()
}

/// What it said, on either stream, and its exit code.
fn said(arguments: &[&str]) -> (i32, String) {
    let output = bailee(arguments);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}
