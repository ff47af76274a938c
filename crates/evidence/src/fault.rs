//! What a check of a bundle can find.

/// Characters of a place or reason that are told.
const LONGEST: usize = 400;

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
        Self::Unusable { place: plain(place.into()), why: plain(why.into()) }
    }

    pub(crate) fn unsound(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unsound { place: plain(place.into()), why: plain(why.into()) }
    }
}

/// One line of bounded length that a terminal can show: a bundle's own words may be in it.
fn plain(text: String) -> String {
    if text.len() <= LONGEST && !text.contains(char::is_control) {
        return text;
    }
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().take(LONGEST).map(escaped).collect()
}
