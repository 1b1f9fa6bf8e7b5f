//! What Codex's errors become.

use retrial_spec::{Ending, UngradedReason, Verdict};
use serde_json::Value;

use super::word;
use crate::ended::crashed;
use crate::session::{gave_up_on_model, shortened, status_after};

/// What stands before the HTTP status in messages.
const STATUS: [&str; 3] = ["last status:", "unexpected status", "status:"];

/// The kinds of errors that lie with the provider or the way to it.
const PROVIDER: [&str; 9] = [
    "unauthorized",
    "usage_limit_exceeded",
    "server_overloaded",
    "internal_server_error",
    "http_connection_failed",
    "response_stream_connection_failed",
    "response_stream_disconnected",
    "response_too_many_failed_attempts",
    "cyber_policy_unavailable",
];

/// Returns the ending of a turn that failed.
///
/// | error | ending |
/// |---|---|
/// | with an HTTP status, stated or in its message | by the status: infrastructure or crash |
/// | of a kind that lies with the provider; a stream that broke | infrastructure |
/// | `session_budget_exceeded` | over budget |
/// | any other, as `context_window_exceeded` | crash |
pub(super) fn failure(error: &Value) -> (Ending, Verdict) {
    let message = word(error, "message").or(error.as_str()).unwrap_or_default();
    let info = error.get("codex_error_info").unwrap_or(&Value::Null);
    let inner = info.as_object().and_then(|info| info.iter().next());
    let kind = inner.map(|(kind, _)| kind.as_str()).or(info.as_str()).unwrap_or_default();
    let stated = inner.and_then(|(_, facts)| facts.get("http_status_code")?.as_u64());
    if let Some(status) = stated.or_else(|| status_after(&STATUS, message)) {
        return gave_up_on_model(Some(status), message);
    }
    if PROVIDER.contains(&kind) || message.starts_with("stream disconnected") {
        return gave_up_on_model(None, message);
    }
    let ending = match kind {
        "session_budget_exceeded" => Ending::OverBudget,
        _ => crashed(&shortened(message)),
    };
    (ending, Verdict::Ungraded(UngradedReason::NotRecorded))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_the_providers_or_the_agents() {
        let word = |error: Value| failure(&error).0.as_str();
        assert_eq!(
            word(json!({"message": "exceeded retry limit, last status: 429 Too Many Requests"})),
            "infrastructure"
        );
        assert_eq!(word(json!({"message": "unexpected status 401 Unauthorized: no"})), "infrastructure");
        assert_eq!(word(json!({"message": "unexpected status 400 Bad Request: no"})), "crash");
        assert_eq!(word(json!({"message": "stream disconnected before completion: x"})), "infrastructure");
        assert_eq!(word(json!({"message": "x", "codex_error_info": "context_window_exceeded"})), "crash");
        assert_eq!(
            word(json!({"message": "x", "codex_error_info": "usage_limit_exceeded"})),
            "infrastructure"
        );
        assert_eq!(
            word(json!({"message": "x", "codex_error_info": "session_budget_exceeded"})),
            "over_budget"
        );
        let stated = json!({"message": "x", "codex_error_info": {"http_connection_failed": {"http_status_code": null}}});
        assert_eq!(word(stated), "infrastructure");
        assert_eq!(word(json!({})), "crash");
    }
}
