//! The public Terminal-Bench leaderboard, through the mapping that the documentation shows.

use std::collections::BTreeMap;

use retrial_spec::{Ending, Verdict};

use super::{Mapping, read};
use crate::collected::Collected;

/// Published with an ungraded trial counted as failed: pass@1, pass^2, pass^3, pass^5, pass@5, ungraded trials.
const PUBLISHED: [(&str, [f64; 5], usize); 8] = [
    ("20250711_openhands_claude-4-sonnet", [0.412, 0.359, 0.336, 0.312, 0.537], 17),
    ("20250811_cursor-cli_claude-4-sonnet", [0.263, 0.194, 0.159, 0.125, 0.400], 25),
    ("20250829_goose_claude-4-opus", [0.452, 0.399, 0.369, 0.325, 0.562], 5),
    ("20250902_orchestrator_claude-4-sonnet", [0.360, 0.258, 0.206, 0.150, 0.575], 29),
    ("20250906_orchestrator_claude-4.1-opus", [0.397, 0.309, 0.266, 0.225, 0.575], 18),
    ("20250911_chaterm_claude-4-sonnet", [0.492, 0.421, 0.384, 0.338, 0.637], 44),
    ("20250923_droid_claude-4-sonnet", [0.505, 0.439, 0.404, 0.350, 0.650], 11),
    ("20250924_droid_gpt-5", [0.525, 0.445, 0.394, 0.325, 0.662], 16),
];

/// The trials of the leaderboard; none where it is absent.
fn leaderboard() -> Option<Collected> {
    let file = retrial_testkit::shared("data/terminal_bench_trials.csv")?;
    let text = include_str!("../../../../docs/interop/terminal-bench-leaderboard.toml");
    let mapping = Mapping::parse("terminal-bench-leaderboard.toml", text).unwrap();
    let mut sink = Collected::default();
    read(&[file], &mapping, &mut sink).unwrap();
    Some(sink)
}

#[test]
fn every_submission_has_the_figures_that_are_published() {
    let Some(sink) = leaderboard() else { return };
    assert_eq!((sink.trials.len(), sink.doubts.len(), sink.unfinished.len()), (3200, 0, 0));
    let mut cells: BTreeMap<&str, BTreeMap<&str, (u32, Vec<u32>)>> = BTreeMap::new();
    let mut ungraded: BTreeMap<&str, usize> = BTreeMap::new();
    for found in &sink.trials {
        let (passes, numbers) = cells.entry(&found.agent.name).or_default().entry(&found.task).or_default();
        *passes += u32::from(found.verdict == Verdict::Passed);
        numbers.push(found.number.unwrap());
        *ungraded.entry(&found.agent.name).or_default() += usize::from(found.verdict.passed().is_none());
    }
    assert_eq!(cells.len(), PUBLISHED.len());
    for (agent, figures, published_ungraded) in PUBLISHED {
        let tasks: Vec<(u32, Vec<u32>)> = cells[agent].values().cloned().collect();
        assert_eq!(tasks.len(), 80);
        for (_, mut numbers) in tasks.clone() {
            numbers.sort_unstable();
            assert_eq!(numbers, [1, 2, 3, 4, 5]);
        }
        let all_pass = |k: u32| -> f64 {
            let share =
                |c: u32| (0..k).map(|i| f64::from(c.saturating_sub(i)) / f64::from(5 - i)).product::<f64>();
            tasks.iter().map(|(passes, _)| share(*passes)).sum::<f64>() / 80.0
        };
        let any_pass = tasks.iter().filter(|(passes, _)| *passes > 0).count() as f64 / 80.0;
        let own = [all_pass(1), all_pass(2), all_pass(3), all_pass(5), any_pass];
        let is_near = |(own, figure): (f64, f64)| (own - figure).abs() < 0.000_501;
        assert!(own.into_iter().zip(figures).all(is_near), "{agent}: {own:?} against {figures:?}");
        assert_eq!(ungraded[agent], published_ungraded, "{agent}");
    }
}

#[test]
fn a_timeout_keeps_its_grade_and_an_agent_that_broke_off_is_no_failure_of_infrastructure() {
    let Some(sink) = leaderboard() else { return };
    let mut seen: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for found in &sink.trials {
        *seen.entry((&found.status, found.ending.as_str(), found.verdict.as_str())).or_default() += 1;
    }
    insta::assert_debug_snapshot!(seen);
    assert!(sink.trials.iter().all(|found| !matches!(found.ending, Ending::Infrastructure { .. })));
    let what = |note: &String| note.rsplit_once(": ").unwrap().1.to_owned();
    insta::assert_debug_snapshot!(sink.left_out.iter().map(what).collect::<Vec<_>>());
    let tokens: Vec<u64> =
        sink.trials.iter().filter_map(|found| Some(found.usage.value()?.total())).collect();
    assert_eq!((tokens.len(), tokens[0]), (742, 106_804));
}
