//! A run as a job directory of Harbor.

mod exception;
mod stats;
mod trial;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use retrial_spec::{AgentFacts, TaskFacts, digest_bytes};
use serde_json::{Value, json};

use super::trial::write_json;
use super::{ExportRun, TrialToExport, trial_of};
use crate::ImportError;
use stats::Stats;

/// What a job says of itself.
#[derive(Debug, Clone, Copy)]
pub struct JobToExport<'r> {
    /// The name of the job's directory, and of the data set that its tasks are said to be of.
    pub name: &'r str,
    /// When the run was created.
    pub created_at: Timestamp,
    /// The most trials that an agent has of a task.
    pub trials: u32,
    /// How many trials are planned in all.
    pub planned: u64,
    /// The agents.
    pub agents: &'r [AgentFacts],
    /// The tasks.
    pub tasks: &'r [TaskFacts],
}

/// Writes a run as a job directory with the run's id as its name, and returns it.
///
/// # Errors
/// [`ImportError`] where the run cannot be read or a file cannot be written.
pub fn write(run: &ExportRun<'_>, out: &Path) -> Result<PathBuf, ImportError> {
    let job = JobToExport {
        name: run.manifest.run.as_str(),
        created_at: run.manifest.created_at,
        trials: run.manifest.trials(),
        planned: run.manifest.planned(),
        agents: &run.manifest.agents,
        tasks: &run.manifest.tasks,
    };
    let mut export = JobExport::begin(job, out)?;
    let failures = run.failures()?;
    for record in run.records()? {
        let record = record?;
        let evidence = run.evidence(&record);
        export.trial(&trial_of(run, &record, (&evidence, &failures))?)?;
    }
    export.finish()
}

/// A job directory in the making. Trials are written as they come; of each no more than its name is held.
#[derive(Debug)]
pub struct JobExport<'r> {
    job: JobToExport<'r>,
    directory: PathBuf,
    stats: Stats,
    last: Timestamp,
}

impl<'r> JobExport<'r> {
    /// Begins a job directory with its configuration.
    ///
    /// # Errors
    /// [`ImportError`] where it cannot be written.
    pub fn begin(job: JobToExport<'r>, out: &Path) -> Result<Self, ImportError> {
        let directory = out.join(job.name);
        let agents: Vec<Value> = job.agents.iter().map(trial::agent_config).collect();
        let tasks: Vec<Value> = job.tasks.iter().map(|task| trial::task_config(task, job.name)).collect();
        let config = json!({
            "job_name": job.name,
            "jobs_dir": "jobs",
            "n_attempts": job.trials,
            "environment": {"type": "docker"},
            "agents": agents,
            "tasks": tasks,
            "datasets": [],
        });
        write_json(&directory.join("config.json"), &config)?;
        Ok(Self { job, directory, stats: Stats::default(), last: job.created_at })
    }

    /// Writes a trial.
    ///
    /// # Errors
    /// [`ImportError`] where its evidence cannot be read, or a file cannot be written.
    pub fn trial(&mut self, trial: &TrialToExport<'_>) -> Result<(), ImportError> {
        let written = trial::write_trial(trial, &self.job, &self.directory)?;
        self.last = self.last.max(written.finished_at);
        self.stats.take(&written.result);
        Ok(())
    }

    /// Writes the job's result and returns its directory.
    ///
    /// # Errors
    /// [`ImportError`] where it cannot be written.
    pub fn finish(self) -> Result<PathBuf, ImportError> {
        let result = json!({
            "id": id(self.job.name),
            "started_at": self.job.created_at.to_string(),
            "updated_at": self.last.to_string(),
            "finished_at": self.last.to_string(),
            "n_total_trials": self.job.planned,
            "stats": self.stats.to_value(self.job.planned),
        });
        write_json(&self.directory.join("result.json"), &result)?;
        Ok(self.directory)
    }
}

/// An id in the form of a UUID, the same for the same name.
fn id(name: &str) -> String {
    let digest = digest_bytes(name.as_bytes());
    let digits = digest.as_str();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}
