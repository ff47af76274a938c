//! `/verify`: checks a file in the reader's own browser. Nothing is uploaded; all this page brings is keys and modules.

use super::gate::Who;
use super::shell::{Answer, show};
use super::views::verify::Verify;
use crate::app::witnesses;
use crate::http::Http;
use axum::Extension;
use axum::extract::State;

/// `/verify`, for everybody.
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    let mut keys = vec![http.options().log_key.trim().to_owned()];
    keys.extend(witnesses::keys(http.app()).await?);
    Ok(show(&Verify { page: who.page(), keys }))
}
