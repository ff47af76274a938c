//! `/witnesses`: who vouches for the custody log, how far, and what they refused.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse as _;
use bailee_domain::time::WallTime;
use bailee_ui::layout::{Page, Tone};

use super::banks;
use super::gate::Who;
use super::shell::{Answer, shell, show};
use super::views::Section;
use super::views::witnesses::{EvidenceLine, WitnessLine, Witnesses};
use super::words::{self, Names};
use crate::app::witnesses::{self, Which};
use crate::http::Http;
use crate::http::problem::Problem;
use crate::store::tables::witness::WitnessRow;

/// `/witnesses`
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    let (principal, page) = (&who.session()?.principal, who.page());
    let policy = http.options().witness_policy.as_deref();
    let found = witnesses::overview(http.app(), principal, policy).await?;
    let names = banks::names(&banks::visible(&http, principal).await?);
    let now = http.app().now();
    let rows: Vec<WitnessLine> = found.witnesses.iter().map(|row| line(&page, &names, row, now)).collect();
    let name_of = |name: &str| {
        let row = found.witnesses.iter().find(|row| row.name == name);
        row.map_or_else(|| name.to_owned(), |row| called(&names, row))
    };
    let evidence = found.evidence.iter().map(|row| EvidenceLine {
        id: row.id,
        name: name_of(&row.name),
        what: why(&page, &row.misconduct),
        at: words::time(row.at),
        kept: row.kept.clone(),
        shown: row.shown.clone(),
    });
    let log = format!("/log/{}", http.app().log_id());
    Ok(show(&Witnesses {
        shell: shell(&http, &who, Section::Audit).await?,
        current: found.witnesses.iter().filter(|row| witnesses::is_current(row, now)).count(),
        all: rows.len(),
        size: found.size,
        witnessed: found.witnessed,
        evidence: evidence.collect(),
        policy: format!("{log}/policy"),
        command: format!("bailee verify ledger {}{log} --policy policy.txt", http.options().public_url),
        rows,
        page,
    }))
}

/// `/witnesses/evidence/{evidence}/{which}`: one checkpoint of a pair, byte for byte.
pub async fn evidence(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((evidence, which)): Path<(i64, String)>,
) -> Answer {
    let which = match which.as_str() {
        "kept" => Which::Kept,
        "shown" => Which::Shown,
        _ => return Err(Problem::not_found()),
    };
    let (name, note) = witnesses::evidence(http.app(), &who.session()?.principal, evidence, which).await?;
    let named = format!("attachment; filename=\"{name}\"");
    let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned());
    Ok(([kind, (header::CONTENT_DISPOSITION, named)], note).into_response())
}

fn line(page: &Page, names: &Names, row: &WitnessRow, now: WallTime) -> WitnessLine {
    let (key, tone) = match (row.refusal.is_empty(), row.cosigned_at) {
        (false, _) => ("witness-refuses", Tone::Bad),
        (true, _) if witnesses::is_silent(row, now) => ("witness-silent", Tone::Warn),
        (true, None) => ("witness-never", Tone::Neutral),
        (true, Some(_)) if witnesses::is_current(row, now) => ("witness-current", Tone::Ok),
        (true, Some(_)) => ("witness-silent", Tone::Warn),
    };
    WitnessLine {
        name: called(names, row),
        vkey: row.vkey.clone(),
        size: row.size,
        cosigned_at: row.cosigned_at.map(words::time).unwrap_or_default(),
        age: row.cosigned_at.map(|at| words::age(now.since_ms(at))).unwrap_or_default(),
        state: page.t(key),
        tone,
        refusal: if row.refusal.is_empty() { String::new() } else { why(page, &row.refusal) },
        refused_at: row.refused_at.map(words::time).unwrap_or_default(),
    }
}

fn called(names: &Names, row: &WitnessRow) -> String {
    row.bank.map_or_else(|| row.name.clone(), |bank| names.bank(bank))
}

/// The sentence for a reason, or the reason itself.
fn why(page: &Page, reason: &str) -> String {
    let key = format!("witness-why-{reason}");
    if page.texts.has(&key) { page.t(&key) } else { reason.to_owned() }
}
