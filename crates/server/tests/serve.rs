//! The whole platform from its configuration: what it makes on disk, who may read its figures, how it stops.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use bailee_domain::platform::{Actor, PlatformEventKind::SignInRefused};
use bailee_server::app::Change;
use bailee_server::config::ServerConfig;
use bailee_server::ledger::check::Kind;
use bailee_server::params;
use bailee_server::serve::{Demo, Running, check_ledger, refuse, start};
use futures_util::stream::{self, StreamExt as _};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

/// Shorter than the time a stop may take at most: nothing has to be broken off.
const SOON: Duration = Duration::from_secs(4);

fn config(dir: &Path, more: &str) -> ServerConfig {
    let text = format!(
        "data_dir = \"{}/new/data\"\nlisten = \"127.0.0.1:0\"\n{more}\n[link]\nlisten = \"127.0.0.1:0\"\n",
        dir.display()
    );
    let path = dir.join("bailee.toml");
    std::fs::write(&path, text).unwrap();
    ServerConfig::read(&path).unwrap()
}

/// Two permits: one says that the slow page was asked for, the other lets it answer.
struct Slow {
    asked: Semaphore,
    answer: Semaphore,
}

fn pages(slow: &Arc<Slow>) -> Demo {
    let slow = slow.clone();
    let waits = move || {
        let slow = slow.clone();
        async move {
            slow.asked.add_permits(1);
            slow.answer.acquire().await.unwrap().forget();
            "answered in the end"
        }
    };
    let first = || stream::iter([Ok::<_, std::convert::Infallible>(Event::default().data("here"))]);
    let endless = move || async move { Sse::new(first().chain(stream::pending())) };
    let pages = Router::new().route("/slow", get(waits)).route("/stream", get(endless));
    Demo { pages: Some(pages), switches: None }
}

/// A connection that has asked for a page.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, to: SocketAddr, path: &str, more: &str) -> S {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {to}\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn until(stream: &mut (impl AsyncRead + Unpin), wanted: &str) -> String {
    let mut read = String::new();
    while !read.contains(wanted) {
        read.push(char::from(stream.read_u8().await.unwrap()));
    }
    read
}

/// A request begun and a live page open: the first is answered, the second ends, and nothing else is waited for.
async fn stops_kindly<S: AsyncRead + AsyncWrite + Unpin>(
    running: Running,
    slow: Arc<Slow>,
    connect: impl AsyncFn(SocketAddr) -> S,
) {
    let to = running.listen;
    let mut page = ask(connect(to).await, to, "/demo/slow", "").await;
    slow.asked.acquire().await.unwrap().forget();
    let mut live = ask(connect(to).await, to, "/demo/stream", "").await;
    until(&mut live, "data: here").await;
    let stopping = tokio::spawn(running.shutdown());
    until(&mut live, "\r\n0\r\n\r\n").await;
    slow.answer.add_permits(1);
    let answer = until(&mut page, "answered in the end").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    tokio::time::timeout(SOON, stopping).await.expect("nothing is waited for").unwrap();
    assert!(TcpStream::connect(to).await.is_err(), "nobody is let in any more");
}

fn slow() -> Arc<Slow> {
    Arc::new(Slow { asked: Semaphore::new(0), answer: Semaphore::new(0) })
}

#[tokio::test]
async fn what_was_begun_is_answered_before_a_stop() {
    let (dir, slow) = (tempfile::tempdir().unwrap(), slow());
    let running = start(config(dir.path(), ""), pages(&slow)).await.unwrap();
    stops_kindly(running, slow, async |to| TcpStream::connect(to).await.unwrap()).await;
}

#[tokio::test]
async fn what_was_begun_over_tls_is_answered_before_a_stop() {
    let (dir, slow) = (tempfile::tempdir().unwrap(), slow());
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(dir.path().join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(dir.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let at = dir.path().display();
    let tls = format!("tls = {{ cert_file = \"{at}/cert.pem\", key_file = \"{at}/key.pem\" }}");
    let running = start(config(dir.path(), &tls), pages(&slow)).await.unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider);
    let client = client.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
    let connector = TlsConnector::from(Arc::new(client.with_root_certificates(roots).with_no_client_auth()));
    let connect = async |to: SocketAddr| {
        let stream = TcpStream::connect(to).await.unwrap();
        connector.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.unwrap()
    };
    stops_kindly(running, slow, connect).await;
}

#[tokio::test]
async fn a_new_data_folder_is_its_owners_alone_and_the_figures_are_for_who_has_the_token() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "0123456789abcdef\n").unwrap();
    let token = format!("metrics_token_file = \"{}/token\"", dir.path().display());
    let running = start(config(dir.path(), &token), Demo::default()).await.unwrap();
    let mode = std::fs::metadata(dir.path().join("new/data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let to = running.listen;
    for (header, status) in [
        ("", "404"),
        ("authorization: Bearer 0123456789abcdeF\r\n", "404"),
        ("authorization: Bearer 0123456789abcdef\r\n", "200"),
    ] {
        let mut stream = ask(TcpStream::connect(to).await.unwrap(), to, "/metrics", header).await;
        let answer = until(&mut stream, "\r\n\r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{header}: {answer}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_platform_whose_log_contradicts_itself_serves_nothing_but_why() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(config(dir.path(), ""), Demo::default()).await.unwrap();
    // The set-up link is offered after the log began: a second group of entries.
    let sequencer = bailee_server::app::install::sequencer(&running.app);
    sequencer.run_once(1).await.unwrap();
    running
        .app
        .change(Actor::Platform, async |change: &Change| change.event(SignInRefused).await)
        .await
        .unwrap();
    sequencer.run_once(2).await.unwrap();
    drop(sequencer);
    running.shutdown().await;
    let found = check_ledger(&config(dir.path(), ""), &[], &mut |_, _| ()).await.unwrap();
    assert_eq!(found.findings.told, []);
    let tail = dir.path().join("new/data/ledger/00000000.tail");
    let mut bytes = std::fs::read(&tail).unwrap();
    let second = (0..bytes.len()).step_by(64).filter(|&at| bytes[at..].starts_with(b"BLGR")).nth(1).unwrap();
    bytes[second + 40] ^= 1;
    std::fs::write(&tail, &bytes).unwrap();
    let Err(error) = start(config(dir.path(), ""), Demo::default()).await else {
        panic!("a damaged log is refused")
    };
    let why = error.disagreement().unwrap();
    for words in ["00000000.tail is damaged at byte", "No crash explains this", "`bailee ledger check`"] {
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(std::fs::read(&tail).unwrap(), bytes, "nothing was repaired");
    let refusing = refuse(&config(dir.path(), ""), &why).await.unwrap();
    let to = refusing.listen;
    for (path, status, said) in [
        ("/healthz", "200", "ok\n"),
        ("/readyz", "503", "No crash explains this"),
        ("/", "503", "the custody log is refused"),
        ("/api/v1/parcels", "503", "the custody log is refused"),
    ] {
        let stream = ask(TcpStream::connect(to).await.unwrap(), to, path, "connection: close\r\n").await;
        let mut answer = String::new();
        let mut stream = stream;
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(said),
            "{path}: {answer}"
        );
    }
    refusing.shutdown().await;
    let found = check_ledger(&config(dir.path(), ""), &[], &mut |_, _| ()).await.unwrap();
    assert_eq!(found.findings.told[0].kind, Kind::LogFile);
}

#[tokio::test]
async fn a_log_that_comes_apart_while_the_platform_runs_is_said_by_the_health_page() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(config(dir.path(), ""), Demo::default()).await.unwrap();
    let sequencer = bailee_server::app::install::sequencer(&running.app);
    sequencer.run_once(1).await.unwrap();
    let moved = running.app.db().tx(async |tx| tx.exec("UPDATE ledger SET size = 0", params![]).await);
    moved.await.unwrap();
    let run = bailee_server::jobs::sequencer::run_once(&running.app, &sequencer).await;
    assert!(run.is_err(), "entries that no waiting event explains");
    let mut stream =
        ask(TcpStream::connect(running.listen).await.unwrap(), running.listen, "/readyz", "").await;
    let answer = until(&mut stream, "bailee ledger check").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    running.shutdown().await;
}
