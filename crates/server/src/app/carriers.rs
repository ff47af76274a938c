//! Carriers: companies whose couriers drop off. They are no people, so their names stand in the custody log.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::CarrierId;
use bailee_domain::platform::PlatformEventKind;

use super::people::text;
use super::{App, AppError, Principal, Refused};
use crate::store::tables::carrier;

pub use carrier::CarrierRow;

/// Adds a carrier.
///
/// # Errors
/// [`Refused::Invalid`], [`Refused::AlreadyInUse`] for the name, or not allowed.
pub async fn add(app: &App, principal: &Principal, name: &str) -> Result<CarrierId, AppError> {
    app.authorise(principal, Permission::ManagePeople, Scope::Organisation, None).await?;
    let mut wrong = Vec::new();
    let name = text("name", name, &mut wrong);
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong).into());
    }
    let id = app.draw(|mut rng| CarrierId::new(app.now(), &mut rng));
    app.change(principal.actor, async move |change| {
        if !carrier::insert(&change.tx, change.org, id, &name, change.at).await? {
            return Err(Refused::AlreadyInUse { field: "name" }.into());
        }
        change.event(PlatformEventKind::CarrierAdded { carrier: id, name: name.clone() }).await?;
        Ok(id)
    })
    .await
}

/// Every carrier, by name.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn list(app: &App, principal: &Principal) -> Result<Vec<CarrierRow>, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let org = app.org();
    app.db().read(async move |tx| Ok(carrier::all(&tx, org).await?)).await
}
