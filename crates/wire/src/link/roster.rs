//! Rosters and layouts as they travel; the journal keeps rosters in the same form.

use bailee_domain::badge::{BadgeBook, MAX_BADGES};
use bailee_domain::compartment::{Compartment, Layout, Reach, Size, Wiring};
use bailee_domain::grant::Verifier;
use bailee_domain::id::{CarrierId, PersonId};
use bailee_domain::roster::{
    BankService, CourierPass, IssuerKey, MAX_COURIERS, MAX_RECIPIENTS, Policy, Recipient, Roster,
};
use bailee_domain::signer::{MAX_KEYS, Signers};
use prost::Message;

use super::bounds::{LinkError, coded, compartment, count, fixed, small, text};
use super::guard;
use super::{people, proto};

const MAX_COMPARTMENTS: usize = 500;
const MAX_ISSUERS: usize = 16;

coded! {
    size_number, size: Size = "size" { 1 Size::Small, 2 Size::Medium, 3 Size::Large, 4 Size::ExtraLarge, }
}

const fn low(reach: Reach) -> bool {
    matches!(reach, Reach::Low)
}

const fn reach(low: bool) -> Reach {
    if low { Reach::Low } else { Reach::Standard }
}

pub(super) fn verifier_to(v: &Verifier) -> proto::Verifier {
    proto::Verifier { salt: v.salt.to_vec(), mac: v.mac.to_vec() }
}

pub(super) fn verifier_from(v: Option<proto::Verifier>) -> Result<Verifier, LinkError> {
    let v = v.ok_or(LinkError::Invalid("verifier"))?;
    Ok(Verifier { salt: fixed(&v.salt, "verifier salt")?, mac: fixed(&v.mac, "verifier")? })
}

pub(super) fn layout_to(layout: &Layout) -> proto::Layout {
    let compartments = layout.iter().map(|c| proto::Compartment {
        number: c.number.0.into(),
        size: size_number(c.size),
        low_reach: low(c.reach),
        board: c.wiring.board.into(),
        channel: c.wiring.channel.into(),
        column: c.column.into(),
        row: c.row.into(),
        height: c.height.into(),
    });
    proto::Layout { compartments: compartments.collect() }
}

/// The layout of a bank that enrols: it may not know its doors before it is commissioned.
pub(super) fn layout_so_far(layout: Option<proto::Layout>) -> Result<Layout, LinkError> {
    match layout {
        Some(layout) if layout.compartments.is_empty() => Ok(Layout::default()),
        layout => layout_from(layout),
    }
}

pub(super) fn layout_from(layout: Option<proto::Layout>) -> Result<Layout, LinkError> {
    let compartments = layout.ok_or(LinkError::Invalid("layout"))?.compartments;
    count(&compartments, MAX_COMPARTMENTS, "layout")?;
    let compartments = compartments.iter().map(compartment_from).collect::<Result<Vec<_>, _>>()?;
    Layout::new(compartments).map_err(|_| LinkError::Invalid("layout"))
}

fn compartment_from(c: &proto::Compartment) -> Result<Compartment, LinkError> {
    Ok(Compartment {
        number: compartment(c.number)?,
        size: size(c.size)?,
        reach: reach(c.low_reach),
        wiring: Wiring { board: small(c.board, "board")?, channel: small(c.channel, "channel")? },
        column: small(c.column, "column")?,
        row: small(c.row, "row")?,
        height: small(c.height, "height")?,
    })
}

pub(crate) fn encode_roster(roster: &Roster) -> Vec<u8> {
    roster_to(roster).encode_to_vec()
}

pub(crate) fn decode_roster(bytes: &[u8]) -> Result<Roster, LinkError> {
    roster_from(proto::Roster::decode(bytes).map_err(|_| LinkError::Unreadable)?)
}

pub(super) fn roster_to(roster: &Roster) -> proto::Roster {
    proto::Roster {
        revision: roster.revision,
        bank_name: roster.bank_name.clone(),
        help: roster.help.clone(),
        recipients: roster.recipients.iter().map(recipient_to).collect(),
        couriers: roster.couriers.iter().map(courier_to).collect(),
        issuers: roster
            .issuers
            .iter()
            .map(|i| proto::Issuer { kid: i.kid.into(), public: i.public.to_vec() })
            .collect(),
        policy: Some(proto::Policy {
            open_wait_ms: roster.policy.open_wait_ms,
            held_open_ms: roster.policy.held_open_ms,
            idle_ms: roster.policy.idle_ms,
            idle_warning_ms: roster.policy.idle_warning_ms,
            expiry_days: roster.policy.expiry_days.into(),
        }),
        security: Some(guard::security_to(&roster.security)),
        keys: roster.signers.keys.iter().map(people::key_to).collect(),
        badges: roster.badges.passes.iter().map(people::badge_to).collect(),
        relying_party: people::relying_party_to(&roster.signers.relying_party),
        quorum: roster.signers.quorum.into(),
        weak_badges: people::weak_number(roster.badges.weak),
        not_accepted: roster.service == BankService::NotAccepted,
    }
}

pub(super) fn roster_from(roster: proto::Roster) -> Result<Roster, LinkError> {
    count(&roster.recipients, MAX_RECIPIENTS, "list of recipients")?;
    count(&roster.couriers, MAX_COURIERS, "list of couriers")?;
    count(&roster.issuers, MAX_ISSUERS, "list of issuers")?;
    count(&roster.keys, MAX_KEYS, "list of keys")?;
    count(&roster.badges, MAX_BADGES, "list of badges")?;
    let security = guard::security_from(roster.security)?;
    let policy = roster.policy.ok_or(LinkError::Invalid("policy"))?;
    Ok(Roster {
        revision: roster.revision,
        bank_name: text(roster.bank_name, "bank name")?,
        help: text(roster.help, "help")?,
        recipients: roster.recipients.into_iter().map(recipient_from).collect::<Result<_, _>>()?,
        couriers: roster.couriers.into_iter().map(courier_from).collect::<Result<_, _>>()?,
        issuers: roster.issuers.iter().map(issuer_from).collect::<Result<_, _>>()?,
        policy: Policy {
            open_wait_ms: policy.open_wait_ms,
            held_open_ms: policy.held_open_ms,
            idle_ms: policy.idle_ms,
            idle_warning_ms: policy.idle_warning_ms,
            expiry_days: small(policy.expiry_days, "expiry days")?,
        },
        security,
        signers: Signers {
            keys: roster.keys.iter().map(people::key_from).collect::<Result<_, _>>()?,
            relying_party: people::relying_party_from(roster.relying_party)?,
            quorum: small(roster.quorum, "quorum")?,
        },
        badges: BadgeBook {
            passes: roster.badges.into_iter().map(people::badge_from).collect::<Result<_, _>>()?,
            weak: people::weak(roster.weak_badges)?,
        },
        service: if roster.not_accepted { BankService::NotAccepted } else { BankService::InService },
    })
}

fn recipient_to(r: &Recipient) -> proto::Recipient {
    proto::Recipient {
        person: r.person.to_bytes().to_vec(),
        unit: r.unit.clone(),
        name: r.name.clone(),
        low_reach: low(r.reach),
    }
}

fn recipient_from(r: proto::Recipient) -> Result<Recipient, LinkError> {
    Ok(Recipient {
        person: PersonId::from_bytes(fixed(&r.person, "recipient")?),
        unit: text(r.unit, "unit")?,
        name: text(r.name, "name")?,
        reach: reach(r.low_reach),
    })
}

fn courier_to(c: &CourierPass) -> proto::Courier {
    proto::Courier {
        person: c.person.to_bytes().to_vec(),
        carrier: c.carrier.to_bytes().to_vec(),
        carrier_name: c.carrier_name.clone(),
        verifier: Some(verifier_to(&c.verifier)),
    }
}

fn courier_from(c: proto::Courier) -> Result<CourierPass, LinkError> {
    Ok(CourierPass {
        person: PersonId::from_bytes(fixed(&c.person, "courier")?),
        carrier: CarrierId::from_bytes(fixed(&c.carrier, "carrier")?),
        carrier_name: text(c.carrier_name, "carrier name")?,
        verifier: verifier_from(c.verifier)?,
    })
}

fn issuer_from(i: &proto::Issuer) -> Result<IssuerKey, LinkError> {
    Ok(IssuerKey { kid: small(i.kid, "issuer")?, public: fixed(&i.public, "issuer key")? })
}
