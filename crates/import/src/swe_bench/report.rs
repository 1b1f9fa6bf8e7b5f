//! The report of a run: lists of instances by what became of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::RunKey;
use super::outcome::Outcome;
use crate::pieces::{Take, each_piece};
use crate::pointed::Pointed;
use crate::{ImportError, Place, Sink};

/// The lists of a report. Where an instance is in several, the last of them here says what became of it.
const LISTS: [&str; 8] = [
    "submitted_ids",
    "incomplete_ids",
    "error_ids",
    "unresolved_ids",
    "resolved_ids",
    "empty_patch_ids",
    "ambiguous_failure_ids",
    "infra_failure_ids",
];

/// Returns whether a file with these members is a report.
pub(super) fn is_report(names: &[String]) -> bool {
    names.iter().any(|name| name == "resolved_ids")
}

/// Returns model and run id from a report's name. Either may hold dots: a model that the logs or predictions name is taken, otherwise
/// the run id is what stands after the last dot.
pub(super) fn key_of(file: &Path, models: &BTreeSet<String>) -> Result<RunKey, ImportError> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let known = |model: &&String| stem.strip_prefix(model.as_str()).is_some_and(|rest| rest.starts_with('.'));
    let split = match models.iter().filter(known).max_by_key(|model| model.len()) {
        Some(model) => {
            stem.split_at_checked(model.len()).map(|(model, rest)| (model, rest.trim_start_matches('.')))
        }
        None => stem.rsplit_once('.'),
    };
    let (model, run) =
        split.filter(|(model, run)| !model.is_empty() && !run.is_empty()).ok_or_else(|| {
            Place::file(file).error("does not say whose report it is; expected `<model>.<run id>.json`")
        })?;
    Ok(RunKey { model: model.to_owned(), run: run.to_owned() })
}

/// Reads what became of every instance.
pub(super) fn read(file: &Path, sink: &mut dyn Sink) -> Result<BTreeMap<String, Outcome>, ImportError> {
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    let choose = |name: &str| {
        if LISTS.contains(&name) || name == "failure_reasons" { Take::Whole } else { Take::Skip }
    };
    let mut take = |_: &mut dyn Sink, pointer: &str, value: &Value| {
        let member = Pointed::new(file, pointer, value);
        if pointer == "/failure_reasons" {
            for (id, reason) in member.members()? {
                reasons.insert(id.to_owned(), reason.text()?.to_owned());
            }
            return Ok(());
        }
        let ids: Result<Vec<String>, ImportError> = member.items()?.iter().map(Pointed::name).collect();
        lists.insert(pointer.trim_start_matches('/').to_owned(), ids?);
        Ok(())
    };
    each_piece(file, "a run report of SWE-bench", sink, &choose, &mut take)?;
    let mut outcomes = BTreeMap::new();
    for list in LISTS {
        for id in lists.get(list).into_iter().flatten() {
            let reason = reasons.get(id).cloned().unwrap_or_default();
            let outcome = match list {
                "submitted_ids" => Outcome::Unlisted,
                "incomplete_ids" => Outcome::Incomplete,
                "error_ids" => Outcome::Error(reason),
                "unresolved_ids" => Outcome::Unresolved,
                "resolved_ids" => Outcome::Resolved,
                "empty_patch_ids" => Outcome::EmptyPatch,
                "ambiguous_failure_ids" => Outcome::AmbiguousFailure(reason),
                _ => Outcome::InfraFailure(reason),
            };
            let before = outcomes.insert(id.clone(), outcome.clone());
            let contradicts = matches!(before, Some(Outcome::Unresolved | Outcome::Error(_)))
                && outcome == Outcome::Resolved;
            if contradicts {
                sink.doubt(
                    &Place::within(file, format!("/{list}")),
                    &format!("`{id}` is resolved here, and in another list it is not"),
                );
            }
        }
    }
    Ok(outcomes)
}
