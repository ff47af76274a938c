//! `/banks/{id}/lockdown`, `/banks/{id}/round` and `/settings/lockdown`: lockdown by hand, what was seen on a round, the policy.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use bailee_domain::access::Permission;
use bailee_domain::bank::screen::LockdownShown;
use bailee_domain::compartment::{CompartmentNo, Sensed};
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::lockdown::{Area, Cause, Exercise, Grade, ReleaseFrom, Releasers};
use bailee_domain::tamper::Tamper;
use bailee_domain::truth::{Commanded, Confidence, Doubt, Fact, Occupied, Seen, Truth};
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::Page;
use bailee_wire::event::time_text;

use super::form::{Form, Query};
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, shell, show};
use super::views::Section;
use super::views::lockdown::{Guard, Held, Locked, PolicyPage, Round, RoundDoor, RuleLine, TruthLine};
use super::words::{self, Names};
use crate::app::banks::{self, BankSummary};
use crate::app::lockdown::{self, BeginLockdown, PolicyInput, Released};
use crate::app::{FieldError, Principal, Refused};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

const MINUTES: [u64; 5] = [15, 60, 240, 1_440, 10_080];

/// What a bank's lockdowns amount to.
pub fn locked(bank: &BankSummary) -> Locked {
    let holds = |l: &LockdownShown| {
        l.exercise != Exercise::Drill && matches!(l.grade, Grade::HoldZone | Grade::HoldAll)
    };
    match bank.live.lockdowns.as_slice() {
        [] => Locked::No,
        held if held.iter().any(holds) => Locked::Holds,
        _ => Locked::Watched,
    }
}

/// The lockdown card of a bank.
pub fn guard(page: &Page, principal: &Principal, names: &Names, bank: &BankSummary) -> Guard {
    let held = bank.live.lockdowns.iter().map(|lockdown| held(page, names, lockdown)).collect();
    let mut tampers: Vec<String> =
        bank.live.tampers.iter().map(|(_, tamper)| page.t(tamper_key(*tamper))).collect();
    tampers.dedup();
    let columns = bank.layout.iter().flat_map(|layout| layout.iter().map(|c| c.column));
    let columns: std::collections::BTreeSet<u16> = columns.collect();
    let doors = bank.layout.iter().flat_map(|layout| layout.iter().map(|c| c.number));
    let mut areas =
        vec![Choice::new("bank", page.t("lockdown-area-bank")), Choice::new("site", page.t("lockdown-site"))];
    let zone = |column| Choice::new(format!("zone-{column}"), area(page, Area::Zone(column)));
    areas.extend(columns.into_iter().map(zone));
    areas.extend(doors.map(|door| Choice::new(format!("door-{}", door.0), area(page, Area::Door(door)))));
    let minutes = |minutes: u64| {
        let text = match minutes {
            0..120 => page.t1("lockdown-minutes", "minutes", minutes.to_string()),
            _ => page.t1("lockdown-hours", "hours", (minutes / 60).to_string()),
        };
        Choice::new(minutes.to_string(), text)
    };
    Guard {
        may: Access::Needs(Permission::OperateBanks).admits(principal),
        held,
        tampers,
        areas,
        grades: Grade::ALL
            .into_iter()
            .rev()
            .map(|grade| Choice::new(grade.name(), grade_text(page, grade)))
            .collect(),
        exercises: vec![
            Choice::new("real", page.t("lockdown-real")),
            Choice::new("drill", page.t("lockdown-drill-free")),
            Choice::new("holding-drill", page.t("lockdown-drill-holds")),
        ],
        lasts: MINUTES.into_iter().map(minutes).collect(),
        area: Field::new("bank"),
        grade: Field::new(Grade::HoldAll.name()),
        exercise: Field::new("real"),
        minutes: Field::new("60"),
    }
}

/// Everybody a bank's lockdowns name.
pub fn people_of(bank: &BankSummary) -> Vec<PersonId> {
    bank.live
        .lockdowns
        .iter()
        .flat_map(|lockdown| lockdown.owner.into_iter().chain(lockdown.agreed))
        .collect()
}

fn held(page: &Page, names: &Names, l: &LockdownShown) -> Held {
    let by = l.owner.map(|person| format!(" · {} {}", page.t("lockdown-begun-by"), names.person(person)));
    Held {
        number: l.lockdown,
        what: format!("{} · {}", grade_text(page, l.grade), area(page, l.area)),
        why: page.t(&format!("lockdown-cause-{}", l.cause.name())) + &by.unwrap_or_default(),
        ends: page.t1("lockdown-ends-in", "minutes", l.left_min.to_string()),
        drill: l.exercise.is_drill(),
        holds: matches!(l.grade, Grade::HoldZone | Grade::HoldAll),
        agreed: l.agreed.map(|person| names.person(person)).unwrap_or_default(),
    }
}

fn grade_text(page: &Page, grade: Grade) -> String {
    page.t(&format!("lockdown-grade-{}", grade.name()))
}

fn area(page: &Page, area: Area) -> String {
    match area {
        Area::Door(number) => page.t1("lockdown-area-door", "number", number.to_string()),
        Area::Zone(column) => page.t1("lockdown-area-zone", "number", (u32::from(column) + 1).to_string()),
        Area::Bank => page.t("lockdown-area-bank"),
    }
}

const fn tamper_key(tamper: Tamper) -> &'static str {
    match tamper {
        Tamper::Opened => "tamper-opened",
        Tamper::Lost => "tamper-lost",
        Tamper::Impact => "tamper-impact",
        Tamper::Pry => "tamper-pry",
        Tamper::Drill => "tamper-drill",
        Tamper::Saw => "tamper-saw",
        Tamper::Silent => "tamper-silent",
        Tamper::BadFrames => "tamper-bad-frames",
        Tamper::Unsolicited => "tamper-unsolicited",
        Tamper::Downgraded => "tamper-downgraded",
        Tamper::CaseOpened => "tamper-case-opened",
        Tamper::Bouncing => "tamper-bouncing",
        Tamper::BothWays => "tamper-both-ways",
        Tamper::Crossed => "tamper-crossed",
        Tamper::Unsteady => "tamper-unsteady",
        Tamper::StaysShut => "tamper-stays-shut",
    }
}

/// The four states of a compartment and the doubt about it, as keys.
pub fn truth(bank: &BankSummary, number: CompartmentNo) -> (Vec<TruthLine>, &'static str) {
    let Some(truth) = bank.live.truth.iter().find(|truth| truth.compartment == number) else {
        return (Vec::new(), "");
    };
    let commanded = match truth.commanded.value {
        Commanded::Nothing => "truth-nothing",
        Commanded::Opening => "truth-opening",
        Commanded::Opened => "truth-opened",
        Commanded::DidNotOpen => "truth-did-not-open",
    };
    let lines = vec![
        line("truth-commanded", commanded, &truth.commanded),
        line("truth-latch", sensed(truth.latch.value), &truth.latch),
        line("truth-door", sensed(truth.door.value), &truth.door),
        line("truth-occupancy", occupied(truth), &truth.occupancy),
    ];
    (lines, doubt(truth.doubt))
}

fn line<T>(name: &'static str, value: &'static str, fact: &Fact<T>) -> TruthLine {
    let sure = match fact.confidence {
        Confidence::Unknown => "truth-nobody-knows",
        Confidence::Doubtful => "truth-doubtful",
        Confidence::Likely => "truth-likely",
        Confidence::Sure => "truth-sure",
    };
    TruthLine { name, value, sure, since: fact.since.map(time_text).unwrap_or_default() }
}

const fn sensed(sensed: Sensed) -> &'static str {
    match sensed {
        Sensed::Closed => "truth-closed",
        Sensed::Open => "truth-open",
        Sensed::Unknown => "truth-unknown",
    }
}

const fn occupied(truth: &Truth) -> &'static str {
    match truth.occupancy.value {
        Occupied::Empty => "truth-empty",
        Occupied::Full => "truth-full",
    }
}

const fn doubt(doubt: Option<Doubt>) -> &'static str {
    match doubt {
        None => "",
        Some(Doubt::Missing) => "doubt-missing",
        Some(Doubt::Unexpected) => "doubt-unexpected",
        Some(Doubt::Interrupted) => "doubt-interrupted",
        Some(Doubt::Cancelled) => "doubt-cancelled",
    }
}

fn bank_id(bank: &str) -> Result<BankId, Problem> {
    bank.parse().map_err(|_| Problem::not_found())
}

fn unknown(field: &'static str) -> Problem {
    Refused::Invalid(vec![FieldError { field, code: "unknown" }]).into()
}

/// `/banks/{id}/lockdown`, posted.
pub async fn begin(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id = bank_id(&bank)?;
    let (site, area) = match form.text("area").split_once('-') {
        None if form.text("area") == "site" => (true, Area::Bank),
        None if form.text("area") == "bank" => (false, Area::Bank),
        Some(("zone", n)) => (false, Area::Zone(n.parse().map_err(|_| unknown("area"))?)),
        Some(("door", n)) => (false, Area::Door(CompartmentNo(n.parse().map_err(|_| unknown("area"))?))),
        _ => return Err(unknown("area")),
    };
    let wanted = BeginLockdown {
        area,
        grade: Grade::from_name(form.text("grade")).ok_or_else(|| unknown("grade"))?,
        exercise: match form.text("exercise") {
            "real" => Exercise::Real,
            "drill" => Exercise::Drill,
            "holding-drill" => Exercise::HoldingDrill,
            _ => return Err(unknown("exercise")),
        },
        lasts_s: form.read::<u64>("minutes").ok_or_else(|| unknown("minutes"))?.saturating_mul(60),
    };
    let (app, ask, principal) = (http.app(), http.ask(), &who.session()?.principal);
    let begun = match site {
        true => lockdown::begin_everywhere(app, ask, principal, wanted).await.map(|missed| missed == 0),
        false => lockdown::begin(app, ask, principal, id, wanted).await.map(|()| true),
    };
    let at = format!("/banks/{id}");
    match begun {
        Ok(true) => Ok(Done::LockdownBegun.at(&at)),
        Ok(false) => Ok(Done::LockdownPartly.at(&at)),
        Err(error) => cannot(error, &at),
    }
}

/// `/banks/{id}/lockdown/{no}/release`, posted.
pub async fn release(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((bank, number)): Path<(String, u64)>,
) -> Answer {
    let id = bank_id(&bank)?;
    let at = format!("/banks/{id}");
    match lockdown::release(http.app(), http.ask(), &who.session()?.principal, id, number).await {
        Ok(Released::Ended) => Ok(Done::LockdownReleased.at(&at)),
        Ok(Released::NeedsAnother) => Ok(Done::LockdownNeedsAnother.at(&at)),
        Err(error) => cannot(error, &at),
    }
}

/// `/banks/{id}/siren`, posted.
pub async fn silence(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
) -> Answer {
    let id = bank_id(&bank)?;
    let at = format!("/banks/{id}");
    match lockdown::silence(http.app(), http.ask(), &who.session()?.principal, id).await {
        Ok(()) => Ok(Done::SirenSilenced.at(&at)),
        Err(error) => cannot(error, &at),
    }
}

/// `/banks/{id}/round`
pub async fn round(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
) -> Answer {
    let id = bank_id(&bank)?;
    let found = banks::view(http.app(), &who.session()?.principal, id).await?.summary;
    let map = words::card(&found, "").map;
    let page = who.page();
    let door = |number: CompartmentNo| {
        let truth = found.live.truth.iter().find(|truth| truth.compartment == number);
        RoundDoor {
            number: number.0,
            name: map.door_name(page.texts, number.0),
            believed: truth.map_or("truth-unknown", occupied),
            doubt: truth.map_or("", |truth| doubt(truth.doubt)),
        }
    };
    let mut doors: Vec<RoundDoor> =
        found.layout.iter().flat_map(|layout| layout.iter().map(|c| door(c.number))).collect();
    doors.sort_by_key(|door| (door.doubt.is_empty(), door.number));
    let shell = shell(&http, &who, Section::Banks).await?;
    Ok(show(&Round { shell, id: id.to_string(), name: found.name.clone(), doors, page }))
}

/// `/banks/{id}/round`, posted.
pub async fn tell_round(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id = bank_id(&bank)?;
    let (app, principal) = (http.app(), &who.session()?.principal);
    let found = banks::view(app, principal, id).await?.summary;
    let mut seen = Vec::new();
    for built in found.layout.iter().flat_map(|layout| layout.iter()) {
        seen.extend(match form.text(&format!("door-{}", built.number.0)) {
            "empty" => Some((built.number, Seen::Empty)),
            "full" => Some((built.number, Seen::Full)),
            "cannot-tell" => Some((built.number, Seen::CannotTell)),
            _ => None,
        });
    }
    let at = format!("/banks/{id}");
    match lockdown::tell_seen(app, http.ask(), principal, id, seen).await {
        Ok(()) => Ok(Done::RoundTold.at(&at)),
        Err(error) => cannot(error, &at),
    }
}

/// `/settings/lockdown`
pub async fn policy(State(http): State<Http>, Extension(who): Extension<Who>, Query(_): Query) -> Answer {
    policy_page(&http, &who, String::new()).await
}

async fn policy_page(http: &Http, who: &Who, code: String) -> Answer {
    let found = lockdown::policy(http.app(), &who.session()?.principal).await?;
    let page = who.page();
    let rule = |cause: Cause| {
        let rule = found.rules.iter().find(|rule| rule.cause == cause);
        RuleLine {
            cause: cause.name(),
            grade: Field::new(rule.map_or("", |rule| rule.grade.name())),
            minutes: Field::new(rule.map_or(60, |rule| rule.lasts_s / 60).to_string()),
        }
    };
    let mut grades = vec![Choice::new("", page.t("lockdown-nothing"))];
    grades.extend(Grade::ALL.into_iter().map(|grade| Choice::new(grade.name(), grade_text(&page, grade))));
    Ok(show(&PolicyPage {
        shell: shell(http, who, Section::Settings).await?,
        releasers: Field::new(if found.releasers == Releasers::Two { "2" } else { "1" }),
        releasers_choices: vec![
            Choice::new("1", page.t("lockdown-one")),
            Choice::new("2", page.t("lockdown-two")),
        ],
        release_from: Field::new(if found.release_from == ReleaseFrom::Kiosk { "kiosk" } else { "anywhere" }),
        release_choices: vec![
            Choice::new("anywhere", page.t("lockdown-from-anywhere")),
            Choice::new("kiosk", page.t("lockdown-from-kiosk")),
        ],
        siren_s: Field::new(found.siren_s.to_string()),
        grades,
        rules: Cause::AUTOMATIC.into_iter().map(rule).collect(),
        code,
        page,
    }))
}

/// `/settings/lockdown`, posted.
pub async fn change_policy(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    let rule = |cause: Cause| {
        let grade = Grade::from_name(form.text(&format!("grade-{}", cause.name())))?;
        Some((cause, grade, form.read(&format!("minutes-{}", cause.name())).unwrap_or(0)))
    };
    let input = PolicyInput {
        releasers: if form.text("releasers") == "2" { Releasers::Two } else { Releasers::One },
        release_from: match form.text("release_from") {
            "kiosk" => ReleaseFrom::Kiosk,
            _ => ReleaseFrom::Anywhere,
        },
        siren_s: form.read("siren_s").ok_or_else(|| unknown("siren_s"))?,
        rules: Cause::AUTOMATIC.into_iter().filter_map(rule).collect(),
    };
    lockdown::change_policy(http.app(), &who.session()?.principal, input).await?;
    Ok(Done::SettingsSaved.at("/settings/lockdown"))
}

/// `/settings/kiosk-code`, posted: a new code for the caller, shown this once.
pub async fn kiosk_code(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    match lockdown::issue_staff_code(http.app(), &who.session()?.principal).await {
        Ok(code) => {
            let (first, last) = code.expose().split_at(code.expose().len() / 2);
            let shown: Response = policy_page(&http, &who, format!("{first} {last}")).await?;
            Ok(shown)
        }
        Err(error) => cannot(error, "/settings/lockdown"),
    }
}
