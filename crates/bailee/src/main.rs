//! `bailee`: the platform, the bank's controller, a demonstration of both, and the tools to check them.
//!
//! Exit codes: 0 done (for `verify` and `ledger check`: sound), 1 failed (for these: unsound), 2 unusable input.

mod bench;
mod demo;
mod edge;
mod evidence;
mod key_file;
mod ledger;
mod officer;
mod person;
mod serve;
mod service;
mod signer;
mod simulate;
mod verify;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Smart lockers that can be trusted with what people can't afford to lose.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Try `bailee demo`: a platform and two simulated banks, in one command."
)]
struct Cli {
    /// Print one JSON value on standard output instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A platform and two simulated banks, to try everything with a browser.
    Demo(demo::DemoArgs),
    /// Run the platform.
    Serve(serve::ServeArgs),
    /// The controller inside a bank.
    #[command(subcommand)]
    Edge(edge::Edge),
    /// Check configuration files.
    #[command(subcommand)]
    Config(serve::ConfigCommand),
    /// Evidence bundles: making them, and making them tell less.
    #[command(subcommand)]
    Evidence(evidence::Evidence),
    /// Destroy what is known of a person.
    #[command(subcommand)]
    Erase(person::Erase),
    /// Check what others say happened, with nothing but their files and a key.
    #[command(subcommand)]
    Verify(Verify),
    /// The platform's own custody log: checking it where it lies.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Watch logs and cosign what only grew: a witness for a machine of your own.
    Witness(witness::WitnessArgs),
    /// Measure this program on this machine.
    Bench(bench::BenchArgs),
    /// An officer's own key, and answers to the challenge on a kiosk's screen.
    #[command(subcommand)]
    Officer(officer::Officer),
    /// A person's own key, and signing what opens a door from afar or admits a key.
    #[command(subcommand)]
    Person(signer::Person),
    /// Hardware that is not there, for trying what would be connected to it.
    #[command(subcommand)]
    Simulate(simulate::Simulate),
}

#[derive(Subcommand)]
enum Verify {
    /// Check every entry, tile and signature of a log.
    Ledger(VerifyLedger),
    /// Check the receipt of an opening, and say what it proves.
    Receipt(VerifyReceipt),
    /// Check an evidence bundle.
    Bundle(verify::bundle::VerifyBundle),
}

#[derive(Args)]
struct VerifyLedger {
    /// The log's address (`https://…/log/<id>`) or a folder with a copy of it.
    place: String,
    /// The log's verifier key; without it the key lying beside the log is used, which proves less.
    #[arg(long)]
    key: Option<String>,
    /// A policy (C2SP tlog-policy): its quorum of witnesses must have cosigned the log.
    #[arg(long, value_name = "FILE")]
    policy: Option<std::path::PathBuf>,
    /// With --policy: the oldest the quorum's cosignatures may be, such as 30m, 2h or 7d; 1h for an address, any age for a
    /// folder.
    #[arg(long, value_name = "AGE", requires = "policy", value_parser = verify::ledger::age)]
    max_age: Option<u64>,
    /// Every event of a bank must be under a head the bank signed, also the newest.
    #[arg(long)]
    all_signed: bool,
}

#[derive(Args)]
struct VerifyReceipt {
    /// The receipt (`.tlog-proof`).
    file: PathBuf,
    /// The log's verifier key.
    #[arg(long)]
    key: Option<String>,
    /// A trust policy (C2SP tlog-policy): which logs are believed, and which witnesses must have cosigned.
    #[arg(long)]
    policy: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log();
    match cli.command {
        Command::Verify(Verify::Ledger(args)) => {
            let demands = verify::ledger::Demands {
                key: args.key,
                policy: args.policy,
                max_age_s: args.max_age,
                all_signed: args.all_signed,
            };
            verify::ledger::run(&args.place, &demands, cli.json)
        }
        Command::Verify(Verify::Receipt(args)) => {
            verify::receipt::run(&args.file, args.key.as_deref(), args.policy.as_deref(), cli.json)
        }
        Command::Verify(Verify::Bundle(args)) => verify::bundle::run(&args, cli.json),
        Command::Evidence(command) => run(evidence::run(command)),
        Command::Erase(command) => run(person::run(command, cli.json)),
        Command::Demo(args) => run(demo::run(args)),
        Command::Serve(args) => run(serve::run(args)),
        Command::Edge(command) => run(edge::run(command)),
        Command::Ledger(command) => ledger::run(command, cli.json),
        Command::Witness(args) => run(witness::run(args)),
        Command::Bench(args) => run(bench::run(args, cli.json)),
        Command::Officer(command) => run(async { officer::run(&command, cli.json) }),
        Command::Person(command) => run(async { signer::run(&command, cli.json) }),
        Command::Simulate(command) => run(simulate::run(command)),
        Command::Config(command) => run(async { serve::config(&command) }),
    }
}

/// Logs go to standard error; `RUST_LOG` says how much.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn run(task: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    run_to(async { task.await.map(|()| ExitCode::SUCCESS) })
}

fn run_to(task: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(task) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

/// Tells the person who started it. That nobody listens any more is no reason to stop serving.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Resolves when somebody presses Ctrl-C or the service manager says stop, also if that was before it is awaited.
///
/// # Errors
/// When the system gives no signals.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// What happened, and under it why.
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("bailee: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because {cause}");
    }
    ExitCode::FAILURE
}
