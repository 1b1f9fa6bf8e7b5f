//! Replies that the gateway itself gives, in the shape in which providers give errors.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use crate::upstream::ReplyBody;

/// Returns the body of an error.
pub(crate) fn error_body(message: &str, kind: &str, code: Option<&str>) -> Bytes {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string().into()
}

/// Returns an error that is the agent's.
pub(super) fn refusal(status: StatusCode, message: &str, code: Option<&str>) -> Response<ReplyBody> {
    with_body(status, error_body(message, "invalid_request_error", code))
}

/// Returns the error that stands for an upstream that cannot be reached.
pub(super) fn unreachable() -> Response<ReplyBody> {
    let message = "The connection to the model's provider failed.";
    with_body(StatusCode::BAD_GATEWAY, error_body(message, "server_error", None))
}

/// Returns the error that says that the budget is spent, with what keeps clients from trying again.
pub(super) fn over_budget(requests: u64) -> Response<ReplyBody> {
    let message = format!("retrial: the trial's budget of {requests} requests is spent");
    let body = error_body(&message, "insufficient_quota", Some("insufficient_quota"));
    let mut response = with_body(StatusCode::TOO_MANY_REQUESTS, body);
    response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
    response
}

/// Returns the list of the one model there is.
pub(super) fn models(model: &str) -> Response<ReplyBody> {
    let list = json!({"object": "list", "data": [model_object(model)]});
    with_body(StatusCode::OK, list.to_string().into())
}

/// Returns the one model there is.
pub(super) fn model(model: &str) -> Response<ReplyBody> {
    with_body(StatusCode::OK, model_object(model).to_string().into())
}

fn model_object(model: &str) -> Value {
    json!({"id": model, "object": "model", "created": 0, "owned_by": "system"})
}

fn with_body(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
