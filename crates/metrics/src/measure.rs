//! Measures: their names, units and meaning, and one measured value.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Target, Value};

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
    /// Whether it belongs into a short table.
    pub headline: bool,
    /// What the interval speaks of.
    pub target: Target,
    /// The unit of the value.
    pub unit: Unit,
    /// The value.
    pub value: Value,
}

impl Measure {
    pub(crate) fn new(id: MeasureId, target: Target, value: impl Into<Value>) -> Self {
        Self {
            id,
            dimension: id.dimension(),
            k: None,
            granularity: None,
            among: None,
            headline: true,
            target,
            unit: id.unit(),
            value: value.into(),
        }
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
    /// A factor from 1: a typical value is centre ×/÷ factor.
    Factor,
    /// Tokens.
    Tokens,
    /// Milliseconds.
    Milliseconds,
    /// Millionths of a US dollar.
    UsdMicros,
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
    /// How surely two trials of a task end alike: 1 when they always do, 0 when each is a coin toss.
    OutcomeConsistency = "outcome_consistency", "outcome consistency", Consistency, Score, Higher;
    /// How alike the mixes of actions of two trials of a task are, whatever their order: 1 minus the Jensen–Shannon divergence in bits.
    ActionMixConsistency = "action_mix_consistency", "action mix (what)", Consistency, Score, Higher;
    /// How alike the orders of actions of two trials of a task are: 1 minus the edit distance as a share of the longer trial.
    ActionOrderConsistency = "action_order_consistency", "action order (when)", Consistency, Score, Higher;
    /// How far the tokens of trials of one task lie apart: a typical trial is the task's centre times or divided by this factor.
    TokenSpread = "token_spread", "token spread", Consistency, Factor, Lower;
    /// How far the agent's working times for one task lie apart: a typical trial is the task's centre times or divided by this factor.
    TimeSpread = "time_spread", "time spread", Consistency, Factor, Lower;
    /// How far the costs of trials of one task lie apart: a typical trial is the task's centre times or divided by this factor.
    CostSpread = "cost_spread", "cost spread", Consistency, Factor, Lower;
    /// The mean squared distance of the stated confidence from what happened, averaged over tasks: 0 is perfect, always saying 0.5 gives 0.25.
    Brier = "brier", "Brier score", Predictability, Score, Lower;
    /// The probability that a passed trial was stated with more confidence than a failed one; 0.5 says nothing.
    Auroc = "auroc", "AUROC", Predictability, Score, Higher;
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
    /// The tokens that 95 of 100 trials stay below.
    TokenP95 = "token_p95", "tokens, p95", Resources, Tokens, Lower;
    /// The median over tasks of the task's median working time of the agent, without waiting.
    TimeMedian = "time_median", "working time, median", Resources, Milliseconds, Lower;
    /// The agent's working time that 95 of 100 trials stay below.
    TimeP95 = "time_p95", "working time, p95", Resources, Milliseconds, Lower;
    /// The median over tasks of the task's median cost of a trial.
    CostMedian = "cost_median", "cost, median", Resources, UsdMicros, Lower;
    /// The cost that 95 of 100 trials stay below.
    CostP95 = "cost_p95", "cost, p95", Resources, UsdMicros, Lower;
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
