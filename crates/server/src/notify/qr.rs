//! A QR code as a PNG picture, for e-mail (mail programs block SVG).
//!
//! Dark on white with the four-module quiet zone of ISO/IEC 18004. It knows nothing of what the payload means.

use fast_qr::ECL;
use fast_qr::qr::QRBuilder;

/// Pixels per module: large enough to scan from a phone's screen, a few kilobytes as a file.
const SCALE: usize = 8;
/// Light modules around the code (ISO/IEC 18004).
const QUIET: usize = 4;
/// The longest payload in bytes; a token is about 150.
pub const PAYLOAD_BYTES: usize = 400;

/// A payload couldn't be drawn.
#[derive(Debug, thiserror::Error)]
pub enum QrFailure {
    /// The payload is empty or too long.
    #[error("a QR payload is 1 to {PAYLOAD_BYTES} bytes")]
    Payload,
    /// The picture couldn't be written.
    #[error("the QR picture couldn't be encoded")]
    Encode(#[from] png::EncodingError),
}

/// Draws `payload` as a one-bit greyscale PNG.
///
/// # Errors
/// [`QrFailure::Payload`] for a payload that is empty or longer than [`PAYLOAD_BYTES`].
pub fn png(payload: &str) -> Result<Vec<u8>, QrFailure> {
    if payload.is_empty() || payload.len() > PAYLOAD_BYTES {
        return Err(QrFailure::Payload);
    }
    let code = QRBuilder::new(payload).ecl(ECL::M).build().map_err(|_| QrFailure::Payload)?;
    let modules = code.size + 2 * QUIET;
    let side = modules * SCALE;
    let mut rows = Vec::with_capacity(side * side.div_ceil(8));
    for row in 0..modules {
        let line = pixel_row(modules, |column| is_dark(&code, row, column));
        for _ in 0..SCALE {
            rows.extend_from_slice(&line);
        }
    }
    encode(side, &rows)
}

fn is_dark(code: &fast_qr::QRCode, row: usize, column: usize) -> bool {
    let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
    match (inside(row), inside(column)) {
        (Some(row), Some(column)) => code[row][column].value(),
        _ => false,
    }
}

/// One row of pixels, eight to a byte, first pixel in the highest bit, 1 is white.
fn pixel_row(modules: usize, dark: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut line = vec![0u8; (modules * SCALE).div_ceil(8)];
    for pixel in (0..modules * SCALE).filter(|pixel| !dark(pixel / SCALE)) {
        line[pixel / 8] |= 0x80 >> (pixel % 8);
    }
    line
}

fn encode(side: usize, rows: &[u8]) -> Result<Vec<u8>, QrFailure> {
    let side = u32::try_from(side).map_err(|_| QrFailure::Payload)?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header()?.write_image_data(rows)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDEXWK G2EP4J0BGJLFX3R3VHXK.PJ:2DPF6R:5SVBHABVCNN95SWMPHQUHQN%A0SOE+QQAB-HQ/HQ7IR.SQEEOK9SAI4-7Y15KBPD34";

    fn pixels(file: &[u8]) -> (usize, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut buffer).unwrap();
        assert_eq!(info.color_type, png::ColorType::Grayscale);
        (info.width as usize, buffer)
    }

    #[test]
    fn the_picture_scans_back_to_the_payload() {
        let file = png(TOKEN).unwrap();
        let (side, grey) = pixels(&file);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| grey[y * side + x]);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        assert_eq!(grids[0].decode().unwrap().1, TOKEN);
        assert!(file.len() < 8 * 1024, "{} bytes", file.len());
    }

    #[test]
    fn the_quiet_zone_is_white_and_four_modules_wide() {
        let (side, grey) = pixels(&png("A").unwrap());
        let edge = QUIET * SCALE;
        for y in 0..side {
            for x in (0..side).filter(|x| y < edge || y >= side - edge || *x < edge || *x >= side - edge) {
                assert_eq!(grey[y * side + x], 255, "({x}, {y})");
            }
        }
        assert_eq!(grey[edge * side + edge], 0, "the finder pattern starts right after it");
    }

    #[test]
    fn payloads_are_bounded() {
        assert!(matches!(png(""), Err(QrFailure::Payload)));
        assert!(matches!(png(&"A".repeat(401)), Err(QrFailure::Payload)));
        assert!(png(&"A".repeat(400)).is_ok());
    }
}
