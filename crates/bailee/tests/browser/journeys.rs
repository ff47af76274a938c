//! Whole journeys with the demonstration: what each person does, and what they and the others see of it.

use crate::demo::log_is_sound_and_a_changed_byte_is_found;
use crate::house::{ADMIN, House, LOBBY, Letter, RESIDENT};
use crate::rig::{is_fine, is_fine_to_touch, key_in};

const PARCEL: &str = "Your parcel is at";

#[test]
fn a_parcel_goes_in_comes_out_by_code_and_the_code_never_works_again() {
    let Some(mut house) = House::set_up() else { return };
    let courier = house.couriers_code();
    let kiosk = house.walk_up_to(LOBBY);
    let door = house.drop_off_until_open(&kiosk, &courier);
    assert_eq!(house.count(RESIDENT, PARCEL), 0, "nobody is told before the door is shut");
    house.shut(LOBBY, door);
    kiosk.sees("Delivered").unwrap();
    kiosk.press("Finish").unwrap();
    let letter = Letter { to: RESIDENT, about: PARCEL, nth: 1 };
    let text = house.read(&letter);
    for secret in ["Maria", "Reyes", "4B", &format!("compartment {door:02}")] {
        assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{secret} stands in: {text}");
    }
    let code = house.code_in(&letter);
    house.mailbox.wait("an SMS as well", &format!("[...document.querySelectorAll('article')].some((a) => a.innerText.includes('SMS') && a.innerText.replace(/\\D/g, '').includes('{code}'))")).unwrap();
    is_fine(&house.mailbox);

    kiosk.sees("Enter your code").unwrap();
    key_in(&kiosk, &code);
    assert_eq!(house.take_out(&kiosk, LOBBY), door);
    key_in(&kiosk, &code);
    kiosk.sees("This code is not valid at this bank").unwrap();
    is_fine_to_touch(&kiosk);
    drop(kiosk);

    house.restart();
    let kiosk = house.walk_up_to(LOBBY);
    key_in(&kiosk, &code);
    kiosk.sees("This code is not valid at this bank").unwrap();

    let admin = &house.admin;
    admin.goto(&house.portal("/parcels?view=collected")).unwrap();
    admin.press("Maria Reyes").unwrap();
    for step in ["Parcel delivered", "Code made ready", "Recipient notified", "Parcel collected"] {
        admin.sees(step).unwrap();
    }
    is_fine(admin);
    admin.goto(&house.portal("/audit")).unwrap();
    admin.sees("Attempt refused").unwrap();
    is_fine(admin);
    log_is_sound_and_a_changed_byte_is_found(&house.demo().log_url());
}

#[test]
fn a_parcel_comes_out_with_the_qr_code_held_to_the_camera() {
    let Some(house) = House::set_up() else { return };
    let courier = house.couriers_code();
    let kiosk = house.walk_up_to(LOBBY);
    let door = house.drop_off(&kiosk, LOBBY, &courier);
    house.read(&Letter { to: RESIDENT, about: PARCEL, nth: 1 });
    house.hold_up_newest_qr(RESIDENT);
    kiosk.reload().unwrap();
    kiosk.sees("Take your parcel and close the door").unwrap();
    house.clip.put_down().unwrap();
    assert_eq!(house.take_out(&kiosk, LOBBY), door);
    // The same QR code again is as dead as a used code.
    house.hold_up_newest_qr(RESIDENT);
    kiosk.reload().unwrap();
    kiosk.wait("a refusal", "document.querySelector('.k-note')").unwrap();
    assert_eq!(kiosk.evaluate("document.querySelector('#screen').dataset.screen").unwrap(), "home");
    is_fine_to_touch(&kiosk);
}

#[test]
fn without_network_parcels_go_in_and_out_and_everything_is_told_once_it_is_back() {
    let Some(house) = House::set_up() else { return };
    let courier = house.couriers_code();
    let kiosk = house.walk_up_to(LOBBY);
    let first = house.drop_off(&kiosk, LOBBY, &courier);
    let code = house.code_in(&Letter { to: RESIDENT, about: PARCEL, nth: 1 });

    house.cabinets.click("#demo-net-0").unwrap();
    house.cabinets.sees("The cable is pulled").unwrap();
    key_in(&kiosk, &code);
    assert_eq!(house.take_out(&kiosk, LOBBY), first, "pickup needs no network");
    let second = house.drop_off(&kiosk, LOBBY, &courier);
    assert_eq!(house.count(RESIDENT, PARCEL), 1, "the platform knows of nothing yet");
    is_fine(&house.cabinets);

    house.cabinets.click("#demo-net-0").unwrap();
    house.cabinets.sees("The bank can reach the platform").unwrap();
    let later = house.code_in(&Letter { to: RESIDENT, about: PARCEL, nth: 2 });
    house.admin.goto(&house.portal("/parcels")).unwrap();
    house.admin.sees(&format!("Lobby · {second:02}")).unwrap();
    key_in(&kiosk, &later);
    assert_eq!(house.take_out(&kiosk, LOBBY), second);
    house.admin.goto(&house.portal("/parcels?view=collected")).unwrap();
    let collected = "document.querySelectorAll('tbody tr').length === 2";
    house.admin.wait("both parcels are collected", collected).unwrap();
    assert_eq!(house.count(RESIDENT, PARCEL), 2, "each parcel was told once");
    log_is_sound_and_a_changed_byte_is_found(&house.demo().log_url());
}

#[test]
fn a_forced_door_is_seen_at_once_by_everybody_who_should() {
    let Some(house) = House::set_up() else { return };
    let kiosk = house.walk_up_to(LOBBY);
    house.admin.goto(&house.portal("/")).unwrap();
    house.admin.sees("Live").unwrap();
    let words = [(&kiosk, "open without permission"), (&house.admin, "opened without permission")];
    for (page, words) in words {
        page.evaluate(&notes_when_shown(words)).unwrap();
    }
    let clicked = house.cabinets.evaluate("Date.now()").unwrap().as_f64().unwrap();
    house.cabinets.click("#door-0-6").unwrap();
    for (page, words) in words {
        page.sees(words).unwrap();
        let seen = page.evaluate("window.seenAt").unwrap().as_f64().unwrap();
        assert!(seen - clicked <= 2_000.0, "{words}: {} ms after the click", seen - clicked);
    }
    kiosk.sees("Compartment 06").unwrap();
    is_fine_to_touch(&kiosk);
    is_fine(&house.admin);
    let letter = house.read(&Letter { to: ADMIN, about: "Alarm at Lobby", nth: 1 });
    assert!(letter.contains("Lobby"), "{letter}");
    house.admin.goto(&house.portal("/alerts")).unwrap();
    house.admin.press("Acknowledge").unwrap();
    house.admin.sees("Alert acknowledged.").unwrap();
    is_fine(&house.admin);
}

#[test]
fn somebody_who_clicks_fast_never_waits_for_lines_of_pages_they_left() {
    let Some(house) = House::set_up() else { return };
    // A browser opens six connections to one server; each of these pages holds one.
    for path in ["/", "/banks", "/parcels", "/alerts"].iter().cycle().take(12) {
        house.admin.goto(&house.portal(path)).unwrap();
    }
    is_fine(&house.admin);
}

/// Remembers in the page when words appeared, by the clock all pages share.
fn notes_when_shown(words: &str) -> String {
    format!(
        "(() => {{ const look = () => {{ if (!window.seenAt && document.body.innerText.includes('{words}')) window.seenAt = Date.now() }};
           new MutationObserver(look).observe(document, {{ subtree: true, childList: true, characterData: true }}); return true }})()"
    )
}
