//! What readers found as text, for tests: a line for each trial, and one for all else.

use std::fmt::Write;

use retrial_agents::validate_trajectory;
use retrial_spec::Fact;

use crate::Found;
use crate::collected::Collected;

/// Returns what was found, without the directories of its places; checks that every trajectory is valid.
pub(crate) fn rendered(found: &Collected) -> String {
    let mut text = String::new();
    for trial in &found.trials {
        if let Some(trajectory) = &trial.evidence.trajectory {
            assert_eq!(validate_trajectory(trajectory), [], "{}", trial.place);
        }
        line(&mut text, trial);
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

fn line(text: &mut String, trial: &Found) {
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
