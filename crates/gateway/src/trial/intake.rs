//! Admission: numbers requests, recognises those that are sent again, and keeps the budget.

use std::collections::HashMap;

use retrial_spec::{Budget, BudgetKind, Charge};

use super::account::Weighed;
use super::fingerprint::Fingerprint;
use crate::budget::{Decision, Meter};

/// The counters of a trial at its door.
#[derive(Debug, Default)]
pub(super) struct Intake {
    meter: Meter,
    arrived: u32,
    turned_away: u64,
    seen: HashMap<Fingerprint, u32>,
}

/// An admitted request.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    /// Its number, from 1.
    pub(super) number: u32,
    /// The number of the latest earlier request that asked for the same.
    pub(super) retry_of: Option<u32>,
    /// What it is known by and may cost.
    pub(super) weighed: Weighed,
}

/// Why a request is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotNow {
    /// It may be once another request has ended.
    Wait,
    /// A budget is spent; with its limit.
    Spent(BudgetKind, u64),
}

impl Intake {
    pub(super) fn new(budget: Budget) -> Self {
        Self { meter: Meter::new(budget), ..Self::default() }
    }

    /// Admits a request of the agent, or says why not.
    pub(super) fn admit(&mut self, weighed: &Weighed) -> Result<Admission, NotNow> {
        match self.meter.decide(&weighed.estimate) {
            Decision::Go => {}
            Decision::Wait => return Err(NotNow::Wait),
            Decision::Spent(kind, limit) => {
                self.turned_away += 1;
                return Err(NotNow::Spent(kind, limit));
            }
        }
        let number = self.number();
        self.meter.open(number, &weighed.estimate);
        let is_empty = weighed.estimate.input() == 0;
        let retry_of = if is_empty { None } else { self.seen.insert(weighed.fingerprint, number) };
        Ok(Admission { number, retry_of, weighed: weighed.clone() })
    }

    /// Charges an admitted request that has ended.
    pub(super) fn close(&mut self, number: u32, charge: Charge) {
        self.meter.close(number, charge);
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

    fn admit(intake: &mut Intake, path: &str, body: &str) -> Result<(u32, Option<u32>), NotNow> {
        let admitted = intake.admit(&Weighed::plain(path, body.as_bytes()))?;
        Ok((admitted.number, admitted.retry_of))
    }

    #[test]
    fn a_request_that_is_sent_again_names_the_one_before() {
        let intake = &mut Intake::new(Budget::default());
        assert_eq!(admit(intake, "/a", "x"), Ok((1, None)));
        assert_eq!(admit(intake, "/a", "y"), Ok((2, None)));
        assert_eq!(admit(intake, "/a", "x"), Ok((3, Some(1))));
        assert_eq!(admit(intake, "/a", "x"), Ok((4, Some(3))));
        assert_eq!(admit(intake, "/b", "x"), Ok((5, None)));
        assert_eq!((admit(intake, "/a", ""), admit(intake, "/a", "")), (Ok((6, None)), Ok((7, None))));
    }

    #[test]
    fn a_spent_budget_turns_requests_away() {
        let intake = &mut Intake::new(Budget::of_requests(1));
        assert!(admit(intake, "/a", "x").is_ok());
        assert_eq!(admit(intake, "/a", "x"), Err(NotNow::Spent(BudgetKind::Requests, 1)));
        assert_eq!((intake.turned_away(), intake.number()), (1, 2));
    }
}
