//! How a sample ended, and whether its score stands.
//!
//! | the sample | ending | verdict |
//! |---|---|---|
//! | was invalidated | infrastructure, while recording | ungraded |
//! | has an error, from scoring | finished, or as its limit says | the score; none: ungraded, the verifier failed |
//! | has an error and no score | infrastructure, in the phase it had reached | ungraded |
//! | has an error and a score | not recorded | the score |
//! | reached the limit `operator` | revoked | ungraded |
//! | reached the limit `time` or `working` | timeout | the score |
//! | reached another limit | over budget | the score |
//! | ended with the model's provider filtering its answer | refused | the score |
//! | else | finished | the score |

use retrial_spec::{Ending, Phase, UngradedReason, Verdict};

use super::context::first_line;

/// What a sample says of its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'s> {
    /// Why it does not count, where somebody said that it does not.
    pub(super) invalidated: Option<&'s str>,
    /// The exception that ended it.
    pub(super) error: Option<&'s str>,
    /// How far it had come.
    pub(super) phase: Phase,
    /// The kind of limit that it reached.
    pub(super) limit: Option<&'s str>,
    /// Why the model stopped at last.
    pub(super) stop_reason: Option<&'s str>,
    /// Whether there is a score.
    pub(super) is_scored: bool,
}

/// Returns ending and verdict of a sample whose score says `score`.
pub(super) fn judge(said: &Said<'_>, score: Verdict) -> (Ending, Verdict) {
    if let Some(why) = said.invalidated {
        return infrastructure(Phase::Record, format!("invalidated: {}", first_line(why)));
    }
    match said.error.map(first_line) {
        Some(cause) if said.phase == Phase::Verify => {
            let verdict =
                if said.is_scored { score } else { Verdict::Ungraded(UngradedReason::VerifierFailed(cause)) };
            limited(said, verdict)
        }
        Some(cause) if !said.is_scored => infrastructure(said.phase, cause),
        Some(_) => (Ending::NotRecorded, score),
        None => limited(said, score),
    }
}

fn infrastructure(phase: Phase, cause: String) -> (Ending, Verdict) {
    (Ending::Infrastructure { phase, cause }, Verdict::Ungraded(UngradedReason::Infrastructure))
}

fn limited(said: &Said<'_>, verdict: Verdict) -> (Ending, Verdict) {
    match said.limit {
        Some("operator") => (Ending::Revoked, Verdict::Ungraded(UngradedReason::Revoked)),
        Some("time" | "working") => (Ending::Timeout, verdict),
        Some(_) => (Ending::OverBudget, verdict),
        None if said.stop_reason == Some("content_filter") => (Ending::Refused, verdict),
        None => (Ending::Finished, verdict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Said<'static> = Said {
        invalidated: None,
        error: None,
        phase: Phase::Agent,
        limit: None,
        stop_reason: Some("stop"),
        is_scored: true,
    };

    #[test]
    fn a_limit_says_how_the_agent_stopped_and_leaves_the_score() {
        let ending = |limit| judge(&Said { limit: Some(limit), ..PLAIN }, Verdict::Passed);
        for kind in ["time", "working"] {
            assert_eq!(ending(kind), (Ending::Timeout, Verdict::Passed), "{kind}");
        }
        for kind in ["token", "cost", "message", "turn", "context", "custom", "new"] {
            assert_eq!(ending(kind), (Ending::OverBudget, Verdict::Passed), "{kind}");
        }
        assert_eq!(ending("operator"), (Ending::Revoked, Verdict::Ungraded(UngradedReason::Revoked)));
    }

    #[test]
    fn an_error_is_never_the_agents_failure() {
        let unscored = Said { error: Some("ValueError('boom')\nat x"), is_scored: false, ..PLAIN };
        for phase in [Phase::Setup, Phase::Agent] {
            let expected = Ending::Infrastructure { phase, cause: "ValueError('boom')".to_owned() };
            let verdict = Verdict::Ungraded(UngradedReason::Infrastructure);
            assert_eq!(judge(&Said { phase, ..unscored }, Verdict::Failed), (expected, verdict));
        }
        let (ending, verdict) = judge(&Said { phase: Phase::Verify, ..unscored }, Verdict::Failed);
        assert_eq!(ending, Ending::Finished);
        assert_eq!(
            verdict,
            Verdict::Ungraded(UngradedReason::VerifierFailed("ValueError('boom')".to_owned()))
        );
        let scored = Said { is_scored: true, ..unscored };
        assert_eq!(judge(&scored, Verdict::Failed), (Ending::NotRecorded, Verdict::Failed));
    }

    #[test]
    fn an_invalidated_sample_does_not_count() {
        let (ending, verdict) = judge(&Said { invalidated: Some("leaked"), ..PLAIN }, Verdict::Passed);
        assert_eq!(
            ending,
            Ending::Infrastructure { phase: Phase::Record, cause: "invalidated: leaked".to_owned() }
        );
        assert_eq!(verdict, Verdict::Ungraded(UngradedReason::Infrastructure));
    }

    #[test]
    fn an_answer_that_the_provider_filtered_is_a_refusal() {
        let said = Said { stop_reason: Some("content_filter"), ..PLAIN };
        assert_eq!(judge(&said, Verdict::Failed).0, Ending::Refused);
    }
}
