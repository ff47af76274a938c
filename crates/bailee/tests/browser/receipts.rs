//! A receipt from the message to the check, as the person goes who was told that their compartment was opened.

use std::path::Path;
use std::process::Command;

use bailee_sim::browser::{Page, Screen};

use crate::demo::fetch;
use crate::house::{House, LOBBY, Letter, RESIDENT};
use crate::look::pictures;
use crate::rig::{given_a_file, is_fine, key_in, verdict};

const PARCEL: &str = "Your parcel is at";
const RECEIPT: &str = "Receipt: your compartment";
const BOTH: [Screen; 2] = [Screen::Phone, Screen::Desktop];

#[test]
fn whoever_collects_gets_a_receipt_that_their_own_browser_finds_sound_until_one_byte_is_changed() {
    let Some(house) = House::set_up() else { return };
    let courier = house.couriers_code();
    let kiosk = house.walk_up_to(LOBBY);
    let door = house.drop_off(&kiosk, LOBBY, &courier);
    assert_eq!(house.count(RESIDENT, RECEIPT), 0, "nobody's compartment was opened yet");
    key_in(&kiosk, &house.code_in(&Letter { to: RESIDENT, about: PARCEL, nth: 1 }));
    house.take_out(&kiosk, LOBBY);

    let mail = house.read(&Letter { to: RESIDENT, about: RECEIPT, nth: 1 });
    assert!(mail.contains("was opened with your code"), "{mail}");
    let link = mail.split_whitespace().find(|word| word.contains("/receipt?of=")).unwrap();
    let stranger = house.stranger(link.strip_prefix(&house.portal("")).unwrap());
    stranger.sees("Download the proof").unwrap();
    pictures(&stranger, "portal-receipt-en", &BOTH);
    let proof = "document.querySelector('a[download]').getAttribute('href')";
    let proof = stranger.evaluate(proof).unwrap().as_str().unwrap().to_owned();
    let (status, bytes) = fetch(&house.portal(&proof), None);
    assert_eq!(status, 200);
    let receipt = String::from_utf8(bytes).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receipt.tlog-proof");
    stranger.press("Check the file in this browser").unwrap();
    stranger.sees("Verify a file").unwrap();
    is_fine(&stranger);
    assert_eq!(checked(&stranger, &file, &receipt), "sound");
    stranger.sees(&format!("Compartment {door:02} was opened")).unwrap();
    pictures(&stranger, "portal-verify-en", &BOTH);
    every_changed_line_is_found(&stranger, &file, &receipt);
    stranger.keep_cookie("bailee_lang", "ar").unwrap();
    stranger.reload().unwrap();
    stranger.sees("التحقق من ملف").unwrap();
    assert_eq!(checked(&stranger, &file, &receipt), "sound");
    pictures(&stranger, "portal-verify-ar", &BOTH);

    the_command_says_the_same(&house, &file, &receipt);
}

/// Gives the page a file with this content and tells the verdict.
fn checked(page: &Page, file: &Path, content: &str) -> String {
    std::fs::write(file, content).unwrap();
    given_a_file(page, file);
    let verdict = verdict(page);
    is_fine(page);
    verdict
}

/// Changes one byte in the middle of each line in turn.
fn every_changed_line_is_found(page: &Page, file: &Path, receipt: &str) {
    let lines: Vec<&str> = receipt.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let middle =
            (0..line.len()).filter(|at| line.is_char_boundary(*at)).nth(line.chars().count() / 2).unwrap();
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let other = if line[middle..].starts_with('A') { "B" } else { "A" };
        changed[at].replace_range(middle..middle + 1, other);
        let found = checked(page, file, &(changed.join("\n") + "\n"));
        let expected = match at {
            0 => "unusable foreign",
            1 => "unsound path",
            2 => "unsound index",
            _ => "unsound",
        };
        assert!(found.starts_with(expected), "line {}: {found}", at + 1);
    }
}

fn the_command_says_the_same(house: &House, file: &Path, receipt: &str) {
    let (_, key) = fetch(&format!("{}/key", house.demo().log_url()), None);
    let key = String::from_utf8(key).unwrap();
    let run = |receipt: &str, more: &[&str]| {
        std::fs::write(file, receipt).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bailee"));
        let output = command.args(["verify", "receipt"]).arg(file).args(more).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    let (code, said) = run(receipt, &["--key", key.trim()]);
    assert!(code == Some(0) && said.contains("as the bank had authorised"), "{said}");
    let (code, said) = run(&receipt.replacen("index ", "index 1", 1), &["--key", key.trim()]);
    assert!(code == Some(1) && said.starts_with("UNSOUND: "), "{said}");
    let (code, said) = run(receipt, &[]);
    assert!(code == Some(2) && said.contains("--key"), "{said}");
}
