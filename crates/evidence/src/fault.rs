//! What a check of a bundle can find.

/// The first thing wrong with a bundle, or what kept it from being checked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It isn't a bundle, or not one this program can read; nothing is known about what it says.
    #[error("{place}: {why}")]
    Unusable {
        /// Which part.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is a bundle, and it doesn't hold.
    #[error("{place}: {why}")]
    Unsound {
        /// Which part.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file, or a temporary one, could not be read or written.
    #[error("reading failed")]
    Failed(#[from] std::io::Error),
}

impl Fault {
    pub(crate) fn unusable(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unusable { place: place.into(), why: why.into() }
    }

    pub(crate) fn unsound(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unsound { place: place.into(), why: why.into() }
    }
}
