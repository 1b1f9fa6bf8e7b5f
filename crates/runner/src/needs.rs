//! What a task needs of a back end, found out before anything is built.

use retrial_sandbox::BackendKind;
use retrial_spec::{NetworkMode, PhaseUser};

use crate::{ReadyError, TaskDir};

/// Refuses a task that the back end cannot honour, naming the key.
///
/// # Errors
/// [`ReadyError::NotHere`].
pub(crate) fn check(kind: BackendKind, dir: &TaskDir) -> Result<(), ReadyError> {
    if kind != BackendKind::Namespace {
        return Ok(());
    }
    let task = &dir.task;
    let no_network = "a namespace sandbox has no network; `no-network` and docker are possible";
    let agent =
        if task.agent.network_mode.is_some() { "agent.network_mode" } else { "environment.network_mode" };
    let verifier = match (task.verifier.network_mode, &task.verifier.environment) {
        (Some(_), _) => "verifier.network_mode",
        (None, Some(_)) => "verifier.environment.network_mode",
        (None, None) => "environment.network_mode",
    };
    let networks = [(agent, task.agent_network()), (verifier, task.verifier_network())];
    let open = networks.iter().find(|(_, mode)| *mode == NetworkMode::Public);
    let refused = match (open, named_users(dir).into_iter().next()) {
        (Some((key, _)), _) => Some(((*key).to_owned(), no_network.to_owned())),
        (None, Some((key, user))) => Some((
            key,
            format!("a namespace sandbox has a single user, and none named `{user}`; docker has them"),
        )),
        (None, None) => None,
    };
    refused.map_or(Ok(()), |(key, why)| Err(ReadyError::NotHere { task: dir.name.clone(), key, why }))
}

/// Returns the users that a task names for its agent's sandbox, with the keys that name them.
pub(crate) fn named_users(dir: &TaskDir) -> Vec<(String, &str)> {
    let task = &dir.task;
    let mut users = vec![("agent.user".to_owned(), task.agent.user.as_ref())];
    // That of a verifier's own image is no user of the agent's.
    if task.verifier.environment.is_none() {
        users.push(("verifier.user".to_owned(), task.verifier.user.as_ref()));
    }
    for (index, collect) in task.verifier.collect.iter().enumerate() {
        users.push((format!("verifier.collect.{index}.user"), collect.user.as_ref()));
    }
    for (index, step) in task.steps.iter().enumerate() {
        users.push((format!("steps.{index}.agent.user"), step.agent.user.as_ref()));
        users.push((format!("steps.{index}.verifier.user"), step.verifier.user.as_ref()));
        for (position, collect) in step.verifier.collect.iter().flatten().enumerate() {
            users.push((format!("steps.{index}.verifier.collect.{position}.user"), collect.user.as_ref()));
        }
    }
    users.into_iter().filter_map(named).collect()
}

fn named((key, user): (String, Option<&PhaseUser>)) -> Option<(String, &str)> {
    match user {
        Some(PhaseUser::Name(name)) => Some((key, name.as_str())),
        _ => None,
    }
}
