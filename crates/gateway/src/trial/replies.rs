//! Replies that the gateway itself gives, in the shape in which providers give errors.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use retrial_spec::{BudgetKind, Protocol};
use serde_json::{Value, json};

use crate::protocol::error_body;
use crate::upstream::ReplyBody;

/// An error of the gateway's own, before it has a protocol's shape.
pub(super) type Refusal = (StatusCode, &'static str, Option<&'static str>);

/// Returns an error, in the shape of the protocol: status, message and code.
pub(super) fn refusal(protocol: Protocol, (status, message, code): Refusal) -> Response<ReplyBody> {
    with_body(status, error_body(protocol, status, message, code))
}

/// Returns the error that stands for an upstream that cannot be reached.
pub(super) fn unreachable(protocol: Protocol) -> Response<ReplyBody> {
    refusal(protocol, (StatusCode::BAD_GATEWAY, "The connection to the model's provider failed.", None))
}

/// Returns the error that ends a replay that is not what was recorded.
pub(crate) fn diverged(protocol: Protocol, divergence: &str) -> Response<ReplyBody> {
    let message = format!("retrial: the replay diverges from the recording: {divergence}");
    let body = error_body(protocol, StatusCode::BAD_REQUEST, &message, None);
    let mut response = with_body(StatusCode::BAD_REQUEST, body);
    response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
    response
}

/// Returns the error that stands for the provider's own where it is not asked, because others were first for too long.
pub(crate) fn rate_limited(protocol: Protocol) -> Response<ReplyBody> {
    let message = "The request waited too long for the rate limit of the model's provider.";
    refusal(protocol, (StatusCode::TOO_MANY_REQUESTS, message, Some("rate_limit_exceeded")))
}

/// Returns the error that says that the budget is spent, with what keeps clients of the protocol from trying again: `OpenAI`'s know
/// the code, Anthropic's take 429 for a limit that passes and a spent balance for a bad request.
pub(super) fn over_budget(protocol: Protocol, budget: BudgetKind, limit: u64) -> Response<ReplyBody> {
    let budget = match budget {
        BudgetKind::Usd => format!("{}.{:06} US dollars", limit / 1_000_000, limit % 1_000_000),
        kind => format!("{limit} {}", kind.as_str()),
    };
    let message = format!("retrial: the trial's budget of {budget} is spent");
    let status = match protocol {
        Protocol::AnthropicMessages => StatusCode::BAD_REQUEST,
        _ => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = with_body(status, error_body(protocol, status, &message, Some("insufficient_quota")));
    response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
    response
}

/// Returns a rate limit put there on purpose, in the words of a provider.
pub(super) fn rate_limited_on_purpose(
    protocol: Protocol,
    retry_after_sec: Option<u32>,
) -> Response<ReplyBody> {
    let message = "Rate limit reached for requests. Please try again later.";
    let error = (StatusCode::TOO_MANY_REQUESTS, message, Some("rate_limit_exceeded"));
    let mut response = refusal(protocol, error);
    if let Some(seconds) = retry_after_sec {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Returns a failure of the provider put there on purpose, in the words of a provider.
pub(super) fn server_error(protocol: Protocol) -> Response<ReplyBody> {
    let message = "The server had an error while processing your request. Please try again.";
    refusal(protocol, (StatusCode::INTERNAL_SERVER_ERROR, message, None))
}

/// Returns the list of the one model there is, in the shape of `OpenAI` or of Anthropic, whichever the client's headers show it to know.
pub(super) fn models(model: &str, asked: &HeaderMap) -> Response<ReplyBody> {
    let object = model_object(model, asked);
    let list = if knows_anthropic(asked) {
        json!({"data": [object], "has_more": false, "first_id": model, "last_id": model})
    } else {
        json!({"object": "list", "data": [object]})
    };
    with_body(StatusCode::OK, list.to_string().into())
}

/// Returns the one model there is, in the shape of [`models`].
pub(super) fn model(model: &str, asked: &HeaderMap) -> Response<ReplyBody> {
    with_body(StatusCode::OK, model_object(model, asked).to_string().into())
}

fn model_object(model: &str, asked: &HeaderMap) -> Value {
    if knows_anthropic(asked) {
        // Its documentation has the start of the epoch stand for a time that is not known.
        json!({"type": "model", "id": model, "display_name": model, "created_at": "1970-01-01T00:00:00Z"})
    } else {
        json!({"id": model, "object": "model", "created": 0, "owned_by": "system"})
    }
}

/// Both list models at the same path; only Anthropic's clients name a version of the protocol or send their key in a header of its own.
fn knows_anthropic(asked: &HeaderMap) -> bool {
    asked.contains_key("anthropic-version") || asked.contains_key("x-api-key")
}

fn with_body(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
