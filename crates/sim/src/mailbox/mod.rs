//! A mailbox for the demo and for tests: it receives e-mail and text messages over real protocols, on loopback.
//!
//! [`SmtpPeer`] speaks SMTP, [`GatewayPeer`] speaks the two shapes of text message gateway; both put what they get
//! into a [`Mailbox`], and both can misbehave on request ([`Behaviour`]). It keeps everything in memory, bounded, and
//! is never part of a real platform. Start with [`Mailbox::new`].

mod gateway;
mod smtp;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast};
use tokio::task::{AbortHandle, JoinSet};

pub use gateway::{Credentials, GatewayPeer};
pub use smtp::SmtpPeer;

/// The most messages kept; the oldest goes first.
pub const MESSAGES: usize = 500;
/// The most connections served at once by one peer.
const CONNECTIONS: usize = 64;

/// How a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Over SMTP.
    Email,
    /// Over the text message gateway.
    Sms,
}

/// A file that came with an e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its file name, if it has one.
    pub name: Option<String>,
    /// Its media type, such as `image/png`.
    pub media_type: String,
    /// The id by which the HTML part may name it.
    pub content_id: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// How it came in.
    pub channel: Channel,
    /// The address or number it was for.
    pub to: String,
    /// The e-mail's subject.
    pub subject: Option<String>,
    /// The plain text.
    pub text: String,
    /// The e-mail's HTML part.
    pub html: Option<String>,
    /// What came with the e-mail.
    pub attachments: Vec<Attachment>,
    /// The sender's id of the message (`Message-ID` or `Idempotency-Key`): a duplicate has the same one.
    pub message_id: Option<String>,
    /// When it came in, in Unix milliseconds by the mailbox's clock.
    pub at_ms: i64,
}

/// What a peer does with a message; changed at any time, for the connections that follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes it.
    #[default]
    Good,
    /// Resets each connection at once.
    RefuseConnection,
    /// Says that it can't now (SMTP 450, HTTP 503).
    Temporary,
    /// Says that it never will (SMTP 550, HTTP 400).
    Permanent,
    /// Takes the connection and never says a word.
    HangAfterConnect,
    /// Takes the content and never answers.
    HangAfterData,
    /// Takes and keeps the content, and closes the connection instead of answering.
    DropAfterData,
    /// Says it took the message, and loses it (counted by [`Mailbox::lost`]).
    Lie,
    /// Answers the connection with bytes that aren't its protocol.
    Garbage,
    /// Takes and keeps the content, and answers with bytes that aren't its protocol.
    GarbageAfterData,
    /// Answers with far too much.
    Huge,
}

struct Shelf {
    messages: VecDeque<Received>,
    lost: u64,
}

struct Inner {
    shelf: Mutex<Shelf>,
    news: broadcast::Sender<Received>,
    clock: Box<dyn Fn() -> i64 + Send + Sync>,
}

/// The messages that came in, shared by all its clones.
#[derive(Clone)]
pub struct Mailbox(Arc<Inner>);

impl Mailbox {
    /// An empty mailbox; `clock` tells the time in Unix milliseconds.
    pub fn new(clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        let shelf = Mutex::new(Shelf { messages: VecDeque::new(), lost: 0 });
        let (news, _) = broadcast::channel(64);
        Self(Arc::new(Inner { shelf, news, clock: Box::new(clock) }))
    }

    /// What came in, oldest first, at most [`MESSAGES`].
    pub fn messages(&self) -> Vec<Received> {
        self.shelf().messages.iter().cloned().collect()
    }

    /// How many messages were accepted and thrown away ([`Behaviour::Lie`]).
    pub fn lost(&self) -> u64 {
        self.shelf().lost
    }

    /// Hears of every message from now on; a listener that lags behind by more than 64 messages misses some.
    pub fn subscribe(&self) -> broadcast::Receiver<Received> {
        self.0.news.subscribe()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        (self.0.clock)()
    }

    fn keep(&self, message: Received) {
        let mut shelf = self.shelf();
        if shelf.messages.len() == MESSAGES {
            shelf.messages.pop_front();
        }
        shelf.messages.push_back(message.clone());
        drop(shelf);
        // Nobody listening is fine: the message is on the shelf.
        let _ = self.0.news.send(message);
    }

    fn lose(&self) {
        self.shelf().lost += 1;
    }
}

/// A behaviour that can be changed while the peer runs.
#[derive(Clone, Default)]
struct Mood(Arc<Mutex<Behaviour>>);

impl Mood {
    fn now(&self) -> Behaviour {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, behaviour: Behaviour) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }
}

/// A loopback listener whose connections end when it is dropped.
struct Peer {
    address: SocketAddr,
    mood: Mood,
    accepting: AbortHandle,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Peer {
    async fn start<F, S>(serve: S) -> io::Result<Self>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
        S: Fn(TcpStream, Behaviour) -> F + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let mood = Mood::default();
        let accepting = tokio::spawn(accept(listener, mood.clone(), serve)).abort_handle();
        Ok(Self { address, mood, accepting })
    }
}

/// Connections live in a set owned by this future, so they end with it.
async fn accept<F, S>(listener: TcpListener, mood: Mood, serve: S)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
    S: Fn(TcpStream, Behaviour) -> F + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let behaviour = mood.now();
        if behaviour == Behaviour::RefuseConnection {
            // A reset rather than a goodbye; if the option fails, closing is close enough.
            let _ = stream.set_zero_linger();
            continue;
        }
        let serving = serve(stream, behaviour);
        connections.spawn(async move {
            // The other side going away is its own business.
            let _ = serving.await;
            drop(place);
        });
    }
}

/// Says nothing until the other side leaves.
async fn hang(stream: &mut TcpStream) -> io::Result<()> {
    tokio::io::copy(stream, &mut tokio::io::sink()).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: usize) -> Received {
        Received {
            channel: Channel::Sms,
            to: "+12025550123".into(),
            subject: None,
            text: number.to_string(),
            html: None,
            attachments: Vec::new(),
            message_id: None,
            at_ms: 0,
        }
    }

    #[tokio::test]
    async fn the_mailbox_is_bounded_and_tells_its_listeners() {
        let mailbox = Mailbox::new(|| 7);
        let mut news = mailbox.subscribe();
        mailbox.keep(message(0));
        assert_eq!(news.recv().await.unwrap().text, "0");
        for number in 1..=MESSAGES {
            mailbox.keep(message(number));
        }
        let kept = mailbox.messages();
        assert_eq!((kept.len(), kept[0].text.as_str()), (MESSAGES, "1"));
    }
}
