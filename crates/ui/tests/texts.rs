//! Every language has every text, with the same values in it; every key a source file names exists.

use bailee_ui::i18n::Locale;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type Keys = BTreeMap<String, BTreeSet<String>>;

fn locales() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("locales")
}

/// Key → names of the values it carries.
fn keys(file: &Path) -> Keys {
    let text = std::fs::read_to_string(file).expect("a readable file");
    let resource = parser::parse(text).unwrap_or_else(|(_, errors)| panic!("{}: {errors:?}", file.display()));
    let mut keys = Keys::new();
    for entry in resource.body {
        match entry {
            Entry::Message(message) => {
                let mut values = BTreeSet::new();
                message.value.iter().for_each(|pattern| walk(pattern, &mut values));
                let again = keys.insert(message.id.name.clone(), values);
                assert!(again.is_none(), "{}: {} stands there twice", file.display(), message.id.name);
            }
            Entry::Junk { content } => panic!("{}: cannot read {content}", file.display()),
            _ => {}
        }
    }
    keys
}

fn walk(pattern: &Pattern<String>, values: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        match expression {
            Expression::Inline(inline) => note(inline, values),
            Expression::Select { selector, variants } => {
                note(selector, values);
                variants.iter().for_each(|variant| walk(&variant.value, values));
            }
        }
    }
}

fn note(inline: &InlineExpression<String>, values: &mut BTreeSet<String>) {
    if let InlineExpression::VariableReference { id } = inline {
        values.insert(id.name.clone());
    }
}

/// The files of texts of every language.
const FILES: [&str; 6] = ["common.ftl", "health.ftl", "portal.ftl", "keys.ftl", "kiosk.ftl", "witnesses.ftl"];

#[test]
fn every_language_has_the_same_texts_with_the_same_values() {
    for file in FILES {
        let english = keys(&locales().join("en").join(file));
        for locale in Locale::ALL {
            let other = keys(&locales().join(locale.tag()).join(file));
            let names = |keys: &Keys| keys.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(&english), names(&other), "{file} in {}", locale.tag());
            for (key, values) in &english {
                assert_eq!(values, &other[key], "{key} in {}", locale.tag());
            }
        }
    }
}

#[test]
fn no_key_is_in_two_files() {
    let mut seen = BTreeSet::new();
    for file in FILES {
        for key in keys(&locales().join("en").join(file)).into_keys() {
            assert!(seen.insert(key.clone()), "{key}");
        }
    }
}

#[test]
fn every_key_named_in_a_template_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above");
    let known: Keys = FILES.iter().flat_map(|file| keys(&locales().join("en").join(file))).collect();
    let mut files = Vec::new();
    for folder in [
        "ui/templates",
        "ui/src",
        "server/templates",
        "server/src/http/portal/views",
        "edge/templates",
        "bailee/templates",
    ] {
        collect(&root.join(folder), &mut files);
    }
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        for call in [".t(\"", ".t1(\"", ".t2(\""] {
            for (at, _) in text.match_indices(call) {
                let key = text[at + call.len()..].split('"').next().unwrap_or_default();
                assert!(
                    known.contains_key(key) || key.starts_with("no-such"),
                    "{}: no text for {key}",
                    file.display()
                );
            }
        }
    }
}

/// The variants of an enum in a source file of the domain.
fn variants(file: &str, of: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above");
    let text = std::fs::read_to_string(root.join("domain/src").join(file)).expect("a readable file");
    let body = text.split_once(&format!("pub enum {of} {{\n")).expect("the enum").1;
    let body = body.split_once("\n}").expect("its end").0;
    let name = |line: &str| {
        let line = line.strip_prefix("    ")?;
        let name: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
        name.starts_with(|c: char| c.is_ascii_uppercase()).then_some(name)
    };
    body.lines().filter_map(name).collect()
}

/// `CompartmentForced` as `compartment-forced`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[test]
fn every_event_has_words_in_every_language() {
    let kinds =
        [("event.rs", "EventKind", "ProblemReported"), ("platform.rs", "PlatformEventKind", "LogExported")];
    for (file, of, one) in kinds {
        let all = variants(file, of);
        assert!(all.len() >= 20 && all.contains(&one.to_owned()), "{of}: {all:?}");
        for locale in Locale::ALL {
            let known = keys(&locales().join(locale.tag()).join("portal.ftl"));
            let without = all.iter().filter(|kind| !known.contains_key(&format!("event-{}", kebab(kind))));
            assert_eq!(without.collect::<Vec<_>>(), Vec::<&String>::new(), "{of} in {}", locale.tag());
        }
    }
}

#[test]
fn every_permission_has_words_in_every_language() {
    for locale in Locale::ALL {
        let known = keys(&locales().join(locale.tag()).join("portal.ftl"));
        for permission in bailee_domain::access::Permission::ALL {
            let key = format!("may-{}", permission.name().replace('.', "-"));
            assert!(known.contains_key(&key), "{key} in {}", locale.tag());
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "html" || ending == "rs") {
            files.push(path);
        }
    }
}
