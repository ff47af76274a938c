//! Which text says what: notices and alarms by key. The same words for every code that isn't good here.

use bailee_domain::bank::screen::{AlarmKind, LockdownShown, Notice};
use bailee_domain::budget::Keypad;
use bailee_domain::event::Refusal;
use bailee_domain::lockdown::{Area, Exercise, Grade};
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::WallTime;
use bailee_ui::i18n::Texts;

/// Something the pages themselves have to say; gone with the next view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Fewer than eight digits were sent.
    CodeTooShort,
    /// The typed QR text isn't one of ours.
    NotOurToken,
    /// The controller doesn't answer.
    Away,
}

/// A sentence or two above the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// `bad`, `warn` or `ok`.
    pub(super) tone: &'static str,
    pub(super) icon: &'static str,
    pub(super) title: String,
    pub(super) detail: String,
    /// "4 tries left"; empty when it isn't about codes.
    pub(super) tries: String,
    /// The pages say it, not the engine: gone when the next key is pressed.
    pub(super) own: bool,
}

pub(super) fn remark(texts: Texts, remark: Remark) -> Note {
    let note = match remark {
        Remark::CodeTooShort => plain(texts, "warn", "warning", "kiosk-code-short"),
        Remark::NotOurToken => refused(texts, String::new()),
        Remark::Away => plain(texts, "bad", "warning", "kiosk-away"),
    };
    Note { own: true, ..note }
}

pub(super) fn notice(texts: Texts, notice: Notice) -> Note {
    match notice {
        Notice::Refused { reason, tries_left } => refusal(texts, reason, tries_left),
        Notice::TryingAnother { failed } => {
            let title = texts.t1("kiosk-another-title", "number", failed.to_string());
            Note { title, ..plain(texts, "warn", "warning", "kiosk-another") }
        }
        Notice::Reported => plain(texts, "ok", "check", "kiosk-reported"),
        Notice::Cancelled => plain(texts, "ok", "check", "kiosk-cancelled"),
        Notice::NoSpace => plain(texts, "warn", "warning", "kiosk-no-space"),
        Notice::Thanks => plain(texts, "ok", "check", "kiosk-thanks"),
        Notice::LockedDown => plain(texts, "warn", "lock", "kiosk-locked-down-now"),
        Notice::Released => plain(texts, "ok", "open", "kiosk-released"),
        Notice::ReleaseNeedsAnother => plain(texts, "warn", "people", "kiosk-release-needs-another"),
        Notice::BadgeEnrolled => plain(texts, "ok", "check", "kiosk-badge-enrolled"),
        Notice::OutOfOrder => plain(texts, "bad", "wrench", "kiosk-out-of-order"),
    }
}

fn refusal(texts: Texts, reason: Refusal, tries_left: u8) -> Note {
    match reason {
        Refusal::UnknownCode | Refusal::ForgedToken | Refusal::OtherBank | Refusal::DeadToken => {
            refused(texts, texts.t1("kiosk-tries-left", "count", tries_left))
        }
        Refusal::TooManyTries => plain(texts, "warn", "clock", "kiosk-too-many"),
        Refusal::DoorUnavailable => plain(texts, "warn", "wrench", "kiosk-door-unavailable"),
        Refusal::DoorStuck => plain(texts, "warn", "wrench", "kiosk-door-stuck"),
        Refusal::NoSpace => plain(texts, "warn", "warning", "kiosk-no-space"),
        Refusal::UnknownBadge => {
            let tries = texts.t1("kiosk-tries-left", "count", tries_left);
            Note { tries, ..plain(texts, "bad", "cross", "kiosk-badge-unknown") }
        }
        Refusal::WeakBadge => plain(texts, "warn", "cross", "kiosk-badge-weak"),
        Refusal::NothingHere => plain(texts, "warn", "warning", "kiosk-nothing-here"),
        Refusal::BadResponse => plain(texts, "bad", "cross", "kiosk-bad-response"),
        Refusal::Occupied => plain(texts, "warn", "lock", "kiosk-occupied"),
        Refusal::LockedDown => plain(texts, "warn", "lock", "kiosk-held"),
        Refusal::TooLate => plain(texts, "warn", "clock", "kiosk-too-late"),
    }
}

fn refused(texts: Texts, tries: String) -> Note {
    Note { tries, ..plain(texts, "bad", "cross", "kiosk-code-refused") }
}

/// A note whose title is the text `{key}-title` and whose detail is `{key}`.
fn plain(texts: Texts, tone: &'static str, icon: &'static str, key: &str) -> Note {
    let title = texts.t(&format!("{key}-title"));
    Note { tone, icon, title, detail: texts.t(key), tries: String::new(), own: false }
}

pub(super) fn alarm(texts: Texts, kind: AlarmKind, number: &str) -> String {
    let key = match kind {
        AlarmKind::Forced => "kiosk-alarm-forced",
        AlarmKind::HeldOpen => "kiosk-alarm-held",
    };
    texts.t1(key, "number", number)
}

/// What everybody is told about a lockdown in force: nothing about one that holds nobody's opening here.
pub(super) fn lockdown(texts: Texts, lockdown: &LockdownShown) -> Option<Note> {
    let key = match (lockdown.exercise, lockdown.grade, lockdown.area) {
        (Exercise::Drill, ..) => "kiosk-drill",
        (_, Grade::Watch | Grade::HoldRemote, _) => return None,
        (Exercise::HoldingDrill, ..) => "kiosk-drill-holds",
        (Exercise::Real, Grade::HoldZone, Area::Door(_) | Area::Zone(_)) => "kiosk-locked-zone",
        (Exercise::Real, ..) => "kiosk-locked",
    };
    let tone = if lockdown.exercise.is_drill() { "warn" } else { "bad" };
    Some(plain(texts, tone, "lock", key))
}

/// What everybody is told about a sign of tampering.
pub(super) fn tamper(texts: Texts, source: Source, tamper: Tamper) -> String {
    match (source, tamper) {
        (_, Tamper::Impact | Tamper::Pry | Tamper::Drill | Tamper::Saw) => texts.t("kiosk-alarm-attack"),
        (Source::Enclosure(_) | Source::PrySwitch(_), _) => texts.t("kiosk-alarm-enclosure"),
        (Source::Door(number), _) => texts.t1("kiosk-alarm-door", "number", number.to_string()),
        (Source::Reader(_), _) => texts.t("kiosk-alarm-reader"),
        _ => texts.t("kiosk-alarm-sensor"),
    }
}

/// Seconds until the keypad takes codes again; `None` when it does, or when only a person can reopen it.
pub(super) fn wait_s(keypad: Keypad, now: WallTime) -> Option<u64> {
    let (Keypad::Paused(until) | Keypad::Closed(until)) = keypad else { return None };
    Some(u64::try_from(until.since_ms(now)).unwrap_or(0).div_ceil(1_000))
}

/// `9:05`, or `2:09:05` from an hour up.
pub(super) fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailee_ui::i18n::Locale;

    #[test]
    fn every_bad_code_is_refused_in_the_same_words() {
        for locale in Locale::ALL {
            let texts = Texts::new(locale);
            let said = |reason| notice(texts, Notice::Refused { reason, tries_left: 3 });
            let first = said(Refusal::UnknownCode);
            for reason in [Refusal::ForgedToken, Refusal::OtherBank, Refusal::DeadToken] {
                assert_eq!(said(reason), first);
            }
            let typed = remark(texts, Remark::NotOurToken);
            assert_eq!((typed.title, typed.detail), (first.title, first.detail));
        }
    }

    #[test]
    fn a_countdown_reads_like_a_clock() {
        assert_eq!(clock(5), "0:05");
        assert_eq!(clock(725), "12:05");
        assert_eq!(clock(7_745), "2:09:05");
        assert_eq!(wait_s(Keypad::Paused(WallTime::from_unix_ms(1_500)), WallTime::from_unix_ms(0)), Some(2));
        assert_eq!(wait_s(Keypad::Closed(WallTime::from_unix_ms(0)), WallTime::from_unix_ms(9)), Some(0));
    }
}
