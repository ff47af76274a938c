//! What every journey needs: a browser if there is one, and the things that must be right on every page.

use std::path::Path;

use bailee_sim::browser::{Browser, Clip, Page, Screen};
use serde_json::json;

/// The least size of what is touched at a kiosk, in millimetres of its screen.
const TOUCH_MM: f64 = 20.0;

/// A browser, or nothing after saying so.
pub fn browser(clip: Option<&Clip>) -> Option<Browser> {
    if Browser::installed().is_none() {
        let required = std::env::var_os("BAILEE_REQUIRE_PEERS").is_some_and(|value| value == "1");
        assert!(!required, "BAILEE_REQUIRE_PEERS=1, and there is no Chromium");
        println!("skipped: there is no Chromium on this machine");
        return None;
    }
    Some(Browser::launch(clip).unwrap())
}

/// What must be right on every page, whoever looks at it.
pub fn is_fine(page: &Page) {
    let url = page.url().unwrap();
    assert_eq!(page.complaints().unwrap(), Vec::<String>::new(), "errors on the console of {url}");
    assert_eq!(page.nameless_controls().unwrap(), Vec::<String>::new(), "controls without a name on {url}");
    assert!(page.sideways_px().unwrap() <= 0, "{url} is wider than the screen");
}

/// What must be right on every screen of a kiosk.
pub fn is_fine_to_touch(page: &Page) {
    is_fine(page);
    assert_eq!(
        page.small_targets(TOUCH_MM).unwrap(),
        [],
        "too small for a finger:\n{}",
        page.text().unwrap()
    );
}

/// A person before a kiosk's screen.
pub fn before(browser: &Browser, kiosk: &str) -> Page {
    let page = browser.page("about:blank").unwrap();
    page.show_on(Screen::Kiosk, bailee_sim::browser::Scheme::Light).unwrap();
    page.goto(kiosk).unwrap();
    page
}

/// Types eight digits on the kiosk's keypad.
pub fn key_in(kiosk: &Page, code: &str) {
    for digit in code.chars().filter(char::is_ascii_digit) {
        kiosk.click(&format!("[data-key=\"{digit}\"]")).unwrap();
    }
}

/// Gives the page "Verify a file" a file, as somebody who picks it.
pub fn given_a_file(page: &Page, file: &Path) {
    // The same file again would be no change to the page; a person's click empties the field first.
    let emptied =
        "document.getElementById('verdict').replaceChildren(), document.getElementById('file').value = ''";
    page.evaluate(emptied).unwrap();
    let input = json!({ "expression": "document.getElementById('file')" });
    let input = page.call("Runtime.evaluate", &input).unwrap();
    let files = json!({ "files": [file.to_str().unwrap()], "objectId": input["result"]["objectId"] });
    page.call("DOM.setFileInputFiles", &files).unwrap();
}

/// Waits for what the page "Verify a file" says: the verdict and the code of its reason.
pub fn verdict(page: &Page) -> String {
    let verdict = "(({ dataset: { verdict, why } }) => verdict + (why ? ' ' + why : ''))(document.querySelector('[data-verdict]'))";
    page.wait("a verdict", verdict).unwrap().as_str().unwrap().to_owned()
}
