//! One trial of a simulated model: it answers HTTP requests by its plan.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use rand_chacha::ChaCha8Rng;
use retrial_spec::{Protocol, Simulation, TrialId};
use serde_json::json;

use super::answer::{say, tokens};
use super::ids::Ids;
use super::plan::Plan;
use super::profile::Profile;
use super::seeds;
use super::wire;
use crate::protocol::{error_body, of_path, shape_of_path};

/// Where the tokens of a Messages request are counted.
const COUNT_TOKENS: &str = "/v1/messages/count_tokens";

/// A simulated model as one trial meets it. Its answers depend on the requests and the plan alone: a request that is sent again gets the
/// same answer, and the turn is read off the conversation.
#[derive(Debug, Clone)]
pub struct SimulatedTrial {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    profile: String,
    seed: u64,
    trial: String,
    plan: Plan,
}

/// A reply of a simulated model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SimulatedReply {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The body's type.
    pub(crate) content_type: &'static str,
    /// The header that identifies the request, with its value.
    pub(crate) request_id: (&'static str, String),
    /// How long it takes until the reply begins.
    pub(crate) delay: Duration,
    /// The body in the pieces in which it is sent.
    pub(crate) pieces: Vec<Bytes>,
}

impl SimulatedTrial {
    /// Draws the trial's plan; see [`Plan::draw`].
    pub fn new(profile: &Profile, simulation: &Simulation, seed: u64, trial: &TrialId) -> Self {
        let plan = Plan::draw(profile, simulation, seed, trial);
        let shared = Shared { profile: profile.name.clone(), seed, trial: trial.to_string(), plan };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    /// The model's name in price tables.
    pub(crate) fn priced_as(&self) -> String {
        format!("simulated/{}", self.shared.profile)
    }

    /// Answers a request; `created` is in seconds since 1970.
    pub(crate) fn answer(&self, method: &Method, path: &str, body: &[u8], created: i64) -> SimulatedReply {
        let ids = Ids::of(self, format!("{method} {path} {}", body.len()));
        let refusal = |status: StatusCode, message: &str, code: Option<&str>| {
            let shape = shape_of_path(path);
            let body = error_body(shape, status, message, code);
            SimulatedReply::json(status, body, wire::request_id(shape, &ids))
        };
        let counts = path == COUNT_TOKENS;
        let protocol = if counts { Protocol::AnthropicMessages } else { of_path(path) };
        if protocol == Protocol::Unknown {
            let message = format!("Invalid URL ({method} {path})");
            return refusal(StatusCode::NOT_FOUND, &message, Some("unknown_url"));
        }
        if method != Method::POST {
            let message = format!("Not allowed to {method} on {path}.");
            return refusal(StatusCode::METHOD_NOT_ALLOWED, &message, Some("method_not_supported"));
        }
        let request = match wire::read(protocol, body) {
            Ok(request) => request,
            Err(fault) => return refusal(StatusCode::BAD_REQUEST, &fault.0, None),
        };
        if counts {
            let count = json!({"input_tokens": tokens(body.len())}).to_string();
            return SimulatedReply::json(StatusCode::OK, count.into(), wire::request_id(protocol, &ids));
        }
        let saying = say(self, &request, body.len());
        let content_type =
            if request.streams { "text/event-stream; charset=utf-8" } else { "application/json" };
        SimulatedReply {
            status: StatusCode::OK,
            content_type,
            request_id: wire::request_id(protocol, &saying.ids),
            delay: saying.delay,
            pieces: wire::write(protocol, &request, &saying, created),
        }
    }

    /// The trial's randomness for a purpose.
    pub(super) fn random(&self, purpose: &str) -> ChaCha8Rng {
        seeds::stream(self.shared.seed, &self.shared.profile, &self.shared.trial, purpose)
    }
}

impl SimulatedReply {
    fn json(status: StatusCode, body: Bytes, request_id: (&'static str, String)) -> Self {
        Self {
            status,
            content_type: "application/json",
            request_id,
            delay: Duration::ZERO,
            pieces: vec![body],
        }
    }
}
