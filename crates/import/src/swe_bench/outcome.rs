//! What SWE-bench says of an instance, and what that is in our words.

use retrial_spec::{Ending, Phase, UngradedReason, Verdict};

use crate::ended::infrastructure;
use crate::{Place, Sink};

/// What SWE-bench says of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All its tests pass.
    Resolved,
    /// They do not.
    Unresolved,
    /// The patch could not be applied.
    NotApplied,
    /// There was no patch.
    EmptyPatch,
    /// Its evaluation failed through no fault of the patch.
    InfraFailure(String),
    /// Its evaluation failed, and nobody knows through whose fault.
    AmbiguousFailure(String),
    /// Its evaluation broke off.
    Error(String),
    /// It was submitted, and nothing is said of it.
    Unlisted,
    /// It has no result.
    Incomplete,
}

impl Outcome {
    /// Returns the words of SWE-bench.
    pub(super) fn words(&self) -> String {
        let with = |word: &str, reason: &str| {
            if reason.is_empty() { word.to_owned() } else { format!("{word}, {reason}") }
        };
        match self {
            Self::Resolved => "resolved".to_owned(),
            Self::Unresolved => "unresolved".to_owned(),
            Self::NotApplied => "patch not applied".to_owned(),
            Self::EmptyPatch => "empty_patch".to_owned(),
            Self::InfraFailure(reason) => with("infra_failure", reason),
            Self::AmbiguousFailure(reason) => with("ambiguous_failure", reason),
            Self::Error(reason) => with("error", reason),
            Self::Unlisted => "submitted".to_owned(),
            Self::Incomplete => "incomplete".to_owned(),
        }
    }

    /// Returns the ending. How the agent stopped is not told; an evaluation that failed is not the agent's.
    pub(super) fn ending(&self) -> Ending {
        match self {
            Self::InfraFailure(_) => infrastructure(Phase::Verify, &self.words()),
            _ => Ending::NotRecorded,
        }
    }

    /// Returns the verdict.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Resolved => Verdict::Passed,
            Self::Unresolved | Self::NotApplied | Self::EmptyPatch => Verdict::Failed,
            Self::InfraFailure(_) => Verdict::Ungraded(UngradedReason::Infrastructure),
            Self::AmbiguousFailure(_) | Self::Error(_) => {
                Verdict::Ungraded(UngradedReason::VerifierFailed(self.words()))
            }
            Self::Unlisted | Self::Incomplete => Verdict::Ungraded(UngradedReason::NotRecorded),
        }
    }
}

/// Returns what both the run's report and the instance's own say; none where neither has a result. The run's report knows more of what
/// went wrong with the evaluation, the instance's own more of its tests.
pub(super) fn of_both(
    reported: Option<&Outcome>,
    logged: Option<&Outcome>,
    place: &Place,
    sink: &mut dyn Sink,
) -> Option<Outcome> {
    use Outcome::{AmbiguousFailure, Error, Incomplete, InfraFailure, Resolved, Unlisted, Unresolved};
    let outcome = match (reported, logged) {
        (Some(failed @ (InfraFailure(_) | AmbiguousFailure(_) | Error(_))), Some(Resolved)) => {
            sink.doubt(
                place,
                &format!(
                    "is `{}` in the run's report and resolved in its own; it is ungraded",
                    failed.words()
                ),
            );
            failed
        }
        (Some(failed @ (InfraFailure(_) | AmbiguousFailure(_) | Error(_))), _) => failed,
        (Some(reported @ (Resolved | Unresolved)), Some(logged))
            if (*reported == Resolved) != (*logged == Resolved) =>
        {
            let (reported, own) = (reported.words(), logged.words());
            sink.doubt(
                place,
                &format!("is {reported} in the run's report and {own} in its own, which is taken"),
            );
            logged
        }
        (None | Some(Incomplete), None) => return None,
        (Some(Unlisted | Incomplete) | None, Some(logged)) => logged,
        (Some(Unlisted), None) => {
            sink.doubt(place, "was submitted, and the run's report does not say what became of it");
            &Unlisted
        }
        (Some(_), Some(logged)) if *logged != Unresolved => logged,
        (Some(reported), _) => reported,
    };
    Some(outcome.clone())
}
