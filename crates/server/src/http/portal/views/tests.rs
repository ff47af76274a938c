//! Every page from its sample, in every language: nothing inline, every input named, ids unique, headings in order, light enough.

use super::messages::{Message, MessagePage};
use super::*;
use std::collections::BTreeSet;

/// A small picture in the shape of a QR code, for samples.
pub(super) fn qr() -> &'static str {
    r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 21 21" width="21" height="21"><path fill="#fff" d="M0 0h21v21H0z"/><path fill="#000" fill-rule="evenodd" d="M1 1h7v7H1zm1 1v5h5V2zm1 1h3v3H3zm10-2h7v7h-7zm1 1v5h5V2zm1 1h3v3h-3zM1 13h7v7H1zm1 1v5h5v-5zm1 1h3v3H3zm6-14h2v3H9zm2 5h1v4H9V7h2zm-8 4h3v1H3zm6 1h4v2h-2v3H9zm5 0h5v2h-2v2h-3zm-2 6h3v3h-3zm5-1h2v4h-2z"/></svg>"##
}

fn samples(locale: Locale, theme: Theme) -> Vec<(&'static str, String)> {
    let page = || Page { theme, ..Page::new(locale, "") };
    let draw = |name, view: &dyn askama::DynTemplate| {
        (name, view.dyn_render().expect("templates render into memory"))
    };
    vec![
        draw("setup", &sign_in::SetUp::sample(page())),
        draw("setup-used", &sign_in::SetUp::sample_used(page())),
        draw("sign-in", &sign_in::SignIn::sample(page())),
        draw("overview", &overview::Overview::sample(page())),
        draw("banks", &banks::Banks::sample(page())),
        draw("bank", &banks::Bank::sample(page())),
        draw("bank-table", &banks::Bank::sample_table(page())),
        draw("bank-health", &health::BankHealth::sample(page())),
        draw("round", &lockdown::Round::sample(page())),
        draw("commission", &commission::Wizard::sample(page())),
        draw("commission-policy", &commission::DemandsPage::sample(page())),
        draw("lockdown-policy", &lockdown::PolicyPage::sample(page())),
        draw("parcels", &parcels::Parcels::sample(page())),
        draw("parcels-empty", &parcels::Parcels::sample_empty(page())),
        draw("parcel", &parcels::Parcel::sample(page())),
        draw("receipt", &receipts::Receipt::sample(page())),
        draw("receipt-early", &receipts::Receipt::sample_early(page())),
        draw("receipt-gone", &receipts::ReceiptGone { page: page() }),
        draw("verify", &verify::Verify::sample(page())),
        draw("people", &people::People::sample(page())),
        draw("resident", &people::ResidentForm::sample(page())),
        draw("resident-conflict", &people::ResidentForm::sample_conflict(page())),
        draw("courier", &people::CourierForm::sample(page())),
        draw("resync", &resync::Resync::sample(page())),
        draw("custody", &custody::Custody::sample(page())),
        draw("badges", &badges::Badges::sample(page())),
        draw("badge-policy", &badges::BadgePolicy::sample(page())),
        draw("work-orders", &work_orders::WorkOrders::sample(page())),
        draw("keys", &keys::Keys::sample(page())),
        draw("staff-keys", &keys::StaffKeys::sample(page())),
        draw("openings", &keys::Openings::sample(page())),
        draw("openings-admit", &keys::Openings::sample_admit(page())),
        draw("erase", &erasure::Erase::sample(page())),
        draw("erase-held", &erasure::Erase::sample_held(page())),
        draw("erased", &erasure::Erased::sample(page())),
        draw("carriers", &carriers::Carriers::sample(page())),
        draw("alerts", &alerts::Alerts::sample(page())),
        draw("alerts-empty", &alerts::Alerts::sample_empty(page())),
        draw("audit", &audit::Audit::sample(page())),
        draw("event", &audit::Event::sample(page())),
        draw("event-pending", &audit::Event::sample_pending(page())),
        draw("evidence", &evidence::Evidence::sample(page())),
        draw("files", &files::Files::sample(page())),
        draw("files-empty", &files::Files::sample_empty(page())),
        draw("witnesses", &witnesses::Witnesses::sample(page())),
        draw("witnesses-empty", &witnesses::Witnesses::sample_empty(page())),
        draw("settings", &settings::Settings::sample(page())),
        draw("template", &settings::TemplateForm::sample(page())),
        draw("tokens", &settings::ApiTokens::sample(page())),
        draw("enrol", &settings::Enrol::sample(page())),
        draw("mailbox", &demo::Mailbox::sample(page())),
    ]
    .into_iter()
    .chain(Message::ALL.map(|message| draw(message.key(), &MessagePage::sample(page(), message))))
    .collect()
}

fn every_page() -> Vec<(String, String)> {
    let named = |locale: Locale| {
        samples(locale, Theme::System)
            .into_iter()
            .map(move |(n, html)| (format!("{n} {}", locale.tag()), html))
    };
    Locale::ALL.into_iter().flat_map(named).collect()
}

/// Every start tag of a page.
fn tags(html: &str) -> Vec<&str> {
    let starts = html
        .match_indices('<')
        .filter(|(at, _)| html[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic()));
    starts.map(|(at, _)| &html[at..at + html[at..].find('>').expect("every tag ends")]).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

#[test]
fn nothing_is_inline() {
    for (name, html) in every_page() {
        assert!(!html.contains("<style") && !html.contains("javascript:"), "{name}");
        for tag in tags(&html) {
            assert!(!tag.contains(" style=") && !tag.contains(" on"), "{name}: {tag}");
            assert!(!tag.starts_with("<script") || tag.contains(" src=\"/s/"), "{name}: {tag}");
        }
    }
}

#[test]
fn every_input_has_a_label() {
    for (name, html) in every_page() {
        let all = tags(&html);
        let labelled: BTreeSet<_> =
            all.iter().filter(|t| t.starts_with("<label")).filter_map(|t| attribute(t, "for")).collect();
        for tag in
            all.iter().filter(|t| ["<input", "<select", "<textarea"].iter().any(|start| t.starts_with(start)))
        {
            let hidden = attribute(tag, "type") == Some("hidden");
            assert!(hidden || attribute(tag, "id").is_some_and(|id| labelled.contains(id)), "{name}: {tag}");
        }
    }
}

#[test]
fn ids_are_unique_and_references_lead_somewhere() {
    for (name, html) in every_page() {
        let all = tags(&html);
        let mut ids = BTreeSet::new();
        for id in all.iter().filter_map(|tag| attribute(tag, "id")) {
            assert!(ids.insert(id), "{name}: #{id} twice");
        }
        for tag in &all {
            for of in ["aria-labelledby", "aria-describedby", "data-copy"] {
                for target in attribute(tag, of).into_iter().flat_map(str::split_whitespace) {
                    assert!(ids.contains(target), "{name}: {tag}");
                }
            }
            if let Some(target) = attribute(tag, "href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(target), "{name}: {tag}");
            }
        }
    }
}

#[test]
fn headings_are_in_order() {
    for (name, html) in every_page() {
        let levels: Vec<u32> = tags(&html)
            .iter()
            .filter_map(|tag| tag.strip_prefix("<h")?.chars().next()?.to_digit(10))
            .collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{name}: {levels:?}");
        for pair in levels.windows(2) {
            assert!(pair[1] <= pair[0] + 1, "{name}: {levels:?}");
        }
    }
}

#[test]
fn every_post_carries_both_tokens_and_no_key_twice() {
    for (name, html) in every_page() {
        let mut keys = BTreeSet::new();
        for form in html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap_or(rest)) {
            if form.contains("method=\"post\"") {
                assert!(form.contains("name=\"csrf\""), "{name}: {form}");
                let key = form
                    .split("name=\"idempotency\" value=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                assert!(keys.insert(key.expect("an idempotency key")), "{name}: {key:?}");
            }
        }
    }
}

#[test]
fn language_and_direction_are_stated_and_nothing_is_untranslated() {
    for (name, html) in every_page() {
        let expected = if name.ends_with(" ar") {
            r#"<html lang="ar" dir="rtl">"#
        } else {
            r#"<html lang="en" dir="ltr">"#
        };
        assert!(html.contains(expected), "{name}");
        assert!(html.contains("<title>") && !html.contains("<title> ·"), "{name}");
    }
}

#[test]
fn a_refused_form_says_so_in_the_title_and_first() {
    for (name, html) in
        every_page().into_iter().filter(|(name, _)| ["setup en", "resident en"].contains(&name.as_str()))
    {
        assert!(html.contains("<title>Error: "), "{name}");
        assert!(
            html.find("class=\"summary\"").expect("a summary") < html.find("<h1").expect("a heading"),
            "{name}"
        );
    }
}

#[test]
fn a_page_weighs_at_most_30_kb() {
    let shared: usize = ui::assets::all()
        .filter(|(url, _)| ["app.css", "live.js"].iter().any(|n| url.ends_with(n)))
        .map(|(url, _)| ui::assets::weight(&url))
        .sum();
    for (name, html) in every_page() {
        let weight = html.len() + shared;
        assert!(weight <= 30_000, "{name}: {} + {shared}", html.len());
    }
}

/// Writes every page with the files it needs to `target/pages`, to be looked at (`crates/ui/look.sh`).
#[test]
fn pages_can_be_looked_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/pages");
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("a writable target folder");
        std::fs::write(path, bytes).expect("a writable target folder");
    };
    for (url, bytes) in ui::assets::all() {
        write(&url, &bytes);
    }
    for locale in Locale::ALL {
        for theme in [Theme::Light, Theme::Dark] {
            for (name, html) in samples(locale, theme) {
                write(&format!("{}-{}-{name}.html", locale.tag(), theme.value()), html.as_bytes());
            }
        }
    }
}
