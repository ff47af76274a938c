//! One template per screen, and what stands beside it.

use askama::Template;
use bailee_domain::bank::screen::{LockdownShown, Match, Notice, Screen, SizeChoice, Sounding, Task, Then};
use bailee_domain::budget::Keypad;
use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::lockdown::Area;
use bailee_ui::layout::Page;
use bailee_ui::map::{CellState, MapView};

use super::{QUERY, Scene, WAIT_CLOCK, WAIT_S, people, rendered};

/// A door with its place in words.
pub(super) struct Door {
    pub(super) number: String,
    pub(super) place: String,
}

/// How the keypad is.
enum Pad {
    Ready,
    Paused,
    Closed,
    NeedsStaff,
    OutOfOrder,
}

#[derive(Template)]
#[template(path = "kiosk/home.html")]
struct Home<'a> {
    page: &'a Page,
    pad: Pad,
    wait_s: &'static str,
    wait_clock: &'static str,
    help: &'a str,
}

#[derive(Template)]
#[template(path = "kiosk/camera.html")]
struct Camera<'a> {
    page: &'a Page,
}

#[derive(Template)]
#[template(path = "kiosk/checking.html")]
struct Checking<'a> {
    page: &'a Page,
}

#[derive(Template)]
#[template(path = "kiosk/find.html")]
struct Find<'a> {
    page: &'a Page,
    carrier: &'a str,
    delivered: u16,
    query: &'static str,
    boards: Vec<Board>,
}

/// One group of keys of the on-screen keyboard.
struct Board {
    name: String,
    digits: bool,
    keys: Vec<String>,
}

#[derive(Template)]
#[template(path = "kiosk/matches.html")]
struct Matches<'a> {
    page: &'a Page,
    asked: bool,
    matches: &'a [Match],
    more: bool,
}

#[derive(Template)]
#[template(path = "kiosk/confirm.html")]
struct Confirm<'a> {
    page: &'a Page,
    recipient: &'a Match,
}

#[derive(Template)]
#[template(path = "kiosk/size.html")]
struct PickSize<'a> {
    page: &'a Page,
    recipient: &'a Match,
    choices: Vec<Choice>,
    tallest_mm: u32,
    widest_mm: u32,
}

/// A size with its opening drawn to one scale with the others.
struct Choice {
    code: char,
    name: String,
    hint: String,
    free: u16,
    width_mm: u32,
    height_mm: u32,
    top_mm: u32,
    width_cm: u32,
    height_cm: u32,
}

#[derive(Template)]
#[template(path = "kiosk/opening.html")]
struct Opening<'a> {
    page: &'a Page,
    door: Door,
    task: Task,
}

#[derive(Template)]
#[template(path = "kiosk/place.html")]
struct Place<'a> {
    page: &'a Page,
    door: Door,
    recipient: &'a Match,
    can_go_bigger: bool,
    unattended: bool,
}

#[derive(Template)]
#[template(path = "kiosk/close.html")]
struct Close<'a> {
    page: &'a Page,
    door: Door,
    then: Then,
}

#[derive(Template)]
#[template(path = "kiosk/deposited.html")]
struct Deposited<'a> {
    page: &'a Page,
    door: Door,
    recipient: &'a Match,
    delivered: u16,
}

#[derive(Template)]
#[template(path = "kiosk/take.html")]
struct Take<'a> {
    page: &'a Page,
    door: Door,
}

#[derive(Template)]
#[template(path = "kiosk/collected.html")]
struct Collected<'a> {
    page: &'a Page,
    door: Door,
}

#[derive(Template)]
#[template(path = "kiosk/stuck.html")]
struct Stuck<'a> {
    page: &'a Page,
    door: Door,
    task: Task,
    can_retry: bool,
    help: &'a str,
}

#[derive(Template)]
#[template(path = "kiosk/keeper.html")]
struct Keeper<'a> {
    page: &'a Page,
    lockdowns: Vec<Held>,
    siren: Sounding,
}

/// A lockdown as staff at the kiosk see it.
struct Held {
    number: u64,
    what: String,
    why: String,
    ends: String,
    agreed: bool,
}

#[derive(Template)]
#[template(path = "kiosk/map.html")]
struct Map<'a> {
    page: &'a Page,
    map: MapView,
}

/// The key of the page's title.
pub(super) fn title_key(screen: &Screen) -> &'static str {
    match screen {
        Screen::Home { .. } => "kiosk-title-home",
        Screen::Checking => "kiosk-checking",
        Screen::FindRecipient { .. } => "kiosk-find-title",
        Screen::ConfirmRecipient { .. } => "kiosk-confirm-title",
        Screen::PickSize { .. } => "kiosk-size-title",
        Screen::Opening { .. } => "kiosk-title-opening",
        Screen::PlaceParcel { .. } | Screen::TakeParcel { .. } => "kiosk-title-open",
        Screen::CloseFirst { .. } => "kiosk-title-close",
        Screen::Deposited { .. } => "kiosk-deposited-title",
        Screen::Collected { .. } => "kiosk-collected-title",
        Screen::DidNotOpen { .. } => "kiosk-title-stuck",
        Screen::Keeper { .. } => "kiosk-keeper-title",
        Screen::ChooseDoor { task: Task::Repair, .. } => "kiosk-repair-title",
        Screen::ChooseDoor { .. } | Screen::Challenge { .. } => "kiosk-emergency-title",
        Screen::Inspecting { .. } => "kiosk-title-open",
        Screen::Inspected { .. } => "kiosk-title-close",
        Screen::SecondFactor => "kiosk-second-title",
        Screen::HoldBadge => "kiosk-badge-title",
    }
}

/// What to do now.
pub(super) fn screen(scene: &Scene<'_>, page: &Page) -> String {
    let door = |number: &CompartmentNo| door(scene, page, *number);
    let help = scene.view.help.as_str();
    if let Some(screen) = people::screen(scene, page) {
        return screen;
    }
    match &scene.view.screen {
        Screen::Home { keypad } => rendered(&home(scene, page, *keypad)),
        Screen::Checking => rendered(&Checking { page }),
        Screen::FindRecipient { carrier, delivered, .. } => {
            rendered(&Find { page, carrier, delivered: *delivered, query: QUERY, boards: boards(page) })
        }
        Screen::ConfirmRecipient { recipient } => rendered(&Confirm { page, recipient }),
        Screen::PickSize { recipient, sizes } => rendered(&sizes_screen(scene, page, recipient, sizes)),
        Screen::Opening { compartment, task } => {
            rendered(&Opening { page, door: door(compartment), task: *task })
        }
        Screen::PlaceParcel { compartment, recipient, can_go_bigger } => {
            let (can_go_bigger, unattended) = (*can_go_bigger, scene.view.unattended);
            rendered(&Place { page, door: door(compartment), recipient, can_go_bigger, unattended })
        }
        Screen::CloseFirst { compartment, then } => {
            rendered(&Close { page, door: door(compartment), then: *then })
        }
        Screen::Deposited { compartment, recipient, delivered } => {
            rendered(&Deposited { page, door: door(compartment), recipient, delivered: *delivered })
        }
        Screen::TakeParcel { compartment } => rendered(&Take { page, door: door(compartment) }),
        Screen::Collected { compartment } => rendered(&Collected { page, door: door(compartment) }),
        Screen::Keeper { siren } => rendered(&keeper(scene, page, *siren)),
        Screen::DidNotOpen { compartment, task, can_retry } => {
            rendered(&Stuck { page, door: door(compartment), task: *task, can_retry: *can_retry, help })
        }
        Screen::ChooseDoor { .. }
        | Screen::Challenge { .. }
        | Screen::Inspecting { .. }
        | Screen::Inspected { .. }
        | Screen::SecondFactor
        | Screen::HoldBadge => String::new(),
    }
}

/// What stands beside it: the camera, the matches or the map.
pub(super) fn side(scene: &Scene<'_>, page: &Page) -> String {
    match &scene.view.screen {
        Screen::Home { .. } if out_of_order(scene) => String::new(),
        Screen::Home { .. } | Screen::Checking | Screen::Challenge { .. } => rendered(&Camera { page }),
        Screen::FindRecipient { query, matches, more, .. } => {
            rendered(&Matches { page, asked: !query.is_empty(), matches, more: *more })
        }
        Screen::ConfirmRecipient { .. }
        | Screen::PickSize { .. }
        | Screen::ChooseDoor { .. }
        | Screen::SecondFactor
        | Screen::HoldBadge
        | Screen::Keeper { .. } => String::new(),
        Screen::Inspecting { compartment } => map(scene, page, *compartment, CellState::Open),
        Screen::Inspected { compartment } => map(scene, page, *compartment, CellState::Occupied),
        Screen::Opening { compartment, .. } => map(scene, page, *compartment, CellState::Reserved),
        Screen::PlaceParcel { compartment, .. }
        | Screen::CloseFirst { compartment, .. }
        | Screen::TakeParcel { compartment } => map(scene, page, *compartment, CellState::Open),
        Screen::Deposited { compartment, .. } | Screen::Collected { compartment } => {
            map(scene, page, *compartment, CellState::Occupied)
        }
        Screen::DidNotOpen { compartment, .. } => map(scene, page, *compartment, CellState::OutOfService),
    }
}

fn map(scene: &Scene<'_>, page: &Page, door: CompartmentNo, state: CellState) -> String {
    rendered(&Map { page, map: scene.face.pointing(&scene.view.bank_name, door, state, &scene.view.alarms) })
}

pub(super) fn door(scene: &Scene<'_>, page: &Page, number: CompartmentNo) -> Door {
    Door { number: number.to_string(), place: scene.face.place(page.texts, number) }
}

fn keeper<'a>(scene: &Scene<'_>, page: &'a Page, siren: Sounding) -> Keeper<'a> {
    let held = |l: &LockdownShown| {
        let area = match l.area {
            Area::Door(number) => page.t1("lockdown-area-door", "number", number.to_string()),
            Area::Zone(column) => {
                page.t1("lockdown-area-zone", "number", (u32::from(column) + 1).to_string())
            }
            Area::Bank => page.t("lockdown-area-bank"),
        };
        let grade = page.t(&format!("lockdown-grade-{}", l.grade.name()));
        let drill =
            if l.exercise.is_drill() { format!("{} · ", page.t("lockdown-drill")) } else { String::new() };
        Held {
            number: l.lockdown,
            what: format!("{drill}{grade} · {area}"),
            why: page.t(&format!("lockdown-cause-{}", l.cause.name())),
            ends: page.t1("lockdown-ends-in", "minutes", l.left_min.to_string()),
            agreed: l.agreed.is_some(),
        }
    };
    Keeper { page, lockdowns: scene.view.lockdowns.iter().map(held).collect(), siren }
}

fn out_of_order(scene: &Scene<'_>) -> bool {
    scene.view.notice == Some(Notice::OutOfOrder)
}

fn home<'a>(scene: &Scene<'a>, page: &'a Page, keypad: Keypad) -> Home<'a> {
    let pad = match keypad {
        _ if out_of_order(scene) => Pad::OutOfOrder,
        Keypad::Ready => Pad::Ready,
        Keypad::Paused(_) => Pad::Paused,
        Keypad::Closed(_) => Pad::Closed,
        Keypad::ClosedUntilReset => Pad::NeedsStaff,
    };
    Home { page, pad, wait_s: WAIT_S, wait_clock: WAIT_CLOCK, help: &scene.view.help }
}

/// Digits first, because most units are numbers; then the letters of the page's language; then Latin ones.
fn boards(page: &Page) -> Vec<Board> {
    let board = |key: &str, digits| {
        let keys: Vec<String> = page.t(key).split_whitespace().map(str::to_owned).collect();
        Board { name: page.t(&format!("{key}-name")), digits, keys }
    };
    let own = board("kiosk-keys-own", false);
    let mut boards = vec![board("kiosk-keys-digits", true), board("kiosk-keys-latin", false)];
    if own.keys.len() > 1 {
        boards.insert(1, own);
    }
    boards
}

fn sizes_screen<'a>(
    scene: &Scene<'a>,
    page: &'a Page,
    recipient: &'a Match,
    sizes: &[SizeChoice],
) -> PickSize<'a> {
    let mm = |size| scene.face.opening_mm(size).unwrap_or((450, 120));
    let tallest_mm = sizes.iter().map(|choice| mm(choice.size).1).max().unwrap_or(1);
    let widest_mm = sizes.iter().map(|choice| mm(choice.size).0).max().unwrap_or(1);
    let choice = |choice: &SizeChoice| {
        let (width_mm, height_mm) = mm(choice.size);
        let (name, hint) = size_keys(choice.size);
        Choice {
            code: choice.size.code(),
            name: page.t(name),
            hint: page.t(hint),
            free: choice.free,
            width_mm,
            height_mm,
            top_mm: tallest_mm - height_mm,
            width_cm: width_mm / 10,
            height_cm: height_mm / 10,
        }
    };
    PickSize { page, recipient, choices: sizes.iter().map(choice).collect(), tallest_mm, widest_mm }
}

fn size_keys(size: Size) -> (&'static str, &'static str) {
    match size {
        Size::Small => ("kiosk-size-s", "kiosk-size-s-hint"),
        Size::Medium => ("kiosk-size-m", "kiosk-size-m-hint"),
        Size::Large => ("kiosk-size-l", "kiosk-size-l-hint"),
        Size::ExtraLarge => ("kiosk-size-x", "kiosk-size-x-hint"),
    }
}
