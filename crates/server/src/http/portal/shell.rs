//! What surrounds a page: the frame with its numbers, the answer as HTML, and the reader's preferences.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use bailee_domain::access::Permission;
use bailee_ui::i18n::{COOKIE, Locale};
use bailee_ui::layout::{THEME_COOKIE, Theme};

use super::form::Form;
use super::gate::{Who, local, query};
use super::notice;
use super::views::{Section, Shell};
use crate::app::alerts::{self, AlertFilter, ListAlerts};
use crate::app::{AppError, people, settings};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::cookie::preference;
use crate::http::problem::{Problem, see_other};

/// What a handler ends in.
pub type Answer = Result<Response, Problem>;

/// The frame of a page.
///
/// # Errors
/// The store's.
pub async fn shell(http: &Http, who: &Who, section: Section) -> Result<Shell, Problem> {
    let principal = &who.session()?.principal;
    let site = match Access::Needs(Permission::ViewBanks).admits(principal) {
        true => settings::site(http.app(), principal).await.map(|site| site.name).unwrap_or_default(),
        false => String::new(),
    };
    let open_alerts = match Access::Needs(Permission::ViewAlerts).admits(principal) {
        true => {
            let first = ListAlerts { filter: AlertFilter::Open, before: None, limit: 1 };
            alerts::list(http.app(), principal, first).await?.open
        }
        false => 0,
    };
    Ok(Shell {
        section,
        person: own_name(http, who).await?,
        site,
        open_alerts,
        stream: None,
        tokens: who.tokens(),
        here: who.here().to_owned(),
        flash: notice::flash(&who.page(), who.here()),
    })
}

/// The frame of a page that follows what happens.
///
/// # Errors
/// The store's.
pub async fn live_shell(http: &Http, who: &Who, section: Section) -> Result<Shell, Problem> {
    let stream = format!("/events?{}", query("of", who.here()));
    Ok(Shell { stream: Some(stream), ..shell(http, who, section).await? })
}

async fn own_name(http: &Http, who: &Who) -> Result<String, Problem> {
    let (app, person) = (http.app().clone(), who.session()?.person);
    let reader = app.clone();
    let names = app.db().read(async move |tx| people::names(&reader, &tx, &[person]).await);
    let names = names.await.map_err(|error: AppError| Problem::from(error))?;
    Ok(names.get(&person).map(|(name, _unit)| name.clone()).unwrap_or_default())
}

/// A page as text.
pub fn draw(view: &impl Template) -> String {
    view.render().expect("templates render into memory")
}

/// A page as an answer.
pub fn show(view: &impl Template) -> Response {
    Html(draw(view)).into_response()
}

/// Remembers a language and a theme, and goes back.
pub async fn preferences(State(http): State<Http>, Extension(form): Extension<Form>) -> Response {
    let mut response = see_other(local(form.text("back")));
    if let Some(locale) = Locale::from_tag(form.text("lang")) {
        let chosen = preference(COOKIE, locale.tag(), http.transport());
        response.headers_mut().append(header::SET_COOKIE, chosen);
    }
    let theme = Theme::from_value(form.text("theme")).value();
    response.headers_mut().append(header::SET_COOKIE, preference(THEME_COOKIE, theme, http.transport()));
    response
}
