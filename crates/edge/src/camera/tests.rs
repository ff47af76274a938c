//! Frames are drawn here: codes turned, noisy, dim, far away and light on dark; and frames that hold nothing or worse.

use fast_qr::{ECL, QRBuilder};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::*;

/// About as long as a pickup token: base45, error correction Q.
const TOKEN: &str =
    "BL1:6BFOXN%TSMAHN-H9L06Y8AYFV5:7X9GNOE2/FP-C3JTLMTE0DQ7KD2AL5VK46%2JS4Z9XU0WY8$9J1OEGH4:Q+52*P";

/// How a code is held before the camera.
#[derive(Clone, Copy)]
struct Held {
    /// Side of the code with its margin, in camera pixels.
    side: f64,
    degrees: f64,
    black: f64,
    white: f64,
    noise: f64,
}

const STEADY: Held = Held { side: 300.0, degrees: 0.0, black: 25.0, white: 225.0, noise: 4.0 };

const W: u32 = 640;
const H: u32 = 480;

fn frame(text: &str, held: Held, seed: u64) -> Vec<u8> {
    let code = QRBuilder::new(text).ecl(ECL::Q).build().unwrap();
    let modules = code.size as f64 + 8.0;
    let (sin, cos) = held.degrees.to_radians().sin_cos();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut luma = Vec::new();
    for y in 0..H {
        for x in 0..W {
            let (dx, dy) = (f64::from(x) - f64::from(W) / 2.0, f64::from(y) - f64::from(H) / 2.0);
            let at = |along: f64| (along / held.side + 0.5) * modules - 4.0;
            let (column, row) = (at(dx * cos + dy * sin), at(dy * cos - dx * sin));
            let inside = |v: f64| v >= 0.0 && v < code.size as f64;
            let dark = inside(column) && inside(row) && code[row as usize][column as usize].value();
            let level = if dark { held.black } else { held.white };
            let jitter = (f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5) * 2.0 * held.noise;
            luma.push((level + jitter).clamp(0.0, 255.0) as u8);
        }
    }
    luma
}

fn read_of_20(held: Held) -> usize {
    let turned = |seed: u64| Held { degrees: held.degrees + seed as f64 * 2.0 - 20.0, ..held };
    (0..20).filter(|seed| decode(&frame(TOKEN, turned(*seed), *seed), W, H).as_deref() == Some(TOKEN)).count()
}

#[test]
fn a_code_held_to_the_camera_is_read() {
    assert_eq!(read_of_20(STEADY), 20);
}

#[test]
fn a_code_is_read_upside_down_and_on_its_side() {
    for degrees in [90.0, 180.0, 270.0, 45.0] {
        let luma = frame(TOKEN, Held { degrees, ..STEADY }, 1);
        assert_eq!(decode(&luma, W, H).as_deref(), Some(TOKEN), "turned by {degrees}°");
    }
}

#[test]
fn a_phone_in_dark_mode_is_read() {
    assert_eq!(read_of_20(Held { black: 225.0, white: 25.0, ..STEADY }), 20);
}

#[test]
fn noise_dim_light_and_distance_are_borne() {
    assert!(read_of_20(Held { noise: 40.0, ..STEADY }) >= 18);
    assert!(read_of_20(Held { black: 60.0, white: 110.0, ..STEADY }) >= 18);
    assert!(read_of_20(Held { side: 180.0, ..STEADY }) >= 18);
}

#[test]
fn a_frame_without_a_code_gives_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..5 {
        let mut luma = vec![0; (W * H) as usize];
        rng.fill_bytes(&mut luma);
        assert_eq!(decode(&luma, W, H), None);
    }
    assert_eq!(decode(&vec![255; (W * H) as usize], W, H), None);
}

#[test]
fn frames_out_of_bounds_are_not_looked_at() {
    let luma = frame(TOKEN, STEADY, 1);
    assert_eq!(decode(&luma, W, H - 1), None, "too many bytes");
    assert_eq!(decode(&luma[1..], W, H), None, "too few bytes");
    assert_eq!(decode(&[], 0, 0), None);
    assert_eq!(decode(&[0; 31 * 31], 31, 31), None);
    assert_eq!(decode(&vec![0; 4096 * 64], 4096, 64), None);
    assert!(!fits(0, u32::MAX, u32::MAX));
    assert!(!fits(MAX_FRAME_BYTES + 1024, 1024, 1025));
}

#[test]
fn a_text_too_long_to_be_ours_is_not_passed_on() {
    let held = Held { side: 460.0, ..STEADY };
    let long = "A".repeat(MAX_TEXT_BYTES + 1);
    assert_eq!(decode(&frame(&long, held, 1), W, H), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_frame_breaks_the_reader(
        width in 0_u32..160,
        height in 0_u32..160,
        seed: u64,
        coarse in 1_u32..12,
        short in 0_usize..3,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let blocks: Vec<u8> = (0..64 * 64).map(|_| if rng.next_u32() & 1 == 0 { 0 } else { 255 }).collect();
        let at = |x: u32, y: u32| blocks[((y / coarse) % 64 * 64 + (x / coarse) % 64) as usize];
        let mut luma: Vec<u8> = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect();
        luma.truncate(luma.len().saturating_sub(short));
        let _ = decode(&luma, width, height);
    }

    #[test]
    fn no_damaged_code_breaks_the_reader(seed: u64, flips in 1_usize..4000) {
        let mut luma = frame(TOKEN, STEADY, seed);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..flips {
            let at = rng.next_u64() as usize % luma.len();
            let end = (at + 40).min(luma.len());
            luma[at..end].fill((rng.next_u32() & 0xff) as u8);
        }
        if let Some(text) = decode(&luma, W, H) {
            prop_assert_eq!(text, TOKEN);
        }
    }
}
