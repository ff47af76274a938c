//! The platform over HTTP: the portal, the API, the published custody log and the addresses for operations.
//!
//! Handlers read a request, call one use case of [`crate::app`] and show what came back; they decide nothing, hold no SQL and
//! know no status code ([`problem`] does). Every address of the portal and the API stands in one table with who may come
//! ([`addresses`]). Start at [`router`]; then [`guard`], which every request passes; then [`portal`] or [`api`].

pub mod access;
pub mod api;
mod cookie;
mod cursor;
mod export;
mod guard;
mod health;
mod limit;
mod log;
mod once;
pub mod portal;
pub mod problem;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::routing::get;
use bailee_audit::policy::Policy;
use bailee_domain::id::BankId;
use bailee_domain::time::WallTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use cookie::Transport;
pub use guard::RequestId;

use crate::app::App;
use crate::app::link::Ask;
use crate::notify::NotifyConfig;
use access::Listed;
use health::Counters;
use limit::Limiter;

/// What the demo adds to the page of a simulated bank.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Whether its network is connected.
    pub network: bool,
    /// The address of its kiosk.
    pub kiosk: String,
}

/// Tells the switches of a bank, if it is a simulated one.
pub type SwitchesOf = Arc<dyn Fn(BankId) -> Option<Switches> + Send + Sync>;

/// How the router is set up.
#[derive(Clone)]
pub struct Options {
    /// The address people and integrations use, such as `https://lockers.example.org`, without a slash at the end.
    pub public_url: String,
    /// How browsers reach this server.
    pub transport: Transport,
    /// SHA-256 of the token `/metrics` takes; without one only this machine may read it.
    pub metrics_token: Option<[u8; 32]>,
    /// The ways out for messages, to show them on the settings page.
    pub notify: NotifyConfig,
    /// How to verify the log's checkpoints: its `vkey`.
    pub log_key: String,
    /// Which cosignatures make a checkpoint a witnessed one; without it more than half of the witnesses.
    pub witness_policy: Option<Arc<Policy>>,
    /// Where banks reach this platform, `host:port`, as written into enrolment tokens.
    pub link_address: String,
    /// The demo's own pages, mounted below `/demo`.
    pub demo: Option<Router>,
    /// The demo's switches.
    pub switches: Option<SwitchesOf>,
    /// Requests worked on at once; more are told to come again.
    pub at_once: usize,
    /// How long a request may take.
    pub patience: Duration,
}

impl Options {
    /// Working defaults for a server at `public_url`; plain HTTP addresses are for this machine only.
    #[must_use]
    pub fn new(public_url: impl Into<String>) -> Self {
        let public_url = public_url.into().trim_end_matches('/').to_owned();
        let transport =
            if public_url.starts_with("https://") { Transport::Https } else { Transport::Loopback };
        Self {
            public_url,
            transport,
            metrics_token: None,
            notify: NotifyConfig::default(),
            log_key: String::new(),
            witness_policy: None,
            link_address: String::new(),
            demo: None,
            switches: None,
            at_once: 256,
            patience: Duration::from_secs(30),
        }
    }
}

/// What every handler has at hand; cheap to clone.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    app: App,
    ask: Arc<dyn Ask>,
    options: Options,
    host: String,
    places: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    counters: Counters,
    limiter: Limiter,
    checkpoint: Mutex<(String, WallTime)>,
}

/// Live pages open at once.
const STREAMS: usize = 500;
/// Files taken in at once.
const UPLOADS: usize = 4;

impl Http {
    fn new(app: App, ask: Arc<dyn Ask>, options: Options) -> Self {
        let host =
            options.public_url.parse::<Uri>().ok().and_then(|uri| uri.authority().map(ToString::to_string));
        Self(Arc::new(Shared {
            app,
            ask,
            host: host.unwrap_or_default(),
            places: Arc::new(Semaphore::new(options.at_once)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            options,
            counters: Counters::default(),
            limiter: Limiter::default(),
            checkpoint: Mutex::default(),
        }))
    }

    /// The platform.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// The settings of the router.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// How browsers reach this server.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.0.options.transport
    }

    /// How to ask banks.
    #[must_use]
    pub fn ask(&self) -> &dyn Ask {
        &*self.0.ask
    }

    /// Since when this process has seen the log under this checkpoint; signing follows an event within seconds.
    #[must_use]
    pub fn checkpoint_since(&self, checkpoint: &str) -> WallTime {
        let mut last = self.0.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != checkpoint {
            *last = (checkpoint.to_owned(), self.app().now());
        }
        last.1
    }

    /// A turn to take a file in, if there is one.
    fn upload_turn(&self) -> Result<OwnedSemaphorePermit, ()> {
        self.0.uploads.clone().try_acquire_owned().map_err(|_| ())
    }

    /// HMAC-SHA-256 of `text` under a key that serves `purpose` alone.
    fn keyed(&self, purpose: &str, text: &str) -> [u8; 32] {
        self.app().keys().blind(self.app().org().to_bytes(), "http", purpose).index(text)
    }
}

/// What is kept of a token that [`Options::metrics_token`] asks for.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    once::sha256(&[token.as_bytes()])
}

/// The whole of the platform's HTTP.
pub fn router(app: App, ask: Arc<dyn Ask>, options: Options) -> Router {
    let demo = options.demo.clone();
    app.serve_at(&options.public_url);
    let http = Http::new(app, ask, options);
    let mut all = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/log/{log}/{*path}", get(log::file))
        .merge(portal::router(&http))
        .merge(api::router(&http))
        .merge(bailee_ui::assets::router())
        .fallback(guard::nothing_here)
        .method_not_allowed_fallback(guard::not_this_way)
        .with_state(http.clone());
    if let Some(demo) = demo {
        all = all.nest("/demo", demo);
    }
    guard::around(&http, all)
}

/// What a platform serves that must not work: why, and that it runs.
pub fn refusing(why: Arc<str>) -> Router {
    let refused = move || std::future::ready(problem::not_ready(why.to_string()));
    Router::new().route("/healthz", get(health::live)).fallback(refused)
}

/// Every address of the portal and the API with who may come there, in the order they are routed.
#[must_use]
pub fn addresses() -> Vec<Listed> {
    portal::routes()
        .iter()
        .map(|route| route.listed)
        .chain(api::routes().iter().map(|route| route.listed))
        .collect()
}
