//! What people sign for at a bank in the same process.

use bailee_domain::bank::io::{Checked, Input};
use bailee_domain::bank::screen::RemoteView;
use bailee_domain::id::BankId;
use bailee_domain::lockdown::Security;
use bailee_domain::roster::Roster;
use bailee_domain::signer::{PersonKey, Proof, PublicKey, Statement};
use bailee_vault::sign;
use bailee_wire::statement;

use super::{FakeBank, now};

impl FakeBank {
    /// The roster it works with.
    pub fn roster(&self) -> Roster {
        self.parts().engine.lasting().roster.clone()
    }

    pub fn security(&self) -> Security {
        self.parts().engine.lasting().roster.security.clone()
    }

    /// What its home screen says of openings from afar.
    pub fn remote(&self) -> RemoteView {
        let parts = self.parts();
        parts.engine.view(now(&parts.clock)).remote
    }

    /// Time passes; it looks at its clock.
    pub fn tick(&self) {
        self.input(Input::Tick);
    }
}

/// Checks plain signatures, as a controller does off its engine.
pub fn check(bank: BankId, said: &Statement, signatures: &[(PersonKey, Proof)]) -> Checked {
    let bytes = statement::bytes(bank, said);
    let genuine = |(key, proof): &(PersonKey, Proof)| match (key.public, proof) {
        (PublicKey::Ed25519(public), Proof::Plain(signature)) => {
            sign::PublicKey(public).verify(&bytes, signature).is_ok().then_some(0)
        }
        _ => panic!("nobody has a passkey here"),
    };
    Checked { digest: statement::digest(&bytes), proven: signatures.iter().map(genuine).collect() }
}
