//! Values of measures: finite numbers with interval and n, or the reason why there is none.
//!
//! Nothing else in this crate puts a fraction into a scorecard, so no NaN or infinity can reach a file.

use std::borrow::Cow;

use retrial_stats::{Level, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Target;

/// A number that is neither infinite nor NaN; minus zero is kept as zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Finite(f64);

impl Finite {
    /// Nothing.
    pub(crate) const ZERO: Self = Self(0.0);
    /// All.
    pub(crate) const ONE: Self = Self(1.0);

    /// Creates a finite number.
    ///
    /// # Errors
    /// [`Reason`] with the code `not_finite` for an infinity or NaN.
    pub fn new(value: f64) -> Result<Self, Reason> {
        if value.is_finite() { Ok(Self(value + 0.0)) } else { Err(Undefined::NotFinite.into()) }
    }

    /// Returns the number.
    pub fn value(self) -> f64 {
        self.0
    }
}

/// The value of a measure: an estimate, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The estimate.
    Estimate(Estimate),
    /// There is no estimate.
    Undefined(Reason),
}

impl Value {
    /// Returns the estimate if there is one.
    pub fn estimate(&self) -> Option<&Estimate> {
        match self {
            Self::Estimate(estimate) => Some(estimate),
            Self::Undefined(_) => None,
        }
    }
}

impl From<Result<Estimate, Reason>> for Value {
    fn from(result: Result<Estimate, Reason>) -> Self {
        match result {
            Ok(estimate) => Self::Estimate(estimate),
            Err(reason) => Self::Undefined(reason),
        }
    }
}

/// A point estimate with what it rests on and how sure it is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Estimate {
    /// The estimate, not moved into the measure's range.
    pub point: Finite,
    /// What it was computed from.
    pub n: Evidence,
    /// The interval to show. It always holds the point.
    pub interval: Bounds,
    /// Intervals by other methods, for comparison.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Bounds>,
}

impl Estimate {
    /// Creates an estimate. For the population a single task leaves every interval undefined, whatever the method.
    ///
    /// # Errors
    /// [`Reason`] with the code `not_finite` for a point that is not finite.
    pub(crate) fn new(
        point: f64,
        n: Evidence,
        target: Target,
        interval: Result<Interval, Reason>,
    ) -> Result<Self, Reason> {
        let alone = target == Target::Population && n.tasks < 2;
        let interval = if alone { Err(Reason::one_task(n.tasks)) } else { interval };
        Ok(Self { point: Finite::new(point)?, n, interval: interval.into(), beside: Vec::new() })
    }
}

/// How much an estimate was computed from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Trials used.
    pub trials: u64,
    /// Tasks used.
    pub tasks: u64,
}

/// An interval, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bounds {
    /// The interval.
    #[serde(rename = "known")]
    Interval(Interval),
    /// There is no interval.
    Undefined(Reason),
}

impl Bounds {
    /// Returns the interval if there is one.
    pub fn interval(&self) -> Option<&Interval> {
        match self {
            Self::Interval(interval) => Some(interval),
            Self::Undefined(_) => None,
        }
    }
}

impl From<Result<Interval, Reason>> for Bounds {
    fn from(result: Result<Interval, Reason>) -> Self {
        match result {
            Ok(interval) => Self::Interval(interval),
            Err(reason) => Self::Undefined(reason),
        }
    }
}

/// A closed interval with its level and the method it was made by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Interval {
    /// The lower end.
    pub low: Finite,
    /// The upper end.
    pub high: Finite,
    /// The two-sided confidence level.
    pub level: Finite,
    /// How it was made.
    pub method: Method,
}

impl Interval {
    /// Creates an interval from one of `stats`.
    ///
    /// # Errors
    /// [`Reason`] with the code `not_finite` for an end that is not finite.
    pub(crate) fn new(
        interval: retrial_stats::Interval,
        level: Level,
        method: retrial_stats::Method,
    ) -> Result<Self, Reason> {
        Ok(Self {
            low: Finite::new(interval.low())?,
            high: Finite::new(interval.high())?,
            level: Finite::new(level.confidence())?,
            method: Method(method),
        })
    }

    /// Returns the interval of an estimate of `stats`, with both ends moved into `range`.
    pub(crate) fn of(estimate: &retrial_stats::Estimate, range: (f64, f64)) -> Result<Self, Reason> {
        let interval = estimate.interval.map_err(Reason::from)?.clamp(range.0, range.1);
        Self::new(interval, estimate.level, estimate.method)
    }

    /// Returns whether it holds whenever and why ever the run ended, as that of a run with a stopping rule must.
    pub fn is_anytime_valid(&self) -> bool {
        self.method.is(retrial_stats::Method::BetaMixtureSequence)
    }
}

/// How an interval was made; in files a stable word in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method(retrial_stats::Method);

impl Method {
    pub(crate) fn is(self, method: retrial_stats::Method) -> bool {
        self.0 == method
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&self.0.to_string().replace('-', "_"))
    }
}

impl Serialize for Method {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Method {
    fn schema_name() -> Cow<'static, str> {
        "Method".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How an interval was made, such as `beta_binomial_grid`.",
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]*$",
        })
    }
}

/// Why a measure, an interval or a cell has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// A stable word in snake case.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]*$"))]
    code: Cow<'static, str>,
    /// The same for people.
    message: Cow<'static, str>,
}

impl Reason {
    pub(crate) const fn fixed(code: &'static str, message: &'static str) -> Self {
        Self { code: Cow::Borrowed(code), message: Cow::Borrowed(message) }
    }

    /// No trial finished.
    pub(crate) const NO_TRIALS: Self = Self::fixed("no_trials", "no trial finished");
    /// No trial has a verdict.
    pub(crate) const NO_GRADED_TRIALS: Self = Self::fixed("no_graded_trials", "no trial was graded");
    /// Nothing failed.
    pub(crate) const NO_FAILURES: Self = Self::fixed("no_failures", "no trial failed");
    /// Nobody asked for confidences.
    pub(crate) const NOT_ASKED: Self = Self::fixed("not_asked", "confidence was not asked for");
    /// No confidence is known.
    pub(crate) const NO_CONFIDENCES: Self =
        Self::fixed("no_confidences", "no graded trial has a stated confidence");
    /// No claim is known.
    pub(crate) const NO_CLAIMS: Self = Self::fixed("no_claims", "no such trial has a stated claim");
    /// No action is known.
    pub(crate) const NO_ACTIONS: Self = Self::fixed("no_actions", "no trial has a recorded action");
    /// No fault reached an agent.
    pub(crate) const NO_LANDED_FAULTS: Self =
        Self::fixed("no_landed_faults", "no fault landed in a trial that counts");
    /// Nothing to compare with.
    pub(crate) const NO_BASELINE: Self =
        Self::fixed("no_baseline", "no task that was hit has a graded trial of the baseline");
    /// The amount is known of no trial.
    pub(crate) const NOT_RECORDED: Self = Self::fixed("not_recorded", "no trial has a recorded value");
    /// The times are those of answers from a recording.
    pub(crate) const REPLAYED: Self =
        Self::fixed("replayed", "the run was answered from a recording, so that its times measure nothing");
    /// The estimator speaks of the population only.
    pub(crate) const NOT_FOR_TARGET: Self =
        Self::fixed("not_for_target", "no interval for the fixed suite; ask for the population");
    /// No method is known to cover.
    pub(crate) const NO_METHOD: Self =
        Self::fixed("no_method", "no interval for this measure of trials that share tasks");
    /// No method is known to cover for whole numbers as small as those of steps.
    pub(crate) const NO_METHOD_FOR_COUNTS: Self =
        Self::fixed("no_method", "no interval for the spread of small counts, which are not lognormal");
    /// Every trial of every task did the same.
    pub(crate) const NEVER_PART: Self = Self::fixed("never_part", "no two such trials of a task part");
    /// Nothing passed.
    pub(crate) const NO_SUCCESSES: Self = Self::fixed("no_successes", "no trial passed");
    /// There is nothing to violate.
    pub(crate) const NO_CONSTRAINTS: Self = Self::fixed("no_constraints", "no task declares a constraint");
    /// A quantile that few trials can show.
    pub(crate) const FEW_FOR_TAIL: Self = Self::fixed(
        "few_trials",
        "the 95 % quantile of fewer than 20 trials of a task is little but the largest value",
    );
    /// An interval outside the range in which it is good.
    pub(crate) const WIDE_FOR_VANGEL: Self =
        Self::fixed("wide_variation", "the interval is good for coefficients of variation below 0.33");

    /// The run had a stopping rule.
    pub(crate) const MAY_STOP: Self = Self::fixed(
        "may_stop",
        "the run could stop by what its rounds showed, which the value and its interval do not account for",
    );

    /// An interval is wanted and there is none.
    pub(crate) const NO_INTERVAL: Self = Self::fixed("no_interval", "there is no interval to decide by");
    /// The answer comes from an interval.
    pub(crate) const INTERVAL_DECIDES: Self =
        Self::fixed("interval_decides", "no p-value for the fixed suite; the interval decides");

    /// A witness is not compared with itself.
    pub(crate) const ITSELF: Self = Self::fixed("itself", "an agent is not compared with itself");
    /// Nothing is to be shown.
    pub(crate) const NO_DIFFERENCE: Self = Self::fixed(
        "no_difference",
        "the sides do not differ, so there is no difference to plan for; name one",
    );
    /// What further trials would make smaller is all there is.
    pub(crate) const EVERY_TRIAL_HELPS: Self = Self::fixed(
        "every_trial_helps",
        "the tasks do not differ beyond the noise of trials, so that every further trial tells more",
    );
    /// The test cannot be significant, or data are too noisy.
    pub(crate) const NOT_EVEN_ONE: Self = Self::fixed(
        "not_even_one",
        "so few and so noisy trials would not even show a difference of 1 with that probability",
    );
    /// The contenders' amounts have no task in common.
    pub(crate) const NO_COMMON_TASK: Self =
        Self::fixed("no_common_task", "no task has an amount above 0 of everyone that takes anything");
    /// A ratio needs amounts above 0.
    pub(crate) const NOTHING_TAKEN: Self =
        Self::fixed("nothing_taken", "nothing was taken in some task, and there is no ratio to nothing");
    /// The tasks themselves differ too much.
    pub(crate) const TRIALS_DO_NOT_HELP: Self = Self::fixed(
        "trials_do_not_help",
        "no number of trials shows it on so few tasks, because the tasks themselves differ too much",
    );

    pub(crate) fn too_few_trials(have: usize, need: usize) -> Self {
        let message = format!("needs at least {need} trials, has {have}");
        Self { code: "too_few_trials".into(), message: message.into() }
    }

    pub(crate) fn one_task(have: u64) -> Self {
        Undefined::TooFewGroups { have: have as usize, need: 2 }.into()
    }

    /// Returns the reason's stable word.
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&self.message)
    }
}

impl From<Undefined> for Reason {
    /// Says in this crate's words (tasks, trials) what `stats` says of groups and items.
    fn from(undefined: Undefined) -> Self {
        match undefined {
            Undefined::TooFewGroups { have, need } => Self {
                code: "too_few_tasks".into(),
                message: format!("needs at least {need} tasks, has {have}").into(),
            },
            Undefined::TooFewItems { have, need } => Self {
                code: "too_few_trials".into(),
                message: format!("needs at least {need} trials of a task, has {have}").into(),
            },
            Undefined::SingleItemGroup => Self::fixed("single_trial_task", "some task has a single trial"),
            Undefined::ZeroVariance => Self::fixed("no_variance", "the evidence shows no variance"),
            other => Self { code: other.code().replace('-', "_").into(), message: other.to_string().into() },
        }
    }
}

/// Something without interval, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Known<T> {
    /// What is known.
    Known(T),
    /// There is nothing.
    Undefined(Reason),
}

impl<T> Known<T> {
    /// Returns what is known, if anything is.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Undefined(_) => None,
        }
    }
}

impl<T> From<Result<T, Reason>> for Known<T> {
    fn from(result: Result<T, Reason>) -> Self {
        match result {
            Ok(known) => Self::Known(known),
            Err(reason) => Self::Undefined(reason),
        }
    }
}

/// A number without interval, or why there is none.
pub type Number = Known<Finite>;

impl Number {
    /// Creates a number, which is undefined where the value is not finite.
    pub(crate) fn of<E: Into<Reason>>(result: Result<f64, E>) -> Self {
        result.map_err(Into::into).and_then(Finite::new).into()
    }

    /// Returns the number if there is one.
    pub fn value(&self) -> Option<f64> {
        self.known().map(|number| number.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_and_nan_are_refused_and_minus_zero_is_zero() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Finite::new(bad).unwrap_err().code(), "not_finite");
        }
        assert!(Finite::new(-0.0).unwrap().value().is_sign_positive());
    }

    #[test]
    fn one_task_leaves_the_population_without_interval_and_the_fixed_suite_with_one() {
        let n = Evidence { trials: 5, tasks: 1 };
        let whole = retrial_stats::Interval::new(0.0, 1.0).unwrap();
        let interval = || Interval::new(whole, Level::P95, retrial_stats::Method::Wilson);
        let population = Estimate::new(0.5, n, Target::Population, interval()).unwrap();
        assert!(matches!(population.interval, Bounds::Undefined(reason) if reason.code() == "too_few_tasks"));
        let fixed = Estimate::new(0.5, n, Target::FixedSuite, interval()).unwrap();
        assert!(fixed.interval.interval().is_some());
    }

    #[test]
    fn reasons_speak_of_tasks_and_trials_in_snake_case() {
        let reason = Reason::from(Undefined::TooFewItems { have: 1, need: 2 });
        assert_eq!(reason.code(), "too_few_trials");
        assert_eq!(reason.to_string(), "needs at least 2 trials of a task, has 1");
        assert_eq!(Reason::from(Undefined::AtBoundary).code(), "at_boundary");
    }
}
