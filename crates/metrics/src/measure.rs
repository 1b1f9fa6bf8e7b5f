//! Measures: their names, units and meaning, and one measured value.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Reason, Target, Value};

/// One measured value of a scorecard.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Measure {
    /// What is measured.
    pub id: MeasureId,
    /// The part of the profile it belongs to.
    pub dimension: Dimension,
    /// The number of draws, for pass@k and pass^k.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
    /// What counts as the same action, for measures of actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granularity: Option<Granularity>,
    /// Which trials are compared, for measures of actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub among: Option<Among>,
    /// What is used up, for measures that every resource has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// Whether it belongs into a short table.
    pub headline: bool,
    /// What the interval speaks of.
    pub target: Target,
    /// The unit of the value.
    pub unit: Unit,
    /// The value.
    pub value: Value,
    /// What to keep in mind when reading the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caution: Option<Reason>,
}

impl Measure {
    pub(crate) fn new(id: MeasureId, target: Target, value: impl Into<Value>) -> Self {
        Self {
            id,
            dimension: id.dimension(),
            k: None,
            granularity: None,
            among: None,
            resource: None,
            headline: true,
            target,
            unit: id.unit(),
            value: value.into(),
            caution: None,
        }
    }

    /// Returns the measure's name in tables, with its number of draws in the place of `k`.
    pub fn label(&self) -> String {
        self.id.label_with(self.k)
    }
}

impl MeasureId {
    /// Returns the measure's name in tables, with a number of draws in the place of `k`.
    pub fn label_with(self, k: Option<u32>) -> String {
        k.map_or_else(|| self.label().to_owned(), |k| self.label().replace('k', &k.to_string()))
    }
}

/// The parts of a reliability profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dimension {
    /// Does it do the work?
    Success,
    /// Does it do the same each time?
    Consistency,
    /// Does it know when it is wrong?
    Predictability,
    /// What does it do when something goes wrong?
    Robustness,
    /// What does it use up?
    Resources,
}

/// The unit of a measure's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// A share from 0 to 1.
    Share,
    /// A score whose best value is 1 (or 0 where lower is better).
    Score,
    /// A difference of two shares, from −1 to 1.
    Difference,
    /// A ratio of two shares; 1 is no difference.
    Ratio,
    /// A correlation, at most 1; an unbiased estimate may lie below 0.
    Correlation,
    /// A variance of shares; an unbiased estimate may lie below 0.
    Variance,
    /// A gain over a reference, at most 1; below 0 it is a loss.
    Skill,
    /// Entropy in bits.
    Bits,
    /// An amount relative to another, from 0.
    Relative,
    /// A factor from 1: a typical value is centre ×/÷ factor.
    Factor,
    /// Actions.
    Actions,
    /// Tokens.
    Tokens,
    /// Milliseconds.
    Milliseconds,
    /// Millionths of a US dollar.
    UsdMicros,
}

impl Unit {
    /// Returns a value with its unit, as tables and pages show it.
    ///
    /// An unbiased estimate may lie outside the range of what it estimates; it is shown at the end of the range, and files have it as it is.
    pub fn write(self, value: f64) -> String {
        match self {
            Self::Tokens if value < 10_000.0 => format!("{value:.0}"),
            Self::Tokens => format!("{:.1}k", value / 1000.0),
            Self::Milliseconds if value < 1000.0 => format!("{value:.0} ms"),
            Self::Milliseconds => format!("{:.1} s", value / 1000.0),
            Self::UsdMicros => format!("${:.4}", value / 1e6),
            Self::Factor => format!("×/÷{value:.2}"),
            Self::Actions => format!("{value:.1}"),
            Self::Score | Self::Share => format!("{:.2}", value.clamp(0.0, 1.0)),
            Self::Correlation | Self::Variance => format!("{:.2}", value.max(0.0)),
            _ => format!("{value:.2}"),
        }
    }
}

/// Which direction of a measure is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Higher values.
    Higher,
    /// Lower values.
    Lower,
    /// Neither as such.
    Neither,
}

/// What counts as the same action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// The same kind, such as `edit`.
    Kind,
    /// The same kind and fine name, such as `edit` with `sed`.
    Name,
}

/// Which trials of a task are compared with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// All that ran.
    All,
    /// Those that passed.
    Successes,
}

/// What a trial uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resource {
    /// Tokens of all requests.
    Tokens,
    /// The agent's working time, without waiting.
    Time,
    /// The part of it spent in calls of the model.
    ModelTime,
    /// The agent's time spent waiting for rate limits and queues.
    Waiting,
    /// Money for all requests.
    Cost,
    /// Steps: actions of the agent.
    Steps,
}

impl Resource {
    /// Returns its name for tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Time => "working time",
            Self::ModelTime => "model time",
            Self::Waiting => "waiting",
            Self::Cost => "cost",
            Self::Steps => "steps",
        }
    }
}

macro_rules! measures {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $label:literal, $dimension:ident, $unit:ident, $better:ident;)+) => {
        /// What is measured; in files a stable word in snake case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[non_exhaustive]
        pub enum MeasureId {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl MeasureId {
            /// Every measure, in the order of scorecards.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the measure's word as it stands in files.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Returns the measure's name for tables.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }

            /// Returns what the measure says, in one sentence.
            pub fn explain(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii()),+ }
            }

            /// Returns the part of the profile the measure belongs to.
            pub fn dimension(self) -> Dimension {
                match self { $(Self::$variant => Dimension::$dimension),+ }
            }

            /// Returns the unit of the measure's value.
            pub fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit),+ }
            }

            /// Returns which direction is the better one.
            pub fn better(self) -> Better {
                match self { $(Self::$variant => Better::$better),+ }
            }
        }
    };
}

measures! {
    /// The mean over tasks of the share of trials that pass.
    SuccessRate = "success_rate", "success rate", Success, Share, Higher;
    /// The share of all trials that pass, whatever their task: a task with more trials weighs more.
    PooledSuccessRate = "pooled_success_rate", "success rate, pooled", Success, Share, Higher;
    /// The probability that at least one of k trials of a task passes, averaged over tasks.
    PassAtK = "pass_at_k", "pass@k", Success, Share, Higher;
    /// The probability that all of k trials of a task pass, averaged over tasks.
    PassHatK = "pass_hat_k", "pass^k", Success, Share, Higher;
    /// The share of tasks in which every trial passed; it falls as trials are added.
    AlwaysSolved = "always_solved", "tasks always solved", Success, Share, Higher;
    /// The share of tasks in which some trials passed and some failed; it rises as trials are added.
    SometimesSolved = "sometimes_solved", "tasks sometimes solved", Success, Share, Lower;
    /// The share of tasks in which no trial passed; it falls as trials are added.
    NeverSolved = "never_solved", "tasks never solved", Success, Share, Lower;
    /// The variance of the tasks' success probabilities, raw: chance may bring it below 0.
    DifficultyVariance = "difficulty_variance", "variance between tasks", Success, Variance, Neither;
    /// The variance of outcomes within a task, averaged over tasks.
    NoiseVariance = "noise_variance", "variance within tasks", Success, Variance, Lower;
    /// The share of the variance of outcomes that comes from tasks being easy or hard.
    DifficultyShare = "difficulty_share", "due to difficulty", Success, Share, Neither;
    /// The share of the variance of outcomes that comes from the same task ending otherwise when run again.
    NoiseShare = "noise_share", "due to run-to-run noise", Success, Share, Neither;
    /// The intraclass correlation of the outcomes of one task, raw: 1 where only tasks differ, 0 where only runs do.
    OutcomeIcc = "outcome_icc", "outcome ICC", Success, Correlation, Neither;
    /// The share of the variance of the logarithm of tokens that comes from tasks being short or long.
    TokenDifficultyShare = "token_difficulty_share", "tokens due to difficulty", Success, Share, Neither;
    /// The intraclass correlation of the logarithm of tokens of one task, raw.
    TokenIcc = "token_icc", "token ICC", Success, Correlation, Neither;
    /// How surely two trials of a task end alike: 1 when they always do, 0 when each is a coin toss.
    OutcomeConsistency = "outcome_consistency", "outcome consistency", Consistency, Score, Higher;
    /// The entropy of a task's outcome with Miller and Madow's correction, averaged over tasks: 0 bits when trials always end alike, 1 bit when each is a coin toss.
    OutcomeEntropy = "outcome_entropy", "outcome entropy", Consistency, Bits, Lower;
    /// How alike the mixes of actions of two trials of a task are, whatever their order: 1 minus the Jensen–Shannon divergence in bits.
    ActionMixConsistency = "action_mix_consistency", "action mix (what)", Consistency, Score, Higher;
    /// How much the mixes of actions of two trials of a task overlap: 1 minus the total variation distance.
    ActionMixOverlap = "action_mix_overlap", "action mix, overlap", Consistency, Score, Higher;
    /// How alike the counts of single actions of two trials of a task are: the cosine of their spectra.
    ActionComposition = "action_composition", "action composition", Consistency, Score, Higher;
    /// How alike the orders of actions of two trials of a task are: 1 minus the edit distance as a share of the longer trial.
    ActionOrderConsistency = "action_order_consistency", "action order (when)", Consistency, Score, Higher;
    /// How alike the orders of actions of two trials of a task are: 1 minus the normalised edit distance that is a metric.
    ActionOrderMetric = "action_order_metric", "action order, metric", Consistency, Score, Higher;
    /// How alike the counts of neighbouring actions of two trials of a task are, start and end included: the cosine of their spectra.
    ActionTransitions = "action_transitions", "action transitions", Consistency, Score, Higher;
    /// How much of the longer of two trials of a task both open with: 1 where they do the same throughout.
    SharedOpening = "shared_opening", "shared opening", Consistency, Score, Higher;
    /// The place of the first action at which two trials of a task part, over the pairs that do, averaged over tasks.
    FirstDivergence = "first_divergence", "runs part at action", Consistency, Actions, Neither;
    /// How alike the sets of files are that two trials of a task change: files in common as a share of all files of both.
    ChangedFilesConsistency = "changed_files_consistency", "files changed alike", Consistency, Score, Higher;
    /// The share of pairs of trials of a task that leave the same change, averaged over tasks.
    SamePatch = "same_patch", "same change left", Consistency, Share, Higher;
    /// How far the tokens of trials of one task lie apart: a typical trial is the task's centre times or divided by this factor.
    TokenSpread = "token_spread", "token spread", Consistency, Factor, Lower;
    /// How far the agent's working times for one task lie apart: a typical trial is the task's centre times or divided by this factor.
    TimeSpread = "time_spread", "time spread", Consistency, Factor, Lower;
    /// How far the times in model calls for one task lie apart: a typical trial is the task's centre times or divided by this factor.
    ModelTimeSpread = "model_time_spread", "model time spread", Consistency, Factor, Lower;
    /// How far the costs of trials of one task lie apart: a typical trial is the task's centre times or divided by this factor.
    CostSpread = "cost_spread", "cost spread", Consistency, Factor, Lower;
    /// How far the numbers of actions for one task lie apart: a typical trial is the task's centre times or divided by this factor.
    StepSpread = "step_spread", "step spread", Consistency, Factor, Lower;
    /// The standard deviation of a resource within a task as a share of its mean, averaged over tasks.
    Variation = "variation", "coefficient of variation", Consistency, Relative, Lower;
    /// The median absolute deviation of a resource within a task, scaled to a standard deviation, as a share of the median, averaged over tasks.
    RobustVariation = "robust_variation", "robust variation", Consistency, Relative, Lower;
    /// The distance of the quartiles of a resource within a task as a share of their sum, averaged over tasks.
    QuartileDispersion = "quartile_dispersion", "quartile dispersion", Consistency, Relative, Lower;
    /// The largest amount of a resource within a task as a multiple of the smallest, averaged over tasks.
    MaxOverMin = "max_over_min", "max / min", Consistency, Relative, Lower;
    /// The 95 % quantile of a resource within a task as a multiple of the median, averaged over tasks.
    TailRatio = "tail_ratio", "p95 / p50", Consistency, Relative, Lower;
    /// The mean squared distance of the stated confidence from what happened, averaged over tasks: 0 is perfect, always saying 0.5 gives 0.25.
    Brier = "brier", "Brier score", Predictability, Score, Lower;
    /// The Brier score's gain over always stating the share that passes: 1 is perfect, 0 is no better, below 0 is worse.
    BrierSkill = "brier_skill", "Brier skill", Predictability, Skill, Higher;
    /// The part of the Brier score that recalibration would remove.
    Miscalibration = "miscalibration", "miscalibration", Predictability, Score, Lower;
    /// What the recalibrated confidences gain over always stating the share that passes.
    Discrimination = "discrimination", "discrimination", Predictability, Score, Higher;
    /// The variance of outcomes, which no confidence can change.
    Uncertainty = "uncertainty", "uncertainty", Predictability, Score, Neither;
    /// The mean distance of confidence and share passed over ten bins of equal width; above 0 by chance alone, so read it beside its null.
    Ece = "ece", "ECE (10 bins)", Predictability, Score, Lower;
    /// What the expected calibration error would be on average if every stated confidence were right.
    EceNull = "ece_null", "ECE by chance alone", Predictability, Score, Neither;
    /// The squared calibration error of ten bins of equal mass less its bias: near 0 under perfect calibration, and below 0 by chance.
    EceDebiased = "ece_debiased", "squared ECE, debiased", Predictability, Score, Lower;
    /// The smooth calibration error, without bins.
    SmoothEce = "smooth_ece", "smooth ECE", Predictability, Score, Lower;
    /// The probability that a passed trial was stated with more confidence than a failed one; 0.5 says nothing.
    Auroc = "auroc", "AUROC", Predictability, Score, Higher;
    /// The mean share of failures among the most confident trials, over all numbers of trials that are kept.
    Aurc = "aurc", "AURC", Predictability, Score, Lower;
    /// What the area under the risk–coverage curve exceeds that of the best ranking by.
    ExcessAurc = "excess_aurc", "excess AURC", Predictability, Score, Lower;
    /// The area under the generalised risk: failures among the most confident trials as a share of all trials.
    Augrc = "augrc", "AUGRC", Predictability, Score, Lower;
    /// The share of failures among the most confident 80 % of trials.
    RiskAt80 = "risk_at_80", "failures in surest 80 %", Predictability, Share, Lower;
    /// The mean stated confidence minus the share that passed, averaged over tasks: above 0 the agent promises too much.
    Overconfidence = "overconfidence", "overconfidence", Predictability, Difference, Neither;
    /// The share of failed trials that the agent claimed as done, averaged over tasks with failures.
    InvisibleOfFailures = "invisible_of_failures", "failures claimed as done", Predictability, Share, Lower;
    /// The share of all trials that failed and that the agent claimed as done, averaged over tasks.
    InvisibleOfTrials = "invisible_of_trials", "invisible failures", Predictability, Share, Lower;
    /// The share of graded trials with a stated confidence, averaged over tasks.
    ConfidenceCoverage = "confidence_coverage", "confidence coverage", Predictability, Share, Higher;
    /// The mean over tasks of the share of trials that pass although a fault landed in them.
    FaultSuccess = "fault_success", "success when hit", Robustness, Share, Higher;
    /// The mean over the same tasks of the share of trials of the baseline that pass.
    FaultBaseline = "fault_baseline", "success without faults", Robustness, Share, Higher;
    /// The success of trials that were hit minus that of the baseline, paired by task: below 0 faults cost success.
    FaultDifference = "fault_difference", "difference", Robustness, Difference, Higher;
    /// The success of trials that were hit as a share of that of the baseline on the same tasks; 1 is no difference.
    FaultRatio = "fault_ratio", "ratio", Robustness, Ratio, Higher;
    /// The share of landed faults after which the same request, or an equivalent one, was answered in the same trial, averaged over tasks.
    FaultRecovery = "fault_recovery", "faults recovered from", Robustness, Share, Higher;
    /// The share of landed faults after which the agent sent a further request, averaged over tasks.
    FaultContinued = "fault_continued", "faults gone on after", Robustness, Share, Higher;
    /// The share of trials with a landed fault whose agent finished by itself and without an error, averaged over tasks.
    FaultFinished = "fault_finished", "hit trials finished", Robustness, Share, Higher;
    /// The median over tasks of the task's median tokens of a trial.
    TokenMedian = "token_median", "tokens, median", Resources, Tokens, Lower;
    /// The median over tasks of the median absolute deviation of a task's tokens.
    TokenDeviation = "token_deviation", "tokens, MAD", Resources, Tokens, Lower;
    /// The tokens that 95 of 100 trials stay below.
    TokenP95 = "token_p95", "tokens, p95", Resources, Tokens, Lower;
    /// The median over tasks of the task's median working time of the agent, without waiting.
    TimeMedian = "time_median", "working time, median", Resources, Milliseconds, Lower;
    /// The median over tasks of the median absolute deviation of a task's working times.
    TimeDeviation = "time_deviation", "working time, MAD", Resources, Milliseconds, Lower;
    /// The agent's working time that 95 of 100 trials stay below.
    TimeP95 = "time_p95", "working time, p95", Resources, Milliseconds, Lower;
    /// The median over tasks of the task's median time in model calls.
    ModelTimeMedian = "model_time_median", "model time, median", Resources, Milliseconds, Lower;
    /// The median over tasks of the median absolute deviation of a task's times in model calls.
    ModelTimeDeviation = "model_time_deviation", "model time, MAD", Resources, Milliseconds, Lower;
    /// The time in model calls that 95 of 100 trials stay below.
    ModelTimeP95 = "model_time_p95", "model time, p95", Resources, Milliseconds, Lower;
    /// The median over tasks of the task's median time of waiting for rate limits and queues, which is not working time.
    WaitingMedian = "waiting_median", "waiting, median", Resources, Milliseconds, Lower;
    /// The median over tasks of the median absolute deviation of a task's times of waiting.
    WaitingDeviation = "waiting_deviation", "waiting, MAD", Resources, Milliseconds, Lower;
    /// The time of waiting that 95 of 100 trials stay below.
    WaitingP95 = "waiting_p95", "waiting, p95", Resources, Milliseconds, Lower;
    /// The median over tasks of the task's median cost of a trial.
    CostMedian = "cost_median", "cost, median", Resources, UsdMicros, Lower;
    /// The median over tasks of the median absolute deviation of a task's costs.
    CostDeviation = "cost_deviation", "cost, MAD", Resources, UsdMicros, Lower;
    /// The cost that 95 of 100 trials stay below.
    CostP95 = "cost_p95", "cost, p95", Resources, UsdMicros, Lower;
    /// All money spent, failures included, for each trial that passed.
    CostPerSuccess = "cost_per_success", "cost per success", Resources, UsdMicros, Lower;
    /// The median over tasks of the task's median number of actions.
    StepMedian = "step_median", "steps, median", Resources, Actions, Lower;
    /// The median over tasks of the median absolute deviation of a task's numbers of actions.
    StepDeviation = "step_deviation", "steps, MAD", Resources, Actions, Lower;
    /// The number of actions that 95 of 100 trials stay below.
    StepP95 = "step_p95", "steps, p95", Resources, Actions, Lower;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_measure_is_the_word_in_files() {
        for id in MeasureId::ALL {
            assert_eq!(serde_json::to_value(id).unwrap(), id.as_str());
        }
    }

    #[test]
    fn every_measure_is_explained_in_one_sentence() {
        for id in MeasureId::ALL {
            let text = id.explain();
            assert!(text.starts_with(|first: char| first.is_uppercase()), "{text}");
            assert_eq!(text.matches(". ").count(), 0, "{text}");
            assert!(text.ends_with('.'), "{text}");
        }
    }
}
