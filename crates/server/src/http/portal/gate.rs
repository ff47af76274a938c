//! What stands before every page: who asks, whether they may come here, and, for a form, whether it is one of ours.
//!
//! A form must come from our own pages (by what the browser says) and carry the token derived from the session it was given
//! to; only then is it read. A form with an idempotency key runs once.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bailee_domain::access::Scope;
use bailee_ui::form::Tokens;
use bailee_ui::i18n::{self, Locale};
use bailee_ui::layout::{Page, THEME_COOKIE, Theme};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::form::Form;
use super::upload;
use crate::app::files;
use crate::app::sign_in::{self, Session};
use crate::app::{AppError, Refused};
use crate::http::access::Access;
use crate::http::cookie::Jar;
use crate::http::cursor::same;
use crate::http::problem::{Problem, see_other};
use crate::http::{Http, guard, once};

/// Longest form, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// How long a visitor's number lasts, in seconds.
const VISIT_S: i64 = 12 * 3_600;

/// Somebody before a page.
#[derive(Clone)]
pub struct Who(Arc<Inner>);

struct Inner {
    session: Option<Session>,
    page: Page,
    here: String,
    tokens: Tokens,
}

impl Who {
    /// The document of a page for them.
    pub fn page(&self) -> Page {
        self.0.page.clone()
    }

    /// Their session; handlers of signed-in pages have one.
    ///
    /// # Errors
    /// [`Refused::NotSignedIn`].
    pub fn session(&self) -> Result<&Session, Problem> {
        self.0.session.as_ref().ok_or_else(|| Problem::from(Refused::NotSignedIn))
    }

    /// The address they are at: a path with its query.
    pub fn here(&self) -> &str {
        &self.0.here
    }

    /// The tokens of a form for them.
    pub fn tokens(&self) -> Tokens {
        self.0.tokens.clone()
    }

    /// The same person at another address.
    pub fn at(&self, here: &str) -> Self {
        let Inner { session, page, tokens, .. } = &*self.0;
        let (session, page, tokens) = (session.clone(), page.clone(), tokens.clone());
        Self(Arc::new(Inner { session, page, here: here.to_owned(), tokens }))
    }
}

/// Why nobody passes.
enum Stop {
    SignIn,
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Stop {
    fn from(problem: E) -> Self {
        Self::Problem(problem.into())
    }
}

/// What a form may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Fields.
    Fields,
    /// Fields and a file.
    File,
}

/// Lets a request through to its handler, or not.
pub async fn pass(http: Http, (access, takes): (Access, Takes), request: Request, next: Next) -> Response {
    let target = target(request.method(), request.uri());
    match enter(&http, (access, takes), request, next).await {
        Ok(response) => response,
        Err(Stop::SignIn) => see_other(&format!("/sign-in?{}", query("next", &target))),
        Err(Stop::Problem(problem)) => problem.into_response(),
    }
}

async fn enter(
    http: &Http,
    (access, takes): (Access, Takes),
    mut request: Request,
    next: Next,
) -> Result<Response, Stop> {
    let posted = request.method() == Method::POST;
    if posted {
        guard::same_site(http, request.headers())?;
    }
    let session = session(http, access, request.headers()).await?;
    let visit = Jar::Visit.read(http.transport(), request.headers());
    let fresh = (session.is_none() && visit.is_none()).then(|| new_token(http));
    let bound = match (&session, visit.as_ref().or(fresh.as_ref())) {
        (Some(session), _) => session.id.to_string(),
        (None, visit) => visit.cloned().unwrap_or_default(),
    };
    let who = who(http, session, &bound, &request);
    request.extensions_mut().insert(who.clone());
    let mut response =
        if posted { run_form(http, &who, (request, takes), next).await? } else { next.run(request).await };
    if let Some(fresh) = fresh {
        response.headers_mut().append(header::SET_COOKIE, Jar::Visit.set(http.transport(), &fresh, VISIT_S));
    }
    Ok(response)
}

/// Whose session it is, if the address asks for one.
async fn session(http: &Http, access: Access, headers: &HeaderMap) -> Result<Option<Session>, Stop> {
    if access == Access::Public {
        return Ok(None);
    }
    let token = Jar::Session.read(http.transport(), headers).ok_or(Stop::SignIn)?;
    let session = match sign_in::principal_of_session(http.app(), &token).await {
        Ok(session) => session,
        Err(AppError::Refused(_)) => return Err(Stop::SignIn),
        Err(error) => return Err(error.into()),
    };
    if let (Access::Needs(permission), false) = (access, access.admits(&session.principal)) {
        http.app().authorise(&session.principal, permission, Scope::Organisation, None).await?;
    }
    Ok(Some(session))
}

async fn run_form(
    http: &Http,
    who: &Who,
    (request, takes): (Request, Takes),
    next: Next,
) -> Result<Response, Stop> {
    let (mut parts, body) = request.into_parts();
    let boundary = upload::boundary(&parts.headers).filter(|_| takes == Takes::File);
    // A few at once: a file is held whole until it is sealed.
    let _turn = match boundary {
        Some(_) => Some(http.upload_turn().map_err(|()| Problem::busy().after(5))?),
        None => None,
    };
    let most = if boundary.is_some() { files::MAX_BYTES + MAX_FORM } else { MAX_FORM };
    let bytes = match boundary {
        Some(_) => upload::collect(body, most).await?,
        None => to_bytes(body, most).await.map_err(|_| Problem::too_large())?,
    };
    let form = match boundary {
        Some(boundary) => {
            let (form, file) = upload::parse(&boundary, &bytes).ok_or_else(Problem::malformed)?;
            parts.extensions.insert(file.unwrap_or_default());
            form
        }
        None => Form::parse(&bytes),
    };
    if !same(form.text("csrf").as_bytes(), who.0.tokens.csrf.as_bytes()) {
        return Err(Problem::foreign_form().into());
    }
    let key = form.text("idempotency").to_owned();
    let fingerprint = once::fingerprint(&parts.method, parts.uri.path(), &bytes);
    parts.extensions.insert(form);
    let run = next.run(Request::from_parts(parts, Body::empty()));
    match &who.0.session {
        Some(session) if !key.is_empty() => {
            Ok(once::run(http, &session.principal, (&key, fingerprint), run).await?)
        }
        _ => Ok(run.await),
    }
}

fn who(http: &Http, session: Option<Session>, bound: &str, request: &Request) -> Who {
    let csrf = URL_SAFE_NO_PAD.encode(http.keyed("form", bound));
    let tokens = Tokens { csrf, idempotency: new_token(http) };
    let page = page_for(request.headers());
    Who(Arc::new(Inner { session, page, here: target(request.method(), request.uri()), tokens }))
}

/// A document in the reader's language and theme.
pub fn page_for(headers: &HeaderMap) -> Page {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let theme = i18n::cookie(cookies, THEME_COOKIE).map(Theme::from_value).unwrap_or_default();
    Page { theme, ..Page::new(Locale::negotiate(headers), "") }
}

/// Where to come back to: an address that can be asked for again.
fn target(method: &Method, uri: &Uri) -> String {
    match uri.path_and_query() {
        Some(path) if method == Method::GET => path.as_str().to_owned(),
        _ => "/".to_owned(),
    }
}

/// One parameter of a query.
pub fn query(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

/// A path of this site, whatever was asked for: never another host's.
pub fn local(path: &str) -> &str {
    let odd = |c: char| c.is_control() || c == '\\';
    if path.starts_with('/') && !path.starts_with("//") && !path.contains(odd) { path } else { "/" }
}

fn new_token(http: &Http) -> String {
    let mut bytes = [0; 16];
    http.app().draw(|rng| rng.fill_bytes(&mut bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        for ours in ["/", "/banks?x=1", "/people/residents/new"] {
            assert_eq!(local(ours), ours);
        }
        for foreign in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "javascript:x"]
        {
            assert_eq!(local(foreign), "/", "{foreign}");
        }
    }
}
