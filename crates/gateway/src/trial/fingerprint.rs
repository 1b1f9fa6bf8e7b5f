//! What tells a request from others, so that one that is sent again is known.

use blake3::Hasher;

use crate::fields::Fields;

/// What tells a request from others.
pub(crate) type Fingerprint = [u8; 32];

/// Top-level fields that say nothing of what is asked, and may differ when the same is asked again.
///
/// The first two say how the reply is to be sent: clients fall back from a broken stream to a plain reply. The others are labels for the
/// provider's own accounts and caches, into which clients put the time or the number of the try.
const VOLATILE: [&str; 7] = [
    "stream",
    "stream_options",
    "client_metadata",
    "metadata",
    "prompt_cache_key",
    "safety_identifier",
    "user",
];

/// Returns the fingerprint of a request: its path and its body without the volatile fields. The order of the top-level fields does not
/// matter; everything within them does, byte for byte. `fields` are the body's, where it has some.
pub(crate) fn fingerprint(path: &str, body: &[u8], fields: Option<&Fields<'_>>) -> Fingerprint {
    // An agent must not be able to pass one request off as another; but no file holds this, so the fastest hash will do.
    let mut hasher = Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    add(path.as_bytes());
    match fields {
        Some(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !VOLATILE.contains(name)) {
                add(name.as_bytes());
                add(value.as_bytes());
            }
        }
        None => add(body),
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(path: &str, body: &[u8]) -> Fingerprint {
        super::fingerprint(path, body, Fields::of(body).as_ref())
    }

    #[test]
    fn labels_and_the_manner_of_sending_do_not_tell_requests_apart() {
        let of = |body: &str| fingerprint("/v1/messages", body.as_bytes());
        let plain = of(r#"{"model": "m", "messages": [1]}"#);
        let same =
            r#"{"stream": true, "messages": [1], "metadata": {"try": 2}, "mod\u0065l": "m", "user": "u"}"#;
        assert_eq!(of(same), plain);
        for other in [
            r#"{"model": "m", "messages": [2]}"#,
            r#"{"model": "m", "messages": [1], "max_tokens": 1}"#,
            r#"{"model": "m", "messages": [1, {"metadata": 1}]}"#,
            r#"{"model": "m"}"#,
            r#"{"model": "m", "messages": [1]"#,
            "[1]",
        ] {
            assert_ne!(of(other), plain, "{other}");
        }
        assert_ne!(fingerprint("/v1/responses", br#"{"model": "m", "messages": [1]}"#), plain);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(fingerprint("/a", br#"{"a": 1, "b": 2}"#), fingerprint("/a", br#"{"a": 1"b", " 2}"#));
        assert_ne!(fingerprint("/ab", b""), fingerprint("/a", b"b"));
    }
}
