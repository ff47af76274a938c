//! `/api/v1/banks/{bank}/openings`

use axum::extract::{Path, State};
use bailee_domain::code::Code;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::signer::{
    Act, MAX_AUTHENTICATOR_DATA, MAX_CLIENT_DATA, MAX_SIGNATURE, MAX_SIGNATURES, Proof, PublicKey, Signature,
    Signed, Statement,
};
use bailee_domain::time::WallTime;
use bailee_wire::json::{Opened, OpeningNew, OpeningSignature, Problem as Wrong};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Answer;
use super::read::{Caller, Json, body, id};
use crate::app::openings;
use crate::http::Http;
use crate::http::problem::Problem;

/// Passes on what people have signed; the bank alone decides whether the door opens.
#[utoipa::path(post, path = "/api/v1/banks/{bank}/openings", tag = "banks", request_body = OpeningNew,
    params(("bank" = String, Path, description = "`bnk_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Opened), (status = 404, body = Wrong), (status = 409, body = Wrong)))]
pub async fn open(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    Json(new): Json<OpeningNew>,
) -> Answer {
    let signed = signed(&new)?;
    openings::relay(http.app(), http.ask(), &caller, id(&bank)?, signed).await?;
    Ok(body(&Opened { compartment: new.compartment }))
}

fn signed(new: &OpeningNew) -> Result<Signed, Problem> {
    let compartment = CompartmentNo(new.compartment);
    let act = match (&new.grant, &new.reason) {
        (Some(grant), None) => Act::Collect { compartment, grant: id(grant)? },
        (None, Some(reason)) => Act::Inspect { compartment, reason: digits(reason)? },
        _ => return Err(Problem::unreadable("either grant or reason says why")),
    };
    let code =
        |digits: &String| Code::parse(digits).map_err(|_| Problem::unreadable("presence is eight digits"));
    let presence = new.presence.as_ref().map(code).transpose()?;
    if !(1..=MAX_SIGNATURES).contains(&new.signatures.len()) {
        return Err(Problem::unreadable("one to five people sign"));
    }
    let statement = Statement { act, presence, expires: WallTime::from_unix_ms(new.until) };
    Ok(Signed { statement, signatures: new.signatures.iter().map(signature).collect::<Result<_, _>>()? })
}

fn signature(new: &OpeningSignature) -> Result<Signature, Problem> {
    let public = bytes(&new.public_key, 65)?;
    let public = match public.len() {
        32 => PublicKey::Ed25519(public.try_into().expect("its length was looked at")),
        65 => PublicKey::P256(public.try_into().expect("its length was looked at")),
        _ => return Err(Problem::unreadable("a public key has 32 or 65 bytes")),
    };
    let signature = bytes(&new.signature, MAX_SIGNATURE)?;
    let proof = match (&new.authenticator_data, &new.client_data) {
        (Some(data), Some(client)) => Proof::Passkey {
            authenticator_data: bytes(data, MAX_AUTHENTICATOR_DATA)?,
            client_data: bytes(client, MAX_CLIENT_DATA)?,
            signature,
        },
        (None, None) => {
            let plain = signature.try_into();
            Proof::Plain(plain.map_err(|_| Problem::unreadable("a plain signature has 64 bytes"))?)
        }
        _ => return Err(Problem::unreadable("a passkey gives authenticator_data and client_data")),
    };
    Ok(Signature { person: id(&new.person)?, public, proof })
}

fn bytes(text: &str, most: usize) -> Result<Vec<u8>, Problem> {
    let read = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= most);
    read.ok_or_else(|| Problem::unreadable("bytes are base64url without padding"))
}

fn digits(text: &str) -> Result<[u8; 32], Problem> {
    let wrong = || Problem::unreadable("reason is 64 hexadecimal digits");
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use bailee_domain::id::{GrantId, PersonId};

    use super::*;

    fn plain() -> OpeningSignature {
        OpeningSignature {
            person: PersonId::from_bytes([2; 16]).to_string(),
            public_key: URL_SAFE_NO_PAD.encode([3; 32]),
            signature: URL_SAFE_NO_PAD.encode([4; 64]),
            authenticator_data: None,
            client_data: None,
        }
    }

    fn new() -> OpeningNew {
        OpeningNew {
            compartment: 12,
            grant: Some(GrantId::from_bytes([1; 16]).to_string()),
            reason: None,
            presence: Some("4071 8256".into()),
            until: 5,
            signatures: vec![plain()],
        }
    }

    #[test]
    fn what_was_signed_is_read_as_it_was_signed() {
        let (compartment, grant) = (CompartmentNo(12), GrantId::from_bytes([1; 16]));
        let read = signed(&new()).unwrap();
        let presence = Code::parse("40718256").ok();
        let expires = WallTime::from_unix_ms(5);
        assert_eq!(read.statement, Statement { act: Act::Collect { compartment, grant }, presence, expires });
        assert_eq!(read.signatures[0].proof, Proof::Plain([4; 64]));
        let inspect = OpeningNew { grant: None, reason: Some("ab".repeat(32)), presence: None, ..new() };
        let act = Act::Inspect { compartment, reason: [0xab; 32] };
        assert_eq!(signed(&inspect).unwrap().statement, Statement { act, presence: None, expires });
    }

    #[test]
    fn anything_else_is_unreadable() {
        let with = |signature| OpeningNew { signatures: vec![signature], ..new() };
        let long = URL_SAFE_NO_PAD.encode([0; MAX_CLIENT_DATA + 1]);
        for bad in [
            OpeningNew { reason: Some("ab".repeat(32)), ..new() },
            OpeningNew { grant: None, ..new() },
            OpeningNew { grant: None, reason: Some("äb".repeat(32)), ..new() },
            OpeningNew { grant: None, reason: Some("é".repeat(32)), ..new() },
            OpeningNew { presence: Some("1234".into()), ..new() },
            OpeningNew { signatures: Vec::new(), ..new() },
            OpeningNew { signatures: vec![plain(); 6], ..new() },
            with(OpeningSignature { public_key: URL_SAFE_NO_PAD.encode([3; 33]), ..plain() }),
            with(OpeningSignature { public_key: "+/".into(), ..plain() }),
            with(OpeningSignature { signature: URL_SAFE_NO_PAD.encode([4; 63]), ..plain() }),
            with(OpeningSignature { client_data: Some(String::new()), ..plain() }),
            with(OpeningSignature {
                client_data: Some(long),
                authenticator_data: Some(String::new()),
                ..plain()
            }),
            with(OpeningSignature { person: "prc_1".into(), ..plain() }),
        ] {
            assert!(signed(&bad).is_err(), "{bad:?}");
        }
    }
}
