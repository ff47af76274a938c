//! `/banks/{id}/commission` and `/settings/commissioning`: a bank's way into use, and what a site demands.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::access::Permission;
use bailee_domain::commissioning::{Part, PartState};
use bailee_domain::hardware::{Demands, Entry, Item, Shortfall};
use bailee_domain::id::BankId;
use bailee_ui::form::Field;
use bailee_ui::layout::Page;
use bailee_wire::event::time_text;

use super::form::Form;
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, shell, show};
use super::views::Section;
use super::views::commission::{DemandLine, DemandsPage, Finding, ItemLine, Progress, Step, Wizard};
use crate::app::commissioning::{self, How, Standing};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

fn bank_id(bank: &str) -> Result<BankId, Problem> {
    bank.parse().map_err(|_| Problem::not_found())
}

/// `/banks/{id}/commission`
pub async fn wizard(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
) -> Answer {
    let principal = &who.session()?.principal;
    let found = commissioning::view(http.app(), principal, bank_id(&bank)?).await?;
    let page = who.page();
    let attested = found.attested.map(|(by, at)| (by.to_string(), time_text(at)));
    Ok(show(&Wizard {
        shell: shell(&http, &who, Section::Banks).await?,
        id: found.bank.to_string(),
        in_service: found.in_service(),
        standing: standing(&page, &found),
        steps: steps(&found),
        findings: findings(&page, &found),
        items: items(&page, &found),
        attested: attested.unwrap_or_default(),
        shortfalls: found.shortfalls.iter().map(|short| shortfall(&page, *short)).collect(),
        may_record: Access::Needs(Permission::OperateBanks).admits(principal),
        may_decide: found.enrolled && Access::Needs(Permission::EnrolBanks).admits(principal),
        demanded: !found.demands.is_nothing(),
        accepted: found.acceptance.is_some(),
        reason: Field::default(),
        name: found.name,
        page,
    }))
}

fn standing(page: &Page, found: &Standing) -> String {
    match &found.acceptance {
        _ if found.demands.is_nothing() => page.t("commission-standing-free"),
        None => page.t("commission-standing-waits"),
        Some(acceptance) => match acceptance.how {
            How::Earlier => page.t("commission-standing-earlier"),
            How::Accepted => page.t("commission-standing-accepted"),
            How::Excepted => page.t1("commission-standing-excepted", "reason", acceptance.reason.clone()),
        },
    }
}

fn steps(found: &Standing) -> Vec<Step> {
    let walked = &found.walked;
    let of = |(good, all): (usize, usize)| match all {
        0 => (Progress::Waits, String::new()),
        _ if good == all => (Progress::Done, format!("{good} / {all}")),
        _ => (Progress::Wrong, format!("{good} / {all}")),
    };
    let step = |name, (progress, says)| Step { progress, name, says };
    let done = |so: bool| (if so { Progress::Done } else { Progress::Waits }, String::new());
    let others: Vec<PartState> = walked
        .parts
        .iter()
        .filter(|(part, _)| !matches!(part, Part::Board(_)))
        .map(|(_, state)| *state)
        .collect();
    let sound = others.iter().filter(|state| **state != PartState::Faulty).count();
    let recorded = found.hardware.values().filter(|entry| !entry.value.is_empty()).count();
    let hardware = match recorded {
        0 => (Progress::Waits, String::new()),
        _ => {
            let short = found.shortfalls.iter().any(|short| {
                matches!(short, Shortfall::Missing(_) | Shortfall::TooWeak(_) | Shortfall::NoEvidence(_))
            });
            let progress = if short { Progress::Wrong } else { Progress::Done };
            (progress, format!("{recorded} / {}", Item::ALL.len()))
        }
    };
    vec![
        step("commission-step-enrol", done(found.enrolled)),
        step("commission-step-boards", of(walked.boards())),
        step("commission-step-doors", of(walked.proved())),
        step("commission-step-parts", of((sound, others.len()))),
        step("commission-step-end", done(walked.ended.is_some())),
        step("commission-step-hardware", hardware),
        step("commission-step-verdict", done(found.in_service())),
    ]
}

fn findings(page: &Page, found: &Standing) -> Vec<Finding> {
    let doors = found.walked.doors.iter().filter(|(_, door)| door.found.is_fault()).map(|(lock, door)| {
        let (board, channel) = (lock.board.to_string(), lock.channel.to_string());
        let place = page.t2("commission-place", "board", board, "channel", channel);
        Finding { place, what: page.t(&format!("commission-found-{}", door.found.name())) }
    });
    let parts = found.walked.parts.iter().filter(|(_, state)| **state == PartState::Faulty);
    let parts = parts.map(|(part, _)| {
        let (key, number) = part_key(*part);
        Finding {
            place: page.t1(key, "number", number.map_or_else(String::new, |number| number.to_string())),
            what: page.t("commission-part-faulty"),
        }
    });
    doors.chain(parts).collect()
}

const fn part_key(part: Part) -> (&'static str, Option<u8>) {
    match part {
        Part::Line(n) => ("part-line", Some(n)),
        Part::Board(n) => ("part-board", Some(n)),
        Part::Reader(n) => ("part-reader", Some(n)),
        Part::Enclosure(n) => ("part-enclosure", Some(n)),
        Part::PrySwitch(n) => ("part-pry", Some(n)),
        Part::Vibration(n) => ("part-vibration", Some(n)),
        Part::Camera => ("part-camera", None),
        Part::Clock => ("part-clock", None),
        Part::Identity => ("part-identity", None),
        Part::Tpm => ("part-tpm", None),
        Part::Supply => ("part-supply", None),
    }
}

fn items(page: &Page, found: &Standing) -> Vec<ItemLine> {
    let line = |item: Item| {
        let entry = found.hardware.get(&item).cloned().unwrap_or_default();
        let wants = match found.demands.items.get(&item) {
            None => String::new(),
            Some(number) if item.is_measured() => {
                page.t1(&format!("hardware-wants-{}", item.name()), "number", number.to_string())
            }
            Some(_) => page.t("hardware-wanted"),
        };
        let (value, evidence) = (Field::new(entry.value), Field::new(entry.evidence));
        ItemLine { name: item.name(), value, evidence, wants }
    };
    Item::ALL.into_iter().map(line).collect()
}

fn shortfall(page: &Page, short: Shortfall) -> String {
    let item = |key: &str, item: Item| page.t1(key, "item", page.t(&format!("hardware-{}", item.name())));
    match short {
        Shortfall::NotCommissioned => page.t("commission-short-not-commissioned"),
        Shortfall::Faults(count) => page.t1("commission-short-faults", "count", count.to_string()),
        Shortfall::Missing(what) => item("commission-short-missing", what),
        Shortfall::TooWeak(what) => item("commission-short-too-weak", what),
        Shortfall::NoEvidence(what) => item("commission-short-no-evidence", what),
    }
}

/// `/banks/{id}/hardware`, posted.
pub async fn hardware(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id = bank_id(&bank)?;
    let entry = |item: Item| {
        let text = |what: &str| form.text(&format!("{what}-{}", item.name())).trim().to_owned();
        let entry = Entry { value: text("value"), evidence: text("evidence") };
        (!entry.value.is_empty()).then_some((item, entry))
    };
    let record = Item::ALL.into_iter().filter_map(entry).collect();
    let at = format!("/banks/{id}/commission");
    match commissioning::record_hardware(http.app(), &who.session()?.principal, id, record).await {
        Ok(()) => Ok(Done::HardwareRecorded.at(&at)),
        Err(error) => cannot(error, &at),
    }
}

/// `/banks/{id}/accept`, posted.
pub async fn accept(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id = bank_id(&bank)?;
    let at = format!("/banks/{id}/commission");
    match commissioning::accept(http.app(), &who.session()?.principal, id, form.text("reason")).await {
        Ok(How::Excepted) => Ok(Done::BankExcepted.at(&at)),
        Ok(_) => Ok(Done::BankAccepted.at(&at)),
        Err(error) => cannot(error, &at),
    }
}

/// `/banks/{id}/withdraw`, posted.
pub async fn withdraw(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
) -> Answer {
    let id = bank_id(&bank)?;
    commissioning::withdraw(http.app(), &who.session()?.principal, id).await?;
    Ok(Done::BankWithdrawn.at(&format!("/banks/{id}/commission")))
}

/// `/settings/commissioning`
pub async fn demands(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    let found = commissioning::demands(http.app(), &who.session()?.principal).await?;
    let usual = Demands::usual();
    let line = |item: Item| {
        let wanted = found.items.get(&item);
        let number = wanted.or_else(|| usual.items.get(&item)).copied().unwrap_or_default();
        let number = item.is_measured().then(|| Field::new(number.to_string()));
        DemandLine { name: item.name(), wanted: wanted.is_some(), number }
    };
    Ok(show(&DemandsPage {
        shell: shell(&http, &who, Section::Settings).await?,
        demanded: !found.is_nothing(),
        commissioned: found.commissioned,
        evidence: found.evidence,
        items: Item::ALL.into_iter().map(line).collect(),
        page: who.page(),
    }))
}

/// `/settings/commissioning`, posted.
pub async fn change_demands(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    let wanted = |item: Item| {
        let on = form.text(&format!("want-{}", item.name())) == "on";
        on.then(|| (item, form.read(&format!("number-{}", item.name())).unwrap_or_default()))
    };
    let demands = Demands {
        commissioned: form.text("commissioned") == "on",
        evidence: form.text("evidence") == "on",
        items: Item::ALL.into_iter().filter_map(wanted).collect(),
    };
    commissioning::change_demands(http.app(), &who.session()?.principal, demands).await?;
    Ok(Done::SettingsSaved.at("/settings/commissioning"))
}
