//! A form with a file in it (`multipart/form-data`, RFC 7578, as browsers send it), read from a body that was bounded before.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;

use super::form::Form;
use crate::http::problem::Problem;

/// Most parts of a form.
const MOST: usize = 20;
/// How many times the longest body is read on for before the connection is cut.
const READ_ON: usize = 8;
/// Bytes of the longest headers of a part.
const MAX_HEADERS: usize = 4 * 1024;
/// Bytes of the longest field that is no file.
const MAX_FIELD: usize = 4 * 1024;

/// A file that came with a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// What it was called where it came from.
    pub name: String,
    /// Its content.
    pub content: Bytes,
}

/// The whole of a body of at most `most` bytes. What is longer is read on for a while and thrown away, since a browser that is cut
/// off while it sends shows its own error instead of ours.
///
/// # Errors
/// [`Problem::file_too_large`]; [`Problem::malformed`] when it breaks off.
pub async fn collect(body: Body, most: usize) -> Result<Bytes, Problem> {
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Problem::malformed())?;
        length += piece.len();
        if length > READ_ON * most {
            break;
        }
        if length <= most {
            bytes.extend_from_slice(&piece);
        } else {
            bytes = Vec::new();
        }
    }
    if length > most { Err(Problem::file_too_large()) } else { Ok(bytes.into()) }
}

/// The boundary between the parts of a body, if the headers announce such a form.
#[must_use]
pub fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named =
        |part: &str| part.trim().strip_prefix("boundary=").map(|value| value.trim_matches('"').to_owned());
    parameters.split(';').find_map(named).filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// The fields and the file of a body; `None` when it is not of that form. A file without a name is none: nothing was chosen.
#[must_use]
pub fn parse(boundary: &str, body: &Bytes) -> Option<(Form, Option<Upload>)> {
    let (opening, between) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut rest = body.strip_prefix(opening.as_bytes())?;
    let (mut form, mut file) = (Form::default(), None);
    for _ in 0..MOST {
        if rest.starts_with(b"--") {
            return Some((form, file));
        }
        let part = rest.strip_prefix(b"\r\n")?;
        let head = find(part.get(..MAX_HEADERS.min(part.len()))?, b"\r\n\r\n")?;
        let (headers, content) = (std::str::from_utf8(&part[..head]).ok()?, &part[head + 4..]);
        let end = find(content, between.as_bytes())?;
        rest = &content[end + between.len()..];
        let content = &content[..end];
        match (parameter(headers, "name")?, parameter(headers, "filename")) {
            (_, Some(name)) if !name.is_empty() => {
                file = Some(Upload { name, content: body.slice_ref(content) });
            }
            (_, Some(_)) => {}
            (_, None) if content.len() > MAX_FIELD => return None,
            (name, None) => form.set(&name, String::from_utf8_lossy(content).into_owned()),
        }
    }
    None
}

/// A quoted parameter of `Content-Disposition`; browsers write quotation marks and line breaks in it as `%22`, `%0D` and `%0A`.
fn parameter(headers: &str, name: &str) -> Option<String> {
    let disposition = headers.split("\r\n").find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (_, value) = disposition.split_once(&format!("; {name}=\""))?;
    let (value, _) = value.split_once('"')?;
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

fn find(within: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    loop {
        from += within.get(from..)?.iter().position(|byte| *byte == first)?;
        if within[from..].starts_with(needle) {
            return Some(from);
        }
        from += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn body(content: &[u8]) -> Bytes {
        let mut body = b"--xyz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\ntoken\r\n".to_vec();
        body.extend_from_slice(
            b"--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22b%22.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n",
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--xyz--\r\n");
        body.into()
    }

    #[test]
    fn fields_and_file_are_told_apart() {
        let (form, file) = parse("xyz", &body(b"\xff\xd8\r\n--xy\r\n\r\n")).unwrap();
        assert_eq!(form.text("csrf"), "token");
        let file = file.unwrap();
        assert_eq!(
            (file.name.as_str(), &file.content[..]),
            ("a \"b\".jpg", &b"\xff\xd8\r\n--xy\r\n\r\n"[..])
        );
        let nothing = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--x--";
        assert_eq!(parse("x", &Bytes::from_static(nothing)).unwrap().1, None, "nothing was chosen");
    }

    #[test]
    fn what_is_cut_or_of_another_form_is_none() {
        let whole = body(b"content");
        for end in 0..whole.len() - 4 {
            assert!(parse("xyz", &whole.slice(..end)).is_none(), "{end}");
        }
        assert!(parse("other", &whole).is_none());
        let long = [
            b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n",
            &[b'a'; MAX_FIELD + 1][..],
            b"\r\n--x--",
        ];
        assert!(parse("x", &long.concat().into()).is_none(), "a field that is too long");
        let many = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(MOST + 1) + "--x--";
        assert!(parse("x", &many.into()).is_none(), "too many parts");
    }

    #[test]
    fn a_boundary_is_taken_from_its_header_alone() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(text));
            boundary(&headers)
        };
        assert_eq!(of("multipart/form-data; boundary=xyz").as_deref(), Some("xyz"));
        assert_eq!(of("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").as_deref(), Some("a b"));
        for other in [
            "text/plain",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=x",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..120) {
            let whole = super::tests::body(&body);
            let (form, file) = parse("xyz", &whole).expect("what a browser sends is read");
            prop_assert_eq!(form.text("csrf"), "token");
            prop_assert_eq!(&file.expect("the file").content[..], &body[..]);
            let mut damaged = whole.to_vec();
            damaged[at] ^= 0x20;
            let _ = parse("xyz", &damaged.into());
            let _ = parse("", &body.into());
        }
    }
}
