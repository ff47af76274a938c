//! `/`: four numbers, what to do first, what needs somebody, every bank's map, and today.
//!
//! Live: patch `figures`, `first-steps`, `alert-queue`, `today` and the maps by their ids.

use super::alerts::AlertRow;
use super::{Shell, banks::BankCard};
use askama::Template;
use bailee_ui::layout::{Page, TimelineItem};

/// The overview.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/overview.html")]
pub struct Overview {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// Compartments holding something.
    pub occupied: u32,
    /// Compartments there are.
    pub compartments: u32,
    /// Parcels past their expiry.
    pub overdue: u32,
    /// Banks not heard of for 60 s.
    pub offline: u32,
    /// First steps; empty once all are done.
    pub steps: Vec<Step>,
    /// The most urgent open alerts, at most five.
    pub alerts: Vec<AlertRow>,
    /// Every bank of the site.
    pub banks: Vec<BankCard>,
    /// Today's events, newest first, at most ten.
    pub today: Vec<TimelineItem>,
}

impl Overview {
    /// How many first steps are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.done).count()
    }
}

/// One first step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What to do, in the reader's language.
    pub title: String,
    /// Where to do it.
    pub href: String,
    /// Whether it is done.
    pub done: bool,
}

#[cfg(test)]
impl Overview {
    pub(super) fn sample(page: Page) -> Self {
        let step = |key: &str, href: &str, done| Step { title: page.t(key), href: href.into(), done };
        Self {
            shell: Shell::sample(super::Section::Overview),
            occupied: 11,
            compartments: 36,
            overdue: 2,
            offline: 0,
            steps: vec![
                step("step-password", "/settings", true),
                step("step-bank", "/banks", true),
                step("step-resident", "/people/residents/new", false),
                step("step-courier", "/people/couriers/new", false),
                step("step-pickup", "/parcels", false),
            ],
            alerts: AlertRow::samples(&page),
            banks: BankCard::samples(),
            today: super::parcels::sample_timeline(&page),
            page,
        }
    }
}
