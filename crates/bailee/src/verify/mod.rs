//! `bailee verify`: checks what others say happened, with nothing but their files and a key. One file per thing checked.
//!
//! Every check ends in an [`Outcome`], and [`report`] turns that into words or JSON and the documented exit code:
//! 0 sound, 1 unsound, 2 unusable.

pub mod bundle;
pub mod ledger;
pub mod receipt;

use std::process::ExitCode;

use serde::Serialize;

/// What came of a check; the exit code says the same.
#[derive(Debug)]
pub enum Outcome<S> {
    /// Everything fits.
    Sound(Box<S>),
    /// Something is wrong, and where.
    Unsound(String),
    /// Nothing could be checked, and why.
    Unusable(String),
}

/// Says what was checked, as `told` words it or as JSON, or what is wrong, and answers the exit code.
pub fn report<S: Serialize>(outcome: Outcome<S>, json: bool, told: impl FnOnce(&S) -> String) -> ExitCode {
    match outcome {
        Outcome::Sound(sound) => {
            if json {
                println!("{}", serde_json::json!({ "outcome": "sound", "checked": sound }));
            } else {
                print!("{}", told(&sound));
            }
            ExitCode::SUCCESS
        }
        Outcome::Unsound(why) => refused(json, "unsound", &format!("UNSOUND: {why}"), &why, 1),
        Outcome::Unusable(why) => refused(json, "unusable", &format!("could not be checked: {why}"), &why, 2),
    }
}

fn refused(json: bool, outcome: &str, text: &str, why: &str, code: u8) -> ExitCode {
    if json {
        println!("{}", serde_json::json!({ "outcome": outcome, "why": why }));
    } else {
        eprintln!("{text}");
    }
    ExitCode::from(code)
}
