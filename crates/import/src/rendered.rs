//! Trials in a line each, for tests.

use std::fmt::Write as _;

use retrial_agents::validate_trajectory;
use retrial_spec::Fact;

use crate::Found;
use crate::collected::Collected;

/// Everything that a reader gave, a line each. Paths below `root` are shortened.
pub(crate) fn rendered(collected: &Collected, root: &std::path::Path) -> String {
    let mut text = String::new();
    for found in &collected.trials {
        writeln!(text, "{}", line(found)).unwrap();
    }
    for unfinished in &collected.unfinished {
        let agent = &unfinished.agent;
        writeln!(
            text,
            "unfinished: {} {} {:?} {:?} at {}",
            unfinished.task, agent.name, agent.version, agent.model, unfinished.place
        )
        .unwrap();
    }
    for left_out in &collected.left_out {
        writeln!(text, "left out: {left_out}").unwrap();
    }
    for doubt in &collected.doubts {
        writeln!(text, "doubt: {doubt}").unwrap();
    }
    text.replace(&format!("{}/", root.display()), "")
}

fn line(found: &Found) -> String {
    let agent = [Some(&found.agent.name), found.agent.version.as_ref(), found.agent.model.as_ref()];
    let agent: Vec<&str> = agent.into_iter().map(|part| part.map_or("-", String::as_str)).collect();
    let calls = known(&found.calls, |calls| {
        calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>().join(",")
    });
    let usage = known(&found.usage, |usage| {
        let part = |part: Option<u64>| part.map_or("-".to_owned(), |part| part.to_string());
        format!(
            "{}+{}+{}>{}({})",
            usage.uncached_input,
            part(usage.cache_read),
            part(usage.cache_write),
            usage.output,
            part(usage.reasoning)
        )
    });
    let cost = known(&found.cost, |cost| cost.usd_micros.to_string());
    let requests = known(&found.requests, u64::to_string);
    let number = found.number.map_or("-".to_owned(), |number| number.to_string());
    let started = found.started_at.map_or("-".to_owned(), |started| started.to_string());
    format!(
        "{} [{}] #{number} `{}`: {:?} {:?} | calls {calls} | requests {requests} | tokens {usage} | cost {cost} | {started} {:?}",
        found.task,
        agent.join(" "),
        found.status,
        found.ending,
        found.verdict,
        [found.times.setup_ms, found.times.agent_ms, found.times.verify_ms],
    )
}

fn known<T>(fact: &Fact<T>, text: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known { value, .. } => text(value),
        Fact::Missing(reason) => format!("{reason:?}"),
    }
}

/// Returns what was found, without the directories of its places; checks that every trajectory is valid.
pub(crate) fn listed(found: &Collected) -> String {
    let mut text = String::new();
    for trial in &found.trials {
        if let Some(trajectory) = &trial.evidence.trajectory {
            assert_eq!(validate_trajectory(trajectory), [], "{}", trial.place);
        }
        listed_line(&mut text, trial);
    }
    for unfinished in &found.unfinished {
        writeln!(text, "unfinished: {} {}", unfinished.task, unfinished.agent.name).unwrap();
    }
    let notes = [("left out", &found.left_out), ("doubt", &found.doubts)];
    for (kind, notes) in notes {
        for note in notes {
            writeln!(text, "{kind}: {}", without_directory(note)).unwrap();
        }
    }
    text
}

fn without_directory(note: &str) -> &str {
    note.find('`').and_then(|start| note[start + 1..].find('`').map(|end| start + 1 + end)).map_or(
        note,
        |end| {
            let start = note[..end].rfind('/').map_or(0, |slash| slash + 1);
            &note[start..]
        },
    )
}

fn listed_line(text: &mut String, trial: &Found) {
    let known = |fact: Option<String>, missing: String| fact.unwrap_or(missing);
    let usage = trial.usage.value().map(|usage| {
        format!(
            "{}+{:?}r+{:?}w>{}({:?})",
            usage.uncached_input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning
        )
    });
    let calls: Vec<_> = trial.calls.value().into_iter().flatten().map(|call| call.name.as_str()).collect();
    writeln!(
        text,
        "{} | {} {} {} | {} => {:?}, {:?} | tokens {} | cost {} | requests {} | calls {} | at {} for {} ms | steps {} | patch {}",
        trial.task,
        trial.agent.name,
        trial.agent.version.as_deref().unwrap_or("-"),
        trial.agent.model.as_deref().unwrap_or("-"),
        trial.status,
        trial.ending,
        trial.verdict,
        known(usage, missing(&trial.usage)),
        known(trial.cost.value().map(|cost| cost.usd_micros.to_string()), missing(&trial.cost)),
        known(trial.requests.value().map(ToString::to_string), missing(&trial.requests)),
        if matches!(trial.calls, Fact::Missing(_)) { missing(&trial.calls) } else { calls.join(" ") },
        trial.started_at.map_or("-".to_owned(), |at| at.to_string()),
        trial.times.agent_ms.map_or("-".to_owned(), |ms| ms.to_string()),
        trial.evidence.trajectory.as_ref().map_or(0, |whole| whole["steps"].as_array().unwrap().len()),
        trial.evidence.patch.is_some(),
    )
    .unwrap();
}

fn missing<T>(fact: &Fact<T>) -> String {
    match fact {
        Fact::Known { .. } => String::new(),
        Fact::Missing(reason) => format!("{reason:?}"),
    }
}
