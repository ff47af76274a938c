//! The template engine, fenced in: no functions, no includes, no way around the escaping, bounded work and output.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

use super::facts::one_line;
use super::{Part, SMS_CHARACTERS, TEMPLATE_BYTES};

/// The most bytes of a rendered e-mail part.
const RENDERED_BYTES: usize = 64 * 1024;
const SUBJECT_CHARACTERS: usize = 200;
const FUEL: u64 = 20_000;

/// The value of each variable; `None` where it is missing.
pub(super) type Values = BTreeMap<&'static str, Option<String>>;

/// A text that can't be rendered; a validated template with ordinary facts always can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {} can't be written: {reason}", .part.name())]
pub struct RenderFailure {
    /// Where.
    pub part: Part,
    /// What went wrong, in words for the operator.
    pub reason: String,
}

/// The engine, without functions, includes, or a way around the escaping.
pub(super) fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    let globals: Vec<String> = engine.globals().map(|(name, _)| name.to_owned()).collect();
    for name in globals {
        engine.remove_global(&name);
    }
    engine.remove_filter("safe");
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(20);
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|name| if name == "html" { AutoEscape::Html } else { AutoEscape::None });
    engine.set_formatter(|out, state, value| {
        if value.is_none() {
            let ask = "a value that may be missing is used without asking first, such as {% if link %}{{ link }}{% endif %}";
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, ask));
        }
        minijinja::escape_formatter(out, state, value)
    });
    engine
}

pub(super) fn render(part: Part, source: &str, values: &Values) -> Result<String, RenderFailure> {
    let failure = |reason: String| RenderFailure { part, reason };
    if source.len() > TEMPLATE_BYTES {
        return Err(failure(format!("the template is longer than {TEMPLATE_BYTES} bytes")));
    }
    let engine = engine();
    let context = Value::from_pairs(values.iter().map(|(name, value)| (*name, value.clone())));
    let written =
        engine.render_named_str(part.name(), source, context).map_err(|error| failure(in_words(&error)))?;
    let written = match part {
        Part::Subject => one_line(written.trim(), SUBJECT_CHARACTERS),
        Part::Text | Part::Html | Part::Sms => written.trim().to_owned(),
    };
    let fits = match part {
        Part::Subject => true,
        Part::Sms => written.chars().count() <= SMS_CHARACTERS,
        Part::Text | Part::Html => written.len() <= RENDERED_BYTES,
    };
    match (written.is_empty(), fits, part) {
        (true, ..) => Err(failure("it would be empty".to_owned())),
        (_, false, Part::Sms) => {
            Err(failure(format!("with the longest names it would exceed {SMS_CHARACTERS} characters")))
        }
        (_, false, _) => Err(failure("it would be too long".to_owned())),
        _ => Ok(written),
    }
}

/// An engine's complaint in words for the person who wrote the template.
pub(super) fn in_words(error: &minijinja::Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "it takes too long to write".to_owned(),
        ErrorKind::UndefinedError => "it uses something that has no value".to_owned(),
        _ => match error.detail() {
            Some(detail) => detail.chars().take(200).collect(),
            None => error.kind().to_string(),
        },
    }
}
