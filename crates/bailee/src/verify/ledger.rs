//! `bailee verify ledger`: checks a published log with nothing but the log and its key.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bailee_audit::verify::SourceError;
use bailee_audit::{DirSource, Report, Source, VerifyError, VerifyingKey, verify_log};
use bailee_vault::sign::PublicKey;
use bailee_wire::chain::{Checker, Summary};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;

use super::{Outcome, report};

/// The most a key file can be, in bytes.
const KEY_BYTES: usize = 1_024;
const WITHIN: Duration = Duration::from_secs(30);

/// What was checked.
#[derive(Debug, Serialize)]
pub struct Sound {
    /// The log's origin line.
    pub origin: String,
    /// Entries checked.
    pub entries: u64,
    /// Hash tiles recomputed.
    pub tiles: u64,
    /// Entry bundles read.
    pub bundles: u64,
    /// Signatures of the log's key on the checkpoint.
    pub checkpoint_signatures: usize,
    /// Events that banks wrote.
    pub bank_events: u64,
    /// Banks whose chains were checked.
    pub banks: u64,
    /// Signatures of banks over the heads of their chains.
    pub chain_heads: u64,
    /// Events at the ends of chains that their bank has not signed yet.
    pub not_yet_signed: u64,
    /// Whether the caller gave the key, or the log vouched for itself.
    pub key_from_log: bool,
}

/// Checks the log at an address or in a folder; `key` is the log's verifier key if the caller has it.
pub fn ledger(place: &str, key: Option<&str>) -> Outcome<Sound> {
    let checked = if place.starts_with("http://") || place.starts_with("https://") {
        HttpSource::new(place).and_then(|source| check(source, key))
    } else if Path::new(place).is_dir() {
        check(DirSource::new(place), key)
    } else {
        Err(anyhow!("{place} is neither a folder nor an http(s) address"))
    };
    match checked {
        Ok(sound) => Outcome::Sound(Box::new(sound)),
        Err(error) => match error.downcast::<VerifyError>() {
            Ok(unsound @ VerifyError::Unsound { .. }) => Outcome::Unsound(unsound.to_string()),
            Ok(unusable) => Outcome::Unusable(unusable.to_string()),
            Err(error) => Outcome::Unusable(format!("{error:#}")),
        },
    }
}

fn check(mut source: impl Source, key: Option<&str>) -> anyhow::Result<Sound> {
    let text = match key {
        Some(key) => key.to_owned(),
        None => fetch_key(&mut source)?,
    };
    let verifying: VerifyingKey =
        text.trim().parse().map_err(|error| anyhow!("the log's key is not a verifier key: {error}"))?;
    let mut checker = Checker::new(|key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        PublicKey(*key).verify(message, signature).is_ok()
    });
    let mut visit =
        |_index: u64, entry: &[u8]| checker.feed(entry).map(drop).map_err(|error| error.why.to_string());
    let report = verify_log(&mut source, &verifying, &mut visit)?;
    Ok(sound(&report, &checker.summary(), key.is_none()))
}

fn sound(report: &Report, summary: &Summary, key_from_log: bool) -> Sound {
    Sound {
        origin: report.checkpoint.origin.to_string(),
        entries: report.entries,
        tiles: report.tiles,
        bundles: report.bundles,
        checkpoint_signatures: report.signatures,
        bank_events: summary.bank_events,
        banks: summary.banks,
        chain_heads: summary.heads,
        not_yet_signed: summary.uncovered,
        key_from_log,
    }
}

fn fetch_key(source: &mut impl Source) -> anyhow::Result<String> {
    let bytes = match source.read("key", KEY_BYTES) {
        Ok(bytes) => bytes,
        Err(SourceError::Absent) => bail!("there is no `key` beside the log; give it with --key"),
        Err(SourceError::Failed(error)) => bail!("the log's key cannot be read: {error}"),
    };
    String::from_utf8(bytes).context("the log's key is not text")
}

/// A log behind a web server.
struct HttpSource {
    prefix: String,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    runtime: tokio::runtime::Runtime,
}

impl HttpSource {
    fn new(prefix: &str) -> anyhow::Result<Self> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { prefix: prefix.trim_end_matches('/').to_owned(), client, runtime })
    }
}

impl Source for HttpSource {
    fn read(&mut self, path: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let failed = |error: &dyn std::fmt::Display| SourceError::Failed(error.to_string().into());
        let uri: hyper::Uri = format!("{}/{path}", self.prefix).parse().map_err(|error| failed(&error))?;
        let answer = self.runtime.block_on(async {
            let response = tokio::time::timeout(WITHIN, self.client.get(uri)).await??;
            let status = response.status();
            let body = tokio::time::timeout(WITHIN, first_bytes(response.into_body(), most)).await??;
            anyhow::Ok((status, body))
        });
        match answer {
            Ok((status, body)) if status.is_success() => Ok(body),
            Ok((status, _)) if matches!(status.as_u16(), 404 | 410) => Err(SourceError::Absent),
            Ok((status, _)) => Err(failed(&format!("the server answered {status}"))),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// The first `most` bytes; what follows is the server's waste of time, not ours.
async fn first_bytes(mut body: Incoming, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < most {
        let Some(frame) = body.frame().await else { break };
        if let Some(data) = frame?.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    bytes.truncate(most);
    Ok(bytes)
}

/// Runs the command and says what was checked.
pub fn run(place: &str, key: Option<&str>, json: bool) -> ExitCode {
    report(ledger(place, key), json, told)
}

fn told(sound: &Sound) -> String {
    let mut text = format!(
        "sound: {}\n  {} entries in {} bundles, each hashed into the tree\n  {} hash tiles recomputed up to the signed root\n  \
         {} signature(s) of the log's key on the checkpoint\n  {} events of {} bank(s): sequences without gaps, every event names the one before\n  \
         {} signed chain heads of banks; {} newest event(s) not yet signed by their bank\n",
        sound.origin,
        sound.entries,
        sound.bundles,
        sound.tiles,
        sound.checkpoint_signatures,
        sound.bank_events,
        sound.banks,
        sound.chain_heads,
        sound.not_yet_signed,
    );
    if sound.key_from_log {
        text.push_str("  note: the key was taken from the log itself; give the one you know with --key\n");
    }
    text
}
