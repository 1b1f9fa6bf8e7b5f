//! One measure against its margin: non-inferior, worse, or open.

use retrial_spec::{Margins, TaskName};
use schemars::JsonSchema;
use serde::Serialize;

use super::needs::Needed;
use crate::decide::{Aspect, Contrast, Scale, Side};
use crate::value::{Finite, Number, Reason};
use crate::{Better, Resource};

/// What a gate says of one measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is shown to be within its margin.
    Pass,
    /// It is shown to be worse, and not to be within its margin.
    Fail,
    /// Neither.
    Open,
}

/// Why a measure is open.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenMeasure {
    /// There is no estimate, or no interval.
    Undefined(Reason),
    /// It is known of too few trials of a side.
    PartlyKnown {
        /// The side.
        side: Side,
        /// Trials of which it is known.
        known: u64,
        /// Planned trials.
        planned: u64,
    },
    /// Tasks that decide have no value of it.
    TasksWithout(Vec<TaskName>),
    /// The answer depends on what the trials that are not graded would have been.
    UngradedTrials,
    /// The answer depends on what was claimed in trials whose claim is not known, or on trials that are not graded.
    UnknownClaims,
    /// The bounds leave both open.
    NotEnough(Needed),
}

/// One measure of the candidate against that of the baseline, with its margin.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GateMeasure {
    /// The answer.
    pub answer: Answer,
    /// Why it is open; only where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenMeasure>,
    /// The margin, as the policy gives it.
    pub margin: Finite,
    /// What the contrast must stay within: −margin where more is better, margin where less is, 1 + margin of ratios.
    pub limit: Finite,
    /// The one-sided bound of the contrast on its worse side: within the limit, the measure passes.
    pub worst_bound: Number,
    /// The one-sided bound on its better side: beyond no change, the measure is worse.
    pub best_bound: Number,
    /// The p-value of "not worse", adjusted over all judged measures (Holm); 1 where there is none.
    pub adjusted_p: Finite,
    /// The mean over tasks of the candidate's values; of amounts and spreads the geometric mean.
    pub candidate: Number,
    /// The same of the baseline.
    pub baseline: Number,
    /// The comparison, with an interval whose ends are the bounds.
    pub contrast: Contrast,
}

impl GateMeasure {
    /// Returns whether the contrast's estimate itself is beyond the limit.
    pub fn is_beyond(&self) -> bool {
        let point = self.contrast.value.estimate().map(|found| found.point.value());
        point.is_some_and(|point| {
            worsening(&self.contrast, point) > worsening(&self.contrast, self.limit.value())
        })
    }
}

/// How far a value of the contrast is on the worse side; on the scale on which differences are taken.
pub(super) fn worsening(contrast: &Contrast, value: f64) -> f64 {
    let value = match contrast.scale {
        Scale::Difference => value,
        Scale::Ratio => value.ln(),
    };
    if contrast.better == Better::Lower { value } else { -value }
}

/// What the policy judges, with the margins: success first, the rest in the order of the file's documentation.
pub(super) fn judged(margins: &Margins) -> Vec<(Aspect, f64)> {
    let Margins {
        success,
        pass_hat_k,
        consistency,
        invisible_failures,
        brier,
        token_spread,
        time_spread,
        cost_spread,
        tokens,
        steps,
        cost,
        time,
    } = *margins;
    let optional = [
        (Aspect::OutcomeConsistency, consistency),
        (Aspect::InvisibleFailures, invisible_failures),
        (Aspect::Brier, brier),
        (Aspect::Spread(Resource::Tokens), token_spread),
        (Aspect::Spread(Resource::Time), time_spread),
        (Aspect::Spread(Resource::Cost), cost_spread),
        (Aspect::Amount(Resource::Tokens), tokens),
        (Aspect::Amount(Resource::Steps), steps),
        (Aspect::Amount(Resource::Cost), cost),
        (Aspect::Amount(Resource::Time), time),
    ];
    let pass = pass_hat_k.map(|pass| (Aspect::PassHatK(pass.k), pass.margin));
    let given = optional.into_iter().filter_map(|(aspect, margin)| Some((aspect, margin?)));
    [(Aspect::Success, success)].into_iter().chain(pass).chain(given).collect()
}
