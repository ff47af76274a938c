//! `bailee witness`: a stand-alone witness (C2SP tlog-witness v1.0.0) for a customer's own machine.
//!
//! One file in its folder holds its key and what it last cosigned of each log; see `audit::witness`. It answers on a
//! loopback address only: what the world may reach is a proxy's matter. It must never cosign before what it cosigns is
//! durable, nor start with a new key where an old one was.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bailee_audit::key::KeyName;
use bailee_audit::witness::{
    AddCheckpoint, Answer, MAX_REQUEST_LEN, Memory as _, Misconduct, Refusal, Remembered, Seen, Slot,
    Witness, replace_file,
};
use bailee_audit::{Cosigner, VerifyingKey};
use bailee_vault::{OsRandom, Secret};
use bailee_wire::event::{chain_hash, hex};
use clap::Args;
use serde::Deserialize;
use tokio::net::TcpListener;

const MEMORY: &str = "witness";
const EVIDENCE: &str = "evidence";
/// Most files of evidence; the first are worth most.
const MAX_EVIDENCE: usize = 256;
/// How long a caller may take to send a request.
const WITHIN: Duration = Duration::from_secs(15);

/// What `bailee witness` takes.
#[derive(Args)]
pub struct WitnessArgs {
    /// A configuration file with the settings below; the command line comes first.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The folder for its key and memory, made if it is not there.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The name of its key: an address without scheme, such as `witness.example.org/bailee`.
    #[arg(long)]
    name: Option<String>,
    /// The loopback address to listen on.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// The verifier key of a log to watch; may be given several times.
    #[arg(long = "log", value_name = "VKEY")]
    logs: Vec<String>,
    /// Print the verifier key and end.
    #[arg(long)]
    print_key: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WitnessConfig {
    dir: Option<PathBuf>,
    name: Option<String>,
    listen: Option<SocketAddr>,
    #[serde(default)]
    logs: Vec<String>,
}

/// Runs the witness until Ctrl-C.
pub async fn run(args: WitnessArgs) -> anyhow::Result<()> {
    let config = match &args.config {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?
        }
        None => WitnessConfig::default(),
    };
    let dir = args.dir.or(config.dir).context("give the folder for its key and memory with --dir")?;
    let logs = if args.logs.is_empty() { config.logs } else { args.logs };
    let mut witness = open(&dir, args.name.or(config.name).as_deref())?;
    crate::say(&witness.cosigner().key().to_string());
    if args.print_key {
        return Ok(());
    }
    watch(&mut witness, &logs)?;
    let listen = args.listen.or(config.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8090)));
    if !listen.ip().is_loopback() {
        bail!("{listen} is no loopback address: let a proxy with TLS pass requests on to 127.0.0.1");
    }
    let stop = crate::stop_signal()?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    crate::say(&format!("witness on http://{}", listener.local_addr()?));
    let shared = Arc::new(Shared { witness: Mutex::new(witness), evidence: dir.join(EVIDENCE) });
    axum::serve(listener, router(shared)).with_graceful_shutdown(stop).await?;
    Ok(())
}

type FileWitness = Witness<Remembered<FileSlot>>;

struct Shared {
    witness: Mutex<FileWitness>,
    evidence: PathBuf,
}

/// Opens the witness of a folder; its name is given once, at the first start, and kept beside.
fn open(dir: &Path, name: Option<&str>) -> anyhow::Result<FileWitness> {
    make_private(dir).with_context(|| format!("making {}", dir.display()))?;
    let (name_path, memory_path) = (dir.join("name"), dir.join(MEMORY));
    let known = std::fs::read_to_string(&name_path).ok().map(|known| known.trim().to_owned());
    let name = match (&known, name) {
        (Some(known), Some(given)) if given != known => {
            bail!("this witness is called {known}: another name is another witness, in another folder")
        }
        (Some(known), _) => known.clone(),
        (None, Some(given)) => given.to_owned(),
        (None, None) => bail!("give the witness a name with --name, such as witness.example.org/bailee"),
    };
    let name = KeyName::new(&name).context("the name of the witness")?;
    if known.is_some() && !memory_path.exists() {
        bail!(
            "{} is gone, and with it the key and all it had cosigned: restore it, or begin a new witness in a new folder",
            memory_path.display()
        );
    }
    let mut memory = Remembered::open(FileSlot(memory_path.clone()), || {
        *Secret::<[u8; 32]>::random(&mut OsRandom).expose()
    })
    .with_context(|| format!("opening {}", memory_path.display()))?;
    // A stop here leaves a memory without a name, which the next start gives it.
    if known.is_none() {
        replace_file(&name_path, format!("{name}\n").as_bytes()).context("keeping the name")?;
    }
    let seed = memory.now()?.seed;
    Ok(Witness::new(Cosigner::from_seed(name, &seed)?, memory))
}

fn watch(witness: &mut FileWitness, logs: &[String]) -> anyhow::Result<()> {
    for log in logs {
        let key: VerifyingKey = log.trim().parse().with_context(|| format!("the log key {log}"))?;
        // The one configured may have been handed over since.
        let newest = witness.memory().now()?.newest(&key);
        witness.watch(newest);
    }
    if logs.is_empty() {
        bail!("give the verifier key of at least one log with --log");
    }
    Ok(())
}

fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(last_checkpoint))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_LEN))
        .layer(axum::middleware::from_fn(in_time))
        .with_state(shared)
}

async fn in_time(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    match tokio::time::timeout(WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

async fn add_checkpoint(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let Ok(request) = AddCheckpoint::parse(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    // The disk may take its time; other callers are served meanwhile, one after the other.
    let answered = tokio::task::spawn_blocking(move || {
        let mut witness = shared.witness.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = witness.add_checkpoint(&request, now());
        if let Ok(Answer::Refused { misconduct: Some(misconduct), kept: Some(kept), .. }) = &answer {
            shared.accuse(*misconduct, kept, &request);
        }
        answer
    });
    match answered.await {
        Ok(Ok(Answer::Cosigned { line, .. })) => format!("{line}\n").into_response(),
        Ok(Ok(Answer::Refused { refusal, .. })) => refused(refusal),
        Ok(Err(error)) => {
            tracing::error!(%error, "nothing was cosigned");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refused(refusal: Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.http_status()).expect("a status of the protocol");
    match refusal {
        Refusal::WrongOldSize { have } | Refusal::Fork { have } => {
            (status, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{have}\n")).into_response()
        }
        other => (status, format!("{other}\n")).into_response(),
    }
}

/// The last checkpoint cosigned of a log, by the SHA-256 of its origin in hexadecimal.
async fn last_checkpoint(State(shared): State<Arc<Shared>>, UrlPath(origin): UrlPath<String>) -> Response {
    let mut witness = shared.witness.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(memory) = witness.memory().now() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let named = memory.seen.keys().find(|known| hex(&chain_hash(known.as_bytes())) == origin).cloned();
    match named.map(|origin| witness.memory().last(&origin)) {
        Some(Ok(Some(seen))) => seen.note().to_string().into_response(),
        Some(Err(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Shared {
    /// Two trees of one size under the log's signature convict it whoever sent them. A shrink or a gap may be a stranger
    /// repeating old checkpoints or sending a wrong proof, so that is logged and not kept.
    fn accuse(&self, misconduct: Misconduct, kept: &Seen, request: &AddCheckpoint) {
        if misconduct != Misconduct::Fork {
            tracing::info!(?misconduct, "a checkpoint was refused");
            return;
        }
        tracing::error!(
            size = kept.head().size,
            "the log has signed two histories; see {}",
            self.evidence.display()
        );
        if let Err(error) = self.keep(kept, request) {
            tracing::error!(%error, "the evidence could not be kept");
        }
    }

    fn keep(&self, kept: &Seen, request: &AddCheckpoint) -> io::Result<()> {
        make_private(&self.evidence)?;
        if std::fs::read_dir(&self.evidence)?.count() >= MAX_EVIDENCE {
            return Ok(());
        }
        let (kept_note, shown) = (kept.note().to_string(), request.note.to_string());
        let stem = format!("fork-{}-{}", kept.head().size, &hex(&chain_hash(shown.as_bytes()))[..16]);
        replace_file(&self.evidence.join(format!("{stem}.kept.note")), kept_note.as_bytes())?;
        replace_file(&self.evidence.join(format!("{stem}.shown.note")), shown.as_bytes())
    }
}

/// The memory as a plain file only its owner may read.
struct FileSlot(PathBuf);

impl Slot for FileSlot {
    type Error = io::Error;

    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(&self.0) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        replace_file(&self.0, bytes)
    }
}

/// Seconds since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of this program that reads the wall clock for cosignatures"
)]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
