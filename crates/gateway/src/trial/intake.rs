//! Admission: numbers requests, recognises those that are sent again, and keeps the budget.

use std::collections::HashMap;

use super::fingerprint::{Fingerprint, fingerprint};
use crate::Budget;

/// The counters of a trial at its door.
#[derive(Debug, Default)]
pub(super) struct Intake {
    budget: Budget,
    arrived: u32,
    admitted: u64,
    turned_away: u64,
    seen: HashMap<Fingerprint, u32>,
}

/// An admitted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admission {
    /// Its number, from 1.
    pub(super) number: u32,
    /// The number of the latest earlier request that asked for the same.
    pub(super) retry_of: Option<u32>,
}

/// The budget is spent; holds how many requests it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent(pub(super) u64);

impl Intake {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, ..Self::default() }
    }

    /// Admits a request of the agent, or turns it away.
    pub(super) fn admit(&mut self, path: &str, body: &[u8]) -> Result<Admission, Spent> {
        if let Some(requests) = self.budget.requests.filter(|requests| self.admitted >= *requests) {
            self.turned_away += 1;
            return Err(Spent(requests));
        }
        self.admitted += 1;
        let number = self.number();
        let retry_of = if body.is_empty() { None } else { self.seen.insert(fingerprint(path, body), number) };
        Ok(Admission { number, retry_of })
    }

    /// Numbers a request of the gateway's own.
    pub(super) fn number(&mut self) -> u32 {
        self.arrived = self.arrived.saturating_add(1);
        self.arrived
    }

    /// Returns how many requests were turned away.
    pub(super) fn turned_away(&self) -> u64 {
        self.turned_away
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_sent_again_names_the_one_before() {
        let mut intake = Intake::new(Budget::default());
        let mut admit = |path, body: &str| intake.admit(path, body.as_bytes()).unwrap();
        assert_eq!(admit("/a", "x"), Admission { number: 1, retry_of: None });
        assert_eq!(admit("/a", "y"), Admission { number: 2, retry_of: None });
        assert_eq!(admit("/a", "x"), Admission { number: 3, retry_of: Some(1) });
        assert_eq!(admit("/a", "x"), Admission { number: 4, retry_of: Some(3) });
        assert_eq!(admit("/b", "x").retry_of, None);
        assert_eq!((admit("/a", "").retry_of, admit("/a", "").retry_of), (None, None));
    }

    #[test]
    fn a_spent_budget_turns_requests_away() {
        let mut intake = Intake::new(Budget::of_requests(1));
        assert!(intake.admit("/a", b"x").is_ok());
        assert_eq!(intake.admit("/a", b"x"), Err(Spent(1)));
        assert_eq!((intake.turned_away(), intake.number()), (1, 2));
    }
}
