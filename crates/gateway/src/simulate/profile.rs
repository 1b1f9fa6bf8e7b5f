//! The parameters of simulated models, and the true values that follow from them.
//!
//! Closed forms are methods of [`Profile`]. Other true values, such as those of action mix, action order, steps, cost, Brier score and
//! AUROC, are the limits of the measure over many tasks and trials of [`Plan`](super::Plan)s and come from drawing very many of
//! them; so does every value that also depends on the task's steps.

/// A simulated model's parameters. They are true by construction and public.
///
/// Task i has the success probability pᵢ ~ Beta with mean μ and intra-task correlation ρ; trial j of it succeeds with probability pᵢ,
/// independently. Everything else is drawn independently of the outcome except confidence and claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The name; a spec names the model `simulated/<name>`.
    pub name: String,
    /// How often it succeeds.
    pub success: Success,
    /// How freely it orders its steps, ≥ 0: steps are sorted by place + temperature × a standard normal number, where the place is that
    /// of the canonical order (looks in the file's order, then edits in the file's order). At 0 the order is always the canonical
    /// one; at 0.45 two neighbours change places in 6 % of trials; at 20 nearly every order is alike.
    pub order_temperature: f64,
    /// The probability in [0, 1] of leaving out a look, for each look of the task.
    pub skip: f64,
    /// How many further looks it takes on average, ≥ 0; their number is Poisson, they are any of the task's, at any place.
    pub detours: f64,
    /// Tokens per canonical turn: one look, one edit or the closing message.
    pub tokens: Spread,
    /// Milliseconds until a reply, per canonical turn.
    pub delay_ms: Spread,
    /// How it states confidence.
    pub confidence: ConfidenceHabit,
    /// What it claims.
    pub claim: ClaimHabit,
}

/// How often a simulated model succeeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Success {
    /// μ, the mean over tasks, in (0, 1).
    pub mean: f64,
    /// ρ, the intra-task correlation in [0, 1): Var(pᵢ) = ρ μ (1 − μ). At 0 every task has pᵢ = μ.
    pub correlation: f64,
}

/// A quantity of a whole trial: its total is the median × canonical turns × a lognormal factor of the task × one of the trial.
///
/// The total is drawn and then shared out over the turns, so its spread within a task is exactly `gsd_within`, whatever the number of
/// turns was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The median per canonical turn.
    pub median: f64,
    /// The geometric standard deviation between trials of a task, ≥ 1.
    pub gsd_within: f64,
    /// The geometric standard deviation between tasks, ≥ 1.
    pub gsd_between: f64,
}

/// How a simulated model states confidence: sigmoid(`slope` · logit(pᵢ) + `shift` + `outcome` · (±1) + `noise` · Z), with +1 where the
/// trial succeeded, −1 where it failed, and Z standard normal; rounded to two decimals and kept within [0.01, 0.99].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceHabit {
    /// How much it knows of the task's difficulty; 1 is all.
    pub slope: f64,
    /// How much it says too much, on the logit scale.
    pub shift: f64,
    /// How much it knows of the very trial's outcome, on the logit scale.
    pub outcome: f64,
    /// How much it wavers, on the logit scale.
    pub noise: f64,
}

/// What a simulated model claims of its result. Probabilities in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClaimHabit {
    /// Of claiming success after a success.
    pub done_if_right: f64,
    /// Of claiming success after a failure: the true share of invisible failures among failures.
    pub done_if_wrong: f64,
    /// Of asking for a human where it does not claim success.
    pub human_otherwise: f64,
}

impl Profile {
    /// Returns the built-in profiles: `steady`, `flaky`, `wanderer` and `overconfident`.
    pub fn all() -> Vec<Self> {
        vec![Self::steady(), Self::flaky(), Self::wanderer(), Self::overconfident()]
    }

    /// Returns the built-in profile of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|profile| profile.name == name)
    }

    /// Usually right, nearly always in the same way, and aware of when it is not.
    pub fn steady() -> Self {
        Self {
            name: "steady".to_owned(),
            success: Success { mean: 0.85, correlation: 0.15 },
            order_temperature: 0.45,
            skip: 0.05,
            detours: 0.4,
            tokens: Spread { median: 2600.0, gsd_within: 1.12, gsd_between: 1.3 },
            delay_ms: Spread { median: 8.0, gsd_within: 1.15, gsd_between: 1.2 },
            confidence: ConfidenceHabit { slope: 0.8, shift: -0.1, outcome: 0.6, noise: 0.8 },
            claim: ClaimHabit { done_if_right: 0.98, done_if_wrong: 0.4, human_otherwise: 0.4 },
        }
    }

    /// Right about every second time, on most tasks.
    pub fn flaky() -> Self {
        Self {
            name: "flaky".to_owned(),
            success: Success { mean: 0.5, correlation: 0.15 },
            order_temperature: 1.2,
            skip: 0.2,
            detours: 2.0,
            tokens: Spread { median: 3400.0, gsd_within: 1.5, gsd_between: 1.3 },
            delay_ms: Spread { median: 7.0, gsd_within: 1.6, gsd_between: 1.2 },
            confidence: ConfidenceHabit { slope: 1.0, shift: 0.3, outcome: 0.3, noise: 1.0 },
            claim: ClaimHabit { done_if_right: 0.95, done_if_wrong: 0.7, human_otherwise: 0.2 },
        }
    }

    /// Often right and always doing the same things, in an order that is another one every time.
    pub fn wanderer() -> Self {
        Self {
            name: "wanderer".to_owned(),
            success: Success { mean: 0.75, correlation: 0.15 },
            order_temperature: 20.0,
            skip: 0.03,
            detours: 0.3,
            tokens: Spread { median: 3000.0, gsd_within: 1.25, gsd_between: 1.3 },
            delay_ms: Spread { median: 8.0, gsd_within: 1.3, gsd_between: 1.2 },
            confidence: ConfidenceHabit { slope: 0.7, shift: 0.2, outcome: 0.4, noise: 0.8 },
            claim: ClaimHabit { done_if_right: 0.97, done_if_wrong: 0.6, human_otherwise: 0.3 },
        }
    }

    /// Right half of the time, and sure of it always.
    pub fn overconfident() -> Self {
        Self {
            name: "overconfident".to_owned(),
            success: Success { mean: 0.5, correlation: 0.25 },
            order_temperature: 0.7,
            skip: 0.35,
            detours: 0.6,
            tokens: Spread { median: 1800.0, gsd_within: 1.2, gsd_between: 1.3 },
            delay_ms: Spread { median: 6.0, gsd_within: 1.25, gsd_between: 1.2 },
            confidence: ConfidenceHabit { slope: 0.05, shift: 2.4, outcome: 0.0, noise: 0.6 },
            claim: ClaimHabit { done_if_right: 0.99, done_if_wrong: 0.95, human_otherwise: 0.1 },
        }
    }

    /// Returns μ, the true success rate on a new task.
    pub fn success_rate(&self) -> f64 {
        self.success.mean
    }

    /// Returns the true pass^k = E(pᵏ): the probability that k trials of a new task all succeed.
    pub fn pass_hat(&self, k: u32) -> f64 {
        self.success.all_of(k, self.success.mean)
    }

    /// Returns the true pass@k = 1 − E((1 − p)ᵏ): the probability that at least one of k trials of a new task succeeds.
    pub fn pass_at(&self, k: u32) -> f64 {
        1.0 - self.success.all_of(k, 1.0 - self.success.mean)
    }

    /// Returns the true outcome consistency, 1 − 4 E(p (1 − p)) = 1 − 4 μ (1 − μ) (1 − ρ).
    pub fn outcome_consistency(&self) -> f64 {
        let Success { mean, correlation } = self.success;
        1.0 - 4.0 * mean * (1.0 - mean) * (1.0 - correlation)
    }

    /// Returns the true geometric standard deviation of a trial's total tokens within a task.
    pub fn token_gsd(&self) -> f64 {
        self.tokens.gsd_within
    }

    /// Returns the true geometric standard deviation of a trial's total model delay within a task.
    pub fn delay_gsd(&self) -> f64 {
        self.delay_ms.gsd_within
    }

    /// Returns the true share of failed trials that are claimed as done.
    pub fn invisible_failures(&self) -> f64 {
        self.claim.done_if_wrong
    }
}

impl Success {
    /// Returns the two parameters of the Beta distribution; none where every task is alike.
    pub(super) fn beta(&self) -> Option<(f64, f64)> {
        let strength = (1.0 - self.correlation) / self.correlation;
        (self.correlation > 0.0).then_some((self.mean * strength, (1.0 - self.mean) * strength))
    }

    /// E(qᵏ) of a Beta variable q with mean `mean` and this correlation: Π (a + i) / (a + b + i).
    fn all_of(&self, k: u32, mean: f64) -> f64 {
        if self.correlation <= 0.0 {
            return mean.powf(f64::from(k));
        }
        let strength = (1.0 - self.correlation) / self.correlation;
        (0..k).map(f64::from).map(|i| (mean * strength + i) / (strength + i)).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_forms_agree_with_each_other() {
        for profile in Profile::all() {
            assert!((profile.pass_hat(1) - profile.success_rate()).abs() < 1e-12);
            assert!((profile.pass_at(1) - profile.success_rate()).abs() < 1e-12);
            // 1 − 4 E(p − p²).
            let consistency = 1.0 - 4.0 * (profile.pass_hat(1) - profile.pass_hat(2));
            assert!((profile.outcome_consistency() - consistency).abs() < 1e-12, "{}", profile.name);
        }
        let alike = Success { mean: 0.5, correlation: 0.0 };
        assert!((alike.all_of(3, 0.5) - 0.125).abs() < 1e-12);
    }

    #[test]
    fn profiles_are_found_by_name() {
        assert_eq!(Profile::named("wanderer"), Some(Profile::wanderer()));
        assert_eq!(Profile::named("perfect"), None);
    }
}
