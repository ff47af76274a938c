//! The two cookies of the portal: the session, and a visitor's number that form tokens of signed-out pages are bound to.
//!
//! On HTTPS they carry the `__Host-` prefix (RFC 6265bis): no other host and no plain page can set them. A session's secret
//! appears in `Set-Cookie` and nowhere else.

use axum::http::{HeaderMap, HeaderValue, header};
use bailee_ui::i18n;

/// How browsers reach this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over HTTPS, here or at a proxy in front.
    Https,
    /// Over plain HTTP on this machine only.
    Loopback,
}

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jar {
    /// The session's secret.
    Session,
    /// A random number of somebody not signed in.
    Visit,
}

impl Jar {
    /// The cookie's name.
    #[must_use]
    pub const fn name(self, transport: Transport) -> &'static str {
        match (self, transport) {
            (Self::Session, Transport::Https) => "__Host-bailee",
            (Self::Session, Transport::Loopback) => "bailee",
            (Self::Visit, Transport::Https) => "__Host-bailee_visit",
            (Self::Visit, Transport::Loopback) => "bailee_visit",
        }
    }

    /// Its value in a request, at most 128 characters.
    #[must_use]
    pub fn read(self, transport: Transport, headers: &HeaderMap) -> Option<String> {
        let mut all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let value = all.find_map(|text| i18n::cookie(text, self.name(transport)))?;
        (!value.is_empty() && value.len() <= 128).then(|| value.to_owned())
    }

    /// The header that sets it, for so many seconds at most.
    #[must_use]
    pub fn set(self, transport: Transport, value: &str, max_age_s: i64) -> HeaderValue {
        let secure = if transport == Transport::Https { "; Secure" } else { "" };
        let name = self.name(transport);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}");
        HeaderValue::try_from(text).expect("tokens and numbers are visible ASCII")
    }

    /// The header that ends it.
    #[must_use]
    pub fn clear(self, transport: Transport) -> HeaderValue {
        self.set(transport, "", 0)
    }
}

/// The header that remembers a preference for a year; readable by nobody but us, worth nothing to anybody.
#[must_use]
pub fn preference(name: &str, value: &'static str, transport: Transport) -> HeaderValue {
    let secure = if transport == Transport::Https { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000{secure}");
    HeaderValue::try_from(text).expect("names and values are ASCII words of ours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_https_only_this_host_can_set_the_session() {
        let set = Jar::Session.set(Transport::Https, "bls_x", 60);
        assert_eq!(set, "__Host-bailee=bls_x; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
        assert!(!Jar::Session.set(Transport::Loopback, "bls_x", 60).to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn a_cookie_is_found_among_others_and_bounded() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; bailee=bls_x; c=d".parse().unwrap());
        assert_eq!(Jar::Session.read(Transport::Loopback, &headers).as_deref(), Some("bls_x"));
        assert_eq!(Jar::Session.read(Transport::Https, &headers), None);
        headers.insert(header::COOKIE, format!("bailee={}", "x".repeat(129)).parse().unwrap());
        assert_eq!(Jar::Session.read(Transport::Loopback, &headers), None);
    }
}
