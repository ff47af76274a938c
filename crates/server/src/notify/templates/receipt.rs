//! How a door was opened, in words that go into the sentence of a receipt: after "your compartment at …", and in Arabic before it.

use bailee_domain::receipt::Way;

use super::Language;

/// The words for a way. Each has its own, so that nobody takes a stranger's opening for one of their own.
#[must_use]
pub const fn way(way: Way, language: Language) -> &'static str {
    match language {
        Language::En => match way {
            Way::Code => "was opened with your code",
            Way::Qr => "was opened with your QR code",
            Way::Badge => "was opened with your badge",
            Way::Remote => "was opened from your device",
            Way::Courier => "was opened by a courier",
            Way::Administrator => "was opened by an administrator",
            Way::Override => "was opened in an emergency, by two officers",
            Way::Technician => "was opened by a technician",
            Way::Authorised => "was opened",
            Way::Forced => "was opened without permission",
            Way::FoundOpen => "was found open",
        },
        Language::Ar => match way {
            Way::Code => "فُتحت برمزك",
            Way::Qr => "فُتحت برمز QR الخاص بك",
            Way::Badge => "فُتحت ببطاقتك",
            Way::Remote => "فُتحت من جهازك",
            Way::Courier => "فتحها مندوب توصيل",
            Way::Administrator => "فتحها مسؤول",
            Way::Override => "فتحها مسؤولان في حالة طوارئ",
            Way::Technician => "فتحها فني",
            Way::Authorised => "فُتحت",
            Way::Forced => "فُتحت بلا إذن",
            Way::FoundOpen => "وُجدت مفتوحة",
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Facts, Picture, TemplateKey, default_text};
    use super::*;

    #[test]
    fn every_way_has_its_own_words_in_mail_and_text_message_in_each_language() {
        for language in [Language::En, Language::Ar] {
            let template = default_text(TemplateKey::Receipt, language);
            let mut said = BTreeSet::new();
            for one in Way::ALL {
                let facts = Facts::Receipt {
                    what: one.name().to_owned(),
                    site: "Mill House".to_owned(),
                    bank: "Lobby".to_owned(),
                    at: "23 November 14:05 UTC".to_owned(),
                    link: Some("https://lockers.example.org/receipt?of=blr_1".to_owned()),
                };
                let facts = facts.told_in(language);
                let mail = facts.email(&template, Picture::None).unwrap();
                let sms = facts.sms(&template).unwrap().unwrap();
                for text in [&mail.subject, &mail.text, &sms] {
                    assert!(text.contains(way(one, language)), "{one:?}: {text}");
                }
                assert!(sms.contains("blr_1") && mail.text.contains("blr_1"), "{sms}");
                assert!(said.insert(sms), "{one:?} says what another says");
            }
        }
    }
}
