//! `bailee ledger`: the platform's own custody log, where it lies.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bailee_audit::note::MAX_NOTE_LEN;
use bailee_server::config::ServerConfig;
use bailee_server::ledger::check::{Findings, Kept, Report};
use bailee_server::serve;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Entries between two words of progress.
const STEP: u64 = 10_000;

/// What can be done with the log.
#[derive(Subcommand)]
pub enum Ledger {
    /// Check files, database, checkpoints and cosignatures of the log against each other. Reads only, so the platform
    /// may run meanwhile; exits 0 if all is sound, 1 if something is wrong, 2 if it could not be checked.
    Check(Check),
    /// Hand the log over to a new key and destroy the old one; with the platform stopped. Whoever knows the old key follows
    /// the hand-over, which is an entry of the log; banks and witnesses do by themselves.
    RollKey(RollKey),
}

/// What `bailee ledger roll-key` takes.
#[derive(Args)]
pub struct RollKey {
    /// The platform's configuration file.
    #[arg(long, default_value = "/etc/bailee/platform.toml")]
    config: PathBuf,
    /// Why, without naming anybody: the log commits to it.
    #[arg(long)]
    reason: String,
}

/// What `bailee ledger check` takes.
#[derive(Args)]
pub struct Check {
    /// The platform's configuration file.
    #[arg(long, default_value = "/etc/bailee/platform.toml")]
    config: PathBuf,
    /// A checkpoint that somebody else kept, such as a witness: the log must continue it. May be given several times.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Say how far it has come also where standard error is no terminal.
    #[arg(long)]
    progress: bool,
}

/// Runs `bailee ledger`.
pub fn run(command: Ledger, json: bool) -> ExitCode {
    match command {
        Ledger::RollKey(args) => crate::run_to(async move {
            roll_key(&args, json).await?;
            Ok(ExitCode::SUCCESS)
        }),
        Ledger::Check(args) => crate::run_to(async move {
            Ok(match check(&args).await {
                Ok(report) => tell(&report, json),
                Err(error) => unusable(&error, json),
            })
        }),
    }
}

async fn roll_key(args: &RollKey, json: bool) -> anyhow::Result<()> {
    let config =
        ServerConfig::read(&args.config).with_context(|| format!("reading {}", args.config.display()))?;
    let rolled = serve::roll_key(&config, &args.reason).await;
    let (old, new) = rolled.context("the log was not handed over; is the platform stopped?")?;
    let (old, new) = (old.to_string(), new.to_string());
    crate::say(&match json {
        true => json!({ "old": old, "new": new }).to_string(),
        false => format!(
            "the log was handed over\n  from {old}\n  to   {new}\nthe old key is destroyed; publish the new one where people \
             look keys up\nback up the database now: an older copy holds the old key"
        ),
    });
    Ok(())
}

async fn check(args: &Check) -> anyhow::Result<Report> {
    let config =
        ServerConfig::read(&args.config).with_context(|| format!("reading {}", args.config.display()))?;
    let kept: Vec<Kept> = args.checkpoints.iter().map(|path| kept(path)).collect::<Result<_, _>>()?;
    let is_shown = args.progress || std::io::stderr().is_terminal();
    let mut next = STEP;
    let mut progress = |done: u64, of: u64| {
        if is_shown && done >= next {
            next = done + STEP;
            let percent = done.saturating_mul(100) / of.max(1);
            // Nobody listening is no reason to stop.
            let _ = write!(std::io::stderr(), "\r{done} of {of} entries looked at ({percent} %)");
        }
    };
    let report = serve::check_ledger(&config, &kept, &mut progress).await?;
    if is_shown && next > STEP {
        eprintln!();
    }
    Ok(report)
}

fn kept(path: &Path) -> anyhow::Result<Kept> {
    let note = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    anyhow::ensure!(note.len() <= MAX_NOTE_LEN, "{} is too long for a checkpoint", path.display());
    Ok(Kept { name: format!("the checkpoint in {}", path.display()), note })
}

fn tell(report: &Report, json: bool) -> ExitCode {
    let Findings { told, more } = &report.findings;
    let is_sound = told.is_empty();
    if json {
        println!("{}", as_json(report));
    } else if is_sound {
        print!("{}", as_text(report));
    } else {
        eprint!("{}", wrong(report));
    }
    debug_assert!(!is_sound || *more == 0, "the first finding is always told");
    if is_sound { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn unusable(error: &anyhow::Error, json: bool) -> ExitCode {
    let why = format!("{error:#}");
    if json {
        println!("{}", json!({ "outcome": "unusable", "why": why }));
    } else {
        eprintln!("could not be checked: {why}");
    }
    ExitCode::from(2)
}

fn as_json(report: &Report) -> Value {
    let Findings { told, more } = &report.findings;
    let findings: Vec<Value> = told
        .iter()
        .map(|one| json!({ "kind": one.kind.code(), "what": one.what, "do": one.kind.advice() }))
        .collect();
    let checked = json!({
        "entries": report.entries,
        "events": report.events,
        "pending": report.pending,
        "unnoted": report.unnoted,
        "checkpoints": report.checkpoints,
        "cosignatures": report.cosignatures,
        "banks": report.banks,
        "bank_events": report.bank_events,
    });
    match told.first() {
        None => json!({ "outcome": "sound", "checked": checked }),
        Some(first) => json!({
            "outcome": "unsound", "why": first.to_string(), "checked": checked, "findings": findings, "more": more,
        }),
    }
}

fn as_text(report: &Report) -> String {
    let mut text = format!(
        "sound\n  {} entries in the log's files, {} of them events of the database with their line in the search index\n  {} \
         checkpoints signed by the log, each of the tree of the entries before it\n  {} cosignatures of witnesses\n  {} \
         events of {} bank(s): sequences without gaps, every event names the one before\n",
        report.entries,
        report.events,
        report.checkpoints,
        report.cosignatures,
        report.bank_events,
        report.banks
    );
    if report.unnoted > 0 {
        let _ = writeln!(
            text,
            "  {} newest entries not noted in the database yet, as a stop leaves them",
            report.unnoted
        );
    }
    if report.pending > 0 {
        let _ = writeln!(text, "  {} event(s) wait for their place in the log", report.pending);
    }
    text
}

fn wrong(report: &Report) -> String {
    let Findings { told, more } = &report.findings;
    let mut text = String::new();
    let others = told.len() as u64 - 1 + more;
    for (number, finding) in told.iter().enumerate() {
        let _ = match number {
            0 => writeln!(text, "UNSOUND: {finding}\n  what to do: {}", finding.kind.advice()),
            1 => writeln!(text, "and {others} more:\n  {finding}"),
            _ => writeln!(text, "  {finding}"),
        };
    }
    if *more > 0 {
        let _ = writeln!(text, "  … {more} not shown");
    }
    text.push_str("the runbook is docs/operations/ledger.md; change nothing before you have copied folder and database\n");
    text
}
