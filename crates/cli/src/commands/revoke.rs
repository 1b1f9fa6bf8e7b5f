//! `retrial revoke`: takes a running trial's access to its model away.

use retrial_spec::Exit;

use crate::args::RevokeArgs;
use crate::failure::Failure;
use crate::out;

/// Asks the process that works on the run, and says what came of it.
pub(crate) async fn revoke(args: &RevokeArgs) -> Result<Exit, Failure> {
    let attempt = retrial_runner::revoke(&args.run, &args.trial).await?;
    out::message(&format!("revoked: attempt {attempt} of {} ends", args.trial));
    Ok(Exit::Done)
}
