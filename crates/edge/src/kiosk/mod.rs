//! The kiosk: the pages a bank shows on its own screen, served by the controller on loopback.
//!
//! It renders [`View`]s and posts [`Action`]s, nothing else. Must never decide anything, never need the platform, never echo a
//! digit, and never put a code or a token into an address or a log. Every page is a form that works without JavaScript;
//! `kiosk.js` adds the keypad's touch, the camera and pages that change by themselves.
//!
//! Start at [`Kiosk`], the controller as the pages see it, and [`http::router`]. [`views`] turns a view into HTML.

use std::future::Future;
use std::sync::Arc;

use bailee_domain::bank::io::Action;
use bailee_domain::bank::screen::View;
use bailee_domain::compartment::Layout;
use bailee_domain::time::WallTime;
use bailee_ui::i18n::Locale;
use tokio::sync::watch;

use crate::health::Checkup;

mod face;
mod form;
pub mod http;
pub mod samples;
mod settings;
pub mod views;
mod words;

pub use face::Face;
pub use settings::{Contrast, Placement, Settings, TextSize};

/// The controller as the kiosk's pages see it.
pub trait Kiosk: Send + Sync + 'static {
    /// The view, now and whenever it changes.
    fn view(&self) -> watch::Receiver<Arc<View>>;

    /// The bank's wall time, for countdowns.
    fn now(&self) -> WallTime;

    /// What the controller last measured of itself; nothing before the first look.
    fn checkup(&self) -> Option<Arc<Checkup>> {
        None
    }

    /// Hands an action to the engine; done once the engine has handled it and [`Kiosk::view`] shows the result.
    ///
    /// # Errors
    /// [`Away`] when the engine loop has ended.
    fn act(&self, action: Action) -> impl Future<Output = Result<(), Away>> + Send;

    /// Hands on the text of a QR code, seen by the camera or typed, of at most
    /// [`MAX_TEXT_BYTES`](crate::camera::MAX_TEXT_BYTES) bytes; done like [`Kiosk::act`]. The text may be anybody's QR code.
    ///
    /// # Errors
    /// [`Away`] when the engine loop has ended.
    fn token(&self, text: String) -> impl Future<Output = Result<Heard, Away>> + Send;
}

/// What the controller made of a QR code's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It has the form of our tokens: the engine has answered in the view.
    Ours,
    /// It is some other QR code: nothing happened.
    NotOurs,
}

/// The engine loop has ended; the controller is stopping or broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bank's controller does not answer")]
pub struct Away;

/// What the pages need to know about the bank and its screen, fixed while the controller runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// CSS pixels in a millimetre of this screen, so that keys are 20 mm.
    pub px_per_mm: f32,
    /// The language pages start in.
    pub locale: Locale,
    /// Millimetres of one column of the cabinet front.
    pub unit_width_mm: u16,
    /// Millimetres of one row of the cabinet front.
    pub unit_height_mm: u16,
    /// The compartments.
    pub layout: Layout,
}
