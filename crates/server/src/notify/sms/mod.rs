//! Text messages through an HTTP gateway, in two shapes: Twilio's Messages API and Kannel's `sendsms`.
//!
//! Neither shape lets a gateway recognise a duplicate for certain; our message id travels as `Idempotency-Key` for
//! those that can. Start with [`Sms`]; a new shape is a new file and a new arm of [`Shape`].

mod gsm;
pub(super) mod kannel;
pub(super) mod twilio;

use super::http::Gateway;
use super::message::{Channel, Content, Outgoing};
use super::{Accepted, SendFailure, Sender, Sending};
use kannel::Kannel;
use twilio::Twilio;

/// The gateway's interface, with what it needs to let us in.
pub(super) enum Shape {
    Twilio(Twilio),
    Kannel(Kannel),
}

/// Sends text messages through one gateway.
pub struct Sms {
    pub(super) gateway: Gateway,
    pub(super) shape: Shape,
}

impl Sender for Sms {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }
}

impl Sms {
    async fn deliver(&self, message: &Outgoing) -> Result<Accepted, SendFailure> {
        let Content::Sms(sms) = &message.content else {
            return Err(SendFailure::Permanent("an e-mail can't be sent as text message".to_owned()));
        };
        let recipient = sms.to.as_str();
        match &self.shape {
            Shape::Twilio(twilio) => {
                twilio::read(&self.gateway.call(twilio.call(&message.id, sms)?).await?, recipient)
            }
            Shape::Kannel(kannel) => {
                kannel::read(&self.gateway.call(kannel.call(&message.id, sms)?).await?, recipient)
            }
        }
    }
}
