//! Gateways for messages that keep what they are given and refuse now and then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailee_server::notify::{Accepted, Channel, Content, Outgoing, SendFailure, Sender, Sending};
use rand_chacha::ChaCha12Rng;
use rand_core::Rng;

/// A message a gateway took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The platform's id of it.
    pub id: String,
    /// Its words.
    pub text: String,
}

/// What both gateways did.
pub struct Post {
    rng: ChaCha12Rng,
    taken: Vec<Taken>,
    refused: u64,
    /// In how many of a hundred cases a message is refused for now.
    pub refuses_percent: u32,
}

impl Post {
    /// Gateways that have seen nothing yet.
    pub const fn new(rng: ChaCha12Rng) -> Self {
        Self { rng, taken: Vec::new(), refused: 0, refuses_percent: 10 }
    }

    /// What was taken and how often a message was refused, since last asked.
    pub fn collect(&mut self) -> (Vec<Taken>, u64) {
        (std::mem::take(&mut self.taken), std::mem::take(&mut self.refused))
    }

    fn offer(&mut self, message: &Outgoing) -> Result<Accepted, SendFailure> {
        if self.rng.next_u32() % 100 < self.refuses_percent {
            self.refused += 1;
            return Err(SendFailure::Temporary("busy".into()));
        }
        let text = match &message.content {
            Content::Email(email) => email.text.clone(),
            Content::Sms(sms) => sms.text.clone(),
        };
        self.taken.push(Taken { id: message.id.as_str().to_owned(), text });
        Ok(Accepted { reference: "taken".into() })
    }
}

/// One gateway.
pub struct FakeGateway {
    channel: Channel,
    post: Arc<Mutex<Post>>,
}

impl FakeGateway {
    /// A gateway of this channel.
    pub fn new(channel: Channel, post: &Arc<Mutex<Post>>) -> Self {
        Self { channel, post: post.clone() }
    }
}

/// The post, whoever panicked while holding it.
pub fn lock(post: &Mutex<Post>) -> MutexGuard<'_, Post> {
    post.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender for FakeGateway {
    fn channel(&self) -> Channel {
        self.channel
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        let answer = lock(&self.post).offer(message);
        Box::pin(std::future::ready(answer))
    }
}
