//! A small run whose every trial is known, and runs made of it.

use retrial_metrics::{CurveTally, Settings, scorecard};
use retrial_report::{InputFile, REPORT_VERSION, Report, ReportedRun};
use retrial_spec::{
    Claim, Cost, CrashReason, Ending, Fact, MissingReason, RunManifest, Source, TrialRecord, Usage, Verdict,
    digest_bytes,
};
use retrial_testkit::{Change, run, trial};

pub(crate) const TASKS: [&str; 6] = ["always", "coin", "hard", "mostly", "never", "rarely"];
pub(crate) const AGENTS: [&str; 2] = ["steady", "swift"];
pub(crate) const TRIALS: u32 = 8;

/// How many of eight trials pass, by agent and task.
const PASSED: [[u32; 6]; 2] = [[8, 4, 2, 7, 0, 1], [8, 8, 6, 8, 0, 5]];

/// Two agents, six tasks of eight trials, with claims, confidences, a failure of infrastructure, a timeout, a crash and a partial reward.
pub(crate) fn records() -> Vec<TrialRecord> {
    let mut records = Vec::new();
    for (agent, passed) in AGENTS.iter().zip(PASSED) {
        for (task, passed) in TASKS.iter().zip(passed) {
            for number in 1..=TRIALS {
                records.push(record(agent, task, number, number <= passed));
            }
        }
    }
    let find = |records: &mut Vec<TrialRecord>, id: &str| {
        records.iter().position(|record| record.trial.to_string() == id).unwrap()
    };
    let place = find(&mut records, "never~steady~baseline~3");
    records[place] = trial("never", "steady", 3).infrastructure();
    let place = find(&mut records, "coin~steady~baseline~8");
    records[place] = records[place].clone().times_out();
    let place = find(&mut records, "hard~steady~baseline~7");
    records[place].ending =
        Ending::Crash { reason: CrashReason::Model("=no \"route\" <to> host".to_owned()) };
    let place = find(&mut records, "rarely~swift~baseline~8");
    records[place].verdict = Verdict::Reward(0.25);
    let place = find(&mut records, "always~swift~baseline~1");
    records[place].confidence = Fact::Missing(MissingReason::Unparsable);
    records
}

fn record(agent: &str, task: &str, number: u32, passes: bool) -> TrialRecord {
    let is_swift = agent == "swift";
    let length = u64::try_from(task.len()).unwrap();
    let step = u64::from(number);
    // The swift one does the same things, beginning with another one each time.
    let mut words = ["read:cat", "edit:sed", "test:pytest", "search:grep", "vcs:git-diff"];
    let first = if is_swift { number as usize % words.len() } else { 0 };
    words.rotate_left(first);
    let mut made = trial(task, agent, number)
        .does(&words.join(" "))
        .takes(10_000 * length + 700 * step)
        .calls_for(5_000 * length)
        .states(if passes { 0.9 } else { 0.9 - 0.05 * f64::from(number % 3) })
        .claims(if passes || !number.is_multiple_of(4) { Claim::Done } else { Claim::NeedsHuman })
        .leaves("src/lib.rs tests/a.rs", if passes { "a" } else { "b" });
    made.usage = Fact::known(
        Usage {
            uncached_input: 1_000 * length + 97 * step,
            cache_read: Some(50 * step),
            cache_write: None,
            output: 300 + step,
            reasoning: is_swift.then_some(7 * step),
        },
        Source::Parsed,
    );
    let priced_on = is_swift.then(|| "2026-01-01".parse().unwrap());
    made.cost = Fact::known(Cost { usd_micros: 4_000 * length + 500 * step, priced_on }, Source::Computed);
    if !passes {
        made = made.fails();
    }
    made
}

pub(crate) fn manifest() -> RunManifest {
    let mut manifest = run(&AGENTS, &TASKS, TRIALS);
    manifest.agents[0].model = Some("vendor/model|<img src=x>@latest".to_owned());
    manifest
}

/// The report of a run with these records.
pub(crate) fn reported(manifest: &RunManifest, records: &[TrialRecord], settings: &Settings) -> ReportedRun {
    let scored = scorecard(manifest, records.iter().cloned(), settings).unwrap();
    let mut curves = CurveTally::new(manifest, settings);
    for record in records {
        curves.add(record);
    }
    let inputs =
        vec![InputFile { name: "trials.jsonl".to_owned(), bytes: 1234, digest: digest_bytes(b"trials") }];
    ReportedRun { inputs, scored, actions: Vec::new(), curves: curves.finish() }
}

/// The report of runs.
pub(crate) fn report_of(runs: Vec<ReportedRun>) -> Report {
    Report { schema: REPORT_VERSION, generator: "retrial 0.1.0".to_owned(), runs }
}

/// The report of the small run.
pub(crate) fn report() -> Report {
    report_of(vec![reported(&manifest(), &records(), &Settings::default())])
}

/// The report of one agent's trials, given by task as letters: `P` passed, `F` failed, `x` broken.
pub(crate) fn report_of_letters(tasks: &[(&str, &str)]) -> Report {
    let names: Vec<&str> = tasks.iter().map(|(task, _)| *task).collect();
    let trials = tasks.iter().map(|(_, letters)| letters.len()).max().unwrap_or(1);
    let manifest = run(&["solo"], &names, u32::try_from(trials).unwrap());
    let of_task = |(task, letters): &(&str, &str)| {
        let task = (*task).to_owned();
        let made = letters.chars().zip(1..).map(move |(letter, number)| {
            let made = trial(&task, "solo", number);
            match letter {
                'P' => made,
                'F' => made.fails(),
                _ => made.infrastructure(),
            }
        });
        made.collect::<Vec<_>>()
    };
    let records: Vec<TrialRecord> = tasks.iter().flat_map(of_task).collect();
    report_of(vec![reported(&manifest, &records, &Settings::default())])
}
