//! A posted form as an action of the engine.

use bailee_domain::bank::io::Action;
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::event::Problem;
use bailee_domain::truth::Seen;
use serde::Deserialize;

/// The most bytes a form may have.
pub(super) const MAX_FORM_BYTES: usize = 4096;
const MAX_QUERY_CHARS: usize = 64;

/// The fields of every form on the kiosk's pages.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Act {
    #[serde(rename = "do")]
    name: String,
    code: String,
    query: String,
    person: String,
    size: String,
    problem: String,
    seen: String,
    lockdown: String,
    door: String,
}

/// Why a form is not an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// The code hasn't eight digits: something a person can do.
    Code,
    /// No page of ours sends this.
    Foreign,
}

impl TryFrom<Act> for Action {
    type Error = Unclear;

    fn try_from(act: Act) -> Result<Self, Unclear> {
        Ok(match act.name.as_str() {
            "enter-code" => Self::EnterCode(Code::parse(&act.code).map_err(|_| Unclear::Code)?),
            "search" => Self::Search(act.query.chars().take(MAX_QUERY_CHARS).collect()),
            "pick" => Self::Pick(act.person.parse().map_err(|_| Unclear::Foreign)?),
            "confirm" => Self::ConfirmRecipient,
            "size" => Self::PickSize(size(&act.size).ok_or(Unclear::Foreign)?),
            "bigger" => Self::Bigger,
            "next" => Self::NextParcel,
            "back" => Self::Back,
            "cancel" => Self::Cancel,
            "report" => Self::Report(problem(&act.problem).ok_or(Unclear::Foreign)?),
            "seen" => Self::Seen(seen(&act.seen).ok_or(Unclear::Foreign)?),
            "release" => Self::Release(act.lockdown.parse().map_err(|_| Unclear::Foreign)?),
            "lock-down" => Self::LockDown,
            "silence" => Self::SilenceSiren,
            "emergency" => Self::Emergency,
            "door" => Self::ChooseDoor(CompartmentNo(act.door.parse().map_err(|_| Unclear::Foreign)?)),
            "still-here" => Self::StillHere,
            "finish" => Self::Finish,
            _ => return Err(Unclear::Foreign),
        })
    }
}

fn size(text: &str) -> Option<Size> {
    let mut letters = text.chars();
    let size = Size::from_code(letters.next()?)?;
    letters.next().is_none().then_some(size)
}

fn seen(text: &str) -> Option<Seen> {
    match text {
        "empty" => Some(Seen::Empty),
        "full" => Some(Seen::Full),
        _ => None,
    }
}

fn problem(text: &str) -> Option<Problem> {
    match text {
        "empty" => Some(Problem::Empty),
        "not-mine" => Some(Problem::NotMine),
        "does-not-close" => Some(Problem::DoesNotClose),
        "already-full" => Some(Problem::AlreadyFull),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(name: &str, set: impl FnOnce(&mut Act)) -> Result<Action, Unclear> {
        let mut act = Act { name: name.to_owned(), ..Act::default() };
        set(&mut act);
        act.try_into()
    }

    #[test]
    fn forms_are_actions_and_nothing_else_is() {
        assert_eq!(act("enter-code", |a| a.code = "1234".into()), Err(Unclear::Code));
        assert!(matches!(act("enter-code", |a| a.code = "1234 5678".into()), Ok(Action::EnterCode(_))));
        assert_eq!(act("size", |a| a.size = "M".into()), Ok(Action::PickSize(Size::Medium)));
        assert_eq!(act("size", |a| a.size = "MM".into()), Err(Unclear::Foreign));
        assert_eq!(act("report", |a| a.problem = "empty".into()), Ok(Action::Report(Problem::Empty)));
        assert_eq!(act("pick", |a| a.person = "per_1".into()), Err(Unclear::Foreign));
        assert_eq!(act("seen", |a| a.seen = "empty".into()), Ok(Action::Seen(Seen::Empty)));
        assert_eq!(act("release", |a| a.lockdown = "7".into()), Ok(Action::Release(7)));
        assert_eq!(act("release", |a| a.lockdown = "-7".into()), Err(Unclear::Foreign));
        assert_eq!(act("door", |a| a.door = "12".into()), Ok(Action::ChooseDoor(CompartmentNo(12))));
        assert_eq!(act("door", |a| a.door = "all".into()), Err(Unclear::Foreign));
        assert_eq!(act("open-everything", |_| {}), Err(Unclear::Foreign));
    }

    #[test]
    fn a_query_is_cut_to_what_the_engine_reads() {
        let query = act("search", |a| a.query = "ش".repeat(500));
        assert_eq!(query, Ok(Action::Search("ش".repeat(64))));
    }
}
