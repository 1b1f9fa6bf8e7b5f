//! Identifiers in replies: drawn, so that a request that is sent again gets the same ones.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::trial::SimulatedTrial;

/// Makes the identifiers of one reply.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    trial: SimulatedTrial,
    /// What the reply is, such as a turn.
    reply: String,
}

impl Ids {
    /// Returns what makes the identifiers of a reply.
    pub(super) fn of(trial: &SimulatedTrial, reply: impl Into<String>) -> Self {
        Self { trial: trial.clone(), reply: reply.into() }
    }

    /// Returns a prefix with so many letters and digits. `what` is what it identifies within the reply.
    pub(super) fn letters(&self, prefix: &str, what: &str, length: usize) -> String {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        self.drawn(prefix, what, (letters, length))
    }

    /// Returns a prefix with so many hexadecimal digits.
    pub(super) fn hex(&self, prefix: &str, what: &str, length: usize) -> String {
        self.drawn(prefix, what, (b"0123456789abcdef", length))
    }

    fn drawn(&self, prefix: &str, what: &str, (letters, length): (&[u8], usize)) -> String {
        let mut random: ChaCha8Rng = self.trial.random(&format!("{what} of {}", self.reply));
        let drawn = (0..length).map(|_| char::from(letters[random.random_range(0..letters.len())]));
        std::iter::once(prefix.to_owned()).chain(drawn.map(String::from)).collect()
    }
}
