//! The log of one instance: what its report says.

use std::path::Path;

use serde_json::Value;

use super::outcome::Outcome;
use crate::counted::{is_own_file, read_whole};
use crate::pointed::Pointed;
use crate::{ImportError, Place, Sink};

/// Returns what the report in a log's directory says; none where there is none.
pub(super) fn outcome(
    directory: &Path,
    instance: &str,
    sink: &mut dyn Sink,
) -> Result<Option<Outcome>, ImportError> {
    let file = directory.join("report.json");
    if !is_own_file(&file) {
        return Ok(None);
    }
    let text = read_whole(&file, sink)?;
    let expected = "is no JSON; expected the report of an instance";
    let value: Value =
        serde_json::from_slice(&text).map_err(|error| Place::file(&file).caused(expected, error))?;
    let report = Pointed::new(&file, "", &value).need(instance)?;
    let flag = |name: &str| report.member(name).map(|flag| flag.flag()).transpose();
    let reason =
        report.member("infra_failure_reason").map(|reason| reason.name()).transpose()?.unwrap_or_default();
    Ok(Some(if flag("infra_failure")? == Some(true) {
        Outcome::InfraFailure(reason)
    } else if report.need("resolved")?.flag()? {
        Outcome::Resolved
    } else if flag("patch_is_None")? == Some(true) || flag("patch_exists")? == Some(false) {
        Outcome::EmptyPatch
    } else if flag("patch_successfully_applied")? == Some(false) {
        Outcome::NotApplied
    } else {
        Outcome::Unresolved
    }))
}
