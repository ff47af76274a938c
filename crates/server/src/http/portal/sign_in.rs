//! Coming in: the one-time set-up link, signing in and out.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use bailee_ui::form::Field;

use super::form::{Form, Query};
use super::gate::{Who, local, query};
use super::shell::{Answer, draw, show};
use super::views::sign_in::{SetUp, SignIn};
use crate::app::set_up::{self, Administrator};
use crate::app::sign_in::{self, ABSOLUTE_MS, SignedIn, Step};
use crate::app::{AppError, FieldError, Refused};
use crate::http::Http;
use crate::http::cookie::Jar;
use crate::http::problem::{Problem, see_other};

/// `/sign-in`
pub async fn form(Extension(who): Extension<Who>, Query(query): Query) -> Response {
    show(&sign_in_page(&who, "", local(query.text("next"))))
}

/// `/sign-in`, posted.
pub async fn sign_in(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Extension(form): Extension<Form>,
) -> Answer {
    let (email, next) = (form.text("email"), local(form.text("next")));
    let previous = Jar::Session.read(http.transport(), &headers);
    match sign_in::with_password(http.app(), email, form.text("password"), previous.as_deref()).await {
        Ok(Step::SignedIn(signed_in)) => Ok(welcome(&http, &signed_in, next)),
        Err(AppError::Refused(Refused::WrongCredentials)) => Ok(wrong_credentials(&who, email, next)),
        Err(error) => Err(error.into()),
    }
}

fn welcome(http: &Http, signed_in: &SignedIn, next: &str) -> Response {
    let mut response = see_other(next);
    let cookie = Jar::Session.set(http.transport(), signed_in.token.expose(), ABSOLUTE_MS / 1_000);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.headers_mut().append(header::SET_COOKIE, Jar::Visit.clear(http.transport()));
    response
}

fn wrong_credentials(who: &Who, email: &str, next: &str) -> Response {
    let mut view = sign_in_page(who, email, next);
    view.page.error = true;
    view.password = Field::default().wrong(who.page().t("sign-in-refused"));
    Problem::from(Refused::WrongCredentials).wrap_page(draw(&view))
}

fn sign_in_page(who: &Who, email: &str, next: &str) -> SignIn {
    SignIn {
        page: who.page(),
        tokens: who.tokens(),
        email: Field::new(email),
        password: Field::default(),
        next: next.to_owned(),
    }
}

/// `/sign-out`, posted.
pub async fn sign_out(State(http): State<Http>, headers: HeaderMap) -> Answer {
    if let Some(token) = Jar::Session.read(http.transport(), &headers) {
        sign_in::sign_out(http.app(), &token).await?;
    }
    let mut response = see_other("/sign-in");
    response.headers_mut().append(header::SET_COOKIE, Jar::Session.clear(http.transport()));
    Ok(response)
}

/// `/set-up/{token}`: the short form of the link.
pub async fn old_link(Path(token): Path<String>) -> Response {
    see_other(&format!("/setup?{}", query("token", &token)))
}

/// `/setup?token=…`
pub async fn set_up_form(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Query(query): Query,
) -> Answer {
    let token = query.text("token");
    let works = set_up::is_valid(http.app(), token).await?;
    let form = Form::default();
    Ok(show(&set_up_page(&who, if works { token } else { "" }, &form, &[])))
}

/// `/setup`, posted: makes the first administrator and signs them in.
pub async fn set_up(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    let (token, password) = (form.text("token"), form.text("password"));
    if password != form.text("again") {
        let differs = FieldError { field: "again", code: "differs" };
        return Ok(set_up_again(&who, token, &form, vec![differs]));
    }
    let administrator = Administrator { name: form.text("name"), email: form.text("email"), password };
    match set_up::redeem(http.app(), token, administrator).await {
        Ok(_person) => {
            let Step::SignedIn(signed_in) =
                sign_in::with_password(http.app(), form.text("email"), password, None).await?;
            Ok(welcome(&http, &signed_in, "/"))
        }
        Err(AppError::Refused(Refused::Invalid(wrong))) => Ok(set_up_again(&who, token, &form, wrong)),
        Err(AppError::Refused(Refused::NoLongerValid)) => Ok(set_up_again(&who, "", &form, Vec::new())),
        Err(error) => Err(error.into()),
    }
}

fn set_up_again(who: &Who, token: &str, form: &Form, wrong: Vec<FieldError>) -> Response {
    let view = set_up_page(who, token, form, &wrong);
    let refused = if token.is_empty() { Refused::NoLongerValid } else { Refused::Invalid(wrong) };
    Problem::from(refused).wrap_page(draw(&view))
}

fn set_up_page(who: &Who, token: &str, form: &Form, wrong: &[FieldError]) -> SetUp {
    let mut page = who.page();
    page.error = !wrong.is_empty();
    let secret = |name: &str, code_text: &str| match wrong.iter().find(|it| it.field == name) {
        Some(_) => Field::default().wrong(page.t(code_text)),
        None => Field::default(),
    };
    SetUp {
        tokens: who.tokens(),
        token: token.to_owned(),
        name: form.field(&page, "name", wrong),
        email: form.field(&page, "email", wrong),
        password: secret("password", "setup-password-short"),
        again: secret("again", "setup-password-differs"),
        page,
    }
}
