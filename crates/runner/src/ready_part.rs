//! A part of a task with users, limits and variables chosen.

use std::collections::BTreeMap;
use std::time::Duration;

use retrial_sandbox::User;
use retrial_spec::{ArtifactTable, CollectTable, HealthcheckTable, Limits, MinReward, StepTable};

use crate::ready::{lower, user};
use crate::{ReadyError, TaskDir, TaskPart, host_values};

/// What is done once per task, or once per step of it.
#[derive(Debug, Clone)]
pub(crate) struct ReadyPart {
    /// Its files.
    pub(crate) files: TaskPart,
    /// What has to be ready before the agent starts in it, besides the environment.
    pub(crate) healthcheck: Option<HealthcheckTable>,
    /// Whom the agent runs as.
    pub(crate) agent_user: User,
    /// How long the agent may take.
    pub(crate) agent_limit: Duration,
    /// What is run after the agent.
    pub(crate) collect: Vec<CollectTable>,
    /// What is kept after the agent.
    pub(crate) artifacts: Vec<ArtifactTable>,
    /// Whom the verifier runs as.
    pub(crate) verifier_user: User,
    /// The verifier's own variables.
    pub(crate) verifier_env: BTreeMap<String, String>,
    /// How long the verifier may take.
    pub(crate) verifier_limit: Duration,
    /// The reward without which no further part is begun.
    pub(crate) min_reward: Option<MinReward>,
}

impl ReadyPart {
    /// Makes the parts of a task ready, given the users that the agent's and the verifier's image have.
    ///
    /// # Errors
    /// [`ReadyError::HostValue`] where the host lacks a variable.
    pub(crate) fn all(
        dir: &TaskDir,
        of_images: [Option<&str>; 2],
        limits: &Limits,
    ) -> Result<Vec<Self>, ReadyError> {
        dir.parts
            .iter()
            .enumerate()
            .map(|(index, files)| Self::new(dir, (index, files), of_images, limits))
            .collect()
    }

    /// Returns how long the agent may take in a part.
    pub(crate) fn agent_limit(dir: &TaskDir, files: &TaskPart, limits: &Limits) -> Duration {
        let of_step = files.step.as_ref().and_then(|step| step.agent.timeout_sec);
        lower(of_step.or(dir.task.agent.timeout_sec), limits.agent_sec)
    }

    fn new(
        dir: &TaskDir,
        (index, files): (usize, &TaskPart),
        of_images: [Option<&str>; 2],
        limits: &Limits,
    ) -> Result<Self, ReadyError> {
        let (agent, verifier) = (&dir.task.agent, &dir.task.verifier);
        let step: Option<&StepTable> = files.step.as_ref();
        let own = step.map(|step| &step.verifier);
        let (env, key) = match own.and_then(|own| own.env.as_ref()) {
            Some(env) => (env, format!("steps.{index}.verifier.env")),
            None => (&verifier.env, "verifier.env".to_owned()),
        };
        let agent_user = step.and_then(|step| step.agent.user.as_ref()).or(agent.user.as_ref());
        let verifier_user = own.and_then(|own| own.user.as_ref()).or(verifier.user.as_ref());
        let timeout = own.and_then(|own| own.timeout_sec).unwrap_or(verifier.timeout_sec);
        let mut artifacts = dir.task.artifacts.clone();
        artifacts.extend(step.map(|step| step.artifacts.clone()).unwrap_or_default());
        Ok(Self {
            healthcheck: step.and_then(|step| step.healthcheck.clone()),
            agent_user: user(agent_user, of_images[0]),
            agent_limit: Self::agent_limit(dir, files, limits),
            collect: own.and_then(|own| own.collect.clone()).unwrap_or_else(|| verifier.collect.clone()),
            artifacts,
            verifier_user: user(verifier_user, of_images[1]),
            verifier_env: host_values::resolved(dir, env, &key)?,
            verifier_limit: lower(Some(timeout), limits.verify_sec),
            min_reward: step.and_then(|step| step.min_reward.clone()),
            files: files.clone(),
        })
    }
}
