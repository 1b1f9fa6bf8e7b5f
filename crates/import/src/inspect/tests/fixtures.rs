//! The shared fixtures, which Inspect itself wrote.

use std::collections::BTreeMap;
use std::path::PathBuf;

use retrial_spec::Verdict;
use serde_json::Value;

use super::{check, collect, collect_one, line, lines};
use crate::Found;

fn fixture(name: &str) -> Option<PathBuf> {
    retrial_testkit::shared(&format!("fixtures/inspect/{name}"))
}

#[test]
fn samples_of_every_container_read_alike() {
    let Some(zstd) = fixture("demo_zstd.eval") else { return };
    let first = collect_one(&zstd, None);
    check(&first);
    insta::assert_snapshot!(lines(&first));
    for name in ["demo_deflate.eval", "demo_chunked.eval", "demo_dupmember.eval"] {
        let other = collect_one(&fixture(name).unwrap(), None);
        let by_name = |trials: &[Found]| -> BTreeMap<String, String> {
            trials.iter().map(|found| (format!("{} {:?}", found.task, found.number), line(found))).collect()
        };
        assert_eq!(by_name(&other.trials), by_name(&first.trials), "{name}");
        for found in &other.trials {
            let same = |other: &&Found| other.task == found.task && other.number == found.number;
            let there = first.trials.iter().find(same).unwrap();
            let is_equal =
                (&found.evidence, &found.calls, found.times) == (&there.evidence, &there.calls, there.times);
            assert!(is_equal, "{name}: {} differs", found.place);
        }
        assert_eq!((other.unfinished, other.doubts), (vec![], vec![]), "{name}");
    }
}

#[test]
fn a_json_log_reads_as_an_archive() {
    let (Some(json), Some(edge)) = (fixture("demo.json"), fixture("edge.json")) else { return };
    let demo = collect_one(&json, None);
    check(&demo);
    insta::assert_snapshot!(lines(&demo));
    let whole = fs_err::metadata(&json).unwrap().len();
    assert_eq!(demo.bytes, whole);
    let edge = collect_one(&edge, Some("dd/b"));
    check(&edge);
    insta::assert_snapshot!(lines(&edge));
}

#[test]
fn a_crashed_log_reads_as_started() {
    let Some(crashed) = fixture("demo_crashed.eval") else { return };
    let crashed = collect_one(&crashed, None);
    check(&crashed);
    assert_eq!(crashed.trials.len(), 5);
    let unfinished: Vec<&str> =
        crashed.unfinished.iter().map(|unfinished| unfinished.task.as_str()).collect();
    assert_eq!(unfinished, ["demo/a1"]);
    assert_eq!(crashed.unfinished[0].place.within.as_deref(), Some("sample `a1` in epoch 3"));
}

#[test]
fn errors_limits_and_nan_become_what_they_are() {
    let Some(edge) = fixture("edge_zstd.eval") else { return };
    let sink = collect_one(&edge, Some("dd/a"));
    check(&sink);
    insta::assert_snapshot!(lines(&sink));
    let failed = sink.trials.iter().find(|found| found.task == "edge/err").unwrap();
    assert_eq!(failed.failed_attempts[0].cause, "ValueError('boom')");
}

#[test]
fn several_scores_need_a_choice() {
    let Some(edge) = fixture("edge_zstd.eval") else { return };
    let error = collect(std::slice::from_ref(&edge), None).unwrap_err().to_string();
    assert!(
        error.contains("choose the one that gives the verdict with `--score`, one of `dd/a`, `dd/b`"),
        "{error}"
    );
    let error = collect(&[edge], Some("dd/c")).unwrap_err().to_string();
    assert!(error.contains("has no score `dd/c`; expected one of `dd/a`, `dd/b`"), "{error}");
}

#[test]
fn a_trajectory_holds_messages_calls_results_and_tokens() {
    let Some(zstd) = fixture("demo_zstd.eval") else { return };
    let sink = collect_one(&zstd, None);
    let found = sink.trials.iter().find(|found| found.task == "demo/a1" && found.number == Some(1)).unwrap();
    let mut trajectory = found.evidence.trajectory.clone().unwrap();
    assert_eq!(trajectory["session_id"], trajectory["session_id"].as_str().unwrap());
    for step in trajectory["steps"].as_array_mut().unwrap() {
        for part in ["tool_calls", "observation"] {
            // Random names.
            if let Some(part) = step.get_mut(part) {
                *part = serde_json::from_str(&part.to_string().replace(|c: char| c.is_ascii_digit(), "#"))
                    .unwrap_or(Value::Null);
            }
        }
    }
    insta::assert_snapshot!(found.calls.value().unwrap().iter().map(|call| format!("{}{}", call.name, call.arguments)).collect::<Vec<_>>().join("\n"), @r#"
    add{"x":1,"y":1}
    add{"x":1,"y":1}
    "#);
    let steps = trajectory["steps"].as_array().unwrap();
    let sources: Vec<&str> = steps.iter().map(|step| step["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["user", "agent", "agent", "agent"]);
    assert_eq!(steps[1]["metrics"]["prompt_tokens"], 12);
    assert_eq!(steps[1]["model_name"], "mockllm/model");
    assert_eq!(trajectory["final_metrics"]["total_completion_tokens"], 9);
    assert_eq!(found.evidence.verifier_log.as_deref(), Some(&b"epoch rule"[..]));
}

/// Inspect's headline figures of a log, by reducer.
fn headlines(path: &str, metric: &str, score: &str) -> BTreeMap<String, f64> {
    // `NaN` of its scores stands bare in the text.
    let text = fs_err::read_to_string(fixture(path).unwrap()).unwrap().replace("NaN", "null");
    let log: Value = serde_json::from_str(&text).unwrap();
    let scores = log["results"]["scores"].as_array().unwrap();
    let of = |entry: &Value| {
        let reducer = entry["reducer"].as_str().unwrap_or("mean").to_owned();
        (entry["name"] == score).then(|| (reducer, entry["metrics"][metric]["value"].as_f64().unwrap()))
    };
    scores.iter().filter_map(of).collect()
}

/// The rewards of a log by task.
fn rewards(sink: &super::Collected) -> BTreeMap<&str, Vec<f64>> {
    let mut rewards: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for found in &sink.trials {
        let reward = match found.verdict {
            Verdict::Passed => 1.0,
            Verdict::Failed => 0.0,
            Verdict::Reward(reward) => reward,
            Verdict::Ungraded(_) => continue,
        };
        rewards.entry(&found.task).or_default().push(reward);
    }
    rewards
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    values.sum::<f64>() / count as f64
}

/// The chance that of two trials drawn without putting back at least one succeeds.
fn pass_at_2(rewards: &[f64]) -> f64 {
    let (n, c) = (rewards.len(), rewards.iter().filter(|reward| **reward >= 1.0).count());
    let pairs = |n: usize| (n * n.saturating_sub(1) / 2) as f64;
    1.0 - pairs(n - c) / pairs(n)
}

#[test]
fn inspects_own_figures_follow_from_the_verdicts() {
    let (Some(demo), Some(edge)) = (fixture("demo.json"), fixture("edge.json")) else { return };
    let demo = collect_one(&demo, None);
    let by_task = rewards(&demo);
    let theirs = headlines("demo.json", "accuracy", "s");
    let close = |ours: f64, theirs: f64| assert!((ours - theirs).abs() < 1e-12, "{ours} is not {theirs}");
    close(mean(by_task.values().map(|rewards| mean(rewards.iter().copied()))), theirs["mean"]);
    close(mean(by_task.values().map(|rewards| pass_at_2(rewards))), theirs["pass_at_2"]);
    for score in ["a", "b"] {
        let sink = collect_one(&edge, Some(&format!("dd/{score}")));
        let by_task = rewards(&sink);
        close(
            mean(by_task.values().map(|rewards| mean(rewards.iter().copied()))),
            headlines("edge.json", "mean", score)["mean"],
        );
    }
}

#[test]
fn copies_of_samples_are_left_out_and_further_logs_follow() {
    let Some(directory) = fixture("") else { return };
    let error = collect(std::slice::from_ref(&directory), None).unwrap_err().to_string();
    assert!(error.contains("edge.json"), "{error}");
    let paths = ["demo.json", "demo_deflate.eval", "demo_zstd.eval"].map(|name| directory.join(name));
    let sink = collect(&paths, None).unwrap();
    let numbered = sink.trials.iter().filter(|found| found.number.is_some()).count();
    assert_eq!((sink.trials.len(), numbered), (12, 6));
    assert_eq!((sink.left_out.len(), sink.doubts.len(), sink.unfinished.len()), (6, 0, 0));
    assert!(sink.left_out[0].contains("is a copy of a sample"), "{}", sink.left_out[0]);
}
