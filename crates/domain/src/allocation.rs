//! Which compartment a parcel gets: the smallest that fits, low doors kept for those who need them.

use crate::compartment::{Compartment, CompartmentNo, Reach, Size};

/// What a parcel and its recipient need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The smallest size that fits.
    pub size: Size,
    /// `Low` when the recipient asked for a door within reach.
    pub reach: Reach,
}

/// The best of the `free` compartments for this need, or none.
///
/// The caller passes only compartments that are empty, in service, closed and sensed. Among those that fit, the
/// smallest wins; at equal size a low door is spared for people who need one; then the lowest number.
pub fn allocate<'a>(free: impl Iterator<Item = &'a Compartment>, need: Need) -> Option<CompartmentNo> {
    free.filter(|c| c.size >= need.size)
        .filter(|c| need.reach == Reach::Standard || c.reach == Reach::Low)
        .min_by_key(|c| (c.size, spared(c, need), c.number))
        .map(|c| c.number)
}

fn spared(compartment: &Compartment, need: Need) -> bool {
    compartment.reach == Reach::Low && need.reach == Reach::Standard
}
