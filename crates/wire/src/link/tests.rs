use bailee_domain::badge::{BadgeBook, WeakBadges};
use bailee_domain::bank::io::{Answer, BoardHealth, DoorStatus, Request};
use bailee_domain::budget::Keypad;
use bailee_domain::code::Code;
use bailee_domain::compartment::{
    Compartment, CompartmentNo, Layout, OutOfService, Reach, Sensed, Service, Size, Wiring,
};
use bailee_domain::event::Misconduct;
use bailee_domain::grant::Verifier;
use bailee_domain::id::{CarrierId, CommandId, GrantId, PersonId, WorkOrderId};
use bailee_domain::roster::{BankService, CourierPass, IssuerKey, MAX_RECIPIENTS, Policy, Recipient};
use bailee_domain::signer::{
    Act, MAX_SIGNATURES, Proof, RelyingParty, Signature, Signed, Signers, Statement,
};
use bailee_domain::time::TimeQuality;
use proptest::prelude::*;

use super::*;
use crate::record::sample_key;
use crate::sample::Dice;

fn time(dice: &mut Dice) -> WallTime {
    WallTime::from_unix_ms(dice.number().cast_signed())
}

fn verifier(dice: &mut Dice) -> Verifier {
    Verifier { salt: dice.bytes(), mac: dice.bytes() }
}

fn reach(dice: &mut Dice) -> Reach {
    dice.pick(&[Reach::Low, Reach::Standard])
}

fn list<T>(dice: &mut Dice, max: usize, make: impl Fn(&mut Dice) -> T) -> Vec<T> {
    (0..dice.below(max + 1)).map(|_| make(dice)).collect()
}

pub(crate) fn roster(dice: &mut Dice) -> Roster {
    Roster {
        revision: dice.number(),
        bank_name: dice.text(MAX_TEXT_BYTES),
        help: dice.text(MAX_TEXT_BYTES),
        recipients: list(dice, 5, |d| Recipient {
            person: PersonId::from_bytes(d.bytes()),
            unit: d.text(MAX_TEXT_BYTES),
            name: d.text(MAX_TEXT_BYTES),
            reach: reach(d),
        }),
        couriers: list(dice, 3, |d| CourierPass {
            person: PersonId::from_bytes(d.bytes()),
            carrier: CarrierId::from_bytes(d.bytes()),
            carrier_name: d.text(MAX_TEXT_BYTES),
            verifier: verifier(d),
        }),
        issuers: list(dice, 2, |d| IssuerKey { kid: d.bytes::<1>()[0], public: d.bytes() }),
        policy: Policy {
            open_wait_ms: dice.number(),
            held_open_ms: dice.number(),
            idle_ms: dice.number(),
            idle_warning_ms: dice.number(),
            expiry_days: u16::from_be_bytes(dice.bytes()),
        },
        security: guard::samples::security(dice),
        signers: Signers {
            keys: list(dice, 4, sample_key),
            relying_party: RelyingParty { id: dice.text(MAX_TEXT_BYTES), origin: dice.text(MAX_TEXT_BYTES) },
            quorum: dice.bytes::<1>()[0],
        },
        badges: BadgeBook {
            passes: list(dice, 4, crate::record::sample_badge),
            weak: dice.pick(&[WeakBadges::NeedCode, WeakBadges::Suffice, WeakBadges::Refused]),
        },
        service: dice.pick(&[BankService::InService, BankService::NotAccepted]),
    }
}

fn layout(dice: &mut Dice) -> Layout {
    let count = 1 + u16::from(dice.bytes::<1>()[0] % 12);
    let compartments = (1..=count).map(|n| Compartment {
        number: CompartmentNo(n),
        size: dice.pick(&Size::ALL),
        reach: reach(dice),
        wiring: Wiring { board: 1, channel: u8::try_from(n).unwrap() },
        column: n,
        row: 0,
        height: 3,
    });
    Layout::new(compartments.collect()).unwrap()
}

fn keypad(dice: &mut Dice) -> Keypad {
    let at = time(dice);
    dice.pick(&[Keypad::Ready, Keypad::Paused(at), Keypad::Closed(at), Keypad::ClosedUntilReset])
}

const OUTAGES: [Option<OutOfService>; 5] = [
    None,
    Some(OutOfService::DidNotOpen),
    Some(OutOfService::NeedsCheck),
    Some(OutOfService::Forced),
    Some(OutOfService::ByHand),
];

fn status(dice: &mut Dice) -> BankStatus {
    BankStatus {
        version: dice.number(),
        doors: list(dice, 9, |d| DoorStatus {
            compartment: CompartmentNo(u16::from_be_bytes(d.bytes())),
            sensed: d.pick(&[Sensed::Closed, Sensed::Open, Sensed::Unknown]),
            occupied: d.pick(&[true, false]),
            out_of_service: d.pick(&OUTAGES),
            alarm: d.pick(&[true, false]),
        }),
        boards: list(dice, 3, |d| BoardStatus {
            number: d.bytes::<1>()[0],
            health: d.pick(&[BoardHealth::Answering, BoardHealth::Silent]),
        }),
        keypad: keypad(dice),
        warnings: list(dice, 3, |d| d.text(MAX_TEXT_BYTES)),
        lockdowns: list(dice, 3, guard::samples::lockdown),
        truth: list(dice, 5, guard::samples::truth),
        tampers: list(dice, 3, guard::samples::sign),
        health: dice.pick(&[None, Some(())]).map(|()| Box::new(super::health::sample())),
    }
}

fn from_bank(dice: &mut Dice) -> FromBank {
    match dice.below(8) {
        0 => FromBank::Hello(Box::new(Hello {
            bank: BankId::from_bytes(dice.bytes()),
            software: dice.text(MAX_TEXT_BYTES),
            boot: dice.number(),
            last_seq: dice.number(),
            acked_seq: dice.number(),
            roster_revision: dice.number(),
            layout: layout(dice),
            clock: time(dice),
            clock_quality: dice.pick(&[TimeQuality::Degraded, TimeQuality::Holdover, TimeQuality::Trusted]),
            screens: dice.bytes::<1>()[0],
            witness: if dice.below(2) == 0 { None } else { Some("bailee/bank+00000000+BAAA".to_owned()) },
        })),
        1 => FromBank::Events(Events {
            first: dice.number().max(1),
            events: (0..=dice.below(5)).map(|_| dice.bytes::<40>().to_vec()).collect(),
            head_signature: if dice.below(2) == 0 { None } else { Some(dice.bytes()) },
        }),
        2 => FromBank::Alarm { seq: dice.number(), event: dice.bytes::<60>().to_vec() },
        3 => FromBank::Status(status(dice)),
        4 => FromBank::Reply {
            command: CommandId::from_bytes(dice.bytes()),
            answer: dice.pick(&[
                Answer::Done,
                Answer::TooLate,
                Answer::NoSuchGrant,
                Answer::Superseded,
                Answer::NoSuchCompartment,
                Answer::Invalid,
            ]),
        },
        5 => FromBank::Ping { nonce: dice.number() },
        6 => FromBank::Witnessed(Witnessed {
            size: dice.number(),
            status: u16::from_be_bytes(dice.bytes()),
            body: dice.bytes::<30>().to_vec(),
            misconduct: dice.pick(&[
                None,
                Some(Misconduct::Fork),
                Some(Misconduct::Shrink),
                Some(Misconduct::Gap),
            ]),
            kept: dice.bytes::<20>().to_vec(),
        }),
        _ => FromBank::Enrol(Box::new(Enrol {
            bank: BankId::from_bytes(dice.bytes()),
            secret: dice.bytes(),
            device_key: dice.bytes(),
            possession: dice.bytes(),
            layout: layout(dice),
            software: dice.text(MAX_TEXT_BYTES),
        })),
    }
}

fn signature(dice: &mut Dice) -> Signature {
    let key = sample_key(dice);
    let proof = if dice.below(2) == 0 {
        Proof::Plain(dice.bytes())
    } else {
        Proof::Passkey {
            authenticator_data: list(dice, 60, |dice| dice.bytes::<1>()[0]),
            client_data: vec![b'{'; 1 + dice.below(90)],
            signature: list(dice, 72, |dice| dice.bytes::<1>()[0]),
        }
    };
    Signature { person: key.person, public: key.public, proof }
}

fn signed(dice: &mut Dice) -> Signed {
    let compartment = CompartmentNo(u16::from_be_bytes(dice.bytes()));
    let act = match dice.below(3) {
        0 => Act::Collect { compartment, grant: GrantId::from_bytes(dice.bytes()) },
        1 => Act::Inspect { compartment, reason: dice.bytes() },
        _ => Act::Admit(sample_key(dice)),
    };
    let presence =
        (dice.below(2) == 0).then(|| Code::parse(&format!("{:08}", dice.below(99_999_999))).unwrap());
    let statement = Statement { act, presence, expires: time(dice) };
    Signed { statement, signatures: list(dice, MAX_SIGNATURES, signature) }
}

fn request(dice: &mut Dice) -> Request {
    match dice.below(15) {
        14 => Request::Resynchronise { by: PersonId::from_bytes(dice.bytes()) },
        10 => guard::samples::lock_down(dice),
        11 => Request::Release { lockdown: dice.number(), by: PersonId::from_bytes(dice.bytes()) },
        12 => guard::samples::tell_seen(dice),
        13 => Request::SilenceSiren { by: PersonId::from_bytes(dice.bytes()) },
        5 => Request::Signed(signed(dice)),
        6 => Request::OpenWorkOrder(crate::record::sample_order(dice)),
        7 => Request::CloseWorkOrder { order: WorkOrderId::from_bytes(dice.bytes()) },
        8 => Request::OfferEnrolment {
            person: PersonId::from_bytes(dice.bytes()),
            verifier: verifier(dice),
            expires: time(dice),
        },
        9 => Request::ForgetBadges { person: PersonId::from_bytes(dice.bytes()) },
        0 => Request::TakeRoster(roster(dice)),
        1 => Request::Arm {
            grant: GrantId::from_bytes(dice.bytes()),
            generation: dice.bytes::<1>()[0],
            verifier: verifier(dice),
            expires: time(dice),
        },
        2 => Request::Revoke { grant: GrantId::from_bytes(dice.bytes()) },
        3 => Request::SetService {
            compartment: CompartmentNo(u16::from_be_bytes(dice.bytes())),
            service: dice.pick(&OUTAGES).map_or(Service::In, Service::Out),
            by: PersonId::from_bytes(dice.bytes()),
        },
        _ => Request::ResetKeypad { by: PersonId::from_bytes(dice.bytes()) },
    }
}

fn from_platform(dice: &mut Dice) -> FromPlatform {
    match dice.below(8) {
        0 => FromPlatform::Welcome { acked: dice.number(), time: time(dice) },
        1 => FromPlatform::Ack { up_to: dice.number() },
        2 => {
            let (command, deadline, request) =
                (CommandId::from_bytes(dice.bytes()), time(dice), request(dice));
            FromPlatform::Command(split(command, deadline, &request).unwrap().swap_remove(0))
        }
        3 => FromPlatform::Time { time: time(dice) },
        4 => FromPlatform::Pong { nonce: dice.number(), time: time(dice) },
        5 => FromPlatform::Enrolled(Box::new(Enrolled {
            bank: BankId::from_bytes(dice.bytes()),
            org: OrgId::from_bytes(dice.bytes()),
            roster: roster(dice),
            code_key: dice.bytes(),
            code_salt: dice.bytes(),
            code_epoch: 1,
            log_key: if dice.below(2) == 0 { None } else { Some("bailee/log+00000000+AQAA".to_owned()) },
        })),
        6 => FromPlatform::Cosign(Cosign {
            size: dice.number(),
            log_key: dice.text(MAX_TEXT_BYTES),
            request: dice.bytes::<50>().to_vec(),
        }),
        _ => FromPlatform::refused(RefusedReason::Protocol, &dice.text(400)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_a_bank_says_is_what_the_platform_hears(seed: u64) {
        let message = from_bank(&mut Dice::new(seed));
        prop_assert_eq!(FromBank::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn what_the_platform_says_is_what_a_bank_hears(seed: u64) {
        let message = from_platform(&mut Dice::new(seed));
        prop_assert_eq!(FromPlatform::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn a_request_survives_being_cut_into_parts(seed: u64) {
        let dice = &mut Dice::new(seed);
        let (command, deadline, request) = (CommandId::from_bytes(dice.bytes()), time(dice), request(dice));
        let mut whole = None;
        let mut assembler = Assembler::default();
        for part in split(command, deadline, &request).unwrap() {
            whole = assembler.add(part).unwrap();
        }
        prop_assert_eq!(whole, Some((command, deadline, request)));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = FromBank::decode(&bytes);
        let _ = FromPlatform::decode(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(seed: u64, at: usize, with: u8) {
        let dice = &mut Dice::new(seed);
        for mut bytes in [from_bank(dice).encode(), from_platform(dice).encode()] {
            let at = at % bytes.len();
            bytes[at] ^= with;
            let _ = FromBank::decode(&bytes);
            let _ = FromPlatform::decode(&bytes);
        }
    }
}

/// The largest roster there may be, with the longest texts.
fn largest_roster() -> Roster {
    let recipient = Recipient {
        person: PersonId::from_bytes([1; 16]),
        unit: "u".repeat(MAX_TEXT_BYTES),
        name: "n".repeat(MAX_TEXT_BYTES),
        reach: Reach::Low,
    };
    Roster { recipients: vec![recipient; MAX_RECIPIENTS], ..roster(&mut Dice::new(1)) }
}

#[test]
fn the_largest_roster_passes_in_parts_that_fit_a_frame() {
    let request = Request::TakeRoster(largest_roster());
    let parts = split(CommandId::from_bytes([2; 16]), WallTime::default(), &request).unwrap();
    assert!(parts.len() > 1);
    let mut assembler = Assembler::default();
    let mut whole = None;
    for part in parts {
        let frame = FromPlatform::Command(part).encode();
        let Ok(FromPlatform::Command(part)) = FromPlatform::decode(&frame) else {
            panic!("a part must be readable")
        };
        assert_eq!(whole, None);
        whole = assembler.add(part).unwrap().map(|(_, _, request)| request);
    }
    assert_eq!(whole, Some(request));
}

#[test]
fn parts_out_of_order_or_of_two_commands_are_refused() {
    let request = Request::TakeRoster(largest_roster());
    let a = split(CommandId::from_bytes([2; 16]), WallTime::default(), &request).unwrap();
    let b = split(CommandId::from_bytes([3; 16]), WallTime::default(), &request).unwrap();
    for parts in [vec![&a[1]], vec![&a[0], &a[2]], vec![&a[0], &b[1]], vec![&a[0], &a[1], &a[1]]] {
        let mut assembler = Assembler::default();
        let results: Vec<_> = parts.into_iter().map(|part| assembler.add(part.clone())).collect();
        assert_eq!(results.last(), Some(&Err(RequestError::OutOfOrder)));
    }
    let mut assembler = Assembler::default();
    assembler.add(a[0].clone()).unwrap();
    assert_eq!(assembler.add(b[0].clone()), Ok(None), "a new command starts over");
    assert_eq!(assembler.add(b[1].clone()), Ok(None));
}

#[test]
fn one_recipient_or_one_letter_too_many_is_refused() {
    let check = |roster: Roster| {
        let mut whole = Ok(None);
        let mut assembler = Assembler::default();
        let id = CommandId::from_bytes([2; 16]);
        for part in split(id, WallTime::default(), &Request::TakeRoster(roster)).unwrap() {
            whole = assembler.add(part);
        }
        whole.unwrap_err()
    };
    let mut too_many = largest_roster();
    too_many.recipients.push(too_many.recipients[0].clone());
    assert_eq!(check(too_many), RequestError::Refused(LinkError::TooLong("list of recipients")));
    let too_long = Roster { help: "h".repeat(MAX_TEXT_BYTES + 1), ..Roster::default() };
    assert_eq!(check(too_long), RequestError::Refused(LinkError::TooLong("help")));
}

#[test]
fn bounds_of_frames_and_versions_are_kept() {
    assert_eq!(FromBank::decode(&vec![0; MAX_FRAME_BYTES + 1]), Err(LinkError::FrameTooLong));
    assert_eq!(FromBank::decode(&[8, 2]), Err(LinkError::UnknownVersion(2)));
    assert_eq!(FromBank::decode(&[8, 1]), Err(LinkError::UnknownBody));
    let too_many = FromBank::Events(Events {
        first: 1,
        events: vec![vec![]; MAX_EVENTS_IN_FLIGHT + 1],
        head_signature: None,
    });
    assert_eq!(FromBank::decode(&too_many.encode()), Err(LinkError::TooLong("list of events")));
    let too_long = FromBank::Alarm { seq: 1, event: vec![0; crate::event::MAX_LEAF_BYTES + 1] };
    assert_eq!(FromBank::decode(&too_long.encode()), Err(LinkError::TooLong("event")));
}

#[test]
fn secrets_of_enrolment_stay_out_of_logs() {
    let dice = &mut Dice::new(1);
    let enrol = Enrol {
        bank: BankId::from_bytes([1; 16]),
        secret: [0xAB; 32],
        device_key: [0; 32],
        possession: [0; 64],
        layout: layout(dice),
        software: String::new(),
    };
    assert!(!format!("{:?}", FromBank::Enrol(Box::new(enrol))).contains("171"));
}

#[test]
fn millions_of_empty_entries_are_refused_before_they_take_memory() {
    // A request whose roster (field 1) is nothing but empty recipients (field 4).
    let empty_recipients = [0x22, 0].repeat(PART_BYTES / 2 - 8);
    let mut bytes = vec![0x0a];
    prost::encoding::encode_varint(empty_recipients.len() as u64, &mut bytes);
    bytes.extend(empty_recipients);
    let part = Part {
        command: CommandId::from_bytes([1; 16]),
        deadline: WallTime::default(),
        part: 0,
        parts: 1,
        bytes,
    };
    let refused = RequestError::Refused(LinkError::TooLong("list of recipients"));
    assert_eq!(Assembler::default().add(part), Err(refused));
}
