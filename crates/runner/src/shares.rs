//! What a trial may use, and how the run's budget is shared out: every planned trial gets the same limit before any starts.
//!
//! See `docs/design/budgets.md` for why.

use std::time::Duration;

use retrial_spec::{Budget, BudgetKind, ElicitMode, Limits, RunBudget};

use crate::{Plan, PlanError};

/// Millionths of a dollar, rounded down.
fn usd_micros(usd: f64) -> u64 {
    // A decimal fraction is off by rounding only, which is far below this.
    (usd * 1e6 + 1e-3).floor() as u64
}

/// Dollars of millionths.
fn usd(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Returns the limits of a trial on what goes to its model.
pub(crate) fn trial_budget(limits: &Limits) -> Budget {
    Budget {
        requests: Some(limits.requests.unwrap_or(Limits::REQUESTS)),
        tokens: limits.tokens,
        usd_micros: limits.usd.map(usd_micros),
    }
}

/// Returns what a run may spend, without its time.
pub(crate) fn run_budget(budget: RunBudget) -> Budget {
    Budget { requests: budget.requests, tokens: budget.tokens, usd_micros: budget.usd.map(usd_micros) }
}

/// Returns what is set aside for a trial: its limits, and a request for the question after its end.
pub(crate) fn reserved(trial: Budget, elicit: ElicitMode) -> Budget {
    let question = u64::from(elicit == ElicitMode::After);
    Budget { requests: trial.requests.map(|requests| requests.saturating_add(question)), ..trial }
}

/// Puts the budgets that `by` states in place of those that were there.
pub(crate) fn change(budget: &mut RunBudget, by: RunBudget) {
    budget.requests = by.requests.or(budget.requests);
    budget.tokens = by.tokens.or(budget.tokens);
    budget.usd = by.usd.or(budget.usd);
    budget.wall_sec = by.wall_sec.or(budget.wall_sec);
}

/// Writes an amount of a budget for people.
pub(crate) fn amount(kind: BudgetKind, amount: u64) -> String {
    match kind {
        BudgetKind::Usd => format!("{} dollars", usd(amount)),
        BudgetKind::Wall => format!("{amount} seconds"),
        BudgetKind::Requests | BudgetKind::Tokens => format!("{amount} {}", kind.as_str()),
    }
}

impl Plan {
    /// Returns what a trial may use of its model, without the question after the end.
    pub fn trial_budget(&self) -> Budget {
        trial_budget(&self.experiment.limits)
    }

    /// Changes the run's budget and checks that trials still fit into it.
    ///
    /// # Errors
    /// [`PlanError::BudgetTooSmall`], [`PlanError::NoPrice`].
    pub fn change_budget(&mut self, by: RunBudget) -> Result<(), PlanError> {
        change(&mut self.experiment.budget, by);
        self.check_budget()
    }

    /// Gives trials that have no limit of their own their share of the run's budget, for good: a resumed run keeps it.
    pub(crate) fn share_budget(&mut self) -> Result<(), PlanError> {
        let share = self.share();
        let limits = &mut self.experiment.limits;
        limits.requests = limits.requests.or(share.requests).or(Some(Limits::REQUESTS));
        limits.tokens = limits.tokens.or(share.tokens);
        limits.usd = limits.usd.or(share.usd_micros.map(usd));
        self.check_budget()
    }

    /// A trial's share of the run's budget.
    fn share(&self) -> Budget {
        let planned = (self.order().len() as u64).max(1);
        let run = run_budget(self.experiment.budget);
        let question = u64::from(self.experiment.elicit.mode == ElicitMode::After);
        let share = |budget: Option<u64>| budget.map(|budget| budget / planned);
        let requests = share(run.requests).map(|share| share.saturating_sub(question).min(Limits::REQUESTS));
        Budget { requests, tokens: share(run.tokens), usd_micros: share(run.usd_micros) }
    }

    /// Returns what a trial may use because that is its share of the run's budget, each amount in words. Where a trial has just as much by
    /// a limit of its own, the two cannot be told apart.
    pub fn shares(&self) -> Vec<String> {
        let (trial, share) = (self.trial_budget(), self.share());
        let same = |trial: Option<u64>, share: Option<u64>| trial.filter(|trial| share == Some(*trial));
        let below_the_usual = same(trial.requests, share.requests).filter(|&share| share < Limits::REQUESTS);
        let kinds = [
            (BudgetKind::Requests, below_the_usual),
            (BudgetKind::Tokens, same(trial.tokens, share.tokens)),
            (BudgetKind::Usd, same(trial.usd_micros, share.usd_micros)),
        ];
        kinds.into_iter().filter_map(|(kind, share)| Some(amount(kind, share?))).collect()
    }

    fn check_budget(&self) -> Result<(), PlanError> {
        let trial = trial_budget(&self.experiment.limits);
        let run = run_budget(self.experiment.budget);
        let needs = reserved(trial, self.experiment.elicit.mode);
        let too_small = |kind, budget, needed| PlanError::BudgetTooSmall {
            kind,
            budget: amount(kind, budget),
            needed: amount(kind, needed),
        };
        let kinds = [
            (BudgetKind::Requests, run.requests, trial.requests, needs.requests),
            (BudgetKind::Tokens, run.tokens, trial.tokens, needs.tokens),
            (BudgetKind::Usd, run.usd_micros, trial.usd_micros, needs.usd_micros),
        ];
        for (kind, budget, limit, needed) in kinds {
            let (Some(budget), Some(limit), Some(needed)) = (budget, limit, needed) else { continue };
            if needed > budget || limit == 0 {
                return Err(too_small(kind, budget, needed.max(1)));
            }
        }
        if let Some(wall) = self.experiment.budget.wall_sec {
            let limits = &self.experiment.limits;
            let longest = self.tasks.iter().map(|task| crate::ready::agent_limit(task, limits)).max();
            if let Some(longest) = longest.filter(|longest| *longest > Duration::from_secs(wall)) {
                return Err(too_small(BudgetKind::Wall, wall, longest.as_secs()));
            }
        }
        if trial.usd_micros.is_some() { self.check_prices() } else { Ok(()) }
    }

    fn check_prices(&self) -> Result<(), PlanError> {
        for agent in &self.agents {
            let model = agent.model.priced_as();
            if self.prices.price(&model).is_none() {
                return Err(PlanError::NoPrice { agent: agent.name.clone(), model });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Overrides;

    /// A plan of 10 trials of one agent on one task.
    fn plan(settings: &str) -> Result<Plan, PlanError> {
        let directory = tempfile::tempdir().expect("a directory");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
        let text = format!(
            "name = \"s\"\ntrials = 10\ntasks = [\"{}/tasks/fix-torn-tail\"]\n{settings}\n[[models]]\nname = \"m\"\n\
             base_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m-1\"\n[[agents]]\nname = \"a\"\nmodel = \"MODEL\"\n",
            root.display()
        );
        let text = match text.split_once("# real") {
            Some(_) => text.replace("MODEL", "m"),
            None => text.replace("MODEL", "simulated/steady"),
        };
        let path = directory.path().join("e.toml");
        fs_err::write(&path, text).expect("a file");
        Plan::read(&path, &Overrides::default())
    }

    fn limits(settings: &str) -> (Option<u64>, Option<u64>, Option<f64>) {
        let limits = plan(settings).expect("a plan").experiment.limits;
        (limits.requests, limits.tokens, limits.usd)
    }

    #[test]
    fn without_a_budget_a_trial_has_the_default_number_of_requests_and_no_other_limit() {
        assert_eq!(limits(""), (Some(500), None, None));
        assert_eq!(limits("[limits]\nrequests = 7\ntokens = 9"), (Some(7), Some(9), None));
    }

    #[test]
    fn every_trial_gets_the_same_share_of_what_it_has_no_limit_for() {
        assert_eq!(
            limits("[budget]\nrequests = 1009\ntokens = 1234\nusd = 0.1"),
            (Some(99), Some(123), Some(0.01))
        );
        assert_eq!(limits("[budget]\nrequests = 1000000"), (Some(500), None, None));
        assert_eq!(limits("[limits]\ntokens = 1000\n[budget]\ntokens = 1234"), (Some(500), Some(1000), None));
    }

    #[test]
    fn a_budget_that_holds_no_trial_is_refused() {
        for (settings, kind) in [
            ("[budget]\nrequests = 10", BudgetKind::Requests),
            ("[budget]\ntokens = 9", BudgetKind::Tokens),
            ("[limits]\nusd = 2\n[budget]\nusd = 1", BudgetKind::Usd),
            ("[limits]\nrequests = 10\n[budget]\nrequests = 10", BudgetKind::Requests),
            ("[limits]\nagent_sec = 20\n[budget]\nwall_sec = 19", BudgetKind::Wall),
        ] {
            let error = plan(settings).expect_err(settings);
            assert!(
                matches!(&error, PlanError::BudgetTooSmall { kind: found, .. } if *found == kind),
                "{error}"
            );
        }
        assert!(plan("[elicit]\nmode = \"off\"\n[limits]\nrequests = 10\n[budget]\nrequests = 10").is_ok());
    }

    #[test]
    fn a_budget_in_money_needs_every_price() {
        assert!(plan("# real").is_ok());
        for settings in ["[budget]\nusd = 1 # real", "[limits]\nusd = 1 # real"] {
            let error = plan(settings).expect_err(settings);
            assert!(matches!(&error, PlanError::NoPrice { model, .. } if model == "m-1"), "{error}");
        }
    }

    #[test]
    fn a_changed_budget_leaves_the_limits_of_trials_as_they_are() {
        let mut plan = plan("[budget]\ntokens = 1000").expect("a plan");
        plan.change_budget(RunBudget { tokens: Some(5000), ..RunBudget::default() }).expect("it fits");
        assert_eq!((plan.experiment.limits.tokens, plan.experiment.budget.tokens), (Some(100), Some(5000)));
        assert!(plan.change_budget(RunBudget { tokens: Some(99), ..RunBudget::default() }).is_err());
    }
}
