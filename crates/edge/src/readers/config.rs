//! Readers in the controller's configuration.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::fact::ReaderNo;
use super::scan::{Framing, MOST_TEXT};
use super::wedge::Written;
use super::wiegand::{CardFormat, Width};

/// Every reader of a bank.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadersConfig {
    /// OSDP lines, each with its readers.
    pub osdp: Vec<OsdpConfig>,
    /// Barcode scanners, and readers that type.
    pub scanner: Vec<ScannerConfig>,
    /// Readers of the PC/SC service.
    pub pcsc: Vec<PcscConfig>,
}

/// One OSDP line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsdpConfig {
    /// The tty, such as `/dev/ttyUSB1`.
    pub path: PathBuf,
    /// Bits a second.
    #[serde(default = "slow")]
    pub baud: u32,
    /// The readers on it.
    #[serde(rename = "reader")]
    pub readers: Vec<OsdpReaderConfig>,
}

/// One OSDP reader.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsdpReaderConfig {
    /// The reader's number, unique in the bank.
    pub number: u8,
    /// The address set in it, 0 to 126.
    pub address: u8,
    /// Badges it takes: `H10301` (26 bits), `H10306` (34), `H10304` or `H10302` (37), `serial` (a card's serial number).
    #[serde(default = "common_cards")]
    pub cards: Vec<String>,
    /// What a badge proves at this reader: `number` (anybody can copy it), `application` (the reader checks a key in
    /// the card), `phone`.
    #[serde(default)]
    pub proves: Proves,
}

/// One scanner, or one reader that types a badge's number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScannerConfig {
    /// The reader's number, unique in the bank.
    pub number: u8,
    /// How it is connected.
    #[serde(default)]
    pub kind: ScannerKind,
    /// The tty, such as `/dev/ttyACM0`, or the input device, such as `/dev/input/by-id/usb-…-event-kbd`.
    pub path: PathBuf,
    /// Bits a second of a serial one.
    #[serde(default = "slow")]
    pub baud: u32,
    /// What every text begins with.
    #[serde(default)]
    pub prefix: String,
    /// What every text ends with; empty means carriage return or line feed.
    #[serde(default)]
    pub suffix: String,
    /// The longest text, in characters.
    #[serde(default = "longest")]
    pub longest: usize,
    /// A pause inside a text that breaks it off, in milliseconds.
    #[serde(default = "gap_ms")]
    pub gap_ms: u64,
    /// What the texts are: `tokens` (QR codes of notifications), `barcodes` (printed badges), or a badge's number written
    /// as `10D`, `3D5D` or `serial`.
    #[serde(default)]
    pub carries: CarriesConfig,
}

/// How a scanner is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScannerKind {
    /// A serial line, or a USB scanner set to behave like one: the better choice.
    #[default]
    Serial,
    /// It pretends to be a keyboard; it is taken away from the rest of the system.
    Keyboard,
}

/// One reader of the PC/SC service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PcscConfig {
    /// The reader's number, unique in the bank.
    pub number: u8,
    /// A part of its name in the service; empty means the first one.
    #[serde(default)]
    pub name: String,
}

/// What a badge proves at a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proves {
    /// That somebody knows or copied a number.
    #[default]
    Number,
    /// That the card holds the site's key: the reader has checked it.
    Application,
    /// That the phone holds the key of its pass: the reader has checked it.
    Phone,
}

/// What typed texts are, as written in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum CarriesConfig {
    /// QR codes of notifications.
    #[default]
    #[serde(rename = "tokens")]
    Tokens,
    /// Printed badges.
    #[serde(rename = "barcodes")]
    Barcodes,
    /// Ten decimal digits.
    #[serde(rename = "10D")]
    TenDigits,
    /// Three and five decimal digits.
    #[serde(rename = "3D5D")]
    ThreeAndFive,
    /// A serial number in hexadecimal.
    #[serde(rename = "serial")]
    Serial,
}

/// What typed texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// QR tokens.
    Tokens,
    /// Printed badges.
    Barcodes,
    /// A badge's number.
    Badges(Written),
}

/// What one reader takes for a badge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    widths: BTreeSet<Width>,
    serials: bool,
    proves: Proves,
    carries: Carries,
}

const fn slow() -> u32 {
    9_600
}

const fn longest() -> usize {
    256
}

const fn gap_ms() -> u64 {
    200
}

fn common_cards() -> Vec<String> {
    vec!["H10301".to_owned()]
}

impl ReadersConfig {
    /// Checks what the types cannot; the text says what to change.
    ///
    /// # Errors
    /// What to change.
    pub fn check(&self) -> Result<(), String> {
        let mut numbers = BTreeSet::new();
        for number in self.numbers() {
            if !numbers.insert(number) {
                return Err(format!("reader number {} is used twice", number.0));
            }
        }
        for line in &self.osdp {
            let mut addresses = BTreeSet::new();
            for reader in &line.readers {
                reader.accept()?;
                if reader.address > 126 {
                    return Err(format!("reader {}: an address is 0 to 126", reader.number));
                }
                if !addresses.insert(reader.address) {
                    return Err(format!("reader {}: its address is used twice on one line", reader.number));
                }
            }
        }
        for scanner in &self.scanner {
            scanner.check().map_err(|text| format!("reader {}: {text}", scanner.number))?;
        }
        if !self.pcsc.is_empty() && !cfg!(feature = "pcsc") {
            return Err("PC/SC readers need a build with --features pcsc".to_owned());
        }
        Ok(())
    }

    /// The number of every reader.
    pub fn numbers(&self) -> Vec<ReaderNo> {
        let osdp = self.osdp.iter().flat_map(|line| &line.readers).map(|reader| reader.number);
        let scanners = self.scanner.iter().map(|scanner| scanner.number);
        let pcsc = self.pcsc.iter().map(|reader| reader.number);
        osdp.chain(scanners).chain(pcsc).map(ReaderNo).collect()
    }

    /// The line and the entry of an OSDP reader.
    pub fn osdp_reader(&self, number: ReaderNo) -> Option<(&OsdpConfig, &OsdpReaderConfig)> {
        let readers = self.osdp.iter().flat_map(|line| line.readers.iter().map(move |reader| (line, reader)));
        readers.into_iter().find(|(_, reader)| reader.number == number.0)
    }
}

impl OsdpReaderConfig {
    /// What it takes for a badge.
    ///
    /// # Errors
    /// What to change.
    pub fn accept(&self) -> Result<Accept, String> {
        let mut accept = Accept { proves: self.proves, ..Accept::nothing() };
        for card in &self.cards {
            match CardFormat::from_name(card) {
                Some(format) => {
                    accept.widths.insert(format.width());
                }
                None if card == "serial" => accept.serials = true,
                None => {
                    return Err(format!(
                        "reader {}: cards may be H10301, H10306, H10304, H10302 and serial",
                        self.number
                    ));
                }
            }
        }
        Ok(accept)
    }
}

impl ScannerConfig {
    fn check(&self) -> Result<(), &'static str> {
        if !(1..=MOST_TEXT).contains(&self.longest) {
            return Err("longest must be 1 to 512");
        }
        if !(10..=5_000).contains(&self.gap_ms) {
            return Err("gap_ms must be 10 to 5000");
        }
        if self.prefix.len() > 16 || self.suffix.len() > 16 {
            return Err("prefix and suffix have at most 16 characters");
        }
        Ok(())
    }

    /// How its texts are framed.
    pub fn framing(&self) -> Framing {
        Framing {
            prefix: self.prefix.clone().into_bytes(),
            suffix: self.suffix.clone().into_bytes(),
            longest: self.longest,
            gap: Duration::from_millis(self.gap_ms),
        }
    }

    /// What its texts are taken for.
    pub fn accept(&self) -> Accept {
        let carries = match self.carries {
            CarriesConfig::Tokens => Carries::Tokens,
            CarriesConfig::Barcodes => Carries::Barcodes,
            CarriesConfig::TenDigits => Carries::Badges(Written::TenDigits),
            CarriesConfig::ThreeAndFive => Carries::Badges(Written::ThreeAndFive),
            CarriesConfig::Serial => Carries::Badges(Written::Serial),
        };
        Accept { carries, ..Accept::nothing() }
    }
}

impl Accept {
    const fn nothing() -> Self {
        Self { widths: BTreeSet::new(), serials: false, proves: Proves::Number, carries: Carries::Tokens }
    }

    /// Serial numbers of cards, as a PC/SC reader gives them.
    pub fn serials_only() -> Self {
        Self { serials: true, ..Self::nothing() }
    }

    pub(super) fn takes(&self, width: Width) -> bool {
        self.widths.contains(&width)
    }

    pub(super) const fn serials(&self) -> bool {
        self.serials
    }

    pub(super) const fn proves(&self) -> Proves {
        self.proves
    }

    pub(super) const fn carries(&self) -> Carries {
        self.carries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ReadersConfig, String> {
        let config: ReadersConfig = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        config.check().map(|()| config)
    }

    #[test]
    fn a_whole_file_is_read() {
        let config = read(
            r#"
            [[osdp]]
            path = "/dev/ttyUSB1"
            [[osdp.reader]]
            number = 1
            address = 0
            cards = ["H10301", "H10304", "serial"]
            proves = "application"
            [[scanner]]
            number = 2
            path = "/dev/ttyACM0"
            prefix = "\u0002"
            suffix = "\u0003"
            [[scanner]]
            number = 3
            kind = "keyboard"
            path = "/dev/input/event3"
            carries = "3D5D"
            "#,
        )
        .unwrap();
        assert_eq!(config.numbers(), [ReaderNo(1), ReaderNo(2), ReaderNo(3)]);
        let accept = config.osdp[0].readers[0].accept().unwrap();
        assert!(accept.takes(Width::W26) && accept.takes(Width::W37) && !accept.takes(Width::W34));
        assert_eq!(config.scanner[0].framing().prefix, [2]);
        assert_eq!(config.scanner[1].accept().carries(), Carries::Badges(Written::ThreeAndFive));
    }

    #[test]
    fn mistakes_are_told() {
        let reader = |rest: &str| format!("[[osdp]]\npath = \"/dev/x\"\n[[osdp.reader]]\nnumber = 1\n{rest}");
        for (text, expected) in [
            (reader("address = 127"), "reader 1: an address is 0 to 126"),
            (reader("address = 1\ncards = [\"H1\"]"), "cards may be"),
            (reader("address = 1\n[[osdp.reader]]\nnumber = 1\naddress = 2"), "used twice"),
            (reader("address = 1\n[[osdp.reader]]\nnumber = 2\naddress = 1"), "address is used twice"),
            ("[[scanner]]\nnumber = 1\npath = \"/dev/x\"\nlongest = 9999".to_owned(), "longest must be"),
            ("[[osdp]]\npath = \"/dev/x\"\ncolour = 1\nreader = []".to_owned(), "unknown field"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
