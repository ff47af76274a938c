//! What a person is told once after an act: that it was done, or that it was not possible and why.
//!
//! It travels as a word in the address a form leads to, and only words that have a text of ours are shown.

use axum::response::Response;
use bailee_ui::layout::{Page, Tone};

use super::form::Form;
use super::shell::Answer;
use super::views::Flash;
use crate::app::{AppError, Refused};
use crate::http::problem::see_other;

/// Something a person just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// A recipient gets a new code.
    CodeSent,
    /// A recipient has more time.
    TimeExtended,
    /// Somebody looks after an alert.
    AlertAcknowledged,
    /// Somebody was added or changed.
    PersonSaved,
    /// Somebody was removed.
    PersonRemoved,
    /// Somebody was erased.
    PersonErased,
    /// A legal hold is in force.
    HoldPlaced,
    /// A legal hold has ended.
    HoldLifted,
    /// A file was attached.
    FileAttached,
    /// A file was destroyed.
    FileDestroyed,
    /// A courier was added, the first code is on its way.
    CourierAdded,
    /// A courier was added before there was a bank to check a code.
    CourierWithoutCode,
    /// A courier gets a new personal code.
    CourierCodeSent,
    /// A carrier was added.
    CarrierAdded,
    /// The site's settings were changed.
    SettingsSaved,
    /// A message text was changed.
    TemplateSaved,
    /// A message text is ours again.
    TemplateReset,
    /// An API token was ended.
    TokenRevoked,
    /// A compartment was taken out of service or put back.
    ServiceChanged,
    /// A keypad takes codes again.
    KeypadReset,
    /// Evidence is being made.
    EvidenceAsked,
    /// A lockdown is in force.
    LockdownBegun,
    /// A lockdown is in force at some banks; others did not answer.
    LockdownPartly,
    /// A lockdown has ended.
    LockdownReleased,
    /// A second person must agree.
    LockdownNeedsAnother,
    /// The siren is off.
    SirenSilenced,
    /// What was seen on a round was written down.
    RoundTold,
    /// A public key was registered.
    KeyAdded,
    /// A public key was withdrawn.
    KeyRemoved,
    /// The bank believes a key.
    KeyAdmitted,
    /// The bank opens a door.
    DoorOpened,
    /// The bank is in service again.
    Resynchronised,
    /// A code for enrolling a badge is on its way.
    BadgeCodeSent,
    /// Every bank is asked to forget somebody's badges.
    BadgesRevoked,
    /// A technician has a work order.
    WorkOrderWritten,
    /// A work order was closed.
    WorkOrderClosed,
    /// What happened to a key in custody was written down.
    CustodyChanged,
    /// What a bank is built of was recorded.
    HardwareRecorded,
    /// A bank was taken into use.
    BankAccepted,
    /// A bank was taken into use though it falls short.
    BankExcepted,
    /// A bank was taken out of use.
    BankWithdrawn,
}

impl Done {
    const ALL: [Self; 41] = [
        Self::CodeSent,
        Self::TimeExtended,
        Self::AlertAcknowledged,
        Self::PersonSaved,
        Self::PersonRemoved,
        Self::PersonErased,
        Self::HoldPlaced,
        Self::HoldLifted,
        Self::FileAttached,
        Self::FileDestroyed,
        Self::CourierAdded,
        Self::CourierWithoutCode,
        Self::CourierCodeSent,
        Self::CarrierAdded,
        Self::SettingsSaved,
        Self::TemplateSaved,
        Self::TemplateReset,
        Self::TokenRevoked,
        Self::ServiceChanged,
        Self::KeypadReset,
        Self::EvidenceAsked,
        Self::LockdownBegun,
        Self::LockdownPartly,
        Self::LockdownReleased,
        Self::LockdownNeedsAnother,
        Self::SirenSilenced,
        Self::RoundTold,
        Self::KeyAdded,
        Self::KeyRemoved,
        Self::KeyAdmitted,
        Self::DoorOpened,
        Self::Resynchronised,
        Self::BadgeCodeSent,
        Self::BadgesRevoked,
        Self::WorkOrderWritten,
        Self::WorkOrderClosed,
        Self::CustodyChanged,
        Self::HardwareRecorded,
        Self::BankAccepted,
        Self::BankExcepted,
        Self::BankWithdrawn,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::CodeSent => "code-sent",
            Self::TimeExtended => "time-extended",
            Self::AlertAcknowledged => "alert-acknowledged",
            Self::PersonSaved => "person-saved",
            Self::PersonRemoved => "person-removed",
            Self::PersonErased => "person-erased",
            Self::HoldPlaced => "hold-placed",
            Self::HoldLifted => "hold-lifted",
            Self::FileAttached => "file-attached",
            Self::FileDestroyed => "file-destroyed",
            Self::CourierAdded => "courier-added",
            Self::CourierWithoutCode => "courier-without-code",
            Self::CourierCodeSent => "courier-code-sent",
            Self::CarrierAdded => "carrier-added",
            Self::SettingsSaved => "settings-saved",
            Self::TemplateSaved => "template-saved",
            Self::TemplateReset => "template-reset",
            Self::TokenRevoked => "token-revoked",
            Self::ServiceChanged => "service-changed",
            Self::KeypadReset => "keypad-reset",
            Self::EvidenceAsked => "evidence-asked",
            Self::LockdownBegun => "lockdown-begun",
            Self::LockdownPartly => "lockdown-partly",
            Self::LockdownReleased => "lockdown-released",
            Self::LockdownNeedsAnother => "lockdown-needs-another",
            Self::SirenSilenced => "siren-silenced",
            Self::RoundTold => "round-told",
            Self::KeyAdded => "key-added",
            Self::KeyRemoved => "key-removed",
            Self::KeyAdmitted => "key-admitted",
            Self::DoorOpened => "door-opened",
            Self::Resynchronised => "resynchronised",
            Self::BadgeCodeSent => "badge-code-sent",
            Self::BadgesRevoked => "badges-revoked",
            Self::WorkOrderWritten => "work-order-written",
            Self::WorkOrderClosed => "work-order-closed",
            Self::CustodyChanged => "custody-changed",
            Self::HardwareRecorded => "hardware-recorded",
            Self::BankAccepted => "bank-accepted",
            Self::BankExcepted => "bank-excepted",
            Self::BankWithdrawn => "bank-withdrawn",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::CourierWithoutCode
            | Self::LockdownPartly
            | Self::LockdownNeedsAnother
            | Self::BankExcepted
            | Self::BankWithdrawn => Tone::Warn,
            _ => Tone::Ok,
        }
    }

    /// Goes to a page of ours and says so there.
    pub fn at(self, path: &str) -> Response {
        lead(path, "done", self.name())
    }
}

/// Goes to a page of ours and says there why something was not possible; any other error passes on.
pub fn cannot(error: AppError, path: &str) -> Answer {
    match error {
        AppError::Refused(Refused::NotPossibleNow { why }) => {
            Ok(lead(path, "cannot", &why.replace('_', "-")))
        }
        error => Err(error.into()),
    }
}

fn lead(path: &str, name: &str, word: &str) -> Response {
    let join = if path.contains('?') { '&' } else { '?' };
    see_other(&format!("{path}{join}{name}={word}"))
}

/// What the address of a page asks to be said on it.
pub fn flash(page: &Page, here: &str) -> Option<Flash> {
    let (_path, query) = here.split_once('?')?;
    let query = Form::parse(query.as_bytes());
    if let Some(done) = Done::ALL.into_iter().find(|done| done.name() == query.text("done")) {
        return Some(Flash { tone: done.tone(), text: page.t(&format!("done-{}", done.name())) });
    }
    let key = format!("cannot-{}", query.some("cannot")?);
    page.texts.has(&key).then(|| Flash { tone: Tone::Warn, text: page.t(&key) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailee_ui::i18n::Locale;

    fn said(locale: Locale, here: &str) -> Option<String> {
        flash(&Page::new(locale, ""), here).map(|flash| flash.text)
    }

    #[test]
    fn everything_done_is_told_in_every_language() {
        for locale in Locale::ALL {
            for done in Done::ALL {
                let text = said(locale, &format!("/x?done={}", done.name())).expect("a notice");
                assert!(text.contains(' '), "{done:?} in {}: {text}", locale.tag());
            }
        }
    }

    #[test]
    fn an_address_puts_no_words_of_its_own_on_a_page() {
        for here in ["/", "/x?done=win+a+prize", "/x?cannot=win+a+prize", "/x?cannot=", "/x?done="] {
            assert_eq!(said(Locale::En, here), None, "{here}");
        }
        let why = said(Locale::En, "/x?cannot=parcel-waiting").expect("a notice");
        assert!(why.starts_with("Not removed"), "{why}");
    }
}
