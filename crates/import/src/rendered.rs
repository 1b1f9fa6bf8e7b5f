//! Trials in a line each, for tests.

use std::fmt::Write as _;

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
