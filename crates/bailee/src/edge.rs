//! `bailee edge`: the controller of one bank.

use std::path::{Path, PathBuf};

use anyhow::Context;
use bailee_edge::config::EdgeConfig;
use bailee_edge::readers::{ReaderNo, key_reader};
use bailee_edge::{enrolment, start};
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
            let config = read(&config)?;
            let installation = enrolment::run(&config, &token).await?;
            crate::say(&format!("enrolled as {}; now: bailee edge run --config …", installation.bank()?));
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

fn read(path: &Path) -> anyhow::Result<EdgeConfig> {
    EdgeConfig::read(path).with_context(|| format!("reading {}", path.display()))
}
