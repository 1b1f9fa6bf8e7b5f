use std::path::{Path, PathBuf};

use retrial_testkit::shared;

use super::*;
use crate::collected::Collected;
use crate::rendered::listed as rendered;

fn import(paths: &[PathBuf], task: Option<&str>) -> Result<Collected, ImportError> {
    let mut sink = Collected::default();
    let options = SessionOptions { task: task.map(str::to_owned), agent: None };
    read(paths, &options, &mut sink)?;
    Ok(sink)
}

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/opencode").join(name)
}

/// Reads a file of these lines.
fn import_lines(lines: &[&str]) -> Result<Collected, ImportError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    fs_err::write(&path, lines.join("\n")).unwrap();
    import(&[path], Some("task"))
}

#[test]
fn a_real_export_has_its_calls_tokens_and_end() {
    let Some(path) = shared("captures/events/opencode/native") else { return };
    insta::assert_snapshot!(rendered(&import(&[path], None).unwrap()));
}

#[test]
fn real_events_have_their_calls_tokens_and_ends() {
    let runs = [
        "one",
        "multi",
        "parallel",
        "todo",
        "badtool",
        "f429inf",
        "errevent1",
        "trunc1",
        "truncclean1",
        "loopterm",
    ];
    let paths: Option<Vec<PathBuf>> =
        runs.iter().map(|run| shared(&format!("captures/events/opencode/{run}.stdout"))).collect();
    let Some(paths) = paths else { return };
    insta::assert_snapshot!(rendered(&import(&paths, Some("task")).unwrap()));
}

#[test]
fn an_export_and_its_events_tell_the_same() {
    let names =
        ["captures/events/opencode/native/multi.export.json", "captures/events/opencode/multi.stdout"];
    let [Some(export), Some(events)] = names.map(shared) else { return };
    let read = |path| import(&[path], Some("task")).unwrap().trials.remove(0);
    let (export, events) = (read(export), read(events));
    let names = |trial: &crate::Found| -> Vec<String> {
        trial.calls.value().unwrap().iter().map(|call| call.name.clone()).collect()
    };
    assert_eq!(names(&export), names(&events));
    assert_eq!(export.usage, events.usage);
    assert_eq!(export.cost, events.cost);
}

#[test]
fn a_session_of_a_storage_directory_is_one_trial_with_those_that_it_started() {
    insta::assert_snapshot!(rendered(&import(&[own("storage")], None).unwrap()));
}

#[test]
fn what_is_no_session_is_refused_with_its_place() {
    let refused: [(&[&str], &str); 7] = [
        (&[], "is empty; expected sessions of opencode"),
        (&["{}"], "holds no session with `info` and `messages`"),
        (&["["], "is not JSON"),
        (&[r#"{"info":{"id":"ses_1"},"messages":[{}]}"#], "/messages/0: has no `info` or no list of `parts`"),
        (&[r#"{"type":"text","sessionID":"ses_1"}"#, "{}"], "line 2: has no `sessionID`"),
        (
            &[r#"{"type":"tool_use","sessionID":"ses_1","part":{"type":"tool"}}"#],
            "line 1: has a tool call without `callID` or `tool`",
        ),
        (
            &[
                r#"{"type":"step_finish","sessionID":"s","part":{"type":"step-finish","tokens":{"input":-1},"cost":0}}"#,
            ],
            "line 1: `/tokens/input` is -1",
        ),
    ];
    for (lines, expected) in refused {
        let error = import_lines(lines).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn the_database_is_refused_with_what_to_do() {
    let error = import(&[PathBuf::from("opencode.db")], None).unwrap_err().to_string();
    assert!(error.contains("is a database; expected sessions of opencode, as `opencode export`"), "{error}");
}
