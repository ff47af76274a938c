//! The DevTools protocol over one WebSocket: calls with answers, and complaints collected from events.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::BrowserError;

/// A call that takes longer has hung; waits in pages end before.
const ANSWER: Duration = Duration::from_secs(60);

pub(super) struct Wire {
    socket: WebSocket<TcpStream>,
    last: u64,
    /// What pages complained about, by session.
    complaints: BTreeMap<String, Vec<String>>,
}

/// Calls through the shared connection.
pub(super) fn call(
    wire: &Arc<Mutex<Wire>>,
    session: Option<&str>,
    method: &str,
    params: &Value,
) -> Result<Value, BrowserError> {
    wire.lock().unwrap_or_else(PoisonError::into_inner).call(session, method, params)
}

impl Wire {
    pub(super) fn connect(address: &str) -> Result<Self, BrowserError> {
        let io = |source| BrowserError::Io { what: "connection", source };
        let host = address.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let stream = TcpStream::connect(host).map_err(io)?;
        stream.set_nodelay(true).map_err(io)?;
        stream.set_read_timeout(Some(ANSWER)).map_err(io)?;
        let (socket, _) = tungstenite::client(address, stream)
            .map_err(|error| BrowserError::NotStarted(format!("no WebSocket: {error}")))?;
        Ok(Self { socket, last: 0, complaints: BTreeMap::new() })
    }

    fn call(&mut self, session: Option<&str>, method: &str, params: &Value) -> Result<Value, BrowserError> {
        self.last += 1;
        let id = self.last;
        let mut call = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            call["sessionId"] = session.into();
        }
        let broken = |source| BrowserError::Broken { method: method.to_owned(), source: Box::new(source) };
        self.socket.send(Message::text(call.to_string())).map_err(broken)?;
        loop {
            let Message::Text(text) = self.socket.read().map_err(broken)? else { continue };
            let Ok(mut message) = serde_json::from_str::<Value>(text.as_str()) else { continue };
            if message["id"] != id {
                self.hear(&message);
            } else if let Some(error) = message.get("error") {
                let message = error["message"].as_str().unwrap_or_default().to_owned();
                return Err(BrowserError::Refused { method: method.to_owned(), message });
            } else {
                return Ok(message["result"].take());
            }
        }
    }

    /// Takes what pages of this session complained about so far.
    pub(super) fn complaints(&mut self, session: &str) -> Vec<String> {
        self.complaints.remove(session).unwrap_or_default()
    }

    fn hear(&mut self, event: &Value) {
        let (Some(method), Some(session)) = (event["method"].as_str(), event["sessionId"].as_str()) else {
            return;
        };
        if let Some(complaint) = complaint(method, &event["params"]) {
            self.complaints.entry(session.to_owned()).or_default().push(complaint);
        }
    }
}

fn complaint(method: &str, params: &Value) -> Option<String> {
    match method {
        "Runtime.consoleAPICalled" if matches!(params["type"].as_str(), Some("error" | "assert")) => {
            let said = params["args"].as_array()?.iter();
            let words: Vec<&str> = said
                .filter_map(|arg| arg["value"].as_str().or_else(|| arg["description"].as_str()))
                .collect();
            Some(words.join(" "))
        }
        "Runtime.exceptionThrown" => {
            let details = &params["exceptionDetails"];
            let text = details["exception"]["description"].as_str().or_else(|| details["text"].as_str());
            Some(format!("uncaught: {}", text.unwrap_or_default()))
        }
        "Log.entryAdded" if params["entry"]["level"] == "error" => {
            let entry = &params["entry"];
            Some(format!("{} {}", entry["text"].as_str()?, entry["url"].as_str().unwrap_or_default()))
        }
        _ => None,
    }
}
