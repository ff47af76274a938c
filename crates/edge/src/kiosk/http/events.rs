//! The stream a page follows: the parts that changed, and a beat so that it notices when the line is dead.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use bailee_domain::bank::screen::View;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{Bank, Shared, guard};
use crate::kiosk::views::{self, Scene};
use crate::kiosk::{Kiosk, Settings};

/// The tags of the four parts a page shows.
type Tags = [Option<u32>; 4];

#[derive(Deserialize)]
pub(super) struct Have {
    #[serde(default)]
    have: String,
}

/// One page that follows the bank.
struct Line<K> {
    bank: Arc<Shared<K>>,
    settings: Settings,
    views: watch::Receiver<Arc<View>>,
    beats: Interval,
    have: Tags,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn follow<K: Kiosk>(
    State(bank): Bank<K>,
    Query(query): Query<Have>,
    headers: HeaderMap,
) -> Response {
    // A foreign page could not read the stream, but it would take the places of those who may.
    if !guard::reads_from_here(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(place) = Arc::clone(&bank.streams).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    // After a break the browser says what it had last; a fresh page says so in the address.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let have = tags(last.map_or(&query.have, |id| id.rsplit('.').next().unwrap_or_default()));
    let mut beats = interval(bank.beat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut views = bank.kiosk.view();
    views.mark_changed();
    let settings = bank.settings(&headers);
    let line = Line { settings, views, beats, have, _place: place, bank };
    Sse::new(stream::unfold(line, next)).into_response()
}

/// The next event; the stream ends with the engine, so that the page sees the silence.
async fn next<K: Kiosk>(mut line: Line<K>) -> Option<(Result<Event, Infallible>, Line<K>)> {
    loop {
        tokio::select! {
            biased;
            changed = line.views.changed() => {
                changed.ok()?;
                if let Some(event) = line.patch() {
                    return Some((Ok(event), line));
                }
            }
            // The browser drops an event without data, so a beat says something.
            _ = line.beats.tick() => return Some((Ok(Event::default().event("beat").data("1")), line)),
        }
    }
}

impl<K: Kiosk> Line<K> {
    /// The parts whose tags the page does not have yet.
    fn patch(&mut self) -> Option<Event> {
        let view = Arc::clone(&self.views.borrow_and_update());
        let now = self.bank.kiosk.now();
        let parts = views::parts(&Scene {
            face: &self.bank.face,
            view: &view,
            settings: self.settings,
            now,
            remark: None,
        });
        let id = format!("{}.{}", view.version, views::tags(&parts));
        let mut html = String::new();
        for (part, have) in parts.iter().zip(&mut self.have) {
            if *have != Some(part.tag) {
                *have = Some(part.tag);
                html.push_str(&part.html);
            }
        }
        (!html.is_empty()).then(|| Event::default().event("patch").id(id).data(html))
    }
}

fn tags(text: &str) -> Tags {
    let mut tags = [None; 4];
    for (tag, word) in tags.iter_mut().zip(text.split('-')) {
        *tag = u32::from_str_radix(word, 16).ok();
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_has_is_read_from_anything() {
        assert_eq!(tags("00000001-ffffffff-0-2"), [Some(1), Some(u32::MAX), Some(0), Some(2)]);
        assert_eq!(tags(""), [None; 4]);
        assert_eq!(tags("zz-1-1-1-1-1"), [None, Some(1), Some(1), Some(1)]);
    }
}
