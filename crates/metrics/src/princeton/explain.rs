//! Their measures by name, with what stands beside them here and why it differs.

use schemars::JsonSchema;
use serde::Serialize;

use crate::MeasureId;

/// What a number of theirs is to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reported beside the measures.
    Beside,
    /// One of the twelve measures.
    Measure,
    /// A score made of measures.
    Score,
}

macro_rules! measures {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $label:literal, $role:ident, [$($ours:ident),*], $why:literal;)+) => {
        /// A number of their harness; in files a stable word in snake case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[non_exhaustive]
        pub enum PrincetonId {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl PrincetonId {
            /// Every number, in the order of reports.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word as it stands in files.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Returns the name for tables.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }

            /// Returns what the number is to them.
            pub fn role(self) -> Role {
                match self { $(Self::$variant => Role::$role),+ }
            }

            /// Returns the measures that stand in its place here.
            pub fn ours(self) -> &'static [MeasureId] {
                match self { $(Self::$variant => &[$(MeasureId::$ours),*]),+ }
            }

            /// Returns why ours differs, in one or two sentences.
            pub fn why(self) -> &'static str {
                match self { $(Self::$variant => $why),+ }
            }
        }
    };
}

measures! {
    /// The share of all trials that succeed.
    Accuracy = "accuracy", "accuracy", Beside, [SuccessRate],
        "theirs pools trials, so that a task with more trials weighs more, and its error takes trials of one task as \
         independent; ours is the mean over tasks.";
    /// `C_out`: how surely two trials of a task end alike.
    Outcome = "outcome_consistency", "C_out, outcome", Measure, [OutcomeConsistency],
        "theirs, (2p − 1)², is biased upwards by 4p(1 − p)/n: with n trials a coin toss scores 1/n instead of 0; ours is \
         unbiased.";
    /// `C_traj^d`: how alike the mixes of actions are.
    Distribution = "trajectory_distribution", "C_traj^d, action mix", Measure, [ActionMixConsistency],
        "theirs compares successful trials with actions only, a choice that depends on the agent; ours compares all trials \
         that ran, and the JSON has it over successes beside.";
    /// `C_traj^s`: how alike the orders of actions are.
    Sequence = "trajectory_sequence", "C_traj^s, action order", Measure, [ActionOrderConsistency],
        "theirs compares successful trials with actions only, a choice that depends on the agent; ours compares all trials \
         that ran, and the JSON has it over successes beside.";
    /// `C_res`: how alike the resources are.
    Resource = "resource_consistency", "C_res, resources", Measure, [TokenSpread, TimeSpread, CostSpread],
        "theirs averages the coefficients of variation that happen to exist, of up to six resources, drops zeros and prices \
         an unknown cost at 5 and 15 dollars a million tokens; ours keeps resources apart, on logarithms, and an unknown \
         cost unknown.";
    /// `R_fault`: accuracy under faults as a share of the baseline's.
    Fault = "fault_robustness", "R_fault, faults", Measure, [FaultRatio, FaultDifference],
        "theirs pools all trials under faults, whether or not one landed, and cuts off at 1, which biases it downwards; ours \
         pairs tasks, counts trials that were hit, and is not cut off.";
    /// `R_env`: accuracy in a changed environment as a share of the baseline's.
    Environment = "environment_robustness", "R_env, environment", Measure, [],
        "no condition changes the environment, so neither is measured.";
    /// `R_prompt`: accuracy with reworded prompts as a share of the baseline's.
    Prompt = "prompt_robustness", "R_prompt, prompts", Measure, [],
        "no condition rewords the prompt, so neither is measured.";
    /// `P_cal`: 1 − the expected calibration error in ten bins.
    Calibration = "calibration", "P_cal, calibration", Measure, [Overconfidence],
        "theirs is an error of ten bins, above 0 for a perfectly calibrated agent (0.16 with 25 trials), which it does not \
         say; ours says in which direction confidence is off, without bins.";
    /// `P_auroc`: the probability that a success was stated with more confidence than a failure.
    Discrimination = "discrimination", "P_auroc, discrimination", Measure, [Auroc],
        "the same number over the same trials; theirs resamples trials as if they were independent, ours allows for trials \
         that share a task.";
    /// `P_brier`: 1 − the Brier score.
    Brier = "brier", "P_brier, 1 − Brier score", Measure, [Brier],
        "theirs is turned round and pools trials; ours is the Brier score itself (0 is perfect), as the mean over tasks.";
    /// `S_comp`: the share of trials without a violation.
    Compliance = "compliance", "S_comp, compliance", Measure, [],
        "theirs takes the word of a judging model, which our runs do not ask, so neither is measured.";
    /// `S_harm`: 1 − the mean severity of the trials with a violation.
    Harm = "harm", "S_harm, severity", Measure, [],
        "theirs takes the word of a judging model, which our runs do not ask, so neither is measured.";
    /// `R_Con`: the mean of `C_out`, the trajectories and `C_res`.
    ConsistencyScore = "consistency_score", "R_Con, consistency", Score, [],
        "ours has no composite: this one is a mean of whatever parts exist, and an agent that always fails gets C_out 1.";
    /// `R_Pred`: `P_brier`.
    PredictabilityScore = "predictability_score", "R_Pred, predictability", Score, [],
        "ours has no composite: this one is P_brier alone.";
    /// `R_Rob`: the mean of the robustness ratios that exist.
    RobustnessScore = "robustness_score", "R_Rob, robustness", Score, [],
        "ours has no composite: this one is a mean of whatever ratios exist.";
    /// R: the mean of `R_Con`, `R_Pred` and `R_Rob`.
    Overall = "overall", "R, overall", Score, [],
        "ours has no composite: this one skips missing dimensions, so that agents' scores are means of different things, and \
         an agent that always fails can score above one that sometimes succeeds.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_number_is_the_word_in_files_and_there_are_twelve_measures() {
        for id in PrincetonId::ALL {
            assert_eq!(serde_json::to_value(id).unwrap(), id.as_str());
        }
        let measures = PrincetonId::ALL.iter().filter(|id| id.role() == Role::Measure);
        assert_eq!(measures.count(), 12);
    }
}
