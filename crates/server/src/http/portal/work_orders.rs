//! `/banks/{id}/work-orders`: who may open which doors for a time, what is to be done, and what was.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{BankId, PersonId, WorkOrderId};
use bailee_domain::time::WallTime;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::Tone;

use super::form::Form;
use super::gate::Who;
use super::keys::staff;
use super::notice::{Done, cannot};
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::work_orders::{OrderLine, WorkOrders};
use super::words::{self, Names};
use crate::app::work_orders::{self, NewOrder, OrderState, OrderView};
use crate::app::{AppError, FieldError, Refused, banks};
use crate::http::Http;
use crate::http::problem::Problem;

/// How long an order lasts unless somebody says otherwise.
const USUAL_MS: i64 = 8 * 3_600_000;

/// `/banks/{id}/work-orders`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let mut form = Form::default();
    let now = http.app().now();
    form.set("begins", typed(now));
    form.set("expires", typed(now.plus_ms(USUAL_MS)));
    Ok(show(&view(&http, &who, id, (&form, &[])).await?))
}

/// A time as an input of kind `datetime-local` has it, in UTC.
fn typed(at: WallTime) -> String {
    words::time(at).chars().take(16).collect()
}

async fn view(
    http: &Http,
    who: &Who,
    id: BankId,
    (form, wrong): (&Form, &[FieldError]),
) -> Result<WorkOrders, Problem> {
    let principal = &who.session()?.principal;
    let found = banks::view(http.app(), principal, id).await?.summary;
    let orders = work_orders::of_bank(http.app(), principal, id).await?;
    let mut page = who.page();
    page.error = !wrong.is_empty();
    let technicians = orders.iter().map(|order| order.row.technician);
    let closers = orders.iter().filter_map(|order| order.row.ended_by.as_ref()?.parse().ok());
    let names = words::names(http, principal, technicians.chain(closers).collect()).await?;
    let people = staff(http, principal, &page).await?;
    let person =
        |row: super::views::keys::StaffRow| Choice::new(row.id, format!("{} · {}", row.name, row.role));
    let field = |name: &str| -> Field { form.field(&page, name, wrong) };
    Ok(WorkOrders {
        shell: shell(http, who, Section::Banks).await?,
        id: id.to_string(),
        name: found.name,
        rows: orders.iter().map(|order| line(&names, order)).collect(),
        people: people.into_iter().map(person).collect(),
        technician: field("technician"),
        task: field("task"),
        doors: field("doors"),
        begins: field("begins"),
        expires: field("expires"),
        page,
    })
}

fn line(names: &Names, order: &OrderView) -> OrderLine {
    let row = &order.row;
    let (state, tone, icon) = match order.state {
        OrderState::Waiting => ("order-waiting", Tone::Neutral, "clock"),
        OrderState::Open => ("order-open", Tone::Accent, "wrench"),
        OrderState::Overdue => ("order-overdue", Tone::Bad, "warning"),
        OrderState::Closing => ("order-closing", Tone::Warn, "clock"),
        OrderState::Closed => ("order-closed", Tone::Ok, "check"),
        OrderState::Refused => ("order-refused", Tone::Bad, "cross"),
    };
    let doors: Vec<String> = row.doors.iter().map(ToString::to_string).collect();
    OrderLine {
        id: row.id.to_string(),
        task: order.task.clone(),
        technician: names.person(row.technician),
        doors: doors.join(", "),
        begins: words::time(row.begins),
        expires: words::time(row.expires),
        state,
        tone,
        icon,
        note: order.note.clone().unwrap_or_default(),
        ended_by: row.ended_by.as_deref().map(|by| names.actor(by)).unwrap_or_default(),
        may_close: row.ended_at.is_none(),
    }
}

/// Doors as people list them: numbers, apart by anything that is no digit.
pub fn doors(text: &str) -> Option<BTreeSet<CompartmentNo>> {
    let numbers = text.split([',', ' ', ';']).filter(|part| !part.is_empty());
    numbers.map(|part| part.parse().ok().map(CompartmentNo)).collect()
}

/// `/banks/{id}/work-orders`, posted.
pub async fn write(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(bank): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let at = format!("/banks/{id}/work-orders");
    match try_write(&http, &who, id, &form).await {
        Ok(_) => Ok(Done::WorkOrderWritten.at(&at)),
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let view = view(&http, &who, id, (&form, &wrong)).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(error) => cannot(error, &at),
    }
}

async fn try_write(http: &Http, who: &Who, id: BankId, form: &Form) -> Result<WorkOrderId, AppError> {
    let principal = &who.session().map_err(|_| Refused::NotSignedIn)?.principal;
    let wrong = |field, code| Refused::Invalid(vec![FieldError { field, code }]);
    let time = |field: &'static str| {
        super::audit::moment(form.text(field)).ok_or_else(|| wrong(field, "not_a_time"))
    };
    let technician: PersonId = form.read("technician").ok_or_else(|| wrong("technician", "unknown"))?;
    let new = NewOrder {
        technician,
        doors: doors(form.text("doors")).ok_or_else(|| wrong("doors", "not_doors"))?,
        begins: time("begins")?,
        expires: time("expires")?,
        task: form.text("task"),
    };
    work_orders::write(http.app(), principal, id, new).await
}

/// `/banks/{id}/work-orders/{order}/close`, posted.
pub async fn close(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path((bank, order)): Path<(String, String)>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: BankId = bank.parse().map_err(|_| Problem::not_found())?;
    let order: WorkOrderId = order.parse().map_err(|_| Problem::not_found())?;
    let at = format!("/banks/{id}/work-orders");
    match work_orders::close(http.app(), &who.session()?.principal, id, order, form.text("note")).await {
        Ok(()) => Ok(Done::WorkOrderClosed.at(&at)),
        Err(AppError::Refused(Refused::Invalid(_))) => {
            cannot(Refused::NotPossibleNow { why: "note_required" }.into(), &at)
        }
        Err(error) => cannot(error, &at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_read_as_people_list_them() {
        let some = |numbers: &[u16]| Some(numbers.iter().map(|n| CompartmentNo(*n)).collect());
        assert_eq!(doors("3, 7;12 3"), some(&[3, 7, 12]));
        assert_eq!(doors(" "), some(&[]));
        for text in ["3-7", "x", "70000", "-1"] {
            assert_eq!(doors(text), None, "{text}");
        }
    }
}
