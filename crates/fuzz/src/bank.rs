//! The bank's controller: its journal as a disk may give it back, its configuration, its kiosk's pages from any request.

use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex};

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use bailee_domain::bank::io::Action;
use bailee_domain::bank::screen::View;
use bailee_domain::time::WallTime;
use bailee_edge::boards::LineAddress;
use bailee_edge::config::EdgeConfig;
use bailee_edge::journal::{Disk as _, Entry, Journal, JournalId, MemoryDisk, SealKey};
use bailee_edge::kiosk::http::{BEAT, router};
use bailee_edge::kiosk::{Away, Heard, Kiosk, samples};
use http_body_util::BodyExt as _;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::cut::Cut;
use crate::{Target, says, target};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    target("journal", journal, journal_seeds),
    target("edge_config", edge_config, config_seeds),
    target("kiosk_http", kiosk_http, http_seeds),
];

const ID: JournalId = JournalId(*b"a bank's journal");

fn open(disk: MemoryDisk, seed: u64) -> Result<Vec<Entry>, bailee_edge::journal::JournalError> {
    let key = SealKey::new([7; 32]);
    Journal::open(disk, key, ID, ChaCha12Rng::seed_from_u64(seed)).map(|(_, recovered)| recovered.entries)
}

/// Three segments of a journal, and what is in them.
fn disk() -> &'static (MemoryDisk, Vec<Entry>) {
    static ONCE: LazyLock<(MemoryDisk, Vec<Entry>)> = LazyLock::new(|| {
        let disk = MemoryDisk::default();
        for round in 0..3_u8 {
            let key = SealKey::new([7; 32]);
            let random = ChaCha12Rng::seed_from_u64(u64::from(round));
            let (mut journal, _) = Journal::open(disk.clone(), key, ID, random).expect("the disk is sound");
            for n in 0..4_u8 {
                journal.append(&[vec![round; 20], vec![n; 33]]).expect("the disk is sound");
            }
        }
        let entries = open(disk.clone(), 9).expect("the disk is sound");
        (disk, entries)
    });
    &ONCE
}

/// A journal whose files were changed: refused by name, or the entries that were written, from the first on.
pub fn journal(data: &[u8]) {
    let mut cut = Cut(data);
    let mut disk_now = MemoryDisk::default();
    disk_now.restore(&disk().0.image());
    while !cut.is_empty() {
        let segment = u64::from(cut.byte() % 4);
        match cut.byte() {
            0 => drop(disk_now.remove(segment)),
            1 => drop(disk_now.create(segment)),
            2 => {
                let other = disk_now.read(u64::from(cut.byte() % 4)).unwrap_or_default();
                disk_now.tamper(segment, |bytes| *bytes = other);
            }
            _ => disk_now.tamper(segment, |bytes| cut.edit(bytes)),
        }
    }
    match open(disk_now, 5) {
        Ok(entries) => assert!(disk().1.starts_with(&entries), "nothing is read that was not written"),
        Err(error) => says(&error),
    }
}

fn journal_seeds() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        vec![2, 3, 4, 1, 0],
        vec![1, 0],
        vec![0, 2, 2],
        vec![2, 3, 0, 0, 180],
        vec![1, 3, 0, 0, 30],
        [&[3, 1, 3, 3, 7, 0, 0, 40][..], &[9; 40]].concat(),
    ]
}

/// A controller's configuration: read and sound, or refused; what is sound lays out a cabinet.
pub fn edge_config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(config) = toml::from_str::<EdgeConfig>(text) {
        match config.check() {
            Ok(()) => assert!(config.layout().is_ok() && config.kiosk.listen.ip().is_loopback()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    if let Ok(line) = text.parse::<LineAddress>() {
        assert_eq!(line.to_string().parse::<LineAddress>().ok(), Some(line), "a line has one spelling");
    }
}

fn config_seeds() -> Vec<Vec<u8>> {
    let plain = "data_dir = \"/var/lib/bailee\"\n[[bus]]\nline = \"/dev/ttyUSB0\"\n[[bus.board]]\nnumber = 1\naddress = 1\n\
        kind = \"8A/80\"\nchannels = 12\n[[compartment]]\nnumber = 1\nsize = \"M\"\nboard = 1\nchannel = 1\ncolumn = 0\n\
        row = 0\nheight = 2\n";
    let texts = [plain, "tcp://gateway.example:5000", "tcp://[::1]:5000", "/dev/ttyUSB0", "x = [[[[[[[[[["];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// A controller that remembers whether it was asked to do anything.
struct Controller {
    view: watch::Receiver<Arc<View>>,
    heard: Mutex<u32>,
}

impl Controller {
    fn hear(&self) {
        *self.heard.lock().expect("nobody panics with it") += 1;
    }
}

impl Kiosk for Controller {
    fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    fn now(&self) -> WallTime {
        samples::NOW
    }

    fn act(&self, _: Action) -> impl Future<Output = Result<(), Away>> + Send {
        self.hear();
        std::future::ready(Ok(()))
    }

    fn token(&self, text: String) -> impl Future<Output = Result<Heard, Away>> + Send {
        assert!(text.len() <= bailee_edge::camera::MAX_TEXT_BYTES, "a bounded text");
        self.hear();
        std::future::ready(Ok(Heard::NotOurs))
    }
}

const PATHS: [&str; 8] =
    ["/", "/act", "/token", "/settings", "/frame?width=8&height=8", "/events", "/healthz", "/s/nothing.css"];
const HEADERS: [&str; 8] = [
    "host",
    "origin",
    "sec-fetch-site",
    "content-type",
    "cookie",
    "x-fragment",
    "accept-language",
    "content-length",
];

/// Any request to the kiosk, as a page of ours would send it but for what the input says: always an answer with the policy,
/// and nothing reaches the engine from a page that is not ours.
pub fn kiosk_http(data: &[u8]) {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be made")
    });
    static VIEWS: LazyLock<Vec<View>> =
        LazyLock::new(|| samples::all().into_iter().map(|(_, view)| view).collect());
    let mut cut = Cut(data);
    let (_keeps, view) = watch::channel(Arc::new(VIEWS[cut.below(VIEWS.len())].clone()));
    let controller = Arc::new(Controller { view, heard: Mutex::new(0) });
    let Some((request, foreign)) = request(&mut cut) else { return };
    let pages = router(Arc::clone(&controller), samples::setup(), BEAT);
    let (streams, response) = RUNTIME.block_on(async {
        let response = pages.oneshot(request).await.expect("a router never fails");
        (response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream"), response)
    });
    let status = response.status();
    assert!(!status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
    assert!(response.headers().contains_key("content-security-policy"), "every answer carries the policy");
    let heard = *controller.heard.lock().expect("nobody panics with it");
    assert!(heard == 0 || !foreign, "a page that is not ours was obeyed");
    if !streams {
        let body = RUNTIME.block_on(response.into_body().collect()).expect("pages are in memory").to_bytes();
        assert!(body.len() < 1 << 20, "an answer of {} bytes", body.len());
    }
}

/// A request, and whether it says that another site's page made it.
fn request(cut: &mut Cut<'_>) -> Option<(Request<Body>, bool)> {
    let methods = [Method::GET, Method::POST, Method::PUT, Method::HEAD, Method::OPTIONS, Method::DELETE];
    let method = methods[cut.below(methods.len())].clone();
    let path = match cut.byte() {
        n if n & 0x80 == 0 => PATHS[usize::from(n) % PATHS.len()].to_owned(),
        _ => format!("/{}", String::from_utf8_lossy(cut.piece())),
    };
    let mut request = Request::builder().method(method).uri(path.parse::<Uri>().ok()?);
    let mut foreign = false;
    let ours = [("host", "localhost:8081"), ("sec-fetch-site", "same-origin")];
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (name, value) in ours.into_iter().chain([form]) {
        request = request.header(name, value);
    }
    for _ in 0..cut.byte() % 5 {
        let name = HeaderName::from_static(HEADERS[cut.below(HEADERS.len())]);
        let value = HeaderValue::from_bytes(cut.piece()).ok()?;
        let headers = request.headers_mut()?;
        headers.insert(&name, value.clone());
        foreign =
            headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
    }
    Some((request.body(Body::from(cut.0.to_vec())).ok()?, foreign))
}

fn http_seeds() -> Vec<Vec<u8>> {
    let ask = |view: u8, method: u8, path: u8, body: &str| {
        [&[0, view, 0, method, path, 0][..], body.as_bytes()].concat()
    };
    let mut seeds = vec![
        ask(0, 1, 1, "do=enter-code&code=01234567"),
        ask(0, 1, 1, "do=enter-code&code=0123456"),
        ask(0, 1, 2, "token=OURS"),
        ask(0, 1, 3, "set=text-large"),
        ask(0, 1, 4, &"0".repeat(64)),
        ask(3, 1, 1, "do=%ff%00&size=M&person=per_x"),
    ];
    seeds.extend((0..8).map(|path| ask(path, 0, path, "")));
    seeds.push([&[0, 0, 0, 1, 1, 1, 0, 2, 10][..], b"cross-site", b"do=cancel"].concat());
    seeds
}
