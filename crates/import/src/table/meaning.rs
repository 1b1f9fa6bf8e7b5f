//! What the words of a status column mean.

use retrial_spec::{Ending, Phase, UngradedReason, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ended::{crashed, infrastructure};

/// What one word of a status column says of a trial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Meaning {
    /// How the agent stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ending: Option<EndingWord>,
    /// The phase that failed, of `infrastructure`; the agent's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<Phase>,
    /// What the verifier said, whatever the table's own column says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<VerdictWord>,
    /// Why there is no verdict, whatever the table's own column says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ungraded: Option<UngradedWord>,
    /// Whether the trial was planned and has no result.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unfinished: bool,
}

/// How the agent stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndingWord {
    Finished,
    Timeout,
    Crash,
    OverBudget,
    Refused,
    Revoked,
    Infrastructure,
    NotRecorded,
}

/// What the verifier said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerdictWord {
    Passed,
    Failed,
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UngradedWord {
    NoReward,
    VerifierTimeout,
    VerifierFailed,
    NotRecorded,
}

impl Meaning {
    /// The words that mean what they say where the mapping says nothing of them.
    const OWN_WORDS: [(&'static str, Self); 13] = [
        ("finished", Self::ends(EndingWord::Finished)),
        ("timeout", Self::ends(EndingWord::Timeout)),
        ("crash", Self::ends(EndingWord::Crash)),
        ("over_budget", Self::ends(EndingWord::OverBudget)),
        ("refused", Self::ends(EndingWord::Refused)),
        ("revoked", Self::ends(EndingWord::Revoked)),
        ("infrastructure", Self::ends(EndingWord::Infrastructure)),
        ("passed", Self::judged(Some(VerdictWord::Passed), None)),
        ("failed", Self::judged(Some(VerdictWord::Failed), None)),
        ("no_reward", Self::judged(None, Some(UngradedWord::NoReward))),
        ("verifier_timeout", Self::judged(None, Some(UngradedWord::VerifierTimeout))),
        ("verifier_failed", Self::judged(None, Some(UngradedWord::VerifierFailed))),
        ("unfinished", Self { unfinished: true, ..Self::NOTHING }),
    ];

    const NOTHING: Self =
        Self { ending: None, phase: None, verdict: None, ungraded: None, unfinished: false };

    const fn ends(ending: EndingWord) -> Self {
        Self { ending: Some(ending), ..Self::NOTHING }
    }

    const fn judged(verdict: Option<VerdictWord>, ungraded: Option<UngradedWord>) -> Self {
        Self { verdict, ungraded, ..Self::NOTHING }
    }

    /// Returns the meaning of a word of our own.
    pub(crate) fn of_own_word(word: &str) -> Option<Self> {
        Self::OWN_WORDS.iter().find(|(own, _)| *own == word).map(|(_, meaning)| *meaning)
    }

    /// Returns the words of our own, for advice.
    pub(crate) fn own_words() -> String {
        Self::OWN_WORDS.map(|(word, _)| word).join(", ")
    }

    /// Returns what in it contradicts itself.
    pub(crate) fn contradiction(self) -> Option<&'static str> {
        let is_nobodys_fault = matches!(self.ending, Some(EndingWord::Infrastructure | EndingWord::Revoked));
        if self.verdict.is_some() && self.ungraded.is_some() {
            Some("has a verdict and says why it has none; keep one of `verdict` and `ungraded`")
        } else if is_nobodys_fault && self.verdict.is_some() {
            Some("has a verdict although the trial is no evidence of its agent; leave `verdict` out")
        } else if self.phase.is_some() && self.ending != Some(EndingWord::Infrastructure) {
            Some("names a phase, which only the ending `infrastructure` has")
        } else if self.unfinished && self != (Self { unfinished: true, ..Self::NOTHING }) {
            Some("is unfinished and has a result; leave the rest out")
        } else {
            None
        }
    }

    /// Returns the ending, of a trial whose source says `words`.
    pub(crate) fn ending_of(self, words: &str) -> Option<Ending> {
        Some(match self.ending? {
            EndingWord::Finished => Ending::Finished,
            EndingWord::Timeout => Ending::Timeout,
            EndingWord::Crash => crashed(words),
            EndingWord::OverBudget => Ending::OverBudget,
            EndingWord::Refused => Ending::Refused,
            EndingWord::Revoked => Ending::Revoked,
            EndingWord::Infrastructure => infrastructure(self.phase.unwrap_or(Phase::Agent), words),
            EndingWord::NotRecorded => Ending::NotRecorded,
        })
    }

    /// Returns the verdict, of a trial whose source says `words`.
    pub(crate) fn verdict_of(self, words: &str) -> Option<Verdict> {
        let ungraded = |why| Some(Verdict::Ungraded(why));
        match (self.verdict, self.ungraded) {
            (Some(VerdictWord::Passed), _) => Some(Verdict::Passed),
            (Some(VerdictWord::Failed), _) => Some(Verdict::Failed),
            (None, Some(UngradedWord::NoReward)) => ungraded(UngradedReason::NoReward),
            (None, Some(UngradedWord::VerifierTimeout)) => ungraded(UngradedReason::VerifierTimeout),
            (None, Some(UngradedWord::VerifierFailed)) => {
                ungraded(UngradedReason::VerifierFailed(words.to_owned()))
            }
            (None, Some(UngradedWord::NotRecorded)) => ungraded(UngradedReason::NotRecorded),
            (None, None) => None,
        }
    }
}
