//! Hands messages to their gateways, again and again for three days, and gives up loudly.
//!
//! Before each attempt the message's next attempt is stored, so that a stop in the middle means one more attempt and
//! never a loop: delivery is at least once, under the same message id. What a message says is wiped with its end.

use std::sync::Arc;

use bailee_domain::platform::Channel;
use futures_util::{StreamExt, stream};

use super::{JobError, Outbound, Progress};
use crate::app::App;
use crate::app::delivery::{self, Attempt, Outcome};
use crate::notify::{Content, SendFailure, Sender};
use crate::store::tables::message::MessageRow;

/// Messages taken up in one run.
const BATCH: u32 = 64;
/// Attempts at the same time.
const AT_ONCE: usize = 8;

/// Tries every message whose time has come, alarms first.
///
/// Only the handing over happens at the same time: the store is asked for one message after the other.
///
/// # Errors
/// The store's, after every message taken up was tried.
pub async fn run_once(app: &App, outbound: &Outbound) -> Result<Progress, JobError> {
    let (mut count, mut attempts, mut failure) = (0, Vec::new(), None);
    for row in delivery::due(app, BATCH).await? {
        let (sender, other) = gateways(outbound, row.channel);
        match delivery::take_up(app, row, sender.is_none() && other.is_some()).await {
            Ok(attempt) => {
                count += 1;
                attempts.extend(attempt);
            }
            Err(error) => failure = Some(error),
        }
    }
    let mut tried =
        stream::iter(attempts).map(|attempt| hand_over(outbound, attempt)).buffer_unordered(AT_ONCE);
    while let Some((row, outcome)) = tried.next().await {
        if let Err(error) = delivery::finish(app, row, outcome).await {
            failure = Some(error);
        }
    }
    failure.map_or(Ok(Progress::of(count)), |error| Err(error.into()))
}

type Gateway = Option<Arc<dyn Sender>>;

/// The gateway of a channel, and that of the other.
fn gateways(outbound: &Outbound, channel: Channel) -> (&Gateway, &Gateway) {
    match channel {
        Channel::Email => (&outbound.email, &outbound.sms),
        Channel::Sms => (&outbound.sms, &outbound.email),
    }
}

async fn hand_over(outbound: &Outbound, attempt: Attempt) -> (MessageRow, Outcome) {
    let Attempt { row, outgoing } = attempt;
    let outcome = match (gateways(outbound, row.channel).0, outgoing) {
        (_, Err(why)) => Outcome::GivenUp(why),
        (None, Ok(_)) => Outcome::Later("no gateway is set up for this channel".to_owned()),
        (Some(sender), Ok(outgoing)) => match sender.send(&outgoing).await {
            Ok(_) => Outcome::Sent,
            Err(SendFailure::Temporary(why) | SendFailure::Unknown(why)) => {
                Outcome::Later(without_address(&why, &outgoing.content))
            }
            Err(SendFailure::Permanent(why)) => Outcome::GivenUp(without_address(&why, &outgoing.content)),
        },
    };
    (row, outcome)
}

/// A gateway's words without the address it was given, which many repeat: they are stored in clear.
fn without_address(why: &str, content: &Content) -> String {
    let address = match content {
        Content::Email(mail) => mail.to.as_str(),
        Content::Sms(sms) => sms.to.as_str().trim_start_matches('+'),
    };
    let (mut rest, mut kept) = (why, String::with_capacity(why.len()));
    while let Some(at) = rest.to_ascii_lowercase().find(&address.to_ascii_lowercase()) {
        kept.push_str(&rest[..at]);
        kept.push('…');
        rest = &rest[at + address.len()..];
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::SmsContent;

    #[test]
    fn what_a_gateway_says_is_kept_without_the_address() {
        let content = Content::Sms(SmsContent { to: "+4915155512345".parse().unwrap(), text: String::new() });
        let said = "21211 +4915155512345 é is not a mobile number (4915155512345)";
        assert_eq!(without_address(said, &content), "21211 +… é is not a mobile number (…)");
        assert_eq!(without_address("later", &content), "later");
    }
}
