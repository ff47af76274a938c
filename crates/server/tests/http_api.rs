//! The API as a program meets it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod http_support;

use axum::http::Method;
use bailee_domain::access::Permission;
use bailee_server::http::api;
use http_support::{Answer, Program, platform};

const SAM: &str = r#"{"name": "Sam Sample", "unit": "4B", "email": "sam@example.org"}"#;

async fn everything(platform: &http_support::Platform) -> Program {
    platform.token(Permission::ALL).await
}

#[track_caller]
fn problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["instance"], answer.header("x-request-id"));
}

#[tokio::test]
async fn a_resident_is_added_read_changed_and_removed() {
    let platform = platform().await;
    let mut api = everything(&platform).await;
    let made = api.post("/api/v1/residents", SAM).await.expect(201);
    let path = made.location().to_owned();
    assert_eq!(path, format!("/api/v1/people/{}", made.json()["id"].as_str().unwrap()));
    let person = api.get(&path).await.expect(200);
    assert_eq!(person.json()["email"], "sam@example.org");
    let listed = api.get("/api/v1/residents?q=samp").await.expect(200).json();
    assert_eq!(listed["items"][0]["email"], "s…@example.org");
    let tag = person.header("etag").to_owned();
    let seen = api.call(Method::GET, &path, None, &[("if-none-match", &tag)]).await;
    assert_eq!((seen.status, seen.body.as_str()), (304, ""));
    let change = r#"{"name": "Sam Sample", "unit": "5A", "email": "sam@example.org"}"#;
    problem(&api.call(Method::PUT, &path, Some(change), &[]).await, 428, "version_required");
    api.call(Method::PUT, &path, Some(change), &[("if-match", &tag)]).await.expect(204);
    problem(&api.call(Method::PUT, &path, Some(change), &[("if-match", &tag)]).await, 412, "conflict");
    problem(&api.call(Method::DELETE, &path, None, &[("if-match", "*")]).await, 412, "conflict");
    let now = api.get(&path).await.expect(200);
    assert_eq!(now.json()["unit"], "5A");
    api.call(Method::DELETE, &path, None, &[("if-match", now.header("etag"))]).await.expect(204);
    problem(&api.get(&path).await, 404, "not_found");
}

#[tokio::test]
async fn bad_bodies_are_refused_by_name() {
    let platform = platform().await;
    let mut api = everything(&platform).await;
    let path = "/api/v1/residents";
    problem(&api.post(path, "{").await, 400, "malformed");
    problem(&api.post(path, &"[".repeat(1_000)).await, 400, "malformed");
    problem(&api.post(path, r#"{"name": "a", "unit": "b", "door": 7}"#).await, 400, "malformed");
    problem(&api.post(path, &format!(r#"{{"name": "{}"}}"#, "x".repeat(70_000))).await, 413, "too_large");
    let wrong = api.post(path, r#"{"name": "", "unit": "4B", "email": "sam@"}"#).await;
    problem(&wrong, 422, "invalid");
    let errors = wrong.json()["errors"].clone();
    assert_eq!(errors[0]["pointer"], "/name");
    assert_eq!(errors[1], serde_json::json!({"pointer": "/email", "code": "not_an_email"}));
    let plain = [("idempotency-key", "k"), ("content-type", "text/plain")];
    let program = Program::clone(&api);
    let answer = program.call(Method::POST, path, None, &plain).await;
    problem(&answer, 400, "malformed");
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer() {
    let platform = platform().await;
    let mut api = everything(&platform).await;
    let key = [("idempotency-key", "add-sam")];
    let first = api.call(Method::POST, "/api/v1/residents", Some(SAM), &key).await.expect(201);
    let second = api.call(Method::POST, "/api/v1/residents", Some(SAM), &key).await.expect(201);
    assert_eq!((first.body.as_str(), first.location()), (second.body.as_str(), second.location()));
    assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), ("", "true"));
    let other = r#"{"name": "Kim Specimen", "unit": "1", "email": "kim@example.org"}"#;
    problem(
        &api.call(Method::POST, "/api/v1/residents", Some(other), &key).await,
        422,
        "idempotency_key_reused",
    );
    let missing = api.call(Method::POST, "/api/v1/residents", Some(other), &[]).await;
    problem(&missing, 400, "idempotency_key_required");
    // Somebody else's key of the same name is another key, and a refusal leaves a key free.
    let another = platform.token(Permission::ALL).await;
    problem(&another.call(Method::POST, "/api/v1/residents", Some(SAM), &key).await, 409, "already_in_use");
    another.call(Method::POST, "/api/v1/residents", Some(other), &key).await.expect(201);
    assert_eq!(api.get("/api/v1/residents").await.expect(200).json()["items"].as_array().unwrap().len(), 2);
    problem(&api.post("/api/v1/residents", SAM).await, 409, "already_in_use");
}

#[tokio::test]
async fn lists_are_paged_by_cursors_nobody_can_make() {
    let platform = platform().await;
    let mut api = everything(&platform).await;
    for n in 0..5 {
        let body = format!(r#"{{"name": "Resident {n}", "unit": "{n}", "email": "r{n}@example.org"}}"#);
        api.post("/api/v1/residents", &body).await.expect(201);
    }
    let mut names = Vec::new();
    let mut path = "/api/v1/residents?limit=2".to_owned();
    loop {
        let page = api.get(&path).await.expect(200);
        names.extend(page.json()["items"].as_array().unwrap().iter().map(|item| item["name"].clone()));
        let Some(next) = page.json()["next"].as_str().map(ToOwned::to_owned) else { break };
        assert!(
            page.header("link").ends_with(&format!("cursor={next}>; rel=\"next\"")),
            "{}",
            page.header("link")
        );
        path = format!("/api/v1/residents?limit=2&cursor={next}");
    }
    assert_eq!(names.len(), 5, "{names:?}");
    let next =
        api.get("/api/v1/events?limit=2").await.expect(200).json()["next"].as_str().unwrap().to_owned();
    api.get(&format!("/api/v1/events?limit=2&cursor={next}")).await.expect(200);
    let flipped = format!("{}{}", if next.starts_with('A') { 'B' } else { 'A' }, &next[1..]);
    for bad in [flipped.as_str(), "x", "%00", &next[..next.len() - 2]] {
        problem(&api.get(&format!("/api/v1/events?cursor={bad}")).await, 400, "bad_cursor");
    }
    problem(&api.get(&format!("/api/v1/residents?cursor={next}")).await, 400, "bad_cursor");
    for bad in ["limit=0", "limit=201", "limit=x", "kin=a", "from=yesterday", "bank=prc_1", "severity=loud"] {
        problem(&api.get(&format!("/api/v1/events?{bad}")).await, 400, "malformed");
    }
}

#[tokio::test]
async fn the_log_is_listed_proven_and_exported() {
    let platform = platform().await;
    let mut api = everything(&platform).await;
    api.post("/api/v1/residents", SAM).await.expect(201);
    platform.sequence().await;
    let added = api.get("/api/v1/events?kind=PersonAdded").await.expect(200).json();
    let event = &added["items"][0];
    assert!(event["actor"].as_str().unwrap().starts_with("tok_"), "{event}");
    let proof = api.get(&format!("/api/v1/events/{}", event["id"])).await.expect(200).json();
    assert_eq!(proof["index"], event["index"]);
    assert!(proof["checkpoint"].as_str().unwrap().starts_with("bailee/org_"));
    let csv = api.get("/api/v1/events?format=csv").await.expect(200);
    assert!(csv.body.starts_with("id,index,at,") && csv.header("content-type").starts_with("text/csv"));
    let jsonl = api.get("/api/v1/events?format=jsonl&kind=PersonAdded").await.expect(200);
    assert_eq!(&jsonl.json(), event, "a line is an item of the list");
    let reader = platform.token(&[Permission::ViewLog]).await;
    reader.get("/api/v1/events").await.expect(200);
    problem(&reader.get("/api/v1/events?format=csv").await, 403, "not_allowed");
}

#[tokio::test]
async fn a_token_does_what_it_carries_and_no_more() {
    let platform = platform().await;
    let mut limited = platform.token(&[Permission::ViewBanks]).await;
    limited.get("/api/v1/banks").await.expect(200);
    problem(&limited.get("/api/v1/residents").await, 403, "not_allowed");
    problem(&limited.post("/api/v1/residents", SAM).await, 403, "not_allowed");
    let everything = everything(&platform).await;
    let denied = everything.get("/api/v1/events?kind=PermissionDenied").await.expect(200).json();
    assert_eq!(denied["items"].as_array().unwrap().len(), 2, "refusals are in the log");
    for token in ["", "blk_x", "bls_000000000000000000000000000000000000"] {
        let stranger = Program { token: token.to_owned(), ..limited.clone() };
        let answer = stranger.get("/api/v1/banks").await;
        problem(&answer, 401, "not_signed_in");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let tokens = everything.get("/api/v1/tokens").await.expect(200).json();
    let own = tokens["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["permissions"].as_array().unwrap().len() == 1);
    let path = format!("/api/v1/tokens/{}", own.unwrap()["id"].as_str().unwrap());
    everything.call(Method::DELETE, &path, None, &[]).await.expect(204);
    problem(&limited.get("/api/v1/banks").await, 401, "not_signed_in");
}

#[tokio::test]
async fn ids_of_another_organisation_are_not_found() {
    let (ours, theirs) = (platform().await, platform().await);
    // Drawn from other moments, so that no id is in both.
    theirs.clock.advance_ms(1_000);
    let mut there = everything(&theirs).await;
    let person = there.post("/api/v1/residents", SAM).await.expect(201).location().to_owned();
    let offered = there.post("/api/v1/banks", r#"{"name": "Lobby"}"#).await.expect(201);
    let bank = offered.location().to_owned();
    assert!(offered.json()["token"].as_str().unwrap().starts_with("bailee-enrol-1."));
    there.get(&bank).await.expect(200);
    let here = everything(&ours).await;
    let compartments = format!("{bank}/compartments");
    let parcel = "/api/v1/parcels/prc_01jd8k2v000000000000000000";
    for path in
        [person.as_str(), &bank, &compartments, parcel, "/api/v1/parcels/nonsense", "/api/v1/events/999999"]
    {
        problem(&here.get(path).await, 404, "not_found");
    }
    problem(&here.call(Method::DELETE, &person, None, &[("if-match", "\"1\"")]).await, 404, "not_found");
}

#[tokio::test]
async fn a_token_that_calls_too_often_is_told_to_wait() {
    let platform = platform().await;
    let api = platform.token(&[Permission::ViewBanks]).await;
    let first = api.get("/api/v1/banks").await.expect(200);
    assert!(first.header("ratelimit").starts_with("\"token\";r=119;"), "{}", first.header("ratelimit"));
    let mut last = first;
    for _ in 0..120 {
        last = api.get("/api/v1/banks").await;
    }
    problem(&last, 429, "rate_limited");
    assert!(!last.header("retry-after").is_empty() && !last.header("ratelimit-policy").is_empty());
    platform.clock.advance_ms(1_000);
    api.get("/api/v1/banks").await.expect(200);
}

#[tokio::test]
async fn the_site_is_read_and_changed() {
    let platform = platform().await;
    let api = everything(&platform).await;
    let site = api.get("/api/v1/site").await.expect(200);
    assert_eq!(site.json()["expiry_days"], 7);
    let change = r#"{"name": "Harbour House", "expiry_days": 3}"#;
    let tag = [("if-match", site.header("etag"))];
    api.call(Method::PUT, "/api/v1/site", Some(change), &tag).await.expect(204);
    problem(&api.call(Method::PUT, "/api/v1/site", Some(change), &tag).await, 412, "conflict");
    assert_eq!(api.get("/api/v1/site").await.expect(200).json()["expiry_days"], 3);
}

#[test]
fn the_description_is_the_committed_one() {
    let made = serde_json::to_string_pretty(&api::openapi()).unwrap() + "\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    #[expect(clippy::disallowed_methods, reason = "asked for by a person who changed the API on purpose")]
    if std::env::var("BAILEE_WRITE_GOLDEN").is_ok() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(made == committed, "the API changed: look at it, then run with BAILEE_WRITE_GOLDEN=1 and commit");
    assert!(made.contains("\"openapi\": \"3.1.0\""));
}

#[test]
fn every_address_of_the_api_is_described() {
    let described = serde_json::to_value(api::openapi()).unwrap();
    for route in api::routes().iter().map(|route| route.listed).filter(|it| it.path.starts_with("/api/v1/")) {
        let operation = &described["paths"][route.path][route.method.to_lowercase()];
        assert!(operation["summary"].is_string(), "{} {}", route.method, route.path);
    }
    let count: usize =
        described["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(count, api::routes().len() - 2, "nothing is described that is not routed");
}
