//! Which events mean that a door stood open: whoever's parcel lay behind it gets a receipt, whoever opened it.
//!
//! Both matches name every kind, so that a new one cannot be added without saying here whether a door opened and why.
//! Whose parcel lies there is not decided here; that is what the events so far add up to. Start at [`opening`].

use crate::compartment::CompartmentNo;
use crate::event::{Authority, EventKind, OpeningNo, Purpose, Surface};

/// How a door came to stand open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// As the intent of this number says.
    Intended(OpeningNo),
    /// Nobody had authorised it.
    Forced,
    /// It was open when the controller started, and should not have been.
    FoundOpen,
}

/// By whom and how, as the recipient of a parcel may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The recipient's digits were typed.
    Code,
    /// The recipient's QR code was shown.
    Qr,
    /// The recipient's badge was held to the reader.
    Badge,
    /// The recipient's own device asked for it.
    Remote,
    /// A courier opened it to put a parcel in.
    Courier,
    /// Administrators signed for it.
    Administrator,
    /// Two officers opened it in an emergency.
    Override,
    /// A technician opened it for a work order.
    Technician,
    /// The bank authorised it; for whom is not known here.
    Authorised,
    /// Nobody had authorised it.
    Forced,
    /// It was open when the controller started.
    FoundOpen,
}

/// The door that an event says is open now, and how that came.
#[must_use]
pub const fn opening(kind: &EventKind) -> Option<(CompartmentNo, Opening)> {
    match kind {
        EventKind::CompartmentOpened { compartment, opening } => {
            Some((*compartment, Opening::Intended(*opening)))
        }
        EventKind::CompartmentForced { compartment } => Some((*compartment, Opening::Forced)),
        EventKind::CompartmentFoundOpen { compartment } => Some((*compartment, Opening::FoundOpen)),
        // Not yet or not seen to be open; what a sensor sees later is an event of its own.
        EventKind::OpeningIntended { .. } | EventKind::CompartmentDidNotOpen { .. } => None,
        // About a door whose opening was an event before.
        EventKind::CompartmentClosed { .. }
        | EventKind::CompartmentHeldOpen { .. }
        | EventKind::ParcelDeposited(_)
        | EventKind::DropOffCancelled { .. }
        | EventKind::ParcelCollected { .. } => None,
        EventKind::BankStarted { .. }
        | EventKind::RosterTaken { .. }
        | EventKind::CourierSignedIn { .. }
        | EventKind::GrantArmed { .. }
        | EventKind::GrantExpired { .. }
        | EventKind::GrantRevoked { .. }
        | EventKind::AccessRefused { .. }
        | EventKind::KeypadClosed { .. }
        | EventKind::KeypadReset { .. }
        | EventKind::ServiceChanged { .. }
        | EventKind::BoardSilent { .. }
        | EventKind::BoardAnswers { .. }
        | EventKind::ClockStepped { .. }
        | EventKind::ProblemReported { .. }
        | EventKind::LockdownBegan { .. }
        | EventKind::LockdownChanged { .. }
        | EventKind::LockdownReleaseAsked { .. }
        | EventKind::LockdownReleased { .. }
        | EventKind::LockdownExpired { .. }
        | EventKind::TamperBegan { .. }
        | EventKind::TamperContinued { .. }
        | EventKind::TamperEnded { .. }
        | EventKind::OccupancyDoubted { .. }
        | EventKind::OccupancyTold { .. }
        | EventKind::StaffSignedIn { .. }
        | EventKind::SirenSilenced { .. }
        | EventKind::RemoteOpeningRefused { .. }
        | EventKind::KeyWaits { .. }
        | EventKind::KeyAdmitted { .. }
        | EventKind::KeyRemoved { .. }
        | EventKind::OverrideAsked { .. }
        | EventKind::OverrideAnswered { .. }
        | EventKind::EnrolmentOffered { .. }
        | EventKind::BadgeEnrolled { .. }
        | EventKind::BadgesForgotten { .. }
        | EventKind::WorkOrderOpened { .. }
        | EventKind::WorkOrderClosed { .. }
        | EventKind::TechnicianSignedIn { .. }
        | EventKind::LedgerRefused { .. }
        | EventKind::RestoredDiskFound { .. }
        | EventKind::BankResynchronised { .. }
        | EventKind::CommissioningBegan { .. }
        | EventKind::LockTried { .. }
        | EventKind::LockAnswered { .. }
        | EventKind::PartChecked { .. }
        | EventKind::BankCommissioned { .. } => None,
    }
}

/// How an opening was made, `purpose` being that of its intent where that is known.
#[must_use]
pub const fn way(opening: Opening, purpose: Option<&Purpose>) -> Way {
    match (opening, purpose) {
        (Opening::Forced, _) => Way::Forced,
        (Opening::FoundOpen, _) => Way::FoundOpen,
        (Opening::Intended(_), None) => Way::Authorised,
        (Opening::Intended(_), Some(purpose)) => match purpose {
            Purpose::DropOff { .. } => Way::Courier,
            Purpose::Pickup { surface: Surface::Keypad, .. } => Way::Code,
            Purpose::Pickup { surface: Surface::Qr, .. } => Way::Qr,
            Purpose::Pickup { surface: Surface::Badge, .. } => Way::Badge,
            Purpose::Pickup { surface: Surface::Remote, .. } => Way::Remote,
            Purpose::Inspect { authority: Authority::Remote { .. } | Authority::Quorum { .. }, .. } => {
                Way::Administrator
            }
            Purpose::Inspect { authority: Authority::Override { .. }, .. } => Way::Override,
            Purpose::Inspect { authority: Authority::WorkOrder { .. }, .. } => Way::Technician,
        },
    }
}

impl Way {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Code,
        Self::Qr,
        Self::Badge,
        Self::Remote,
        Self::Courier,
        Self::Administrator,
        Self::Override,
        Self::Technician,
        Self::Authorised,
        Self::Forced,
        Self::FoundOpen,
    ];

    /// The stable name, in the store and in keys of texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Qr => "qr",
            Self::Badge => "badge",
            Self::Remote => "remote",
            Self::Courier => "courier",
            Self::Administrator => "administrator",
            Self::Override => "override",
            Self::Technician => "technician",
            Self::Authorised => "authorised",
            Self::Forced => "forced",
            Self::FoundOpen => "found-open",
        }
    }

    /// The way of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::OpenFailure;
    use crate::id::{GrantId, ParcelId, PersonId, WorkOrderId};

    const DOOR: CompartmentNo = CompartmentNo(7);

    #[test]
    fn a_door_seen_open_is_an_opening_and_nothing_else_is() {
        for (kind, expected) in [
            (EventKind::CompartmentOpened { compartment: DOOR, opening: 3 }, Some(Opening::Intended(3))),
            (EventKind::CompartmentForced { compartment: DOOR }, Some(Opening::Forced)),
            (EventKind::CompartmentFoundOpen { compartment: DOOR }, Some(Opening::FoundOpen)),
            (EventKind::CompartmentHeldOpen { compartment: DOOR }, None),
            (EventKind::CompartmentClosed { compartment: DOOR }, None),
            (
                EventKind::CompartmentDidNotOpen { compartment: DOOR, opening: 3, why: OpenFailure::Unknown },
                None,
            ),
        ] {
            assert_eq!(opening(&kind), expected.map(|how| (DOOR, how)), "{kind:?}");
        }
    }

    #[test]
    fn how_it_was_opened_is_what_the_intent_says() {
        let (parcel, grant) = (ParcelId::from_bytes([1; 16]), GrantId::from_bytes([2; 16]));
        let pickup = |surface| Purpose::Pickup { parcel, grant, surface };
        assert_eq!(way(Opening::Intended(1), Some(&pickup(Surface::Qr))), Way::Qr);
        assert_eq!(way(Opening::Intended(1), Some(&pickup(Surface::Keypad))), Way::Code);
        let inspect = |authority| Purpose::Inspect { by: PersonId::from_bytes([3; 16]), authority };
        let second = PersonId::from_bytes([4; 16]);
        for (authority, told) in [
            (Authority::Remote { reason: [0; 32] }, Way::Administrator),
            (Authority::Quorum { second, reason: [0; 32] }, Way::Administrator),
            (Authority::Override { second }, Way::Override),
            (Authority::WorkOrder { order: WorkOrderId::from_bytes([5; 16]) }, Way::Technician),
        ] {
            assert_eq!(way(Opening::Intended(1), Some(&inspect(authority))), told);
        }
        assert_eq!(way(Opening::Intended(1), None), Way::Authorised);
        assert_eq!(way(Opening::Forced, Some(&pickup(Surface::Qr))), Way::Forced);
        assert!(Way::ALL.into_iter().all(|way| Way::from_name(way.name()) == Some(way)));
    }
}
