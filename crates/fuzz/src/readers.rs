//! What scanners, keyboards, badge readers and cards may say, from any bytes to what the engine is told.

use std::time::Duration;

use bailee_edge::readers::card::{serial, technology};
use bailee_edge::readers::osdp::frame::{Block, Direction, Draft, Head, MAX_FRAME, Reading, read};
use bailee_edge::readers::osdp::panel::{News, Panel, Purpose};
use bailee_edge::readers::osdp::reply::Identity;
use bailee_edge::readers::osdp::secure::ReaderKey;
use bailee_edge::readers::osdp::talk::Talk;
use bailee_edge::readers::scan::{Framing, MOST_TEXT, Scan, Scanner};
use bailee_edge::readers::wedge::{Keys, Written, typed_number};
use bailee_edge::readers::wiegand;
use bailee_edge::sensors::iio::ScanType;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::cut::Cut;
use crate::{Target, says, target};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    target("scanner", scanner, scanner_seeds),
    target("keyboard", keyboard, keyboard_seeds),
    target("badge_bits", badge_bits, badge_seeds),
    target("osdp_frame", osdp_frame, osdp_seeds),
    target("osdp_line", osdp_line, line_seeds),
    target("iio_channel", iio_channel, iio_seeds),
];

/// A scanner that types anything: only printable texts of a bounded length come out, and nothing while it is cut off.
pub fn scanner(data: &[u8]) {
    let mut cut = Cut(data);
    let affixes = [(&b""[..], &b""[..]), (b"", b"\r\n"), (b"]Q3", b"\t"), (b"\x02", b"\x03")];
    let (prefix, suffix) = affixes[cut.below(affixes.len())];
    let longest = 1 + cut.below(MOST_TEXT + 50);
    let mut scanner =
        Scanner::new(Framing { prefix: prefix.into(), suffix: suffix.into(), longest, ..Framing::default() });
    let mut now = Duration::from_secs(1);
    while !cut.is_empty() {
        now += Duration::from_millis(u64::from(cut.word()));
        let was_cut = scanner.is_cut(now);
        for scan in scanner.hear(cut.piece(), now) {
            assert!(!was_cut, "a reader that is cut off is not heard");
            match scan {
                Scan::Text(text) => {
                    let printable = text.bytes().all(|byte| (0x20..0x7F).contains(&byte));
                    assert!(printable && (1..=MOST_TEXT).contains(&text.len()), "no command comes through");
                }
                Scan::Cut => assert!(scanner.is_cut(now), "it is cut off from then on"),
                Scan::Dropped => {}
            }
        }
    }
}

fn scanner_seeds() -> Vec<Vec<u8>> {
    let typed = |framing: u8, text: &[u8]| [&[0, framing, 1, 0, 0, 50, text.len() as u8][..], text].concat();
    vec![
        typed(0, b"01234567\r"),
        typed(1, b"OURS-TOKEN\r\nsecond\r\n"),
        typed(2, b"]Q3code\t"),
        typed(0, b"\x1b[2J; rm -rf /\r"),
        typed(0, &[b'a'; 255]),
    ]
}

/// Raw events of a keyboard in any pieces: the same characters however they are cut, and numbers of badges or none.
pub fn keyboard(data: &[u8]) {
    let mut cut = Cut(data);
    let pieces = cut.below(40) + 1;
    let events = cut.0;
    let (mut whole, mut cut_up) = (Keys::default(), Keys::default());
    let all = whole.hear(events);
    let parts: Vec<u8> = events.chunks(pieces).flat_map(|piece| cut_up.hear(piece)).collect();
    assert_eq!(all, parts, "a split event is one event");
    assert!(all.len() <= events.len() / 24, "one character for one key");
    let text = String::from_utf8_lossy(&all);
    for written in [Written::TenDigits, Written::ThreeAndFive, Written::Serial] {
        for text in [&*text, &String::from_utf8_lossy(events)] {
            if let Some((format, number)) = typed_number(written, text) {
                assert!(!format.is_empty() && (1..=10).contains(&number.len()));
            }
        }
    }
}

fn keyboard_seeds() -> Vec<Vec<u8>> {
    let event = |code: u16, value: i32| {
        [&[0; 16][..], &1_u16.to_ne_bytes(), &code.to_ne_bytes(), &value.to_ne_bytes()].concat()
    };
    let typed = |codes: &[u16]| -> Vec<u8> {
        let keys = codes.iter().flat_map(|code| [event(*code, 1), event(*code, 0)].concat());
        [0, 23].into_iter().chain(keys).collect()
    };
    vec![
        typed(&[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 28]),
        typed(&[42, 30, 54, 300, 1]),
        b"\0\x05123,45678".to_vec(),
        b"\0\x0504A1B2C3".to_vec(),
        b"\0\x05+123456789".to_vec(),
    ]
}

/// Bits of a badge and answers of a card: a number that encodes to the same bits, a serial number that is in the answer, or none.
pub fn badge_bits(data: &[u8]) {
    let mut cut = Cut(data);
    let bits = usize::from(cut.byte());
    match wiegand::decode(bits, cut.0) {
        Ok(number) => {
            let (back, bytes) = number.encode();
            let unused = 8 * bytes.len() - back;
            let same = bytes.len() == cut.0.len() && bytes[..bytes.len() - 1] == cut.0[..bytes.len() - 1];
            assert!(same && bytes.last().map(|b| b >> unused) == cut.0.last().map(|b| b >> unused));
            assert!((3..=5).contains(&number.bytes().len()));
        }
        Err(error) => says(&error),
    }
    assert!(!format!("{:?}", technology(cut.0)).is_empty());
    match serial(cut.0) {
        Ok(number) => assert!(matches!(number.len(), 4 | 7 | 10) && cut.0.starts_with(number)),
        Err(error) => says(&error),
    }
}

fn badge_seeds() -> Vec<Vec<u8>> {
    let number = wiegand::Number::of(wiegand::CardFormat::H10301, 123, 45_678).expect("it fits");
    let (bits, bytes) = number.encode();
    let wide = wiegand::Number::of(wiegand::CardFormat::H10304, 1_234, 45_678).expect("it fits");
    let (more, wider) = wide.encode();
    vec![
        [&[bits as u8][..], &bytes].concat(),
        [&[more as u8][..], &wider].concat(),
        [&[0][..], &[4, 0xA1, 0xB2, 0xC3, 0x90, 0x00]].concat(),
        [&[0][..], &[0x3B, 0x8F, 0x80, 1, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6, 3, 0, 1]].concat(),
        vec![0, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6],
    ]
}

/// One OSDP frame out of any bytes: bounded, and it takes what it says it takes.
pub fn osdp_frame(data: &[u8]) {
    let mut rest = data;
    while !rest.is_empty() {
        match read(rest) {
            Reading::More => {
                assert!(rest.len() < MAX_FRAME, "a frame never needs more than its longest length");
                return;
            }
            Reading::Noise(count) | Reading::Bad(count) => rest = &rest[count.clamp(1, rest.len())..],
            Reading::Whole(frame, count) => {
                assert!(count <= MAX_FRAME && frame.data.len() < count && frame.address < 0x80);
                rest = &rest[count..];
            }
        }
    }
}

fn reply(code: u8, data: &[u8], block: Option<&Block>, sequence: u8) -> Vec<u8> {
    let draft = Draft::new(Head { address: 1, direction: Direction::Reply, sequence }, block, code, data);
    draft.finish(block.and_then(|block| (block.kind >= 0x15).then_some([0; 4])))
}

fn osdp_seeds() -> Vec<Vec<u8>> {
    let secured = Block { kind: 0x16, data: Vec::new() };
    let two = [reply(0x40, &[], None, 1), reply(0x45, &[7; 12], None, 1)].concat();
    vec![two, reply(0x50, &[0, 0, 26, 0, 1, 2, 3, 64], Some(&secured), 2), vec![0x53, 0x81, 0xFF, 0xFF, 0]]
}

/// A line with two OSDP readers on which anybody says anything: no badge and no key is taken that did not come through a
/// proven secure channel, what is wrong gets a name, and the other reader is asked on.
pub fn osdp_line(data: &[u8]) {
    let mut cut = Cut(data);
    let key = ReaderKey::new([9; 16]).expect("it is not the default key");
    let panel = |address| Panel::new(address, Purpose::Serve(key.clone(), Identity([7; 12])));
    let mut talk = Talk::new(vec![panel(1), panel(2)], 9_600);
    let mut random = ChaCha12Rng::seed_from_u64(1);
    let (mut now, mut sequence, mut asked) = (Duration::from_secs(1), 0, [0_u32; 3]);
    let mut turns = 0;
    while !cut.is_empty() && turns < 300 {
        turns += 1;
        if let Some(said) = talk.advance(now, &mut random) {
            sequence = said.get(5).map_or(0, |control| control & 3);
            asked[usize::from(said[2] & 3) % 3] += 1;
        }
        match cut.byte() % 6 {
            0 => now += Duration::from_millis(u64::from(cut.word())),
            1 => now += Duration::from_millis(u64::from(cut.byte())),
            2 => talk.hear(cut.piece(), now),
            3 => {
                let (code, kind) = (cut.byte(), cut.byte());
                let block =
                    (kind & 1 == 1).then(|| Block { kind: 0x11 + (kind >> 4), data: cut.piece().to_vec() });
                talk.hear(&reply(code, cut.piece(), block.as_ref(), sequence), now);
            }
            4 => {
                let mut said = reply(0x45, &[7; 12], None, sequence);
                cut.edit(&mut said);
                talk.hear(&said, now);
            }
            _ => talk.line_gone(now),
        }
        for panel in talk.panels() {
            assert!(!panel.is_serving(), "nobody here knows the key");
            for news in panel.take_news() {
                let believed =
                    matches!(news, News::Badge(_) | News::Keys(_) | News::Ready(_) | News::Keyed(_));
                assert!(!believed, "nothing said outside the secure channel is believed");
            }
        }
    }
    let before = asked;
    for _ in 0..3_000 {
        now += Duration::from_millis(50);
        if let Some(said) = talk.advance(now, &mut random) {
            asked[usize::from(said[2] & 3) % 3] += 1;
        }
    }
    assert!(asked[1] > before[1] && asked[2] > before[2], "both readers are asked again");
}

fn line_seeds() -> Vec<Vec<u8>> {
    let id = [&[3, 0x45, 0, 12][..], &[7; 12]].concat();
    let capabilities = [3, 0x46, 0, 3, 9, 1, 1];
    let cryptogram = [&[3, 0x76, 0x11, 1, 0, 32][..], &[8; 32]].concat();
    let badge = [3, 0x50, 0, 8, 0, 0, 26, 0, 1, 2, 3, 64];
    let wait = [1, 60];
    vec![
        [&id[..], &wait, &capabilities, &wait, &cryptogram, &wait, &badge].concat(),
        [&badge[..], &[0, 0, 255, 5, 0, 8, 0], &id].concat(),
        [&[2, 40][..], &[0x53; 40], &wait, &id].concat(),
    ]
}

/// The kernel's word for a channel and its bytes: a value that fits in its bits, or no channel.
pub fn iio_channel(data: &[u8]) {
    let mut cut = Cut(data);
    let text = String::from_utf8_lossy(cut.piece()).into_owned();
    let Some(kind) = ScanType::parse(&text) else { return };
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok()).expect("it was read");
    let rest = text.trim().get(4..).expect("it was read");
    let bits = number(rest.split('/').next());
    let storage = number(rest.split('/').nth(1).and_then(|rest| rest.split(">>").next()));
    let mut bytes = cut.take(storage as usize / 8).to_vec();
    bytes.resize(storage as usize / 8, 0);
    let value = kind.value(&bytes);
    let (low, high) = if &text.trim()[3..4] == "s" {
        (-1_i128 << (bits - 1), (1 << (bits - 1)) - 1)
    } else {
        (0, (1 << bits) - 1)
    };
    // 64 bits without a sign come as the same bits with one.
    let fits = bits == 64 || (low..=high).contains(&i128::from(value));
    assert!(fits, "{value} is no value of {text}");
}

fn iio_seeds() -> Vec<Vec<u8>> {
    let channel = |text: &str| [&[text.len() as u8][..], text.as_bytes(), &[0x12, 0x34, 0x56, 0x78]].concat();
    ["le:s12/16>>4", "be:u16/16>>0", "le:s64/64>>0", "le:u1/8>>7", "xe:s12/16>>4", "le:s12/16X2>>4"]
        .map(channel)
        .to_vec()
}
