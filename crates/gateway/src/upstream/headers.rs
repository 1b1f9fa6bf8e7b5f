//! The headers of a request as the provider gets them: the agent's own, without what belongs to its connection, with the provider's key.

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use retrial_spec::{KeyHeader, Protocol};

use super::HttpUpstream;
use crate::protocol::shape_of_path;

/// Headers that belong to one connection and not to what is said over it.
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Headers of a request that the upstream gets from the gateway instead.
const OURS: [HeaderName; 6] = [AUTHORIZATION, X_API_KEY, ACCEPT_ENCODING, CONTENT_LENGTH, EXPECT, HOST];

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Returns the headers for a request on a path of the agent.
pub(super) fn request_headers(
    mut headers: HeaderMap,
    path: &str,
    upstream: &HttpUpstream,
) -> Result<HeaderMap, String> {
    drop_hop_by_hop(&mut headers);
    for name in OURS {
        headers.remove(name);
    }
    // So that the copy can be read as it passes.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(key) = &upstream.key {
        let (name, text) = match upstream.key_header.unwrap_or_else(|| key_header(path)) {
            KeyHeader::Authorization => (AUTHORIZATION, format!("Bearer {}", key.reveal())),
            KeyHeader::XApiKey => (X_API_KEY, key.reveal().to_owned()),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| "the provider's key holds characters that no header can".to_owned())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// How the protocol of a path carries the key.
fn key_header(path: &str) -> KeyHeader {
    match shape_of_path(path) {
        Protocol::AnthropicMessages => KeyHeader::XApiKey,
        _ => KeyHeader::Authorization,
    }
}

/// Removes what belongs to the connection, also where `Connection` names it.
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(path: &str, key_header: Option<KeyHeader>) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer token"),
            ("x-api-key", "token"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("anthropic-version", "2023-06-01"),
            ("accept-encoding", "gzip"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let key = Some(crate::Secret::new("key"));
        let upstream = HttpUpstream::new("http://a", None, key).unwrap().key_header(key_header);
        let sent = request_headers(headers, path, &upstream).unwrap();
        let mut shown: Vec<_> = sent
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .filter(|(name, _)| name != "accept-encoding")
            .collect();
        shown.sort_unstable();
        shown
    }

    #[test]
    fn the_key_goes_as_the_protocol_has_it_and_the_connections_headers_and_the_trials_token_stay_behind() {
        let version = ("anthropic-version".to_owned(), "2023-06-01".to_owned());
        let bearer = ("authorization".to_owned(), "Bearer key".to_owned());
        let own = ("x-api-key".to_owned(), "key".to_owned());
        let (openai, anthropic) = ("/v1/chat/completions", "/v1/messages");
        assert_eq!(sent(openai, None), [version.clone(), bearer.clone()]);
        assert_eq!(sent("/v1/messages/count_tokens", None), [version.clone(), own.clone()]);
        assert_eq!(sent(anthropic, None), [version.clone(), own.clone()]);
        assert_eq!(sent(openai, Some(KeyHeader::XApiKey)), [version.clone(), own]);
        assert_eq!(sent(anthropic, Some(KeyHeader::Authorization)), [version, bearer]);
    }
}
