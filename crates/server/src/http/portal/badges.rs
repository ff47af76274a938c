//! `/people/{id}/badges` and `/settings/badges`: a person's badges, sending a code to enrol one, revoking them all.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::access::Permission;
use bailee_domain::badge::{Assurance, WeakBadges};
use bailee_domain::id::{BankId, PersonId};
use bailee_ui::form::{Choice, Field};

use super::banks::visible;
use super::form::Form;
use super::gate::Who;
use super::notice::{Done, cannot};
use super::shell::{Answer, shell, show};
use super::views::Section;
use super::views::badges::{BadgeLine, BadgePolicy, Badges};
use super::words;
use crate::app::badges::{self, weak_name, weak_named};
use crate::app::{FieldError, Refused};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

const WEAK: [WeakBadges; 3] = [WeakBadges::NeedCode, WeakBadges::Suffice, WeakBadges::Refused];

/// `/people/{id}/badges`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let principal = &who.session()?.principal;
    let found = badges::of_person(http.app(), principal, id).await?;
    let banks = visible(&http, principal).await?;
    let rows = found.enrolled.iter().map(|row| BadgeLine {
        bank: row.bank_name.clone(),
        assurance: if row.assurance == Assurance::Strong { "badge-strong" } else { "badge-weak" },
        enrolled: words::time(row.enrolled_at),
        forgotten: words::time_opt(row.forgotten_at),
    });
    let revocations = found.revocations.iter().map(|row| BadgeLine {
        bank: row.bank_name.clone(),
        assurance: "",
        enrolled: words::time(row.asked_at),
        forgotten: words::time_opt(row.forgotten_at),
    });
    Ok(show(&Badges {
        page: who.page(),
        shell: shell(&http, &who, Section::People).await?,
        id: id.to_string(),
        name: words::names(&http, principal, vec![id]).await?.person(id),
        may: Access::Needs(Permission::ManagePeople).admits(principal),
        rows: rows.collect(),
        revocations: revocations.collect(),
        banks: banks.iter().map(|bank| Choice::new(bank.id.to_string(), &bank.name)).collect(),
        bank: Field::default(),
    }))
}

/// `/people/{id}/badges/code`, posted.
pub async fn send_code(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let unknown = || Refused::Invalid(vec![FieldError { field: "bank", code: "unknown" }]);
    let bank: BankId = form.read("bank").ok_or_else(unknown)?;
    let at = format!("/people/{id}/badges");
    match badges::send_code(http.app(), http.ask(), &who.session()?.principal, id, bank).await {
        Ok(()) => Ok(Done::BadgeCodeSent.at(&at)),
        Err(error) => cannot(error, &at),
    }
}

/// `/people/{id}/badges/revoke`, posted.
pub async fn revoke(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    badges::revoke(http.app(), &who.session()?.principal, id).await?;
    Ok(Done::BadgesRevoked.at(&format!("/people/{id}/badges")))
}

/// `/settings/badges`
pub async fn policy(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    let page = who.page();
    let weak = badges::weak(http.app(), &who.session()?.principal).await?;
    let choice = |weak| Choice::new(weak_name(weak), page.t(&format!("badge-weak-{}", weak_name(weak))));
    Ok(show(&BadgePolicy {
        shell: shell(&http, &who, Section::Settings).await?,
        choices: WEAK.map(choice).into(),
        weak: Field::new(weak_name(weak)),
        page,
    }))
}

/// `/settings/badges`, posted.
pub async fn change_policy(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    let unknown = || Refused::Invalid(vec![FieldError { field: "weak", code: "unknown" }]);
    let weak = weak_named(form.text("weak")).ok_or_else(unknown)?;
    badges::set_weak(http.app(), &who.session()?.principal, weak).await?;
    Ok(Done::SettingsSaved.at("/settings/badges"))
}
