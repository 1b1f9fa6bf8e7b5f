//! Who sends a request: the trial's token, in a header or at the start of the path.

use http::header::{AUTHORIZATION, CONTENT_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::Token;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Returns whether a request carries the token: as bearer, as `x-api-key`, or as the first part of its path (`/<token>/v1/...`).
///
/// Takes the token off the path, so that nobody after this sees it.
pub(super) fn identify(token: &Token, target: &mut Uri, headers: &HeaderMap) -> bool {
    let by_header = in_headers(headers).any(|presented| token.is(presented));
    let mut by_path = false;
    while let Some(rest) = without_token(token, target) {
        *target = rest;
        by_path = true;
    }
    by_header || by_path
}

/// Returns the tokens that a request presents, the trial's or not: those in its headers, and what looks like one in its path.
pub(super) fn presented<'a>(target: &'a Uri, headers: &'a HeaderMap) -> Vec<&'a [u8]> {
    let first = target.path().trim_start_matches('/').split('/').next();
    let in_path = first.filter(|part| part.starts_with("sk-")).map(str::as_bytes);
    in_headers(headers).chain(in_path).collect()
}

fn in_headers(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let bearer = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| {
        let (scheme, token) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
    });
    let key = headers.get(API_KEY).map(HeaderValue::as_bytes);
    [bearer, key].into_iter().flatten()
}

/// Returns the target without the token that its path starts with, where it does.
fn without_token(token: &Token, target: &Uri) -> Option<Uri> {
    let whole = target.path_and_query()?.as_str();
    let path = whole.strip_prefix('/')?;
    let end = path.find(['/', '?']).unwrap_or(path.len());
    let (first, rest) = path.split_at(end);
    if !token.is(first.as_bytes()) {
        return None;
    }
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    Some(Uri::from(PathAndQuery::try_from(rest).ok()?))
}

/// Returns the headers that may be kept: without the token, and without what was said of a body that is kept decompressed.
pub(super) fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in [AUTHORIZATION, API_KEY, CONTENT_ENCODING] {
        kept.remove(name);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identified(target: &str, headers: &[(&'static str, &'static str)]) -> (bool, String) {
        let mut target: Uri = target.parse().unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let is_known = identify(&Token::new("sk-1"), &mut target, &headers.collect());
        (is_known, target.to_string())
    }

    #[test]
    fn the_token_is_known_in_all_three_places_and_taken_off_the_path() {
        let v1 = || (true, "/v1/messages?beta=true".to_owned());
        assert_eq!(identified("/sk-1/v1/messages?beta=true", &[]), v1());
        assert_eq!(identified("/sk-1/sk-1/v1/messages?beta=true", &[("x-api-key", "other")]), v1());
        assert_eq!(identified("/v1/messages?beta=true", &[("x-api-key", "sk-1")]), v1());
        assert_eq!(identified("/v1/messages?beta=true", &[("authorization", "bearer  sk-1 ")]), v1());
        assert_eq!(identified("http://127.0.0.1:80/sk-1/v1/messages?beta=true", &[]), v1());
        assert_eq!(identified("/sk-1", &[]), (true, "/".to_owned()));
        assert_eq!(identified("/sk-1?x", &[]), (true, "/?x".to_owned()));
    }

    #[test]
    fn another_token_is_known_nowhere() {
        for target in ["/sk-2/v1/messages", "/v1/messages", "/v1/sk-1", "/sk-1x/v1", "//sk-1/v1", "*"] {
            assert!(!identified(target, &[("x-api-key", "sk-2"), ("authorization", "sk-1")]).0, "{target}");
        }
    }
}
