//! `bailee verify ledger`: checks a published log with nothing but the log and its key.

mod published;
mod succession;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow, bail};
use bailee_audit::note::MAX_NOTE_LEN;
use bailee_audit::policy::{Endorsed, NotEndorsed};
use bailee_audit::verify::{CHECKPOINT_PATH, SourceError};
use bailee_audit::{
    DirSource, Note, Policy, Report, Signers, Source, VerifyError, VerifyingKey, verify_log,
    verify_log_parallel,
};
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
use published::{Published, WITNESSED_PATH};
use succession::Succession;

/// The most a key file can be, in bytes.
const KEY_BYTES: usize = 1_024;
const WITHIN: Duration = Duration::from_secs(30);
/// The oldest cosignatures may be where a log is read from its address: witnesses are asked again every ten minutes.
const AGE_OF_ADDRESS_S: u64 = 3_600;

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
    /// Cosignatures on the checkpoint, each by a witness that the log or the policy names.
    pub cosignatures: usize,
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
    /// Hand-overs from the key given to the one that signs, each an entry of the log.
    pub keys_followed: usize,
    /// What the policy's witnesses said, if a policy was given.
    pub witnessed: Option<Witnessed>,
}

/// What a quorum of witnesses vouches for.
#[derive(Debug, Serialize)]
pub struct Witnessed {
    /// Entries under the checkpoint they cosigned.
    pub entries: u64,
    /// Newer entries, which no quorum has cosigned yet.
    pub newer: u64,
    /// The witnesses, by their names in the policy.
    pub by: Vec<String>,
    /// The oldest of their cosignatures, in seconds since the Unix epoch.
    pub since: u64,
}

/// What the caller demands of a log.
#[derive(Debug, Default)]
pub struct Demands {
    /// The log's verifier key, if the caller has it.
    pub key: Option<String>,
    /// The file of a policy whose quorum must have cosigned.
    pub policy: Option<PathBuf>,
    /// The oldest the quorum's cosignatures may be, in seconds; an hour for an address, any age for a folder.
    pub max_age_s: Option<u64>,
    /// Whether every event of a bank must be under a head the bank signed.
    pub all_signed: bool,
}

/// Reads an age such as `90s`, `30m`, `2h` or `7d`, in seconds.
///
/// # Errors
/// Words for the person who typed it.
pub fn age(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text} is not an age such as 30m, 2h or 7d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)).ok_or_else(wrong)
}

/// Checks the log at an address or in a folder at a time, in seconds since the Unix epoch.
pub fn ledger(place: &str, demands: &Demands, now: u64) -> Outcome<Sound> {
    let checked = if place.starts_with("http://") || place.starts_with("https://") {
        let since = now.saturating_sub(demands.max_age_s.unwrap_or(AGE_OF_ADDRESS_S));
        HttpSource::new(place).and_then(|source| {
            check(source, demands, since..=now, |source, key, mut visit| verify_log(source, key, &mut visit))
        })
    } else if Path::new(place).is_dir() {
        let since = demands.max_age_s.map_or(0, |age| now.saturating_sub(age));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        check(DirSource::new(place), demands, since..=now, |source, key, mut visit| {
            verify_log_parallel(source, key, &mut visit, threads)
        })
    } else {
        Err(anyhow!("{place} is neither a folder nor an http(s) address"))
    };
    match checked {
        Ok(sound) => Outcome::Sound(Box::new(sound)),
        Err(error) if error.is::<NotWitnessed>() => Outcome::Unsound(format!("{error:#}")),
        Err(error) => match error.downcast::<VerifyError>() {
            Ok(unsound @ VerifyError::Unsound { .. }) => Outcome::Unsound(unsound.to_string()),
            Ok(unusable) => Outcome::Unusable(unusable.to_string()),
            Err(error) => Outcome::Unusable(format!("{error:#}")),
        },
    }
}

/// The log is what its key signed, and not what the caller demands.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotWitnessed(String);

/// Looks at an entry of the log and its index.
type Visit<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), String>;

fn check<S: Source>(
    source: S,
    demands: &Demands,
    times: RangeInclusive<u64>,
    verify: impl FnOnce(&mut Published<S>, &VerifyingKey, Visit<'_>) -> Result<Report, VerifyError>,
) -> anyhow::Result<Sound> {
    let mut source = Published::read(source);
    let policy = demands.policy.as_deref().map(read_policy).transpose()?;
    let known = demands.key.clone().or_else(|| policy.as_ref().and_then(only_log));
    let text = match &known {
        Some(key) => key.clone(),
        None => fetch_key(&mut source)?,
    };
    let verifying: VerifyingKey =
        text.trim().parse().map_err(|error| anyhow!("the log's key is not a verifier key: {error}"))?;
    let mut signers = Signers::default();
    signers.log(verifying.clone());
    policy.iter().flat_map(Policy::witnesses).for_each(|witness| signers.witness(witness.key.clone()));
    if let Some(policy) = &policy {
        named(policy, &verifying)?;
    }
    let mut succession = Succession::of(&mut source, &verifying);
    let mut checker = Checker::new(|key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        PublicKey(*key).verify(message, signature).is_ok()
    });
    let mut earlier = source.earlier();
    let mut visit = |index: u64, entry: &[u8]| {
        earlier.entry(index, entry);
        succession.bytes(entry);
        let leaf = checker.feed(entry).map_err(|error| error.why.to_string())?;
        published::named(&leaf, &mut signers)?;
        succession.entry(index, &leaf)
    };
    let report = verify(&mut source, &verifying, &mut visit)?;
    succession.settled(&report)?;
    succession.followed().cloned().for_each(|handed| signers.handed_over(handed));
    let cosignatures = source.settled(&signers, &earlier, &report)?;
    let endorsed = policy.map(|policy| endorsed(&mut source, &policy, &signers, times)).transpose()?;
    let summary = checker.summary();
    if demands.all_signed && summary.uncovered > 0 {
        let why = format!("{} newest event(s) are not under a head their bank signed", summary.uncovered);
        return Err(NotWitnessed(why).into());
    }
    let witnessed = endorsed.map(|endorsed| witnessed(&endorsed, &report));
    Ok(Sound { witnessed, cosignatures, ..sound(&report, &summary, known.is_none()) })
}

fn read_policy(path: &Path) -> anyhow::Result<Policy> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Policy::parse(&bytes).with_context(|| format!("the policy {}", path.display()))
}

/// A policy that names one log knows its key.
fn only_log(policy: &Policy) -> Option<String> {
    match policy.logs() {
        [log] => Some(log.key.to_string()),
        _ => None,
    }
}

fn named(policy: &Policy, key: &VerifyingKey) -> anyhow::Result<()> {
    if policy.logs().is_empty() || policy.logs().iter().any(|log| log.key == *key) {
        return Ok(());
    }
    Err(NotWitnessed("the policy does not name this log's key".to_owned()).into())
}

/// The newest checkpoint if the quorum cosigned it already, otherwise the newest that it did. Soon after the log's key was handed
/// over that one is still signed by the key before.
fn endorsed(
    source: &mut impl Source,
    policy: &Policy,
    signers: &Signers,
    times: RangeInclusive<u64>,
) -> anyhow::Result<Endorsed> {
    let mut why = None;
    for path in [CHECKPOINT_PATH, WITNESSED_PATH] {
        let bytes = match source.read(path, MAX_NOTE_LEN) {
            Ok(bytes) => bytes,
            Err(SourceError::Absent) => continue,
            Err(SourceError::Failed(error)) => bail!("{path} cannot be read: {error}"),
        };
        let note = Note::parse(&bytes).map_err(|error| anyhow!("{path}: {error}"))?;
        for key in signers.logs_of(&note) {
            match policy.check_since(&bytes, key, times.clone()) {
                Ok(endorsed) => return Ok(endorsed),
                Err(error @ NotEndorsed::Quorum { .. }) => why = Some(format!("{path}: {error}")),
                Err(error) if error.is_about_form() => bail!("{path}: {error}"),
                Err(error) => return Err(NotWitnessed(format!("{path}: {error}")).into()),
            }
        }
    }
    Err(NotWitnessed(why.unwrap_or_else(|| "there is no checkpoint".to_owned())).into())
}

/// That the log begins with the tree they vouch for was checked.
fn witnessed(endorsed: &Endorsed, report: &Report) -> Witnessed {
    let (vouched, newest) = (&endorsed.checkpoint, &report.checkpoint);
    Witnessed {
        entries: vouched.size,
        newer: newest.size - vouched.size,
        by: endorsed.cosigned.iter().map(|cosigned| cosigned.witness.to_string()).collect(),
        since: endorsed.cosigned.iter().map(|cosigned| cosigned.time).min().unwrap_or(0),
    }
}

fn sound(report: &Report, summary: &Summary, key_from_log: bool) -> Sound {
    Sound {
        origin: report.checkpoint.origin.to_string(),
        entries: report.entries,
        tiles: report.tiles,
        bundles: report.bundles,
        checkpoint_signatures: report.signatures,
        cosignatures: 0,
        bank_events: summary.bank_events,
        banks: summary.banks,
        chain_heads: summary.heads,
        not_yet_signed: summary.uncovered,
        key_from_log,
        keys_followed: report.handed_over.len(),
        witnessed: None,
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
#[expect(clippy::disallowed_methods, reason = "how old cosignatures are is a matter of the wall clock")]
pub fn run(place: &str, demands: &Demands, json: bool) -> ExitCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    report(ledger(place, demands, now), json, told)
}

fn told(sound: &Sound) -> String {
    let mut text = format!(
        "sound: {}\n  {} entries in {} bundles, each hashed into the tree\n  {} hash tiles recomputed up to the signed root\n  \
         {} signature(s) of the log's key on the checkpoint, {} cosignature(s) of witnesses that it or the policy names\n  {} events of {} bank(s): sequences without gaps, every event names the one before\n  \
         {} signed chain heads of banks; {} newest event(s) not yet signed by their bank\n",
        sound.origin,
        sound.entries,
        sound.bundles,
        sound.tiles,
        sound.checkpoint_signatures,
        sound.cosignatures,
        sound.bank_events,
        sound.banks,
        sound.chain_heads,
        sound.not_yet_signed,
    );
    if let Some(Witnessed { entries, newer, by, .. }) = &sound.witnessed {
        text.push_str(&format!(
            "  {entries} entries vouched for by {} witness(es) of the policy ({}); {newer} newer not yet\n",
            by.len(),
            by.join(", ")
        ));
    }
    if sound.keys_followed > 0 {
        text.push_str(&format!(
            "  the key was handed over {} time(s) since the one given: each signed by both keys, and an entry\n",
            sound.keys_followed
        ));
    }
    if sound.key_from_log {
        text.push_str("  note: the key was taken from the log itself; give the one you know with --key\n");
    }
    text
}
