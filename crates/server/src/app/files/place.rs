//! What a file is attached to, and whom that concerns.

use std::fmt;
use std::str::FromStr;

use bailee_domain::access::Permission;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId, OrgId, ParcelId, SiteId};

use crate::app::{App, AppError, Refused};
use crate::store::Tx;
use crate::store::tables::{alert, bank, log_index, parcel, person};

/// What a file is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A parcel.
    Parcel(ParcelId),
    /// A compartment of a bank.
    Compartment(BankId, CompartmentNo),
    /// An alert.
    Alert(AlertId),
    /// A bank: what its hardware record refers to.
    Bank(BankId),
}

impl About {
    /// What it takes to see what is attached.
    #[must_use]
    pub const fn to_see(self) -> Permission {
        match self {
            Self::Parcel(_) => Permission::ViewParcels,
            Self::Compartment(..) | Self::Bank(_) => Permission::ViewBanks,
            Self::Alert(_) => Permission::ViewAlerts,
        }
    }

    /// What it takes to attach a file.
    #[must_use]
    pub const fn to_attach(self) -> Permission {
        match self {
            Self::Parcel(_) => Permission::ManageParcels,
            Self::Compartment(..) | Self::Bank(_) => Permission::OperateBanks,
            Self::Alert(_) => Permission::HandleAlerts,
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parcel(parcel) => write!(f, "parcel {parcel}"),
            Self::Compartment(bank, number) => write!(f, "compartment {bank} {}", number.0),
            Self::Alert(alert) => write!(f, "alert {alert}"),
            Self::Bank(bank) => write!(f, "bank {bank}"),
        }
    }
}

/// Text that names nothing a file can be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not `parcel …`, `compartment … …`, `alert …` or `bank …`")]
pub struct NotAPlace;

impl FromStr for About {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let words: Vec<&str> = text.split(' ').collect();
        let read = match words[..] {
            ["parcel", id] => id.parse().ok().map(Self::Parcel),
            ["compartment", bank, number] => {
                let number = number.parse().ok().map(CompartmentNo);
                bank.parse().ok().zip(number).map(|(bank, number)| Self::Compartment(bank, number))
            }
            ["alert", id] => id.parse().ok().map(Self::Alert),
            ["bank", id] => id.parse().ok().map(Self::Bank),
            _ => None,
        };
        read.filter(|about| about.to_string() == text).ok_or(NotAPlace)
    }
}

/// Where something is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub bank: BankId,
    pub site: SiteId,
    pub compartment: Option<CompartmentNo>,
    /// The parcel it is about, or the last one that was in the compartment and whose recipient was not erased.
    pub parcel: Option<ParcelId>,
    pub alert: Option<AlertId>,
}

/// Where something is; `None` when there is no such thing.
pub(super) async fn find(app: &App, about: About) -> Result<Option<Spot>, AppError> {
    let org = app.org();
    app.db()
        .read(async move |tx| match about {
            About::Parcel(id) => {
                let Some(found) = parcel::by_id(&tx, org, id).await? else { return Ok(None) };
                at_bank(&tx, org, (found.bank, Some(found.compartment)), Some(id)).await
            }
            About::Compartment(bank, number) => {
                let Some(found) = bank::by_id(&tx, org, bank).await? else { return Ok(None) };
                if found.layout.is_none_or(|layout| layout.find(number).is_none()) {
                    return Ok(None);
                }
                at_bank(&tx, org, (bank, Some(number)), None).await
            }
            About::Alert(id) => {
                let Some(found) = alert::get(&tx, org, id).await? else { return Ok(None) };
                let Some(bank) = found.about.bank() else { return Ok(None) };
                let place = (bank, found.compartment.map(CompartmentNo));
                let spot = at_bank(&tx, org, place, None).await?;
                Ok(spot.map(|spot| Spot { alert: Some(id), ..spot }))
            }
            About::Bank(id) => match bank::by_id(&tx, org, id).await? {
                Some(_) => at_bank(&tx, org, (id, None), None).await,
                None => Ok(None),
            },
        })
        .await
}

async fn at_bank(
    tx: &Tx,
    org: OrgId,
    (bank, compartment): (BankId, Option<CompartmentNo>),
    parcel: Option<ParcelId>,
) -> Result<Option<Spot>, AppError> {
    let Some(place) = bank::place(tx, bank).await? else { return Ok(None) };
    let parcel = match (parcel, compartment) {
        (Some(parcel), _) => Some(parcel),
        // The last parcel of somebody who was erased concerns nobody any more.
        (None, Some(number)) => match log_index::last_parcel_at(tx, bank, number).await? {
            Some(last) if is_erased(tx, org, last).await? => None,
            last => last,
        },
        (None, None) => None,
    };
    Ok(Some(Spot { bank, site: place.site, compartment, parcel, alert: None }))
}

async fn is_erased(tx: &Tx, org: OrgId, id: ParcelId) -> Result<bool, AppError> {
    let Some(found) = parcel::by_id(tx, org, id).await? else { return Ok(true) };
    Ok(person::get(tx, org, found.recipient).await?.is_none())
}

/// Refuses what would concern somebody who was erased meanwhile.
pub(super) async fn refuse_if_erased(tx: &Tx, org: OrgId, parcel: Option<ParcelId>) -> Result<(), AppError> {
    match parcel {
        Some(id) if is_erased(tx, org, id).await? => Err(Refused::NotPossibleNow { why: "erased" }.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_about_reads_back() {
        let bank = BankId::from_bytes([1; 16]);
        for about in [
            About::Parcel(ParcelId::from_bytes([2; 16])),
            About::Compartment(bank, CompartmentNo(7)),
            About::Alert(AlertId::from_bytes([3; 16])),
            About::Bank(bank),
        ] {
            assert_eq!(about.to_string().parse(), Ok(about));
        }
        for bad in ["", "parcel", "parcel x", &format!("compartment {bank} 07"), "alert"] {
            assert_eq!(bad.parse::<About>(), Err(NotAPlace), "{bad:?}");
        }
    }
}
