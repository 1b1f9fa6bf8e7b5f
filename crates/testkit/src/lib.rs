//! Builders for tests: runs and trial records in a line or two. Development only; a builder panics where a test is written wrong.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    reason = "a test that is written wrong should stop at once"
)]

mod browser;
mod inspect_log;
mod shared;
mod synthetic;

use std::fmt::Write;

use retrial_spec::{
    Action, ActionKind, ActionLog, AgentFacts, AgentName, Claim, ConditionKind, ConditionName, ConditionSpec,
    Cost, Ending, Experiment, FORMAT_VERSION, Fact, FaultCount, FaultSettings, FinalState, HostFacts,
    Measured, MissingReason, Origin, Phase, PriceFacts, PriceTableFacts, RecipeFacts, RetryRule, RunId,
    RunManifest, SandboxChoice, SandboxFacts, Source, StopSpec, TaskFacts, TaskName, Times, TrialId,
    TrialRecord, UngradedReason, Usage, Verdict, WireFault, digest_bytes,
};

pub use browser::browser_script;
pub use inspect_log::SyntheticLog;
pub use shared::{shared, shared_json};
pub use synthetic::SyntheticRun;

/// A run of the agents `agents`, each trying each task `trials` times under the baseline.
pub fn run(agents: &[&str], tasks: &[&str], trials: u32) -> RunManifest {
    let mut text = format!("name = 'example'\ntrials = {trials}\ntasks = ['tasks/*']\n");
    for agent in agents {
        write!(text, "[[agents]]\nname = '{agent}'\nmodel = 'simulated/steady'\n").unwrap();
    }
    let (experiment, _) = Experiment::parse("example.toml", &text).unwrap();
    RunManifest {
        format: FORMAT_VERSION,
        run: RunId::new("run-1").unwrap(),
        created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        tool: "retrial 0.1.0".to_owned(),
        seed: 7,
        tasks: tasks.iter().map(|task| task_facts(task)).collect(),
        agents: agents.iter().map(|agent| agent_facts(agent)).collect(),
        actions: digest_bytes(b"actions"),
        origin: Origin::Measured(Box::new(measured(experiment))),
    }
}

fn measured(experiment: Experiment) -> Measured {
    Measured {
        experiment,
        experiment_digest: digest_bytes(b"experiment"),
        prices: PriceFacts {
            builtin: PriceTableFacts { date: "2026-01-01".to_owned(), digest: digest_bytes(b"prices") },
            own: None,
        },
        sandbox: SandboxFacts { kind: SandboxChoice::Fake, engine: "fake".to_owned(), not_enforced: vec![] },
        host: HostFacts { system: "linux".to_owned(), kernel: "6".to_owned(), cores: 2, memory_mb: 4096 },
        replay_of: None,
        stop_baseline: None,
        stopped: None,
    }
}

/// What makes a run of Retrial's own, to be changed.
pub fn measured_mut(manifest: &mut RunManifest) -> &mut Measured {
    match &mut manifest.origin {
        Origin::Measured(measured) => measured,
        Origin::Imported(_) => panic!("the run was imported"),
    }
}

/// Gives a run a rule that can stop it by what its trials show.
pub fn stops(manifest: &mut RunManifest) {
    measured_mut(manifest).experiment.stop = Some(StopSpec {
        half_width: Some(0.2),
        threshold: None,
        baseline: None,
        margin: None,
        min_rounds: 2,
        look_every: 1,
        level: 0.95,
    });
}

/// As [`run`], with a condition `faults` of server errors beside the baseline.
pub fn run_with_faults(agents: &[&str], tasks: &[&str], trials: u32) -> RunManifest {
    let mut manifest = run(agents, tasks, trials);
    measured_mut(&mut manifest).experiment.conditions.push(ConditionSpec {
        name: ConditionName::new("faults").unwrap(),
        kind: ConditionKind::Fault,
        fault: Some(FaultSettings {
            what: WireFault::ServerError,
            rate: 0.5,
            burst: 1,
            retries: RetryRule::Drawn,
            first: 1,
            max: None,
            retry_after_sec: None,
            stall_sec: None,
        }),
    });
    manifest
}

fn task_facts(name: &str) -> TaskFacts {
    TaskFacts {
        name: TaskName::new(name).unwrap(),
        title: None,
        version: None,
        digest: Some(digest_bytes(name.as_bytes())),
        simulation: None,
        environment: None,
        facts: None,
    }
}

fn agent_facts(name: &str) -> AgentFacts {
    AgentFacts {
        name: AgentName::new(name).unwrap(),
        recipe: Some(RecipeFacts {
            name: "reference".to_owned(),
            digest: digest_bytes(b"recipe"),
            kit: None,
        }),
        version: Some("1".to_owned()),
        model: Some("simulated/steady".to_owned()),
    }
}

/// A passed trial that finished, with one action and unknown amounts, confidence and claim.
pub fn trial(task: &str, agent: &str, number: u32) -> TrialRecord {
    TrialRecord {
        trial: TrialId {
            task: TaskName::new(task).unwrap(),
            agent: AgentName::new(agent).unwrap(),
            condition: ConditionName::baseline(),
            number,
        },
        attempts: 1,
        ending: Ending::Finished,
        verdict: Verdict::Passed,
        actions: Fact::known(actions("read:cat"), Source::Parsed),
        requests: Fact::known(1, Source::Parsed),
        usage: Fact::Missing(MissingReason::NoUsage),
        cost: Fact::Missing(MissingReason::NoPrice),
        elicitation_cost: Fact::Missing(MissingReason::NotAsked),
        confidence: Fact::Missing(MissingReason::NoAnswer),
        claim: Fact::Missing(MissingReason::NoAnswer),
        state: Fact::Missing(MissingReason::NotRecorded),
        faults: Vec::new(),
        audit: Fact::Missing(MissingReason::NotRecorded),
        started_at: Fact::known("2026-01-02T03:04:05Z".parse().unwrap(), Source::Computed),
        times: Times::default(),
    }
}

/// Actions from `kind:name` words.
pub fn actions(words: &str) -> ActionLog {
    words
        .split_whitespace()
        .map(|word| {
            let (kind, name) = word.split_once(':').unwrap();
            let kind = ActionKind::ALL.into_iter().find(|known| known.as_str() == kind).unwrap();
            Action { kind, name: name.to_owned() }
        })
        .collect()
}

/// Changes to a record, one after the other.
pub trait Change: Sized {
    /// Makes it fail.
    fn fails(self) -> Self;
    /// Leaves it without a verdict, because the verifier wrote none.
    fn ungraded(self) -> Self;
    /// Makes it end for reasons of infrastructure.
    fn infrastructure(self) -> Self;
    /// Revokes it while it works.
    fn revoked(self) -> Self;
    /// Makes it reach its time limit.
    fn times_out(self) -> Self;
    /// Puts it under the fault condition of [`run_with_faults`], with so many faults landed and recovered from.
    fn hit(self, landed: u32, recovered: u32) -> Self;
    /// Gives it actions, as `kind:name` words.
    fn does(self, words: &str) -> Self;
    /// Gives it tokens.
    fn uses(self, tokens: u64) -> Self;
    /// Gives it a working time, with a second of waiting beside it.
    fn takes(self, working_ms: u64) -> Self;
    /// Gives it a cost.
    fn costs(self, usd_micros: u64) -> Self;
    /// Gives it a stated confidence.
    fn states(self, confidence: f64) -> Self;
    /// Gives it a stated claim.
    fn claims(self, claim: Claim) -> Self;
    /// Leaves it with these files changed, in words, by this patch.
    fn leaves(self, files: &str, patch: &str) -> Self;
    /// Gives it a time in model calls.
    fn calls_for(self, model_ms: u64) -> Self;
}

impl Change for TrialRecord {
    fn fails(mut self) -> Self {
        self.verdict = Verdict::Failed;
        self
    }

    fn ungraded(mut self) -> Self {
        self.verdict = Verdict::Ungraded(UngradedReason::NoReward);
        self
    }

    fn infrastructure(mut self) -> Self {
        self.ending = Ending::Infrastructure { phase: Phase::Setup, cause: "no sandbox".to_owned() };
        self.verdict = Verdict::Ungraded(UngradedReason::Infrastructure);
        self
    }

    fn revoked(mut self) -> Self {
        self.ending = Ending::Revoked;
        self.verdict = Verdict::Ungraded(UngradedReason::Revoked);
        self
    }

    fn times_out(mut self) -> Self {
        self.ending = Ending::Timeout;
        self
    }

    fn hit(mut self, landed: u32, recovered: u32) -> Self {
        self.trial.condition = ConditionName::new("faults").unwrap();
        let count =
            FaultCount { what: WireFault::ServerError, landed, not_landed: 1, went_on: recovered, recovered };
        self.faults = vec![count];
        self
    }

    fn does(mut self, words: &str) -> Self {
        self.actions = Fact::known(actions(words), Source::Parsed);
        self
    }

    fn uses(mut self, tokens: u64) -> Self {
        let usage =
            Usage { uncached_input: tokens, cache_read: None, cache_write: None, output: 0, reasoning: None };
        self.usage = Fact::known(usage, Source::Parsed);
        self
    }

    fn takes(mut self, working_ms: u64) -> Self {
        self.times.agent_ms = Some(working_ms + 1000);
        self.times.waiting_ms = Some(1000);
        self
    }

    fn costs(mut self, usd_micros: u64) -> Self {
        self.cost = Fact::known(Cost { usd_micros, priced_on: None }, Source::Computed);
        self
    }

    fn states(mut self, confidence: f64) -> Self {
        self.confidence = Fact::known(confidence, Source::Stated);
        self
    }

    fn claims(mut self, claim: Claim) -> Self {
        self.claim = Fact::known(claim, Source::Stated);
        self
    }

    fn leaves(mut self, files: &str, patch: &str) -> Self {
        let changed = files.split_whitespace().map(str::to_owned).collect();
        self.state = Fact::known(FinalState { changed, patch: patch.to_owned() }, Source::Computed);
        self
    }

    fn calls_for(mut self, model_ms: u64) -> Self {
        self.times.model_ms = Some(model_ms);
        self
    }
}
