//! `/files?about=…`: photos and other files attached to a parcel, a compartment, an alert or a bank.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bailee_domain::access::Permission::{ErasePeople, ExportLog, ViewPeople};
use bailee_domain::id::FileId;
use bailee_ui::layout::Page;
use bailee_wire::event::hex;

use super::banks;
use super::form::{Form, Query};
use super::gate::{Who, query};
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, shell, show};
use super::upload::Upload;
use super::views::Section;
use super::views::files::{FileView, Files};
use super::words::{self, Names};
use crate::app::files::{self, About, File, Kind, NewFile};
use crate::app::{AppError, FieldError, Principal, Refused};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

/// The address of the page about something.
pub fn address(about: About) -> String {
    format!("/files?{}", query("about", &about.to_string()))
}

/// `/files?about=…`
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    let about: About = query.text("about").parse().map_err(|_| Problem::not_found())?;
    Ok(show(&view(&http, &who, about, (&query, &[])).await?))
}

/// `/files`, posted with a file.
pub async fn attach(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
    file: Option<Extension<Upload>>,
) -> Answer {
    let about: About = form.text("about").parse().map_err(|_| Problem::not_found())?;
    let file = file.map(|Extension(file)| file).unwrap_or_default();
    let note = form.text("note").to_owned();
    let new = NewFile { about, name: file.name, note, content: file.content.to_vec() };
    match files::attach(http.app(), &who.session()?.principal, new).await {
        Ok(_id) => Ok(Done::FileAttached.at(&address(about))),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let view = view(&http, &who, about, (&form, &wrong)).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(error) => cannot(error, &address(about)),
    }
}

/// `/files/{file}`: the file itself, always to be kept and never to be shown by the browser here.
pub async fn content(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(file): Path<String>,
) -> Answer {
    let id: FileId = file.parse().map_err(|_| Problem::not_found())?;
    let (file, content) = files::fetch(http.app(), &who.session()?.principal, id).await?;
    let kind = Kind::from_name(&file.row.kind).ok_or_else(Problem::failed)?;
    // The id alone: what somebody called a file has no place in a header.
    let named = format!("attachment; filename=\"{id}.{}\"", kind.ending());
    let headers =
        [(header::CONTENT_TYPE, kind.media_type().to_owned()), (header::CONTENT_DISPOSITION, named)];
    Ok((headers, Body::from(content.expose().clone())).into_response())
}

/// `/files/{file}/destroy`, posted.
pub async fn destroy(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(file): Path<String>,
    Extension(form): Extension<Form>,
) -> Result<Response, Problem> {
    let id: FileId = file.parse().map_err(|_| Problem::not_found())?;
    let back: About = form.text("about").parse().map_err(|_| Problem::not_found())?;
    match files::destroy(http.app(), &who.session()?.principal, id).await {
        Ok(_) => Ok(Done::FileDestroyed.at(&address(back))),
        Err(AppError::Refused(Refused::NotPossibleNow { why: "legal_hold" })) => {
            let held = Refused::NotPossibleNow { why: "file_held" };
            cannot(held.into(), &address(back))
        }
        Err(error) => cannot(error, &address(back)),
    }
}

async fn view(
    http: &Http,
    who: &Who,
    about: About,
    (form, wrong): (&Form, &[FieldError]),
) -> Result<Files, Problem> {
    let (principal, mut page) = (&who.session()?.principal, who.page());
    page.error = !wrong.is_empty();
    let found = files::list(http.app(), principal, about).await?;
    let visible = banks::visible(http, principal).await?;
    let by = found.iter().filter_map(|file| file.row.added_by.parse().ok()).collect();
    let names = Names { people: words::names(http, principal, by).await?.people, ..banks::names(&visible) };
    let (section, back, what) = frame(&page, &names, about);
    Ok(Files {
        shell: shell(http, who, section).await?,
        about: about.to_string(),
        back,
        what,
        evidence: evidence(principal, about),
        may_attach: Access::Needs(about.to_attach()).admits(principal),
        may_open: Access::Needs(ViewPeople).admits(principal),
        may_destroy: Access::Needs(ErasePeople).admits(principal),
        file: form.field(&page, "file", wrong),
        note: form.field(&page, "note", wrong),
        rows: found.iter().map(|file| show_file(&page, &names, file)).collect(),
        page,
    })
}

/// Where the page belongs: its section, the way back, and what it is about.
fn frame(page: &Page, names: &Names, about: About) -> (Section, String, String) {
    match about {
        About::Parcel(id) => (Section::Parcels, format!("/parcels/{id}"), page.t("parcel")),
        About::Compartment(bank, number) => {
            let back = format!("/banks/{bank}?compartment={number}", number = number.0);
            (Section::Banks, back, names.place(Some(bank), Some(number)))
        }
        About::Alert(_) => (Section::Alerts, "/alerts?view=all".to_owned(), page.t("files-alert")),
        About::Bank(bank) => {
            (Section::Banks, format!("/banks/{bank}/commission"), names.place(Some(bank), None))
        }
    }
}

/// Where evidence about the same is asked for, for those who may.
fn evidence(principal: &Principal, about: About) -> Option<String> {
    let asked = match about {
        About::Parcel(id) => query("parcel", &id.to_string()),
        About::Compartment(bank, number) => {
            format!("{}&compartment={}", query("bank", &bank.to_string()), number.0)
        }
        About::Alert(id) => query("alert", &id.to_string()),
        About::Bank(bank) => query("bank", &bank.to_string()),
    };
    let may = Access::Needs(ExportLog).admits(principal);
    may.then(|| format!("/evidence?{asked}"))
}

fn show_file(page: &Page, names: &Names, file: &File) -> FileView {
    let row = &file.row;
    let name = if file.name.is_empty() { row.id.to_string() } else { file.name.clone() };
    FileView {
        id: row.id.to_string(),
        name,
        kind: page.t(&format!("file-kind-{}", row.kind)),
        size: size(row.bytes),
        note: file.note.clone(),
        by: names.actor(&row.added_by),
        at: words::time(row.added_at),
        sha256: hex(&row.sha256),
        destroyed_at: words::time_opt(row.destroyed_at),
    }
}

/// A length in units that need no translation.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
