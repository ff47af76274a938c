//! What somebody notices who cannot see well, cannot aim well, or has a small screen.

use serde_json::{Value, json};

use super::{BrowserError, Page};

/// Roles whose nodes a person operates, and which must therefore say what they are for.
const CONTROLS: [&str; 12] = [
    "button",
    "link",
    "textbox",
    "searchbox",
    "checkbox",
    "radio",
    "combobox",
    "listbox",
    "switch",
    "slider",
    "menuitem",
    "tab",
];

/// Something to touch that is too small.
#[derive(Clone, Debug, PartialEq)]
pub struct SmallTarget {
    /// What it says or which element it is.
    pub what: String,
    /// Millimetres across and down.
    pub mm: (f64, f64),
}

impl Page {
    /// The controls that a screen reader cannot name, as their role and HTML.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn nameless_controls(&self) -> Result<Vec<String>, BrowserError> {
        let tree = self.call("Accessibility.getFullAXTree", &json!({}))?;
        let nodes = tree["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let role = |node: &Value| node["role"]["value"].as_str().unwrap_or_default().to_owned();
        let nameless = nodes.iter().filter(|node| {
            node["ignored"] != true
                && CONTROLS.contains(&role(node).as_str())
                && node["name"]["value"].as_str().unwrap_or_default().trim().is_empty()
        });
        Ok(nameless.map(|node| format!("{} #{}", role(node), node["backendDOMNodeId"])).collect())
    }

    /// What can be touched but is smaller than `least_mm` in a direction, by the page's own scale `--mm`. Text fields count,
    /// links inside a line of text do not.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn small_targets(&self, least_mm: f64) -> Result<Vec<SmallTarget>, BrowserError> {
        let found = self.evaluate(
            "(() => { const mm = parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--mm')) || 4;
               return [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea, summary')]
                 .filter((e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !e.closest('[inert], .hidden, p a'))
                 .map((e) => [e, e.getBoundingClientRect()]).filter(([, r]) => r.width > 1 && r.height > 1)
                 .map(([e, r]) => [`${e.tagName.toLowerCase()} ${(e.getAttribute('aria-label') ?? e.innerText ?? '').trim() || e.name || e.id}`, r.width / mm, r.height / mm]) })()",
        )?;
        let found = found.as_array().cloned().unwrap_or_default();
        let mm = |value: &Value| value.as_f64().unwrap_or(0.0);
        let targets = found.iter().map(|one| SmallTarget {
            what: one[0].as_str().unwrap_or_default().to_owned(),
            mm: (mm(&one[1]), mm(&one[2])),
        });
        // A hundredth of a millimetre is the browser's rounding.
        Ok(targets.filter(|target| target.mm.0.min(target.mm.1) + 0.01 < least_mm).collect())
    }

    /// How many pixels the page is wider than the screen.
    ///
    /// # Errors
    /// [`BrowserError`].
    pub fn sideways_px(&self) -> Result<i64, BrowserError> {
        let wider =
            self.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")?;
        Ok(wider.as_i64().unwrap_or(0))
    }
}
