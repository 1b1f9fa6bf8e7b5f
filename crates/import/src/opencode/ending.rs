//! What opencode's errors and the reasons of its last step become.

use retrial_spec::{Ending, UngradedReason, Verdict};
use serde_json::Value;

use super::word;
use crate::ended::crashed;
use crate::session::{gave_up_on_model, shortened};

/// Returns what an error becomes, and its words.
///
/// | error | ending |
/// |---|---|
/// | `APIError` | by its HTTP status, none for no reply: infrastructure or crash |
/// | `ProviderAuthError` | infrastructure |
/// | `MessageAbortedError` | not recorded |
/// | any other, as `ContextOverflowError` or `MessageOutputLengthError` | crash |
pub(super) fn failure(error: &Value) -> (String, (Ending, Verdict)) {
    let name = word(error, "/name").unwrap_or("error");
    let message = word(error, "/data/message").or(word(error, "/message")).unwrap_or_default();
    let words = shortened(format!("{name}: {message}").trim_end_matches(": "));
    let ungraded = |ending| (ending, Verdict::Ungraded(UngradedReason::NotRecorded));
    let ended = match name {
        "APIError" => gave_up_on_model(error.pointer("/data/statusCode").and_then(Value::as_u64), &words),
        "ProviderAuthError" => gave_up_on_model(Some(401), &words),
        "MessageAbortedError" => ungraded(Ending::NotRecorded),
        _ => ungraded(crashed(&words)),
    };
    (words, ended)
}

/// Returns what a session comes to whose last step ended for this reason.
///
/// | reason | ending |
/// |---|---|
/// | `tool-calls` | not recorded: another step was to follow |
/// | `content-filter` | refused |
/// | any other, as `stop` or `length` | finished |
pub(super) fn stopped(reason: &str) -> Ending {
    match reason {
        "tool-calls" => Ending::NotRecorded,
        "content-filter" => Ending::Refused,
        _ => Ending::Finished,
    }
}
