//! A controller that only remembers what it was told, behind the real pages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, header};
use bailee_domain::bank::io::Action;
use bailee_domain::bank::screen::View;
use bailee_domain::time::WallTime;
use bailee_edge::kiosk::http::router;
use bailee_edge::kiosk::{Away, Heard, Kiosk, samples};
use http_body_util::BodyExt;
use tokio::sync::{Notify, Semaphore, watch};
use tower::ServiceExt;

pub const HOST: &str = "localhost:8081";

pub struct Controller {
    view: Mutex<Option<watch::Sender<Arc<View>>>>,
    follow: watch::Receiver<Arc<View>>,
    /// The actions and token texts heard, in order.
    pub heard: Mutex<Vec<String>>,
    /// What every action leads to.
    pub then: Mutex<Option<View>>,
    /// One place for each token that may be answered.
    pub answers: Semaphore,
    /// Told when a token waits for its answer.
    pub asked: Notify,
}

impl Controller {
    pub fn showing(view: View) -> Arc<Self> {
        let (sender, follow) = watch::channel(Arc::new(view));
        let view = Mutex::new(Some(sender));
        let (heard, then) = Default::default();
        let answers = Semaphore::new(100);
        Arc::new(Self { view, follow, heard, then, answers, asked: Notify::new() })
    }

    pub fn show(&self, mut view: View) {
        view.version = self.follow.borrow().version + 1;
        self.view.lock().unwrap().as_ref().unwrap().send_replace(Arc::new(view));
    }

    /// The engine loop ends.
    pub fn stop(&self) {
        self.view.lock().unwrap().take();
    }

    fn hear(&self, what: String) -> Result<(), Away> {
        if self.view.lock().unwrap().is_none() {
            return Err(Away);
        }
        self.heard.lock().unwrap().push(what);
        if let Some(next) = self.then.lock().unwrap().clone() {
            self.show(next);
        }
        Ok(())
    }
}

impl Kiosk for Controller {
    fn view(&self) -> watch::Receiver<Arc<View>> {
        self.follow.clone()
    }

    fn now(&self) -> WallTime {
        samples::NOW
    }

    async fn act(&self, action: Action) -> Result<(), Away> {
        let digits = match action {
            Action::EnterCode(code) => String::from_utf8_lossy(code.digits()).into_owned(),
            _ => String::new(),
        };
        self.hear(format!("{action:?}{digits}"))
    }

    async fn token(&self, text: String) -> Result<Heard, Away> {
        let ours = text.starts_with("OURS");
        self.hear(format!("token {text}"))?;
        self.asked.notify_one();
        self.answers.acquire().await.unwrap().forget();
        Ok(if ours { Heard::Ours } else { Heard::NotOurs })
    }
}

/// The kiosk in front of a controller.
pub struct Front {
    pub controller: Arc<Controller>,
    router: Router,
}

pub struct Answer {
    pub status: u16,
    pub head: axum::http::HeaderMap,
    pub body: String,
}

impl Front {
    pub fn showing(view: View) -> Self {
        let controller = Controller::showing(view);
        let router = router(Arc::clone(&controller), samples::setup(), Duration::from_millis(5));
        Self { controller, router }
    }

    /// A request as our own page sends it.
    pub fn request(method: Method, path: &str) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
        request.header("sec-fetch-site", "same-origin")
    }

    pub async fn raw(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.raw(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            head: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    pub async fn page(&self) -> Answer {
        self.send(Self::request(Method::GET, "/").body(Body::empty()).unwrap()).await
    }

    /// A form without JavaScript.
    pub async fn post(&self, path: &str, form: &str) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        let request = Self::request(Method::POST, path)
            .header(header::ORIGIN, "null")
            .header(header::CONTENT_TYPE, kind);
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// The same form from the module.
    pub async fn fetch(&self, path: &str, form: &str) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        let request =
            Self::request(Method::POST, path).header("x-fragment", "1").header(header::CONTENT_TYPE, kind);
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    pub async fn frame(&self, width: u32, height: u32, luma: Vec<u8>) -> Answer {
        let path = format!("/frame?width={width}&height={height}");
        let request =
            Self::request(Method::POST, &path).header(header::CONTENT_TYPE, "application/octet-stream");
        self.send(request.body(Body::from(luma)).unwrap()).await
    }

    pub fn heard(&self) -> Vec<String> {
        self.controller.heard.lock().unwrap().clone()
    }
}
