//! One enrolment: one message in, one out.

use std::time::Duration;

use bailee_vault::sign::PublicKey;
use bailee_vault::tls::Pin;
use bailee_wire::enrol::possession_statement;
use bailee_wire::link::{Enrol, FromBank, FromPlatform, MAX_FRAME_BYTES, RefusedReason};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::ports::{NotAccepted, Ports, Redeem};
use super::socket::{Ended, Socket};

const ASK_WITHIN: Duration = Duration::from_secs(15);

/// Serves a caller on `/enrol` that proved the key behind `pin`.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(
    ports: &Ports,
    mut socket: Socket<S>,
    pin: Pin,
) {
    let frame = match timeout(ASK_WITHIN, socket.next()).await {
        Ok(Ok(frame)) => frame,
        Ok(Err(Ended::Broke(why))) => return socket.refuse(RefusedReason::Protocol, why).await,
        Ok(Err(Ended::Gone)) => return,
        Err(_) => return socket.refuse(RefusedReason::Protocol, "no request within 15 seconds").await,
    };
    let Ok(FromBank::Enrol(request)) = FromBank::decode(&frame) else {
        return socket.refuse(RefusedReason::Protocol, "the message is not a request to enrol").await;
    };
    match redeem(ports, *request, pin).await {
        Ok(answer) => {
            if socket.send(answer).await.is_ok() {
                socket.close("enrolled").await;
            }
        }
        Err((reason, why)) => {
            tracing::warn!(?pin, why, "enrolment refused");
            socket.refuse(reason, &why).await;
        }
    }
}

async fn redeem(ports: &Ports, request: Enrol, pin: Pin) -> Result<Vec<u8>, (RefusedReason, String)> {
    let refused = |why: NotAccepted| {
        let reason = match why {
            NotAccepted::Token => RefusedReason::EnrolmentRefused,
            NotAccepted::Unavailable => RefusedReason::Unavailable,
        };
        (reason, why.to_string())
    };
    let statement = possession_statement(request.bank, &request.secret, &pin.0, &request.device_key);
    if PublicKey(request.device_key).verify(&statement, &request.possession).is_err() {
        let why = "the device key did not sign this enrolment".to_owned();
        return Err((RefusedReason::EnrolmentRefused, why));
    }
    let Enrol { bank, secret, device_key, layout, software, .. } = request;
    let asked = Redeem { bank, secret, pin, device_key, layout, software };
    let mut enrolled = ports.enrolment.redeem(asked).await.map_err(refused)?;
    let answer = FromPlatform::Enrolled(Box::new(enrolled.clone())).encode();
    if answer.len() <= MAX_FRAME_BYTES {
        return Ok(answer);
    }
    // The people come as a command on the first connection; names and keys are enough to begin.
    enrolled.roster.revision = 0;
    enrolled.roster.recipients.clear();
    enrolled.roster.couriers.clear();
    Ok(FromPlatform::Enrolled(Box::new(enrolled)).encode())
}
