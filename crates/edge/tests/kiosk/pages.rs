//! Every page from samples: what it must have, what it must never have, and the same words where a guesser would listen.
//!
//! `pages_are_written_for_looking_at` puts them into `target/pages`; serve that folder and look.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bailee_domain::bank::screen::{Notice, Screen, View};
use bailee_domain::budget::Keypad;
use bailee_domain::event::Refusal;
use bailee_edge::kiosk::samples::{self, NOW};
use bailee_edge::kiosk::views::{self, Scene};
use bailee_edge::kiosk::{Contrast, Face, Placement, Settings, TextSize};
use bailee_ui::assets;
use bailee_ui::i18n::{Locale, without_isolates};

fn settings(locale: Locale) -> Settings {
    Settings { locale, ..Settings::default() }
}

fn page(view: &View, settings: Settings) -> String {
    let face = Face::new(samples::setup());
    views::page(&Scene { face: &face, view, settings, now: NOW, remark: None })
}

fn every_page() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (name, view) in samples::all() {
        for locale in Locale::ALL {
            pages.push((format!("{name}-{}", locale.tag()), page(&view, settings(locale))));
        }
    }
    pages
}

/// The values of one attribute, in order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("<{name}");
    let ends = |rest: &&str| rest.starts_with([' ', '>']);
    html.split(&start).skip(1).filter(ends).filter_map(|rest| rest.split('>').next()).collect()
}

#[test]
fn nothing_is_inline_and_pages_are_small() {
    for (name, html) in every_page() {
        assert!(!html.contains(" style="), "{name}");
        assert!(!html.contains("<style"), "{name}");
        let handler = |word: &str| word.starts_with("on") && word.contains("=\"");
        assert!(!html.split_whitespace().any(handler), "{name}");
        assert!(tags(&html, "script").iter().all(|script| script.contains(" src=\"/s/")), "{name}");
        assert!(html.len() <= 30_000, "{name} has {} bytes", html.len());
    }
}

#[test]
fn ids_are_unique_and_every_control_has_a_name() {
    for (name, html) in every_page() {
        let ids = values(&html, "id");
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{name}: {ids:?}");
        let labelled = values(&html, "for");
        for input in tags(&html, "input").into_iter().filter(|input| !input.contains("type=\"hidden\"")) {
            let id = values(input, "id");
            assert!(labelled.contains(&id[0]), "{name}: {input}");
        }
        for button in html.split("<button").skip(1).filter_map(|rest| rest.split("</button>").next()) {
            let words: String =
                button.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
            assert!(!words.trim().is_empty() || button.contains("data-letter"), "{name}: {button}");
        }
        for form in tags(&html, "form") {
            assert!(form.contains("method=\"post\""), "{name}: {form}");
        }
    }
}

#[test]
fn every_text_exists_and_pages_carry_language_and_direction() {
    for (name, html) in every_page() {
        let body = html.split_once("<body").unwrap().1;
        for key in ["kiosk-", "place-", "state-", "map-"] {
            let shown = body.split('>').any(|part| part.trim_start().starts_with(key));
            assert!(!shown && !body.contains(&format!("=\"{key}")), "{name} shows a key {key}…");
        }
        let expected = if name.ends_with("ar") {
            r#"<html lang="ar" dir="rtl">"#
        } else {
            r#"<html lang="en" dir="ltr">"#
        };
        assert!(html.contains(expected), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
    }
}

#[test]
fn settings_are_at_the_same_place_on_every_page() {
    let foot =
        |html: &str| html.split_once("<footer").unwrap().1.split_once("</footer>").unwrap().0.to_owned();
    let first = foot(&page(&samples::view(Screen::Checking), settings(Locale::En)));
    for (name, view) in samples::all() {
        assert_eq!(foot(&page(&view, settings(Locale::En))), first, "{name}");
    }
}

#[test]
fn codes_that_are_not_good_read_the_same() {
    let home = samples::view(Screen::Home { keypad: Keypad::Ready });
    for locale in Locale::ALL {
        let refused = |reason| {
            let notice = Some(Notice::Refused { reason, tries_left: 2 });
            page(&View { notice, ..home.clone() }, settings(locale))
        };
        let unknown = refused(Refusal::UnknownCode);
        for reason in [Refusal::ForgedToken, Refusal::OtherBank, Refusal::DeadToken] {
            assert_eq!(refused(reason), unknown);
        }
    }
    let notice = Some(Notice::Refused { reason: Refusal::UnknownCode, tries_left: 1 });
    let html = without_isolates(&page(&View { notice, ..home }, settings(Locale::En)));
    assert!(
        html.contains("This code is not valid at this bank") && html.contains("1 try left before a pause"),
        "{html}"
    );
}

#[test]
fn an_open_door_is_named_placed_and_drawn() {
    let view = samples::all().into_iter().find(|(name, _)| name == "take").unwrap().1;
    let html = without_isolates(&page(&view, settings(Locale::En)));
    assert!(html.contains("Compartment 09 is open"));
    assert!(html.contains("top row, second from left"));
    assert_eq!(html.matches("door here").count(), 1);
    for answer in ["Nothing in it", "Not mine", "Door does not close"] {
        assert!(html.contains(answer), "{answer}");
    }
}

#[test]
fn an_alarm_stands_on_every_page_it_belongs_to() {
    let view = samples::all().into_iter().find(|(name, _)| name == "take-alarm").unwrap().1;
    let html = without_isolates(&page(&view, settings(Locale::En)));
    assert!(html.contains("Compartment 05 is open without permission. Staff have been told."));
    assert!(html.contains("Compartment 09 has been open for too long."));
}

#[test]
fn a_size_without_a_free_compartment_says_so_and_cannot_be_picked() {
    let view = samples::all().into_iter().find(|(name, _)| name == "size").unwrap().1;
    let html = without_isolates(&page(&view, settings(Locale::En)));
    let button = html.split("<button").find(|button| button.contains(r#"value="X""#)).unwrap();
    assert!(button.contains("disabled") && button.contains("None free"), "{button}");
    assert!(html.contains("45 × 12 cm") && html.contains("6 free"), "{html}");
}

#[test]
fn names_from_outside_are_escaped_and_have_their_own_direction() {
    let view = samples::all().into_iter().find(|(name, _)| name == "find").unwrap().1;
    let html = page(&view, settings(Locale::Ar));
    assert!(
        html.contains("<bdi>4 East &#60;b&#62;</bdi>") || html.contains("<bdi>4 East &lt;b&gt;</bdi>"),
        "{html}"
    );
    assert!(html.contains("<bdi>ل. ح.</bdi>"));
}

#[test]
fn typing_and_countdowns_replace_nothing_an_alarm_only_the_notices() {
    let face = Face::new(samples::setup());
    let tags = |view: &View, now| {
        let scene = Scene { face: &face, view, settings: Settings::default(), now, remark: None };
        views::parts(&scene).map(|part| part.tag)
    };
    let all = samples::all();
    let sample = |wanted: &str| all.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    let paused = sample("home-paused");
    assert_eq!(tags(&paused, NOW), tags(&paused, NOW.plus_ms(20_000)));
    let idle = sample("deposited-idle");
    assert_eq!(tags(&idle, NOW), tags(&View { leaving_in_s: Some(3), ..idle.clone() }, NOW));
    let (calm, alarmed) = (tags(&sample("home"), NOW), tags(&sample("home-alarm"), NOW));
    assert_ne!(calm[0], alarmed[0]);
    assert_eq!(calm[1..], alarmed[1..]);
    let (empty, found) = (tags(&sample("find-empty"), NOW), tags(&sample("find"), NOW));
    assert_eq!(empty[1], found[1], "the input stays while matches come");
    assert_ne!(empty[2], found[2]);
    assert_eq!(tags(&sample("checking"), NOW)[2], calm[2], "the camera runs on while a code is checked");
}

#[test]
fn pages_are_written_for_looking_at() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("pages");
    let put = |path: &str, bytes: &[u8]| {
        let file = target.join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    };
    for (url, bytes) in assets::all() {
        put(&url, &bytes);
    }
    put(&assets::scale_url(5.56), b":root{--mm:5.56px}");
    for (name, html) in every_page() {
        put(&format!("kiosk-{name}.html"), html.as_bytes());
    }
    let strong = Settings { contrast: Contrast::High, text: TextSize::Larger, ..Settings::default() };
    let low = Settings { placement: Placement::Lower, ..Settings::default() };
    for (name, view) in samples::all() {
        put(&format!("kiosk-{name}-contrast.html"), page(&view, strong).as_bytes());
        put(&format!("kiosk-{name}-lower.html"), page(&view, low).as_bytes());
    }
}
