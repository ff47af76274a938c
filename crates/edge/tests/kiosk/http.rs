//! The kiosk over HTTP, in process.

use axum::body::Body;
use axum::http::{Method, Request, header};
use bailee_domain::bank::screen::{Notice, Screen, Task, View};
use bailee_domain::budget::Keypad;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Refusal;
use bailee_edge::kiosk::samples;
use bailee_ui::i18n::without_isolates;
use fast_qr::{ECL, QRBuilder};
use http_body_util::BodyExt;

use crate::bank::{Front, HOST};

fn home() -> View {
    samples::view(Screen::Home { keypad: Keypad::Ready })
}

fn taking() -> View {
    samples::view(Screen::TakeParcel { compartment: CompartmentNo(7) })
}

/// A frame with a QR code in the middle.
fn frame_of(text: &str) -> (u32, u32, Vec<u8>) {
    const SCALE: usize = 5;
    let code = QRBuilder::new(text).ecl(ECL::Q).build().unwrap();
    let side = (code.size + 8) * SCALE;
    let mut luma = vec![230; side * side];
    for (y, row) in luma.chunks_mut(side).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let (column, line) = ((x / SCALE).wrapping_sub(4), (y / SCALE).wrapping_sub(4));
            if column < code.size && line < code.size && code[line][column].value() {
                *pixel = 20;
            }
        }
    }
    (u32::try_from(side).unwrap(), u32::try_from(side).unwrap(), luma)
}

#[tokio::test]
async fn the_page_carries_exactly_this_policy() {
    let page = Front::showing(home()).page().await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.head["content-security-policy"],
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; \
         manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'; require-trusted-types-for 'script'; trusted-types bailee"
    );
    assert!(page.head["permissions-policy"].to_str().unwrap().starts_with("camera=(self),"));
    assert_eq!(page.head[header::CACHE_CONTROL], "no-store");
    assert!(page.body.contains("Enter your code"));
}

#[tokio::test]
async fn every_file_a_page_names_is_served() {
    let front = Front::showing(taking());
    let page = front.page().await.body;
    let named =
        page.split('"').filter(|word| word.starts_with("/s/")).map(|url| url.split('#').next().unwrap());
    for url in named.collect::<std::collections::BTreeSet<_>>() {
        let file = front.send(Front::request(Method::GET, url).body(Body::empty()).unwrap()).await;
        assert_eq!(file.status, 200, "{url}");
    }
}

#[tokio::test]
async fn a_code_goes_to_the_controller_and_nowhere_else() {
    let front = Front::showing(home());
    *front.controller.then.lock().unwrap() = Some(samples::view(Screen::Checking));
    let answer = front.post("/act", "do=enter-code&code=2718+2818").await;
    assert_eq!(
        (answer.status, &answer.head[header::LOCATION]),
        (303, &header::HeaderValue::from_static("/"))
    );
    assert_eq!(front.heard(), ["EnterCode(Code)27182818"]);
    let page = front.page().await.body;
    assert!(!page.contains("2718") && page.contains("Checking"), "{page}");
}

#[tokio::test]
async fn the_module_gets_the_parts_of_the_page_that_follows() {
    let front = Front::showing(home());
    *front.controller.then.lock().unwrap() = Some(taking());
    let answer = front.fetch("/act", "do=enter-code&code=27182818").await;
    assert_eq!((answer.status, &answer.head["x-fragment"]), (200, &header::HeaderValue::from_static("1")));
    assert_eq!(answer.head["x-version"], "2");
    assert!(
        answer.body.starts_with(r#"<div id="notices""#) && !answer.body.contains("<html"),
        "{}",
        answer.body
    );
    assert!(without_isolates(&answer.body).contains("Compartment 07 is open"));
}

#[tokio::test]
async fn seven_digits_are_answered_with_help_and_not_handed_on() {
    let front = Front::showing(home());
    let answer = front.post("/act", "do=enter-code&code=1234567").await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("The code has 8 digits") && !answer.body.contains("1234567"));
    assert!(front.heard().is_empty());
}

#[tokio::test]
async fn what_no_page_of_ours_sends_changes_nothing() {
    let front = Front::showing(home());
    for form in
        ["do=open-everything", "do=pick&person=per_x", "do=size&size=Q", "do=report&problem=", "do=", ""]
    {
        assert_eq!(front.post("/act", form).await.status, 400, "{form}");
    }
    let long = format!("do=search&query={}", "a".repeat(5_000));
    assert_eq!(front.post("/act", &long).await.status, 413);
    assert_eq!(front.post("/settings", "set=lang-xx").await.status, 400);
    let json = Front::request(Method::POST, "/act").header(header::CONTENT_TYPE, "application/json");
    assert_eq!(front.send(json.body(Body::from("{}")).unwrap()).await.status, 415);
    assert!(front.heard().is_empty());
}

#[tokio::test]
async fn only_our_own_page_may_post_and_only_loopback_is_served() {
    let front = Front::showing(home());
    let form = |host: &str, pairs: &[(&str, &str)]| {
        let mut request = Request::builder().method(Method::POST).uri("/act").header(header::HOST, host);
        for (name, value) in pairs {
            request = request.header(*name, *value);
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(Body::from("do=finish")).unwrap()
    };
    let refused = [
        form(HOST, &[("origin", "http://evil.example")]),
        form(HOST, &[("origin", "http://localhost:9999")]),
        form(HOST, &[("sec-fetch-site", "cross-site"), ("origin", "null")]),
        form(HOST, &[]),
    ];
    for request in refused {
        assert_eq!(front.send(request).await.status, 403);
    }
    let rebound =
        form("evil.example", &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")]);
    assert_eq!(front.send(rebound).await.status, 421);
    let read =
        Request::builder().uri("/events").header(header::HOST, "evil.example").body(Body::empty()).unwrap();
    assert_eq!(front.send(read).await.status, 421);
    assert!(front.heard().is_empty());
    assert_eq!(front.send(form(HOST, &[("origin", "http://localhost:8081")])).await.status, 303);
}

#[tokio::test]
async fn a_code_before_the_camera_is_handed_on_once() {
    let front = Front::showing(home());
    let (width, height, luma) = frame_of("OURS:0123456789ABCDEF");
    let first = front.frame(width, height, luma.clone()).await;
    assert_eq!((first.status, first.body.as_str()), (200, r#"{"qr":"ours"}"#));
    let again = front.frame(width, height, luma).await;
    assert_eq!((again.status, again.body.as_str()), (200, r#"{"qr":"same"}"#));
    let (width, height, luma) = frame_of("HTTPS://EXAMPLE.ORG");
    assert_eq!(front.frame(width, height, luma).await.body, r#"{"qr":"other"}"#);
    assert_eq!(front.heard(), ["token OURS:0123456789ABCDEF", "token HTTPS://EXAMPLE.ORG"]);
}

#[tokio::test]
async fn frames_that_are_none_are_turned_away() {
    let front = Front::showing(home());
    assert_eq!(front.frame(64, 64, vec![200; 64 * 64]).await.status, 204);
    assert_eq!(front.frame(64, 65, vec![200; 64 * 64]).await.status, 422);
    assert_eq!(front.frame(0, 0, Vec::new()).await.status, 422);
    assert_eq!(front.frame(u32::MAX, u32::MAX, vec![0; 64]).await.status, 422);
    assert_eq!(front.frame(1024, 1025, vec![0; 1024 * 1025]).await.status, 413);
    let picture =
        Front::request(Method::POST, "/frame?width=64&height=64").header(header::CONTENT_TYPE, "image/jpeg");
    assert_eq!(front.send(picture.body(Body::from(vec![0; 4096])).unwrap()).await.status, 415);
    for query in ["", "?width=64", "?width=-1&height=64", "?width=a&height=b"] {
        let path = format!("/frame{query}");
        let request =
            Front::request(Method::POST, &path).header(header::CONTENT_TYPE, "application/octet-stream");
        assert_eq!(front.send(request.body(Body::from(vec![0; 4096])).unwrap()).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn no_frame_is_looked_at_while_somebody_is_served() {
    let front = Front::showing(taking());
    let (width, height, luma) = frame_of("OURS:0123456789ABCDEF");
    assert_eq!(front.frame(width, height, luma).await.status, 204);
    assert!(front.heard().is_empty());
}

fn octets(body: Body) -> Request<Body> {
    let request = Front::request(Method::POST, "/frame?width=64&height=64");
    request.header(header::CONTENT_TYPE, "application/octet-stream").body(body).unwrap()
}

/// A body of which one part has come and the rest comes when the other end says so.
fn slow() -> (tokio::sync::mpsc::Sender<Result<bytes::Bytes, std::convert::Infallible>>, Body) {
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    sender.try_send(Ok(vec![200; 4000].into())).unwrap();
    (sender, Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver)))
}

#[tokio::test]
async fn a_frame_that_comes_while_another_is_looked_at_is_turned_away() {
    let front = Front::showing(home());
    let (width, height, luma) = frame_of("OURS:0123456789ABCDEF");
    front.controller.answers.forget_permits(100);
    let second = async {
        front.controller.asked.notified().await;
        let second = front.frame(64, 64, vec![200; 4096]).await;
        front.controller.answers.add_permits(1);
        second.status
    };
    let (first, second) = tokio::join!(front.frame(width, height, luma), second);
    assert_eq!((first.status, second), (200, 429));
    assert_eq!(front.frame(64, 64, vec![200; 4096]).await.status, 204, "and the next one is looked at");
}

#[tokio::test]
async fn whoever_sends_a_frame_slowly_keeps_nobody_from_being_seen() {
    let front = Front::showing(home());
    let (sender, body) = slow();
    let quick = async {
        let seen = front.frame(64, 64, vec![200; 4096]).await;
        sender.send(Ok(vec![200; 96].into())).await.unwrap();
        drop(sender);
        seen.status
    };
    let (first, quick) = tokio::join!(front.send(octets(body)), quick);
    assert_eq!((first.status, quick), (204, 204));
}

#[tokio::test]
async fn a_frame_that_never_ends_is_given_up() {
    let front = Front::showing(home());
    let (sender, body) = slow();
    assert_eq!(front.send(octets(body)).await.status, 408);
    drop(sender);
}

#[tokio::test]
async fn a_typed_token_is_heard_and_a_foreign_one_refused_in_the_usual_words() {
    let front = Front::showing(home());
    assert_eq!(front.post("/token", "token=+OURS%3AABC+").await.status, 303);
    let answer = front.post("/token", "token=hello").await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("This code is not valid at this bank"));
    assert_eq!(front.post("/token", &format!("token={}", "A".repeat(600))).await.status, 422);
    assert_eq!(front.heard(), ["token OURS:ABC", "token hello"]);
}

#[tokio::test]
async fn a_paused_keypad_shows_how_long_and_has_no_keys() {
    let until = samples::NOW.plus_ms(185_000);
    let paused = Screen::Home { keypad: Keypad::Paused(until) };
    let notice = Some(Notice::Refused { reason: Refusal::TooManyTries, tries_left: 0 });
    let front = Front::showing(View { notice, ..samples::view(paused) });
    let page = front.page().await.body;
    assert!(page.contains("3:05") && page.contains(r#"data-countdown="185""#), "{page}");
    assert!(!page.contains("data-key=") && page.contains("data-camera="));
}

#[tokio::test]
async fn settings_are_kept_in_cookies_and_undone_by_reset() {
    let front = Front::showing(home());
    let answer = front.post("/settings", "set=lang-ar").await;
    assert_eq!(answer.status, 303);
    let cookies: Vec<&str> =
        answer.head.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect();
    assert_eq!(cookies[0], "bailee_lang=ar; Path=/; HttpOnly; SameSite=Strict");
    let with = |cookie: &str| {
        Front::request(Method::GET, "/").header(header::COOKIE, cookie).body(Body::empty()).unwrap()
    };
    let page = front.send(with("bailee_lang=ar; bailee_kiosk=contrast.larger")).await.body;
    assert!(page.contains(r#"<html lang="ar" dir="rtl">"#) && page.contains("أدخل رمزك"));
    assert!(page.contains(r#"class="kiosk contrast larger""#) && page.contains(r#"value="reset""#));
    assert!(!front.page().await.body.contains(r#"value="reset""#));
}

#[tokio::test]
async fn an_engine_that_stopped_is_said_and_seen() {
    let front = Front::showing(home());
    let health = || Front::request(Method::GET, "/healthz").body(Body::empty()).unwrap();
    assert_eq!(front.send(health()).await.status, 200);
    front.controller.stop();
    assert_eq!(front.send(health()).await.status, 503);
    let answer = front.post("/act", "do=finish").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("The bank does not answer"));
    assert_eq!(front.page().await.status, 200, "it still shows the last view");
}

#[tokio::test]
async fn a_bank_out_of_order_is_not_well() {
    let view = |notice| View { notice: Some(notice), ..home() };
    let front = Front::showing(view(Notice::NoSpace));
    let health = || Front::request(Method::GET, "/healthz").body(Body::empty()).unwrap();
    assert_eq!(front.send(health()).await.status, 200, "a full bank is well");
    front.controller.show(view(Notice::OutOfOrder));
    let ill = front.send(health()).await;
    assert_eq!((ill.status, ill.body.as_str()), (503, "the bank is out of order\n"));
    assert_eq!(front.page().await.status, 200, "and the page says so");
    front.controller.show(home());
    assert_eq!(front.send(health()).await.status, 200);
}

/// The next event that is not a beat, as its lines.
async fn event(body: &mut Body) -> String {
    loop {
        let bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if !text.starts_with("event: beat") {
            return text;
        }
        assert!(text.contains("data: 1"), "a beat without data is dropped by the browser");
    }
}

#[tokio::test]
async fn the_stream_sends_what_changed_and_only_that() {
    let front = Front::showing(home());
    let page = front.page().await.body;
    let url = page.split("data-events=\"").nth(1).unwrap().split('"').next().unwrap();
    let request = Front::request(Method::GET, url).body(Body::empty()).unwrap();
    let mut stream = front.raw(request).await.into_body();
    front.controller.show(samples::all().into_iter().find(|(name, _)| name == "home-alarm").unwrap().1);
    let first = event(&mut stream).await;
    assert!(first.contains("event: patch") && first.contains("id: 2."), "{first}");
    assert!(
        first.contains(r#"id="notices""#) && !first.contains(r#"id="screen""#),
        "a half-typed code stays: {first}"
    );
    front
        .controller
        .show(samples::view(Screen::Opening { compartment: CompartmentNo(7), task: Task::Pickup }));
    let second = event(&mut stream).await;
    assert!(
        second.contains(r#"id="screen""#) && without_isolates(&second).contains("Compartment 07 is opening"),
        "{second}"
    );
}

#[tokio::test]
async fn a_page_that_comes_back_gets_what_it_missed() {
    let front = Front::showing(home());
    let id = "1.00000000-00000000-00000000-00000000";
    let request =
        Front::request(Method::GET, "/events").header("last-event-id", id).body(Body::empty()).unwrap();
    let mut stream = front.raw(request).await.into_body();
    let first = event(&mut stream).await;
    for part in ["notices", "screen", "side", "idle"] {
        assert!(first.contains(&format!(r#"id="{part}""#)), "{part}");
    }
}

#[tokio::test]
async fn streams_are_counted_and_their_places_given_back() {
    let front = Front::showing(home());
    let follow = || Front::request(Method::GET, "/events").body(Body::empty()).unwrap();
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(front.raw(follow()).await);
    }
    assert_eq!(front.raw(follow()).await.status().as_u16(), 503);
    drop(open);
    assert_eq!(front.raw(follow()).await.status().as_u16(), 200);
}

#[tokio::test]
async fn a_foreign_page_takes_no_place_of_a_stream() {
    let front = Front::showing(home());
    let follow = |site: Option<&str>| {
        let request = Request::builder().uri("/events").header(header::HOST, HOST);
        let request = site.into_iter().fold(request, |request, site| request.header("sec-fetch-site", site));
        request.body(Body::empty()).unwrap()
    };
    for site in ["cross-site", "same-site", "", "Same-Origin"] {
        for _ in 0..9 {
            assert_eq!(front.raw(follow(Some(site))).await.status().as_u16(), 403, "{site}");
        }
    }
    for site in [Some("same-origin"), Some("none"), None] {
        assert_eq!(front.raw(follow(site)).await.status().as_u16(), 200, "{site:?}");
    }
}
