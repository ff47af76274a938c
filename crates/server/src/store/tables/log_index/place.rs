//! Places in the log in order of time, and pages seen from them.

use std::fmt;
use std::str::FromStr;

use bailee_domain::time::WallTime;

/// A place in the order of time; events of the same millisecond stand in the order they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the event happened.
    pub at: WallTime,
    /// Its row.
    pub id: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.unix_ms(), self.id)
    }
}

/// The text is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the log")]
pub struct NotAPosition;

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (at, id) = text.split_once('.').ok_or(NotAPosition)?;
        let at = at.parse().map_err(|_| NotAPosition)?;
        Ok(Self { at: WallTime::from_unix_ms(at), id: id.parse().map_err(|_| NotAPosition)? })
    }
}

/// Which page, seen from another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// The newest.
    #[default]
    Newest,
    /// What happened before this place.
    Older(Position),
    /// What happened after this place, as near to it as there is.
    Newer(Position),
}

impl Turn {
    /// The order in which the rows of the page are met.
    pub(super) const fn direction(self) -> &'static str {
        match self {
            Self::Newest | Self::Older(_) => "DESC",
            Self::Newer(_) => "ASC",
        }
    }
}
