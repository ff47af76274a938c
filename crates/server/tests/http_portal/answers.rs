//! What every answer carries, and addresses for programs.

use super::*;

#[tokio::test]
async fn nothing_here_is_a_page_for_people_and_a_problem_for_programs() {
    let platform = platform().await;
    let mut browser = platform.browser();
    let page = browser.get("/nowhere").await.expect(404);
    assert!(page.body.contains("There is no such page") && page.body.contains("req_"));
    browser.accept = "*/*";
    for path in ["/nowhere", "/api/v1/nowhere", "/log/other/checkpoint"] {
        let problem = browser.get(path).await.expect(404);
        assert_eq!(problem.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(problem.json()["instance"], problem.header("x-request-id"));
    }
    let wrong = browser.post_raw("/healthz", &[], &[]).await.expect(405);
    assert_eq!(wrong.json()["code"], "method_not_allowed");
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let log = format!("/log/{}/checkpoint", platform.app.log_id());
    for path in [
        "/",
        "/sign-in",
        "/nowhere",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/openapi.json",
        "/api/docs",
        "/api/v1/banks",
    ] {
        let answer = browser.get(path).await;
        for (name, value) in of(Profile::Portal) {
            assert_eq!(answer.header(name.as_str()), value, "{path}: {name}");
        }
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    // A file of ours shows nothing by itself and runs nothing.
    let file = browser.get(&bailee_ui::assets::asset_url("app.css")).await.expect(200);
    assert_eq!(file.header("content-security-policy"), "default-src 'none'; connect-src 'self'");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(file.header("cross-origin-resource-policy"), "same-origin");
    let checkpoint = browser.get(&log).await.expect(200);
    assert_eq!(checkpoint.header("cross-origin-resource-policy"), "cross-origin", "anybody may read the log");
}

#[tokio::test]
async fn another_hosts_name_is_not_answered() {
    let platform = platform().await;
    for (host, path, status) in [
        ("evil.example", "/sign-in", 421),
        ("localhost:8080", "/sign-in", 200),
        ("10.0.0.7:8080", "/healthz", 200),
    ] {
        let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
        send(&platform.router, request).await.expect(status);
    }
}

#[tokio::test]
async fn metrics_are_for_this_machine() {
    let platform = platform().await;
    let ask = |peer: &str, forwarded: bool| {
        let mut request = Request::get("/metrics").header("host", "127.0.0.1:8080");
        if forwarded {
            request = request.header("x-forwarded-for", "203.0.113.5");
        }
        let mut request = request.body(Body::empty()).unwrap();
        let peer: std::net::SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        request
    };
    let metrics = send(&platform.router, ask("127.0.0.1:5000", false)).await.expect(200);
    assert!(metrics.body.contains("bailee_log_entries "), "{}", metrics.body);
    send(&platform.router, ask("10.0.0.9:5000", false)).await.expect(404);
    send(&platform.router, ask("127.0.0.1:5000", true)).await.expect(404);
}

/// The published log, read through the router.
struct Served<'a>(&'a Platform, tokio::runtime::Handle);

impl Source for Served<'_> {
    fn read(&mut self, path: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let path = format!("/log/{}/{path}", self.0.app.log_id());
        let request = Request::get(path).header("host", "127.0.0.1:8080").body(Body::empty()).unwrap();
        let answer = tokio::task::block_in_place(|| self.1.block_on(send(&self.0.router, request)));
        match answer.status {
            200 => Ok(answer.bytes.into_iter().take(most).collect()),
            404 => Err(SourceError::Absent),
            other => panic!("{other}: {}", answer.body),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_log_verifies() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    add_resident(&mut browser).await;
    platform.sequence().await;
    let mut key = Served(&platform, tokio::runtime::Handle::current());
    let published = String::from_utf8(key.read("key", 4_096).unwrap()).unwrap();
    assert_eq!(published.trim(), platform.log_key.to_string());
    let mut source = Served(&platform, tokio::runtime::Handle::current());
    let mut kinds = Vec::new();
    let mut visit = |_index: u64, entry: &[u8]| {
        kinds.push(bailee_wire::event::decode(entry).map_err(|error| error.to_string())?.kind());
        Ok(())
    };
    let report = verify_log(&mut source, &platform.log_key, &mut visit).unwrap();
    assert_eq!(report.entries, report.checkpoint.size);
    assert!(kinds.contains(&"PersonAdded".to_owned()), "{kinds:?}");
}
