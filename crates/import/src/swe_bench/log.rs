//! The log of one instance: its report, its patch and what its tests printed.

use std::path::Path;

use serde_json::Value;

use super::outcome::Outcome;
use crate::pointed::Pointed;
use crate::{ImportError, Place, Sink};

/// The longest file that is kept beside a trial.
const LONGEST: u64 = 16 << 20;

/// Returns what the report in a log's directory says; none where there is none.
pub(super) fn outcome(
    directory: &Path,
    instance: &str,
    sink: &mut dyn Sink,
) -> Result<Option<Outcome>, ImportError> {
    let file = directory.join("report.json");
    if !file.is_file() {
        return Ok(None);
    }
    let text = fs_err::read(&file).map_err(|error| Place::file(&file).caused("cannot be read", error))?;
    sink.progress(text.len() as u64);
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

/// Returns a file of a log's directory, where there is one.
pub(super) fn beside(
    directory: &Path,
    name: &str,
    sink: &mut dyn Sink,
) -> Result<Option<Vec<u8>>, ImportError> {
    let file = directory.join(name);
    let Ok(facts) = fs_err::symlink_metadata(&file) else { return Ok(None) };
    if !facts.is_file() || facts.len() > LONGEST {
        sink.left_out(&Place::file(&file), "is no file, or longer than 16 MB");
        return Ok(None);
    }
    let content = fs_err::read(&file).map_err(|error| Place::file(&file).caused("cannot be read", error))?;
    sink.progress(content.len() as u64);
    Ok(Some(content))
}
