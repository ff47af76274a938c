//! What every page of Bailee shares: stylesheet, modules, icons, headers, texts, the compartment map and page atoms.
//!
//! The platform's portal and a bank's kiosk both use it, so it knows no business rule, no store and no device: it turns
//! plain values into HTML. It must never emit inline style or script (the policy in [`headers`] would refuse it) and never
//! let a value reach HTML unescaped ([`html::Html`] is the one type that counts as safe).
//!
//! Start at [`layout::Page`], the value every template has as `page`; `templates/base.html` is the document around it.
//! Templates of other crates say `{% extends "../../ui/templates/base.html" %}`. A page with [`layout::Page::px_per_mm`] set is a kiosk
//! page: it also gets `kiosk-base.css` and its screen's scale. `look.sh` takes pictures of the portal's sample pages.
//!
//! # What the modules in `static/` listen to
//! `live.js` (every page):
//! - `<body data-stream="URL">`: opens an `EventSource`; event `patch` carries one or more HTML fragments, each root's `id` says
//!   what it replaces (focus is kept; a fragment the person is typing in waits until they leave it); event `beat` (send one at
//!   least every 5 s) proves the line is alive; event `reload` reloads. After 10 s of silence `#live` turns stale and
//!   `[data-live]` parts dim.
//! - `<form method="post" data-fetch>`: posted in place with header `x-fragment: 1`. An answer carrying `x-fragment: 1` is treated as
//!   a patch; a redirect is followed; any other page replaces `<main>` and focus goes to its error summary or heading.
//! - `<button data-copy="ID" hidden>`: copies the text of `#ID`. `<time datetime>`: shown in the reader's own zone, UTC as tooltip.
//!
//! - event `bailee:worker` on the document, `{url, give}`: starts a module of `static/` beside the page and gives it.
//!
//! `kiosk.js` (kiosk only): the keypad, the camera and the page that follows the bank; it says in itself what it listens to.
//! `eye.js` is its worker, which reads the camera's pictures.

pub mod assets;
pub mod form;
pub mod headers;
pub mod html;
pub mod i18n;
pub mod layout;
pub mod map;
