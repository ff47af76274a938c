//! `/api/openapi.json` and a page that reads it out, without a script.

use std::fmt::Write as _;

use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use bailee_ui::assets::asset_url;
use bailee_ui::html::escape;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http as Scheme, HttpAuthScheme, SecurityRequirement, SecurityScheme};

use super::Described;
use crate::http::problem::Problem;

/// The description of the API, OpenAPI 3.1, as committed in `openapi.json`.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut api = Described::openapi();
    api.info.version = "1".into();
    if let Some(components) = &mut api.components {
        let bearer = SecurityScheme::Http(Scheme::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", bearer);
    }
    api.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    api
}

/// `/api/openapi.json`
pub async fn document() -> Response {
    let text = bailee_wire::json::text(&openapi());
    ([(header::CONTENT_TYPE, "application/vnd.oai.openapi+json;version=3.1")], text).into_response()
}

/// `/api/docs`
pub async fn page() -> Html<String> {
    let api = openapi();
    let mut out = format!(
        "<!doctype html><html lang=\"en\" dir=\"ltr\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>Bailee API</title><link rel=\"stylesheet\" \
         href=\"{}\"></head><body><main class=\"stack\"><h1>Bailee API</h1><p>{}</p><p><a \
         href=\"/api/openapi.json\">openapi.json</a></p><h2>Addresses</h2>",
        asset_url("app.css"),
        escape(api.info.description.as_deref().unwrap_or_default()).replace("\n\n", "</p><p>")
    );
    for route in super::routes().iter().filter(|route| route.listed.path.starts_with("/api/v1/")) {
        let listed = route.listed;
        let said = described(&api, listed.method, listed.path);
        let _ = write!(
            out,
            "<section class=\"card\"><h3><code>{} {}</code></h3><p>{}</p><p class=\"muted\">Needs <code>{}</code></p></section>",
            listed.method,
            escape(listed.path),
            escape(&said),
            listed.access.name()
        );
    }
    out.push_str("<h2>Codes</h2><dl class=\"facts\">");
    for (code, status) in Problem::OWN {
        let _ = write!(out, "<dt class=\"code\" id=\"{code}\">{code}</dt><dd>{status}</dd>");
    }
    out.push_str("</dl></main></body></html>");
    Html(out)
}

/// What is said of an operation.
fn described(api: &OpenApi, method: &str, path: &str) -> String {
    let Some(item) = api.paths.paths.get(path) else { return String::new() };
    let operation = match method {
        "GET" => &item.get,
        "POST" => &item.post,
        "PUT" => &item.put,
        _ => &item.delete,
    };
    operation.as_ref().and_then(|operation| operation.summary.clone()).unwrap_or_default()
}
