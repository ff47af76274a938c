//! A text message gateway with two doors: Twilio's Messages API (2010-04-01) and Kannel's `sendsms`.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Behaviour, Channel, Mailbox, Peer, Received, hang};

const BODY_BYTES: usize = 64 * 1024;
const HUGE_BYTES: usize = 8 * 1024 * 1024;

/// Who may send: an account's identifier and secret, or a `sendsms-user` and password.
#[derive(Clone)]
pub struct Credentials {
    /// The account or user.
    pub user: String,
    /// Its secret.
    pub password: String,
}

/// The gateway on a free loopback port; it stops when dropped.
pub struct GatewayPeer(Peer);

impl GatewayPeer {
    /// Starts it; what it receives goes to `mailbox`.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start(mailbox: Mailbox, credentials: Credentials) -> io::Result<Self> {
        let serve = move |stream, behaviour| {
            let door = Door { mailbox: mailbox.clone(), credentials: credentials.clone(), behaviour };
            door.serve(stream)
        };
        Peer::start(serve).await.map(Self)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Changes what it does, from the next connection on.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.0.mood.set(behaviour);
    }
}

/// A request that ends without an answer: the connection closes.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer;

type Answer = Response<Full<Bytes>>;

#[derive(Clone)]
struct Door {
    mailbox: Mailbox,
    credentials: Credentials,
    behaviour: Behaviour,
}

/// The two interfaces, which also differ in how they say no.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Twilio,
    Kannel,
}

impl Door {
    async fn serve(self, mut stream: TcpStream) -> io::Result<()> {
        match self.behaviour {
            Behaviour::HangAfterConnect => return hang(&mut stream).await,
            Behaviour::Garbage => return stream.write_all(b"\x01\x02not http\x03\r\n\r\n").await,
            _ => {}
        }
        let answering = service_fn(move |request| {
            let door = self.clone();
            async move { door.answer(request).await }
        });
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answering)
            .await
            .map_err(io::Error::other)
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Answer, NoAnswer> {
        let path = request.uri().path().to_owned();
        let shape = match (request.method(), path.as_str()) {
            (&Method::POST, path) if self.is_twilio(path) => Shape::Twilio,
            (&Method::GET | &Method::POST, "/cgi-bin/sendsms") => Shape::Kannel,
            _ => return Ok(plain(StatusCode::NOT_FOUND, "no such page")),
        };
        let basic =
            request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        let key = request
            .headers()
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned);
        let query = request.uri().query().unwrap_or_default().to_owned();
        let body =
            Limited::new(request.into_body(), BODY_BYTES).collect().await.map_err(|_| NoAnswer)?.to_bytes();
        let mut fields: BTreeMap<String, String> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        fields.extend(form_urlencoded::parse(&body).into_owned());
        if !self.is_known(shape, basic.as_deref(), &fields) {
            return Ok(refuse(shape, Refused::Stranger));
        }
        let (to, text) = match shape {
            Shape::Twilio => (fields.remove("To"), fields.remove("Body")),
            Shape::Kannel => (fields.remove("to"), fields.remove("text")),
        };
        match (to, text) {
            (Some(to), Some(text)) if !to.is_empty() => self.take(shape, to, text, key).await,
            _ => Ok(refuse(shape, Refused::Number)),
        }
    }

    fn is_twilio(&self, path: &str) -> bool {
        path == format!("/2010-04-01/Accounts/{}/Messages.json", self.credentials.user)
    }

    fn is_known(&self, shape: Shape, basic: Option<&str>, fields: &BTreeMap<String, String>) -> bool {
        let Credentials { user, password } = &self.credentials;
        match shape {
            Shape::Twilio => {
                basic == Some(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            Shape::Kannel => fields.get("username") == Some(user) && fields.get("password") == Some(password),
        }
    }

    async fn take(
        &self,
        shape: Shape,
        to: String,
        text: String,
        key: Option<String>,
    ) -> Result<Answer, NoAnswer> {
        match self.behaviour {
            Behaviour::Temporary => return Ok(refuse(shape, Refused::Busy)),
            Behaviour::Permanent => return Ok(refuse(shape, Refused::Number)),
            Behaviour::HangAfterData => std::future::pending::<()>().await,
            Behaviour::Huge => return Ok(plain(StatusCode::OK, &"x".repeat(HUGE_BYTES))),
            Behaviour::Lie => self.mailbox.lose(),
            _ => self.keep(to.clone(), text, key),
        };
        match self.behaviour {
            Behaviour::DropAfterData => Err(NoAnswer),
            Behaviour::GarbageAfterData => Ok(plain(StatusCode::OK, "\u{1}\u{2}neither{")),
            _ => Ok(taken(shape, &to, self.mailbox.messages().len())),
        }
    }

    fn keep(&self, to: String, text: String, message_id: Option<String>) {
        let at_ms = self.mailbox.now_ms();
        let (subject, html, attachments) = (None, None, Vec::new());
        self.mailbox.keep(Received {
            channel: Channel::Sms,
            to,
            subject,
            text,
            html,
            attachments,
            message_id,
            at_ms,
        });
    }
}

enum Refused {
    Stranger,
    Number,
    Busy,
}

fn plain(status: StatusCode, words: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(words.as_bytes())));
    *answer.status_mut() = status;
    answer
}

fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    let mut answer = plain(status, &value.to_string());
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    answer
}

fn taken(shape: Shape, to: &str, number: usize) -> Answer {
    match shape {
        Shape::Kannel => plain(StatusCode::ACCEPTED, "0: Accepted for delivery"),
        Shape::Twilio => {
            let sid = format!("SM{number:032x}");
            let value = serde_json::json!({ "sid": sid, "status": "queued", "to": to, "error_code": null });
            json(StatusCode::CREATED, &value)
        }
    }
}

fn refuse(shape: Shape, why: Refused) -> Answer {
    let (status, code, words) = match (shape, why) {
        (Shape::Twilio, Refused::Stranger) => (StatusCode::UNAUTHORIZED, 20003, "Authenticate"),
        (Shape::Twilio, Refused::Number) => (StatusCode::BAD_REQUEST, 21211, "The 'To' number is not valid"),
        (Shape::Twilio, Refused::Busy) => (StatusCode::SERVICE_UNAVAILABLE, 20503, "Service unavailable"),
        (Shape::Kannel, Refused::Stranger) => (StatusCode::FORBIDDEN, 0, "Authorization failed for sendsms"),
        (Shape::Kannel, Refused::Number) => (StatusCode::BAD_REQUEST, 0, "Missing receiver number, rejected"),
        (Shape::Kannel, Refused::Busy) => {
            (StatusCode::SERVICE_UNAVAILABLE, 0, "Temporal failure, try again later.")
        }
    };
    match shape {
        Shape::Twilio => {
            json(status, &serde_json::json!({ "code": code, "message": words, "status": status.as_u16() }))
        }
        Shape::Kannel => plain(status, words),
    }
}
