//! Tamper switches: normally closed loops read as files, 25 ms apart, believed after two equal readings.
//!
//! A file that cannot be read is a lost sensor, never a switch at rest.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use bailee_domain::bank::io::Input;
use bailee_domain::tamper::{Source, SwitchState};

use crate::config::{SwitchConfig, SwitchKind};
use crate::runtime::Message;

const EVERY: Duration = Duration::from_millis(25);

/// One switch with what it said last.
struct Switch {
    config: SwitchConfig,
    latest: Option<SwitchState>,
    told: Option<SwitchState>,
}

impl Switch {
    /// Takes a reading; returns a state that is news.
    fn read(&mut self) -> Option<SwitchState> {
        let state = match std::fs::read_to_string(&self.config.file).map(|text| text.chars().next()) {
            Ok(Some(said)) if said == self.config.at_rest => SwitchState::AtRest,
            Ok(Some(_)) => SwitchState::Tripped,
            Ok(None) | Err(_) => SwitchState::Lost,
        };
        let steady = self.latest.replace(state) == Some(state);
        (steady && self.told != Some(state)).then_some(state)
    }

    const fn source(&self) -> Source {
        match self.config.kind {
            SwitchKind::Enclosure => Source::Enclosure(self.config.number),
            SwitchKind::Pry => Source::PrySwitch(self.config.number),
        }
    }
}

/// Starts the thread that reads the switches, if there are any; it ends with the engine's queue.
///
/// # Errors
/// When the system gives no thread.
pub fn watch(switches: &[SwitchConfig], queue: SyncSender<Message>) -> std::io::Result<()> {
    let switch = |config: &SwitchConfig| Switch { config: config.clone(), latest: None, told: None };
    let mut switches: Vec<Switch> = switches.iter().map(switch).collect();
    if switches.is_empty() {
        return Ok(());
    }
    std::thread::Builder::new().name("switches".into()).spawn(move || {
        loop {
            for switch in &mut switches {
                let Some(state) = switch.read() else { continue };
                let input = Input::Switch { source: switch.source(), state };
                match queue.try_send(Message::Sensed(input)) {
                    Ok(()) => switch.told = Some(state),
                    // A full queue drains: told again in the next round.
                    Err(std::sync::mpsc::TrySendError::Full(_)) => {}
                    Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return,
                }
            }
            pause();
        }
    })?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the switches have no interrupt here: they are read in turns")]
fn pause() {
    std::thread::sleep(EVERY);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_reading_is_no_news_and_a_missing_file_is_a_lost_sensor() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("value");
        let config = SwitchConfig { kind: SwitchKind::Pry, number: 3, file: file.clone(), at_rest: '1' };
        let mut switch = Switch { config, latest: None, told: None };
        let mut reads = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let news = switch.read();
            switch.told = news.or(switch.told);
            news
        };
        assert_eq!((reads("1\n"), reads("1\n")), (None, Some(SwitchState::AtRest)));
        assert_eq!((reads("0\n"), reads("1\n")), (None, None), "a bounce of one reading");
        assert_eq!((reads("0\n"), reads("0\n")), (None, Some(SwitchState::Tripped)));
        assert_eq!((reads(""), reads("")), (None, Some(SwitchState::Lost)));
        assert_eq!(switch.source(), Source::PrySwitch(3));
        std::fs::remove_file(&file).unwrap();
        assert_eq!((switch.read(), switch.told), (None, Some(SwitchState::Lost)));
    }
}
