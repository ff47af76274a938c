//! A witness somebody else runs, asked over HTTP: `POST <url>/add-checkpoint`, and for evidence `GET <url>/<origin>/checkpoint`.

use std::time::Duration;

use bailee_audit::cosignature::CosignerKey;
use bailee_wire::event::{MAX_TEXT_BYTES, chain_hash, hex};
use serde::Deserialize;

use crate::notify::http::{BaseUrl, Call, Gateway};

/// How long an outside witness may take for each half of an exchange.
const DEADLINE: Duration = Duration::from_secs(10);

/// A witness somebody else runs, in the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Its submission prefix: `https://…`, or `http://` on this machine.
    pub url: String,
    /// Its verifier key, of type cosignature/v1.
    pub vkey: String,
}

/// Why a witness can't be asked. The text says what to change.
#[derive(Debug, thiserror::Error)]
#[error("[[witness]] {field} = {value:?}: {why}")]
pub struct WitnessConfigError {
    field: &'static str,
    value: String,
    why: String,
}

/// A witness that can be asked; cheap to clone.
#[derive(Clone)]
pub struct OutsideWitness {
    /// The key of its cosignatures.
    pub key: CosignerKey,
    gateway: Gateway,
}

impl WitnessConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`WitnessConfigError`].
    pub fn open(&self) -> Result<OutsideWitness, WitnessConfigError> {
        let wrong = |field, value: &str| {
            let value = value.to_owned();
            move |why| WitnessConfigError { field, value, why }
        };
        let key: CosignerKey = self
            .vkey
            .parse()
            .map_err(|error: bailee_audit::key::KeyError| error.to_string())
            .map_err(wrong("vkey", &self.vkey))?;
        if self.vkey.len() > MAX_TEXT_BYTES {
            let why = format!("longer than the {MAX_TEXT_BYTES} bytes that the log can name it with");
            return Err(wrong("vkey", &self.vkey)(why));
        }
        let base = BaseUrl::parse(&self.url).map_err(wrong("url", &self.url))?;
        let tls = crate::notify::http::public_tls().map_err(wrong("url", &self.url))?;
        Ok(OutsideWitness { key, gateway: Gateway { base, tls, deadline: DEADLINE } })
    }
}

impl OutsideWitness {
    /// The same witness, given this long for each half of an exchange.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.gateway.deadline = deadline;
        self
    }

    /// Submits a request; status and body of the answer, both bounded.
    ///
    /// # Errors
    /// Words for the log: no answer came.
    pub async fn submit(&self, request: String) -> Result<(u16, Vec<u8>), String> {
        let content_type = Some("text/plain; charset=utf-8");
        self.call(hyper::Method::POST, "/add-checkpoint".to_owned(), content_type, request).await
    }

    /// The checkpoint of the log of that origin that the witness says it cosigned last.
    ///
    /// # Errors
    /// Words for the log: no answer came, or the witness does not serve it.
    pub async fn last(&self, origin: &str) -> Result<Vec<u8>, String> {
        let path = format!("/{}/checkpoint", hex(&chain_hash(origin.as_bytes())));
        match self.call(hyper::Method::GET, path, None, String::new()).await? {
            (200, body) => Ok(body),
            (status, _) => Err(format!("status {status}")),
        }
    }

    async fn call(
        &self,
        method: hyper::Method,
        path_and_query: String,
        content_type: Option<&'static str>,
        body: String,
    ) -> Result<(u16, Vec<u8>), String> {
        let call = Call { method, path_and_query, headers: Vec::new(), content_type, body };
        let answer = self.gateway.call(call).await.map_err(|failure| format!("{failure:?}"))?;
        Ok((answer.status.as_u16(), answer.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_witness_is_said() {
        let vkey = "w.example+00000000+x";
        let config = |url: &str, vkey: &str| WitnessConfig { url: url.to_owned(), vkey: vkey.to_owned() };
        let why =
            |config: WitnessConfig| config.open().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(why(config("https://w.example", vkey)).starts_with("[[witness]] vkey"));
        let log = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert!(why(config("https://w.example", log)).contains("0x04 is expected"));
        let good =
            "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G";
        assert!(why(config("http://w.example", good)).starts_with("[[witness]] url"));
        assert_eq!(why(config("http://127.0.0.1:7/x/", good)), "");
        assert_eq!(why(config("https://w.example/prefix", good)), "");
    }
}
