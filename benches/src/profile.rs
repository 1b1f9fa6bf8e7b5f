//! Where the time of one trial goes: its steps, one after the other, through the same interfaces as the runner's.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use retrial_gateway::Upstream;
use retrial_gateway::simulate::{Profile as Habits, SimulatedTrial};
use retrial_runner::ReadyTask;
use retrial_sandbox::{Discard, ExecRequest};
use retrial_spec::RunId;

use crate::wire::{gateway, open_at};
use crate::{Failure, Harness};

/// A step of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The engine creates the container, or the helper's user is taken.
    Create,
    /// The gateway listens.
    OpenGateway,
    /// The sandbox starts, its relay connects, its directories are made.
    Start,
    /// The agent runs and ends: one command through the relay.
    Agent,
    /// Every other process is ended.
    KillAll,
    /// The gateway closes and sums up.
    CloseGateway,
    /// The final workspace is read.
    ReadWorkspace,
    /// The tests enter, the verifier runs, its reward is read.
    Grade,
    /// Removal is asked for.
    Stop,
    /// Removal is waited for, which a trial does not do.
    Removal,
    /// Events are written and synced: once when the attempt starts, twice when the trial finishes.
    Journal,
}

/// The steps of some trials.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    steps: Vec<(Step, Duration)>,
}

impl Profile {
    /// Takes the steps of this many trials, one trial at a time, with a shared verifier.
    ///
    /// # Errors
    /// Those of the sandbox and the gateway.
    pub async fn take(
        harness: &Harness,
        task: &ReadyTask,
        scratch: &Path,
        trials: u32,
    ) -> Result<Self, Failure> {
        let mut profile = Self::default();
        for number in 0..trials {
            profile.trial(harness, task, scratch, number).await?;
        }
        Ok(profile)
    }

    /// Returns every step in the order of a trial, with its median in milliseconds.
    pub fn medians(&self) -> Vec<(Step, f64)> {
        let mut medians: Vec<(Step, f64)> = Vec::new();
        for &(step, _) in &self.steps {
            if medians.iter().any(|&(known, _)| known == step) {
                continue;
            }
            let times = self.steps.iter().filter(|&&(other, _)| other == step);
            let times: Vec<f64> = times.map(|(_, time)| time.as_secs_f64() * 1e3).collect();
            medians.extend(crate::sitting::median(&times).map(|median| (step, median)));
        }
        medians
    }

    async fn trial(
        &mut self,
        harness: &Harness,
        task: &ReadyTask,
        scratch: &Path,
        number: u32,
    ) -> Result<(), Failure> {
        let request = task.request(&RunId::new("bench-profile")?, format!("profile#{number}"));
        let mut lap = Lap { since: Instant::now(), steps: &mut self.steps };
        let sandbox = harness.backend.create(&request).await?;
        lap.end(Step::Create);
        let socket = sandbox.gateway_socket().unwrap_or_else(|| harness.runtime.socket());
        let simulation = task.dir.simulation.as_ref().ok_or("the task has no simulation")?;
        let trial = "noop~noop~baseline~1".parse()?;
        let upstream = Upstream::Simulated(SimulatedTrial::new(&Habits::steady(), simulation, 0, &trial));
        let gateway = open_at(&gateway(), socket, scratch.join("wire.jsonl.zst"), upstream).await?;
        lap.end(Step::OpenGateway);
        sandbox.start().await?;
        lap.end(Step::Start);
        let agent = ExecRequest::new(["true"], task.prepared.workdir.clone()).env(request.base_env());
        sandbox.exec(agent, &mut Discard).await?;
        lap.end(Step::Agent);
        sandbox.kill_all().await?;
        lap.end(Step::KillAll);
        gateway.finish().await?;
        lap.end(Step::CloseGateway);
        sandbox.copy_out(&task.prepared.workdir, task.limits.workspace).await?;
        lap.end(Step::ReadWorkspace);
        task.grade_first(sandbox.as_ref()).await?;
        lap.end(Step::Grade);
        sandbox.stop().await?;
        lap.end(Step::Stop);
        harness.backend.close().await?;
        lap.end(Step::Removal);
        write_and_sync(scratch)?;
        lap.end(Step::Journal);
        Ok(())
    }
}

/// Notes how long each step took.
struct Lap<'a> {
    since: Instant,
    steps: &'a mut Vec<(Step, Duration)>,
}

impl Lap<'_> {
    fn end(&mut self, step: Step) {
        let now = Instant::now();
        self.steps.push((step, now - self.since));
        self.since = now;
    }
}

/// Does what the journal does in the course of a trial.
fn write_and_sync(scratch: &Path) -> std::io::Result<()> {
    for (file, bytes) in [("events", 150), ("events", 900), ("trials", 850)] {
        let mut options = fs_err::OpenOptions::new();
        let mut file = options.create(true).append(true).open(scratch.join(file))?;
        file.write_all(&vec![b'x'; bytes])?;
        file.sync_data()?;
    }
    Ok(())
}
