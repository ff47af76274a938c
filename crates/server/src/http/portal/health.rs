//! A bank's health in words: what was measured, why it is not as it should be, and what to do.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::health::judge::{Finding, Level, Matter, Why, level_of};
use bailee_domain::health::{Guard, Health as Report, Part};
use bailee_domain::id::BankId;
use bailee_domain::time::{TimeQuality, WallTime};
use bailee_ui::layout::Page;

use super::gate::Who;
use super::shell::{Answer, live_shell, show};
use super::views::Section;
use super::views::health::{BankHealth, Card, Health, Spark, Trouble};
use super::words;
use crate::app::banks::{self, BankView, RosterState};
use crate::app::health::{self, HealthView};
use crate::http::Http;
use crate::http::problem::Problem;
use crate::store::tables::health::Hour;

const HOUR_MS: i64 = 3_600_000;
const MONTH_H: i64 = 720;

/// `/banks/{id}/health`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
) -> Answer {
    Ok(show(&view(&http, &who, &bank).await?))
}

/// One bank's health.
pub async fn view(http: &Http, who: &Who, bank: &str) -> Result<BankHealth, Problem> {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let (principal, page) = (&who.session()?.principal, who.page());
    let found = banks::view(http.app(), principal, id).await?;
    let measured = health::view(http.app(), principal, id).await?;
    Ok(BankHealth {
        shell: live_shell(http, who, Section::Banks).await?,
        bank: id.to_string(),
        name: found.summary.name.clone(),
        health: shown(&page, http.app().now(), &found, &measured),
        page,
    })
}

/// Everything about a bank's health, worst first.
pub fn shown(page: &Page, now: WallTime, bank: &BankView, health: &HealthView) -> Health {
    let mut cards = vec![link(page, now, bank)];
    if let Some((report, _)) = &health.report {
        let first = now.unix_ms().div_euclid(HOUR_MS) - MONTH_H;
        let card = |matter| of_matter(page, matter, (report, health), first);
        cards.extend(Matter::ALL.iter().filter_map(|matter| card(*matter)));
        cards.push(keys(page, report));
        cards.push(software(page, report));
    }
    cards.push(roster(page, bank));
    cards.sort_by_key(|card| std::cmp::Reverse(card.level));
    let measured_at = health.report.as_ref().map(|(_, heard)| words::time(*heard));
    Health {
        is_old: measured_at.is_some() && !bank.summary.online,
        measured_at: measured_at.unwrap_or_default(),
        cards,
    }
}

fn plain(name: &'static str, level: Level, measured: Vec<String>) -> Card {
    Card { name, level, measured, troubles: Vec::new(), spark: None }
}

fn link(page: &Page, now: WallTime, bank: &BankView) -> Card {
    let bank = &bank.summary;
    if bank.online {
        return plain("health-link", Level::Good, vec![page.t("link-online")]);
    }
    let Some(heard) = bank.last_heard else {
        return plain("health-link", Level::Note, vec![page.t("link-never")]);
    };
    let trouble = Trouble {
        subject: String::new(),
        what: page.t("why-link"),
        since: words::time(heard),
        means: page.t("why-link-means"),
        advice: page.t("why-link-do"),
    };
    let card = plain("health-link", Level::Red, vec![words::age(now.since_ms(heard))]);
    Card { troubles: vec![trouble], ..card }
}

fn roster(page: &Page, bank: &BankView) -> Card {
    match bank.roster {
        RosterState::Current => plain("health-roster", Level::Good, vec![page.t("roster-current")]),
        RosterState::Behind => plain("health-roster", Level::Note, vec![page.t("roster-behind")]),
    }
}

fn keys(page: &Page, report: &Report) -> Card {
    let pins = page.t1("measured-keys", "pins", report.link.pins.to_string());
    plain("health-keys", Level::Good, vec![pins])
}

fn software(page: &Page, report: &Report) -> Card {
    let up = words::age(i64::try_from(report.up_s).unwrap_or(i64::MAX).saturating_mul(1_000));
    let said = page.t2("measured-up", "version", report.software.as_str(), "up", up);
    plain("health-software", Level::Good, vec![said])
}

/// The card of a matter; none where the bank has nothing of the kind.
fn of_matter(
    page: &Page,
    matter: Matter,
    (report, health): (&Report, &HealthView),
    first: i64,
) -> Option<Card> {
    let of: Vec<_> = health.findings.iter().filter(|(finding, _)| finding.matter == matter).collect();
    let measured = measured(page, matter, report);
    if measured.is_empty() && of.is_empty() {
        return None;
    }
    let plain: Vec<Finding> = of.iter().map(|(finding, _)| *finding).collect();
    Some(Card {
        name: name(matter),
        level: level_of(&plain, matter),
        measured,
        troubles: of.iter().map(|(finding, since)| trouble(page, finding, *since)).collect(),
        spark: spark(page, matter, &health.hours, first),
    })
}

const fn name(matter: Matter) -> &'static str {
    match matter {
        Matter::Power => "health-power",
        Matter::Disk => "health-disk",
        Matter::Temperature => "health-temperature",
        Matter::Clock => "health-clock",
        Matter::Guard => "health-guard",
        Matter::Boards => "health-boards",
        Matter::Lines => "health-lines",
        Matter::Doors => "health-doors",
        Matter::Readers => "health-readers",
        Matter::Sensors => "health-sensors",
        Matter::Backlog => "health-backlog",
    }
}

fn measured(page: &Page, matter: Matter, report: &Report) -> Vec<String> {
    match matter {
        Matter::Power => report.power.iter().map(supply).collect(),
        Matter::Disk => {
            let disk = |disk: bailee_domain::health::Disk| {
                page.t2(
                    "measured-disk",
                    "free",
                    tenths(disk.free / 100_000_000),
                    "total",
                    tenths(disk.total / 100_000_000),
                )
            };
            report.disk.map(disk).into_iter().collect()
        }
        Matter::Temperature => {
            let one =
                |t: &bailee_domain::health::Temperature| format!("{}: {}", t.name, degrees(t.millidegrees));
            report.temperatures.iter().map(one).collect()
        }
        Matter::Clock => clock(page, report),
        Matter::Guard => vec![page.t(guard(report.guard))],
        Matter::Boards => boards(page, report),
        Matter::Lines => lines(page, report),
        Matter::Doors => doors(page, report),
        Matter::Readers => parts(page, &report.readers),
        Matter::Sensors => parts(page, &report.sensors),
        Matter::Backlog => vec![report.backlog.to_string()],
    }
}

fn supply(supply: &bailee_domain::health::Supply) -> String {
    let volts = supply.millivolts.map(|mv| format!("{} V", tenths(u64::from(mv) / 100)));
    let charge = supply.charge.map(|percent| format!("{percent} %"));
    let told: Vec<String> = volts.into_iter().chain(charge).collect();
    if told.is_empty() { supply.name.clone() } else { format!("{}: {}", supply.name, told.join(", ")) }
}

fn clock(page: &Page, report: &Report) -> Vec<String> {
    let quality = match report.clock.quality {
        TimeQuality::Trusted => "clock-trusted",
        TimeQuality::Holdover => "clock-holdover",
        TimeQuality::Degraded => "clock-degraded",
    };
    let off = report.clock.offset_ms.map(|ms| page.t1("measured-clock", "off", seconds(ms)));
    std::iter::once(page.t(quality)).chain(off).collect()
}

const fn guard(guard: Guard) -> &'static str {
    match guard {
        Guard::None => "guard-none",
        Guard::InOrder => "guard-in-order",
        Guard::Silent => "guard-silent",
        Guard::Restored => "guard-restored",
    }
}

fn boards(page: &Page, report: &Report) -> Vec<String> {
    if report.boards.is_empty() {
        return Vec::new();
    }
    let answering = report.boards.iter().filter(|board| !board.silent).count();
    let all = report.boards.len();
    let sum = |of: fn(&bailee_domain::health::BoardFigures) -> u32| {
        report.boards.iter().map(|board| u64::from(of(board))).sum::<u64>().to_string()
    };
    let (failed, requests) = (sum(|board| board.failed), sum(|board| board.requests));
    vec![
        page.t2("measured-boards", "answering", answering.to_string(), "all", all.to_string()),
        page.t2("measured-boards-errors", "failed", failed, "requests", requests),
    ]
}

fn lines(page: &Page, report: &Report) -> Vec<String> {
    if report.lines.is_empty() {
        return Vec::new();
    }
    let losses: u64 = report.lines.iter().map(|line| u64::from(line.losses)).sum();
    let bad: u64 = report.lines.iter().map(|line| u64::from(line.bad_frames)).sum();
    vec![page.t2("measured-lines", "losses", losses.to_string(), "bad", bad.to_string())]
}

fn doors(page: &Page, report: &Report) -> Vec<String> {
    if report.doors.is_empty() {
        return vec![page.t("measured-doors-none")];
    }
    let opened: u64 = report.doors.iter().map(|door| u64::from(door.opened)).sum();
    let tried: u64 = report.doors.iter().map(|door| u64::from(door.tried)).sum();
    vec![page.t2("measured-doors", "opened", opened.to_string(), "tried", tried.to_string())]
}

fn parts(page: &Page, parts: &[Part]) -> Vec<String> {
    if parts.is_empty() {
        return Vec::new();
    }
    let answering = parts.iter().filter(|part| part.answers).count();
    vec![page.t2("measured-parts", "answering", answering.to_string(), "all", parts.len().to_string())]
}

fn trouble(page: &Page, finding: &Finding, since: Option<WallTime>) -> Trouble {
    let n = finding.number.to_string();
    let subject = match finding.matter {
        Matter::Boards => page.t1("subject-boards", "n", n),
        Matter::Lines => page.t1("subject-lines", "n", n),
        Matter::Doors => page.t1("subject-doors", "n", n),
        Matter::Readers | Matter::Sensors => page.t1("subject-part", "n", n),
        _ => String::new(),
    };
    let key = format!("why-{}", finding.why.name());
    let (a, b) = values(page, finding.why);
    Trouble {
        subject,
        what: page.t2(&key, "a", a, "b", b),
        since: words::time_opt(since),
        means: page.t(&format!("{key}-means")),
        advice: page.t(&format!("{key}-do")),
    }
}

/// The numbers a reason's words carry.
fn values(page: &Page, why: Why) -> (String, String) {
    let one = |a: String| (a, String::new());
    match why {
        Why::DiskLow { free, total } => ((free / 1_000_000).to_string(), (total / 1_000_000).to_string()),
        Why::OnBattery { charge } => {
            one(charge.map_or_else(|| page.t("measured-nothing"), |percent| format!("{percent} %")))
        }
        Why::BatteryLow { charge } => one(charge.to_string()),
        Why::VoltageLow { now, least } => (tenths(u64::from(now) / 100), tenths(u64::from(least) / 100)),
        Why::Hot(mc) | Why::Cold(mc) => one((mc / 1_000).to_string()),
        Why::ClockOff(ms) => one(seconds(ms)),
        Why::BoardErrors { failed, requests } => (failed.to_string(), requests.to_string()),
        Why::LineTroubled { losses, bad_frames } => (losses.to_string(), bad_frames.to_string()),
        Why::DoorMisses { missed, tried } => (missed.to_string(), tried.to_string()),
        Why::DoorSlower { from_ms, to_ms, .. } => (from_ms.to_string(), to_ms.to_string()),
        Why::Backlog(events) => one(events.to_string()),
        Why::TimeUntrusted
        | Why::NoGuard
        | Why::GuardSilent
        | Why::DiskRestored
        | Why::BoardSilent
        | Why::PartSilent(_) => one(String::new()),
    }
}

/// The last thirty days of what says most about a matter.
fn spark(page: &Page, matter: Matter, hours: &[Hour], first: i64) -> Option<Spark> {
    let has_volts = hours.iter().any(|hour| hour.millivolts.is_some());
    let of: fn(&Hour) -> Option<i64> = match matter {
        Matter::Power if has_volts => |hour| hour.millivolts,
        Matter::Power => |hour| hour.charge,
        Matter::Disk => |hour| hour.disk_free,
        Matter::Temperature => |hour| hour.temperature,
        Matter::Clock => |hour| hour.clock_off,
        Matter::Boards => |hour| hour.failed_ppm,
        Matter::Doors => |hour| hour.open_ms,
        Matter::Backlog => |hour| hour.backlog,
        Matter::Guard | Matter::Lines | Matter::Readers | Matter::Sensors => return None,
    };
    let values: Vec<(i64, i64)> = hours.iter().filter_map(|hour| Some((hour.hour, of(hour)?))).collect();
    let unit = |value: i64| match matter {
        Matter::Power if has_volts => format!("{}.{} V", value / 1_000, value % 1_000 / 100),
        Matter::Power => format!("{value} %"),
        Matter::Disk => format!("{} GB", tenths(u64::try_from(value / 100).unwrap_or(0))),
        Matter::Temperature => degrees(i32::try_from(value).unwrap_or(i32::MAX)),
        Matter::Clock => format!("{} s", seconds(value)),
        Matter::Boards => format!("{}.{:02} %", value / 10_000, value % 10_000 / 100),
        Matter::Doors => format!("{value} ms"),
        _ => value.to_string(),
    };
    let label = |low, high| page.t2("health-month", "low", unit(low), "high", unit(high));
    Spark::of(&values, (first, MONTH_H), label)
}

/// A number of tenths with its decimal.
fn tenths(n: u64) -> String {
    format!("{}.{}", n / 10, n % 10)
}

/// Milliseconds as seconds with one decimal.
fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "−" } else { "" };
    format!("{sign}{}", tenths(ms.unsigned_abs() / 100))
}

fn degrees(millidegrees: i32) -> String {
    let sign = if millidegrees < 0 { "−" } else { "" };
    format!("{sign}{} °C", tenths(u64::from(millidegrees.unsigned_abs()) / 100))
}
