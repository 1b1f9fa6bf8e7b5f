//! Replies that the gateway itself gives, in the shape in which providers give errors.

use bytes::Bytes;
use serde_json::json;

/// Returns the body of an error.
pub(crate) fn error_body(message: &str, kind: &str, code: Option<&str>) -> Bytes {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string().into()
}
