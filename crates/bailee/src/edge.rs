//! `bailee edge`: the controller of one bank.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bailee_domain::compartment::CompartmentNo;
use bailee_edge::commission::script::Script;
use bailee_edge::commission::terminal::Terminal;
use bailee_edge::commission::{self, Commissioned, Wanted};
use bailee_edge::config::EdgeConfig;
use bailee_edge::readers::{ReaderNo, key_reader};
use bailee_edge::{enrolment, start};
use bailee_wire::event::hex;
use clap::Subcommand;

mod status;

use crate::service;

/// What a controller can be asked to do.
#[derive(Subcommand)]
pub enum Edge {
    /// Let this bank into a platform, with the token its portal shows once.
    Enrol {
        /// The token, beginning with `bailee-enrol-1.`
        token: String,
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Run the bank: boards, kiosk and link, until Ctrl-C.
    Run {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Show what the running controller measures of itself, and what is not as it should be.
    Status {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// As JSON, as the platform's API gives it.
        #[arg(long)]
        json: bool,
    },
    /// Walk a technician through: find boards, prove every door, look at everything else; with the controller stopped.
    Commission {
        /// The configuration file; what was proved is written into it.
        #[arg(long)]
        config: PathBuf,
        /// Only this door, after a repair.
        #[arg(long)]
        door: Option<u16>,
        /// Take the answers from a file instead of the terminal.
        #[arg(long)]
        answers: Option<PathBuf>,
        /// Forget the walk that was left.
        #[arg(long)]
        afresh: bool,
    },
    /// Give an OSDP reader its key, once, with the controller stopped and nobody else on the cable.
    KeyReader {
        /// The reader's number in the configuration.
        number: u8,
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
}

/// Runs the command.
pub async fn run(command: Edge) -> anyhow::Result<()> {
    match command {
        Edge::Enrol { token, config } => {
            let config = EdgeConfig::read_unfinished(&config)?;
            let installation = enrolment::run(&config, &token).await?;
            crate::say(&format!("enrolled as {}; now: bailee edge run --config …", installation.bank()?));
            Ok(())
        }
        Edge::Commission { config, door, answers, afresh } => {
            let wanted = Wanted { only: door.map(CompartmentNo), afresh };
            let walked = tokio::task::spawn_blocking(move || walk(&config, wanted, answers.as_deref()));
            let Commissioned { doors, faults, report, digest, .. } = walked.await??;
            crate::say(&format!("{doors} doors can be used, {faults} faults"));
            crate::say(&format!("report {}, SHA-256 {}", report.display(), hex(&digest)));
            if faults > 0 {
                bail!("not everything is as it should be: see above, and run it again after the repair")
            }
            Ok(())
        }
        Edge::KeyReader { number, config } => {
            let config = read(&config)?;
            let keyed = tokio::task::spawn_blocking(move || key_reader(&config, ReaderNo(number))).await?;
            crate::say(&format!("reader {number} has its key: {}", keyed?));
            Ok(())
        }
        Edge::Status { config, json } => {
            let listen = read(&config)?.kiosk.listen;
            let shown = tokio::task::spawn_blocking(move || status::ask(listen, json)).await??;
            crate::say(&shown);
            Ok(())
        }
        Edge::Run { config } => {
            let stop = crate::stop_signal()?;
            let running = start::run(&read(&config)?).await?;
            crate::say(&format!("kiosk on http://{}", running.kiosk));
            service::ready(&format!("kiosk on http://{}", running.kiosk));
            let handle = running.handle();
            tokio::select! {
                () = stop => {}
                () = service::watch(async || handle.is_alive().await) => {}
            }
            service::stopping();
            running.stop().await;
            Ok(())
        }
    }
}

fn walk(config: &Path, wanted: Wanted, answers: Option<&Path>) -> anyhow::Result<Commissioned> {
    let walked = match answers {
        Some(answers) => commission::run(config, wanted, &mut Script::read(answers)?),
        None => {
            let mut terminal = Terminal::new(std::io::stdin().lock(), std::io::stdout());
            commission::run(config, wanted, &mut terminal)
        }
    };
    Ok(walked?)
}

fn read(path: &Path) -> anyhow::Result<EdgeConfig> {
    EdgeConfig::read(path).with_context(|| format!("reading {}", path.display()))
}
