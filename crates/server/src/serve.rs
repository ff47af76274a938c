//! The whole platform in one process: store, jobs, the banks' listener and HTTP.

mod check;
mod refused;
mod roll;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use bailee_ledger::disk::FolderDisk;
use bailee_vault::OsRandom;
use bailee_vault::kek::{FileKek, FileKekError};
use bailee_vault::stretch::Cost;
use bailee_vault::tls::{ClientAuth, TlsError, public_server_config, server_config};
use futures_util::StreamExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::app::install::{self, InstallError, LedgerDisk, Names, Outside};
use crate::app::link::{self, Ask, Desk};
use crate::app::{App, AppError, Clock, SystemClock, set_up};
use crate::config::{ConfigError, ServerConfig};
use crate::gateway::{Gateway, Moment};
use crate::http::{self, Options, SwitchesOf};
use crate::jobs::Jobs;
use crate::jobs::witnesses::Witnesses;
use crate::notify::config::ConfigFailure;
use crate::store::{Db, StoreError};

pub use check::check_ledger;
pub use refused::{Refusing, refuse};
pub use roll::roll_key;

/// How long open requests may go on after the platform was told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why the platform does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration.
    #[error("the configuration cannot be used")]
    Config(#[from] ConfigError),
    /// The notification part of the configuration.
    #[error("the notification settings cannot be used")]
    Notify(#[from] ConfigFailure),
    /// The key file.
    #[error("the key file cannot be used")]
    Kek(#[from] FileKekError),
    /// The store.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// What is in the store.
    #[error("the platform cannot be opened")]
    Install(#[from] InstallError),
    /// A use case at the start.
    #[error("the platform cannot start its work")]
    App(#[from] AppError),
    /// Certificate files.
    #[error("the certificate cannot be used")]
    Tls(#[from] TlsError),
    /// A socket or a folder.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// What a demonstration adds.
#[derive(Clone, Default)]
pub struct Demo {
    /// Its own pages, mounted below `/demo`.
    pub pages: Option<Router>,
    /// Its switches on the page of a bank.
    pub switches: Option<SwitchesOf>,
}

/// A running platform.
pub struct Running {
    /// The address people use.
    pub portal_url: String,
    /// Where browsers are served.
    pub listen: SocketAddr,
    /// How banks reach it, as written into enrolment tokens.
    pub link_address: String,
    /// The link that makes the first administrator, while there is none.
    pub set_up_link: Option<String>,
    /// The platform.
    pub app: App,
    /// How banks are asked.
    pub ask: Arc<dyn Ask>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Stops taking requests, lets the jobs end what they are doing, and ends.
    pub async fn shutdown(self) {
        // Tasks that have ended need no telling.
        let _ = self.stop.send(true);
        self.app.wake();
        for mut task in self.tasks {
            match tokio::time::timeout(FAREWELL, &mut task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a task of the platform had panicked"),
                Err(_) => task.abort(),
            }
        }
    }
}

/// Starts the platform.
///
/// # Errors
/// [`ServeError`], saying what to look at.
pub async fn start(config: ServerConfig, demo: Demo) -> Result<Running, ServeError> {
    config.check()?;
    let app = open_as(&config, Log::Own).await?;
    let (stop, stopped) = watch::channel(false);
    let listener = bind(config.listen, "listen").await?;
    let listen = listener.local_addr().map_err(io("the address of the portal"))?;
    let portal_url = config.public_url()?.unwrap_or_else(|| match config.tls {
        Some(_) => format!("https://{listen}"),
        None => format!("http://{listen}"),
    });
    let (desk, link_address, gateway) = serve_banks(&config, &app, stopped.clone()).await?;
    let senders = config.notify.senders()?;
    let jobs = Jobs {
        app: app.clone(),
        ask: desk.clone(),
        outbound: senders.into(),
        sequencer: install::sequencer(&app),
        started: app.now(),
    };
    let log_key = install::log_key(&app).map_err(InstallError::from)?.verifying.to_string();
    let witnesses = Witnesses {
        app: app.clone(),
        ask: desk.clone(),
        outside: config.witnesses()?.into(),
        log_key: log_key.clone(),
    };
    let witnesses = tokio::spawn(witnesses.run(stopped.clone()));
    let jobs = tokio::spawn(jobs.run(stopped.clone()));
    let options = Options {
        notify: config.notify.clone(),
        metrics_token: config.metrics_token()?.map(|token| http::token_hash(token.expose())),
        log_key,
        witness_policy: config.witness_policy()?.map(Arc::new),
        link_address: link_address.clone(),
        demo: demo.pages,
        switches: demo.switches,
        ..Options::new(portal_url.clone())
    };
    let ask: Arc<dyn Ask> = desk;
    let router = ending(http::router(app.clone(), ask.clone(), options), &stopped);
    let http = serve_http(&config, listener, router, stopped)?;
    let set_up_link = offer_set_up(&app, &portal_url).await?;
    Ok(Running {
        portal_url,
        listen,
        link_address,
        set_up_link,
        app,
        ask,
        stop,
        tasks: vec![http, gateway, jobs, witnesses],
    })
}

/// Serves browsers, over TLS if it is configured.
fn serve_http(
    config: &ServerConfig,
    listener: TcpListener,
    router: Router,
    stopped: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, ServeError> {
    let Some(tls) = &config.tls else { return Ok(tokio::spawn(serve_plain(listener, router, stopped))) };
    let pem = |path: &Path| std::fs::read(path).map_err(io(path.display()));
    let tls = public_server_config(&pem(&tls.cert_file)?, &pem(&tls.key_file)?)?;
    Ok(tokio::spawn(serve_tls(listener, TlsAcceptor::from(Arc::new(tls)), router, stopped)))
}

/// Opens the platform's store and keys without serving anything, for commands beside a running platform.
///
/// # Errors
/// [`ServeError`].
pub async fn open(config: &ServerConfig) -> Result<App, ServeError> {
    open_as(config, Log::OwnOrBeside).await
}

async fn open_as(config: &ServerConfig, whose: Log) -> Result<App, ServeError> {
    make_private(&config.data_dir).map_err(io(config.data_dir.display()))?;
    let path = config.data_dir.join("kek");
    let kek = if path.exists() { FileKek::open(&path)? } else { FileKek::create(&path, &mut OsRandom)? };
    let db = Db::open(&config.db()?).await?;
    let folder = config.data_dir.join("ledger");
    let ledger = match FolderDisk::open(&folder) {
        Ok(disk) => LedgerDisk::Own(Box::new(disk)),
        Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy && whose == Log::OwnOrBeside => {
            LedgerDisk::Beside(Box::new(FolderDisk::beside(&folder).map_err(io(folder.display()))?))
        }
        Err(error) => return Err(io(format!("the custody log in {}", folder.display()))(error)),
    };
    let (clock, rng) = (Box::new(SystemClock), Box::new(OsRandom));
    let outside = Outside { clock, rng, cost: Cost::STANDARD, ledger };
    let names = Names { org: config.first_start.organisation.clone(), site: config.first_start.site.clone() };
    Ok(install::open_or_create(db, &kek, outside, &names).await?)
}

/// Whether a command needs the custody log for itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Log {
    Own,
    OwnOrBeside,
}

/// Makes a folder only its owner may enter, if it is not there; what there is keeps its permissions.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if let Some(above) = folder.parent() {
        std::fs::create_dir_all(above)?;
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The link that makes the first administrator; a new one at every start until somebody has used it.
async fn offer_set_up(app: &App, portal_url: &str) -> Result<Option<String>, ServeError> {
    use crate::app::Refused;
    match set_up::offer(app).await {
        Ok(token) => Ok(Some(format!("{portal_url}/set-up/{}", token.expose()))),
        Err(AppError::Refused(Refused::NotPossibleNow { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn serve_banks(
    config: &ServerConfig,
    app: &App,
    mut stopped: watch::Receiver<bool>,
) -> Result<(Arc<Desk>, String, JoinHandle<()>), ServeError> {
    let listener = bind(config.link.listen, "link.listen").await?;
    let bound = listener.local_addr().map_err(io("the address for banks"))?;
    let address = config.link.address.clone().unwrap_or_else(|| bound.to_string());
    let desk = Desk::new(app);
    let tls = server_config(&app.keys().link, ClientAuth::Required);
    let gateway = Gateway::new(Arc::new(tls), link::ports(app, &desk, moments()));
    for known in link::known_banks(app).await? {
        gateway.expect(known);
    }
    let nudged = Arc::downgrade(&gateway);
    desk.on_command(move |bank| {
        if let Some(gateway) = nudged.upgrade() {
            gateway.nudge(bank);
        }
    });
    let task = tokio::spawn(async move {
        tokio::select! {
            () = gateway.serve(listener) => {}
            // The sender lives as long as the platform.
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    });
    Ok((desk, address, task))
}

/// Both clocks for the sessions with banks.
fn moments() -> Arc<dyn Fn() -> Moment + Send + Sync> {
    let started = tokio::time::Instant::now();
    Arc::new(move || {
        let since = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment { mono: bailee_domain::time::MonoTime::from_ms(since), wall: SystemClock.now() }
    })
}

async fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(io(format!("{setting} = \"{address}\" cannot be listened on")))
}

fn io(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> ServeError {
    move |source| ServeError::Io { what: what.to_string(), source }
}

/// Resolves when the platform was told to stop.
async fn stop(mut stopped: watch::Receiver<bool>) {
    // The sender lives as long as the platform; without one there is nothing left to serve.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The same routes, whose event streams end when the platform stops: they have no end of their own to wait for.
fn ending(router: Router, stopped: &watch::Receiver<bool>) -> Router {
    let stopped = stopped.clone();
    router.layer(axum::middleware::map_response(move |response: Response| {
        let stopped = stopped.clone();
        async move { end_stream(response, stopped) }
    }))
}

fn end_stream(response: Response, stopped: watch::Receiver<bool>) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "text/event-stream") {
        return response;
    }
    let (parts, body) = response.into_parts();
    let until_stop = body.into_data_stream().take_until(Box::pin(stop(stopped)));
    Response::from_parts(parts, Body::from_stream(until_stop))
}

/// Serves until told to stop, and then until every request begun is answered; [`Running::shutdown`] bounds that.
async fn serve_plain(listener: TcpListener, router: Router, stopped: watch::Receiver<bool>) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop(stopped)).await {
        tracing::error!(%error, "the portal's server has ended");
    }
}

/// As [`serve_plain`], over TLS.
async fn serve_tls(
    listener: TcpListener,
    tls: TlsAcceptor,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let until = stopped.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (tls, router, until) = (tls.clone(), router.clone(), stop(until.clone()));
        connections.spawn(async move {
            let handshake = tokio::time::timeout(Duration::from_secs(10), tls.accept(stream)).await;
            let Ok(Ok(stream)) = handshake else { return };
            if let Err(error) = serve_connection(stream, peer, router, until).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    while connections.join_next().await.is_some() {}
}

/// Answers the requests of one connection; once `until` resolves, the one begun is its last.
async fn serve_connection(
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
    router: Router,
    until: impl Future<Output = ()>,
) -> hyper::Result<()> {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        tower::ServiceExt::oneshot(router.clone(), request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(Duration::from_secs(15))
        .serve_connection(hyper_util::rt::TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        served = connection.as_mut() => return served,
        () = until => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
