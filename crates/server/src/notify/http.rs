//! One HTTP/1.1 request to a gateway: bounded, with a deadline, over TLS unless it stays on this machine.
//!
//! Redirects are answers, never followed: a gateway can't send our password elsewhere. Two halves with a deadline
//! each, as with SMTP: until the request is written nothing was handed over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::SendFailure;
use super::dial::{self, Endpoint, REPLY_BYTES, Reach};
use crate::tls;

/// A gateway's base address: scheme, host, port and path in front, without a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    endpoint: Endpoint,
    scheme: Scheme,
    authority: String,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl BaseUrl {
    /// Takes `https://host[:port][/path]`, or `http://` to this machine.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri =
            text.parse().map_err(|_| "it is not an address such as https://sms.example.org".to_owned())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("it names no host")?.to_owned();
        let (scheme, usual_port) = match uri.scheme_str() {
            Some("https") => (Scheme::Https, 443),
            Some("http") if tls::is_loopback_name(&host) => (Scheme::Http, 80),
            Some("http") => return Err("http:// is for this machine only; use https://".to_owned()),
            _ => return Err("it has to start with https://".to_owned()),
        };
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        if authority.contains('@') || uri.query().is_some() {
            return Err("it may hold no user, password or query".to_owned());
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        let port = uri.port_u16().unwrap_or(usual_port);
        Ok(Self { endpoint: Endpoint { host, port }, scheme, authority, path })
    }
}

/// A request to a path below the base address.
pub(crate) struct Call {
    pub method: hyper::Method,
    pub path_and_query: String,
    pub headers: Vec<(&'static str, HeaderValue)>,
    pub content_type: Option<&'static str>,
    pub body: String,
}

/// A gateway's answer, at most [`REPLY_BYTES`] long.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

/// TLS that trusts the public authorities.
///
/// # Errors
/// When TLS 1.3 is not to be had.
pub(crate) fn public_tls() -> Result<Arc<ClientConfig>, String> {
    tls::trusting(None)
}

/// Makes requests to one gateway.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub base: BaseUrl,
    pub tls: Arc<ClientConfig>,
    pub deadline: Duration,
}

impl Gateway {
    /// Makes the request and reads the whole answer.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, SendFailure> {
        let request = self.request(call)?;
        let late = |_| SendFailure::Temporary("the gateway couldn't be reached in time".to_owned());
        match self.base.scheme {
            Scheme::Http => {
                let connecting = dial::connect(&self.base.endpoint, Reach::ThisMachine);
                let stream = timeout(self.deadline, connecting).await.map_err(late)??;
                self.exchange(stream, request).await
            }
            Scheme::Https => {
                let connecting = dial::connect_tls(&self.base.endpoint, Arc::clone(&self.tls));
                let stream = timeout(self.deadline, connecting).await.map_err(late)??;
                self.exchange(stream, request).await
            }
        }
    }

    fn request(&self, call: Call) -> Result<Request<Full<Bytes>>, SendFailure> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.base.path, call.path_and_query))
            .header(HOST, &self.base.authority)
            .header(USER_AGENT, "bailee");
        if let Some(content_type) = call.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        request
            .body(Full::new(Bytes::from(call.body)))
            .map_err(|_| SendFailure::Permanent("the request can't be written as HTTP".to_owned()))
    }

    async fn exchange<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<Answer, SendFailure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (mut requests, connection) = http1::Builder::new()
            .max_buf_size(REPLY_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| SendFailure::Temporary("no connection".to_owned()))?;
        // Dropping the set ends the connection with this call, whatever the gateway does.
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let answering = async {
            let answer = requests.send_request(request).await.map_err(|_| lost())?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), REPLY_BYTES).collect().await.map_err(|_| lost())?;
            Ok(Answer { status, body: body.to_bytes().to_vec() })
        };
        timeout(self.deadline, answering)
            .await
            .map_err(|_| SendFailure::Unknown("the gateway didn't answer in time".to_owned()))?
    }
}

fn lost() -> SendFailure {
    SendFailure::Unknown("the connection ended without a usable answer".to_owned())
}

/// `name=value&…` as a form or a query.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A status without a usable body: who has the message?
pub(super) fn by_status(status: StatusCode, words: &str) -> SendFailure {
    let reason = if words.is_empty() {
        format!("the gateway answered {}", status.as_u16())
    } else {
        format!("the gateway answered {}: {words}", status.as_u16())
    };
    let reason = reason.chars().take(160).collect();
    match status.as_u16() {
        408 | 425 | 429 | 503 => SendFailure::Temporary(reason),
        300..500 => SendFailure::Permanent(reason),
        _ => SendFailure::Unknown(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_clear_are_for_this_machine_only() {
        for good in
            ["https://api.twilio.com", "https://sms.example.org:8443/kannel/", "http://127.0.0.1:13013"]
        {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://sms.example.org",
            "ftp://x",
            "sms.example.org",
            "https://u:p@x.example",
            "https://x.example/?a=b",
            "",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn form_fields_cannot_escape_their_field() {
        assert_eq!(form(&[("to", "+1"), ("text", "a&b=c\r\nä")]), "to=%2B1&text=a%26b%3Dc%0D%0A%C3%A4");
    }

    #[test]
    fn statuses_say_who_has_the_message() {
        let kind = |code: u16| by_status(StatusCode::from_u16(code).unwrap(), "");
        assert!(matches!(kind(503), SendFailure::Temporary(_)));
        assert!(matches!(kind(429), SendFailure::Temporary(_)));
        assert!(matches!(kind(403), SendFailure::Permanent(_)));
        assert!(matches!(kind(302), SendFailure::Permanent(_)));
        assert!(matches!(kind(500), SendFailure::Unknown(_)));
        assert!(matches!(kind(200), SendFailure::Unknown(_)));
    }
}
