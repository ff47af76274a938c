//! The page "Verify a file": a bundle and a receipt dropped on it, with no network from the moment it is loaded.

use bailee_sim::browser::{Page, Screen};
use serde_json::json;

use crate::house::House;
use crate::look::pictures;
use crate::rig::is_fine;

const BOTH: [Screen; 2] = [Screen::Phone, Screen::Desktop];

/// Fetches an address as the page's person does; the content in base64.
fn fetched(page: &Page, path: &str) -> String {
    let fetch = format!(
        "fetch('{path}').then((it) => it.arrayBuffer()).then((it) => btoa([...new Uint8Array(it)].map((byte) => String.fromCharCode(byte)).join('')))"
    );
    page.evaluate(&fetch).unwrap().as_str().unwrap().to_owned()
}

/// Makes a bundle about everything and gives its address.
fn bundle(house: &House) -> String {
    let admin = &house.admin;
    admin.goto(&house.portal("/evidence")).unwrap();
    admin.fill("Why", "Claim 4711").unwrap();
    is_fine(admin);
    admin.press("Make the bundle").unwrap();
    let href = admin
        .wait("the bundle is made", "document.querySelector('a[href$=\"/bundle\"]')?.getAttribute('href')");
    href.unwrap().as_str().unwrap().to_owned()
}

/// Drops a file on the page as a hand does, with the byte in the middle of `changed` flipped; tells the verdict.
fn dropped(page: &Page, name: &str, base64: &str, change: &str) -> String {
    let drop = format!(
        "document.getElementById('verdict').replaceChildren();
         const bytes = Uint8Array.from(atob('{base64}'), (c) => c.charCodeAt(0));
         {change};
         const dataTransfer = new DataTransfer();
         dataTransfer.items.add(new File([bytes], '{name}'));
         document.getElementById('drop').dispatchEvent(new DragEvent('drop', {{ dataTransfer, bubbles: true, cancelable: true }}));"
    );
    page.evaluate(&format!("(() => {{ {drop} }})()")).unwrap();
    let verdict = "(({ dataset: { verdict, why } }) => verdict + (why ? ' ' + why : ''))(document.querySelector('[data-verdict]'))";
    page.wait("a verdict", verdict).unwrap().as_str().unwrap().to_owned()
}

fn tab(page: &Page) -> String {
    for kind in ["keyDown", "keyUp"] {
        let key = json!({ "type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
        page.call("Input.dispatchKeyEvent", &key).unwrap();
    }
    let focused = page.evaluate("document.activeElement.id || document.activeElement.tagName").unwrap();
    focused.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_dropped_bundle_or_receipt_is_checked_with_no_network_and_nothing_leaves() {
    let Some(house) = House::set_up() else { return };
    let address = bundle(&house);
    let good = fetched(&house.admin, &address);
    let event = house
        .admin
        .evaluate("fetch('/audit').then((it) => it.text()).then((it) => it.match(/\\/audit\\/\\d+/)[0])");
    let receipt = fetched(&house.admin, &format!("{}/proof", event.unwrap().as_str().unwrap()));

    let page = house.stranger("/verify");
    page.sees("Verify a file").unwrap();
    page.call("Network.enable", &json!({})).unwrap();
    let offline = json!({ "offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    page.call("Network.emulateNetworkConditions", &offline).unwrap();
    let asked = "performance.getEntriesByType('resource').length";
    let before = page.evaluate(asked).unwrap();

    assert_eq!(dropped(&page, "claim.zip", &good, ""), "sound");
    page.sees("Claim 4711").unwrap();
    pictures(&page, "portal-verify-bundle-en", &BOTH);
    assert_eq!(dropped(&page, "event.tlog-proof", &receipt, ""), "sound");
    let changed = dropped(&page, "claim.zip", &good, "bytes[bytes.length >> 1] ^= 1");
    assert!(changed.starts_with("unsound"), "{changed}");
    pictures(&page, "portal-verify-unsound-en", &BOTH);
    assert_eq!(dropped(&page, "letter.txt", "aGVsbG8=", "").split(' ').next(), Some("unusable"));
    let focused = page.evaluate("document.activeElement.closest('[data-verdict]') !== null").unwrap();
    assert_eq!(focused, true, "whoever cannot see the verdict is taken to it");
    assert_eq!(page.evaluate(asked).unwrap(), before, "nothing was asked of any server");
    is_fine(&page);

    page.evaluate("document.activeElement.blur(), scrollTo(0, 0)").unwrap();
    let walked: Vec<String> = (0..8).map(|_| tab(&page)).collect();
    let place = |id: &str| walked.iter().position(|it| it == id);
    assert!(place("file") < place("SUMMARY") && place("file").is_some(), "by keyboard alone: {walked:?}");
}
