//! The platform: people and parcels, the custody log, notifications, and the surfaces to see and run it all.
//!
//! Start with [`app`], what it can do, one use case per file; [`http`] and [`gateway`] let people, integrations and
//! banks ask for it, [`jobs`] does what follows, [`store`] and [`ledger`] keep it. It can open no door.
pub mod app;
pub mod config;
pub mod evidence;
pub mod gateway;
pub mod http;
pub mod jobs;
pub mod ledger;
pub mod notify;
pub mod serve;
pub mod store;
mod tls;
