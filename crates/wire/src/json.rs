//! The JSON of the HTTP API: request and response bodies, one type per message.
//!
//! Types here are what integrations see; they never are the domain's types and never reach a store.
