use crate::testing::{Reader, of_task};
use crate::{Format, ReaderOptions};

const CLAUDE_CODE: Reader = Reader(Format::ClaudeCode);

#[test]
fn kept_sessions_count_each_reply_once() {
    let root = CLAUDE_CODE.fixture("projects");
    insta::assert_snapshot!(CLAUDE_CODE.import(&root).unwrap().rendered(&root));
}

#[test]
fn printed_sessions_have_the_tokens_of_their_results() {
    let root = CLAUDE_CODE.fixture("printed");
    insta::assert_snapshot!(CLAUDE_CODE.import(&root).unwrap().rendered(&root));
}

#[test]
fn a_session_that_is_kept_and_printed_is_one_trial() {
    let both = ["projects", "printed"].map(|directory| CLAUDE_CODE.fixture(directory));
    let found = CLAUDE_CODE.import_all(&both, &ReaderOptions::default()).unwrap();
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
        let error = CLAUDE_CODE.refused("log.jsonl", &lines.join("\n"));
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_session_that_names_no_directory_needs_its_task_to_be_given() {
    let session = r#"{"sessionId":"s","type":"user","message":{"content":"x"}}"#;
    let error = CLAUDE_CODE.refused("s.jsonl", session);
    assert!(error.ends_with("expected a task to be given"), "{error}");
    let found = CLAUDE_CODE.import_file("s.jsonl", session, &of_task("given")).unwrap();
    assert_eq!(found.trials[0].task, "given");
}
