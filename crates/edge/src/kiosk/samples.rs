//! A small bank and one view of every screen, for tests and for pictures of the pages.

use std::fmt::Write as _;

use bailee_domain::bank::screen::{
    AlarmKind, DoorAlarm, LockdownShown, Match, Notice, Screen, SizeChoice, Sounding, Task, Then, View,
    Vouching,
};
use bailee_domain::budget::Keypad;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Size, Wiring};
use bailee_domain::event::Refusal;
use bailee_domain::id::PersonId;
use bailee_domain::lockdown::{Area, Cause, Exercise, Grade};
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::WallTime;
use bailee_ui::i18n::Locale;

use super::Setup;

mod people;

/// The time all samples are at.
pub const NOW: WallTime = WallTime::from_unix_ms(1_800_000_000_000);

/// A bank of 24 doors in four columns.
#[must_use]
pub fn setup() -> Setup {
    Setup { px_per_mm: 5.56, locale: Locale::En, unit_width_mm: 450, unit_height_mm: 120, layout: layout() }
}

fn layout() -> Layout {
    use Size::{ExtraLarge, Large, Medium, Small};
    const COLUMNS: [&[(Size, u16)]; 4] = [
        &[(Small, 1), (Small, 1), (Medium, 2), (Medium, 2), (Large, 4), (Medium, 2), (Small, 1), (Small, 1)],
        &[(Medium, 2), (Medium, 2), (ExtraLarge, 6), (Large, 4)],
        &[(Small, 1), (Small, 1), (Medium, 2), (Medium, 2), (Large, 4), (Medium, 2), (Small, 1), (Small, 1)],
        &[(Medium, 2), (Large, 4), (Large, 4), (Large, 4)],
    ];
    let mut compartments: Vec<Compartment> = Vec::new();
    for (heights, column) in COLUMNS.iter().zip(0..) {
        let mut row = 0;
        for &(size, height) in *heights {
            let number = u8::try_from(compartments.len() + 1).expect("fewer than 256 doors");
            let reach = if row >= 8 { Reach::Low } else { Reach::Standard };
            let wiring = Wiring { board: 1, channel: number };
            compartments.push(Compartment {
                number: CompartmentNo(number.into()),
                size,
                reach,
                wiring,
                column,
                row,
                height,
            });
            row += height;
        }
    }
    Layout::new(compartments).expect("the columns above do not overlap")
}

/// A recipient with the usual kind of unit.
#[must_use]
pub fn recipient(unit: &str, masked_name: &str) -> Match {
    let byte = unit.bytes().fold(7_u8, u8::wrapping_add);
    Match {
        person: PersonId::from_bytes([byte; 16]),
        unit: unit.to_owned(),
        masked_name: masked_name.to_owned(),
    }
}

/// One view of `screen`.
#[must_use]
pub fn view(screen: Screen) -> View {
    View {
        version: 1,
        bank_name: "Garden Court, lobby".to_owned(),
        help: "+49 30 555 0134".to_owned(),
        screen,
        notice: None,
        alarms: Vec::new(),
        leaving_in_s: None,
        lockdowns: Vec::new(),
        tampers: Vec::new(),
        asks: None,
        unattended: false,
        remote: bailee_domain::bank::screen::RemoteView::default(),
        ledger: Vouching::Vouches,
    }
}

fn home() -> View {
    view(Screen::Home { keypad: Keypad::Ready })
}

fn find(query: &str, matches: Vec<Match>, more: bool) -> Screen {
    Screen::FindRecipient {
        carrier: "Northwind Parcels".to_owned(),
        query: query.to_owned(),
        matches,
        more,
        delivered: 2,
    }
}

fn sizes() -> Vec<SizeChoice> {
    let free = [(Size::Small, 9), (Size::Medium, 6), (Size::Large, 1), (Size::ExtraLarge, 0)];
    free.into_iter().map(|(size, free)| SizeChoice { size, free }).collect()
}

/// Every screen and every notice, each with a name for a file.
#[must_use]
pub fn all() -> Vec<(String, View)> {
    let screens = screens().into_iter().chain(guarded()).chain(people::all());
    let mut all: Vec<(String, View)> = screens.map(|(name, v)| (name.to_owned(), v)).collect();
    let refusals = [
        Refusal::UnknownCode,
        Refusal::TooManyTries,
        Refusal::ForgedToken,
        Refusal::OtherBank,
        Refusal::DeadToken,
        Refusal::DoorUnavailable,
        Refusal::DoorStuck,
        Refusal::NoSpace,
        Refusal::TooLate,
        Refusal::LockedDown,
    ];
    let refused = refusals.map(|reason| Notice::Refused { reason, tries_left: 4 });
    let others = [
        Notice::Thanks,
        Notice::LockedDown,
        Notice::Released,
        Notice::ReleaseNeedsAnother,
        Notice::Reported,
        Notice::Cancelled,
        Notice::NoSpace,
        Notice::OutOfOrder,
    ];
    for (notice, n) in refused.into_iter().chain(others).zip(1..) {
        let mut name = String::from("home-notice-");
        let _ = write!(name, "{n:02}");
        all.push((name, View { notice: Some(notice), ..home() }));
    }
    all
}

/// Lockdown, alarms of tampering and the question whether a compartment is empty.
fn guarded() -> Vec<(&'static str, View)> {
    let lockdown = |grade, exercise, area| LockdownShown {
        lockdown: 812,
        area,
        grade,
        cause: Cause::Tool,
        exercise,
        owner: None,
        left_min: 42,
        agreed: None,
    };
    let locked = lockdown(Grade::HoldAll, Exercise::Real, Area::Bank);
    let zone = lockdown(Grade::HoldZone, Exercise::Real, Area::Zone(2));
    let drill = lockdown(Grade::HoldAll, Exercise::Drill, Area::Bank);
    let agreed = LockdownShown { agreed: Some(PersonId::from_bytes([1; 16])), ..zone };
    let tampers = vec![(Source::Vibration(1), Tamper::Drill), (Source::Enclosure(1), Tamper::Opened)];
    let open = Screen::PlaceParcel {
        compartment: CompartmentNo(12),
        recipient: recipient("4B", "M. R."),
        can_go_bigger: true,
    };
    let asks = Some(CompartmentNo(12));
    vec![
        ("home-locked", View { lockdowns: vec![locked], tampers, ..home() }),
        ("home-locked-zone", View { lockdowns: vec![zone], ..home() }),
        ("home-drill", View { lockdowns: vec![drill], ..home() }),
        ("home-asks", View { asks, ..home() }),
        ("place-asks", View { asks, ..view(open.clone()) }),
        ("place-unattended", View { unattended: true, ..view(open) }),
        (
            "keeper",
            View { lockdowns: vec![locked, agreed, drill], ..view(Screen::Keeper { siren: Sounding::Yes }) },
        ),
        ("keeper-quiet", view(Screen::Keeper { siren: Sounding::No })),
    ]
}

fn screens() -> Vec<(&'static str, View)> {
    let who = || recipient("4B", "M. R.");
    let seven = CompartmentNo(12);
    let in_minutes = |minutes: i64| NOW.plus_ms(minutes * 60_000 + 5_000);
    let alarms = vec![
        DoorAlarm { compartment: CompartmentNo(5), kind: AlarmKind::Forced },
        DoorAlarm { compartment: CompartmentNo(9), kind: AlarmKind::HeldOpen },
    ];
    let open = Screen::PlaceParcel { compartment: seven, recipient: who(), can_go_bigger: true };
    let deposited = Screen::Deposited { compartment: seven, recipient: who(), delivered: 3 };
    let opening = Screen::Opening { compartment: seven, task: Task::DropOff };
    let many =
        vec![who(), recipient("41", "A. B. C."), recipient("4 East <b>", "ل. ح."), recipient("402", "S. O.")];
    vec![
        ("home", home()),
        ("home-paused", view(Screen::Home { keypad: Keypad::Paused(in_minutes(3)) })),
        ("home-closed", view(Screen::Home { keypad: Keypad::Closed(in_minutes(130)) })),
        ("home-needs-staff", view(Screen::Home { keypad: Keypad::ClosedUntilReset })),
        ("home-alarm", View { alarms: alarms.clone(), ..home() }),
        ("home-ledger", View { ledger: Vouching::Refuses, ..home() }),
        ("checking", view(Screen::Checking)),
        ("find-empty", view(find("", Vec::new(), false))),
        ("find", view(find("4", many, true))),
        ("find-nobody", view(find("9Z", Vec::new(), false))),
        ("confirm", view(Screen::ConfirmRecipient { recipient: who() })),
        ("size", view(Screen::PickSize { recipient: who(), sizes: sizes() })),
        ("opening", view(opening.clone())),
        (
            "opening-another",
            View { notice: Some(Notice::TryingAnother { failed: CompartmentNo(3) }), ..view(opening) },
        ),
        ("opening-pickup", view(Screen::Opening { compartment: seven, task: Task::Pickup })),
        ("place", view(open.clone())),
        (
            "place-biggest",
            view(Screen::PlaceParcel { compartment: seven, recipient: who(), can_go_bigger: false }),
        ),
        ("close-bigger", view(Screen::CloseFirst { compartment: seven, then: Then::Bigger })),
        ("close-cancelled", view(Screen::CloseFirst { compartment: seven, then: Then::Cancelled })),
        ("deposited", view(deposited.clone())),
        ("deposited-idle", View { leaving_in_s: Some(28), ..view(deposited) }),
        ("take", view(Screen::TakeParcel { compartment: CompartmentNo(9) })),
        ("take-alarm", View { alarms, ..view(Screen::TakeParcel { compartment: seven }) }),
        ("collected", view(Screen::Collected { compartment: seven })),
        (
            "stuck-pickup",
            view(Screen::DidNotOpen { compartment: seven, task: Task::Pickup, can_retry: true }),
        ),
        (
            "stuck-pickup-staff",
            view(Screen::DidNotOpen { compartment: seven, task: Task::Pickup, can_retry: false }),
        ),
        (
            "stuck-drop-off",
            view(Screen::DidNotOpen { compartment: seven, task: Task::DropOff, can_retry: false }),
        ),
    ]
}
