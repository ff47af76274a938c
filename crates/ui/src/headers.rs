//! The security headers of every answer, in one place.
//!
//! Nothing inline runs, nothing comes from elsewhere, nobody may frame a page, and text becomes markup only through the one
//! Trusted Types policy named `bailee` in `static/live.js`. Start at [`apply`]:
//! `router.layer(axum::middleware::map_response(|r| async { headers::apply(Profile::Portal, r) }))`.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// The content security policy of every page, portal and kiosk alike.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; form-action 'self'; \
frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types bailee";

const PORTAL_PERMISSIONS: &str = "camera=(), publickey-credentials-get=(self), publickey-credentials-create=(self), geolocation=(), microphone=()";
const KIOSK_PERMISSIONS: &str = "camera=(self), publickey-credentials-get=(self), publickey-credentials-create=(self), geolocation=(), microphone=()";

/// The policy of styles, scripts and symbols: whoever opens one runs nothing. A worker, which is a script of its own, may ask us.
const FILE_POLICY: &str = "default-src 'none'; connect-src 'self'";

const OF_FILES: [HeaderName; 3] = [
    header::CONTENT_SECURITY_POLICY,
    HeaderName::from_static("cross-origin-resource-policy"),
    header::X_CONTENT_TYPE_OPTIONS,
];

/// Marks an answer as one of our own files, which show nothing by themselves: they go out with few headers, since a page has
/// many of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnFile;

/// Which surface answers: only the kiosk may ask for the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The platform's pages.
    Portal,
    /// A bank's own pages.
    Kiosk,
}

/// The headers of a profile, in the order they are set.
#[must_use]
pub fn of(profile: Profile) -> [(HeaderName, &'static str); 6] {
    let permissions = match profile {
        Profile::Portal => PORTAL_PERMISSIONS,
        Profile::Kiosk => KIOSK_PERMISSIONS,
    };
    [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), permissions),
    ]
}

/// Sets the headers of `profile`; a handler that set its own policy keeps it, and pages without a cache rule are not stored.
pub fn apply(profile: Profile, mut response: Response) -> Response {
    let is_file = response.extensions().get::<OwnFile>().is_some();
    let headers = response.headers_mut();
    if is_file {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(FILE_POLICY));
    }
    for (name, value) in of(profile).into_iter().filter(|(name, _)| !is_file || OF_FILES.contains(name)) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    #[test]
    fn the_policy_is_exactly_this() {
        assert_eq!(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             font-src 'self'; manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types bailee"
        );
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
    }

    #[test]
    fn only_the_kiosk_may_use_the_camera() {
        let camera = |profile| {
            let response = apply(profile, "page".into_response());
            response.headers()["permissions-policy"].to_str().unwrap().split(',').next().unwrap().to_owned()
        };
        assert_eq!(camera(Profile::Portal), "camera=()");
        assert_eq!(camera(Profile::Kiosk), "camera=(self)");
    }

    #[test]
    fn a_file_of_ours_has_few_headers_and_runs_nothing() {
        let file = (axum::Extension(OwnFile), "file").into_response();
        let names: Vec<_> = apply(Profile::Kiosk, file).headers().keys().map(ToString::to_string).collect();
        assert!(!names.contains(&"permissions-policy".to_owned()), "{names:?}");
        let file = (axum::Extension(OwnFile), "file").into_response();
        let headers = apply(Profile::Kiosk, file).headers().clone();
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], FILE_POLICY);
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    }

    #[test]
    fn a_lasting_answer_keeps_its_cache_rule() {
        let own = ([(header::CACHE_CONTROL, "public")], "file").into_response();
        assert_eq!(apply(Profile::Portal, own).headers()[header::CACHE_CONTROL], "public");
        let page = apply(Profile::Portal, "page".into_response());
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(page.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
