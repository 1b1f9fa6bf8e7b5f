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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/codex").join(name)
}

/// Reads a file of these lines.
fn import_lines(lines: &[&str]) -> Result<Collected, ImportError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    fs_err::write(&path, lines.join("\n")).unwrap();
    import(&[path], Some("task"))
}

#[test]
fn real_rollouts_have_their_calls_tokens_and_ends() {
    let Some(path) = shared("captures/events/codex/native") else { return };
    insta::assert_snapshot!(rendered(&import(&[path], None).unwrap()));
}

#[test]
fn real_events_have_their_calls_tokens_and_ends() {
    let runs = ["one", "multi", "parallel", "patch", "badtool", "f429inf", "f500x2", "trunc1", "loopterm"];
    let paths: Option<Vec<PathBuf>> =
        runs.iter().map(|run| shared(&format!("captures/events/codex/{run}.stdout"))).collect();
    let Some(paths) = paths else { return };
    let found = import(&paths[..1], Some("task")).unwrap();
    assert_eq!(found.trials[0].calls.value().unwrap().len(), 1);
    insta::assert_snapshot!(rendered(&import(&paths, Some("task")).unwrap()));
}

#[test]
fn a_session_is_one_trial_with_its_sub_agents_and_copies_are_not_counted_twice() {
    insta::assert_snapshot!(rendered(&import(&[own("sessions")], None).unwrap()));
}

#[test]
fn what_is_no_session_is_refused_with_its_place() {
    let refused: [(&[&str], &str); 6] = [
        (&[], "line 1: is neither `session_meta` nor an event"),
        (&[r#"{"type":"other"}"#], "line 1: is neither `session_meta` nor an event"),
        (&[r#"{"type":"session_meta","payload":{}}"#, "{"], "line 2: is not JSON"),
        (&[r#"{"type":"session_meta","payload":{}}"#, "{}"], "line 2: has no `type`"),
        (
            &[
                r#"{"type":"session_meta","payload":{}}"#,
                r#"{"type":"response_item","payload":{"type":"function_call"}}"#,
            ],
            "line 2: has a tool call without `name`",
        ),
        (&[r#"{"type":"turn.completed","usage":{"input_tokens":0.5}}"#], "line 1: `/input_tokens` is 0.5"),
    ];
    for (lines, expected) in refused {
        let error = import_lines(lines).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_contradiction_in_tokens_is_doubted() {
    let usage =
        r#"{"type":"turn.completed","usage":{"input_tokens":1,"cached_input_tokens":2,"output_tokens":1}}"#;
    let found = import_lines(&[usage]).unwrap();
    assert_eq!(found.trials[0].usage, retrial_spec::Fact::Missing(retrial_spec::MissingReason::Unparsable));
    assert_eq!(found.doubts.len(), 1);
}
