//! Views of staff, badges and openings from afar.

use bailee_domain::bank::screen::{Notice, RemoteView, Screen, Task, View};
use bailee_domain::budget::Keypad;
use bailee_domain::code::Code;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Refusal;
use bailee_domain::signer::Challenge;

use super::view;

/// Each with a name for a file.
pub(super) fn all() -> Vec<(&'static str, View)> {
    let home = || view(Screen::Home { keypad: Keypad::Ready });
    let presence = Code::parse("40718256").ok();
    let remote = RemoteView { presence, emergency: true, waiting_keys: 0 };
    let door = CompartmentNo(12);
    let challenge = Challenge([0x3a, 0x91, 0x5c, 0x07, 0xee]);
    let choose = |doors: &[u16], task| Screen::ChooseDoor {
        doors: doors.iter().copied().map(CompartmentNo).collect(),
        task,
    };
    let every: Vec<u16> = (1..=24).collect();
    let refused = |reason| View { notice: Some(Notice::Refused { reason, tries_left: 4 }), ..home() };
    vec![
        ("home-presence", View { remote, ..home() }),
        ("home-keys-wait", View { remote: RemoteView { waiting_keys: 1, ..remote }, ..home() }),
        ("emergency", view(choose(&every, Task::Emergency))),
        ("challenge", view(Screen::Challenge { compartment: door, challenge, answers: 0 })),
        (
            "challenge-refused",
            View {
                notice: Some(Notice::Refused { reason: Refusal::BadResponse, tries_left: 4 }),
                ..view(Screen::Challenge { compartment: door, challenge, answers: 1 })
            },
        ),
        ("work-order", view(choose(&[3, 9, 14], Task::Repair))),
        ("work-order-done", view(choose(&[], Task::Repair))),
        ("opening-inspect", view(Screen::Opening { compartment: door, task: Task::Inspect })),
        ("inspecting", view(Screen::Inspecting { compartment: door })),
        ("inspected", view(Screen::Inspected { compartment: door })),
        (
            "stuck-inspect",
            view(Screen::DidNotOpen { compartment: door, task: Task::Inspect, can_retry: false }),
        ),
        ("second-factor", view(Screen::SecondFactor)),
        ("hold-badge", view(Screen::HoldBadge)),
        ("badge-enrolled", View { notice: Some(Notice::BadgeEnrolled), ..home() }),
        ("badge-unknown", refused(Refusal::UnknownBadge)),
        ("badge-weak", refused(Refusal::WeakBadge)),
        ("nothing-here", refused(Refusal::NothingHere)),
        ("occupied", refused(Refusal::Occupied)),
    ]
}
