//! Every page on every screen, light, dark and from right to left: checked, and kept as pictures in `target/screenshots` for
//! people to look at.

use std::path::{Path, PathBuf};

use bailee_sim::browser::{Extent, Page, Scheme, Screen};

use crate::bank::{Bank, door};
use crate::kiosk::{finds_4b, is_open, signed_in};
use crate::rig::{before, browser, is_fine};

/// Where pictures go.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots")
}

/// Pictures of a page as it is, on every screen given, light and dark; nowhere may it be wider than the screen.
pub fn pictures(page: &Page, name: &str, screens: &[Screen]) {
    for screen in screens {
        for scheme in [Scheme::Light, Scheme::Dark] {
            page.show_on(*screen, scheme).unwrap();
            let (size, colours) = (format!("{screen:?}"), format!("{scheme:?}"));
            let file = format!("{name}-{}-{}.png", size.to_lowercase(), colours.to_lowercase());
            let extent = if *screen == Screen::Kiosk { Extent::Screen } else { Extent::Whole };
            page.screenshot(&folder().join(file), extent).unwrap();
            is_fine(page);
        }
    }
}

#[test]
fn every_screen_of_a_kiosk_fits_every_size() {
    let Some(browser) = browser(None) else { return };
    let bank = Bank::start();
    let kiosk = before(&browser, &bank.kiosk);
    for language in ["en", "ar"] {
        kiosk.click(&format!("[value=lang-{language}]")).unwrap();
        kiosk.wait("the language", &format!("document.documentElement.lang === '{language}' && document.querySelector('.k-off, [data-hint=off]:not([hidden])')")).unwrap();
        walk(&kiosk, &bank, |screen| {
            pictures(
                &kiosk,
                &format!("kiosk-{screen}-{language}"),
                &[Screen::Phone, Screen::Desktop, Screen::Kiosk],
            );
        });
    }
}

fn walk(kiosk: &Page, bank: &Bank, look: impl Fn(&str)) {
    look("home");
    signed_in(kiosk);
    look("find");
    kiosk.click("[data-letter=\"4\"]").unwrap();
    kiosk.wait("two matches", "document.querySelectorAll('.k-list button').length === 2").unwrap();
    look("matches");
    finds_4b(kiosk);
    look("confirm");
    kiosk.click("[value=confirm]").unwrap();
    kiosk.wait("the sizes", "document.querySelector('[name=size]')").unwrap();
    look("size");
    kiosk.click("[name=size][value=M]").unwrap();
    let number = is_open(kiosk);
    look("place");
    bank.cabinet.close(door(number));
    kiosk.wait("the delivery", "document.querySelector('#screen[data-screen=deposited]')").unwrap();
    look("deposited");
    kiosk.click("[value=finish]").unwrap();
    kiosk.wait("the first screen", "document.querySelector('#screen[data-screen=home]')").unwrap();
}
