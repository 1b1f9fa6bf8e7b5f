//! The exception that Harbor would have recorded of a trial.

use retrial_spec::{CrashReason, Ending, Phase, TrialRecord, UngradedReason, Verdict};

use crate::harbor::{Cause, cause_of};

/// Returns type and message of the exception that stands for an ending, or else for the lack of a verdict; none where all went well.
pub(super) fn exception(record: &TrialRecord) -> Option<(String, String)> {
    let named = |name: &str, message: &str| Some((name.to_owned(), message.to_owned()));
    match &record.ending {
        Ending::Finished | Ending::NotRecorded => ungraded(&record.verdict),
        Ending::Timeout => named("AgentTimeoutError", "the agent's time limit was reached"),
        Ending::OverBudget => named("OutputTokenExceededError", "a budget of the trial was spent"),
        Ending::Refused => named("AgentSafetyRefusalError", "the agent, or its model, declined the task"),
        Ending::Revoked => named("CancelledError", "the agent's access to its model was revoked"),
        Ending::Crash { reason } => Some(("NonZeroAgentExitCodeError".to_owned(), crash(reason))),
        Ending::Infrastructure { phase, cause } => Some(infrastructure(*phase, cause)),
    }
}

/// In the words that Harbor begins with, where there is a code.
fn crash(reason: &CrashReason) -> String {
    match reason {
        CrashReason::Exit(code) => format!("Command failed (exit {code}): the agent"),
        CrashReason::Signal(signal) => format!("the agent was ended by signal {signal}"),
        CrashReason::Memory => "the agent used more memory than it may".to_owned(),
        CrashReason::Model(words) | CrashReason::Stated(words) => match words.split_once(": ") {
            Some((name, words)) if cause_of(name) == Cause::Crash => words.to_owned(),
            _ => words.clone(),
        },
    }
}

/// The exception that a cause names, where it names one of infrastructure; otherwise one of the phase.
fn infrastructure(phase: Phase, cause: &str) -> (String, String) {
    let (name, message) = cause.split_once(": ").unwrap_or((cause, ""));
    let is_infrastructure =
        matches!(cause_of(name), Cause::Sandbox(_) | Cause::Provider | Cause::Harbor | Cause::Cancelled);
    if is_infrastructure {
        return (name.to_owned(), message.to_owned());
    }
    let name = match phase {
        Phase::Build => "SandboxBuildFailedError",
        Phase::Setup => "HealthcheckError",
        Phase::Agent | Phase::Record => "RuntimeRequestError",
        Phase::Verify => "AddTestsDirError",
    };
    (name.to_owned(), cause.to_owned())
}

fn ungraded(verdict: &Verdict) -> Option<(String, String)> {
    let Verdict::Ungraded(reason) = verdict else { return None };
    let (name, message) = match reason {
        UngradedReason::NotRecorded => return None,
        UngradedReason::NoReward => ("RewardFileNotFoundError", "the verifier wrote no reward".to_owned()),
        UngradedReason::RewardUnreadable(why) if why.contains("is empty") => {
            ("RewardFileEmptyError", why.clone())
        }
        UngradedReason::RewardOutOfRange => {
            ("VerifierOutputParseError", "the reward lies outside [0, 1]".to_owned())
        }
        UngradedReason::VerifierTimeout => {
            ("VerifierTimeoutError", "the verifier ran out of time".to_owned())
        }
        UngradedReason::RewardUnreadable(why) | UngradedReason::VerifierFailed(why) => {
            ("VerifierOutputParseError", why.clone())
        }
        UngradedReason::StateUnreadable(why) => ("AddTestsDirError", why.clone()),
        UngradedReason::Infrastructure | UngradedReason::Revoked => {
            ("RuntimeRequestError", "the trial failed for reasons of infrastructure".to_owned())
        }
    };
    Some((name.to_owned(), message))
}
