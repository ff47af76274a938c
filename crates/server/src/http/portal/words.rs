//! From the platform's values to what a page shows: words in the reader's language, drawings, times.

use std::collections::BTreeMap;

use bailee_domain::access::{Permission, Scope};
use bailee_domain::bank::io::DoorStatus;
use bailee_domain::compartment::{CompartmentNo, Layout, OutOfService, Reach, Sensed};
use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::time::WallTime;
use bailee_ui::layout::{Page, TimelineItem, Tone};
use bailee_ui::map::{CellState, Detail, MapCell, MapView};

use super::views::alerts::Urgency;
use super::views::banks::{BankCard, Link};
use crate::app::banks::BankSummary;
use crate::app::log::LogRow;
use crate::app::{AppError, Principal, people};
use crate::http::Http;
use crate::http::problem::Problem;

pub use bailee_wire::event::time_text as time;

/// Millimetres of a grid column; layouts do not say.
const COLUMN_MM: u16 = 450;
/// Millimetres of a grid row.
const ROW_MM: u16 = 120;

/// A time that may not be there.
pub fn time_opt(at: Option<WallTime>) -> String {
    at.map(time).unwrap_or_default()
}

/// How long ago, in the short form of units that need no translation.
pub fn age(ms: i64) -> String {
    match ms.max(0) / 1_000 {
        s @ 0..=119 => format!("{s} s"),
        s @ 120..=7_199 => format!("{} min", s / 60),
        s @ 7_200..=172_799 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

/// What is wrong with a field.
pub fn field_error(page: &Page, field: &str, code: &str) -> String {
    let key = match (field, code) {
        ("email", "already_in_use") => "error-email-in-use",
        ("name", "already_in_use") => "error-name-in-use",
        ("carrier", "required" | "unknown") => "error-choose-carrier",
        ("permissions", "required") => "error-choose-permission",
        (_, code) => of_any_field(code),
    };
    page.t(key)
}

fn of_any_field(code: &str) -> &'static str {
    match code {
        "required" => "error-required",
        "ends_before_it_begins" => "error-ends-before",
        "not_a_time" => "error-not-a-time",
        "not_there" => "error-not-there",
        "not_the_name" => "error-not-the-name",
        "names_the_person" => "error-names-the-person",
        "email_or_phone_required" => "error-email-or-phone",
        "not_an_email" => "error-email",
        "not_a_phone" => "error-phone",
        "phone_without_country" => "error-phone-country",
        "too_long" => "error-too-long",
        "too_short" => "setup-password-short",
        "not_1_to_30" | "out_of_range" => "error-1-to-30",
        "not_1_to_365" => "error-1-to-365",
        "not_a_number" => "error-number",
        "control_character" => "error-control-character",
        "file_too_large" => "error-file-too-large",
        "not_a_file_kind" => "error-not-a-file-kind",
        "not_host_and_port" => "error-host-and-port",
        "not_a_key" => "error-not-a-key",
        "form_does_not_fit" => "error-form-does-not-fit",
        "not_their_role" => "error-not-their-role",
        "not_doors" => "error-doors",
        "too_far" => "error-too-far",
        "not_a_code" => "error-not-a-code",
        "not_a_statement" => "error-not-a-statement",
        "of_another_bank" => "error-of-another-bank",
        "not_signed" => "error-not-signed",
        "unknown" => "error-choose",
        "already_in_use" => "error-in-use",
        _ => "error-other",
    }
}

/// The words of an event's kind, such as `CompartmentForced`.
pub fn kind(page: &Page, kind: &str) -> String {
    let key = format!("event-{}", kebab(kind));
    if page.texts.has(&key) { page.t(&key) } else { spaced(kind) }
}

/// `CompartmentForced` as `compartment-forced`.
fn kebab(kind: &str) -> String {
    spaced(kind).to_lowercase().replace(' ', "-")
}

/// `CompartmentForced` as `Compartment forced`, for kinds without a text.
fn spaced(kind: &str) -> String {
    let mut out = String::with_capacity(kind.len() + 4);
    for c in kind.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// How an event ended, and what that means.
pub fn outcome(row: &LogRow) -> (&'static str, Tone) {
    match (row.line.severity, row.line.kind.as_str()) {
        (Severity::Alarm, _) => ("result-alarm", Tone::Bad),
        (_, "AccessRefused" | "SignInRefused" | "PermissionDenied") => ("result-refused", Tone::Warn),
        (_, "CompartmentDidNotOpen" | "NotificationFailed") => ("result-failed", Tone::Warn),
        (Severity::Notice, _) => ("urgency-notice", Tone::Accent),
        (_, "OpeningIntended") => ("result-announced", Tone::Neutral),
        _ => ("result-done", Tone::Ok),
    }
}

/// How urgent an alert is.
pub fn urgency(kind: &str) -> Urgency {
    match kind {
        "CompartmentForced"
        | "CompartmentFoundOpen"
        | "CompartmentHeldOpen"
        | "ChainBroken"
        | "LedgerRefused"
        | "RestoredDiskFound"
        | "OpenedWithoutRelease"
        | "WitnessRefused"
        | "KeypadClosed" => Urgency::Alarm,
        "RecipientUnreachable" | "MessageFailed" => Urgency::Notice,
        _ => Urgency::Warning,
    }
}

/// Names at hand for lists: banks by id, people by id as far as the reader may see them.
#[derive(Default)]
pub struct Names {
    /// What banks are called.
    pub banks: BTreeMap<BankId, String>,
    /// What people are called, and their units.
    pub people: BTreeMap<PersonId, (String, String)>,
}

impl Names {
    /// A bank's name, or its id.
    pub fn bank(&self, id: BankId) -> String {
        self.banks.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// A person's name, or the id.
    pub fn person(&self, id: PersonId) -> String {
        self.people.get(&id).map_or_else(|| id.to_string(), |(name, _unit)| name.clone())
    }

    /// A person's unit, if known.
    pub fn unit(&self, id: PersonId) -> String {
        self.people.get(&id).map(|(_name, unit)| unit.clone()).unwrap_or_default()
    }

    /// Whoever an event or an alert names as having acted.
    pub fn actor(&self, actor: &str) -> String {
        match actor {
            "platform" => "Bailee".to_owned(),
            "anonymous" | "" => "—".to_owned(),
            id => id.parse().map_or_else(|_| id.to_owned(), |person| self.person(person)),
        }
    }

    /// Bank and door.
    pub fn place(&self, bank: Option<BankId>, compartment: Option<CompartmentNo>) -> String {
        let bank = bank.map(|id| self.bank(id));
        let parts = bank.into_iter().chain(compartment.map(|number| number.to_string()));
        parts.collect::<Vec<_>>().join(" · ")
    }
}

/// Looks up the names of people, for a reader who may see people; for others there are none.
///
/// # Errors
/// The store's.
pub async fn names(http: &Http, reader: &Principal, ids: Vec<PersonId>) -> Result<Names, Problem> {
    let mut names = Names::default();
    if reader.may(Permission::ViewPeople, Scope::Organisation, None) {
        let (app, db) = (http.app().clone(), http.app().db().clone());
        let found = db.read(async move |tx| people::names(&app, &tx, &ids).await).await;
        names.people = found.map_err(|error: AppError| Problem::from(error))?;
    }
    Ok(names)
}

/// One event in a timeline.
pub fn timeline(page: &Page, names: &Names, row: &LogRow) -> TimelineItem {
    let (_result, tone) = outcome(row);
    let icon = match tone {
        Tone::Bad => "warning",
        Tone::Warn => "cross",
        Tone::Ok | Tone::Accent => "check",
        Tone::Neutral => "clock",
    };
    TimelineItem {
        at: time(row.line.at),
        tone,
        icon,
        title: kind(page, &row.line.kind),
        detail: names.place(row.line.bank, row.line.compartment),
        href: format!("/audit/{}", row.id),
        link: page.t("proof"),
    }
}

/// A bank as a card with its map.
pub fn card(bank: &BankSummary, site: &str) -> BankCard {
    let link = match (bank.online, bank.last_heard) {
        (true, _) => Link::Online,
        (false, Some(at)) => Link::Offline { since: time(at) },
        (false, None) => Link::Never,
    };
    let id = bank.id.to_string();
    let compartments = bank.layout.as_ref().map(|layout| cells(layout, bank)).unwrap_or_default();
    let map = MapView {
        id: format!("map-{id}"),
        title: bank.name.clone(),
        unit_width_mm: COLUMN_MM,
        unit_height_mm: ROW_MM,
        compartments,
        highlight: None,
        detail: Detail::Compact,
        link: None,
    };
    let locked = super::lockdown::locked(bank);
    BankCard { id, name: bank.name.clone(), location: site.to_owned(), link, locked, map }
}

fn cells(layout: &Layout, bank: &BankSummary) -> Vec<MapCell> {
    let cell = |built: &bailee_domain::compartment::Compartment| MapCell {
        number: built.number.0,
        column: built.column.saturating_add(1),
        row: built.row.saturating_add(1),
        width: 1,
        height: built.height,
        state: state(door(bank, built.number)),
        low_reach: built.reach == Reach::Low,
        label: built.size.code().to_string(),
    };
    layout.iter().map(cell).collect()
}

/// A door as last heard.
pub fn door(bank: &BankSummary, number: CompartmentNo) -> Option<&DoorStatus> {
    bank.live.doors.iter().find(|door| door.compartment == number)
}

/// What a door is doing.
pub fn state(door: Option<&DoorStatus>) -> CellState {
    let Some(door) = door else { return CellState::Unknown };
    match (door.alarm, door.sensed, door.out_of_service, door.occupied) {
        (true, ..) => CellState::Alarm,
        (_, Sensed::Open, ..) => CellState::Open,
        (_, _, Some(_), _) => CellState::OutOfService,
        (_, Sensed::Unknown, ..) => CellState::Unknown,
        (_, Sensed::Closed, None, true) => CellState::Occupied,
        (_, Sensed::Closed, None, false) => CellState::Free,
    }
}

/// Why a door is out of service.
pub fn out_of_service(why: OutOfService) -> &'static str {
    match why {
        OutOfService::DidNotOpen => "did not open",
        OutOfService::NeedsCheck => "needs a look inside",
        OutOfService::Forced => "was forced",
        OutOfService::ByHand => "taken out by staff",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailee_ui::i18n::Locale;

    #[test]
    fn kinds_have_words_and_those_without_are_still_readable() {
        let page = Page::new(Locale::En, "");
        assert_eq!(kind(&page, "CompartmentForced"), "Compartment opened without permission");
        assert_eq!(kind(&page, "PersonRemoved"), "Person removed");
        assert_eq!(kind(&page, "SomethingNew"), "Something new");
    }

    #[test]
    fn an_alarm_on_a_door_outweighs_everything_and_silence_is_unknown() {
        let door = |sensed, alarm, occupied, out_of_service| DoorStatus {
            compartment: CompartmentNo(1),
            sensed,
            occupied,
            out_of_service,
            alarm,
        };
        assert_eq!(state(Some(&door(Sensed::Open, true, true, None))), CellState::Alarm);
        assert_eq!(state(Some(&door(Sensed::Closed, false, true, None))), CellState::Occupied);
        assert_eq!(
            state(Some(&door(Sensed::Closed, false, true, Some(OutOfService::ByHand)))),
            CellState::OutOfService
        );
        assert_eq!(state(None), CellState::Unknown);
    }

    #[test]
    fn ages_are_short() {
        assert_eq!([age(-5), age(12_000), age(600_000), age(90_000_000)], ["0 s", "12 s", "10 min", "25 h"]);
    }
}
