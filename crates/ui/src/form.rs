//! Form parts: hidden tokens, labelled fields with their errors, and the error summary.
//!
//! Follows the GOV.UK pattern: what was typed is never cleared, the same words stand at the field and in the summary, and
//! nothing is decided here. Start at [`Field`] and the methods of [`crate::layout::Page`] that draw it.

use crate::html::{Html, escape};
use crate::layout::Page;
use core::fmt::Write as _;

/// The two hidden values every POST carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Proves the form came from a page we gave this session.
    pub csrf: String,
    /// Makes a repeated submission one act; fresh for every page.
    pub idempotency: String,
}

/// One input: what was typed and what was wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// What to show in the input.
    pub value: String,
    /// What is wrong with it, in the reader's language.
    pub error: Option<String>,
}

impl Field {
    /// A field holding `value`, without an error.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), error: None }
    }

    /// The same field with an error.
    #[must_use]
    pub fn wrong(mut self, error: impl Into<String>) -> Self {
        self.error = Some(error.into());
        self
    }
}

/// One choice of a select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is submitted.
    pub value: String,
    /// What is shown.
    pub label: String,
}

impl Choice {
    /// A choice.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

impl Page {
    /// The hidden inputs of one form; `act` keeps the idempotency keys of several forms on one page apart.
    #[must_use]
    pub fn hidden(&self, tokens: &Tokens, act: &str) -> Html {
        let key =
            if act.is_empty() { tokens.idempotency.clone() } else { format!("{}.{act}", tokens.idempotency) };
        Html::from_escaped(format!(
            r#"<input type="hidden" name="csrf" value="{}"><input type="hidden" name="idempotency" value="{}">"#,
            escape(&tokens.csrf),
            escape(&key)
        ))
    }

    /// A labelled input. `kind` is the HTML type, `autocomplete` a token of the HTML standard (empty for none), `label` a text key;
    /// a text `{label}-hint` is shown as hint where it exists.
    #[must_use]
    pub fn input(&self, name: &str, kind: &str, autocomplete: &str, label: &str, field: &Field) -> Html {
        let mut control = format!(r#"<input class="input" type="{kind}" value="{}""#, escape(&field.value));
        if !autocomplete.is_empty() {
            let _ = write!(control, r#" autocomplete="{autocomplete}""#);
        }
        self.labelled(name, label, field, &control, ">")
    }

    /// A labelled choice of a file of these media types, for a form of `multipart/form-data`.
    #[must_use]
    pub fn file(&self, name: &str, accept: &str, label: &str, field: &Field) -> Html {
        self.labelled(
            name,
            label,
            field,
            &format!(r#"<input class="input" type="file" accept="{accept}""#),
            ">",
        )
    }

    /// A labelled text of several lines.
    #[must_use]
    pub fn textarea(&self, name: &str, rows: u8, label: &str, field: &Field) -> Html {
        let end = format!(">\n{}</textarea>", escape(&field.value));
        self.labelled(name, label, field, &format!(r#"<textarea class="input" rows="{rows}""#), &end)
    }

    /// A labelled choice among `choices`; the one equal to the field's value is selected.
    #[must_use]
    pub fn select(&self, name: &str, label: &str, choices: &[Choice], field: &Field) -> Html {
        let mut end = String::from(">");
        for choice in choices {
            let selected = if choice.value == field.value { " selected" } else { "" };
            let _ = write!(
                end,
                r#"<option value="{}"{selected}>{}</option>"#,
                escape(&choice.value),
                escape(&choice.label)
            );
        }
        end.push_str("</select>");
        self.labelled(name, label, field, r#"<select class="input""#, &end)
    }

    /// "There is a problem", with a link to each wrong field: pairs of field name and error.
    #[must_use]
    pub fn error_summary(&self, fields: &[(&str, &Field)]) -> Html {
        let wrong: Vec<_> =
            fields.iter().filter_map(|(name, field)| Some((name, field.error.as_ref()?))).collect();
        if wrong.is_empty() {
            return Html::default();
        }
        let mut out = format!(
            r#"<div class="summary" role="alert" tabindex="-1" aria-labelledby="problem"><h2 id="problem">{}</h2><ul>"#,
            escape(&self.t("error-summary"))
        );
        for (name, error) in wrong {
            let _ = write!(out, r##"<li><a href="#{name}">{}</a></li>"##, escape(error));
        }
        out.push_str("</ul></div>");
        Html::from_escaped(out)
    }

    fn labelled(&self, name: &str, label: &str, field: &Field, control: &str, end: &str) -> Html {
        let hint_key = format!("{label}-hint");
        let hint = self.texts.has(&hint_key).then(|| self.t(&hint_key));
        let mut described = Vec::new();
        let mut out = format!(
            r#"<div class="field{}"><label for="{name}">{}</label>"#,
            if field.error.is_some() { " wrong" } else { "" },
            escape(&self.t(label))
        );
        if let Some(hint) = hint {
            let _ = write!(out, r#"<p class="hint" id="{name}-hint">{}</p>"#, escape(&hint));
            described.push(format!("{name}-hint"));
        }
        if let Some(error) = &field.error {
            let prefix = escape(&self.t("error-prefix"));
            let _ = write!(
                out,
                r#"<p class="error" id="{name}-error"><span class="hidden">{prefix} </span>{}</p>"#,
                escape(error)
            );
            described.push(format!("{name}-error"));
        }
        let _ = write!(out, r#"{control} id="{name}" name="{name}""#);
        if !described.is_empty() {
            let _ = write!(out, r#" aria-describedby="{}""#, described.join(" "));
        }
        if field.error.is_some() {
            out.push_str(r#" aria-invalid="true""#);
        }
        let _ = write!(out, "{end}</div>");
        Html::from_escaped(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_says_so_twice_and_keeps_what_was_typed() {
        let page = Page::new(crate::i18n::Locale::En, "People");
        let field = Field::new("a\"b").wrong("Enter an e-mail address");
        let html = page.input("email", "email", "email", "person-email", &field).to_string();
        assert!(html.contains(r#"value="a&quot;b""#) && html.contains(r#"aria-invalid="true""#), "{html}");
        assert!(html.contains("email-error"), "{html}");
        let summary = page.error_summary(&[("email", &field), ("name", &Field::default())]).to_string();
        assert_eq!(summary.matches("<li>").count(), 1);
        assert!(summary.contains(r##"href="#email">Enter an e-mail address"##), "{summary}");
    }

    #[test]
    fn forms_of_one_page_have_their_own_keys() {
        let page = Page::new(crate::i18n::Locale::En, "Alerts");
        let tokens = Tokens { csrf: "c".into(), idempotency: "i".into() };
        assert!(page.hidden(&tokens, "ack-1").as_str().contains(r#"name="idempotency" value="i.ack-1""#));
    }
}
