//! What a reader gave, in two lines for a trial and one for everything else, for snapshots.

use std::path::Path;

use retrial_agents::validate_trajectory;
use retrial_spec::{Fact, Usage};

use crate::collected::Collected;
use crate::{Found, FoundAgent, FoundEvidence, Unfinished};

impl Collected {
    /// Returns all that was found, with places as they are below `root`; checks that every trajectory is valid.
    pub(crate) fn rendered(&self, root: &Path) -> String {
        let trials = self.trials.iter().map(trial);
        let unfinished = self.unfinished.iter().map(unfinished);
        let left_out = self.left_out.iter().map(|note| format!("left out: {note}"));
        let doubts = self.doubts.iter().map(|note| format!("doubt: {note}"));
        let lines: Vec<String> = trials.chain(unfinished).chain(left_out).chain(doubts).collect();
        lines.join("\n").replace(&root.join("").display().to_string(), "")
    }
}

fn trial(found: &Found) -> String {
    let head = [
        format!("{} #{}", found.task, or_dash(found.number)),
        agent(&found.agent),
        found.condition.clone().unwrap_or_else(|| "baseline".to_owned()),
        or_dash(found.started_at),
        found.place.to_string(),
    ];
    let times = found.times;
    let times = [times.setup_ms, times.agent_ms, times.model_ms, times.waiting_ms, times.verify_ms];
    let mut facts = vec![
        format!("{} => {:?}, {:?}", found.status, found.ending, found.verdict),
        format!("tokens {}", known(&found.usage, tokens)),
        format!("cost {}", known(&found.cost, |cost| cost.usd_micros.to_string())),
        format!("requests {}", known(&found.requests, u64::to_string)),
        format!(
            "calls {}",
            known(&found.calls, |calls| {
                let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
                format!("[{}]", names.join(" "))
            })
        ),
        format!("ms {}", times.map(or_dash).join(" ")),
    ];
    facts.extend(found.confidence.value().map(|confidence| format!("confidence {confidence}")));
    facts.extend(found.claim.value().map(|claim| format!("claim {claim:?}")));
    facts.extend((!found.failed_attempts.is_empty()).then(|| format!("failed {:?}", found.failed_attempts)));
    facts.extend(kept(&found.evidence, &head[4]));
    format!("{}\n    {}", head.join(" | "), facts.join(" | "))
}

fn unfinished(trial: &Unfinished) -> String {
    format!("unfinished: {} | {} | {}", trial.task, agent(&trial.agent), trial.place)
}

fn agent(agent: &FoundAgent) -> String {
    format!("{} {} {}", agent.name, or_dash(agent.version.as_ref()), or_dash(agent.model.as_ref()))
}

/// The input, of it what came from a cache and what went into one, the output, of it reasoning.
fn tokens(usage: &Usage) -> String {
    let [read, write, reasoning] = [usage.cache_read, usage.cache_write, usage.reasoning].map(or_dash);
    format!("{}+{read}+{write}>{}({reasoning})", usage.uncached_input, usage.output)
}

fn kept(evidence: &FoundEvidence, place: &str) -> Vec<String> {
    let steps = evidence.trajectory.as_ref().map(|trajectory| {
        assert_eq!(validate_trajectory(trajectory), [], "{place}");
        format!("{} steps", trajectory["steps"].as_array().map_or(0, Vec::len))
    });
    let patch = evidence.patch.as_ref().map(|_| "patch".to_owned());
    let log = evidence.verifier_log.as_ref().map(|_| "verifier log".to_owned());
    [steps, patch, log].into_iter().flatten().collect()
}

fn known<T>(fact: &Fact<T>, text: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known { value, .. } => text(value),
        Fact::Missing(reason) => format!("{reason:?}"),
    }
}

fn or_dash(part: Option<impl ToString>) -> String {
    part.map_or_else(|| "-".to_owned(), |part| part.to_string())
}
