//! Endings for which a source has words of its own.

use retrial_spec::{CrashReason, Ending, Phase};

/// Returns the ending of an agent that broke off with an error of its own, in the words of its source.
pub(crate) fn crashed(words: &str) -> Ending {
    Ending::Crash { reason: CrashReason::Stated(words.to_owned()) }
}

/// Returns the ending of a trial that failed through no fault of its agent, in the words of its source.
pub(crate) fn infrastructure(phase: Phase, words: &str) -> Ending {
    Ending::Infrastructure { phase, cause: words.to_owned() }
}
