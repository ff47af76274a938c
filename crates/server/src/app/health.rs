//! The health of banks: keeps what each measures of itself, tells people of what fails, and takes it back when it is over.
//!
//! The numbers come from the bank and are judged by [`bailee_domain::health::judge`], as at the bank itself. A bank in the
//! wrong hands can lie about them; it cannot make the platform write more than [`WRITE_EVERY_MS`] allows. Start at [`heard`]; [`view`]
//! is what staff see, also of a bank that is offline.

use std::collections::BTreeSet;
use std::sync::Arc;

use bailee_domain::access::{Permission, Scope};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::health::Health;
use bailee_domain::health::judge::{Finding, Matter, judge};
use bailee_domain::health::standing::OVER_AFTER_MS;
use bailee_domain::id::BankId;
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_wire::link::{decode_health, encode_health};

use super::alarm::{self, About, Alarm};
use super::banks::{noting_denial, served};
use super::{App, AppError, Change, LiveChange, Principal};
use crate::store::StoreError;
use crate::store::tables::health::{self, FindingRow, Hour};
use crate::store::tables::{alert, bank};

/// Without news a bank's report is written so often.
const WRITE_EVERY_MS: i64 = 300_000;
/// News are written at most so often.
const NEWS_EVERY_MS: i64 = 10_000;
const HOUR_MS: i64 = 3_600_000;
/// Hours that are kept.
const HOURS: i64 = 30 * 24;

/// A bank's latest report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthLive {
    /// What it measured.
    pub report: Health,
    /// When it came.
    pub heard: WallTime,
    /// When a report was last written.
    pub written: WallTime,
    /// What was found in that one.
    found: Vec<Finding>,
}

/// What staff see of a bank's health.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthView {
    /// The latest report and when it came; none from a bank that never sent one.
    pub report: Option<(Health, WallTime)>,
    /// What is not as it should be, and since when if that is known, worst first.
    pub findings: Vec<(Finding, Option<WallTime>)>,
    /// The last thirty days, oldest hour first.
    pub hours: Vec<Hour>,
}

/// Takes a bank's report.
///
/// # Errors
/// The store's.
pub(crate) async fn heard(app: &App, id: BankId, report: Health) -> Result<(), AppError> {
    let now = app.now();
    let findings = judge(&report);
    let known = app.live().bank(id).health;
    let keys = |findings: &[Finding]| findings.iter().map(key).collect::<BTreeSet<_>>();
    let due = known.as_ref().is_none_or(|known| {
        let age = now.since_ms(known.written);
        let news = keys(&known.found) != keys(&findings);
        !(0..WRITE_EVERY_MS).contains(&age) || (news && age >= NEWS_EVERY_MS)
    });
    let (written, found) = match &known {
        Some(known) if !due => (known.written, known.found.clone()),
        _ => (now, findings.clone()),
    };
    let live = Arc::new(HealthLive { report: report.clone(), heard: now, written, found });
    app.live().update(id, |bank| bank.health = Some(live));
    if !due {
        return Ok(());
    }
    let this = app.clone();
    let told = app.change(Actor::Platform, async move |change: &Change| {
        health::put_report(&change.tx, id, &encode_health(&report), change.at).await?;
        let hour = hour_of(change.at);
        health::add(&change.tx, id, look(&report, hour), hour - HOURS).await?;
        take(&this, change, id, &findings).await
    });
    if told.await? {
        app.live().tell(LiveChange::Alerts);
    }
    Ok(())
}

fn hour_of(at: WallTime) -> i64 {
    at.unix_ms().div_euclid(HOUR_MS)
}

/// What a finding is known by: its level is part of it, so that getting worse is news.
fn key(finding: &Finding) -> (Matter, u16, &'static str, bool) {
    (finding.matter, finding.number, finding.why.name(), finding.alerts())
}

/// One look as the hour keeps it.
fn look(report: &Health, hour: i64) -> Hour {
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Hour {
        hour,
        disk_free: report.disk.map(|disk| whole(disk.free / 1_000_000)),
        temperature: report.temperatures.iter().map(|t| i64::from(t.millidegrees)).max(),
        millivolts: report.power.iter().filter_map(|s| s.millivolts).min().map(i64::from),
        charge: report.power.iter().filter_map(|s| s.charge).min().map(i64::from),
        clock_off: report.clock.offset_ms.map(i64::saturating_abs),
        failed_ppm: report.boards.iter().map(|board| i64::from(board.failed_ppm())).max(),
        open_ms: report.doors.iter().filter_map(|door| door.usual_ms).max().map(i64::from),
        backlog: Some(whole(report.backlog)),
    }
}

/// The alert of a finding: its kind, and the door if it is about one.
type Told = (String, Option<CompartmentNo>);

fn told(row: &FindingRow) -> Option<Told> {
    let door = (row.matter == Matter::Doors.name()).then_some(CompartmentNo(row.number));
    Some((row.alert.clone()?, door))
}

/// Brings what stands up to date; tells whether an alert came or went.
async fn take(app: &App, change: &Change, id: BankId, findings: &[Finding]) -> Result<bool, AppError> {
    let before = health::findings(&change.tx, id).await?;
    let mut after = Vec::new();
    for finding in findings {
        let same = |row: &&FindingRow| {
            (row.matter.as_str(), row.number, row.why.as_str())
                == (finding.matter.name(), finding.number, finding.why.name())
        };
        let known = before.iter().find(same);
        // Who was told that it is red is not told again because it is amber for a while.
        let kind = finding.alerts().then(|| kind(finding.matter).to_owned());
        after.push(FindingRow {
            matter: finding.matter.name().to_owned(),
            number: finding.number,
            why: finding.why.name().to_owned(),
            since: known.map_or(change.at, |row| row.since),
            seen: change.at,
            alert: kind.or_else(|| known.and_then(|row| row.alert.clone())),
        });
    }
    for row in &after {
        health::put_finding(&change.tx, id, row).await?;
    }
    for row in &before {
        let gone = !after
            .iter()
            .any(|new| (&new.matter, new.number, &new.why) == (&row.matter, row.number, &row.why));
        if !gone {
            continue;
        }
        if (0..OVER_AFTER_MS).contains(&change.at.since_ms(row.seen)) {
            after.push(row.clone());
        } else {
            health::drop_finding(&change.tx, id, row).await?;
        }
    }
    let (was, is): (BTreeSet<Told>, BTreeSet<Told>) =
        (before.iter().filter_map(told).collect(), after.iter().filter_map(told).collect());
    for (kind, compartment) in is.difference(&was).cloned() {
        let alarm = Alarm { about: About::Bank(id), kind, compartment, event_seq: None, at: change.at };
        alarm::raise(app, change, &alarm).await?;
    }
    for (kind, compartment) in was.difference(&is) {
        for cleared in alert::clear(&change.tx, id, kind, *compartment, change.at).await? {
            change.event(PlatformEventKind::AlertAcknowledged { alert: cleared }).await?;
        }
    }
    Ok(was != is)
}

/// The kind of alert of a matter.
const fn kind(matter: Matter) -> &'static str {
    match matter {
        Matter::Power => "HealthPower",
        Matter::Disk => "HealthDisk",
        Matter::Temperature => "HealthTemperature",
        Matter::Clock => "HealthClock",
        Matter::Doors => "HealthDoor",
        Matter::Boards | Matter::Lines => "HealthBoards",
        Matter::Guard | Matter::Readers | Matter::Sensors | Matter::Backlog => "HealthOther",
    }
}

/// An alert of this module in words.
pub(super) fn words(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "HealthPower" => "The bank's power supply or battery is failing",
        "HealthDisk" => "The bank's disk is nearly full",
        "HealthTemperature" => "The bank's controller is too hot or too cold",
        "HealthClock" => "The bank's clock is wrong",
        "HealthBoards" => "A lock board or its line fails often",
        "HealthDoor" => "opens with difficulty: its lock is wearing out",
        "HealthOther" => "The bank is not well",
        _ => return None,
    })
}

/// Shows a bank's health.
///
/// # Errors
/// [`super::Refused::NotFound`], [`super::Refused::NotAllowed`]; the store's.
pub async fn view(app: &App, principal: &Principal, id: BankId) -> Result<HealthView, AppError> {
    let (this, whose) = (app.clone(), principal.clone());
    let outcome = app
        .db()
        .read(async move |tx| {
            let found: bank::BankRow = served(&tx, this.org(), id).await?;
            whose.require(Permission::ViewBanks, Scope::Bank(id), Some(found.site))?;
            let live = this.live().bank(id).health.map(|live| (live.report.clone(), live.heard));
            let report = match live {
                Some(live) => Some(live),
                None => kept(health::report(&tx, id).await?)?,
            };
            let standing = health::findings(&tx, id).await?;
            let hours = health::hours(&tx, id, hour_of(this.now()) - HOURS).await?;
            let findings = report.as_ref().map(|(report, _)| with_since(judge(report), &standing));
            Ok(HealthView { report, findings: findings.unwrap_or_default(), hours })
        })
        .await;
    noting_denial(app, principal, outcome).await
}

/// The report as it was written; a row from before a change of its form counts as none.
fn kept(row: Option<(Vec<u8>, WallTime)>) -> Result<Option<(Health, WallTime)>, StoreError> {
    let Some((bytes, at)) = row else { return Ok(None) };
    let report = decode_health(&bytes).map_err(|_| StoreError::other("column status holds no report"))?;
    Ok(Some((report, at)))
}

fn with_since(findings: Vec<Finding>, standing: &[FindingRow]) -> Vec<(Finding, Option<WallTime>)> {
    let since = |finding: &Finding| {
        let of = |row: &&FindingRow| {
            (row.matter.as_str(), row.number, row.why.as_str())
                == (finding.matter.name(), finding.number, finding.why.name())
        };
        standing.iter().find(of).map(|row| row.since)
    };
    let mut all: Vec<_> = findings.into_iter().map(|finding| (finding, since(&finding))).collect();
    all.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.level));
    all
}
