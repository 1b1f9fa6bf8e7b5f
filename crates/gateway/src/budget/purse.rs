//! The purse of a run: what all its trials may use together, set aside for a trial before it starts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retrial_spec::{Budget, BudgetKind, Charge};

/// The budget of a run. Cheap to clone; clones are the same purse.
#[derive(Debug, Clone, Default)]
pub struct Purse(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    budget: Budget,
    spent: Charge,
    /// Set aside and not spent.
    reserved: Charge,
}

/// What is left of a run's budget has no room for a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run's budget has no room for another trial: {}", told(*.kind, *.left, *.needed))]
pub struct NoRoom {
    /// Which budget.
    pub kind: BudgetKind,
    /// What is neither spent nor set aside.
    pub left: u64,
    /// What a trial may use.
    pub needed: u64,
}

/// What is left beside what a trial may use, in the units of the budget.
fn told(kind: BudgetKind, left: u64, needed: u64) -> String {
    let dollars = |micros: u64, digits: usize| format!("${:.digits$}", micros as f64 / 1e6);
    let (left, needed) = match kind {
        BudgetKind::Requests | BudgetKind::Tokens => {
            (format!("{left} {}", kind.as_str()), format!("{needed} {}", kind.as_str()))
        }
        BudgetKind::Wall => (format!("{left} seconds"), format!("{needed} seconds")),
        // As many digits as it takes to see that the one is less than the other.
        BudgetKind::Usd => {
            let digits = if dollars(left, 4) == dollars(needed, 4) { 6 } else { 4 };
            (dollars(left, digits), dollars(needed, digits))
        }
    };
    format!("{left} left beside what is spent and set aside, and a trial may use {needed}")
}

/// The part of a run's budget that is set aside for one attempt at a trial; what is not spent goes back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    purse: Purse,
    /// Set aside and not spent.
    left: Mutex<Charge>,
}

impl Purse {
    /// Makes the purse of a run of which `spent` was spent before.
    pub fn new(budget: Budget, spent: Charge) -> Self {
        Self(Arc::new(Mutex::new(State { budget, spent, reserved: Charge::default() })))
    }

    /// Returns what was spent so far.
    pub fn spent(&self) -> Charge {
        self.state().spent
    }

    /// Sets aside what a trial may use; where it has no limit, nothing is set aside.
    ///
    /// # Errors
    /// [`NoRoom`] where that much is not left. It may be once a running trial has ended.
    pub fn reserve(&self, share: Budget) -> Result<Reservation, NoRoom> {
        let wanted = Charge {
            requests: share.requests.unwrap_or(0),
            tokens: share.tokens.unwrap_or(0),
            usd_micros: share.usd_micros.unwrap_or(0),
        };
        let mut state = self.state();
        let taken = state.spent.plus(state.reserved);
        let wants = state.budget.against(wanted);
        for ((kind, limit, taken), (_, _, needed)) in state.budget.against(taken).zip(wants) {
            let left = limit.saturating_sub(taken);
            // A purse that is empty has no room even for a trial of which nobody knows what it may use.
            if needed > left || left == 0 {
                return Err(NoRoom { kind, left, needed });
            }
        }
        state.reserved = state.reserved.plus(wanted);
        drop(state);
        Ok(Reservation { purse: self.clone(), left: Mutex::new(wanted) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Takes what was spent out of the reservation; what goes beyond it comes from what is left of the run's budget.
    pub(crate) fn charge(&self, charge: Charge) {
        let mut left = self.left();
        let covered = Charge {
            requests: charge.requests.min(left.requests),
            tokens: charge.tokens.min(left.tokens),
            usd_micros: charge.usd_micros.min(left.usd_micros),
        };
        *left = minus(*left, covered);
        let mut state = self.purse.state();
        state.reserved = minus(state.reserved, covered);
        state.spent = state.spent.plus(charge);
    }

    /// Returns whether the run's budget has room for one request beside what is set aside for other trials.
    pub(crate) fn has_room(&self) -> bool {
        let left = self.left();
        let state = self.purse.state();
        let others = minus(state.reserved, *left);
        state.budget.against(state.spent.plus(others)).all(|(_, limit, taken)| taken < limit)
    }

    fn left(&self) -> MutexGuard<'_, Charge> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let left = *self.left();
        let mut state = self.purse.state();
        state.reserved = minus(state.reserved, left);
    }
}

fn minus(from: Charge, what: Charge) -> Charge {
    Charge {
        requests: from.requests.saturating_sub(what.requests),
        tokens: from.tokens.saturating_sub(what.tokens),
        usd_micros: from.usd_micros.saturating_sub(what.usd_micros),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(tokens: u64) -> Budget {
        Budget { tokens: Some(tokens), ..Budget::default() }
    }

    fn charge(tokens: u64) -> Charge {
        Charge { requests: 1, tokens, usd_micros: 0 }
    }

    #[test]
    fn what_is_set_aside_cannot_be_set_aside_again_and_the_rest_of_it_comes_back() {
        let purse = Purse::new(tokens(100), Charge::default());
        let first = purse.reserve(tokens(60)).unwrap();
        let refused = purse.reserve(tokens(60)).unwrap_err();
        assert_eq!((refused.kind, refused.left, refused.needed), (BudgetKind::Tokens, 40, 60));
        first.charge(charge(30));
        assert!(purse.reserve(tokens(41)).is_err());
        drop(first);
        assert_eq!(purse.spent().tokens, 30);
        drop(purse.reserve(tokens(70)).unwrap());
        assert!(purse.reserve(tokens(71)).is_err());
    }

    #[test]
    fn what_is_left_is_said_in_the_units_of_the_budget() {
        let said = |kind, left, needed| {
            let text = NoRoom { kind, left, needed }.to_string();
            let amounts = text.strip_prefix("the run's budget has no room for another trial: ").unwrap();
            amounts.replace(" left beside what is spent and set aside, and a trial may use", ",")
        };
        assert_eq!(said(BudgetKind::Usd, 4395, 10_000), "$0.0044, $0.0100");
        assert_eq!(said(BudgetKind::Usd, 4395, 4396), "$0.004395, $0.004396");
        assert_eq!(said(BudgetKind::Tokens, 40, 60), "40 tokens, 60 tokens");
        assert_eq!(said(BudgetKind::Requests, 0, 1), "0 requests, 1 requests");
        assert_eq!(said(BudgetKind::Wall, 5, 900), "5 seconds, 900 seconds");
    }

    #[test]
    fn what_goes_beyond_a_reservation_comes_from_the_rest() {
        let purse = Purse::new(tokens(100), charge(10));
        let reservation = purse.reserve(tokens(20)).unwrap();
        reservation.charge(charge(35));
        assert!(purse.reserve(tokens(55)).is_ok());
        assert!(purse.reserve(tokens(56)).is_err());
        assert!(reservation.has_room());
        reservation.charge(charge(55));
        assert!(!reservation.has_room());
        drop(reservation);
        assert_eq!(purse.spent().tokens, 100);
    }

    #[test]
    fn a_run_without_a_budget_has_room_for_everything() {
        let purse = Purse::default();
        let reservation = purse.reserve(tokens(u64::MAX)).unwrap();
        reservation.charge(charge(u64::MAX));
        assert!(reservation.has_room() && purse.reserve(tokens(u64::MAX)).is_ok());
    }

    proptest! {
        /// Trials that keep to their shares never spend more than the run has, however they overlap.
        #[test]
        fn trials_that_keep_to_their_limits_cannot_overspend_together(
            steps in proptest::collection::vec((1u64..50, 0u64..50, any::<bool>()), 1..100), limit in 1u64..300,
        ) {
            let purse = Purse::new(tokens(limit), Charge::default());
            let mut running = std::collections::VecDeque::new();
            for (share, uses, ends) in steps {
                if let Ok(reservation) = purse.reserve(tokens(share)) {
                    running.push_back((reservation, uses.min(share)));
                }
                if let Some((reservation, uses)) = running.pop_front().filter(|_| ends) {
                    reservation.charge(charge(uses));
                }
                prop_assert!(purse.spent().tokens <= limit);
            }
            running.clear();
            prop_assert_eq!(purse.state().reserved, Charge::default());
        }
    }
}
