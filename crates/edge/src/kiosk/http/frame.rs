//! Camera frames from the page: one at a time, and one QR code once.
//!
//! A code stays before the camera for many frames. It is handed on once, and again only after it has left the picture, so that
//! nobody is refused ten times for one code.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bailee_domain::bank::screen::Screen;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Bank, Shared};
use crate::camera::{self, MAX_FRAME_BYTES};
use crate::kiosk::{Heard, Kiosk};

/// After this many frames without it (about a second) a code has left the picture.
const GONE_AFTER: u8 = 10;
/// A whole frame has to arrive within this time.
const SENT_WITHIN: Duration = Duration::from_secs(2);

/// One pair of eyes: a frame that comes while another is looked at is turned away.
pub(super) struct Eye {
    free: Semaphore,
    seen: Mutex<Seen>,
}

impl Default for Eye {
    fn default() -> Self {
        Self { free: Semaphore::new(1), seen: Mutex::default() }
    }
}

#[derive(Debug, Default)]
struct Seen {
    /// Checksum of the last text handed on; the text itself is not kept.
    last: Option<u32>,
    without: u8,
}

impl Seen {
    /// Whether this frame's text is to be handed on.
    fn is_new(&mut self, text: Option<&str>) -> bool {
        let Some(text) = text else {
            self.without = self.without.saturating_add(1);
            if self.without >= GONE_AFTER {
                self.last = None;
            }
            return false;
        };
        self.without = 0;
        let this = Some(crc32fast::hash(text.as_bytes()));
        let new = self.last != this;
        self.last = this;
        new
    }
}

#[derive(Deserialize)]
pub(super) struct Shape {
    width: u32,
    height: u32,
}

/// What the page is told about a frame with a code in it.
#[derive(Serialize)]
struct Found {
    /// `ours`, `other`, or `same` when it was handed on before.
    qr: &'static str,
}

pub(super) async fn look<K: Kiosk>(
    State(bank): Bank<K>,
    Query(shape): Query<Shape>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/octet-stream") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    if !matches!(bank.latest().screen, Screen::Home { .. }) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let luma = match timeout(SENT_WITHIN, to_bytes(body, MAX_FRAME_BYTES)).await {
        Ok(Ok(luma)) => luma,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    if !camera::fits(luma.len(), shape.width, shape.height) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    // Taken only now: whoever sends slowly keeps nobody else from being seen.
    let Ok(_permit) = bank.eye.free.try_acquire() else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let read = tokio::task::spawn_blocking(move || camera::decode(&luma, shape.width, shape.height));
    hand_on(&bank, read.await.ok().flatten()).await
}

async fn hand_on<K: Kiosk>(bank: &Arc<Shared<K>>, text: Option<String>) -> Response {
    let new = bank.eye.seen.lock().unwrap_or_else(PoisonError::into_inner).is_new(text.as_deref());
    let qr = match text {
        None => return StatusCode::NO_CONTENT.into_response(),
        Some(_) if !new => "same",
        Some(text) => match bank.kiosk.token(text).await {
            Ok(Heard::Ours) => "ours",
            Ok(Heard::NotOurs) => "other",
            Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    };
    Json(Found { qr }).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_counts_once_until_it_has_left_the_picture() {
        let mut seen = Seen::default();
        assert!(seen.is_new(Some("a")));
        assert!(!seen.is_new(Some("a")));
        for _ in 1..GONE_AFTER {
            assert!(!seen.is_new(None));
        }
        assert!(!seen.is_new(Some("a")), "a few frames of glare are not leaving");
        assert!(seen.is_new(Some("b")));
        for _ in 0..GONE_AFTER {
            seen.is_new(None);
        }
        assert!(seen.is_new(Some("b")));
    }
}
