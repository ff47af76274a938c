//! Witnesses over HTTP, each behaving as told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bailee_audit::VerifyingKey;
use bailee_audit::witness::{AddCheckpoint, Answer, Refusal};
use bailee_server::jobs::witnesses::{OutsideWitness, WitnessConfig};
use bailee_wire::event::{chain_hash, hex};
use futures_util::{StreamExt as _, stream};

use super::{Remembering, witness};

/// How a witness over HTTP behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Right,
    OtherKey,
    Garbage,
    /// A whole mebibyte.
    Endless,
    NotFound,
    /// It has cosigned more entries than there are.
    Ahead,
    Busy,
    /// It never answers.
    Never,
    /// It answers one byte and no more.
    Drips,
    Elsewhere,
    /// A good answer that says it is a picture.
    AsPicture,
    /// Its clock is years ahead.
    Early,
}

pub struct Outside {
    pub manner: Mutex<Manner>,
    pub witness: Mutex<Remembering>,
    pub other: Mutex<Remembering>,
}

impl Outside {
    pub fn behaves(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

async fn submit(State(outside): State<Arc<Outside>>, body: Bytes) -> Response {
    let request = AddCheckpoint::parse(&body).unwrap();
    let manner = *outside.manner.lock().unwrap();
    let seconds = 1_795_500_000;
    match manner {
        Manner::Busy => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Manner::Never => std::future::pending().await,
        Manner::Drips => {
            let drop = stream::iter([Ok::<_, Infallible>("x")]).chain(stream::pending());
            Body::from_stream(drop).into_response()
        }
        Manner::Elsewhere => (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response(),
        Manner::NotFound => StatusCode::NOT_FOUND.into_response(),
        Manner::Ahead => (StatusCode::CONFLICT, "999999\n").into_response(),
        Manner::Garbage => "\u{2014} w.example AAAA\nnonsense\n".into_response(),
        Manner::Endless => "x".repeat(1 << 20).into_response(),
        Manner::OtherKey => {
            let line = outside.other.lock().unwrap().cosigner().cosign(request.note.text(), seconds).unwrap();
            format!("{line}\n").into_response()
        }
        Manner::Right => judged(&outside, &request, seconds),
        Manner::Early => judged(&outside, &request, 4 * seconds),
        Manner::AsPicture => {
            let mut answer = judged(&outside, &request, seconds);
            answer.headers_mut().insert("content-type", HeaderValue::from_static("image/png"));
            answer
        }
    }
}

fn judged(outside: &Outside, request: &AddCheckpoint, seconds: u64) -> Response {
    match outside.witness.lock().unwrap().add_checkpoint(request, seconds).unwrap() {
        Answer::Cosigned { line, .. } => format!("{line}\n").into_response(),
        Answer::Refused { refusal: Refusal::WrongOldSize { have } | Refusal::Fork { have }, .. } => {
            (StatusCode::CONFLICT, format!("{have}\n")).into_response()
        }
        Answer::Refused { refusal, .. } => {
            StatusCode::from_u16(refusal.http_status()).unwrap().into_response()
        }
    }
}

/// What it cosigned last.
async fn last(State(outside): State<Arc<Outside>>, Path(origin): Path<String>) -> Response {
    let mut witness = outside.witness.lock().unwrap();
    let seen = witness.memory().now().unwrap().seen.clone();
    let named = seen.iter().find(|(name, _)| hex(&chain_hash(name.as_bytes())) == origin);
    named.map_or(StatusCode::NOT_FOUND.into_response(), |(_, seen)| seen.note().to_string().into_response())
}

pub async fn outside(log: &VerifyingKey) -> (Arc<Outside>, OutsideWitness) {
    let outside = Arc::new(Outside {
        manner: Mutex::new(Manner::Right),
        witness: Mutex::new(witness("w.example", 20, log)),
        other: Mutex::new(witness("w.example", 21, log)),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/prefix", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/prefix/add-checkpoint", post(submit))
        .route("/prefix/{origin}/checkpoint", get(last))
        .with_state(outside.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let vkey = outside.witness.lock().unwrap().cosigner().key().to_string();
    let opened = WitnessConfig { url, vkey }.open().unwrap().within(Duration::from_millis(500));
    (outside, opened)
}
