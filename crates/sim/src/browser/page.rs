//! One page, and what a person does with it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::camera::Picture;
use super::wire::{self, Wire};
use super::{BrowserError, literal, write};

/// How long a person waits for a page to do what it should; generous, because tests share a machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a page say aloud what its content security policy stopped.
const WATCH: &str = "document.addEventListener('securitypolicyviolation', (e) => \
    console.error(`content security policy: ${e.violatedDirective} stopped ${e.blockedURI} ${e.sample}`))";

/// Reading as a person: what is shown, without marks that only direct the text.
const READ: &str = r"const read = (e) => (e?.getAttribute?.('aria-label') ?? e?.innerText ?? e?.textContent ?? '')
    .replace(/[\u2066-\u2069\u200e\u200f]/g, '').replace(/\s+/g, ' ').trim().toLowerCase();
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;";

/// A screen to look at pages on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// A telephone, 390 × 844.
    Phone,
    /// A kiosk, upright, 1080 × 1920.
    Kiosk,
    /// A computer, 1440 × 900.
    Desktop,
}

impl Screen {
    /// Width and height in CSS pixels.
    #[must_use]
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::Phone => (390, 844),
            Self::Kiosk => (1080, 1920),
            Self::Desktop => (1440, 900),
        }
    }
}

/// Which colours the person prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// How much of a page goes into a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What the screen shows.
    Screen,
    /// The whole page.
    Whole,
}

/// One page of one person.
pub struct Page {
    wire: Arc<Mutex<Wire>>,
    context: String,
    session: String,
}

impl Page {
    pub(super) fn open(wire: Arc<Mutex<Wire>>, context: String, url: &str) -> Result<Self, BrowserError> {
        // A window of its own, because a page behind another one rests.
        let target = json!({ "url": "about:blank", "browserContextId": context, "newWindow": true });
        let target = wire::call(&wire, None, "Target.createTarget", &target)?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = wire::call(&wire, None, "Target.attachToTarget", &attach)?;
        let session = session["sessionId"].as_str().unwrap_or_default().to_owned();
        let page = Self { wire, context, session };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, &json!({}))?;
        }
        page.call("Emulation.setFocusEmulationEnabled", &json!({ "enabled": true }))?;
        page.call("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": WATCH }))?;
        page.show_on(Screen::Desktop, Scheme::Light)?;
        if url != "about:blank" {
            page.goto(url)?;
        }
        Ok(page)
    }

    /// Another page of the same person, with the same cookies.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn another(&self, url: &str) -> Result<Self, BrowserError> {
        Self::open(self.wire.clone(), self.context.clone(), url)
    }

    /// Any call of the DevTools protocol.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn call(&self, method: &str, params: &Value) -> Result<Value, BrowserError> {
        wire::call(&self.wire, Some(&self.session), method, params)
    }

    /// Goes to an address and waits until it is all there.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn goto(&self, url: &str) -> Result<(), BrowserError> {
        let answer = self.call("Page.navigate", &json!({ "url": url }))?;
        if let Some(why) = answer["errorText"].as_str() {
            return Err(BrowserError::Refused { method: format!("going to {url}"), message: why.to_owned() });
        }
        self.settled()
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn reload(&self) -> Result<(), BrowserError> {
        let url = self.url()?;
        self.goto(&url)
    }

    fn settled(&self) -> Result<(), BrowserError> {
        self.wait("the page is loaded", "document.readyState === 'complete' && document.body").map(drop)
    }

    /// The page's address.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn url(&self) -> Result<String, BrowserError> {
        Ok(self.evaluate("location.href")?.as_str().unwrap_or_default().to_owned())
    }

    /// The value of an expression in the page; promises are waited for.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn evaluate(&self, expression: &str) -> Result<Value, BrowserError> {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": false });
        let mut answer = self.call("Runtime.evaluate", &params)?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            let why = thrown["exception"]["description"].as_str().or_else(|| thrown["text"].as_str());
            let message = why.unwrap_or_default().to_owned();
            return Err(BrowserError::Refused { method: "Runtime.evaluate".to_owned(), message });
        }
        Ok(answer["result"]["value"].take())
    }

    /// Waits until an expression is true and gives its value; survives the page being left meanwhile.
    ///
    /// # Errors
    /// [`BrowserError::NotSeen`] when it does not become true in time.
    pub fn wait(&self, what: &str, condition: &str) -> Result<Value, BrowserError> {
        self.wait_within(PATIENCE, what, condition)
    }

    /// [`Page::wait`] with its own deadline.
    ///
    /// # Errors
    /// [`BrowserError::NotSeen`] when it does not become true in time.
    #[expect(clippy::disallowed_methods, reason = "a person's patience is measured here and nowhere else")]
    pub fn wait_within(&self, within: Duration, what: &str, condition: &str) -> Result<Value, BrowserError> {
        let start = Instant::now();
        loop {
            let left = within.saturating_sub(start.elapsed());
            match self.evaluate(&promise(condition, left)) {
                Ok(Value::Bool(false) | Value::Null) => return Err(self.not_seen(what, within)),
                Ok(value) => return Ok(value),
                // The page was left while it was looked at: look at the next one.
                Err(BrowserError::Refused { message, .. }) if was_left(&message) && !left.is_zero() => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn not_seen(&self, what: &str, within: Duration) -> BrowserError {
        let shown = self.text().unwrap_or_default().chars().take(1_500).collect();
        let url = self.url().unwrap_or_default();
        BrowserError::NotSeen { waited_for: what.to_owned(), within_ms: within.as_millis(), url, shown }
    }

    /// What the page shows, as text.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn text(&self) -> Result<String, BrowserError> {
        let text =
            self.evaluate("document.body.innerText.replace(/[\\u2066-\\u2069\\u200e\\u200f]/g, '')")?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the page shows these words, in whatever case.
    ///
    /// # Errors
    /// [`BrowserError::NotSeen`].
    pub fn sees(&self, words: &str) -> Result<(), BrowserError> {
        self.sees_within(PATIENCE, words)
    }

    /// [`Page::sees`] with its own deadline.
    ///
    /// # Errors
    /// [`BrowserError::NotSeen`].
    pub fn sees_within(&self, within: Duration, words: &str) -> Result<(), BrowserError> {
        let condition = format!(
            "(() => {{ {READ} return document.readyState !== 'loading' && read(document.body).includes({}.toLowerCase()) }})()",
            literal(words)
        );
        self.wait_within(within, &format!("“{words}” is shown"), &condition).map(drop)
    }

    /// Clicks an element by its CSS selector, once it is there, enabled and not covered by anything.
    ///
    /// # Errors
    /// [`BrowserError::NotSeen`].
    pub fn click(&self, css: &str) -> Result<(), BrowserError> {
        let find = format!("[...document.querySelectorAll({})].find(shown)", literal(css));
        self.click_at(&format!("{css} can be clicked"), &find)
    }

    /// Clicks the first button, link or summary that says these words, in whatever case.
    ///
    /// # Errors
    /// [`BrowserError::NotSeen`].
    pub fn press(&self, words: &str) -> Result<(), BrowserError> {
        let find =
            "((all) => all.find((e) => read(e) === words) ?? all.find((e) => read(e).includes(words)))\
             ([...document.querySelectorAll('button, a[href], summary')].filter(shown))"
                .to_string();
        let find = format!("((words) => {find})({}.toLowerCase())", literal(words));
        self.click_at(&format!("“{words}” can be clicked"), &find)
    }

    fn click_at(&self, what: &str, find: &str) -> Result<(), BrowserError> {
        let condition = format!(
            "(() => {{ {READ} const e = {find}; if (!e || e.disabled || e.closest('[inert]')) return false;
               e.scrollIntoView({{ block: 'center', inline: 'center', behavior: 'instant' }});
               const r = e.getClientRects()[0], x = r.x + r.width / 2, y = r.y + r.height / 2;
               const hit = document.elementFromPoint(x, y);
               return hit && (e.contains(hit) || hit.contains(e)) ? [x, y] : false }})()"
        );
        let place = self.wait(what, &condition)?;
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": button, "buttons": buttons, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &event)?;
        }
        Ok(())
    }

    /// Types into whatever has the focus.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn type_text(&self, text: &str) -> Result<(), BrowserError> {
        self.call("Input.insertText", &json!({ "text": text })).map(drop)
    }

    /// Replaces what stands in the field that is labelled so.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn fill(&self, label: &str, text: &str) -> Result<(), BrowserError> {
        let find = labelled(label);
        self.click_at(&format!("the field “{label}” can be clicked"), &find)?;
        self.evaluate("document.activeElement.select?.()")?;
        self.type_text(text)
    }

    /// Picks from the list that is labelled so the first choice that says these words.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn choose(&self, label: &str, words: &str) -> Result<(), BrowserError> {
        let condition = format!(
            "(() => {{ {READ} const e = {}; const o = [...(e?.options ?? [])].find((o) => read(o).includes({}.toLowerCase()));
               if (!o) return false; e.focus(); o.selected = true;
               for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind, {{ bubbles: true }})); return true }})()",
            labelled(label),
            literal(words)
        );
        self.wait(&format!("“{words}” can be chosen in “{label}”"), &condition).map(drop)
    }

    /// The grey values of a picture on the page.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn picture_at(&self, css: &str) -> Result<Picture, BrowserError> {
        self.wait(
            &format!("there is a picture {css}"),
            &format!("document.querySelector({})?.complete", literal(css)),
        )?;
        let taken = self.evaluate(&format!(
            "(async () => {{ const img = document.querySelector({}); await img.decode();
               const w = img.naturalWidth, h = img.naturalHeight, c = new OffscreenCanvas(w, h).getContext('2d');
               c.fillStyle = '#fff'; c.fillRect(0, 0, w, h); c.drawImage(img, 0, 0);
               const d = c.getImageData(0, 0, w, h).data; let s = '';
               for (let i = 0; i < d.length; i += 4) s += String.fromCharCode((d[i] * 77 + d[i + 1] * 150 + d[i + 2] * 29) >> 8);
               return [w, h, btoa(s)] }})()",
            literal(css)
        ))?;
        let side = |at: usize| usize::try_from(taken[at].as_u64().unwrap_or(0)).unwrap_or(0);
        let luma = BASE64.decode(taken[2].as_str().unwrap_or_default()).unwrap_or_default();
        Ok(Picture { width: side(0), height: side(1), luma })
    }

    /// Looks at the page on another screen, in other colours.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn show_on(&self, screen: Screen, scheme: Scheme) -> Result<(), BrowserError> {
        let (width, height) = screen.size();
        let mobile = screen == Screen::Phone;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", &metrics)?;
        let scheme = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Keeps a cookie for the page's host.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn keep_cookie(&self, name: &str, value: &str) -> Result<(), BrowserError> {
        let url = self.url()?;
        self.call(
            "Network.setCookie",
            &json!({ "url": url, "name": name, "value": value, "sameSite": "Strict" }),
        )
        .map(drop)
    }

    /// Writes a picture of the page as PNG.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn screenshot(&self, path: &Path, extent: Extent) -> Result<(), BrowserError> {
        // Two frames, so that what was just changed is painted.
        self.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
        )?;
        let params = match extent {
            Extent::Screen => json!({ "format": "png" }),
            Extent::Whole => json!({ "format": "png", "captureBeyondViewport": true, "clip": self.whole()? }),
        };
        let taken = self.call("Page.captureScreenshot", &params)?;
        let bytes = BASE64.decode(taken["data"].as_str().unwrap_or_default()).unwrap_or_default();
        write(path, &bytes)
    }

    fn whole(&self) -> Result<Value, BrowserError> {
        let metrics = self.call("Page.getLayoutMetrics", &json!({}))?;
        let size = &metrics["cssContentSize"];
        Ok(json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 }))
    }

    /// Takes what the page complained about so far: errors on its console, exceptions, and everything that its content
    /// security policy stopped.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn complaints(&self) -> Result<Vec<String>, BrowserError> {
        // A round trip, so that everything said before has arrived.
        self.evaluate("0")?;
        Ok(self.wire.lock().unwrap_or_else(PoisonError::into_inner).complaints(&self.session))
    }
}

fn labelled(label: &str) -> String {
    format!(
        "((words) => ((all) => all.find((l) => read(l) === words) ?? all.find((l) => read(l).includes(words)))\
         ([...document.querySelectorAll('label')])?.control)({}.toLowerCase())",
        literal(label)
    )
}

/// A promise that is kept as soon as the condition is true, looked at whenever the page changes, and now and then in case
/// something changed that no observer sees (layout, a field's value).
fn promise(condition: &str, within: Duration) -> String {
    format!(
        "new Promise((done) => {{
           const so = () => {{ try {{ return {condition} }} catch {{ return false }} }};
           const finish = (value) => {{ watch.disconnect(); clearInterval(often); clearTimeout(late); done(value) }};
           const look = () => {{ const value = so(); if (value) finish(value === Object(value) && !Array.isArray(value) ? true : value) }};
           const watch = new MutationObserver(look);
           watch.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
           const often = setInterval(look, 100), late = setTimeout(() => finish(so() ? true : false), {});
           look();
         }})",
        within.as_millis()
    )
}

fn was_left(message: &str) -> bool {
    [
        "context was destroyed",
        "find context",
        "navigated or closed",
        "Promise was collected",
        "Cannot find default execution",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}
