//! Boot tags in a real TPM's NV storage, and keys sealed by it: `swtpm`, started by the test.
#![cfg(feature = "tpm")]
#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bailee_domain::boot_tag::BootTag;
use bailee_domain::id::{BankId, OrgId};
use bailee_edge::installation::{Enrolled, Installation, InstallationError};
use bailee_edge::kek::{Home, HomeError, Sealing};
use bailee_edge::rollback::TagStore;
use bailee_edge::tpm::{TpmSeal, TpmTags};
use bailee_vault::sign::SigningKey;
use bailee_vault::stretch::Cost;
use bailee_vault::{OsRandom, Secret};

const AUTH: [u8; 32] = [3; 32];

/// A TPM with its power on; the power fails when it is dropped.
struct Tpm {
    process: Child,
    device: String,
}

impl Drop for Tpm {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Two neighbouring ports that were free a moment ago: the TCTI wants the control port next to the other.
fn ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// Gives a TPM with this state its power; `None` where there is no `swtpm` and none is required.
fn power_on(state: &Path) -> Option<Tpm> {
    let port = ports();
    let mut command = Command::new("swtpm");
    command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"]);
    command.arg("--tpmstate").arg(format!("dir={}", state.display()));
    command.arg("--server").arg(format!("type=tcp,port={port},bindaddr=127.0.0.1,disconnect"));
    command.arg("--ctrl").arg(format!("type=tcp,port={},bindaddr=127.0.0.1", port + 1));
    match command.stdout(Stdio::null()).spawn() {
        Ok(process) => {
            let tpm = Tpm { process, device: format!("swtpm:host=127.0.0.1,port={port}") };
            while TcpStream::connect(("127.0.0.1", port + 1)).is_err() {
                std::thread::yield_now();
            }
            Some(tpm)
        }
        Err(error)
            if error.kind() == ErrorKind::NotFound && std::env::var_os("BAILEE_REQUIRE_PEERS").is_none() =>
        {
            None
        }
        Err(error) => panic!("swtpm cannot be started: {error}"),
    }
}

#[test]
fn a_tag_outlives_the_power_and_another_tpm_does_not_know_it() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(tpm) = power_on(home.path()) else { return };
    let mut tags = TpmTags::open(&tpm.device, AUTH);
    assert_eq!(tags.read().unwrap(), None, "a new TPM holds nothing");
    tags.put(BootTag([1; 16])).unwrap();
    tags.put(BootTag([2; 16])).unwrap();
    assert_eq!(tags.read().unwrap(), Some(BootTag([2; 16])));
    drop(tpm);
    assert!(
        tags.read().is_err(),
        "a TPM without power does not answer, which is not the same as holding nothing"
    );

    let tpm = power_on(home.path()).unwrap();
    let mut tags = TpmTags::open(&tpm.device, AUTH);
    assert_eq!(tags.read().unwrap(), Some(BootTag([2; 16])), "the tag outlives the power");
    assert!(
        TpmTags::open(&tpm.device, [4; 32]).read().is_err(),
        "and is read only with its authorisation value"
    );
    assert!(TpmTags::open(&tpm.device, [4; 32]).put(BootTag([9; 16])).is_err());
    tags.forget().unwrap();
    assert_eq!(tags.read().unwrap(), None, "a bank enrolled anew begins anew");

    let other = power_on(elsewhere.path()).unwrap();
    assert_eq!(TpmTags::open(&other.device, AUTH).read().unwrap(), None);
}

fn enrolled() -> Enrolled {
    Enrolled {
        bank: BankId::from_bytes([1; 16]),
        org: OrgId::from_bytes([2; 16]),
        address: "127.0.0.1:1".into(),
        pins: vec![[3; 32]],
        link_seed: [4; 32],
        device_seed: [5; 32],
        code_key: [6; 32],
        code_salt: [7; 16],
        code_epoch: 1,
    }
}

fn home(dir: &Path, tpm: &Tpm) -> Home {
    Home::sealed(dir, Arc::new(TpmSeal::new(&tpm.device, Vec::new())))
}

#[test]
fn a_disk_copied_to_another_machine_tells_none_of_its_keys() {
    let (here, there, disk) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(tpm) = power_on(here.path()) else { return };
    Installation::create(home(disk.path(), &tpm), &enrolled(), &mut OsRandom).unwrap();
    drop(tpm);

    let tpm = power_on(here.path()).unwrap();
    let opened = Installation::open(home(disk.path(), &tpm)).unwrap();
    assert_eq!(opened.device().public(), SigningKey::from_seed(&Secret::new([5; 32])).public());
    assert_eq!(opened.code_key(Cost::SIMULATION).unwrap().key.expose(), &[6; 32], "its own machine opens it");
    let other = power_on(there.path()).unwrap();
    let refused = Installation::open(home(disk.path(), &other));
    assert!(matches!(refused, Err(InstallationError::Kek(HomeError::Sealing { .. }))), "another TPM");
    let refused = Installation::open(disk.path());
    assert!(matches!(refused, Err(InstallationError::Kek(HomeError::NoTpm(_)))), "no TPM");
    let files: Vec<u8> = std::fs::read_dir(disk.path())
        .unwrap()
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    for secret in [[4; 32], [5; 32], [6; 32]] {
        assert!(!files.windows(32).any(|bytes| bytes == secret), "a key lies on the disk");
    }
}

#[test]
fn a_bank_enrolled_before_it_had_a_tpm_moves_its_key_there() {
    let (here, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(tpm) = power_on(here.path()) else { return };
    Installation::create(disk.path(), &enrolled(), &mut OsRandom).unwrap();
    assert!(disk.path().join("kek").exists());
    for _ in 0..2 {
        let opened = Installation::open(home(disk.path(), &tpm)).unwrap();
        assert_eq!(opened.code_key(Cost::SIMULATION).unwrap().key.expose(), &[6; 32]);
        assert!(!disk.path().join("kek").exists() && disk.path().join("kek.tpm").exists());
    }
}

#[test]
fn changed_firmware_does_not_open_a_key_bound_to_what_was_measured() {
    let here = tempfile::tempdir().unwrap();
    let Some(tpm) = power_on(here.path()) else { return };
    let (bound, free) = (TpmSeal::new(&tpm.device, vec![7, 16]), TpmSeal::new(&tpm.device, Vec::new()));
    let key = Secret::new([8; 32]);
    let (with, without) = (bound.seal(&key).unwrap(), free.seal(&key).unwrap());
    assert_eq!(bound.unseal(&with).unwrap().expose(), &[8; 32]);
    assert!(free.unseal(&with).is_err(), "the policy can't be left out");
    extend(&tpm.device);
    assert!(bound.unseal(&with).is_err(), "something else was measured");
    assert_eq!(free.unseal(&without).unwrap().expose(), &[8; 32]);
    for sealed in [&[][..], &[0xff, 0xff], &with[..with.len() - 1], &[0; 300]] {
        assert!(bound.unseal(sealed).is_err());
    }
}

/// Measures something into PCR 16.
fn extend(device: &str) {
    use tss_esapi::handles::PcrHandle;
    use tss_esapi::interface_types::algorithm::HashingAlgorithm;
    use tss_esapi::interface_types::session_handles::AuthSession;
    use tss_esapi::structures::{Digest, DigestValues};
    let mut context = tss_esapi::Context::new(device.parse().unwrap()).unwrap();
    let mut values = DigestValues::new();
    values.set(HashingAlgorithm::Sha256, Digest::try_from(vec![1; 32]).unwrap());
    context
        .execute_with_session(Some(AuthSession::Password), |tpm| tpm.pcr_extend(PcrHandle::Pcr16, values))
        .unwrap();
}
