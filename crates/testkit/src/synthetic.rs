//! Synthetic runs of any size: seeded, realistic in shape, written record by record so that size costs no memory.
//!
//! Every agent has its own way through every task; a trial follows it and leaves it here and there, so that trials of one
//! cell are alike, as real ones are. A record depends on the seed and its place in the grid alone.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use retrial_spec::{
    Action, ActionKind, ActionLog, AgentName, AuditSeal, Claim, ConditionName, Cost, CrashReason, Ending,
    Fact, FaultCount, FinalState, MissingReason, Phase, RunManifest, Source, TaskName, Times, TrialId,
    TrialRecord, UngradedReason, Usage, Verdict, WireFault, digest_bytes,
};

use crate::{run, run_with_faults};

/// Fine names by kind, as the table of actions gives them.
const NAMES: [(ActionKind, &str); 32] = [
    (ActionKind::Read, "cat:source"),
    (ActionKind::Read, "cat:doc"),
    (ActionKind::Read, "cat:test"),
    (ActionKind::Read, "head"),
    (ActionKind::Read, "sed:source"),
    (ActionKind::Read, "od"),
    (ActionKind::Search, "grep"),
    (ActionKind::Search, "grep:source"),
    (ActionKind::Search, "ls"),
    (ActionKind::Search, "ls:test"),
    (ActionKind::Search, "find"),
    (ActionKind::Search, "rg"),
    (ActionKind::Edit, "cat:source"),
    (ActionKind::Edit, "cat:test"),
    (ActionKind::Edit, "sed:source"),
    (ActionKind::Edit, "apply_patch"),
    (ActionKind::Edit, "tee"),
    (ActionKind::Test, "unittest"),
    (ActionKind::Test, "pytest"),
    (ActionKind::Test, "cargo-test"),
    (ActionKind::Run, "python"),
    (ActionKind::Run, "bash"),
    (ActionKind::Run, "make"),
    (ActionKind::Run, "node"),
    (ActionKind::Vcs, "git-status"),
    (ActionKind::Vcs, "git-diff"),
    (ActionKind::Vcs, "git-log"),
    (ActionKind::Install, "pip"),
    (ActionKind::Network, "curl"),
    (ActionKind::Plan, "todo"),
    (ActionKind::Other, "echo"),
    (ActionKind::Other, "sleep"),
];

/// How many of the names an agent uses in one task.
const REPERTOIRE: usize = 12;

/// A run that never took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticRun {
    /// How many agents, at least 1.
    pub agents: u32,
    /// How many tasks, at least 1.
    pub tasks: u32,
    /// Trials of every agent at every task, at least 1.
    pub trials: u32,
    /// How many actions a trial has, about.
    pub actions: u32,
    /// Whether a condition with faults stands beside the baseline, with as many trials.
    pub with_faults: bool,
    /// The seed.
    pub seed: u64,
}

impl SyntheticRun {
    /// Returns the manifest.
    pub fn manifest(&self) -> RunManifest {
        let agents: Vec<String> = (0..self.agents).map(agent_name).collect();
        let tasks: Vec<String> = (0..self.tasks).map(task_name).collect();
        let agents: Vec<&str> = agents.iter().map(String::as_str).collect();
        let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
        let make = if self.with_faults { run_with_faults } else { run };
        RunManifest { seed: self.seed, ..make(&agents, &tasks, self.trials) }
    }

    /// Returns the records, rounds of all cells one after the other, as an interleaved schedule finishes them.
    pub fn records(&self) -> impl Iterator<Item = TrialRecord> + use<> {
        let run = *self;
        let conditions = 1 + u32::from(run.with_faults);
        let numbers = 1..=run.trials;
        numbers.flat_map(move |number| {
            (0..run.tasks).flat_map(move |task| {
                (0..run.agents).flat_map(move |agent| {
                    (0..conditions).map(move |condition| run.record(Place { task, agent, condition, number }))
                })
            })
        })
    }

    /// Writes `run.json`, `trials.jsonl` and `events.jsonl`, which is all that scoring reads.
    ///
    /// # Errors
    /// Where the directory cannot be written.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        fs_err::create_dir_all(directory)?;
        fs_err::write(directory.join("run.json"), serde_json::to_vec_pretty(&self.manifest())?)?;
        let create = |name| fs_err::File::create(directory.join(name)).map(BufWriter::new);
        let (mut trials, mut events) = (create("trials.jsonl")?, create("events.jsonl")?);
        for record in self.records() {
            let record = serde_json::to_string(&record)?;
            writeln!(trials, "{record}")?;
            // As the journal writes it.
            writeln!(
                events,
                r#"{{"event":"trial_finished","at":"2026-01-02T03:04:05Z","record":{record}}}"#
            )?;
        }
        trials.flush()?;
        events.flush()
    }

    fn record(&self, place: Place) -> TrialRecord {
        let Place { task, agent, condition, number } = place;
        let mut of_task = self.stream(&[task, u32::MAX, u32::MAX, 0]);
        let (difficulty, seconds) = (of_task.random::<f64>(), of_task.random_range(20.0..600.0));
        let mut rng = self.stream(&[task, agent, condition, number]);
        let skill = f64::from(agent + 1) / f64::from(self.agents + 1);
        let passes = rng.random_bool((1.2 * skill + 0.9 - 1.2 * difficulty).clamp(0.03, 0.97));
        let ending = ending(&mut rng);
        let verdict = verdict(&ending, passes, &mut rng);
        let passed = verdict.passed() == Some(true);
        let actions = self.actions(place, &mut rng);
        let requests = actions.len() as u64 + 1;
        let usage = usage(requests, &mut rng);
        let agent_ms = (seconds * 1e3 * rng.random_range(0.6..1.7)) as u64;
        TrialRecord {
            trial: place.trial(),
            attempts: if rng.random_bool(0.01) { 2 } else { 1 },
            ending,
            verdict,
            actions: Fact::known(actions, Source::Parsed),
            requests: Fact::known(requests, Source::Parsed),
            usage: Fact::known(usage, Source::Parsed),
            cost: cost(usage.total() / 3),
            elicitation_cost: cost(usage.total() / 40),
            confidence: confidence(passed, &mut rng),
            claim: claim(passed, &mut rng),
            state: state(task, &mut rng),
            faults: if condition == 0 { Vec::new() } else { vec![faults(&mut rng)] },
            audit: audit(requests, &mut rng),
            started_at: Fact::known("2026-01-02T03:04:05.678901234Z".parse().unwrap(), Source::Computed),
            times: times(agent_ms, &mut rng),
        }
    }

    /// The agent's way through the task, left in about one action of eight.
    fn actions(&self, place: Place, rng: &mut ChaCha8Rng) -> ActionLog {
        let mut way = self.stream(&[place.task, place.agent, u32::MAX, 0]);
        let repertoire: Vec<usize> = (0..REPERTOIRE).map(|_| way.random_range(0..NAMES.len())).collect();
        let mut done = Vec::with_capacity(self.actions as usize);
        for _ in 0..self.actions {
            let usual = repertoire[way.random_range(0..REPERTOIRE)];
            match rng.random_range(0..32) {
                0 => {}
                1 => done.extend([usual, repertoire[rng.random_range(0..REPERTOIRE)]]),
                2 | 3 => done.push(repertoire[rng.random_range(0..REPERTOIRE)]),
                _ => done.push(usual),
            }
        }
        done.into_iter().map(|name| Action { kind: NAMES[name].0, name: NAMES[name].1.to_owned() }).collect()
    }

    /// Random numbers of one place in the grid.
    fn stream(&self, place: &[u32; 4]) -> ChaCha8Rng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        for (bytes, part) in seed[8..24].chunks_mut(4).zip(place) {
            bytes.copy_from_slice(&part.to_le_bytes());
        }
        ChaCha8Rng::from_seed(seed)
    }
}

/// A trial's place in the grid.
#[derive(Debug, Clone, Copy)]
struct Place {
    task: u32,
    agent: u32,
    condition: u32,
    number: u32,
}

impl Place {
    fn trial(self) -> TrialId {
        TrialId {
            task: TaskName::new(task_name(self.task)).unwrap(),
            agent: AgentName::new(agent_name(self.agent)).unwrap(),
            condition: match self.condition {
                0 => ConditionName::baseline(),
                _ => ConditionName::new("faults").unwrap(),
            },
            number: self.number,
        }
    }
}

fn agent_name(agent: u32) -> String {
    format!("agent-{agent:03}")
}

fn task_name(task: u32) -> String {
    format!("repair-module-{task:05}")
}

fn ending(rng: &mut ChaCha8Rng) -> Ending {
    match rng.random_range(0..200) {
        0 => {
            Ending::Infrastructure { phase: Phase::Setup, cause: "the engine refused a container".to_owned() }
        }
        1 | 2 => Ending::Crash { reason: CrashReason::Exit(1) },
        3..6 => Ending::Timeout,
        6 => Ending::OverBudget,
        _ => Ending::Finished,
    }
}

fn verdict(ending: &Ending, passes: bool, rng: &mut ChaCha8Rng) -> Verdict {
    match ending {
        Ending::Infrastructure { .. } => Verdict::Ungraded(UngradedReason::Infrastructure),
        _ if rng.random_bool(0.004) => Verdict::Ungraded(UngradedReason::VerifierTimeout),
        _ if passes => Verdict::Passed,
        _ if rng.random_bool(0.1) => Verdict::Reward(0.5),
        _ => Verdict::Failed,
    }
}

fn usage(requests: u64, rng: &mut ChaCha8Rng) -> Usage {
    Usage {
        uncached_input: requests * rng.random_range(200..500),
        cache_read: Some(requests * rng.random_range(1_000..3_000)),
        cache_write: None,
        output: requests * rng.random_range(60..160),
        reasoning: Some(requests * rng.random_range(0..40)),
    }
}

fn cost(usd_micros: u64) -> Fact<Cost> {
    Fact::known(Cost { usd_micros, priced_on: "2026-01-01".parse().ok() }, Source::Computed)
}

fn confidence(passed: bool, rng: &mut ChaCha8Rng) -> Fact<f64> {
    if rng.random_bool(0.02) {
        return Fact::Missing(MissingReason::Unparsable);
    }
    let hundredths: u32 = rng.random_range(if passed { 70..100 } else { 45..98 });
    Fact::known(f64::from(hundredths) / 100.0, Source::Stated)
}

fn claim(passed: bool, rng: &mut ChaCha8Rng) -> Fact<Claim> {
    let claim = match rng.random_range(0..20) {
        0 => return Fact::Missing(MissingReason::Unparsable),
        1..5 if !passed => Claim::NotDone,
        5 => Claim::NeedsHuman,
        _ => Claim::Done,
    };
    Fact::known(claim, Source::Stated)
}

fn state(task: u32, rng: &mut ChaCha8Rng) -> Fact<FinalState> {
    let files = (0..8_u32).filter(|_| rng.random_bool(0.5));
    let changed = files.map(|file| format!("module_{task}/part_{file}.py")).collect();
    let patch = digest_bytes(&rng.random::<[u8; 8]>()).as_str().to_owned();
    Fact::known(FinalState { changed, patch }, Source::Computed)
}

fn audit(requests: u64, rng: &mut ChaCha8Rng) -> Fact<AuditSeal> {
    let sha256 = digest_bytes(&rng.random::<[u8; 8]>());
    Fact::known(AuditSeal { lines: 2 * requests + 4, sha256 }, Source::Computed)
}

fn times(agent_ms: u64, rng: &mut ChaCha8Rng) -> Times {
    Times {
        setup_ms: Some(rng.random_range(8..20)),
        agent_ms: Some(agent_ms),
        model_ms: Some(agent_ms * 3 / 4),
        waiting_ms: Some(agent_ms / 100),
        verify_ms: Some(rng.random_range(80..900)),
    }
}

fn faults(rng: &mut ChaCha8Rng) -> FaultCount {
    let landed = rng.random_range(0..5);
    let went_on = rng.random_range(0..=landed);
    FaultCount {
        what: WireFault::ServerError,
        landed,
        not_landed: rng.random_range(0..2),
        went_on,
        recovered: rng.random_range(0..=went_on),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: SyntheticRun =
        SyntheticRun { agents: 2, tasks: 3, trials: 2, actions: 20, with_faults: true, seed: 1 };

    #[test]
    fn the_same_seed_gives_the_same_records_and_another_gives_others() {
        let records: Vec<TrialRecord> = RUN.records().collect();
        assert_eq!(records.len(), 24);
        assert_eq!(records, RUN.records().collect::<Vec<_>>());
        assert_ne!(records, SyntheticRun { seed: 2, ..RUN }.records().collect::<Vec<_>>());
    }

    #[test]
    fn a_larger_run_holds_the_records_of_a_smaller_one() {
        let larger: Vec<TrialRecord> = SyntheticRun { tasks: 5, trials: 4, ..RUN }.records().collect();
        assert!(RUN.records().all(|record| larger.contains(&record)));
    }
}
