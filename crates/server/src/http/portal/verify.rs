//! `/verify`: checks a file in the reader's own browser. Nothing is uploaded; all this page brings is keys and modules.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::gate::Who;
use super::shell::show;
use super::views::verify::Verify;
use crate::http::Http;

/// `/verify`, for everybody.
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>) -> Response {
    show(&Verify { page: who.page(), keys: vec![http.options().log_key.trim().to_owned()] })
}
