//! Every page on every screen, light, dark and from right to left: checked, and kept as pictures in `target/screenshots` for
//! people to look at.

use std::path::{Path, PathBuf};

use bailee_sim::browser::{Extent, Page, Scheme, Screen};

use crate::bank::{Bank, door};
use crate::house::{House, Letter, RESIDENT};
use crate::kiosk::{finds_4b, is_open, signed_in};
use crate::rig::{before, browser, is_fine};

/// Where pictures go.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots")
}

/// Pictures of a page as it is, on every screen given, light and dark; nowhere may it be wider than the screen.
pub fn pictures(page: &Page, name: &str, screens: &[Screen]) {
    // Colours do not depend on the language, so the dark ones are looked at in one.
    let schemes: &[Scheme] =
        if name.ends_with("-ar") { &[Scheme::Light] } else { &[Scheme::Light, Scheme::Dark] };
    for screen in screens {
        for &scheme in schemes {
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

/// Pages by the name of their picture.
const PAGES: [(&str, &str); 21] = [
    ("overview", "/"),
    ("banks", "/banks"),
    ("parcels", "/parcels"),
    ("people", "/people"),
    ("couriers", "/people?kind=couriers"),
    ("resident-new", "/people/residents/new"),
    ("courier-new", "/people/couriers/new"),
    ("carriers", "/carriers"),
    ("alerts", "/alerts"),
    ("audit", "/audit"),
    ("settings", "/settings"),
    ("tokens", "/settings/tokens"),
    ("enrol", "/settings/enrol"),
    ("staff-keys", "/settings/keys"),
    ("badge-policy", "/settings/badges"),
    ("lockdown-policy", "/settings/lockdown"),
    ("demands", "/settings/commissioning"),
    ("witnesses", "/witnesses"),
    ("evidence", "/evidence"),
    ("demo", "/demo"),
    ("mailbox", "/demo/mailbox"),
];

/// Pages that are reached from others: name, from where, by which link.
const LINKED: [(&str, &str, &str); 5] = [
    ("bank", "/banks", "main a[href^='/banks/']"),
    ("parcel", "/parcels", "main a[href^='/parcels/']"),
    ("person", "/people", "main th a[href^='/people/']"),
    ("event", "/audit", "main a[href^='/audit/']"),
    ("template", "/settings", "main a[href^='/settings/templates/']"),
];

/// Pages under a bank's own.
const OF_A_BANK: [&str; 6] = ["health", "commission", "keys", "openings", "work-orders", "round"];

#[test]
fn every_page_of_the_portal_fits_every_size() {
    let Some(house) = House::set_up() else { return };
    let kiosk = fill_banks(&house);
    kiosk.show_on(Screen::Kiosk, Scheme::Light).unwrap();
    kiosk.screenshot(&folder().join("readme-kiosk.png"), Extent::Screen).unwrap();
    house.admin.goto(&house.portal("/")).unwrap();
    let tall = serde_json::json!({ "width": 1440, "height": 1100, "deviceScaleFactor": 1, "mobile": false });
    house.admin.call("Emulation.setDeviceMetricsOverride", &tall).unwrap();
    house.admin.screenshot(&folder().join("readme-portal.png"), Extent::Screen).unwrap();
    house.cabinets.click("#door-1-6").unwrap();
    house.admin.goto(&house.portal("/alerts")).unwrap();
    house.admin.sees("opened without permission").unwrap();

    let pages = pages(&house);
    for language in ["en", "ar"] {
        house.admin.keep_cookie("bailee_lang", language).unwrap();
        for (name, path) in &pages {
            house.admin.goto(&house.portal(path)).unwrap();
            pictures(&house.admin, &format!("portal-{name}-{language}"), &[Screen::Phone, Screen::Desktop]);
        }
    }
    let stranger = house.stranger("/sign-in");
    pictures(&stranger, "portal-sign-in-en", &[Screen::Phone, Screen::Desktop]);
    stranger.goto(&house.portal("/setup?token=used")).unwrap();
    pictures(&stranger, "portal-set-up-used-en", &[Screen::Phone, Screen::Desktop]);
}

/// Parcels in both banks; the kiosk with the last one being put in.
fn fill_banks(house: &House) -> Page {
    let courier = house.couriers_code();
    let garage = house.walk_up_to(1);
    for _ in 0..2 {
        house.drop_off(&garage, 1, &courier);
    }
    let lobby = house.walk_up_to(0);
    house.drop_off(&lobby, 0, &courier);
    house.read(&Letter { to: RESIDENT, about: "Your parcel", nth: 3 });
    house.drop_off_until_open(&lobby, &courier);
    lobby
}

fn pages(house: &House) -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> =
        PAGES.map(|(name, path)| (name.to_owned(), path.to_owned())).into();
    for (name, from, link) in LINKED {
        house.admin.goto(&house.portal(from)).unwrap();
        let href = format!("document.querySelector(\"{link}\")?.getAttribute('href')");
        let path = house.admin.wait(name, &href).unwrap().as_str().unwrap().to_owned();
        if name == "bank" {
            pages.push(("bank-table".to_owned(), format!("{path}?view=table")));
            pages.push(("compartment".to_owned(), format!("{path}?compartment=1")));
            let under = |name: &&str| ((*name).to_owned(), format!("{path}/{name}"));
            pages.extend(OF_A_BANK.iter().map(under));
        }
        if name == "person" {
            pages.push(("person-badges".to_owned(), format!("{path}/badges")));
            pages.push(("person-keys".to_owned(), format!("{path}/keys")));
        }
        pages.push((name.to_owned(), path));
    }
    pages
}
