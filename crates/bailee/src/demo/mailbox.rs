//! `/demo/mailbox`: what arrived at the demonstration's own mail server and text message gateway.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use bailee_server::http::portal::views::demo::{self as view, Inbox, Way};
use bailee_sim::mailbox::{Channel, Mailbox, Received};
use bailee_ui::i18n::Locale;
use bailee_ui::layout::Page;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::Stream;

const BEAT: Duration = Duration::from_secs(3);

/// The mailbox's routes, to be mounted below `/demo`.
pub fn router(mailbox: Mailbox) -> Router {
    Router::new().route("/mailbox", get(show)).route("/mailbox/events", get(follow)).with_state(mailbox)
}

async fn show(State(mailbox): State<Mailbox>, headers: HeaderMap) -> Html<String> {
    let page = Page::new(Locale::negotiate(&headers), "");
    Html(render(&mailbox, page, Some("/demo/mailbox/events".to_owned())))
}

fn render(mailbox: &Mailbox, page: Page, stream: Option<String>) -> String {
    let view = view::Mailbox { page, stream, inboxes: inboxes(mailbox) };
    view.render().expect("the template only prints text")
}

fn inboxes(mailbox: &Mailbox) -> Vec<Inbox> {
    let mut messages = mailbox.messages();
    messages.reverse();
    let mut by_address: BTreeMap<String, usize> = BTreeMap::new();
    let mut inboxes: Vec<Inbox> = Vec::new();
    for (number, message) in messages.into_iter().enumerate() {
        let at = *by_address.entry(message.to.clone()).or_insert_with(|| {
            inboxes.push(Inbox { address: message.to.clone(), messages: Vec::new() });
            inboxes.len() - 1
        });
        inboxes[at].messages.push(shown(number, message));
    }
    inboxes
}

fn shown(number: usize, message: Received) -> view::Received {
    let picture = message.attachments.iter().find(|a| a.media_type == "image/png");
    let at = jiff::Timestamp::from_millisecond(message.at_ms).map(|at| format!("{at:.0}"));
    view::Received {
        id: format!("m{number}"),
        way: if message.channel == Channel::Email { Way::Email } else { Way::Sms },
        subject: message.subject.unwrap_or_default(),
        qr: picture.map(|p| format!("data:image/png;base64,{}", BASE64.encode(&p.bytes))).unwrap_or_default(),
        text: message.text,
        at: at.unwrap_or_default(),
    }
}

/// Patches the list at once, because something may have arrived since the page was drawn, and whenever something arrives.
async fn follow(
    State(mailbox): State<Mailbox>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let locale = Locale::negotiate(&headers);
    let news = mailbox.subscribe();
    let mailbox = Arc::new(mailbox);
    Sse::new(futures_util::stream::unfold((news, false), move |(mut news, caught_up)| {
        let mailbox = mailbox.clone();
        async move {
            let heard = if caught_up { tokio::time::timeout(BEAT, news.recv()).await.is_ok() } else { true };
            // Missed some or got one: either way the whole list is drawn anew.
            let event = if heard {
                Event::default().event("patch").data(list(&mailbox, locale))
            } else {
                Event::default().event("beat").data("")
            };
            Some((Ok(event), (news, true)))
        }
    }))
}

/// The list alone, cut out of the page so that both are drawn by one template.
fn list(mailbox: &Mailbox, locale: Locale) -> String {
    let whole = render(mailbox, Page::new(locale, ""), None);
    let start = whole.find("<div id=\"mailbox\"").unwrap_or(0);
    let end = whole.rfind("</main>").unwrap_or(whole.len());
    whole[start..end].replace('\r', "")
}
