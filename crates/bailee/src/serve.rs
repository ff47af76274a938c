//! `bailee serve` and `bailee config`: the platform, and looking at configuration files before they are used.

use std::path::PathBuf;

use anyhow::Context;
use bailee_edge::config::EdgeConfig;
use bailee_server::config::ServerConfig;
use bailee_server::serve::{self, Demo};
use clap::{Args, Subcommand};

use crate::service;

/// What `bailee serve` takes.
#[derive(Args)]
pub struct ServeArgs {
    /// The configuration file.
    #[arg(long)]
    config: PathBuf,
}

/// What can be done with configuration files.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say what is wrong with a file, if anything.
    Check {
        /// The platform's configuration file.
        #[arg(long, conflicts_with = "edge", required_unless_present = "edge")]
        serve: Option<PathBuf>,
        /// A bank's configuration file.
        #[arg(long)]
        edge: Option<PathBuf>,
    },
}

/// Runs the platform until Ctrl-C.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let config =
        ServerConfig::read(&args.config).with_context(|| format!("reading {}", args.config.display()))?;
    let stop = crate::stop_signal()?;
    let running = match serve::start(config.clone(), Demo::default()).await {
        Ok(running) => running,
        Err(error) => match error.disagreement() {
            Some(why) => return refuse(&config, &why, stop).await,
            None => return Err(error.into()),
        },
    };
    crate::say(&format!("portal on {}", running.portal_url));
    crate::say(&format!("banks on {}", running.link_address));
    if let Some(link) = &running.set_up_link {
        crate::say(&format!("make the first administrator, once: {link}"));
    }
    service::ready(&format!("portal on {}", running.portal_url));
    tokio::select! {
        () = stop => {}
        // A database that is away is no reason to be killed: status is still served then.
        () = service::watch(async || tokio::spawn(async {}).await.is_ok()) => {}
    }
    service::stopping();
    eprintln!("stopping");
    running.shutdown().await;
    Ok(())
}

/// Says why nothing is served until Ctrl-C, so that whoever watches sees it and nobody starts it again and again.
async fn refuse(config: &ServerConfig, why: &str, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let refusing = serve::refuse(config, why).await?;
    eprintln!("bailee: {why}");
    crate::say(&format!("refused; http://{}/readyz says why", refusing.listen));
    service::ready("refused: the custody log contradicts itself or the database; see bailee ledger check");
    tokio::select! {
        () = stop => {}
        () = service::watch(async || true) => {}
    }
    service::stopping();
    refusing.shutdown().await;
    anyhow::bail!("the custody log was refused")
}

/// Runs `bailee config`.
pub fn config(command: &ConfigCommand) -> anyhow::Result<()> {
    let ConfigCommand::Check { serve, edge } = command;
    if let Some(path) = serve {
        ServerConfig::read(path).with_context(|| format!("reading {}", path.display()))?;
    }
    if let Some(path) = edge {
        EdgeConfig::read(path).with_context(|| format!("reading {}", path.display()))?;
    }
    crate::say("the configuration can be used");
    Ok(())
}
