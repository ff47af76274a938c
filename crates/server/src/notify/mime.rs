//! An e-mail as the bytes of RFC 5322 and MIME, the same bytes on every try.
//!
//! All headers come from typed parts, so nothing a person typed can start a header of its own.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};

use super::message::{EmailContent, InlineImage, MessageId};

/// The bytes to send; fails only when the recipient or sender can't be put into an envelope.
pub(super) fn compose(
    from: &Mailbox,
    id: &MessageId,
    written_ms: i64,
    mail: &EmailContent,
) -> Result<Message, lettre::error::Error> {
    let written = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(written_ms).unwrap_or(0));
    let builder = Message::builder()
        .message_id(Some(message_id(id, from)))
        .date(written)
        .from(from.clone())
        .to(Mailbox::new(None, mail.to.address().clone()))
        .subject(mail.subject.as_str())
        .raw_header(header("Auto-Submitted", "auto-generated"));
    builder.multipart(body(id, mail))
}

/// `<our id@the sender's domain>`: a duplicate has the same one.
fn message_id(id: &MessageId, from: &Mailbox) -> String {
    format!("<{}@{}>", id.as_str(), from.email.domain())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn body(id: &MessageId, mail: &EmailContent) -> MultiPart {
    let text = SinglePart::plain(mail.text.clone());
    let alternative = MultiPart::alternative().boundary(boundary(id, "alternative"));
    match (&mail.html, &mail.image) {
        (None, None) => alternative.singlepart(text),
        (None, Some(image)) => {
            MultiPart::mixed().boundary(boundary(id, "mixed")).singlepart(text).singlepart(inline(image))
        }
        (Some(html), None) => alternative.singlepart(text).singlepart(SinglePart::html(html.clone())),
        (Some(html), Some(image)) => {
            let related = MultiPart::related().boundary(boundary(id, "related"));
            let shown = related.singlepart(SinglePart::html(html.clone())).singlepart(inline(image));
            alternative.singlepart(text).multipart(shown)
        }
    }
}

/// A separator that no quoted-printable or base64 part can contain, and that no author of a template can know.
fn boundary(id: &MessageId, part: &str) -> String {
    format!("=_{}_{part}", id.as_str())
}

fn inline(image: &InlineImage) -> SinglePart {
    let png = ContentType::parse("image/png").expect("a constant media type");
    Attachment::new_inline_with_name(InlineImage::CONTENT_ID.to_owned(), "code.png".to_owned())
        .body(image.png.clone(), png)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> EmailContent {
        EmailContent {
            to: "ann@example.org".parse().unwrap(),
            subject: "Ihr Paket ist da – مرحبا".parse().unwrap(),
            text: "Code 1234 5678\n.\nBcc: x@y.example\n".into(),
            html: Some("<p>Code 1234 5678</p>".into()),
            image: Some(InlineImage { png: b"\x89PNG".to_vec() }),
        }
    }

    fn bytes(mail: &EmailContent) -> String {
        let from: Mailbox = "Lockers <lockers@example.org>".parse().unwrap();
        let id = "msg_01".parse().unwrap();
        String::from_utf8(compose(&from, &id, 1_767_225_600_000, mail).unwrap().formatted()).unwrap()
    }

    #[test]
    fn every_try_has_the_same_bytes_and_our_id() {
        let once = bytes(&mail());
        assert_eq!(once, bytes(&mail()));
        assert!(once.contains("Message-ID: <msg_01@example.org>\r\n"), "{once}");
        assert!(once.contains("Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"), "{once}");
        assert!(once.contains("Content-ID: <qr@bailee>"), "{once}");
    }

    #[test]
    fn nothing_in_the_text_becomes_a_header() {
        let once = bytes(&mail());
        let (headers, _) = once.split_once("\r\n\r\n").unwrap();
        assert!(!headers.contains("Bcc"), "{headers}");
        assert_eq!(headers.matches("\r\nTo:").count(), 1);
    }
}
