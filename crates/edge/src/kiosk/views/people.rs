//! Screens for staff, for badges and for openings from afar.

use askama::Template;
use bailee_domain::bank::screen::{RemoteView, Screen, Task};
use bailee_domain::compartment::CompartmentNo;
use bailee_ui::layout::Page;
use bailee_wire::statement::challenge_text;

use super::screens::{Door, door};
use super::{Scene, rendered};

#[derive(Template)]
#[template(path = "kiosk/choose.html")]
struct Choose<'a> {
    page: &'a Page,
    doors: Vec<String>,
    task: Task,
}

#[derive(Template)]
#[template(path = "kiosk/challenge.html")]
struct Challenge<'a> {
    page: &'a Page,
    door: Door,
    challenge: String,
    answers: u8,
}

#[derive(Template)]
#[template(path = "kiosk/inspecting.html")]
struct Inspecting<'a> {
    page: &'a Page,
    door: Door,
}

#[derive(Template)]
#[template(path = "kiosk/inspected.html")]
struct Inspected<'a> {
    page: &'a Page,
    door: Door,
}

#[derive(Template)]
#[template(path = "kiosk/second.html")]
struct SecondFactor<'a> {
    page: &'a Page,
}

#[derive(Template)]
#[template(path = "kiosk/badge.html")]
struct HoldBadge<'a> {
    page: &'a Page,
}

/// What the home screen says besides the keypad.
#[derive(Template)]
#[template(path = "kiosk/remote.html")]
struct Remote<'a> {
    page: &'a Page,
    presence: Option<String>,
    emergency: bool,
    waiting: u8,
}

/// The screen, if it is one of these.
pub(super) fn screen(scene: &Scene<'_>, page: &Page) -> Option<String> {
    let door = |number: &CompartmentNo| door(scene, page, *number);
    Some(match &scene.view.screen {
        Screen::ChooseDoor { doors, task } => {
            let doors = doors.iter().map(ToString::to_string).collect();
            rendered(&Choose { page, doors, task: *task })
        }
        Screen::Challenge { compartment, challenge, answers } => {
            let challenge = challenge_text(*challenge);
            rendered(&Challenge { page, door: door(compartment), challenge, answers: *answers })
        }
        Screen::Inspecting { compartment } => rendered(&Inspecting { page, door: door(compartment) }),
        Screen::Inspected { compartment } => rendered(&Inspected { page, door: door(compartment) }),
        Screen::SecondFactor => rendered(&SecondFactor { page }),
        Screen::HoldBadge => rendered(&HoldBadge { page }),
        _ => return None,
    })
}

/// The presence code, the way into an emergency and keys that wait: what changes above the home screen.
pub(super) fn remote(scene: &Scene<'_>, page: &Page) -> String {
    let RemoteView { presence, emergency, waiting_keys } = scene.view.remote;
    let presence = presence.map(|code| {
        let digits = String::from_utf8_lossy(code.digits()).into_owned();
        format!("{} {}", &digits[..4], &digits[4..])
    });
    let home = matches!(scene.view.screen, Screen::Home { .. });
    if !home || (presence.is_none() && !emergency && waiting_keys == 0) {
        return String::new();
    }
    rendered(&Remote { page, presence, emergency, waiting: waiting_keys })
}
