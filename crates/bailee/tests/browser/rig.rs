//! What every journey needs: a browser if there is one, and the things that must be right on every page.

use bailee_sim::browser::{Browser, Clip, Page, Screen};

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
