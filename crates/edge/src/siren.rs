//! The siren: one output line that the system shows as a file, such as a `brightness` of `gpio-leds`.
//!
//! It must never stop the engine: a line that cannot be written is logged and tried again at the next change.

use std::path::PathBuf;

use bailee_domain::bank::io::Siren;

/// Where the siren hangs, if there is one.
#[derive(Clone, Debug, Default)]
pub struct SirenLine {
    file: Option<PathBuf>,
}

impl SirenLine {
    /// A siren that sounds while this file holds `1`; silent from now on.
    pub fn at(file: Option<PathBuf>) -> Self {
        let line = Self { file };
        line.set(Siren::Off);
        line
    }

    /// Turns it on or off.
    pub fn set(&self, siren: Siren) {
        let text = match siren {
            Siren::On => "1",
            Siren::Off => "0",
        };
        let Some(file) = &self.file else { return };
        if let Err(error) = std::fs::write(file, text) {
            tracing::error!(%error, file = %file.display(), "the siren cannot be switched");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_silent_at_the_start_and_sounds_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("brightness");
        let line = SirenLine::at(Some(file.clone()));
        let said = || std::fs::read_to_string(&file).unwrap();
        assert_eq!(said(), "0");
        line.set(Siren::On);
        assert_eq!(said(), "1");
    }

    #[test]
    fn a_line_that_cannot_be_written_stops_nothing() {
        SirenLine::at(Some("/nowhere/at/all".into())).set(Siren::On);
        SirenLine::default().set(Siren::On);
    }
}
