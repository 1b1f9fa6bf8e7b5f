use std::path::Path;

use retrial_testkit::shared;

use crate::Format;
use crate::testing::{Reader, of_task};

const OPENCODE: Reader = Reader(Format::Opencode);

#[test]
fn a_real_export_has_its_calls_tokens_and_end() {
    let Some(path) = shared("captures/events/opencode/native") else { return };
    insta::assert_snapshot!(OPENCODE.import(&path).unwrap().rendered(&path));
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
    let Some(root) = shared("captures/events/opencode") else { return };
    let paths = runs.map(|run| root.join(format!("{run}.stdout")));
    insta::assert_snapshot!(OPENCODE.import_all(&paths, &of_task("task")).unwrap().rendered(&root));
}

#[test]
fn an_export_and_its_events_tell_the_same() {
    let names =
        ["captures/events/opencode/native/multi.export.json", "captures/events/opencode/multi.stdout"];
    let [Some(export), Some(events)] = names.map(shared) else { return };
    let read = |path| OPENCODE.import_all(&[path], &of_task("task")).unwrap().trials.remove(0);
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
    let root = OPENCODE.fixture("storage");
    insta::assert_snapshot!(OPENCODE.import(&root).unwrap().rendered(&root));
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
        let error = OPENCODE.refused("log.jsonl", &lines.join("\n"));
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn the_database_is_refused_with_what_to_do() {
    let error = OPENCODE.import(Path::new("opencode.db")).unwrap_err();
    assert!(error.contains("is a database; expected sessions of opencode, as `opencode export`"), "{error}");
}
