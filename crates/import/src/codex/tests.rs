use retrial_testkit::shared;

use crate::Format;
use crate::testing::{Reader, of_task};

const CODEX: Reader = Reader(Format::Codex);

#[test]
fn real_rollouts_have_their_calls_tokens_and_ends() {
    let Some(path) = shared("captures/events/codex/native") else { return };
    insta::assert_snapshot!(CODEX.import(&path).unwrap().rendered(&path));
}

#[test]
fn real_events_have_their_calls_tokens_and_ends() {
    let runs = ["one", "multi", "parallel", "patch", "badtool", "f429inf", "f500x2", "trunc1", "loopterm"];
    let Some(root) = shared("captures/events/codex") else { return };
    let paths = runs.map(|run| root.join(format!("{run}.stdout")));
    let found = CODEX.import_all(&paths, &of_task("task")).unwrap();
    assert_eq!(found.trials[0].calls.value().unwrap().len(), 1);
    insta::assert_snapshot!(found.rendered(&root));
}

#[test]
fn a_session_is_one_trial_with_its_sub_agents_and_copies_are_not_counted_twice() {
    let root = CODEX.fixture("sessions");
    insta::assert_snapshot!(CODEX.import(&root).unwrap().rendered(&root));
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
        let error = CODEX.refused("log.jsonl", &lines.join("\n"));
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_contradiction_in_tokens_is_doubted() {
    let usage =
        r#"{"type":"turn.completed","usage":{"input_tokens":1,"cached_input_tokens":2,"output_tokens":1}}"#;
    let found = CODEX.import_file("log.jsonl", usage, &of_task("task")).unwrap();
    assert_eq!(found.trials[0].usage, retrial_spec::Fact::Missing(retrial_spec::MissingReason::Unparsable));
    assert_eq!(found.doubts.len(), 1);
}
