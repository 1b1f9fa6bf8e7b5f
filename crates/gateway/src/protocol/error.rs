//! Errors as the providers of each protocol give them.

use bytes::Bytes;
use http::StatusCode;
use retrial_spec::Protocol;
use serde_json::{Value, json};

/// Returns the body of an error. `code` is said where the protocol has codes.
pub(crate) fn error_body(protocol: Protocol, status: StatusCode, message: &str, code: Option<&str>) -> Bytes {
    let body = if protocol == Protocol::AnthropicMessages {
        json!({"type": "error", "error": {"type": anthropic_type(status), "message": message}})
    } else {
        let kind = match (code, status.as_u16()) {
            (Some("insufficient_quota"), _) => "insufficient_quota",
            (_, 429) => "rate_limit_error",
            (_, 500..) => "server_error",
            _ => "invalid_request_error",
        };
        json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
    };
    body.to_string().into()
}

fn anthropic_type(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// Returns the text of an error object.
pub(crate) fn error_text(error: &Value) -> String {
    let text = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
    let text = text.map_or_else(|| error.to_string(), str::to_owned);
    text.chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_gets_errors_in_its_own_shape() {
        let shown = |protocol, status, code| {
            let body = error_body(protocol, StatusCode::from_u16(status).unwrap(), "no", code);
            serde_json::from_slice::<Value>(&body).unwrap()
        };
        assert_eq!(
            shown(Protocol::AnthropicMessages, 401, Some("x")),
            json!({"type": "error", "error": {"type": "authentication_error", "message": "no"}})
        );
        assert_eq!(
            shown(Protocol::OpenaiResponses, 429, Some("insufficient_quota")),
            json!({"error": {"message": "no", "type": "insufficient_quota", "param": null, "code": "insufficient_quota"}})
        );
        assert_eq!(shown(Protocol::Unknown, 502, None)["error"]["type"], "server_error");
        assert_eq!(shown(Protocol::AnthropicMessages, 502, None)["error"]["type"], "api_error");
    }
}
