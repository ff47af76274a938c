//! What stands against one reader, and what has to be told of it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::reply::{Identity, RawBadge};
use super::tally::Tally;
use crate::readers::fact::Condition;

const MOST_NEWS: usize = 64;

/// What a panel has to tell.
#[derive(Clone, PartialEq, Eq)]
pub enum News {
    /// A badge was held to the reader, through the secure channel.
    Badge(RawBadge),
    /// Keys were pressed at the reader, through the secure channel.
    Keys(Vec<u8>),
    /// Something is the matter.
    Raised(Condition),
    /// It no longer is.
    Cleared(Condition),
    /// The reader is served.
    Ready(Identity),
    /// Commissioning is done: the reader holds the key and this is what it is.
    Keyed(Identity),
    /// Time passed (from the line's thread, twice a second).
    Tick,
}

/// The conditions of one reader and the news nobody has taken yet.
pub(super) struct Book {
    standing: BTreeSet<Condition>,
    bad: Tally,
    strange: Tally,
    news: VecDeque<News>,
}

impl Book {
    pub(super) fn new() -> Self {
        Self {
            standing: BTreeSet::new(),
            bad: Tally::new(5, Duration::from_secs(10), Duration::from_secs(60)),
            strange: Tally::new(1, Duration::from_secs(10), Duration::from_secs(60)),
            news: VecDeque::new(),
        }
    }

    pub(super) fn take(&mut self) -> VecDeque<News> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn damaged(&mut self, now: Duration) {
        if self.bad.count(now) {
            self.raise(Condition::Garbled);
        }
    }

    pub(super) fn stranger(&mut self, now: Duration) {
        if self.strange.count(now) {
            self.raise(Condition::Intruder);
        }
    }

    pub(super) fn calm_down(&mut self, now: Duration) {
        if self.bad.is_over(now) {
            self.clear(Condition::Garbled);
        }
        if self.strange.is_over(now) {
            self.clear(Condition::Intruder);
        }
    }

    pub(super) fn set(&mut self, condition: Condition, on: bool) {
        if on { self.raise(condition) } else { self.clear(condition) }
    }

    pub(super) fn raise(&mut self, condition: Condition) {
        if self.standing.insert(condition) {
            self.tell(News::Raised(condition));
        }
    }

    pub(super) fn clear(&mut self, condition: Condition) {
        if self.standing.remove(&condition) {
            self.tell(News::Cleared(condition));
        }
    }

    pub(super) fn tell(&mut self, news: News) {
        if self.news.len() < MOST_NEWS {
            self.news.push_back(news);
        }
    }
}
