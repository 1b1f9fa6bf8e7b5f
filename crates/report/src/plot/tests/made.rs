//! A fixed run: a steady and an erratic agent, six tasks, eight trials.

use retrial_metrics::{ActionTally, CurveTally, Settings, scorecard};
use retrial_spec::{Claim, TrialRecord};
use retrial_testkit::{Change, run, trial};

use crate::ReportedRun;

const AGENTS: [&str; 2] = ["steady", "erratic"];
const TASKS: [&str; 6] = [
    "add-retry-to-client",
    "broken-pipe",
    "config-precedence",
    "fix-off-by-one",
    "merge-intervals",
    "utf8-truncation",
];

/// A number in [0, 1) that looks drawn and is the same for ever.
fn draw(words: [u32; 4]) -> f64 {
    let mut state = 0x9e37_79b9_u32;
    for word in words {
        state = (state ^ word).wrapping_mul(0x85eb_ca6b).rotate_left(13).wrapping_add(0x27d4_eb2f);
    }
    state ^= state >> 15;
    f64::from(state.wrapping_mul(0xc2b2_ae35) >> 8) / f64::from(1_u32 << 24)
}

fn actions(agent: u32, task: u32, number: u32, passes: bool) -> String {
    let ways = [
        "read:cat:source",
        "edit:sed:source",
        "test:cargo-test",
        "search:grep",
        "run:python",
        "vcs:git-diff",
        "edit:apply_patch",
        "read:head",
        "plan:todo",
    ];
    let mut words = vec!["search:ls", "read:cat:source"];
    let steps = 4 + (draw([agent, task, number, 50]) * 12.0) as u32;
    for step in 0..steps {
        let spread = if agent == 0 { 3.0 } else { 9.0 };
        let way = (draw([agent, task, if step < 2 { number / 3 } else { number }, step]) * spread) as usize;
        words.push(ways[way]);
    }
    if passes {
        words.push("test:cargo-test");
    }
    words.join(" ")
}

fn record(agent: u32, (task, name): (u32, &str), number: u32) -> Option<TrialRecord> {
    let any = |word: u32| draw([agent, task, number, 1000 + word]);
    let chance = [0.98, 0.85, 0.7, 0.55, 0.3, 0.08][task as usize % 6] - 0.1 * f64::from(agent);
    let passes = any(0) < chance;
    let base = trial(name, AGENTS[agent as usize], number).does(&actions(agent, task, number, passes));
    let lasting = (8.0 + 60.0 * any(1)) * if agent == 0 { 1.0 } else { 1.0 + 3.0 * any(2) };
    let tokens = (2000.0 + 900.0 * lasting * any(3)) as u64;
    let record = base.uses(tokens).takes((lasting * 1000.0) as u64).costs(tokens * 3);
    let confidence =
        (0.3 + 0.45 * chance + 0.3 * any(4) + if passes { 0.1 } else { -0.05 }).clamp(0.05, 0.98);
    let record = record.states((confidence * 20.0).round() / 20.0);
    let record = record.claims(if any(5) < 0.6 || passes { Claim::Done } else { Claim::NotDone });
    match (agent, task, number) {
        (1, 2, 8) => None,
        (1, 4, 3) | (0, 3, 5) => Some(record.infrastructure()),
        _ if passes => Some(record),
        _ => Some(record.fails()),
    }
}

/// The run.
pub(super) fn made() -> ReportedRun {
    made_of(&TASKS, 8)
}

/// A run of more tasks and trials than there is room for.
pub(super) fn large() -> ReportedRun {
    let names: Vec<String> =
        (0..75).map(|task| format!("task-{task:02}-{}", "of-a-long-name".repeat(task % 5))).collect();
    made_of(&names.iter().map(|name| &name[..name.len().min(64)]).collect::<Vec<_>>(), 70)
}

/// A run that hardly says anything: two tasks, one trial each.
pub(super) fn thin() -> ReportedRun {
    made_of(&TASKS[3..5], 1)
}

fn made_of(tasks: &[&str], trials: u32) -> ReportedRun {
    let manifest = run(&AGENTS, tasks, trials);
    let settings = Settings::default();
    let of_agent = |agent: u32| {
        tasks.iter().enumerate().flat_map(move |(task, name)| {
            (1..=trials).filter_map(move |number| record(agent, (task as u32, name), number))
        })
    };
    let records: Vec<TrialRecord> = (0..2).flat_map(of_agent).collect();
    let (mut actions, mut curves) =
        (ActionTally::new(&manifest, &settings), CurveTally::new(&manifest, &settings));
    for record in &records {
        actions.add(record);
        curves.add(record);
    }
    let scored = scorecard(&manifest, records, &settings).unwrap();
    ReportedRun { inputs: Vec::new(), scored, actions: actions.finish(), curves: curves.finish() }
}
