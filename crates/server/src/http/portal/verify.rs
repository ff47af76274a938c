//! `/verify`: checks a file in the reader's own browser. Nothing is uploaded; all this page brings is keys and modules.

use axum::Extension;
use axum::extract::State;

use super::gate::Who;
use super::shell::{Answer, show};
use super::views::verify::Verify;
use crate::app::{install, witnesses};
use crate::http::Http;

/// `/verify`, for everybody.
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    let mut keys = vec![http.options().log_key.trim().to_owned()];
    // Older receipts are signed by the keys the log had before.
    let earlier = install::log_key(http.app()).map(|key| key.earlier).unwrap_or_default();
    keys.extend(earlier.iter().rev().map(ToString::to_string));
    keys.extend(witnesses::keys(http.app()).await?);
    Ok(show(&Verify { page: who.page(), keys }))
}
