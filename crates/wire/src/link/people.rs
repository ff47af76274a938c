//! Keys, signatures, badges and work orders as they travel.

use bailee_domain::badge::{Assurance, BadgePass, WeakBadges};
use bailee_domain::bank::work_order::{MAX_ORDER_DOORS, WorkOrder};
use bailee_domain::code::Code;
use bailee_domain::id::{GrantId, PersonId, WorkOrderId};
use bailee_domain::signer::{
    Act, KeyForm, KeyUse, MAX_AUTHENTICATOR_DATA, MAX_CLIENT_DATA, MAX_SIGNATURE, MAX_SIGNATURES, PersonKey,
    Proof, PublicKey, RelyingParty, Signature, Signed, Statement,
};
use bailee_domain::time::WallTime;

use super::bounds::{LinkError, coded, compartment, count, fixed, text};
use super::proto::{self, signed};
use super::roster::{verifier_from, verifier_to};

coded! {
    use_number, used_for: KeyUse = "use of key" {
        1 KeyUse::Resident, 2 KeyUse::Administrator, 3 KeyUse::Officer,
    }
}

coded! {
    form_number, form: KeyForm = "form of key" { 1 KeyForm::Plain, 2 KeyForm::Passkey, }
}

coded! {
    weak_number, weak: WeakBadges = "weak badges" {
        0 WeakBadges::NeedCode, 1 WeakBadges::Suffice, 2 WeakBadges::Refused,
    }
}

fn person(bytes: &[u8]) -> Result<PersonId, LinkError> {
    fixed(bytes, "person").map(PersonId::from_bytes)
}

fn public_to(public: &PublicKey) -> Vec<u8> {
    match public {
        PublicKey::Ed25519(key) => key.to_vec(),
        PublicKey::P256(key) => key.to_vec(),
    }
}

fn public_from(bytes: &[u8]) -> Result<PublicKey, LinkError> {
    match bytes.len() {
        32 => fixed(bytes, "key").map(PublicKey::Ed25519),
        65 => fixed(bytes, "key").map(PublicKey::P256),
        _ => Err(LinkError::Invalid("key")),
    }
}

pub(super) fn key_to(key: &PersonKey) -> proto::PersonKey {
    proto::PersonKey {
        person: key.person.to_bytes().to_vec(),
        used_for: use_number(key.used_for),
        form: form_number(key.form),
        public: public_to(&key.public),
    }
}

pub(super) fn key_from(key: &proto::PersonKey) -> Result<PersonKey, LinkError> {
    Ok(PersonKey {
        person: person(&key.person)?,
        used_for: used_for(key.used_for)?,
        form: form(key.form)?,
        public: public_from(&key.public)?,
    })
}

pub(super) fn relying_party_to(party: &RelyingParty) -> Option<proto::RelyingParty> {
    let known = *party != RelyingParty::default();
    known.then(|| proto::RelyingParty { id: party.id.clone(), origin: party.origin.clone() })
}

pub(super) fn relying_party_from(party: Option<proto::RelyingParty>) -> Result<RelyingParty, LinkError> {
    let party = party.unwrap_or_default();
    Ok(RelyingParty { id: text(party.id, "relying party")?, origin: text(party.origin, "origin")? })
}

pub(super) fn badge_to(badge: &BadgePass) -> proto::Badge {
    proto::Badge {
        mac: badge.mac.to_vec(),
        person: badge.person.to_bytes().to_vec(),
        strong: badge.assurance == Assurance::Strong,
        pin: badge.pin.as_ref().map(verifier_to),
    }
}

pub(super) fn badge_from(badge: proto::Badge) -> Result<BadgePass, LinkError> {
    Ok(BadgePass {
        mac: fixed(&badge.mac, "badge")?,
        person: person(&badge.person)?,
        assurance: if badge.strong { Assurance::Strong } else { Assurance::Weak },
        pin: badge.pin.map(|pin| verifier_from(Some(pin))).transpose()?,
    })
}

pub(super) fn order_to(order: &WorkOrder) -> proto::WorkOrder {
    proto::WorkOrder {
        order: order.order.to_bytes().to_vec(),
        technician: order.technician.to_bytes().to_vec(),
        doors: order.doors.iter().map(|door| door.0.into()).collect(),
        expires: order.expires.unix_ms(),
        verifier: order.verifier.as_ref().map(verifier_to),
    }
}

pub(super) fn order_from(order: proto::WorkOrder) -> Result<WorkOrder, LinkError> {
    count(&order.doors, MAX_ORDER_DOORS, "list of doors")?;
    Ok(WorkOrder {
        order: WorkOrderId::from_bytes(fixed(&order.order, "work order")?),
        technician: person(&order.technician)?,
        doors: order.doors.into_iter().map(compartment).collect::<Result<_, _>>()?,
        expires: WallTime::from_unix_ms(order.expires),
        verifier: order.verifier.map(|verifier| verifier_from(Some(verifier))).transpose()?,
    })
}

pub(super) fn signed_to(signed: &Signed) -> proto::Signed {
    let Statement { act, presence, expires } = &signed.statement;
    let act = match act {
        Act::Collect { compartment, grant } => Some(signed::Act::Collect(proto::Collect {
            compartment: compartment.0.into(),
            grant: grant.to_bytes().to_vec(),
        })),
        Act::Inspect { compartment, reason } => Some(signed::Act::Inspect(proto::Inspect {
            compartment: compartment.0.into(),
            reason: reason.to_vec(),
        })),
        Act::Admit(key) => Some(signed::Act::Admit(key_to(key))),
        // Answers to a challenge are given at the kiosk and travel nowhere.
        Act::Override { .. } => None,
    };
    let presence = presence.map(|code| String::from_utf8_lossy(code.digits()).into_owned());
    proto::Signed {
        act,
        presence: presence.unwrap_or_default(),
        expires: expires.unix_ms(),
        signatures: signed.signatures.iter().map(signature_to).collect(),
    }
}

pub(super) fn signed_from(signed: proto::Signed) -> Result<Signed, LinkError> {
    count(&signed.signatures, MAX_SIGNATURES, "list of signatures")?;
    let act = match signed.act.ok_or(LinkError::Invalid("act"))? {
        signed::Act::Collect(collect) => Act::Collect {
            compartment: compartment(collect.compartment)?,
            grant: GrantId::from_bytes(fixed(&collect.grant, "grant")?),
        },
        signed::Act::Inspect(inspect) => Act::Inspect {
            compartment: compartment(inspect.compartment)?,
            reason: fixed(&inspect.reason, "reason")?,
        },
        signed::Act::Admit(key) => Act::Admit(key_from(&key)?),
    };
    let presence = match signed.presence.as_str() {
        "" => None,
        digits => Some(Code::parse(digits).map_err(|_| LinkError::Invalid("presence code"))?),
    };
    let statement = Statement { act, presence, expires: WallTime::from_unix_ms(signed.expires) };
    let signatures = signed.signatures.into_iter().map(signature_from).collect::<Result<_, _>>()?;
    Ok(Signed { statement, signatures })
}

fn signature_to(signature: &Signature) -> proto::Signature {
    let (proof, authenticator_data, client_data) = match &signature.proof {
        Proof::Plain(bytes) => (bytes.to_vec(), Vec::new(), Vec::new()),
        Proof::Passkey { authenticator_data, client_data, signature } => {
            (signature.clone(), authenticator_data.clone(), client_data.clone())
        }
    };
    proto::Signature {
        person: signature.person.to_bytes().to_vec(),
        public: public_to(&signature.public),
        signature: proof,
        authenticator_data,
        client_data,
    }
}

fn signature_from(signature: proto::Signature) -> Result<Signature, LinkError> {
    count(&signature.authenticator_data, MAX_AUTHENTICATOR_DATA, "authenticator data")?;
    count(&signature.client_data, MAX_CLIENT_DATA, "client data")?;
    count(&signature.signature, MAX_SIGNATURE, "signature")?;
    let plain = signature.authenticator_data.is_empty() && signature.client_data.is_empty();
    let proof = if plain {
        Proof::Plain(fixed(&signature.signature, "signature")?)
    } else {
        Proof::Passkey {
            authenticator_data: signature.authenticator_data,
            client_data: signature.client_data,
            signature: signature.signature,
        }
    };
    Ok(Signature { person: person(&signature.person)?, public: public_from(&signature.public)?, proof })
}
