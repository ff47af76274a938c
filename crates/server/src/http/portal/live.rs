//! `/events?of=PATH`: what changed on a page, as server-sent events.
//!
//! On news the page is drawn again for this reader, and the parts that differ from what was sent before go out as one `patch`.
//! So a live part can never show what a fresh page would not. A `beat` every few seconds proves the line is alive. A reader
//! too slow for the news gets everything again. The stream ends after the time a session may idle: whoever only looks is
//! signed out like anybody, and whoever works comes back at once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio::time::{Interval, interval};

use super::form::{Form, Query};
use super::gate::{Who, local};
use super::shell::{Answer, draw};
use super::{alerts, audit, banks, health, overview, parcels};
use crate::app::LiveChange;
use crate::app::sign_in::IDLE_MS;
use crate::http::Http;
use crate::http::problem::Problem;

/// The parts of pages that change, besides the maps of banks.
const PARTS: [&str; 9] =
    ["figures", "first-steps", "alert-queue", "today", "bank-head", "doors", "door", "health", "seal"];
const BEAT: Duration = Duration::from_secs(4);
/// News within this time is drawn once.
const GATHER: Duration = Duration::from_millis(150);

struct Watch {
    http: Http,
    who: Who,
    news: broadcast::Receiver<LiveChange>,
    beat: Interval,
    beats_left: u64,
    sent: BTreeMap<String, String>,
    _place: OwnedSemaphorePermit,
}

/// `/events?of=PATH`
pub async fn events(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    let place = http.0.streams.clone().try_acquire_owned().map_err(|_| Problem::busy().after(5))?;
    let who = who.at(local(query.text("of")));
    let news = http.app().live().watch();
    let sent = parts(&drawn(&http, &who).await?);
    let beats_left = u64::try_from(IDLE_MS).unwrap_or(0) / 4_000;
    let watch = Watch { http, who, news, beat: interval(BEAT), beats_left, sent, _place: place };
    Ok(respond(stream::unfold(watch, next)))
}

fn respond(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(events).into_response();
    let no_buffer = axum::http::HeaderValue::from_static("no");
    response.headers_mut().insert("x-accel-buffering", no_buffer);
    response
}

async fn next(mut watch: Watch) -> Option<(Result<Event, Infallible>, Watch)> {
    loop {
        tokio::select! {
            news = watch.news.recv() => match news {
                Ok(_change) => {
                    if let Some(event) = watch.redraw().await {
                        return Some((Ok(event), watch));
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    watch.sent.clear();
                    if let Some(event) = watch.redraw().await {
                        return Some((Ok(event), watch));
                    }
                }
                Err(RecvError::Closed) => return None,
            },
            _ = watch.beat.tick() => {
                watch.beats_left = watch.beats_left.checked_sub(1)?;
                return Some((Ok(Event::default().event("beat").data("1")), watch));
            }
        }
    }
}

impl Watch {
    /// Draws the page again after news has settled; `None` when nothing on it differs.
    async fn redraw(&mut self) -> Option<Event> {
        // What comes meanwhile is in the same drawing; the first missed one shows as lag and redraws everything.
        let _ = tokio::time::timeout(GATHER, std::future::pending::<()>()).await;
        while self.news.try_recv().is_ok() {}
        let html = drawn(&self.http, &self.who).await.ok()?;
        let mut changed = String::new();
        for (id, part) in parts(&html) {
            let bare = without_keys(&part);
            if self.sent.get(&id) != Some(&bare) {
                changed.push_str(&part.replace('\n', " "));
                self.sent.insert(id, bare);
            }
        }
        (!changed.is_empty()).then(|| Event::default().event("patch").data(changed))
    }
}

/// The page at the reader's address, if it is one that changes by itself.
async fn drawn(http: &Http, who: &Who) -> Result<String, Problem> {
    let (path, query) = who.here().split_once('?').unwrap_or((who.here(), ""));
    let query = Form::parse(query.as_bytes());
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["", ""] => Ok(draw(&overview::view(http, who).await?)),
        ["", "banks"] => Ok(draw(&banks::list_view(http, who).await?)),
        ["", "banks", bank] => Ok(draw(&banks::view(http, who, bank, &query, &[]).await?)),
        ["", "banks", bank, "health"] => Ok(draw(&health::view(http, who, bank).await?)),
        ["", "parcels"] => Ok(draw(&parcels::list_view(http, who, &query).await?)),
        ["", "parcels", parcel] => Ok(draw(&parcels::view(http, who, parcel, (&query, &[])).await?)),
        ["", "alerts"] => Ok(draw(&alerts::view(http, who, &query).await?)),
        ["", "audit"] => Ok(draw(&audit::view(http, who, &query).await?)),
        _ => Err(Problem::not_found()),
    }
}

/// The changing parts of a page by their ids.
fn parts(html: &str) -> BTreeMap<String, String> {
    let maps = html.match_indices("id=\"map-").filter_map(|(at, _)| html[at + 4..].split('"').next());
    let maps: Vec<String> = maps.filter(|id| !id.ends_with("-table")).map(ToOwned::to_owned).collect();
    let ids = PARTS.into_iter().map(ToOwned::to_owned).chain(maps);
    // A map inside a part that is sent whole needs no sending of its own.
    let all: BTreeMap<String, String> =
        ids.filter_map(|id| element(html, &id).map(|part| (id.clone(), part.to_owned()))).collect();
    let inside =
        |id: &str| all.iter().any(|(other, part)| other != id && part.contains(&format!("id=\"{id}\"")));
    all.iter().filter(|(id, _)| !inside(id)).map(|(id, part)| (id.clone(), part.clone())).collect()
}

/// The element with this id in a page of ours, whose tags are all closed.
fn element<'a>(html: &'a str, id: &str) -> Option<&'a str> {
    let at = html.find(&format!("id=\"{id}\""))?;
    let start = html[..at].rfind('<')?;
    let name = html[start + 1..].split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let (mut depth, mut from) = (0_usize, start);
    loop {
        let end = from + html[from..].find(&close)?;
        let opened = html[from..end].match_indices(&open);
        let is_tag = |(i, _): &(usize, &str)| {
            html[from + i + open.len()..].starts_with(|c: char| !c.is_ascii_alphanumeric())
        };
        depth += opened.filter(is_tag).count();
        from = end + close.len();
        depth = depth.checked_sub(1)?;
        if depth == 0 {
            return Some(&html[start..from]);
        }
    }
}

/// A part without the keys of its forms, which differ with every drawing.
fn without_keys(part: &str) -> String {
    const KEY: &str = "name=\"idempotency\" value=\"";
    let mut pieces = part.split(KEY);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once('"').map_or("", |(_key, rest)| rest));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_cut_out_whole() {
        let html = r#"<div><section class="a" id="today"><section>x</section><b>y</b></section><p id="seal">z</p><pre></pre></div>"#;
        let whole = r#"<section class="a" id="today"><section>x</section><b>y</b></section>"#;
        assert_eq!(element(html, "today"), Some(whole));
        assert_eq!(element(html, "seal"), Some(r#"<p id="seal">z</p>"#));
        assert_eq!(element(html, "nothing"), None);
    }

    #[test]
    fn a_map_inside_a_part_goes_with_it() {
        let html = r#"<section id="doors"><svg id="map-1"></svg></section><svg id="map-2"></svg>"#;
        assert_eq!(parts(html).into_keys().collect::<Vec<_>>(), ["doors", "map-2"]);
    }

    #[test]
    fn a_fresh_key_is_no_change() {
        let form = |key: &str| format!(r#"<form><input name="idempotency" value="{key}">x</form>"#);
        assert_eq!(without_keys(&form("a1")), without_keys(&form("b2")));
    }
}
