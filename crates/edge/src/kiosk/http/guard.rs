//! Who may talk to the kiosk: a browser on this machine, and for posts only a page of ours.
//!
//! The host check stops a foreign name that resolves to loopback; the origin check stops a foreign page that posts here. Our own
//! forms send `Origin: null` (their referrer policy is `no-referrer`), so there `Sec-Fetch-Site` decides.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) async fn loopback_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !text(headers, &header::HOST).is_some_and(is_loopback) {
        return (StatusCode::MISDIRECTED_REQUEST, "this page is served on loopback only\n").into_response();
    }
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if !reads && !from_our_page(headers) {
        return (StatusCode::FORBIDDEN, "only this kiosk's own pages may send this\n").into_response();
    }
    next.run(request).await
}

fn from_our_page(headers: &HeaderMap) -> bool {
    let ours = text(headers, &header::HOST).map(|host| format!("http://{host}"));
    let origin = text(headers, &header::ORIGIN);
    match (headers.get(SITE).map(|site| site.as_bytes() == b"same-origin"), origin) {
        (Some(false), _) => false,
        (Some(true), None | Some("null")) => true,
        (_, origin) => origin.is_some() && origin == ours.as_deref(),
    }
}

/// Whether a read comes from our own page, from the address bar, or from no browser at all.
pub(super) fn reads_from_here(headers: &HeaderMap) -> bool {
    headers.get(SITE).is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "localhost:8081", "127.0.0.1:8081", "[::1]", "[::1]:80"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:8081",
            "10.0.0.1",
            "[::1]:x",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    fn posts(pairs: &[(HeaderName, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:8081".parse().unwrap());
        for (name, value) in pairs {
            headers.insert(name, value.parse().unwrap());
        }
        from_our_page(&headers)
    }

    #[test]
    fn a_post_needs_our_origin() {
        assert!(posts(&[(SITE, "same-origin"), (header::ORIGIN, "null")]), "a form of ours");
        assert!(posts(&[(SITE, "same-origin"), (header::ORIGIN, "http://localhost:8081")]), "the module");
        assert!(posts(&[(header::ORIGIN, "http://localhost:8081")]));
        assert!(!posts(&[]), "no browser");
        assert!(!posts(&[(header::ORIGIN, "null")]));
        assert!(!posts(&[(SITE, "cross-site"), (header::ORIGIN, "null")]));
        assert!(!posts(&[(SITE, "same-site"), (header::ORIGIN, "http://localhost:8080")]));
        assert!(!posts(&[(SITE, "same-origin"), (header::ORIGIN, "http://evil.example")]));
        assert!(!posts(&[(SITE, "none")]), "typed into the address bar");
    }
}
