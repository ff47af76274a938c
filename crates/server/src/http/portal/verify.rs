//! `/verify`: checks a file in the reader's own browser. Nothing is uploaded; all this page brings is keys and modules.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::gate::Who;
use super::shell::show;
use super::views::verify::Verify;
use crate::app::install;
use crate::http::Http;

/// `/verify`, for everybody.
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>) -> Response {
    // Older receipts are signed by the keys the log had before.
    let earlier = install::log_key(http.app()).map(|key| key.earlier).unwrap_or_default();
    let earlier = earlier.iter().rev().map(ToString::to_string);
    let keys = std::iter::once(http.options().log_key.trim().to_owned()).chain(earlier).collect();
    show(&Verify { page: who.page(), keys })
}
