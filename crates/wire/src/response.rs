//! An officer's answer to the challenge on a kiosk's screen, as a QR code or as typed text.
//!
//! 73 bytes, `version ‖ the first 8 bytes of the officer's public key ‖ Ed25519 signature[64]`, in base45 (RFC 9285): 110
//! characters, shorter than any token, so the one field of the kiosk takes both. What is signed is in
//! [`crate::statement`]. This module examines form only.

/// The version byte of the answers this program makes and reads.
pub const VERSION: u8 = 1;
const BYTES: usize = 73;
/// Length of an answer's text: three characters for two bytes, two for the last.
pub const TEXT_CHARS: usize = 110;

/// An answer taken apart; worth nothing before its signature is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// The first eight bytes of the officer's public key.
    pub key: [u8; 8],
    /// The signature over the statement.
    pub signature: [u8; 64],
}

/// The text is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is no answer to a challenge")]
pub struct NotAResponse;

/// The text of an answer.
pub fn text(response: &Response) -> String {
    let mut bytes = [0; BYTES];
    bytes[0] = VERSION;
    bytes[1..9].copy_from_slice(&response.key);
    bytes[9..].copy_from_slice(&response.signature);
    base45::encode(bytes)
}

/// Takes a scanned or typed text apart; case does not matter, nor blanks at the ends.
///
/// # Errors
/// [`NotAResponse`] for anything of another form.
pub fn parse(text: &str) -> Result<Response, NotAResponse> {
    let text = text.trim();
    if text.len() > TEXT_CHARS || !text.is_ascii() {
        return Err(NotAResponse);
    }
    // A blank is a character of base45: an answer may begin and end with one, which is lost on the way here.
    let lost = TEXT_CHARS - text.len();
    let blanks = |count: usize| " ".repeat(count);
    let whole = (0..=lost.min(1)).map(|before| format!("{}{text}{}", blanks(before), blanks(lost - before)));
    let read = |text: String| exact(&text.to_ascii_uppercase());
    let bytes = Some(lost).filter(|lost| *lost <= 2).and_then(|_| whole.map(read).find_map(Result::ok));
    let bytes = bytes.ok_or(NotAResponse)?;
    let (mut key, mut signature) = ([0; 8], [0; 64]);
    key.copy_from_slice(&bytes[1..9]);
    signature.copy_from_slice(&bytes[9..]);
    Ok(Response { key, signature })
}

/// The bytes of a text in the one spelling there is.
fn exact(text: &str) -> Result<[u8; BYTES], NotAResponse> {
    let bytes = base45::decode(text).map_err(|_| NotAResponse)?;
    let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| NotAResponse)?;
    let is_ours = bytes[0] == VERSION && base45::encode(bytes) == text;
    if is_ours { Ok(bytes) } else { Err(NotAResponse) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(key: [u8; 8], half: [u8; 32], other: [u8; 32]) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&half);
            signature[32..].copy_from_slice(&other);
            let text = text(&Response { key, signature });
            prop_assert_eq!(text.len(), TEXT_CHARS);
            prop_assert_eq!(parse(&format!(" {}\n", text.to_lowercase())), Ok(Response { key, signature }));
            prop_assert!(crate::token::parse(&text).is_err(), "an answer is no token");
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in ".{0,160}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn a_token_is_no_answer() {
        assert_eq!(parse(&"0".repeat(crate::token::TEXT_CHARS)), Err(NotAResponse));
        assert_eq!(parse(&":".repeat(TEXT_CHARS)), Err(NotAResponse));
    }
}
