//! The meter of a trial: whether a request may go to the model now, later or never.

use std::collections::HashMap;

use retrial_spec::{Budget, BudgetKind, Charge};

use super::Estimate;

/// What a trial has used and what its requests under way may use.
///
/// A request alone is let through while what was charged and the least that it costs fit into the budget. Beside others it is let
/// through only where the most that all of them cost fits, and waits until one of them has ended otherwise. So a trial exceeds its
/// budget by what one request costs beyond the estimate, however many it sends at a time.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    budget: Budget,
    charged: Charge,
    /// The most that requests under way may cost, by their numbers; none where nobody knows.
    open: HashMap<u32, Option<Charge>>,
}

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It may go to the model.
    Go,
    /// It may once another request has ended.
    Wait,
    /// It may not, because a budget is spent.
    Spent(BudgetKind, u64),
}

impl Meter {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, ..Self::default() }
    }

    /// Returns whether requests need an estimate.
    pub(crate) fn needs_estimates(&self) -> bool {
        self.budget.tokens.is_some() || self.budget.usd_micros.is_some()
    }

    /// Decides on a request.
    pub(crate) fn decide(&self, estimate: &Estimate) -> Decision {
        let under_way = self.open.len() as u64;
        // Requests are counted when they are let through; each costs exactly one.
        if let Some(limit) = self.budget.requests.filter(|limit| self.charged.requests + under_way >= *limit)
        {
            return Decision::Spent(BudgetKind::Requests, limit);
        }
        let costly = Budget { requests: None, ..self.budget };
        for (kind, limit, charged) in costly.against(self.charged.plus(estimate.least)) {
            // A budget that is used up to the last token is spent, however small the request.
            let before = costly.against(self.charged).find(|(other, ..)| *other == kind);
            if charged > limit || before.is_some_and(|(_, _, before)| before >= limit) {
                return Decision::Spent(kind, limit);
            }
        }
        if self.open.is_empty() || !self.needs_estimates() {
            return Decision::Go;
        }
        let mut all = self.open.values().chain([&estimate.most]);
        let most = all.try_fold(self.charged, |sum, most| Some(sum.plus((*most)?)));
        let fits = most.is_some_and(|most| costly.against(most).all(|(_, limit, charged)| charged <= limit));
        if fits { Decision::Go } else { Decision::Wait }
    }

    /// Notes a request that was let through.
    pub(crate) fn open(&mut self, number: u32, estimate: &Estimate) {
        self.open.insert(number, estimate.most);
    }

    /// Charges a request that has ended.
    pub(crate) fn close(&mut self, number: u32, charge: Charge) {
        self.open.remove(&number);
        self.charged = self.charged.plus(charge);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fields::Fields;

    fn tokens(limit: u64) -> Meter {
        Meter::new(Budget { tokens: Some(limit), ..Budget::default() })
    }

    /// A request of `input` bytes whose reply is at most `output` tokens long.
    fn request(input: usize, output: Option<u64>) -> Estimate {
        let bound = output.map_or_else(String::new, |output| format!("{{\"max_tokens\":{output}}}"));
        let body = format!("{bound}{}", " ".repeat(input.saturating_sub(bound.len())));
        Estimate::of_call(body.as_bytes(), &Fields::of(body.as_bytes()).unwrap_or_default(), None)
    }

    fn charge(tokens: u64) -> Charge {
        Charge { requests: 1, tokens, usd_micros: 0 }
    }

    #[test]
    fn requests_are_counted_when_they_are_let_through() {
        let mut meter = Meter::new(Budget::of_requests(2));
        for number in 1..=2 {
            assert_eq!(meter.decide(&request(80, None)), Decision::Go);
            meter.open(number, &request(80, None));
        }
        assert_eq!(meter.decide(&request(80, None)), Decision::Spent(BudgetKind::Requests, 2));
        meter.close(1, charge(5));
        assert_eq!(meter.decide(&request(80, None)), Decision::Spent(BudgetKind::Requests, 2));
    }

    #[test]
    fn a_request_alone_goes_while_its_least_fits() {
        let mut meter = tokens(100);
        assert_eq!(meter.decide(&request(808, None)), Decision::Spent(BudgetKind::Tokens, 100));
        assert_eq!(meter.decide(&request(800, None)), Decision::Go);
        meter.open(1, &request(800, None));
        meter.close(1, charge(99));
        assert_eq!(meter.decide(&request(7, None)), Decision::Go);
        meter.open(2, &request(7, None));
        meter.close(2, charge(1));
        assert_eq!(meter.decide(&request(0, None)), Decision::Spent(BudgetKind::Tokens, 100));
    }

    #[test]
    fn beside_others_a_request_goes_where_the_most_fits_and_waits_otherwise() {
        let mut meter = tokens(1000);
        meter.open(1, &request(100, Some(300)));
        assert_eq!(meter.decide(&request(100, Some(300))), Decision::Go);
        assert_eq!(meter.decide(&request(100, Some(600))), Decision::Wait);
        assert_eq!(meter.decide(&request(100, None)), Decision::Wait);
        meter.close(1, charge(20));
        assert_eq!(meter.decide(&request(100, None)), Decision::Go);
        meter.open(2, &request(100, None));
        assert_eq!(meter.decide(&request(100, Some(1))), Decision::Wait);
    }

    proptest! {
        /// Whatever is sent in whatever order, only one request at a time can cost more than the budget holds.
        #[test]
        fn a_budget_is_exceeded_by_one_request_at_most(
            sizes in proptest::collection::vec((1usize..400, proptest::option::of(1u64..200), 0.0f64..1.0), 1..60),
            limit in 50u64..2000,
        ) {
            let mut meter = tokens(limit);
            let mut under_way: Vec<(u32, u64)> = Vec::new();
            let mut dearest = 0;
            for (number, (input, output, end)) in sizes.into_iter().enumerate() {
                let estimate = request(input, output);
                match meter.decide(&estimate) {
                    Decision::Go => {
                        meter.open(number as u32, &estimate);
                        // A reply without a bound may be of any length.
                        let real = estimate.most.map_or(input as u64 + 5000, |most| most.tokens);
                        dearest = dearest.max(real);
                        under_way.push((number as u32, real));
                    }
                    Decision::Wait => prop_assert!(!under_way.is_empty()),
                    Decision::Spent(..) => {}
                }
                if !under_way.is_empty() && end > 0.4 {
                    let (ended, real) = under_way.remove((end * 1000.0) as usize % under_way.len());
                    meter.close(ended, charge(real));
                }
            }
            for (number, real) in under_way {
                meter.close(number, charge(real));
            }
            prop_assert!(meter.charged.tokens <= limit + dearest, "{} of {limit}", meter.charged.tokens);
        }
    }
}
