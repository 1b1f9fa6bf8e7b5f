//! Secrets: the provider's key and the trials' tokens, which must not end up in logs, errors or files.

use std::fmt;

use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

/// A text that shows nowhere: masked in `Debug` and `Display`, and not serializable.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Replaces every occurrence of the secret in a text that is about to be recorded.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// The key by which a trial's agent identifies itself to the gateway; worth nothing elsewhere and dead when the trial ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(Secret);

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Token {
    /// Draws a token from the operating system's randomness, in the shape of a provider's key.
    pub fn generate() -> Self {
        let mut random = rand::rng();
        let letters = (0..48).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]));
        Self(Secret(format!("sk-{}", letters.collect::<String>())))
    }

    /// Makes a token of a given text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// Returns the text that the agent sends as its key.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// Returns whether `text` is the token, in a time that does not depend on where they differ.
    pub(crate) fn is(&self, text: &[u8]) -> bool {
        let ours = Sha256::digest(self.0.reveal());
        let theirs = Sha256::digest(text);
        ours.iter().zip(theirs.iter()).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let shown = format!("{0} {0:?} {1:?}", Secret::new("hunter2"), Token::new("hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(Secret::new("k1").redact("a k1 b k1"), "a *** b ***");
    }

    #[test]
    fn a_token_is_itself_and_nothing_else() {
        let token = Token::generate();
        assert!(token.is(token.reveal().as_bytes()));
        assert!(!token.is(b""));
        assert!(!token.is(&token.reveal().as_bytes()[1..]));
        assert_ne!(token, Token::generate());
    }
}
