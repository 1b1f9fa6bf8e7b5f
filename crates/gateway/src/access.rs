//! What a trial may do: its socket, its token, its upstream and its budget.

use std::path::PathBuf;

use http::Uri;
use retrial_spec::TrialId;

use crate::simulate::SimulatedTrial;
use crate::{Secret, Token};

/// Everything the gateway needs to know to serve one attempt at a trial.
#[derive(Debug, Clone)]
pub struct TrialAccess {
    /// The trial.
    pub trial: TrialId,
    /// Where to listen: a path that does not exist yet, of at most 107 bytes, in a directory that does.
    pub socket: PathBuf,
    /// Who owns the socket, as user and group id; the process itself where absent. Only the owner may connect.
    pub socket_owner: Option<(u32, u32)>,
    /// What the agent must present as its key.
    pub token: Token,
    /// The model's name as the agent knows it; `GET /v1/models` lists it. Should not tell simulated models from others.
    pub model: String,
    /// Who answers.
    pub upstream: Upstream,
    /// How much the trial may use.
    pub budget: Budget,
    /// Where to write the exchanges (`wire.jsonl.zst`); an existing file is replaced.
    pub wire_log: PathBuf,
}

/// How much a trial may use. Grows by tokens, money and time; hence made by [`Budget::of_requests`] or `default`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Requests that may go to the upstream, without the question after the end; no limit where absent.
    pub requests: Option<u64>,
}

impl Budget {
    /// Returns a budget of so many requests and nothing else limited.
    pub fn of_requests(requests: u64) -> Self {
        Self { requests: Some(requests) }
    }
}

/// Who answers a trial's requests.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// A simulated model; priced as `simulated/<profile>`.
    Simulated(SimulatedTrial),
    /// A provider.
    Http(HttpUpstream),
}

/// A provider that is reached over HTTP.
#[derive(Debug, Clone)]
pub struct HttpUpstream {
    pub(crate) base: Uri,
    pub(crate) model: Option<String>,
    pub(crate) key: Option<Secret>,
}

impl HttpUpstream {
    /// Makes an upstream of a base URL up to and including its version part, such as `https://api.example.com/v1`.
    ///
    /// Where `model` is given, it replaces the value of the top-level `model` field of every request body, and nothing else of it,
    /// so that an agent cannot use a model that was not chosen for it; it is also the name in the price table. Where it is absent,
    /// bodies pass as they are and each is priced by the model that it names.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`] unless it is an `http` or `https` URL with a host and without a query.
    pub fn new(base_url: &str, model: Option<String>, key: Option<Secret>) -> Result<Self, InvalidBaseUrl> {
        let invalid = |reason| InvalidBaseUrl { url: base_url.to_owned(), reason };
        let base: Uri =
            base_url.trim_end_matches('/').parse().map_err(|_| invalid("it cannot be read as a URL"))?;
        if !matches!(base.scheme_str(), Some("http" | "https")) {
            return Err(invalid("it must begin with `http://` or `https://`"));
        }
        if base.host().is_none_or(str::is_empty) {
            return Err(invalid("it names no host"));
        }
        if base.query().is_some() || base.authority().is_some_and(|part| part.as_str().contains('@')) {
            return Err(invalid("it must hold neither a query nor a user"));
        }
        Ok(Self { base, model, key })
    }
}

/// A base URL that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not a base URL: {reason}")]
pub struct InvalidBaseUrl {
    url: String,
    reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_needs_a_scheme_and_a_host_and_nothing_behind() {
        for good in ["https://api.example.com/v1", "http://127.0.0.1:8080", "https://example.com/v1/"] {
            assert!(HttpUpstream::new(good, None, None).is_ok(), "{good}");
        }
        for bad in ["", "/v1", "api.example.com/v1", "ftp://a/v1", "https://a/v1?x=1", "https://u:p@a/v1"] {
            assert!(HttpUpstream::new(bad, None, None).is_err(), "{bad}");
        }
    }
}
