//! The report: what a bundle shows, in words, figures and pictures, as PDF/A-3B with the data it was drawn from attached.
//!
//! It is a pure function of the bundle's other files, so whoever has those and the same [`RENDERER`] draws the same bytes, and a
//! swapped report is noticed. Whatever changes a drawing changes [`RENDERER`]. Start at [`render`].

mod chart;
mod files;
mod findings;
mod map;
mod page;
mod parts;
mod pdf;
mod table;
mod text;

pub(crate) use parts::Sources;

/// The version of the drawing.
pub const RENDERER: &str = "bailee-report/2";

/// Draws the report.
///
/// # Errors
/// The PDF could not be made to the standard.
pub(crate) fn render(sources: Sources<'_>) -> Result<Vec<u8>, String> {
    let mut page = page::Pages::new();
    parts::draw(&mut page, &sources);
    pdf::write(page.finish(&parts::footer(&sources)), sources)
}
