//! Receipts: the page behind the link in a message, the proof as a file, and the receipts on the page of a parcel.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bailee_domain::id::ParcelId;
use bailee_domain::receipt::Way;
use bailee_ui::layout::Page;

use super::form::Query;
use super::gate::{Who, query};
use super::shell::{Answer, show};
use super::views::receipts::{Receipt, ReceiptGone, ReceiptRow};
use super::words;
use crate::app::receipts::{self, Shown};
use crate::app::{AppError, Principal, Refused};
use crate::http::Http;
use crate::http::problem::{Problem, see_other};

/// `/receipt?of=…`, for whoever has the link.
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>, Query(form): Query) -> Answer {
    let token = form.text("of");
    match receipts::by_link(http.app(), token).await {
        Ok(shown) => Ok(show(&view(who.page(), token, &shown))),
        Err(AppError::Refused(Refused::NoLongerValid)) => {
            let gone = super::shell::draw(&ReceiptGone { page: who.page() });
            Ok(Problem::from(Refused::NoLongerValid).wrap_page(gone))
        }
        Err(error) => Err(error.into()),
    }
}

fn view(page: Page, token: &str, shown: &Shown) -> Receipt {
    let proof = format!("/receipt/proof?{}", query("of", token));
    Receipt {
        what: way(&page, shown.receipt.way),
        opened_at: words::time(shown.receipt.opened_at),
        bank: shown.place.bank_name.clone(),
        site: shown.place.site_name.clone(),
        link_ends: words::time(shown.receipt.link_ends),
        proof: shown.proof.as_ref().map(|_| proof),
        page,
    }
}

/// `/receipt/proof?of=…`: the file, or back to the page while there is none.
pub async fn file(State(http): State<Http>, Query(form): Query) -> Answer {
    let token = form.text("of");
    let shown = receipts::by_link(http.app(), token).await?;
    Ok(match shown.proof {
        Some(proof) => as_file(shown.receipt.event, proof),
        None => see_other(&format!("/receipt?{}", query("of", token))),
    })
}

/// `/receipts/{event}/proof`, for staff.
pub async fn staff_file(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(event): Path<i64>,
) -> Answer {
    let proof = receipts::proof(http.app(), &who.session()?.principal, event).await?;
    proof.map(|proof| as_file(event, proof)).ok_or_else(Problem::not_found)
}

fn as_file(event: i64, proof: String) -> Response {
    let named = format!("attachment; filename=\"receipt-{event}.tlog-proof\"");
    let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned());
    ([kind, (header::CONTENT_DISPOSITION, named)], proof).into_response()
}

/// The receipts about a parcel, as its page lists them.
///
/// # Errors
/// Not allowed; the store's.
pub async fn of_parcel(
    http: &Http,
    principal: &Principal,
    page: &Page,
    parcel: ParcelId,
) -> Result<Vec<ReceiptRow>, Problem> {
    let found = receipts::of_parcel(http.app(), principal, parcel).await?;
    let row = |receipt: &receipts::ReceiptRow| ReceiptRow {
        event: receipt.event,
        at: words::time(receipt.opened_at),
        what: way(page, receipt.way),
    };
    Ok(found.iter().map(row).collect())
}

fn way(page: &Page, way: Way) -> String {
    page.t(&format!("receipt-{}", way.name()))
}
