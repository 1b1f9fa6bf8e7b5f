use std::path::{Path, PathBuf};

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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/claude-code").join(name)
}

/// Reads a file of these lines.
fn import_lines(lines: &[&str]) -> Result<Collected, ImportError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    fs_err::write(&path, lines.join("\n")).unwrap();
    import(&[path], Some("task"))
}

#[test]
fn kept_sessions_count_each_reply_once() {
    let found = import(&[own("projects")], None).unwrap();
    insta::assert_snapshot!(rendered(&found));
}

#[test]
fn printed_sessions_have_the_tokens_of_their_results() {
    insta::assert_snapshot!(rendered(&import(&[own("printed")], None).unwrap()));
}

#[test]
fn a_session_that_is_kept_and_printed_is_one_trial() {
    let found = import(&[own("projects"), own("printed")], None).unwrap();
    let count = |task: &str| found.trials.iter().filter(|trial| trial.task == task).count();
    assert_eq!(count("limits"), 1);
    assert!(
        found.left_out.iter().any(|note| note.contains("whose printed events are read")),
        "{:?}",
        found.left_out
    );
}

#[test]
fn what_is_no_session_is_refused_with_its_place() {
    let refused: [(&[&str], &str); 6] = [
        (&[r#"{"a":1}"#], "log.jsonl`: names no session in any line"),
        (&[], "names no session in any line"),
        (
            &[r#"{"sessionId":"s","type":"user","message":{"content":"x"}}"#, r#"{"sessionId":"#],
            "line 2: is not JSON",
        ),
        (
            &[r#"{"sessionId":"s","type":"assistant","message":{"content":"x"}}"#],
            "line 1: has no list `message.content`",
        ),
        (
            &[r#"{"sessionId":"s","type":"user","timestamp":"yesterday"}"#],
            "line 1: `timestamp` is \"yesterday\"",
        ),
        (
            &[
                r#"{"sessionId":"s","type":"assistant","message":{"id":"m","content":[],"usage":{"input_tokens":-1}}}"#,
            ],
            "line 1: `/input_tokens` is -1",
        ),
    ];
    for (lines, expected) in refused {
        let error = import_lines(lines).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_session_that_names_no_directory_needs_its_task_to_be_given() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.jsonl");
    fs_err::write(&path, r#"{"sessionId":"s","type":"user","message":{"content":"x"}}"#).unwrap();
    let error = import(std::slice::from_ref(&path), None).unwrap_err().to_string();
    assert!(error.ends_with("expected a task to be given"), "{error}");
    assert_eq!(import(&[path], Some("given")).unwrap().trials[0].task, "given");
}
