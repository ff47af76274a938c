//! Files every page needs, embedded in the binary and served under names that change with their content.
//!
//! A URL is `/s/{8 hex digits that change with the content}/{name}`, short because a page names symbols dozens of times, so answers may be kept for ever. Must never serve anything
//! that isn't in `static/`. A module imports another by its name, `"./name.js"`; what travels has the lasting address there, and
//! a module's own address changes with those it imports. Style, script and symbols travel compressed; pages don't, since they hold secrets beside
//! what others wrote (BREACH). Start at [`asset_url`] and [`router`].

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use crate::headers::OwnFile;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Static;

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The address of an embedded file, for example `/s/0a1b2c3d/app.css`.
///
/// # Panics
/// When no such file is embedded: names are literals in templates, and every page is rendered in tests.
#[must_use]
pub fn asset_url(name: &str) -> String {
    let file = Static::get(name).expect("templates name only files in static/");
    format!("/s/{}/{name}", digest(name, &file))
}

/// The stylesheet that tells a kiosk page how many CSS pixels are one millimetre on its screen.
#[must_use]
pub fn scale_url(px_per_mm: f32) -> String {
    let hundredths = (px_per_mm.clamp(1.0, 40.0) * 100.0).round();
    format!("/s/scale/{hundredths:.0}.css")
}

/// Routes for the embedded files and for the kiosk scale.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/s/scale/{file}", get(serve_scale)).route("/s/{digest}/{name}", get(serve)).route(
        "/favicon.ico",
        get(async |headers: HeaderMap| serve_file("favicon.svg", "public, max-age=86400", &headers)),
    )
}

/// Name and content of every embedded file, for writing a set of pages to a folder.
pub fn all() -> impl Iterator<Item = (String, Vec<u8>)> {
    Static::iter().filter_map(|name| {
        let file = Static::get(&name)?;
        Some((asset_url(&name), served(&name, &file)))
    })
}

/// Bytes on the wire of the embedded file at `url`, compressed as browsers get it; 0 when there is none.
#[must_use]
pub fn weight(url: &str) -> usize {
    url.rsplit('/').next().and_then(packed).map_or(0, |packed| packed.brotli.len())
}

/// A file as it travels.
struct Packed {
    /// RFC 7932; browsers take it over TLS and from their own machine.
    brotli: Vec<u8>,
    /// RFC 1952.
    gzip: Vec<u8>,
}

/// Every file, packed when it is first wanted.
static PACKED: LazyLock<BTreeMap<String, OnceLock<Packed>>> =
    LazyLock::new(|| Static::iter().map(|name| (name.into_owned(), OnceLock::new())).collect());

fn packed(name: &str) -> Option<&'static Packed> {
    PACKED.get(name).map(|packed| packed.get_or_init(|| Packed::of(name)))
}

impl Packed {
    fn of(name: &str) -> Self {
        let bytes = Static::get(name).map(|file| served(name, &file)).unwrap_or_default();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let params = BrotliEncoderParams { quality: 11, lgwin: 16, ..BrotliEncoderParams::default() };
        let mut brotli = Vec::new();
        // Writing into memory does not fail.
        let _ = brotli::BrotliCompress(&mut bytes.as_slice(), &mut brotli, &params);
        let gzip = gzip.write_all(&bytes).and_then(|()| gzip.finish()).unwrap_or_default();
        Self { brotli, gzip }
    }
}

const OWN: Extension<OwnFile> = Extension(OwnFile);

async fn serve(Path((wanted, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    match Static::get(&name) {
        Some(file) if digest(&name, &file) == wanted => serve_file(&name, FOR_EVER, &headers),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn serve_file(name: &str, cache: &'static str, asked: &HeaderMap) -> Response {
    let Some(file) = Static::get(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
    ];
    match packed(name) {
        Some(packed) if takes(asked, "br") => {
            (OWN, headers, [(header::CONTENT_ENCODING, "br")], packed.brotli.clone()).into_response()
        }
        Some(packed) if takes(asked, "gzip") => {
            (OWN, headers, [(header::CONTENT_ENCODING, "gzip")], packed.gzip.clone()).into_response()
        }
        _ => (OWN, headers, served(name, &file)).into_response(),
    }
}

fn takes(asked: &HeaderMap, wanted: &str) -> bool {
    let text = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some(wanted) && parts.all(|part| !matches!(part, "q=0" | "q=0.0"))
    })
}

async fn serve_scale(Path(file): Path<String>) -> Response {
    let hundredths = file.strip_suffix(".css").and_then(|n| n.parse::<u16>().ok());
    match hundredths.filter(|n| (100..=4000).contains(n)) {
        Some(n) => {
            let css = format!(":root{{--mm:{}.{:02}px}}", n / 100, n % 100);
            let headers =
                [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, FOR_EVER)];
            (OWN, headers, css).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn digest(name: &str, file: &EmbeddedFile) -> String {
    sum(name, file).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The beginning of a file's SHA-256, changed by those of the modules it imports. It names content, and secures nothing.
fn sum(name: &str, file: &EmbeddedFile) -> [u8; 4] {
    let hash = file.metadata.sha256_hash();
    let own: [u8; 4] = std::array::from_fn(|at| hash[at]);
    imports(name, file).iter().fold(own, |sum, import| {
        let theirs = Static::get(import).map(|file| self::sum(import, &file)).unwrap_or_default();
        std::array::from_fn(|at| sum[at].rotate_left(1) ^ theirs[at])
    })
}

/// The modules of ours that a module imports, in order. None imports one that imports it: the bundle's tests see to that.
fn imports(name: &str, file: &EmbeddedFile) -> Vec<String> {
    if !name.ends_with(".js") {
        return Vec::new();
    }
    let text = core::str::from_utf8(&file.data).unwrap_or_default();
    let names = text.split("\"./").skip(1).filter_map(|rest| rest.split_once('"'));
    names.map(|(name, _)| name.to_owned()).filter(|name| Static::get(name).is_some()).collect()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// What goes over the wire: style and script without comment lines and indentation, the rest as it is.
fn served(name: &str, file: &EmbeddedFile) -> Vec<u8> {
    match (name.rsplit_once('.').map(|(_, ending)| ending), core::str::from_utf8(&file.data)) {
        (Some("css"), Ok(text)) => slim(text).into_bytes(),
        (Some("js"), Ok(text)) => {
            let link = |text: String, import: &String| {
                text.replace(&format!("\"./{import}\""), &format!("\"{}\"", asset_url(import)))
            };
            imports(name, file).iter().fold(slim(text), link).into_bytes()
        }
        _ => file.data.to_vec(),
    }
}

fn slim(text: &str) -> String {
    let is_comment = |line: &str| line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/"));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use std::io::Read as _;

    #[test]
    fn every_file_has_its_own_lasting_address() {
        let url = asset_url("app.css");
        let middle = url.strip_prefix("/s/").and_then(|rest| rest.strip_suffix("/app.css")).unwrap();
        assert_eq!(middle.len(), 8);
        assert_ne!(middle, asset_url("live.js").split('/').nth(2).unwrap());
    }

    #[test]
    fn comments_and_indentation_do_not_travel() {
        assert_eq!(slim("/* a */\n.b {\n  c: d;\n}\n// e\n"), ".b {\nc: d;\n}");
    }

    #[test]
    fn modules_import_each_other_by_lasting_addresses_and_never_in_circles() {
        fn walk(name: &str, above: &mut Vec<String>) {
            assert!(!above.contains(&name.to_owned()), "{above:?} import {name} in a circle");
            above.push(name.to_owned());
            let file = Static::get(name).expect("imports name files of ours");
            imports(name, &file).iter().for_each(|import| walk(import, above));
            above.pop();
        }
        for name in Static::iter().filter(|name| name.ends_with(".js")) {
            walk(&name, &mut Vec::new());
            let served = served(&name, &Static::get(&name).unwrap());
            assert!(!String::from_utf8(served).unwrap().contains("\"./"), "{name} imports what is not there");
        }
        let file = Static::get("verify.js").unwrap();
        assert!(String::from_utf8(served("verify.js", &file)).unwrap().contains(&asset_url("check.js")));
    }

    #[test]
    fn the_scale_address_stays_in_bounds() {
        assert_eq!(scale_url(5.56), "/s/scale/556.css");
        assert_eq!(scale_url(0.0), "/s/scale/100.css");
        assert_eq!(scale_url(f32::INFINITY), "/s/scale/4000.css");
    }

    #[test]
    fn an_unknown_name_is_not_found() {
        assert_eq!(serve_file("../Cargo.toml", FOR_EVER, &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn files_travel_compressed_only_to_those_who_take_it() {
        let encoding = |accept: &str| {
            let asked = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accept.parse().unwrap())]);
            serve_file("app.css", FOR_EVER, &asked).headers().get(header::CONTENT_ENCODING).cloned()
        };
        assert_eq!(encoding("gzip, deflate, br, zstd").unwrap(), "br");
        assert_eq!(encoding("gzip;q=0.8, br;q=0").unwrap(), "gzip");
        assert_eq!(encoding("gzip;q=0, zstd"), None);
        assert_eq!(encoding(""), None);
    }

    #[test]
    fn what_travels_packed_is_the_file() {
        for (url, bytes) in all() {
            let packed = packed(url.rsplit('/').next().unwrap()).unwrap();
            let mut unpacked = Vec::new();
            brotli::BrotliDecompress(&mut packed.brotli.as_slice(), &mut unpacked).unwrap();
            assert!(unpacked == bytes, "{url}");
            unpacked.clear();
            flate2::read::GzDecoder::new(packed.gzip.as_slice()).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == bytes, "{url}");
        }
    }
}
