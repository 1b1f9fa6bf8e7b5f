//! Keys whose meaning would be lost, and keys that contradict each other: a task that has one is refused before anything runs.

use serde_json::Value;

use super::artifact::ArtifactTable;
use super::environment::{EnvironmentTable, NetworkMode};
use super::file::Task;
use super::phase::{CollectTable, MAIN_SERVICE, VerifierMode};
use super::step::StepTable;
use crate::{Document, Fault};

const ALLOWLIST: &str = "allowlists are not supported";

/// The key at fault as a JSON pointer, and why.
type Refusal = (String, String);

impl Task {
    /// Returns a fault for each key that cannot be honoured.
    pub(super) fn refused(&self, document: &Document) -> Vec<Fault> {
        let mut refused = self.environment.refused("/environment");
        refused.extend(self.refused_networks());
        refused.extend(self.refused_verifier());
        refused.extend(refused_artifacts(&self.artifacts, "/artifacts"));
        refused.extend(self.refused_steps());
        let fault = |(pointer, why): Refusal| {
            let key = pointer.trim_start_matches('/').replace('/', ".");
            let hint = "ignoring it would change what the task asks".to_owned();
            document.fault(&pointer, format!("`{key}`: {why}"), Some(hint))
        };
        refused.into_iter().map(fault).collect()
    }

    /// A sandbox has one network mode, so that phases that share one have to agree.
    fn refused_networks(&self) -> Vec<Refusal> {
        let (agent, environment) = (self.agent_network(), self.environment.network_mode);
        let shared = self.verifier.mode() == VerifierMode::Shared;
        let beside = [
            (self.environment.healthcheck.is_some(), "the healthcheck"),
            (!self.steps.is_empty(), "the steps' set-up"),
            (!self.verifier.collect.is_empty(), "`verifier.collect`"),
            (shared && self.verifier.network_mode.is_none(), "the shared verifier"),
        ];
        let beside = beside.iter().find(|(is, _)| *is && agent != environment);
        let same_sandbox =
            |what: &str| format!("it differs from the mode of {what}, which runs in the same sandbox");
        let verifier = self.verifier.network_mode.unwrap_or(environment);
        let rows = [
            ("/agent/allowed_hosts", self.agent.allowed_hosts.is_some(), ALLOWLIST.to_owned()),
            ("/verifier/allowed_hosts", self.verifier.allowed_hosts.is_some(), ALLOWLIST.to_owned()),
            ("/agent/network_mode", is_allowlist(self.agent.network_mode), ALLOWLIST.to_owned()),
            ("/verifier/network_mode", is_allowlist(self.verifier.network_mode), ALLOWLIST.to_owned()),
            ("/agent/network_mode", beside.is_some(), same_sandbox(beside.map_or("", |(_, what)| *what))),
            (
                "/verifier/network_mode",
                shared && self.verifier.network_mode.is_some() && verifier != agent,
                same_sandbox("the agent"),
            ),
        ];
        present(rows)
    }

    fn refused_verifier(&self) -> Vec<Refusal> {
        let mut refused = refused_collect(&self.verifier.collect, "/verifier/collect");
        let Some(environment) = &self.verifier.environment else { return refused };
        refused.extend(environment.refused("/verifier/environment"));
        refused.extend(present([
            (
                "/verifier/environment_mode",
                self.verifier.environment_mode == Some(VerifierMode::Shared),
                "it is `shared`, and `verifier.environment` is given".to_owned(),
            ),
            (
                "/verifier/environment",
                environment.docker_image.is_none(),
                "without `docker_image` it is not known what it is built from".to_owned(),
            ),
        ]));
        refused
    }

    fn refused_steps(&self) -> Vec<Refusal> {
        if self.steps.is_empty() {
            return Vec::new();
        }
        let mut refused = Vec::new();
        let separate = "steps with a separate verifier are not supported".to_owned();
        if self.verifier.mode() == VerifierMode::Separate {
            refused.push(("/verifier/environment_mode".to_owned(), separate.clone()));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let at = format!("/steps/{index}");
            let network = self.environment.network_mode;
            refused.extend(step.refused(&at, network, &separate));
            // Directories of some file systems do not tell such names apart.
            let same = |other: &StepTable| other.name.to_lowercase() == step.name.to_lowercase();
            if self.steps.iter().take(index).any(same) {
                refused.push((format!("{at}/name"), "another step has this name".to_owned()));
            }
            for (position, artifact) in step.artifacts.iter().enumerate() {
                if self.artifacts.iter().any(|of_task| of_task.collides_with(artifact)) {
                    let pointer = format!("{at}/artifacts/{position}");
                    refused.push((pointer, kept_twice(artifact)));
                }
            }
        }
        refused
    }
}

impl StepTable {
    fn refused(&self, at: &str, network: NetworkMode, separate: &str) -> Vec<Refusal> {
        let phase = "a network mode that is not the environment's is not supported in a step".to_owned();
        let verifier = &self.verifier;
        let other = |mode: Option<NetworkMode>| mode.is_some_and(|mode| mode != network);
        let rows = [
            ("name", !self.has_a_directory(), "it cannot be the name of a directory".to_owned()),
            ("agent/network_mode", other(self.agent.network_mode), phase.clone()),
            ("verifier/network_mode", other(verifier.network_mode), phase),
            ("agent/allowed_hosts", self.agent.allowed_hosts.is_some(), ALLOWLIST.to_owned()),
            ("verifier/allowed_hosts", verifier.allowed_hosts.is_some(), ALLOWLIST.to_owned()),
            (
                "verifier/environment_mode",
                verifier.environment_mode == Some(VerifierMode::Separate),
                separate.to_owned(),
            ),
            ("verifier/environment", verifier.environment.is_some(), separate.to_owned()),
        ];
        let mut refused: Vec<Refusal> =
            present(rows).into_iter().map(|(key, why)| (format!("{at}/{key}"), why)).collect();
        let collect = verifier.collect.as_deref().unwrap_or_default();
        refused.extend(refused_collect(collect, &format!("{at}/verifier/collect")));
        refused.extend(refused_artifacts(&self.artifacts, &format!("{at}/artifacts")));
        refused
    }
}

impl EnvironmentTable {
    fn refused(&self, at: &str) -> Vec<Refusal> {
        let windows = self.os.as_deref().is_some_and(|os| !os.eq_ignore_ascii_case("linux"));
        let gpus = "graphics processors are not supported".to_owned();
        let rows = [
            ("os", windows, "only linux is supported".to_owned()),
            ("gpus", self.gpus.is_some_and(|gpus| gpus > 0), gpus.clone()),
            ("gpu_types", holds_something(self.gpu_types.as_ref()), gpus),
            ("tpu", self.tpu.is_some(), "tensor processors are not supported".to_owned()),
            ("network_mode", is_allowlist(Some(self.network_mode)), ALLOWLIST.to_owned()),
            ("allowed_hosts", self.allowed_hosts.is_some(), ALLOWLIST.to_owned()),
            (
                "mcp_servers",
                holds_something(self.mcp_servers.as_ref()),
                "tool servers are not supported".to_owned(),
            ),
            ("skills_dir", self.skills_dir.is_some(), "skills are not supported".to_owned()),
            (
                "workdir",
                self.workdir.as_deref().is_some_and(|workdir| !is_directory_name(workdir)),
                "it must be an absolute path without `..`".to_owned(),
            ),
        ];
        present(rows).into_iter().map(|(key, why)| (format!("{at}/{key}"), why)).collect()
    }
}

fn is_directory_name(path: &str) -> bool {
    path.len() > 1
        && path.starts_with('/')
        && !path.contains('\0')
        && !path.split('/').any(|part| part == "..")
}

fn is_allowlist(mode: Option<NetworkMode>) -> bool {
    mode == Some(NetworkMode::Allowlist)
}

fn holds_something(list: Option<&Value>) -> bool {
    list.is_some_and(|list| list.as_array().is_none_or(|items| !items.is_empty()))
}

fn refused_collect(collect: &[CollectTable], at: &str) -> Vec<Refusal> {
    let foreign = collect.iter().enumerate().filter(|(_, collect)| collect.service != MAIN_SERVICE);
    foreign
        .map(|(index, collect)| {
            let why = format!("side-cars are not supported, so there is no service `{}`", collect.service);
            (format!("{at}/{index}/service"), why)
        })
        .collect()
}

fn refused_artifacts(artifacts: &[ArtifactTable], at: &str) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for (index, artifact) in artifacts.iter().enumerate() {
        if let Some((key, why)) = artifact.fault() {
            refused.push((format!("{at}/{index}"), format!("`{key}` {why}")));
        } else if artifacts.iter().take(index).any(|before| before.collides_with(artifact)) {
            refused.push((format!("{at}/{index}"), kept_twice(artifact)));
        }
    }
    refused
}

fn kept_twice(artifact: &ArtifactTable) -> String {
    format!(
        "`{}` would be kept as `{}`, as is another; give it a `destination`",
        artifact.source,
        artifact.kept_as()
    )
}

/// The rows that are present.
fn present<const N: usize>(rows: [(&str, bool, String); N]) -> Vec<Refusal> {
    rows.into_iter().filter(|(_, is, _)| *is).map(|(pointer, _, why)| (pointer.to_owned(), why)).collect()
}
