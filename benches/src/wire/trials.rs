//! Open gateways for measurements.

use std::path::PathBuf;

use retrial_gateway::{Gateway, PriceTable, Revocation, Token, TrialAccess, TrialGateway, Upstream};
use retrial_spec::Budget;

use crate::Failure;

/// Opens a gateway without a limit on requests.
pub(crate) async fn open_at(
    gateway: &Gateway,
    socket: PathBuf,
    wire_log: PathBuf,
    upstream: Upstream,
) -> Result<TrialGateway, Failure> {
    let access = TrialAccess {
        run: "bench".parse()?,
        attempt: 1,
        trial: "noop~noop~baseline~1".parse()?,
        socket,
        socket_owner: None,
        token: Token::generate(),
        model: "m".to_owned(),
        upstream,
        budget: Budget::default(),
        faults: None,
        reservation: None,
        revocation: Revocation::default(),
        audit_log: wire_log.with_extension("audit"),
        wire_log,
        recording: None,
    };
    Ok(gateway.open(access).await?)
}

/// A gateway whose trials measure nothing but themselves.
pub(crate) fn gateway() -> Gateway {
    Gateway::new(PriceTable::builtin())
}
