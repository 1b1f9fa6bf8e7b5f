//! A provider as a model of an experiment names it: where it is, how it takes its key, and what its rate limits allow.

use std::time::Duration;

use http::Uri;
use retrial_spec::KeyHeader;

use crate::Secret;

/// A provider that is reached over HTTP.
#[derive(Debug, Clone)]
pub struct HttpUpstream {
    pub(crate) base: Uri,
    pub(crate) model: Option<String>,
    pub(crate) key: Option<Secret>,
    pub(crate) key_header: Option<KeyHeader>,
    pub(crate) unversioned: bool,
    pub(crate) limits: RateLimits,
}

/// How the gateway keeps to a provider's rate limits, for all trials together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// How long a request may be made to wait before the agent hears of it.
    pub max_wait: Duration,
    /// How often a request is sent before the agent hears of a refusal; at least once.
    pub max_attempts: u32,
    /// Requests in any minute, at most.
    pub requests_per_minute: Option<u32>,
    /// Tokens of the replies of any minute, from which on the next request waits.
    pub tokens_per_minute: Option<u64>,
    /// Requests at a time, at most.
    pub concurrent_requests: Option<u32>,
}

impl Default for RateLimits {
    /// Four minutes, twenty attempts, and no limit of its own.
    fn default() -> Self {
        Self {
            max_wait: Duration::from_mins(4),
            max_attempts: 20,
            requests_per_minute: None,
            tokens_per_minute: None,
            concurrent_requests: None,
        }
    }
}

impl HttpUpstream {
    /// Makes an upstream of a base URL with or without its version part, such as `https://api.example.com/v1`.
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
        let limits = RateLimits::default();
        Ok(Self { base, model, key, key_header: None, unversioned: false, limits })
    }

    /// Sets the header that carries the key; where it is not set, that of the request's protocol does.
    pub fn key_header(mut self, header: Option<KeyHeader>) -> Self {
        self.key_header = header;
        self
    }

    /// Sets whether paths at the provider have no version part.
    pub fn unversioned(mut self, unversioned: bool) -> Self {
        self.unversioned = unversioned;
        self
    }

    /// Sets how rate limits are kept.
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the URL for a path of the agent.
    ///
    /// A base URL with a version part, such as `/v1` or `/v1beta/openai`, stands for the leading `/v1` of the path, as the
    /// `OpenAI` clients have it; to one without, the whole path is added, as the `Anthropic` clients have it.
    pub(crate) fn target(&self, asked: &Uri) -> Result<Uri, String> {
        let path = asked.path();
        let rest = path.strip_prefix("/v1").filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let has_version = self.unversioned || self.base.path().split('/').any(is_version);
        let rest = rest.filter(|_| has_version).unwrap_or(path);
        let query = asked.query().map(|query| format!("?{query}")).unwrap_or_default();
        let text = format!("{}{rest}{query}", self.base.to_string().trim_end_matches('/'));
        text.parse().map_err(|_| format!("`{path}` makes no URL"))
    }
}

/// Whether a part of a path is a version, such as `v1` or `v1beta`.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
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

    #[test]
    fn a_base_with_a_version_stands_for_that_of_the_agents_path() {
        for (base, asked, url) in [
            ("https://a.example/v1", "/v1/chat/completions", "https://a.example/v1/chat/completions"),
            ("https://a.example/api/v3/", "/v1/x?y=1", "https://a.example/api/v3/x?y=1"),
            ("https://a.example/v1beta/openai", "/v1/x", "https://a.example/v1beta/openai/x"),
            ("https://a.example/v1", "/v10/x", "https://a.example/v1/v10/x"),
            ("https://a.example", "/v1/messages?beta=true", "https://a.example/v1/messages?beta=true"),
            ("https://a.example/anthropic/", "/v1/messages", "https://a.example/anthropic/v1/messages"),
            ("https://a.example/vendor", "/v1/x", "https://a.example/vendor/v1/x"),
        ] {
            let upstream = HttpUpstream::new(base, None, None).unwrap();
            assert_eq!(upstream.target(&asked.parse().unwrap()).unwrap().to_string(), url);
        }
        let bare = HttpUpstream::new("https://a.example/inference", None, None).unwrap().unversioned(true);
        let url = bare.target(&"/v1/chat/completions".parse().unwrap()).unwrap();
        assert_eq!(url.to_string(), "https://a.example/inference/chat/completions");
    }
}
