//! Boot tags in a real TPM's NV storage: `swtpm`, started by the test.
#![cfg(feature = "tpm")]
#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bailee_domain::boot_tag::BootTag;
use bailee_edge::rollback::TagStore;
use bailee_edge::tpm::TpmTags;

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
