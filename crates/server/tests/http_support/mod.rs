//! A platform in memory behind its whole router, and a browser and a program that talk to it.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, header};
use bailee_domain::access::{Assignment, Permission, Role, Scope};
use bailee_domain::bank::io::Request as Asked;
use bailee_domain::compartment::Reach;
use bailee_domain::id::{BankId, PersonId, SessionId};
use bailee_domain::time::WallTime;
use bailee_ledger::disk::MemoryDisk;
use bailee_server::app::install::{self, Names, Outside};
use bailee_server::app::link::{Ask, Asking, NotAnswered};
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::set_up::{self, Administrator};
use bailee_server::app::tokens::{self, NewToken};
use bailee_server::app::{App, Principal, TestClock};
use bailee_server::http::{self, Options};
use bailee_server::ledger::Sequencer;
use bailee_server::store::tables::session::SessionRow;
use bailee_server::store::tables::{assignment, session};
use bailee_server::store::{Db, DbConfig};
use bailee_vault::kek::MemoryKek;
use bailee_vault::stretch::Cost;
use bailee_vault::token::{Token, TokenKind};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tower::ServiceExt as _;

pub const START: WallTime = WallTime::from_unix_ms(1_795_500_000_000);
pub const EMAIL: &str = "alex@example.org";
pub const PASSWORD: &str = "a locker needs no key";
pub const URL: &str = "http://127.0.0.1:8080";

/// Banks that never answer.
pub struct Silent;

impl Ask for Silent {
    fn ask(&self, _: BankId, _: Asked, _: WallTime) -> Asking<'_> {
        Box::pin(std::future::ready(Err(NotAnswered)))
    }
}

/// A platform with nobody in it yet.
pub struct Platform {
    pub app: App,
    pub clock: Arc<TestClock>,
    pub router: Router,
    pub sequencer: Sequencer,
    pub log_key: bailee_audit::key::VerifyingKey,
}

pub async fn platform() -> Platform {
    platform_at(URL).await
}

pub async fn platform_at(url: &str) -> Platform {
    platform_on(Db::open(&DbConfig::memory()).await.unwrap(), url).await
}

/// A platform with nobody in it yet, on this database.
pub async fn platform_on(db: Db, url: &str) -> Platform {
    let clock = Arc::new(TestClock::at(START));
    let kek = MemoryKek::random(&mut ChaCha20Rng::seed_from_u64(1));
    let rng = Box::new(ChaCha20Rng::seed_from_u64(2));
    let outside = Outside {
        clock: Box::new(clock.clone()),
        rng,
        cost: Cost::SIMULATION,
        ledger: install::LedgerDisk::Own(Box::new(MemoryDisk::default())),
    };
    let names = Names { org: "Harbour Homes".into(), site: "Harbour House".into() };
    let app = install::open_or_create(db, &kek, outside, &names).await.unwrap();
    let log_key = install::log_key(&app).unwrap().verifying;
    let options =
        Options { log_key: log_key.to_string(), link_address: "127.0.0.1:8443".into(), ..Options::new(url) };
    let router = http::router(app.clone(), Arc::new(Silent), options);
    let sequencer = install::sequencer(&app);
    Platform { app, clock, router, sequencer, log_key }
}

impl Platform {
    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), accept: "text/html" }
    }

    /// Turns every event there is into a leaf.
    pub async fn sequence(&self) {
        self.sequencer.run_once(self.app.now().unix_ms()).await.unwrap();
    }

    /// The first administrator, made without HTTP.
    pub async fn administrator(&self) -> PersonId {
        let link = set_up::offer(&self.app).await.unwrap();
        let who = Administrator { name: "Alex Example", email: EMAIL, password: PASSWORD };
        set_up::redeem(&self.app, link.expose(), who).await.unwrap()
    }

    /// A browser the administrator is signed in with.
    pub async fn signed_in(&self) -> Browser {
        self.administrator().await;
        let mut browser = self.browser();
        browser.sign_in(EMAIL, PASSWORD).await;
        browser
    }

    /// An API token of the installation with these permissions.
    pub async fn token(&self, permissions: &[Permission]) -> Program {
        let new = NewToken { name: "test", permissions: permissions.to_vec(), days: 90 };
        let made = tokens::create(&self.app, &Principal::PLATFORM, new).await.unwrap();
        Program { router: self.router.clone(), token: made.token.expose().to_owned(), keys: 0 }
    }

    /// A browser somebody with just this role is signed in with.
    pub async fn somebody(&self, role: Role) -> Browser {
        let admin = Principal {
            actor: bailee_domain::platform::Actor::Platform,
            roles: vec![Assignment { role: Role::SuperAdmin, scope: Scope::Organisation }],
            limited_to: None,
        };
        let email = format!("{}@example.org", role.name());
        let input =
            ResidentInput { name: role.name(), unit: "1", email: &email, phone: "", reach: Reach::Standard };
        let person = people::add_resident(&self.app, &admin, input).await.unwrap();
        let (token, id) = self
            .app
            .draw(|mut rng| (Token::generate(TokenKind::Session, &mut rng), SessionId::new(START, &mut rng)));
        let (hash, now) = (token.hash().0, self.app.now());
        let made = self.app.db().tx(async move |tx| {
            let row = SessionRow { id, person, created_at: now, last_used: now };
            session::insert(&tx, hash, &row).await?;
            tx.exec("DELETE FROM assignment WHERE person = $1", bailee_server::params![person.to_string()])
                .await?;
            assignment::insert(&tx, person, Assignment { role, scope: Scope::Organisation }).await?;
            Ok(())
        });
        let made: Result<(), bailee_server::app::AppError> = made.await;
        made.unwrap();
        let mut browser = self.browser();
        browser.cookies.insert("bailee".into(), token.expose().to_owned());
        browser
    }
}

/// An answer, read whole.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("JSON, not {}", self.body))
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The value of a hidden input of the first form that has one of this name.
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest =
            self.body.split_once(&start).unwrap_or_else(|| panic!("a field {name} in {}", self.body)).1;
        rest.split('"').next().unwrap().to_owned()
    }
}

pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    // A stream of events has no end to wait for.
    let endless = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let bytes = if endless { Vec::new() } else { to_bytes(body, 16 << 20).await.unwrap().to_vec() };
    let body = String::from_utf8_lossy(&bytes).into_owned();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body, bytes }
}

/// A browser: keeps cookies and says where its forms come from.
#[derive(Clone)]
pub struct Browser {
    pub router: Router,
    pub cookies: BTreeMap<String, String>,
    pub accept: &'static str,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).body(Body::empty()).unwrap();
        self.take(request).await
    }

    /// Posts fields as they are.
    pub async fn post_raw(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut request = self.request(Method::POST, path);
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(form.finish())).unwrap();
        self.take(request).await
    }

    /// Posts a body of `multipart/form-data` with the boundary `b0und`.
    pub async fn post_multipart(&mut self, path: &str, body: Vec<u8>) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b0und")
            .header("sec-fetch-site", "same-origin");
        self.take(request.body(Body::from(body)).unwrap()).await
    }

    /// Opens `page`, fills in its form and sends it to `path`.
    pub async fn submit(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = self.get(page).await.expect(200);
        let (csrf, key) = (form.hidden("csrf"), format!("{}.t", form.hidden("idempotency")));
        let mut all = vec![("csrf", csrf.as_str()), ("idempotency", key.as_str())];
        all.extend_from_slice(fields);
        self.post_raw(path, &all, &[("sec-fetch-site", "same-origin")]).await
    }

    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let fields = [("email", email), ("password", password), ("next", "/")];
        self.submit("/sign-in", "/sign-in", &fields).await.expect(303)
    }

    fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8080")
            .header(header::ACCEPT, self.accept)
            .header(header::COOKIE, cookies.join("; "))
    }

    async fn take(&mut self, request: Request<Body>) -> Answer {
        let answer = send(&self.router, request).await;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// A program with a token.
#[derive(Clone)]
pub struct Program {
    pub router: Router,
    pub token: String,
    pub keys: u32,
}

impl Program {
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None, &[]).await
    }

    pub async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.keys += 1;
        let key = format!("key-{}", self.keys);
        self.call(Method::POST, path, Some(body), &[("idempotency-key", &key)]).await
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8080")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_owned()));
        send(&self.router, request.body(body).unwrap()).await
    }
}
