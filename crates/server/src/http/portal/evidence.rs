//! `/evidence`: asking for a bundle, how far those asked for are, and fetching one.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use bailee_domain::access::Permission;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{BankId, EvidenceId};
use bailee_domain::time::WallTime;
use bailee_evidence::Subject;
use bailee_evidence::commitment::PERSON_FIELDS;
use bailee_ui::form::Choice;

use super::banks;
use super::form::{Form, Query};
use super::gate::Who;
use super::notice::Done;
use super::parcels::bank_choices;
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::evidence::{Evidence, ExportRow, Tell};
use super::words::{self, Names};
use crate::app::evidence::{self, Asked, Export, Files, ListExports, State as Made, Telling};
use crate::app::{AppError, FieldError, Refused};
use crate::http::access::Access;
use crate::http::problem::Problem;
use crate::http::{Http, api};

const PAGE: u32 = 25;
const ABOUT: [&str; 6] = ["span", "parcel", "compartment", "bank", "person", "incident"];
/// What is given in an address to begin with, with what that makes the bundle about; the first that is there counts.
const GIVEN: [(&str, &str); 5] = [
    ("parcel", "parcel"),
    ("compartment", "compartment"),
    ("bank", "bank"),
    ("person", "person"),
    ("alert", "incident"),
];

/// `/evidence`, with what to begin with in the query.
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    let (view, making) = view(&http, &who, &query, &[]).await?;
    let mut response = show(&view);
    if making {
        // Reads again until everything is made; works without JavaScript.
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("3"));
    }
    Ok(response)
}

/// `/evidence`, posted.
pub async fn ask(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    let asked = match asked(&form) {
        Ok(asked) => evidence::ask(http.app(), &who.session()?.principal, asked).await,
        Err(wrong) => Err(Refused::Invalid(wrong).into()),
    };
    match asked {
        Ok(_id) => Ok(Done::EvidenceAsked.at("/evidence")),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let (view, _) = view(&http, &who, &form, &wrong).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(AppError::Refused(Refused::NotFound)) => {
            let wrong = vec![FieldError { field: "alert", code: "not_there" }];
            let (view, _) = view(&http, &who, &form, &wrong).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(error) => Err(error.into()),
    }
}

/// `/evidence/{evidence}/bundle`
pub async fn bundle(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(evidence): Path<String>,
) -> Answer {
    api::evidence::file(&http, &who.session()?.principal, &evidence).await
}

fn asked(form: &Form) -> Result<Asked, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let subject = subject(form, &mut wrong);
    let mut time = |name: &'static str| {
        let typed = form.some(name)?;
        let at = super::audit::moment(typed);
        if at.is_none() {
            wrong.push(FieldError { field: name, code: "not_a_time" });
        }
        at
    };
    let (from, until) = (time("from"), time("to"));
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        wrong.push(FieldError { field: "to", code: "ends_before_it_begins" });
    }
    let telling = Telling::of(|name| form.some(&format!("tell-{name}")).is_some());
    let files = if form.some("tell-files").is_some() { Files::Along } else { Files::LeftOut };
    let reason = form.text("reason").trim().to_owned();
    if reason.is_empty() {
        wrong.push(FieldError { field: "reason", code: "required" });
    }
    match subject.filter(|_| wrong.is_empty()) {
        Some(subject) => Ok(Asked { subject, from, until, reason, telling, files }),
        None => Err(wrong),
    }
}

fn subject(form: &Form, wrong: &mut Vec<FieldError>) -> Option<Subject> {
    let bank: Option<BankId> = form.read("bank");
    let (subject, field) = match form.text("about") {
        "" | "span" => (Some(Subject::Span), "about"),
        "parcel" => (form.read("parcel").map(Subject::Parcel), "parcel"),
        "bank" => (bank.map(Subject::Bank), "bank"),
        "person" => (form.read("person").map(Subject::Person), "person"),
        "incident" => (form.read("alert").map(Subject::Incident), "alert"),
        "compartment" if bank.is_none() => (None, "bank"),
        "compartment" => {
            let number = form.read("compartment").map(CompartmentNo);
            (bank.zip(number).map(|(bank, number)| Subject::Compartment(bank, number)), "compartment")
        }
        _ => (None, "about"),
    };
    if subject.is_none() {
        wrong.push(FieldError { field, code: "not_there" });
    }
    subject
}

/// The page, and whether something on it is still being made.
async fn view(
    http: &Http,
    who: &Who,
    form: &Form,
    wrong: &[FieldError],
) -> Result<(Evidence, bool), Problem> {
    let (principal, mut page) = (&who.session()?.principal, who.page());
    page.error = !wrong.is_empty();
    let before: Option<EvidenceId> = http.position("evidence", form.some("cursor"))?;
    let (exports, next) = evidence::list(http.app(), principal, ListExports { before, limit: PAGE }).await?;
    let visible = banks::visible(http, principal).await?;
    let ids = exports.iter().filter_map(|export| export.row.asked_by.parse().ok()).collect();
    let people = words::names(http, principal, ids).await?.people;
    let names = Names { people, ..banks::names(&visible) };
    let may_tell = Access::Needs(Permission::ViewPeople).admits(principal);
    let making = exports.iter().any(|export| export.row.state == Made::Wanted);
    let about = |it: &&str| Choice::new(*it, page.t(&format!("evidence-about-{it}")));
    let sent = form.some("about").is_some();
    let tell = |name: &str| Tell {
        id: format!("tell-{name}"),
        label: page.t(&format!("evidence-tell-{name}")),
        chosen: if sent {
            form.some(&format!("tell-{name}")).is_some()
        } else {
            matches!(name, "name" | "unit" | "files")
        },
    };
    let mut chosen = form.clone();
    if !sent {
        let given = GIVEN.into_iter().find(|(field, _)| form.some(field).is_some());
        chosen.set("about", given.map_or("span", |(_, about)| about).to_owned());
    }
    let field = |name: &str| chosen.field(&page, name, wrong);
    let view = Evidence {
        shell: shell(http, who, Section::Audit).await?,
        about: field("about"),
        abouts: ABOUT.iter().map(about).collect(),
        parcel: field("parcel"),
        bank: field("bank"),
        banks: bank_choices(&page.t("evidence-no-bank"), &visible),
        compartment: field("compartment"),
        person: field("person"),
        alert: field("alert"),
        from: field("from"),
        to: field("to"),
        reason: field("reason"),
        tells: if may_tell {
            PERSON_FIELDS.iter().chain(&["files"]).map(|name| tell(name)).collect()
        } else {
            Vec::new()
        },
        rows: exports.iter().map(|export| row(&page, &names, export, http.app().now())).collect(),
        first: before.map(|_| "/evidence".to_owned()),
        next: next.map(|id| format!("/evidence?cursor={}", http.cursor("evidence", &id.to_string()))),
        page,
    };
    Ok((view, making))
}

fn row(page: &bailee_ui::layout::Page, names: &Names, export: &Export, now: WallTime) -> ExportRow {
    let (asked, row) = (&export.asked, &export.row);
    let about = match &asked.subject {
        Subject::Span => page.t("evidence-about-span"),
        Subject::Parcel(parcel) => parcel.to_string(),
        Subject::Compartment(bank, number) => format!("{} · {number}", names.bank(*bank)),
        Subject::Bank(bank) => names.bank(*bank),
        Subject::Person(person) => person.to_string(),
        Subject::Incident(alert) => alert.to_string(),
    };
    let there = row.state == Made::Made && row.expires_at.is_some_and(|at| at > now);
    let state = if row.state == Made::Made && !there { Made::Gone } else { row.state };
    ExportRow {
        id: row.id.to_string(),
        at: words::time(row.asked_at),
        by: names.actor(&row.asked_by),
        about,
        span: [asked.from, asked.until].map(|at| at.map(words::time).unwrap_or_default()),
        reason: asked.reason.clone(),
        state: page.t(&format!("evidence-state-{}", state.name())),
        making: (state == Made::Wanted).then_some((row.done, row.total.max(1))),
        tone: match state {
            Made::Wanted => bailee_ui::layout::Tone::Neutral,
            Made::Made => bailee_ui::layout::Tone::Ok,
            Made::Failed => bailee_ui::layout::Tone::Bad,
            Made::Gone => bailee_ui::layout::Tone::Warn,
        },
        fetch: there.then(|| format!("/evidence/{}/bundle", row.id)),
    }
}
