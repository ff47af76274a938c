//! `/carriers`: posts `name` to its own address.

use super::Shell;
use askama::Template;
use bailee_ui::form::Field;
use bailee_ui::layout::Page;

/// A carrier among others.
#[derive(Clone, Debug)]
pub struct CarrierRow {
    /// `car_…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its couriers.
    pub couriers: u32,
    /// Parcels it brought that still wait.
    pub waiting: u32,
}

/// `/carriers`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/carriers.html")]
pub struct Carriers {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// The carriers.
    pub rows: Vec<CarrierRow>,
    /// The name of a new one.
    pub name: Field,
}

#[cfg(test)]
impl Carriers {
    pub(super) fn sample(page: Page) -> Self {
        let row = |name: &str, couriers, waiting| CarrierRow {
            id: "car_x".into(),
            name: name.into(),
            couriers,
            waiting,
        };
        Self {
            page,
            shell: Shell::sample(super::Section::Carriers),
            rows: vec![row("Parcel Post", 6, 7), row("Northern Express", 4, 3), row("Bike Couriers", 1, 1)],
            name: Field::default(),
        }
    }
}
