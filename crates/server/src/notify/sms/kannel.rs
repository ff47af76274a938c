//! The shape of Kannel's `sendsms` interface (Kannel 1.4 User Guide, "Using the HTTP interface to sendsms").

use hyper::Method;
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use super::super::http::{Answer, Call, by_status, form};
use super::super::message::{MessageId, SmsContent};
use super::super::{Accepted, SendFailure, peer_reference, peer_words};
use super::gsm;

/// A `sendsms-user` that may send.
pub(in super::super) struct Kannel {
    pub username: String,
    pub password: Zeroizing<String>,
    /// The sending number or sender name, where the gateway doesn't set it.
    pub from: Option<String>,
}

impl Kannel {
    pub(super) fn call(&self, id: &MessageId, sms: &SmsContent) -> Result<Call, SendFailure> {
        // 0 is the network's own alphabet, 2 is UCS-2, which every telephone shows.
        let coding = if gsm::fits(&sms.text) { "0" } else { "2" };
        let mut fields = vec![
            ("username", self.username.as_str()),
            ("password", &self.password),
            ("to", sms.to.as_str()),
            ("text", &sms.text),
            ("charset", "UTF-8"),
            ("coding", coding),
        ];
        if let Some(from) = &self.from {
            fields.push(("from", from));
        }
        let key = HeaderValue::from_str(id.as_str())
            .map_err(|_| SendFailure::Permanent("the request can't be written as HTTP".to_owned()))?;
        Ok(Call {
            method: Method::GET,
            path_and_query: format!("/cgi-bin/sendsms?{}", form(&fields)),
            headers: vec![("idempotency-key", key)],
            content_type: None,
            body: String::new(),
        })
    }
}

/// Kannel says `0: Accepted for delivery` or `3: Queued for later delivery` with 202, and words with 4xx and 503.
pub(super) fn read(answer: &Answer, recipient: &str) -> Result<Accepted, SendFailure> {
    let words = String::from_utf8_lossy(&answer.body);
    let taken = words.starts_with("0:") || words.starts_with("3:");
    match answer.status.is_success() {
        true if taken => Ok(Accepted { reference: peer_reference(&words, recipient) }),
        true => Err(SendFailure::Unknown("the gateway's answer can't be read".to_owned())),
        false => Err(by_status(answer.status, &peer_words(&words, recipient))),
    }
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
        let taken = Ok(Accepted { reference: "0: Accepted for delivery".to_owned() });
        assert_eq!(check(202, "0: Accepted for delivery"), taken);
        assert!(check(202, "3: Queued for later delivery").is_ok());
        assert_eq!(
            check(403, "Authorization failed for sendsms"),
            Err(SendFailure::Permanent(
                "the gateway answered 403: Authorization failed for sendsms".to_owned()
            ))
        );
        assert!(matches!(check(400, "Missing receiver number, rejected"), Err(SendFailure::Permanent(_))));
        assert!(matches!(check(503, "Temporal failure, try again later."), Err(SendFailure::Temporary(_))));
        assert!(matches!(check(200, "<html>welcome</html>"), Err(SendFailure::Unknown(_))));
    }
}
