//! Every file of the corpus through its target, as it is and changed a little; and the corpus, the targets and the binaries of
//! `fuzz/` are the same list.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bailee_fuzz::{Target, cut::Cut, targets};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// More than this is not kept: the corpus is read at every change of anything.
const MOST_FILES: usize = 300;
const MOST_BYTES: u64 = 1 << 20;
/// Changed inputs of each target in an ordinary test run.
const CHANGED: u64 = 48;

fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies in the workspace").join("fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("plain names"))
        .collect()
}

/// The committed inputs of a target, by name.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join("corpus").join(target.name);
    let read = |name: String| (name.clone(), fs::read(folder.join(name)).expect("it can be read"));
    names(&folder).into_iter().map(read).collect()
}

/// The name libFuzzer would give a file: nothing hangs on it but that it is the content's.
fn name_of(bytes: &[u8]) -> String {
    let hash = bailee_audit::leaf_hash(bytes).0;
    hash[..10].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(target: &Target, what: &str, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        let path = std::env::temp_dir().join(format!("bailee-fuzz-{}-{}", target.name, name_of(input)));
        fs::write(&path, input).expect("a temporary file can be written");
        eprintln!("{} broke on {what}; the input is {}", target.name, path.display());
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn every_input_ever_found_interesting_upholds_its_target() {
    for target in targets() {
        corpus(target).iter().for_each(|(name, input)| run(target, name, input));
    }
}

#[test]
fn no_change_to_an_input_breaks_its_target() {
    for target in targets() {
        let inputs = corpus(target);
        let mut dice = ChaCha8Rng::seed_from_u64(inputs.len() as u64);
        for round in 0..CHANGED {
            let mut pick = || &inputs[dice.next_u64() as usize % inputs.len()].1;
            let (one, other) = (pick(), pick());
            let mut input = one.clone();
            if round % 4 == 0 {
                input.truncate(one.len() / 2);
                input.extend_from_slice(&other[other.len() / 2..]);
            }
            let mut script = [0; 64];
            dice.fill_bytes(&mut script);
            let mut script = Cut(&script);
            (0..=round % 4).for_each(|_| script.edit(&mut input));
            run(target, &format!("changed input {round}"), &input);
        }
    }
}

#[test]
fn the_corpus_has_every_target_and_stays_small() {
    #[expect(clippy::disallowed_methods, reason = "asked for by a person who adds a target")]
    let is_asked = std::env::var("BAILEE_WRITE_GOLDEN").is_ok();
    if is_asked {
        write_seeds();
    }
    let wanted: BTreeSet<String> = targets().map(|target| target.name.to_owned()).collect();
    assert_eq!(
        names(&folder().join("corpus")),
        wanted,
        "one folder for each target: BAILEE_WRITE_GOLDEN=1 makes it"
    );
    let binaries = wanted.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder().join("fuzz_targets")), binaries, "one binary for each target");
    let (mut files, mut bytes) = (0, 0);
    for target in targets() {
        let inputs = corpus(target);
        assert!(!inputs.is_empty(), "{} has nothing to start from", target.name);
        files += inputs.len();
        bytes += inputs.iter().map(|(_, input)| input.len() as u64).sum::<u64>();
    }
    assert!(
        files <= MOST_FILES && bytes <= MOST_BYTES,
        "{files} files with {bytes} bytes: minimise the corpus"
    );
}

/// Makes what a new target needs: its folder with its seeds, and its binary.
fn write_seeds() {
    for target in targets() {
        let corpus = folder().join("corpus").join(target.name);
        fs::create_dir_all(&corpus).expect("a folder can be made");
        for seed in (target.seeds)() {
            fs::write(corpus.join(name_of(&seed)), &seed).expect("a file can be written");
        }
        let binary = format!(
            "#![no_main]\n\nlibfuzzer_sys::fuzz_target!(|data: &[u8]| bailee_fuzz::run(\"{}\", data));\n",
            target.name
        );
        let path = folder().join("fuzz_targets").join(format!("{}.rs", target.name));
        fs::write(path, binary).expect("a file can be written");
    }
}
