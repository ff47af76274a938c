//! Reads a QR code out of one camera frame.
//!
//! Frames come from the kiosk page as 8-bit luma, so no picture format is ever parsed. Must never panic, loop or allocate
//! beyond the frame's own size whatever is in the frame, and must never say what the text means: it may be anybody's QR code.
//! Start at [`decode`]; it takes milliseconds, so call it away from the async threads.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rxing::BarcodeFormat;
use rxing::helpers::detect_in_luma_slice;

#[cfg(test)]
mod tests;

/// The most bytes a frame may have: 1 MiB.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// The fewest pixels a side may have: less holds no QR code with its margin.
pub const MIN_SIDE: u32 = 32;
/// The most pixels a side may have.
pub const MAX_SIDE: u32 = 2048;
/// The longest text that is passed on, in bytes; ours is under 200.
pub const MAX_TEXT_BYTES: usize = 512;

/// The text of the first QR code (ISO/IEC 18004) found in a frame of `width` × `height` 8-bit luma pixels, row by row.
///
/// Three readers are tried, from the fastest to the slowest: each finds what another misses (noise, distance, codes drawn light
/// on dark). A frame out of bounds, or whose length is not `width` × `height`, holds nothing.
#[must_use]
pub fn decode(luma: &[u8], width: u32, height: u32) -> Option<String> {
    if !fits(luma.len(), width, height) {
        return None;
    }
    let text = guarded(|| fast(luma, width, height))
        .or_else(|| guarded(|| thorough(luma, width, height)))
        .or_else(|| guarded(|| fast(&inverted(luma), width, height)))?;
    (!text.is_empty() && text.len() <= MAX_TEXT_BYTES).then_some(text)
}

/// Whether `len` bytes can be a frame of `width` × `height` pixels within the bounds.
#[must_use]
pub fn fits(len: usize, width: u32, height: u32) -> bool {
    let sides = MIN_SIDE..=MAX_SIDE;
    let pixels = u64::from(width) * u64::from(height);
    sides.contains(&width)
        && sides.contains(&height)
        && len <= MAX_FRAME_BYTES
        && u64::try_from(len).is_ok_and(|len| len == pixels)
}

fn fast(luma: &[u8], width: u32, height: u32) -> Option<String> {
    let found = detect_in_luma_slice(luma, width, height, Some(BarcodeFormat::QR_CODE)).ok()?;
    Some(found.getText().to_owned())
}

fn thorough(luma: &[u8], width: u32, height: u32) -> Option<String> {
    let columns = usize::try_from(width).ok()?;
    let rows = usize::try_from(height).ok()?;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(columns, rows, |x, y| luma[y * columns + x]);
    image.detect_grids().iter().find_map(|grid| grid.decode().ok().map(|(_, text)| text))
}

fn inverted(luma: &[u8]) -> Vec<u8> {
    luma.iter().map(|pixel| 255 - pixel).collect()
}

/// Both readers index into pictures with arithmetic of their own; a mistake there costs one frame, not the kiosk.
fn guarded(read: impl FnOnce() -> Option<String>) -> Option<String> {
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}
