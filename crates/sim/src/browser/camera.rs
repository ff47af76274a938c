//! What the browser's camera sees: a looping film in YUV4MPEG2, 4:2:0, which Chromium reads whenever the camera starts.

use std::io::Write;
use std::path::{Path, PathBuf};

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
/// How much of the picture's height the thing held to the camera fills.
const HELD: usize = 320;
const WALL: u8 = 96;
/// Frames a second: few, so that the file stays small.
const RATE: usize = 5;
/// Frames of an empty lobby before somebody holds something up, long enough for a reader to forget what it saw before.
const EMPTY_FRAMES: usize = 3 * RATE;
const HELD_FRAMES: usize = 2 * RATE;
const QUIET_MODULES: usize = 4;

/// A grey picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// One byte a pixel, row by row; 0 is black.
    pub luma: Vec<u8>,
}

impl Picture {
    /// The QR code of a text with its quiet zone, one pixel a module.
    ///
    /// # Panics
    /// When the text does not fit into a QR code.
    #[must_use]
    pub fn of_qr(text: &str) -> Self {
        let code =
            fast_qr::QRBuilder::new(text).ecl(fast_qr::ECL::Q).build().expect("the text fits into a QR code");
        let size = code.size + 2 * QUIET_MODULES;
        let mut luma = vec![u8::MAX; size * size];
        for row in 0..code.size {
            for column in 0..code.size {
                if code[row][column].value() {
                    luma[(row + QUIET_MODULES) * size + column + QUIET_MODULES] = 0;
                }
            }
        }
        Self { width: size, height: size, luma }
    }

    /// The brightness at a place given in parts of `of`.
    fn at(&self, x: usize, y: usize, of: usize) -> u8 {
        self.luma[(y * self.height / of) * self.width + x * self.width / of]
    }
}

/// The film in the camera.
#[derive(Clone, Debug)]
pub struct Clip {
    path: PathBuf,
}

impl Clip {
    /// A film of an empty lobby at `path`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn empty(path: PathBuf) -> std::io::Result<Self> {
        let clip = Self { path };
        clip.write(None)?;
        Ok(clip)
    }

    /// From the next start of the camera on, somebody holds this up after a moment.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn hold_up(&self, picture: &Picture) -> std::io::Result<()> {
        self.write(Some(picture))
    }

    /// From the next start of the camera on, nobody holds up anything.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_down(&self) -> std::io::Result<()> {
        self.write(None)
    }

    /// Where the film lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&self, picture: Option<&Picture>) -> std::io::Result<()> {
        let empty = vec![WALL; WIDTH * HEIGHT];
        let held = picture.map_or_else(|| empty.clone(), frame);
        let beside = self.path.with_extension("new");
        let mut file = std::io::BufWriter::new(std::fs::File::create(&beside)?);
        writeln!(file, "YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg")?;
        let colourless = vec![128; WIDTH * HEIGHT / 2];
        for number in 0..EMPTY_FRAMES + HELD_FRAMES {
            file.write_all(b"FRAME\n")?;
            file.write_all(if number < EMPTY_FRAMES { &empty } else { &held })?;
            file.write_all(&colourless)?;
        }
        file.flush()?;
        std::fs::rename(beside, &self.path)
    }
}

fn frame(picture: &Picture) -> Vec<u8> {
    let mut luma = vec![WALL; WIDTH * HEIGHT];
    let (left, top) = ((WIDTH - HELD) / 2, (HEIGHT - HELD) / 2);
    for y in 0..HELD {
        for x in 0..HELD {
            luma[(top + y) * WIDTH + left + x] = picture.at(x, y, HELD);
        }
    }
    luma
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_film_has_whole_frames_with_the_code_in_the_middle() {
        let folder = tempfile::tempdir().unwrap();
        let clip = Clip::empty(folder.path().join("clip.y4m")).unwrap();
        let before = std::fs::read(clip.path()).unwrap();
        clip.hold_up(&Picture::of_qr("HELLO")).unwrap();
        let after = std::fs::read(clip.path()).unwrap();
        let header = after.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let one = 6 + WIDTH * HEIGHT * 3 / 2;
        assert_eq!(after.len(), header + one * (EMPTY_FRAMES + HELD_FRAMES));
        assert_eq!(before.len(), after.len());
        assert_eq!(
            before[..header + one * EMPTY_FRAMES],
            after[..header + one * EMPTY_FRAMES],
            "a moment of nothing first"
        );
        let last = &after[after.len() - one + 6..];
        assert!(last.contains(&0) && last.contains(&255), "black on white");
    }
}
