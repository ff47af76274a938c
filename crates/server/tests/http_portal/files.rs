//! Photos and files as staff attach them, with and without what a browser does for them.

use bailee_domain::access::Role;
use bailee_domain::compartment::CompartmentNo;

use super::*;

const PHOTO: &[u8] = b"\xff\xd8\xff\r\n--not the end\r\n";

/// A body as a browser makes it.
fn body(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--b0und\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    if let Some((name, content)) = file {
        let head = format!(
            "--b0und\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/jpeg\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend(content);
        body.extend(b"\r\n");
    }
    body.extend(b"--b0und--\r\n");
    body
}

struct Door {
    platform: Platform,
    browser: Browser,
    about: String,
    page: String,
    alert: String,
}

impl Door {
    async fn new() -> Self {
        let platform = platform().await;
        let mut browser = platform.signed_in().await;
        let bank =
            app_bank::FakeBank::enrolled(&platform.app, &platform.clock, &everything(), "Lobby", 1).await;
        bank.force(CompartmentNo(4));
        bank.upload().await;
        let about = format!("compartment {} 4", bank.id);
        let page = format!("/files?about=compartment+{}+4", bank.id);
        let alerts = browser.get("/alerts").await.expect(200).body;
        let at = alerts.find("/evidence?alert=").expect("evidence of an alert") + 16;
        let alert = alerts[at..].split('"').next().unwrap().to_owned();
        Self { platform, browser, about, page, alert }
    }

    async fn send(&mut self, file: Option<(&str, &[u8])>, fields: &[(&str, &str)]) -> http_support::Answer {
        let form = self.browser.get(&self.page).await.expect(200);
        let (csrf, key) = (form.hidden("csrf"), form.hidden("idempotency"));
        let own = [("csrf", csrf.as_str()), ("idempotency", key.as_str()), ("about", self.about.as_str())];
        let all: Vec<_> = own.into_iter().chain(fields.iter().copied()).collect();
        self.browser.post_multipart("/files", body(&all, file)).await
    }
}

#[tokio::test]
async fn a_certificate_is_kept_with_the_hardware_record_that_names_it() {
    let mut door = Door::new().await;
    let bank = door.about.split(' ').nth(1).unwrap().to_owned();
    let record = door.browser.get(&format!("/banks/{bank}/commission")).await.expect(200).body;
    (door.about, door.page) = (format!("bank {bank}"), format!("/files?about=bank+{bank}"));
    assert!(record.contains(&door.page), "the record leads there");
    let certificate = b"%PDF-1.7 of the burglary class\n%%EOF\n";
    door.send(Some(("EN 14450 S2.pdf", certificate)), &[("note", "Certificate of the body")])
        .await
        .expect(303);
    let page = door.browser.get(&door.page.clone()).await.expect(200).body;
    assert!(
        page.contains("EN 14450 S2.pdf") && page.contains(&format!("/banks/{bank}/commission")),
        "{page}"
    );
    let nowhere = format!("/files?about=bank+{}", bailee_domain::id::BankId::from_bytes([9; 16]));
    door.browser.get(&nowhere).await.expect(404);
}

#[tokio::test]
async fn a_photo_is_attached_listed_fetched_and_destroyed() {
    let mut door = Door::new().await;
    let note = [("note", "The door from outside")];
    let attached = door.send(Some(("IMG_1.jpg", PHOTO)), &note).await.expect(303);
    assert!(attached.location().ends_with("done=file-attached"), "{}", attached.location());
    let page = door.browser.get(&door.page.clone()).await.expect(200).body;
    let sha256 = bailee_wire::event::hex(&bailee_wire::event::chain_hash(PHOTO));
    for words in ["IMG_1.jpg", "The door from outside", "Photo (JPEG)", sha256.as_str(), "Alex Example"] {
        assert!(page.contains(words), "{words} in {page}");
    }
    let at = page.find("/files/fil_").expect("the file");
    let file = page[at..].split('"').next().unwrap().to_owned();
    let fetched = door.browser.get(&file).await.expect(200);
    assert_eq!(fetched.bytes, PHOTO);
    assert!(fetched.header("content-disposition").starts_with("attachment; filename=\"fil_"));
    assert_eq!(fetched.header("content-type"), "image/jpeg");

    door.platform.sequence().await;
    let log = door.browser.get("/audit?kind=FileAttached").await.expect(200).body;
    assert!(log.contains("File attached") && log.contains("Lobby · 04"), "{log}");
    let about = door.about.clone();
    let destroyed = door.browser.submit(&door.page, &format!("{file}/destroy"), &[("about", &about)]).await;
    assert!(destroyed.expect(303).location().ends_with("done=file-destroyed"));
    door.browser.get(&file).await.expect(404);
    assert!(door.browser.get(&door.page.clone()).await.expect(200).body.contains("Destroyed"));
}

#[tokio::test]
async fn what_cannot_be_attached_is_said_in_words() {
    let mut door = Door::new().await;
    for (file, words) in [
        (None, "href=\"#file\""),
        (Some(("", &b""[..])), "href=\"#file\""),
        (Some(("door.jpg", &b"<html>"[..])), "no JPEG or PNG photo and no PDF"),
    ] {
        let again = door.send(file, &[("note", "kept")]).await.expect(422).body;
        assert!(again.contains(words) && again.contains("value=\"kept\""), "{words} in {again}");
    }
    let large = vec![0xff; (10 << 20) + 100_000];
    let refused = door.send(Some(("large.jpg", &large)), &[]).await.expect(413).body;
    assert!(refused.contains("This file is too large"), "{refused}");
    let without = body(&[("about", &door.about)], Some(("x.jpg", PHOTO)));
    door.browser.post_multipart("/files", without).await.expect(403);
    let csrf = door.browser.get("/").await.expect(200).hidden("csrf");
    let elsewhere = body(&[("csrf", &csrf)], Some(("x.jpg", PHOTO)));
    door.browser.post_multipart("/settings/site", elsewhere).await.expect(403);
    door.browser.post_multipart("/files", b"--b0und\r\nnonsense".to_vec()).await.expect(400);
    door.browser.get("/files?about=nothing").await.expect(404);
    let mut auditor = door.platform.somebody(Role::Auditor).await;
    let seen = auditor.get(&door.page).await.expect(200).body;
    assert!(!seen.contains("type=\"file\""), "{seen}");
}

#[tokio::test]
async fn evidence_about_an_incident_is_asked_for_from_its_alert() {
    let mut door = Door::new().await;
    let page = format!("/evidence?alert={}", door.alert);
    let form = door.browser.get(&page).await.expect(200).body;
    assert!(form.contains("<option value=\"incident\" selected>"), "{form}");
    let fields =
        [("about", "incident"), ("alert", &*door.alert), ("reason", "Claim 4711"), ("tell-files", "yes")];
    let asked = door.browser.submit(&page, "/evidence", &fields).await.expect(303);
    assert_eq!(asked.location(), "/evidence?done=evidence-asked");
    let listed = door.browser.get("/evidence").await.expect(200).body;
    assert!(listed.contains(&door.alert) && listed.contains("Claim 4711"), "{listed}");
    let nowhere = format!("alr_{}", "0".repeat(26));
    for alert in ["", "alr_x", &nowhere] {
        let fields = [("about", "incident"), ("alert", alert), ("reason", "Claim 4711")];
        let again = door.browser.submit(&page, "/evidence", &fields).await.expect(422).body;
        assert!(again.contains("href=\"#alert\""), "{alert}: {again}");
    }
}
