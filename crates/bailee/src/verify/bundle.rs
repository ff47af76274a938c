//! `bailee verify bundle`: checks an evidence bundle, one file, with nothing but a key.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bailee_audit::VerifyingKey;
use bailee_audit::policy::Policy;
use bailee_evidence::{Checked, Fault, Note, Options};
use bailee_server::app::{Clock as _, SystemClock};
use clap::Args;
use serde::Serialize;

use super::{Outcome, report};

/// What `bailee verify bundle` takes.
#[derive(Args)]
pub struct VerifyBundle {
    /// The bundle.
    file: PathBuf,
    /// The log's verifier key; without it the key in the bundle is used, which proves less.
    #[arg(long)]
    key: Option<String>,
    /// A trust policy (C2SP tlog-policy): which witnesses must have signed as well.
    #[arg(long)]
    policy: Option<PathBuf>,
}

/// What was checked.
#[derive(Debug, Serialize)]
pub struct Sound {
    #[serde(flatten)]
    checked: Checked,
    /// Witnesses that signed as the policy asks; absent without a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnesses: Option<usize>,
}

/// Runs the command and says what was checked.
pub fn run(args: &VerifyBundle, json: bool) -> ExitCode {
    report(outcome(args), json, told)
}

fn outcome(args: &VerifyBundle) -> Outcome<Sound> {
    match check(args) {
        Ok(Ok(sound)) => Outcome::Sound(Box::new(sound)),
        Ok(Err(why)) => Outcome::Unsound(why),
        Err(error) => Outcome::Unusable(format!("{error:#}")),
    }
}

/// The inner error is what is unsound, the outer what kept it from being checked.
fn check(args: &VerifyBundle) -> anyhow::Result<Result<Sound, String>> {
    let now = SystemClock.now();
    let options = Options { key: args.key.as_deref().map(key).transpose()?, now: Some(now) };
    let policy = args.policy.as_deref().map(policy).transpose()?;
    let file = File::open(&args.file).with_context(|| format!("opening {}", args.file.display()))?;
    let checked = match bailee_evidence::check(BufReader::new(file), &options) {
        Ok(checked) => checked,
        Err(fault @ Fault::Unsound { .. }) => return Ok(Err(fault.to_string())),
        Err(fault) => return Err(fault.into()),
    };
    let Some(policy) = policy else { return Ok(Ok(Sound { checked, witnesses: None })) };
    let seconds = u64::try_from(now.unix_ms() / 1_000).unwrap_or(0);
    match policy.check(&checked.checkpoint, seconds) {
        Ok(endorsed) => Ok(Ok(Sound { checked, witnesses: Some(endorsed.cosigned.len()) })),
        Err(error) if error.is_about_form() => Err(error).context("checking the checkpoint by the policy"),
        Err(error) => Ok(Err(format!("data/log/checkpoint: {error}"))),
    }
}

pub(crate) fn key(text: &str) -> anyhow::Result<VerifyingKey> {
    text.trim().parse().context("--key is not a verifier key")
}

fn policy(path: &Path) -> anyhow::Result<Policy> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Policy::parse(&bytes).with_context(|| format!("{} is not a policy", path.display()))
}

fn told(sound: &Sound) -> String {
    let checked = &sound.checked;
    let mut text = format!(
        "sound: {}\n  about: {}\n  exported by {} at {}, which the log records\n",
        checked.origin, checked.subject, checked.exported_by, checked.exported_at
    );
    if let Some(reason) = &checked.reason {
        let _ = writeln!(text, "  reason: {reason}");
    }
    let _ = write!(
        text,
        "  {} files, each listed and unchanged\n  {} entries proved to be in the tree of {}, {} of them asked for\n  {} \
         signature(s) of the log's key on the checkpoint\n  {} events of {} bank(s) under {} signed chain heads\n  {} \
         commitment(s) opened\n",
        checked.files,
        checked.entries,
        checked.tree_size,
        checked.asked,
        checked.checkpoint_signatures,
        checked.bank_events,
        checked.banks,
        checked.chain_heads,
        checked.openings,
    );
    if let Some(witnesses) = sound.witnesses {
        let _ = writeln!(text, "  {witnesses} witness(es) signed as the policy asks");
    }
    if checked.enclosed > 0 {
        let _ = writeln!(text, "  {} photo(s) or file(s), each the one an entry attaches", checked.enclosed);
    }
    text.push_str("  tables made again from the entries, byte for byte\n");
    if checked.report_compared {
        text.push_str("  report drawn again from the same data, byte for byte\n");
    }
    for note in &checked.notes {
        let _ = writeln!(text, "  note: {}", words(note));
    }
    text
}

fn words(note: &Note) -> String {
    match note {
        Note::KeyFromBundle => {
            "the key was taken from the bundle itself, which anybody could have made; give the one \
                                you know with --key"
                .to_owned()
        }
        Note::NotSignedByBank { events } => format!("{events} event(s) not yet signed by their bank"),
        Note::AfterExport { entries, first } => {
            format!("{entries} entry(ies) of a time after the export, the first is entry {first}")
        }
        Note::ReportNotCompared { version } => {
            format!("the report was drawn by another version ({version}) and was not compared")
        }
        Note::Gaps { skipped } => format!("{skipped} entries between those asked for are not here"),
        Note::LeftOut { what } => format!("left out: {what}"),
    }
}
