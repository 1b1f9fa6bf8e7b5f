//! The variables of a task, with those of the host filled in. They are in memory alone: no file of a run holds them.

use std::collections::BTreeMap;

use retrial_spec::{EnvironmentTable, host_value};

use crate::{ReadyError, TaskDir};

/// Returns the variables of an environment's table, which errors show as `key`.
///
/// # Errors
/// [`ReadyError::HostValue`] where the host lacks a variable.
pub(crate) fn of_environment(
    dir: &TaskDir,
    table: &EnvironmentTable,
    key: &str,
) -> Result<BTreeMap<String, String>, ReadyError> {
    resolved(dir, &table.env, &format!("{key}.env"))
}

/// Returns the variables of the table that errors show as `key`.
///
/// # Errors
/// [`ReadyError::HostValue`] where the host lacks a variable.
pub(crate) fn resolved(
    dir: &TaskDir,
    env: &BTreeMap<String, String>,
    key: &str,
) -> Result<BTreeMap<String, String>, ReadyError> {
    let on_host = |name: &str| std::env::var(name).ok();
    env.iter()
        .map(|(name, value)| match host_value(value, on_host) {
            Ok(value) => Ok((name.clone(), value)),
            Err(source) => {
                Err(ReadyError::HostValue { task: dir.name.clone(), key: format!("{key}.{name}"), source })
            }
        })
        .collect()
}
