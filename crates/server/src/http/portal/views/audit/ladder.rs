//! The path from an entry to the signed root as a drawing: nodes of ours in the middle, each sibling on the side it stands on.
//!
//! Left and right are the tree's, so the drawing is the same in every language. What it shows stands in words beside it.

use std::fmt::Write as _;

use bailee_ui::html::escape;
use bailee_ui::layout::Page;

use super::{ProvenView, Rung};

const WIDTH: u32 = 340;
/// From one node of ours to the one above it.
const STEP: u32 = 62;
const BOX: (u32, u32) = (92, 26);
const MIDDLE: u32 = WIDTH / 2;
const LEFT: u32 = 52;
const RIGHT: u32 = WIDTH - LEFT;
/// Room above the root and below the leaf.
const MARGIN: u32 = 42;

/// Draws a path, as SVG: all text in it is escaped.
pub fn draw(page: &Page, proven: &ProvenView, leaf_hash: &str) -> String {
    let steps = u32::try_from(proven.rungs.len()).unwrap_or(0);
    let height = steps * STEP + 2 * MARGIN;
    let title = page.t2("ladder-title", "index", proven.index.to_string(), "count", steps);
    let mut out = format!(
        r#"<svg class="ladder" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="ladder-title"><title id="ladder-title">{}</title>"#,
        escape(&title)
    );
    let y_of = |step: u32| height - MARGIN - step * STEP;
    for (step, rung) in (0..steps).zip(&proven.rungs) {
        lines(&mut out, y_of(step), rung.left);
    }
    node(&mut out, "leaf", (MIDDLE, y_of(0)), leaf_hash);
    for (step, rung) in (0..steps).zip(&proven.rungs) {
        sibling(&mut out, page, y_of(step), rung);
        let class = if step + 1 == steps { "root" } else { "own" };
        node(&mut out, class, (MIDDLE, y_of(step + 1)), &rung.node);
    }
    label(&mut out, (MIDDLE, height - 14), &page.t1("ladder-leaf", "index", proven.index.to_string()));
    label(&mut out, (MIDDLE, 15), &page.t("ladder-root"));
    out.push_str("</svg>");
    out
}

/// Two lines up into the node above: the sibling's bends, ours is straight.
fn lines(out: &mut String, y: u32, left: bool) {
    let (from, bend) = if left { (LEFT, "6,-6") } else { (RIGHT, "-6,-6") };
    let (top, half) = (y - BOX.1 / 2, y - STEP / 2);
    let _ = write!(
        out,
        r#"<path d="M{MIDDLE},{top}V{}M{from},{top}V{}q0,-6 {bend}H{MIDDLE}"/>"#,
        y - STEP + BOX.1 / 2,
        half + 6
    );
}

fn node(out: &mut String, class: &str, (x, y): (u32, u32), hash: &str) {
    let (width, height) = BOX;
    let _ = write!(
        out,
        r#"<g class="{class}"><rect x="{}" y="{}" width="{width}" height="{height}" rx="5"/><text x="{x}" y="{y}">{}</text></g>"#,
        x - width / 2,
        y - height / 2,
        escape(hash.get(..8).unwrap_or(hash))
    );
}

fn sibling(out: &mut String, page: &Page, y: u32, rung: &Rung) {
    let x = if rung.left { LEFT } else { RIGHT };
    node(out, "sibling", (x, y), &rung.hash);
    let key = if rung.left { "ladder-left" } else { "ladder-right" };
    label(out, (x, y + BOX.1 / 2 + 9), &page.t1(key, "level", u32::from(rung.level)));
}

fn label(out: &mut String, (x, y): (u32, u32), text: &str) {
    let _ = write!(out, r#"<text class="label" x="{x}" y="{y}">{}</text>"#, escape(text));
}
