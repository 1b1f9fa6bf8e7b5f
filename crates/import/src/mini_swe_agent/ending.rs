//! What mini-swe-agent's exit statuses become.

use retrial_spec::{Ending, Phase, UngradedReason, Verdict};

use crate::ended::{crashed, infrastructure};
use crate::session::shortened;

/// Errors of the provider, by the names that the libraries behind the agent give them.
const PROVIDER: [&str; 11] = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AuthenticationError",
    "BadGatewayError",
    "InternalServerError",
    "MidStreamFallbackError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServiceUnavailableError",
    "Timeout",
];

/// Errors of the engine that starts the environment. Once it runs, commands that fail or hang are observations, not errors.
const ENGINE: [&str; 3] = ["CalledProcessError", "TimeoutExpired", "FileNotFoundError"];

/// Returns what an exit status becomes, with the words of the exception that goes with it.
///
/// | status | ending |
/// |---|---|
/// | `Submitted` | finished |
/// | `LimitsExceeded` | over budget |
/// | `TimeExceeded` | timeout |
/// | none, `UserInterruption`, `KeyboardInterrupt` | not recorded |
/// | an error of the provider | infrastructure, in the agent's phase |
/// | an error of the engine | infrastructure, in setup |
/// | any other, as `RepeatedFormatError` or `ContextWindowExceededError` | crash |
pub(super) fn ending(status: &str, exception: &str) -> (Ending, Verdict) {
    let exception = shortened(exception);
    let cause = if exception.is_empty() { status.to_owned() } else { format!("{status}: {exception}") };
    let ending = match status {
        "Submitted" => Ending::Finished,
        "LimitsExceeded" => Ending::OverBudget,
        "TimeExceeded" => Ending::Timeout,
        "" | "UserInterruption" | "KeyboardInterrupt" => Ending::NotRecorded,
        _ if PROVIDER.contains(&status) => infrastructure(Phase::Agent, &cause),
        _ if ENGINE.contains(&status) => infrastructure(Phase::Setup, &cause),
        _ => crashed(&cause),
    };
    let reason = match ending {
        Ending::Infrastructure { .. } => UngradedReason::Infrastructure,
        _ => UngradedReason::NotRecorded,
    };
    (ending, Verdict::Ungraded(reason))
}
