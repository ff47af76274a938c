//! Requests of the platform, cut into parts that fit a frame and put together again.

use bailee_domain::badge::MAX_BADGES;
use bailee_domain::bank::io::Request;
use bailee_domain::compartment::Service;
use bailee_domain::id::{CommandId, GrantId, PersonId, WorkOrderId};
use bailee_domain::roster::{MAX_COURIERS, MAX_RECIPIENTS};
use bailee_domain::signer::MAX_KEYS;
use bailee_domain::time::WallTime;
use prost::Message;
use prost::encoding::{self, DecodeContext, WireType};

use super::bounds::{LinkError, compartment, fixed, outage, outage_number, small};
use super::guard;
use super::people;
use super::proto::{self, request::Kind};
use super::roster::{roster_from, roster_to, verifier_from, verifier_to};

/// No part of a request is longer than this, in bytes.
pub const PART_BYTES: usize = 512 << 10;
/// No request has more parts than this.
pub const MAX_PARTS: usize = 24;
/// No request is longer than this, in bytes; the largest possible roster fits.
pub const MAX_REQUEST_BYTES: usize = PART_BYTES * MAX_PARTS;

/// One part of a request as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The command it belongs to.
    pub command: CommandId,
    /// When the command stops being obeyed.
    pub deadline: WallTime,
    /// Which part, from 0.
    pub part: u32,
    /// How many there are, at least 1.
    pub parts: u32,
    /// This part's bytes.
    pub bytes: Vec<u8>,
}

/// Why parts do not make a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A part is missing, or parts of different commands are mixed.
    #[error("the parts of a command came out of order")]
    OutOfOrder,
    /// Put together, they break a bound.
    #[error("the request is refused: {0}")]
    Refused(LinkError),
}

/// The parts of a request, at least one, in the order they are to be sent.
///
/// # Errors
/// [`LinkError::TooLong`] when the request breaks [`MAX_REQUEST_BYTES`].
pub fn split(command: CommandId, deadline: WallTime, request: &Request) -> Result<Vec<Part>, LinkError> {
    let bytes = encode(request);
    if bytes.len() > MAX_REQUEST_BYTES {
        return Err(LinkError::TooLong("request"));
    }
    let parts = u32::try_from(bytes.len().div_ceil(PART_BYTES).max(1)).expect("at most MAX_PARTS");
    let part = |i: u32| {
        let from = (i as usize * PART_BYTES).min(bytes.len());
        let to = (from + PART_BYTES).min(bytes.len());
        Part { command, deadline, part: i, parts, bytes: bytes[from..to].to_vec() }
    };
    Ok((0..parts).map(part).collect())
}

/// Puts the parts of one request at a time together; the first part of another one starts over.
#[derive(Debug, Default)]
pub struct Assembler {
    under_way: Option<(CommandId, WallTime, u32, u32)>,
    bytes: Vec<u8>,
}

impl Assembler {
    /// Takes the next part; returns the request when it is complete.
    ///
    /// # Errors
    /// [`RequestError`]; the assembler is then empty again.
    pub fn add(&mut self, part: Part) -> Result<Option<(CommandId, WallTime, Request)>, RequestError> {
        let Part { command, deadline, part, parts, bytes } = part;
        let expected = match self.under_way.take() {
            Some(under_way) if part != 0 => under_way == (command, deadline, part, parts),
            _ => part == 0,
        };
        if part == 0 {
            self.bytes = Vec::new();
        }
        if !expected || parts as usize > MAX_PARTS || bytes.len() > PART_BYTES {
            self.bytes = Vec::new();
            return Err(RequestError::OutOfOrder);
        }
        self.bytes.extend(bytes);
        if part + 1 < parts {
            self.under_way = Some((command, deadline, part + 1, parts));
            return Ok(None);
        }
        let request = decode(&core::mem::take(&mut self.bytes)).map_err(RequestError::Refused)?;
        Ok(Some((command, deadline, request)))
    }
}

fn encode(request: &Request) -> Vec<u8> {
    let kind = match request {
        Request::TakeRoster(roster) => Kind::TakeRoster(roster_to(roster)),
        Request::Arm { grant, generation, verifier, expires } => Kind::Arm(proto::Arm {
            grant: grant.to_bytes().to_vec(),
            generation: (*generation).into(),
            verifier: Some(verifier_to(verifier)),
            expires: expires.unix_ms(),
        }),
        Request::Revoke { grant } => Kind::Revoke(proto::Revoke { grant: grant.to_bytes().to_vec() }),
        Request::SetService { compartment, service, by } => Kind::SetService(proto::SetService {
            compartment: compartment.0.into(),
            out_of_service: outage_number(match service {
                Service::In => None,
                Service::Out(reason) => Some(*reason),
            }),
            by: by.to_bytes().to_vec(),
        }),
        Request::LockDown { area, grade, exercise, lasts_s, by } => {
            Kind::LockDown(guard::lock_down_to(*area, *grade, *exercise, *lasts_s, *by))
        }
        Request::Release { lockdown, by } => {
            Kind::Release(proto::Release { lockdown: *lockdown, by: by.to_bytes().to_vec() })
        }
        Request::TellSeen { by, seen } => {
            let (by, seen) = (by.to_bytes().to_vec(), guard::all_seen_to(seen));
            Kind::TellSeen(proto::TellSeen { by, seen })
        }
        Request::SilenceSiren { by } => {
            Kind::SilenceSiren(proto::SilenceSiren { by: by.to_bytes().to_vec() })
        }
        Request::Resynchronise { by } => {
            Kind::Resynchronise(proto::Resynchronise { by: by.to_bytes().to_vec() })
        }
        Request::ResetKeypad { by } => Kind::ResetKeypad(proto::ResetKeypad { by: by.to_bytes().to_vec() }),
        Request::Signed(signed) => Kind::Signed(people::signed_to(signed)),
        Request::OpenWorkOrder(order) => Kind::OpenWorkOrder(people::order_to(order)),
        Request::CloseWorkOrder { order } => {
            Kind::CloseWorkOrder(proto::CloseWorkOrder { order: order.to_bytes().to_vec() })
        }
        Request::OfferEnrolment { person, verifier, expires } => {
            Kind::OfferEnrolment(proto::OfferEnrolment {
                person: person.to_bytes().to_vec(),
                verifier: Some(verifier_to(verifier)),
                expires: expires.unix_ms(),
            })
        }
        Request::ForgetBadges { person } => {
            Kind::ForgetBadges(proto::ForgetBadges { person: person.to_bytes().to_vec() })
        }
    };
    proto::Request { kind: Some(kind) }.encode_to_vec()
}

/// Counts the entries of a roster before they are turned into values, which are many times larger than two bytes of
/// an empty entry.
fn count_entries(request: &[u8]) -> Result<(), LinkError> {
    let (mut recipients, mut couriers, mut keys, mut badges) = (0, 0, 0, 0);
    each_field(request, &mut |field, roster| {
        if field != TAKE_ROSTER {
            let short = roster.len() <= MAX_SMALL_BYTES;
            return if short { Ok(()) } else { Err(LinkError::TooLong("request")) };
        }
        each_field(roster, &mut |field, _| {
            recipients += usize::from(field == RECIPIENTS);
            couriers += usize::from(field == COURIERS);
            keys += usize::from(field == KEYS);
            badges += usize::from(field == BADGES);
            match (recipients, couriers) {
                (n, _) if n > MAX_RECIPIENTS => Err(LinkError::TooLong("list of recipients")),
                (_, n) if n > MAX_COURIERS => Err(LinkError::TooLong("list of couriers")),
                _ if keys > MAX_KEYS => Err(LinkError::TooLong("list of keys")),
                _ if badges > MAX_BADGES => Err(LinkError::TooLong("list of badges")),
                _ => Ok(()),
            }
        })
    })
}

const TAKE_ROSTER: u32 = 1;
const RECIPIENTS: u32 = 4;
const COURIERS: u32 = 5;
const KEYS: u32 = 20;
const BADGES: u32 = 21;
/// No request but a roster is longer than this, in bytes.
const MAX_SMALL_BYTES: usize = 64 << 10;

/// Visits the number and content of every length-delimited field.
fn each_field(
    mut message: &[u8],
    visit: &mut impl FnMut(u32, &[u8]) -> Result<(), LinkError>,
) -> Result<(), LinkError> {
    let unreadable = |_| LinkError::Unreadable;
    while !message.is_empty() {
        let (field, kind) = encoding::decode_key(&mut message).map_err(unreadable)?;
        if kind != WireType::LengthDelimited {
            encoding::skip_field(kind, field, &mut message, DecodeContext::default()).map_err(unreadable)?;
            continue;
        }
        let length = encoding::decode_varint(&mut message).map_err(unreadable)?;
        let length = usize::try_from(length).map_err(|_| LinkError::Unreadable)?;
        let (content, rest) = message.split_at_checked(length).ok_or(LinkError::Unreadable)?;
        visit(field, content)?;
        message = rest;
    }
    Ok(())
}

fn decode(bytes: &[u8]) -> Result<Request, LinkError> {
    count_entries(bytes)?;
    let request = proto::Request::decode(bytes).map_err(|_| LinkError::Unreadable)?;
    Ok(match request.kind.ok_or(LinkError::UnknownBody)? {
        Kind::TakeRoster(roster) => Request::TakeRoster(roster_from(roster)?),
        Kind::Arm(arm) => Request::Arm {
            grant: GrantId::from_bytes(fixed(&arm.grant, "grant")?),
            generation: small(arm.generation, "generation")?,
            verifier: verifier_from(arm.verifier)?,
            expires: WallTime::from_unix_ms(arm.expires),
        },
        Kind::Revoke(revoke) => {
            Request::Revoke { grant: GrantId::from_bytes(fixed(&revoke.grant, "grant")?) }
        }
        Kind::SetService(set) => Request::SetService {
            compartment: compartment(set.compartment)?,
            service: outage(set.out_of_service)?.map_or(Service::In, Service::Out),
            by: PersonId::from_bytes(fixed(&set.by, "person")?),
        },
        Kind::LockDown(lock_down) => {
            let (area, grade, exercise, lasts_s, by) = guard::lock_down_from(&lock_down)?;
            Request::LockDown { area, grade, exercise, lasts_s, by }
        }
        Kind::Release(release) => Request::Release {
            lockdown: release.lockdown,
            by: PersonId::from_bytes(fixed(&release.by, "person")?),
        },
        Kind::TellSeen(told) => Request::TellSeen {
            by: PersonId::from_bytes(fixed(&told.by, "person")?),
            seen: guard::all_seen_from(&told.seen)?,
        },
        Kind::SilenceSiren(silence) => {
            Request::SilenceSiren { by: PersonId::from_bytes(fixed(&silence.by, "person")?) }
        }
        Kind::Resynchronise(go_on) => {
            Request::Resynchronise { by: PersonId::from_bytes(fixed(&go_on.by, "person")?) }
        }
        Kind::ResetKeypad(reset) => {
            Request::ResetKeypad { by: PersonId::from_bytes(fixed(&reset.by, "person")?) }
        }
        Kind::Signed(signed) => Request::Signed(people::signed_from(signed)?),
        Kind::OpenWorkOrder(order) => Request::OpenWorkOrder(people::order_from(order)?),
        Kind::CloseWorkOrder(close) => {
            Request::CloseWorkOrder { order: WorkOrderId::from_bytes(fixed(&close.order, "work order")?) }
        }
        Kind::OfferEnrolment(offer) => Request::OfferEnrolment {
            person: PersonId::from_bytes(fixed(&offer.person, "person")?),
            verifier: verifier_from(offer.verifier)?,
            expires: WallTime::from_unix_ms(offer.expires),
        },
        Kind::ForgetBadges(forget) => {
            Request::ForgetBadges { person: PersonId::from_bytes(fixed(&forget.person, "person")?) }
        }
    })
}
