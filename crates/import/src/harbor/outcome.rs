//! How a trial ended and what its verifier said, by the exceptions and rewards of its result.

use retrial_spec::{CrashReason, Ending, Phase, UngradedReason, Verdict};
use serde_json::Value;

use super::cause::{Cause, cause_of};
use crate::json::{field, list, text};

/// Characters that are kept of a message.
const WORDS: usize = 300;

/// How a trial went.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    /// In the source's own words.
    pub(super) status: String,
    pub(super) ending: Ending,
    pub(super) verdict: Verdict,
    pub(super) doubts: Vec<String>,
}

/// An exception of a trial or of one of its steps.
struct Exception<'r> {
    name: &'r str,
    message: &'r str,
    cause: Cause,
    /// The trial or step that it belongs to.
    scope: &'r Value,
}

impl Exception<'_> {
    /// Its type and the first line of its message.
    fn words(&self) -> String {
        let line = self.message.lines().next().unwrap_or_default();
        let line: String = line.chars().take(WORDS).collect();
        if line.is_empty() { self.name.to_owned() } else { format!("{}: {line}", self.name) }
    }
}

/// Returns how a trial went by its result.
pub(super) fn outcome(result: &Value) -> Outcome {
    let exceptions = exceptions(result);
    let rewards = result.get("verifier_result").and_then(|verified| field(verified, "rewards"));
    let mut doubts = Vec::new();
    let ending = match exceptions.first() {
        None if has_agent_run(result) => Ending::Finished,
        None => Ending::NotRecorded,
        Some(exception) => ending(exception, &mut doubts),
    };
    let verdict = verdict(&ending, &exceptions, rewards, result, &mut doubts);
    Outcome { status: status(&exceptions, rewards), ending, verdict, doubts }
}

/// The exceptions of the trial, then of its steps in order.
fn exceptions(result: &Value) -> Vec<Exception<'_>> {
    let scopes = std::iter::once(result).chain(list(result, "step_results"));
    let exception = |scope| {
        let info = field(scope, "exception_info")?;
        let name = text(info, "exception_type").unwrap_or("an exception without a type");
        Some(Exception {
            name,
            message: text(info, "exception_message").unwrap_or_default(),
            cause: cause_of(name),
            scope,
        })
    };
    scopes.filter_map(exception).collect()
}

fn has_agent_run(result: &Value) -> bool {
    field(result, "agent_execution").is_some() || !list(result, "step_results").is_empty()
}

fn ending(exception: &Exception<'_>, doubts: &mut Vec<String>) -> Ending {
    let reached = phase_reached(exception.scope);
    let failed = |phase| Ending::Infrastructure { phase, cause: exception.words() };
    match &exception.cause {
        Cause::Sandbox(phase) => failed(phase.unwrap_or(reached)),
        Cause::Provider => failed(Phase::Agent),
        Cause::Harbor | Cause::Cancelled => failed(reached),
        Cause::Time => Ending::Timeout,
        Cause::Budget => Ending::OverBudget,
        Cause::Refusal => Ending::Refused,
        Cause::Verifier(_) => Ending::Finished,
        Cause::Crash => Ending::Crash { reason: crash(exception) },
        Cause::Unknown => match reached {
            // The agent had ended before its result was looked at, and had not begun before its sandbox was there.
            Phase::Verify => Ending::Finished,
            Phase::Build | Phase::Setup | Phase::Record => failed(reached),
            Phase::Agent => {
                doubts.push(format!(
                    "`{}` while the agent worked is in no table of causes: whether the agent or its surroundings failed is not known",
                    exception.name
                ));
                Ending::NotRecorded
            }
        },
    }
}

/// The last phase that began.
fn phase_reached(scope: &Value) -> Phase {
    let began = |name| field(scope, name).is_some_and(|phase| field(phase, "started_at").is_some());
    if began("verifier") {
        Phase::Verify
    } else if began("agent_execution") {
        Phase::Agent
    } else {
        Phase::Setup
    }
}

/// The exit code, where the message begins as Harbor's does; otherwise the words.
fn crash(exception: &Exception<'_>) -> CrashReason {
    let rest = exception.message.strip_prefix("Command failed (exit ");
    let code = rest.and_then(|rest| rest.split_once(')')).and_then(|(code, _)| code.parse().ok());
    code.map_or_else(|| CrashReason::Stated(exception.words()), CrashReason::Exit)
}

fn verdict(
    ending: &Ending,
    exceptions: &[Exception<'_>],
    rewards: Option<&Value>,
    result: &Value,
    doubts: &mut Vec<String>,
) -> Verdict {
    if matches!(ending, Ending::Infrastructure { .. }) {
        return Verdict::Ungraded(UngradedReason::Infrastructure);
    }
    let against = exceptions.iter().find(|exception| !exception.cause.leaves_reward_valid());
    if let Some(exception) = against {
        if let (Some(rewards), Cause::Crash | Cause::Unknown) = (rewards, &exception.cause) {
            doubts.push(format!(
                "the rewards {rewards} beside `{}` are not valid by Harbor's rule",
                exception.name
            ));
        }
        return Verdict::Ungraded(match &exception.cause {
            Cause::Verifier(reason) => reason.clone(),
            Cause::Crash => UngradedReason::NotRecorded,
            Cause::Unknown if phase_reached(exception.scope) == Phase::Agent => UngradedReason::NotRecorded,
            _ => UngradedReason::VerifierFailed(exception.words()),
        });
    }
    match rewards {
        Some(rewards) => reward(rewards, doubts),
        None if field(result, "verifier_result").is_some() => Verdict::Ungraded(UngradedReason::NoReward),
        None => Verdict::Ungraded(UngradedReason::NotRecorded),
    }
}

/// The verdict of rewards by name: that named `reward`, or the only one.
fn reward(rewards: &Value, doubts: &mut Vec<String>) -> Verdict {
    let unreadable = |why: String| Verdict::Ungraded(UngradedReason::RewardUnreadable(why));
    let Some(rewards) = rewards.as_object() else {
        return unreadable(format!("the rewards are {rewards}, no object"));
    };
    let mut names = rewards.keys();
    let chosen = match (rewards.get("reward"), names.next(), names.next()) {
        (Some(reward), ..) => reward,
        (None, Some(only), None) => &rewards[only],
        (None, None, _) => return Verdict::Ungraded(UngradedReason::NoReward),
        (None, Some(_), Some(_)) => {
            let names: Vec<&str> = rewards.keys().map(String::as_str).collect();
            let why = format!("several rewards and none named `reward`: {}", names.join(", "));
            doubts.push(why.clone());
            return unreadable(why);
        }
    };
    match (chosen.as_f64(), chosen.as_bool()) {
        (Some(reward), _) => Verdict::from_reward(reward),
        (None, Some(is_passed)) => Verdict::from_reward(f64::from(u8::from(is_passed))),
        (None, None) => unreadable(format!("the reward is {chosen}, no number")),
    }
}

fn status(exceptions: &[Exception<'_>], rewards: Option<&Value>) -> String {
    let names = exceptions.iter().map(|exception| exception.name.to_owned());
    let rewards = rewards.and_then(Value::as_object).into_iter().flatten();
    let words: Vec<String> = names.chain(rewards.map(|(name, value)| format!("{name} {value}"))).collect();
    if words.is_empty() { "no exception, no reward".to_owned() } else { words.join(", ") }
}
