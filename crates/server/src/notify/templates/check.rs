//! Whether an operator's template may be saved, and what it will look like.
//!
//! Each fault names the part and what to do. A template that passes renders with every ordinary set of facts: it is
//! tried with all optional values, with none, and with the longest.

use super::engine::{engine, in_words, render};
use super::facts::{ALARM_CHARACTERS, DATE_CHARACTERS, LINK_CHARACTERS, NAME_CHARACTERS};
use super::{
    EmailText, Facts, Part, Picture, RenderFailure, TEMPLATE_BYTES, TemplateKey, TemplateText, shown_code,
};
use crate::notify::message::InlineImage;

/// Why a template can't be saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// It uses a variable that doesn't exist for this kind of message.
    #[error("the {} uses the unknown variable {{{{ {variable} }}}}; it may use {allowed}", .part.name())]
    UnknownVariable {
        /// Where.
        part: Part,
        /// The variable's name.
        variable: String,
        /// The names it may use, separated by commas.
        allowed: String,
    },
    /// The recipient couldn't open the door with it.
    #[error("the {} doesn't show the code; write {{{{ code }}}} where it belongs", .part.name())]
    MissingCode {
        /// Where.
        part: Part,
    },
    /// One part is too long.
    #[error("the {} is longer than {TEMPLATE_BYTES} bytes", .part.name())]
    TooLong {
        /// Where.
        part: Part,
    },
    /// It isn't written correctly.
    #[error("the {} has a mistake in line {line}: {reason}", .part.name())]
    Syntax {
        /// Where.
        part: Part,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It can't be filled in.
    #[error(transparent)]
    Render(#[from] RenderFailure),
}

/// Checks a template before it is saved.
///
/// # Errors
/// Every fault of every part, in the order of the parts.
pub fn validate(key: TemplateKey, template: &TemplateText) -> Result<(), Vec<TemplateFault>> {
    let faults: Vec<TemplateFault> =
        template.parts().filter_map(|(part, source)| check_part(key, part, source).err()).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// What a template looks like with sample values.
///
/// # Errors
/// The faults of [`validate`].
pub fn preview(
    key: TemplateKey,
    template: &TemplateText,
) -> Result<(EmailText, Option<String>), Vec<TemplateFault>> {
    validate(key, template)?;
    let facts = Sample::Whole.facts(key);
    let picture = if key == TemplateKey::ParcelReady { Picture::Qr } else { Picture::None };
    let mail = facts.email(template, picture).map_err(|failure| vec![failure.into()])?;
    let sms = facts.sms(template).map_err(|failure| vec![failure.into()])?;
    Ok((mail, sms))
}

fn check_part(key: TemplateKey, part: Part, source: &str) -> Result<(), TemplateFault> {
    if source.len() > TEMPLATE_BYTES {
        return Err(TemplateFault::TooLong { part });
    }
    let engine = engine();
    let template = engine.template_from_named_str(part.name(), source).map_err(|error| {
        TemplateFault::Syntax { part, line: error.line().unwrap_or(1), reason: in_words(&error) }
    })?;
    let mut used: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    used.sort();
    let allowed = allowed(key, part);
    if let Some(variable) = used.into_iter().find(|name| !allowed.contains(&name.as_str())) {
        return Err(TemplateFault::UnknownVariable { part, variable, allowed: allowed.join(", ") });
    }
    for sample in [Sample::Whole, Sample::Least, Sample::Longest] {
        check_rendered(key, part, source, sample)?;
    }
    Ok(())
}

fn allowed(key: TemplateKey, part: Part) -> Vec<&'static str> {
    let mut allowed = key.variables().to_vec();
    if part == Part::Html && key == TemplateKey::ParcelReady {
        allowed.push("qr");
    }
    allowed
}

fn check_rendered(key: TemplateKey, part: Part, source: &str, sample: Sample) -> Result<(), TemplateFault> {
    let mut values = sample.facts(key).values();
    if part == Part::Html {
        values.insert("qr", (sample != Sample::Least).then(|| InlineImage::SOURCE.to_owned()));
    }
    let written = render(part, source, &values)?;
    let needs_code = key.variables().contains(&"code") && part != Part::Subject;
    if needs_code && !written.contains(&shown_code(SAMPLE_CODE)) {
        return Err(TemplateFault::MissingCode { part });
    }
    Ok(())
}

const SAMPLE_CODE: &str = "12345678";

/// The occasions a template is tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sample {
    /// Ordinary values, all there; also the preview.
    Whole,
    /// Nothing that may be missing.
    Least,
    /// The longest values.
    Longest,
}

impl Sample {
    fn facts(self, key: TemplateKey) -> Facts {
        let long = |value: &str, characters| match self {
            Self::Longest => "x".repeat(characters),
            Self::Whole | Self::Least => value.to_owned(),
        };
        let code = SAMPLE_CODE.to_owned();
        let (site, bank) = (long("Mill House", NAME_CHARACTERS), long("Lobby", NAME_CHARACTERS));
        let expires = long("30 November", DATE_CHARACTERS);
        let address = "https://lockers.example.org/p/7";
        let link = match self {
            Self::Least => None,
            Self::Whole => Some(address.to_owned()),
            Self::Longest => Some(format!("{address}{}", "x".repeat(LINK_CHARACTERS - address.len()))),
        };
        match key {
            TemplateKey::ParcelReady => Facts::ParcelReady { code, site, bank, expires, link },
            TemplateKey::ParcelReminder => Facts::ParcelReminder { site, bank, expires, link },
            TemplateKey::BadgeCode => Facts::BadgeCode { code, site, bank, expires, link },
            TemplateKey::WorkCode => Facts::WorkCode { code, site, bank, expires, link },
            TemplateKey::CourierCode => Facts::CourierCode { code, site, expires, link },
            TemplateKey::Receipt => {
                let what = long("was opened with your code", NAME_CHARACTERS);
                Facts::Receipt { what, site, bank, at: long("23 November 14:05 UTC", DATE_CHARACTERS), link }
            }
            TemplateKey::Alarm => {
                let alarm = long("A door was opened by force", ALARM_CHARACTERS);
                Facts::Alarm { alarm, site, bank, at: long("23 November 14:05 UTC", DATE_CHARACTERS), link }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Language, default_text};
    use super::*;

    fn text(text: &str) -> TemplateText {
        TemplateText { subject: "Hello".into(), text: text.into(), html: None, sms: None }
    }

    fn complaint(key: TemplateKey, template: &TemplateText) -> String {
        match validate(key, template) {
            Ok(()) => "taken".to_owned(),
            Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        }
    }

    #[test]
    fn every_default_passes_and_can_be_previewed() {
        for key in TemplateKey::ALL {
            for language in [Language::En, Language::Ar] {
                let template = default_text(key, language);
                assert_eq!(complaint(key, &template), "taken", "{key:?} {language:?}");
                preview(key, &template).map(|_| ()).unwrap();
            }
        }
    }

    #[test]
    fn names_units_and_doors_are_refused_by_name() {
        for variable in ["name", "unit", "door", "recipient", "compartment"] {
            let template = text(&format!("{{{{ code }}}} for {{{{ {variable} }}}}"));
            assert_eq!(
                complaint(TemplateKey::ParcelReady, &template),
                format!(
                    "the text uses the unknown variable {{{{ {variable} }}}}; it may use code, site, bank, expires, link"
                )
            );
        }
        assert!(
            complaint(TemplateKey::ParcelReminder, &text("{{ code }}"))
                .contains("unknown variable {{ code }}")
        );
    }

    #[test]
    fn a_parcel_message_without_its_code_is_refused() {
        let missing = "the text doesn't show the code; write {{ code }} where it belongs";
        for source in [
            "Come and get it",
            "Code: {% if false %}{{ code }}{% endif %}",
            "{{ code|length }}",
            "{{ code|reverse }}",
        ] {
            assert_eq!(complaint(TemplateKey::ParcelReady, &text(source)), missing, "{source}");
        }
        let mut template = text("{{ code }}");
        template.sms = Some("Parcel at {{ bank }}".into());
        assert!(complaint(TemplateKey::ParcelReady, &template).starts_with("the sms doesn't show the code"));
    }

    #[test]
    fn optional_values_have_to_be_asked_for() {
        assert!(
            complaint(TemplateKey::ParcelReady, &text("{{ code }} {{ link }}")).contains("{% if link %}")
        );
        let asked = text("{{ code }}{% if link %} {{ link }}{% endif %}");
        assert_eq!(complaint(TemplateKey::ParcelReady, &asked), "taken");
    }

    #[test]
    fn templates_cannot_reach_out_or_run_away() {
        for source in [
            "{{ code }}{% include 'x' %}",
            "{{ code }}{% import 'x' as y %}",
            "{{ code }}{{ range(10) }}",
            "{{ code }}{{ debug() }}",
            "{{ code }}{{ site|safe }}",
            "{{ code }}{{ site.name }}",
            "{{ code }}{{ site }",
            "{{ code }}{% for a in 'xxxxxxxxxx' * 100000 %}{% for b in site * 10000 %}{{ b }}{% endfor %}{% endfor %}",
            "{{ code }}{{ site * 1000000000 }}",
            &format!("{{{{ code }}}}{}", "x".repeat(TEMPLATE_BYTES)),
            &format!("{}{{{{ code }}}}{}", "{% if 1 %}".repeat(1000), "{% endif %}".repeat(1000)),
        ] {
            let said = complaint(TemplateKey::ParcelReady, &text(source));
            assert_ne!(said, "taken", "{}", &source[..source.len().min(80)]);
            assert!(said.len() < 400, "{said}");
        }
    }

    #[test]
    fn mistakes_are_shown_with_their_line() {
        assert!(
            complaint(TemplateKey::Alarm, &text("a\n{{ alarm"))
                .starts_with("the text has a mistake in line 2")
        );
    }

    #[test]
    fn a_text_message_has_to_stay_short() {
        let mut template = text("{{ code }}");
        template.sms = Some(format!("{{{{ code }}}} {}", "x".repeat(480)));
        assert!(complaint(TemplateKey::ParcelReady, &template).contains("exceed 480 characters"));
        template.sms = Some("{{ code }} {{ site }}".repeat(7));
        assert!(complaint(TemplateKey::ParcelReady, &template).contains("with the longest names"));
    }

    proptest::proptest! {
        #[test]
        fn no_template_breaks_the_checker(pieces in proptest::collection::vec(piece(), 0..40)) {
            let source = pieces.concat();
            let mut template = text(&source);
            template.html = Some(source.clone());
            template.sms = Some(source);
            for key in TemplateKey::ALL {
                if validate(key, &template).is_ok() {
                    proptest::prop_assert!(preview(key, &template).is_ok());
                }
            }
        }
    }

    fn piece() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::strategy::{Just, Strategy};
        let known = [
            "{{ code }}",
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "{% if link %}",
            "{% endif %}",
            "{% for x in code %}",
            "{% endfor %}",
            "{% set site = ",
            "|",
            "upper",
            "replace('1', link)",
            "(",
            ")",
            "[",
            "]",
            ".",
            "~",
            "*",
            "**",
            "9999999999",
            "'",
            "\n",
            "{% raw %}",
            "{% macro code() %}",
            "{% block a %}",
            "{% filter upper %}",
            "-",
            "loop",
            "link",
            " ",
        ];
        proptest::prop_oneof![
            4 => proptest::sample::select(known.to_vec()).prop_map(ToOwned::to_owned),
            1 => "\\PC{0,6}",
            1 => Just("{{ site }}".to_owned()),
        ]
    }
}
