//! The shape of Twilio's Messages API (version 2010-04-01, "Create a Message").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use hyper::header::HeaderValue;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::http::{Answer, Call, by_status, form};
use super::super::message::{MessageId, SmsContent};
use super::super::{Accepted, SendFailure, peer_reference, peer_words};

/// An account that may send.
pub(in super::super) struct Twilio {
    /// `AC` and 32 hexadecimal digits; letters and digits only, because it becomes part of a path.
    pub account_sid: String,
    /// The account's or an API key's secret.
    pub auth_token: Zeroizing<String>,
    /// The sending number or sender name.
    pub from: String,
}

impl Twilio {
    pub(super) fn call(&self, id: &MessageId, sms: &SmsContent) -> Result<Call, SendFailure> {
        let pair = Zeroizing::new(format!("{}:{}", self.account_sid, *self.auth_token));
        let basic = format!("Basic {}", STANDARD.encode(pair.as_bytes()));
        let mut authorization = HeaderValue::from_str(&basic).map_err(|_| unwritable())?;
        authorization.set_sensitive(true);
        let key = HeaderValue::from_str(id.as_str()).map_err(|_| unwritable())?;
        Ok(Call {
            method: Method::POST,
            path_and_query: format!("/2010-04-01/Accounts/{}/Messages.json", self.account_sid),
            headers: vec![("authorization", authorization), ("idempotency-key", key)],
            content_type: Some("application/x-www-form-urlencoded"),
            body: form(&[("To", sms.to.as_str()), ("From", &self.from), ("Body", &sms.text)]),
        })
    }
}

fn unwritable() -> SendFailure {
    SendFailure::Permanent("the request can't be written as HTTP".to_owned())
}

/// What a success says; other fields are ignored.
#[derive(Deserialize)]
struct Created {
    sid: String,
    status: String,
}

/// What a refusal says; other fields are ignored.
#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
}

pub(super) fn read(answer: &Answer, recipient: &str) -> Result<Accepted, SendFailure> {
    if answer.status.is_success() {
        let Ok(created) = serde_json::from_slice::<Created>(&answer.body) else {
            return Err(SendFailure::Unknown("the gateway's answer can't be read".to_owned()));
        };
        let reference = peer_reference(&created.sid, recipient);
        return match created.status.as_str() {
            "failed" | "undelivered" | "canceled" => {
                Err(SendFailure::Permanent(format!("the gateway took it as {}", created.status)))
            }
            _ => Ok(Accepted { reference }),
        };
    }
    let words = serde_json::from_slice::<Refusal>(&answer.body)
        .map(|refusal| format!("error {}, {}", refusal.code, peer_words(&refusal.message, recipient)))
        .unwrap_or_default();
    Err(by_status(answer.status, &words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;

    fn check(status: u16, body: &str) -> Result<Accepted, SendFailure> {
        let status = StatusCode::from_u16(status).unwrap();
        read(&Answer { status, body: body.as_bytes().to_vec() }, "+12025550123")
    }

    #[test]
    fn answers_are_read_as_documented() {
        let sid = "SM0123456789abcdef0123456789abcdef";
        let created = format!(r#"{{"sid":"{sid}","status":"queued","error_code":null,"num_segments":"1"}}"#);
        assert_eq!(check(201, &created), Ok(Accepted { reference: sid.to_owned() }));
        assert_eq!(
            check(
                400,
                r#"{"code":21211,"message":"The 'To' number +12025550123 is not valid","status":400}"#
            ),
            Err(SendFailure::Permanent(
                "the gateway answered 400: error 21211, The 'To' number <recipient> is not valid".to_owned()
            ))
        );
        assert!(matches!(
            check(429, r#"{"code":20429,"message":"Too Many Requests"}"#),
            Err(SendFailure::Temporary(_))
        ));
        assert!(matches!(
            check(401, r#"{"code":20003,"message":"Authenticate"}"#),
            Err(SendFailure::Permanent(_))
        ));
        assert!(matches!(check(201, r#"{"sid":"SM1","status":"failed"}"#), Err(SendFailure::Permanent(_))));
        assert!(matches!(check(201, "<html>"), Err(SendFailure::Unknown(_))));
        assert!(matches!(check(502, "<html>"), Err(SendFailure::Unknown(_))));
    }
}
