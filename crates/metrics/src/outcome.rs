//! Passed, failed or left out: the one rule that turns an ending and a verdict into an outcome.

use retrial_spec::{Ending, Verdict};

use crate::{Settings, TimeoutPolicy, UngradedPolicy};

/// What a trial counts as under the chosen policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Excluded,
}

/// Returns what a trial counts as.
///
/// | ending | verdict | policy | outcome |
/// |---|---|---|---|
/// | timeout | any | `timeout = fail` | failed |
/// | any other, or `timeout = verdict` | passed | | passed |
/// | | failed, or a partial reward | | failed |
/// | | ungraded | `ungraded = fail` | failed |
/// | | ungraded | `ungraded = exclude` | excluded |
pub(crate) fn outcome(ending: &Ending, verdict: &Verdict, settings: &Settings) -> Outcome {
    if *ending == Ending::Timeout && settings.timeout == TimeoutPolicy::Fail {
        return Outcome::Failed;
    }
    match (verdict.passed(), settings.ungraded) {
        (Some(true), _) => Outcome::Passed,
        (Some(false), _) | (None, UngradedPolicy::Fail) => Outcome::Failed,
        (None, UngradedPolicy::Exclude) => Outcome::Excluded,
    }
}

#[cfg(test)]
mod tests {
    use retrial_spec::UngradedReason;

    use super::*;

    #[test]
    fn every_row_of_the_table_holds() {
        let lenient = Settings::default();
        let strict =
            Settings { timeout: TimeoutPolicy::Fail, ungraded: UngradedPolicy::Fail, ..Settings::default() };
        let ungraded = Verdict::Ungraded(UngradedReason::NoReward);
        let rows = [
            (Ending::Timeout, Verdict::Passed, strict, Outcome::Failed),
            (Ending::Timeout, ungraded.clone(), strict, Outcome::Failed),
            (Ending::Timeout, Verdict::Passed, lenient, Outcome::Passed),
            (Ending::Timeout, ungraded.clone(), lenient, Outcome::Excluded),
            (Ending::Finished, Verdict::Passed, strict, Outcome::Passed),
            (Ending::Finished, Verdict::Failed, lenient, Outcome::Failed),
            (Ending::OverBudget, Verdict::Reward(0.5), lenient, Outcome::Failed),
            (Ending::Finished, ungraded.clone(), strict, Outcome::Failed),
            (Ending::Finished, ungraded, lenient, Outcome::Excluded),
        ];
        for (ending, verdict, settings, expected) in rows {
            assert_eq!(outcome(&ending, &verdict, &settings), expected, "{ending:?} {verdict:?}");
        }
    }
}
