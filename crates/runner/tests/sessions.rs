//! Sessions on scripted sandboxes: what becomes of trials when the host fails.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use retrial_runner::{
    FakeWorld, Interrupt, Observer, Overrides, Plan, RunDir, RunError, RunSettings, SessionError,
    StoppingRule, resume, start,
};
use retrial_sandbox::{
    Backend, ExecRequest, FakeBackend, FakeOutcome, FakeScript, FakeState, Runtime, SandboxRequest,
};
use retrial_spec::{
    AgentLook, AgentRounds, Ending, Event, Finding, Look, RunId, SandboxChoice, StopReason, StopSpec,
};
use tempfile::TempDir;
use tokio::sync::watch;

/// A world in which the sandboxes of trials cannot be created for a while.
struct Unreliable {
    world: FakeWorld,
    /// How many creations fail, of those for trials.
    failures: AtomicU32,
}

impl FakeScript for Unreliable {
    fn exec(&self, state: &mut FakeState, request: &ExecRequest) -> FakeOutcome {
        self.world.exec(state, request)
    }

    fn refuse_create(&self, request: &SandboxRequest) -> Option<String> {
        let is_trial = request.trial.contains('#') && !request.trial.ends_with("verifier");
        let left = |left: u32| left.checked_sub(1);
        let fails = is_trial && self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok();
        fails.then(|| "the host has a bad day".to_owned())
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl Observer for Heard {
    fn event(&self, event: &Event) {
        self.0.lock().expect("a lock").push(event.clone());
    }
}

fn plan(place: &Path) -> Plan {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
    let text = format!(
        "name = \"s\"\ntrials = 12\ntasks = [\"{}/tasks/fix-torn-tail\"]\nsandbox = \"fake\"\nconcurrency = 2\n\
         [limits]\ninfrastructure_retries = 0\n[[agents]]\nname = \"a\"\nmodel = \"simulated/steady\"\n",
        root.display()
    );
    let path = place.join("e.toml");
    fs_err::write(&path, text).expect("a file");
    Plan::read(&path, &Overrides { sandbox: Some(SandboxChoice::Fake), ..Overrides::default() })
        .expect("a plan")
}

async fn settings(place: &TempDir, plan: &Plan, failures: u32) -> (RunSettings, Arc<Heard>) {
    let script = Unreliable { world: FakeWorld::new(&plan.tasks), failures: AtomicU32::new(failures) };
    let backend: Arc<dyn Backend> = Arc::new(FakeBackend::new(script));
    let heard = Arc::new(Heard::default());
    let settings = RunSettings {
        out: place.path().join("run"),
        id: RunId::new("r").expect("a name"),
        created_at: "2026-01-01T00:00:00Z".parse().expect("a time"),
        tool: "test".to_owned(),
        cache: place.path().join("cache"),
        capabilities: backend.probe().await.expect("a fake works everywhere"),
        backend,
        replay: None,
        runtime: Runtime::open_in(place.path().join("rt")).expect("a runtime directory"),
        notice: Arc::new(|_| {}),
        observer: Arc::clone(&heard) as Arc<dyn Observer>,
        interrupt: watch::channel(Interrupt::None).1,
        stopping: None,
    };
    (settings, heard)
}

fn finished(heard: &Heard) -> usize {
    let events = heard.0.lock().expect("a lock");
    events.iter().filter(|event| matches!(event, Event::TrialFinished { .. })).count()
}

#[tokio::test]
async fn a_host_that_fails_for_good_stops_the_run_and_no_trial_is_lost_to_it() {
    let place = tempfile::tempdir().expect("a directory");
    let plan = plan(place.path());
    let (settings_now, heard) = settings(&place, &plan, u32::MAX).await;
    let error = start(plan.clone(), settings_now).await.expect_err("nothing works");
    assert!(matches!(error, RunError::Session(SessionError::Hopeless { trials: 8, .. })), "{error:?}");
    assert_eq!(finished(&heard), 0, "no trial without a result is final");
    let (settings_later, _) = settings(&place, &plan, 0).await;
    let summary = resume(plan, settings_later).await.expect("the host is mended");
    assert_eq!((summary.finished, summary.reason), (12, StopReason::Complete));
    let (run, _) = RunDir::open(&place.path().join("run")).expect("a run");
    for record in run.trials().expect("records") {
        assert_eq!(record.expect("a record").ending, Ending::Finished);
    }
}

#[tokio::test]
async fn a_bad_moment_costs_the_trials_it_hit_and_no_other() {
    let place = tempfile::tempdir().expect("a directory");
    let plan = plan(place.path());
    let (settings, heard) = settings(&place, &plan, 3).await;
    let summary = start(plan, settings).await.expect("the run goes on");
    assert_eq!((summary.finished, summary.reason), (12, StopReason::Complete));
    let events = heard.0.lock().expect("a lock");
    let lost = |event: &&Event| matches!(event, Event::TrialFinished { record, .. } if matches!(record.ending, Ending::Infrastructure { .. }));
    assert_eq!(events.iter().filter(lost).count(), 3);
}

/// Settled once so many trials passed.
#[derive(Debug)]
struct Passed(u64);

impl StoppingRule for Passed {
    fn look(&self, round: u32, agents: &[AgentRounds]) -> Look {
        let agents = agents.iter().map(|AgentRounds { agent, counts }| AgentLook {
            agent: agent.clone(),
            counts: *counts,
            low: 0.0,
            high: 1.0,
            findings: vec![Finding::HalfWidth {
                half_width: self.0.saturating_sub(counts.passed) as f64,
                at_most: 0.0,
            }],
        });
        Look { round, level: 0.95, agents: agents.collect() }
    }
}

fn stopping(plan: &mut Plan) {
    plan.experiment.stop = Some(StopSpec {
        half_width: Some(0.1),
        threshold: None,
        baseline: None,
        margin: None,
        min_rounds: 1,
        look_every: 1,
        level: 0.95,
    });
}

#[tokio::test]
async fn a_rule_that_is_settled_ends_the_run_after_every_record_of_its_rounds() {
    let place = tempfile::tempdir().expect("a directory");
    let mut plan = plan(place.path());
    stopping(&mut plan);
    let (settings, heard) = settings(&place, &plan, 3).await;
    let summary = start(plan, RunSettings { stopping: Some(Arc::new(Passed(2))), ..settings }).await;
    let summary = summary.expect("the run goes on");
    let look = summary.look.expect("a look");
    let counts = look.agents[0].counts;
    assert_eq!((summary.reason, counts.passed, counts.excluded), (StopReason::Settled, 2, 3));
    assert_eq!((summary.finished, summary.planned), (u64::from(look.round), u64::from(look.round)));
    let events = heard.0.lock().expect("a lock");
    let stop = events.iter().position(|event| matches!(event, Event::RunStopped { .. })).expect("a stop");
    let later = |event: &Event| matches!(event, Event::TrialFinished { .. } | Event::AttemptStarted { .. });
    assert!(!events[stop..].iter().any(later), "what the stop says rests on records that are final");
    let (_, manifest) = RunDir::open(&place.path().join("run")).expect("a run");
    assert_eq!(manifest.planned(), u64::from(look.round));
}

#[tokio::test]
async fn a_host_that_fails_for_good_is_not_taken_for_rounds_without_a_verdict() {
    let place = tempfile::tempdir().expect("a directory");
    let mut plan = plan(place.path());
    stopping(&mut plan);
    let (settings_now, heard) = settings(&place, &plan, u32::MAX).await;
    let rule = || Some(Arc::new(Passed(1)) as Arc<dyn StoppingRule>);
    let error = start(plan.clone(), RunSettings { stopping: rule(), ..settings_now }).await;
    assert!(matches!(error, Err(RunError::Session(SessionError::Hopeless { trials: 8, .. }))), "{error:?}");
    assert_eq!(finished(&heard), 0, "no trial without a result is final");
    let (settings_later, _) = settings(&place, &plan, 0).await;
    let summary = resume(plan, RunSettings { stopping: rule(), ..settings_later }).await;
    let summary = summary.expect("the host is mended");
    assert_eq!(summary.reason, StopReason::Settled);
    let look = summary.look.expect("a look");
    assert_eq!(look.agents[0].counts.excluded, 0, "the trials were tried again");
}
