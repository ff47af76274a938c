//! What is served when the platform must not work: why. Everything else is refused until a person has looked.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{FAREWELL, ServeError, bind, io, serve_http};
use crate::app::install::InstallError;
use crate::config::ServerConfig;
use crate::http;
use crate::ledger::LedgerError;

impl ServeError {
    /// What the platform is refused for, if its stored log and store contradict each other; `None` for what a restart may
    /// mend.
    #[must_use]
    pub fn disagreement(&self) -> Option<String> {
        match self {
            Self::Install(InstallError::Ledger(error)) => error.disagreement(),
            _ => None,
        }
    }
}

impl LedgerError {
    /// What is contradicted, with why no crash explains it and where to look.
    #[must_use]
    pub fn disagreement(&self) -> Option<String> {
        let what = match self {
            Self::Log(bailee_ledger::LedgerError::Disagrees(what)) => what.to_string(),
            Self::Disagrees { what, .. } => what.to_string(),
            _ => return None,
        };
        Some(format!(
            "the custody log is refused: {what}.\nNo crash explains this: what a power cut or a killed process leaves \
             behind is put in order at every start. An old database or an old folder was put back, the disk lost or \
             changed what it had promised to keep, or somebody wrote into one of them.\nNothing is signed and no \
             bank is answered until a person has looked; banks go on alone. `bailee ledger check` says what else is \
             wrong, and what to do."
        ))
    }
}

/// A platform that refuses to work.
pub struct Refusing {
    /// Where it says why.
    pub listen: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Refusing {
    /// Ends it.
    pub async fn shutdown(mut self) {
        // A task that has ended needs no telling.
        let _ = self.stop.send(true);
        if tokio::time::timeout(FAREWELL, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Serves the health pages with the reason, and nothing else: so that whoever watches the platform learns of it, and no
/// service manager starts it again and again.
///
/// # Errors
/// [`ServeError`]: the address cannot be served.
pub async fn refuse(config: &ServerConfig, why: &str) -> Result<Refusing, ServeError> {
    let listener = bind(config.listen, "listen").await?;
    let listen = listener.local_addr().map_err(io("the address of the portal"))?;
    let (stop, stopped) = watch::channel(false);
    let router = http::refusing(Arc::from(format!("{why}\n")));
    let task = serve_http(config, listener, router, stopped)?;
    Ok(Refusing { listen, stop, task })
}
