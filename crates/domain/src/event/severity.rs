//! How soon somebody must look at an event, and which compartment it is about.

use super::{Authority, EventKind, Purpose, Severity};
use crate::compartment::{CompartmentNo, OutOfService, Service};
use crate::lockdown::{Area, Exercise};
use crate::tamper::Source;
use crate::truth::Doubt;

impl EventKind {
    /// How soon somebody must look at it.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::CompartmentForced { .. }
            | Self::CompartmentFoundOpen { .. }
            | Self::CompartmentHeldOpen { .. }
            | Self::KeypadClosed { .. }
            | Self::BoardSilent { .. }
            | Self::KeyWaits { .. }
            | Self::OpeningIntended {
                purpose:
                    Purpose::Inspect { authority: Authority::Override { .. } | Authority::Quorum { .. }, .. },
                ..
            }
            | Self::LockdownBegan { exercise: Exercise::Real, .. }
            | Self::TamperBegan { .. }
            | Self::OccupancyDoubted { doubt: Doubt::Missing | Doubt::Interrupted, .. }
            | Self::LedgerRefused { .. }
            | Self::RestoredDiskFound { .. }
            | Self::ServiceChanged {
                service: Service::Out(OutOfService::NeedsCheck | OutOfService::DidNotOpen),
                ..
            } => Severity::Alarm,
            Self::CompartmentDidNotOpen { .. }
            | Self::AccessRefused { .. }
            | Self::ProblemReported { .. }
            | Self::GrantExpired { .. }
            | Self::ServiceChanged { .. }
            | Self::LockdownBegan { .. }
            | Self::LockdownChanged { .. }
            | Self::LockdownReleaseAsked { .. }
            | Self::LockdownReleased { .. }
            | Self::LockdownExpired { .. }
            | Self::TamperContinued { .. }
            | Self::TamperEnded { .. }
            | Self::OccupancyDoubted { .. }
            | Self::RemoteOpeningRefused { .. }
            | Self::KeyAdmitted { .. }
            | Self::KeyRemoved { .. }
            | Self::OverrideAsked { .. }
            | Self::OverrideAnswered { .. }
            | Self::BankResynchronised { .. }
            | Self::CommissioningBegan { .. }
            | Self::LockTried { .. }
            | Self::BankCommissioned { .. }
            | Self::OpeningIntended { purpose: Purpose::Inspect { .. }, .. }
            | Self::ClockStepped { .. } => Severity::Notice,
            _ => Severity::Routine,
        }
    }

    /// The compartment it is about.
    pub const fn compartment(&self) -> Option<CompartmentNo> {
        match self {
            Self::OpeningIntended { compartment, .. }
            | Self::CompartmentOpened { compartment, .. }
            | Self::CompartmentDidNotOpen { compartment, .. }
            | Self::CompartmentClosed { compartment }
            | Self::CompartmentForced { compartment }
            | Self::CompartmentFoundOpen { compartment }
            | Self::CompartmentHeldOpen { compartment }
            | Self::DropOffCancelled { compartment, .. }
            | Self::ParcelCollected { compartment, .. }
            | Self::ServiceChanged { compartment, .. }
            | Self::OccupancyDoubted { compartment, .. }
            | Self::OccupancyTold { compartment, .. }
            | Self::LockdownBegan { area: Area::Door(compartment), .. }
            | Self::TamperBegan { source: Source::Door(compartment), .. }
            | Self::RemoteOpeningRefused { compartment, .. }
            | Self::OverrideAsked { compartment }
            | Self::OverrideAnswered { compartment, .. }
            | Self::ProblemReported { compartment, .. } => Some(*compartment),
            Self::ParcelDeposited(deposit) => Some(deposit.compartment),
            _ => None,
        }
    }
}
