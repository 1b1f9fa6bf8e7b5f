//! Run directories written from records, without running anything.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;

use retrial_spec::{Event, RunManifest, TrialRecord};
use serde_json::Value;

use crate::support::{Place, tasks_dir};

/// Writes a run as its journal would: the manifest, and each record in both files.
pub(crate) fn write_run(
    place: &Place,
    name: &str,
    manifest: &RunManifest,
    records: &[TrialRecord],
) -> PathBuf {
    let (mut events, mut trials) = (String::new(), String::new());
    for record in records {
        let event = Event::TrialFinished {
            at: record.started_at.copied().expect("a start"),
            record: Box::new(record.clone()),
        };
        events.push_str(&line(&event));
        trials.push_str(&line(record));
    }
    place.write(&format!("{name}/run.json"), &serde_json::to_string(manifest).expect("a manifest"));
    place.write(&format!("{name}/events.jsonl"), &events);
    place.write(&format!("{name}/trials.jsonl"), &trials);
    place.join(name)
}

fn line(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a record") + "\n"
}

/// Checks a document against a schema that is checked in.
#[track_caller]
pub(crate) fn validate(schema: &str, document: &str) -> Value {
    let path = tasks_dir().with_file_name("docs/schemas").join(schema);
    let schema: Value =
        serde_json::from_str(&fs_err::read_to_string(path).expect("a schema")).expect("a schema");
    let document: Value = serde_json::from_str(document).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    document
}
