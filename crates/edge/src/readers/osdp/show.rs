//! Lights and tones of a reader.

use crate::readers::fact::Feedback;

const RED: u8 = 1;
const GREEN: u8 = 2;
const AMBER: u8 = 3;

/// The commands that show something: one for the light (`69`), one for the tone (`6A`).
pub(super) fn commands(feedback: Feedback) -> [(u8, Vec<u8>); 2] {
    // Colour, time on in tenths of a second, tone on, tone off, tones.
    let (colour, shown, on, off, count) = match feedback {
        Feedback::Accepted => (GREEN, 20_u16, 5, 0, 1),
        Feedback::Refused => (RED, 20, 1, 1, 3),
        Feedback::MoreNeeded => (AMBER, 50, 1, 0, 1),
    };
    let [low, high] = shown.to_le_bytes();
    // Reader 0, light 0; for a while: set, steadily on; permanently: leave as it is.
    let light = vec![0, 0, 2, 1, 0, colour, colour, low, high, 0, 0, 0, 0, 0];
    let tone = vec![0, 2, on, off, count];
    [(0x69, light), (0x6A, tone)]
}
