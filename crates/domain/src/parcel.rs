//! A parcel as the platform knows it: in whose custody it is, derived only from the events of its bank.

use crate::compartment::{CompartmentNo, Size};
use crate::event::{Deposit, Event, EventKind};
use crate::id::{BankId, CarrierId, GrantId, ParcelId, PersonId};
use crate::time::WallTime;

/// In whose hands a parcel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Custody {
    /// In the compartment, waiting for its recipient.
    InBank,
    /// With the recipient.
    Collected,
}

/// A parcel that was dropped off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its id, given by the bank.
    pub id: ParcelId,
    /// The bank.
    pub bank: BankId,
    /// The compartment.
    pub compartment: CompartmentNo,
    /// The grant that lets the recipient have it.
    pub grant: GrantId,
    /// For whom.
    pub recipient: PersonId,
    /// By whom.
    pub courier: PersonId,
    /// On whose behalf.
    pub carrier: CarrierId,
    /// The size chosen.
    pub size: Size,
    /// When it was put in.
    pub deposited_at: WallTime,
    /// When its grant ends.
    pub expires: WallTime,
    /// Who has it.
    pub custody: Custody,
    /// When it was taken out.
    pub collected_at: Option<WallTime>,
}

impl Parcel {
    /// The parcel a deposit brings into being.
    pub const fn deposited(bank: BankId, at: WallTime, deposit: &Deposit) -> Self {
        Self {
            id: deposit.parcel,
            bank,
            compartment: deposit.compartment,
            grant: deposit.grant,
            recipient: deposit.recipient,
            courier: deposit.courier,
            carrier: deposit.carrier,
            size: deposit.size,
            deposited_at: at,
            expires: deposit.expires,
            custody: Custody::InBank,
            collected_at: None,
        }
    }

    /// The parcel after an event of its bank; unchanged by events about something else.
    #[must_use]
    pub fn after(mut self, event: &Event) -> Self {
        match event.kind {
            EventKind::ParcelCollected { parcel, .. } if parcel == self.id => {
                self.custody = Custody::Collected;
                self.collected_at = Some(event.at);
            }
            EventKind::GrantArmed { grant, expires, .. } if grant == self.grant => self.expires = expires,
            _ => {}
        }
        self
    }

    /// Whether its grant has ended with the parcel still inside.
    pub fn overdue(&self, now: WallTime) -> bool {
        self.custody == Custody::InBank && now >= self.expires
    }
}
