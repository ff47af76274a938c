//! The kiosk of a bank whose platform cannot be reached: everything a courier does works all the same.

use std::time::Duration;

use bailee_sim::browser::{Clip, Page, Picture};

use crate::bank::{Bank, COURIER, door};
use crate::rig::{before, browser, is_fine_to_touch, key_in};

/// The courier signs in, in whatever language.
pub fn signed_in(kiosk: &Page) {
    kiosk.wait("the keypad", "document.querySelector('[data-key]')").unwrap();
    key_in(kiosk, COURIER);
    kiosk.wait("the search", "document.querySelector('#screen[data-screen=find]')").unwrap();
}

/// The courier finds unit 4B.
pub fn finds_4b(kiosk: &Page) {
    if kiosk.evaluate("document.querySelector('.k-list') === null").unwrap() == true {
        kiosk.click("[data-letter=\"4\"]").unwrap();
    }
    kiosk.press("4B").unwrap();
    kiosk.wait("the confirmation", "document.querySelector('#screen[data-screen=confirm]')").unwrap();
}

/// A door stands open for the courier, as the kiosk says; its number.
pub fn is_open(kiosk: &Page) -> u8 {
    let shown = "document.querySelector('#screen[data-screen=place] .k-door b')?.textContent";
    kiosk.wait("a door is open for the parcel", shown).unwrap().as_str().unwrap().parse().unwrap()
}

#[test]
fn a_courier_drops_off_with_a_bigger_door_a_next_parcel_and_a_cancelled_one() {
    let Some(browser) = browser(None) else { return };
    let bank = Bank::start();
    let kiosk = before(&browser, &bank.kiosk);
    kiosk.sees("Enter your code").unwrap();
    signed_in(&kiosk);
    kiosk.sees("Who is the parcel for?").unwrap();
    kiosk.sees("Signed in for Northwind Parcels").unwrap();
    is_fine_to_touch(&kiosk);
    finds_4b(&kiosk);
    kiosk.sees("Is this right?").unwrap();
    kiosk.sees("M. R.").unwrap();
    assert!(!kiosk.text().unwrap().contains("Reyes"), "a courier sees initials only");
    is_fine_to_touch(&kiosk);
    kiosk.press("Yes, go on").unwrap();
    kiosk.sees("Which size fits?").unwrap();
    is_fine_to_touch(&kiosk);

    kiosk.press("Small").unwrap();
    assert_eq!(is_open(&kiosk), 1);
    kiosk.sees("Compartment 01 is open").unwrap();
    kiosk.sees("Put the parcel in and close the door").unwrap();
    kiosk.wait("the map points at the door", "document.querySelector('.k-map svg')").unwrap();
    bank.opens(1);
    is_fine_to_touch(&kiosk);
    kiosk.press("Bigger compartment").unwrap();
    kiosk.sees("Then a bigger one opens").unwrap();
    bank.cabinet.close(door(1));
    assert_eq!(is_open(&kiosk), 4);
    bank.opens(4);
    bank.cabinet.close(door(4));
    kiosk.sees("It lies in compartment 04").unwrap();
    kiosk.sees("1 parcel delivered").unwrap();
    is_fine_to_touch(&kiosk);

    kiosk.press("Next parcel").unwrap();
    finds_4b(&kiosk);
    kiosk.press("Yes, go on").unwrap();
    kiosk.press("Small").unwrap();
    assert_eq!(is_open(&kiosk), 1);
    bank.opens(1);
    kiosk.press("Cancel delivery").unwrap();
    kiosk.sees("Then nothing is delivered").unwrap();
    is_fine_to_touch(&kiosk);
    bank.cabinet.close(door(1));
    kiosk.sees("Nothing was delivered").unwrap();
    kiosk.press("Finish").unwrap();
    kiosk.sees("Enter your code").unwrap();
    is_fine_to_touch(&kiosk);
}

#[test]
fn a_door_that_does_not_open_is_told_within_five_seconds_and_another_one_opens() {
    let Some(browser) = browser(None) else { return };
    let bank = Bank::start();
    bank.cabinet.change(|cabinet, _| cabinet.jam(door(1)));
    let kiosk = before(&browser, &bank.kiosk);
    signed_in(&kiosk);
    finds_4b(&kiosk);
    kiosk.press("Yes, go on").unwrap();
    kiosk.press("Small").unwrap();
    kiosk.sees_within(Duration::from_secs(5), "Compartment 01 did not open").unwrap();
    kiosk.sees("It is out of service now. Another one opens.").unwrap();
    bank.opens(2);
    assert_eq!(is_open(&kiosk), 2);
    bank.cabinet.close(door(2));
    kiosk.sees("It lies in compartment 02").unwrap();
    is_fine_to_touch(&kiosk);
}

#[test]
fn wrong_codes_are_refused_in_the_same_words_and_then_the_keypad_pauses() {
    let Some(browser) = browser(None) else { return };
    let bank = Bank::start();
    let kiosk = before(&browser, &bank.kiosk);
    kiosk.sees("Enter your code").unwrap();
    let tries = [
        ("10203040", "4 tries left"),
        ("50607080", "3 tries left"),
        ("11223344", "2 tries left"),
        ("99887766", "1 try left"),
    ];
    for (code, left) in tries {
        key_in(&kiosk, code);
        kiosk.sees(left).unwrap();
        kiosk.sees("This code is not valid at this bank").unwrap();
        is_fine_to_touch(&kiosk);
    }
    key_in(&kiosk, "31415926");
    kiosk.sees("The keypad is paused").unwrap();
    assert_eq!(
        kiosk.evaluate("document.querySelectorAll('[data-key]').length").unwrap(),
        0,
        "no keys to press"
    );
    is_fine_to_touch(&kiosk);
}

#[test]
fn a_foreign_qr_code_is_told_apart_and_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::empty(folder.path().join("clip.y4m")).unwrap();
    clip.hold_up(&Picture::of_qr("https://example.org/menu")).unwrap();
    let Some(browser) = browser(Some(&clip)) else { return };
    let bank = Bank::start();
    let kiosk = before(&browser, &bank.kiosk);
    kiosk.sees("This QR code is not from us").unwrap();
    is_fine_to_touch(&kiosk);
    bank.cabinet.look(|cabinet| assert!(cabinet.doors().iter().all(|door| cabinet.pulses(*door) == 0)));
}

#[test]
fn a_forced_door_is_an_alarm_on_the_kiosk_within_two_seconds() {
    let Some(browser) = browser(None) else { return };
    let bank = Bank::start();
    let kiosk = before(&browser, &bank.kiosk);
    kiosk.sees("Enter your code").unwrap();
    bank.cabinet.force_open(door(6));
    kiosk.sees_within(Duration::from_secs(2), "Compartment 06 is open without permission").unwrap();
    is_fine_to_touch(&kiosk);
}

#[test]
fn arabic_runs_from_right_to_left_and_the_keypad_does_not() {
    let Some(browser) = browser(None) else { return };
    let bank = Bank::start();
    let kiosk = before(&browser, &bank.kiosk);
    kiosk.press("العربية").unwrap();
    kiosk.sees("أدخل رمزك").unwrap();
    assert_eq!(kiosk.evaluate("document.documentElement.dir").unwrap(), "rtl");
    let x = |key: &str| {
        let place = format!("document.querySelector('[data-key=\"{key}\"]').getBoundingClientRect().x");
        kiosk.evaluate(&place).unwrap().as_f64().unwrap()
    };
    assert!(x("1") < x("2") && x("2") < x("3"), "digits keep their places");
    is_fine_to_touch(&kiosk);
}
