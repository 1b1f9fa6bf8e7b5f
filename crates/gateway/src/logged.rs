//! The body of a request as logs have it.

use serde_json::Value;

/// How deep JSON may be to be written as such. Readers give up at 128, and in a line of a log it stands a little deeper than by itself: what
/// can just be read here could not be read there, and with it all that the agent did.
const DEPTH: usize = 100;

/// Returns a body as JSON, or as a text where it is none or too deep.
pub(crate) fn logged(body: &[u8]) -> Value {
    let parsed = serde_json::from_slice(body).ok().filter(|value| is_shallow(value, DEPTH));
    parsed.unwrap_or_else(|| String::from_utf8_lossy(body).into())
}

/// Whether a value holds others at most so deep. A parsed one is never deep enough for the recursion to matter.
fn is_shallow(value: &Value, left: usize) -> bool {
    match (value, left.checked_sub(1)) {
        (Value::Array(items), Some(left)) => items.iter().all(|item| is_shallow(item, left)),
        (Value::Object(fields), Some(left)) => fields.values().all(|field| is_shallow(field, left)),
        (Value::Array(_) | Value::Object(_), None) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_can_be_read_within_a_line() {
        for depth in 0..200 {
            let body = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            let value = logged(body.as_bytes());
            assert_eq!(value.is_string(), depth > DEPTH, "{depth}");
            let line = serde_json::json!({"a": {"b": [value]}}).to_string();
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "{depth}");
        }
        assert_eq!(logged(b"{\"a\": {\"b\": 1}}"), serde_json::json!({"a": {"b": 1}}));
        assert_eq!(logged(b"\xff"), Value::from("\u{fffd}"));
    }
}
