use retrial_testkit::shared;
use serde_json::{Value, json};

use crate::collected::Collected;
use crate::testing::{Reader, of_task, written};
use crate::{Format, ReaderOptions};

const MINI: Reader = Reader(Format::MiniSweAgent);

#[test]
fn the_fixture_has_three_actions_and_a_patch_and_no_tokens() {
    let Some(path) = shared("fixtures/mini-swe-agent/demo__one-1.traj.json") else { return };
    let found = MINI.import(&path).unwrap();
    insta::assert_snapshot!(found.rendered(path.parent().unwrap()));
    let [trial] = found.trials.as_slice() else { panic!("one trial") };
    assert_eq!(trial.evidence.patch.as_deref(), Some(&b"hi\n"[..]));
    assert_eq!(trial.cost.value().unwrap().usd_micros, 3_000_000);
}

#[test]
fn real_trajectories_have_the_tokens_of_their_replies() {
    let Some(path) = shared("captures/events/mini/native") else { return };
    insta::assert_snapshot!(MINI.import(&path).unwrap().rendered(&path));
}

#[test]
fn a_batch_has_every_format_and_every_ending() {
    let root = MINI.fixture("batch");
    insta::assert_snapshot!(MINI.import(&root).unwrap().rendered(&root));
}

#[test]
fn the_same_bytes_give_the_same_trials() {
    let root = MINI.fixture("batch");
    assert_eq!(MINI.import(&root).unwrap(), MINI.import(&root).unwrap());
}

/// A trajectory that is right but for what is put in place of a part of it.
fn with(pointer: &str, value: Value) -> Result<Collected, String> {
    let mut file = json!({
        "trajectory_format": "mini-swe-agent-1.1",
        "info": {"model_stats": {"api_calls": 1, "instance_cost": 0.5}, "exit_status": "Submitted"},
        "messages": [{"role": "assistant", "content": "", "extra": {"timestamp": 1.5, "actions": [{"command": "ls"}],
            "response": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}}}],
    });
    *file.pointer_mut(pointer).unwrap() = value;
    MINI.import_file("a.traj.json", &file.to_string(), &ReaderOptions::default())
}

#[test]
fn what_is_no_trajectory_is_refused_with_its_place() {
    let refused = [
        (
            "/trajectory_format",
            json!("mini-swe-agent-2.0"),
            "has the `trajectory_format` `mini-swe-agent-2.0`",
        ),
        ("/trajectory_format", json!(null), "expected `mini-swe-agent-1`"),
        ("/messages", json!({}), "has no list of `messages`"),
        ("/messages/0", json!(7), "/messages/0: has no known `role`"),
        ("/messages/0/extra/timestamp", json!("now"), "/messages/0: has the timestamp"),
        ("/messages/0/extra/actions", json!({}), "/messages/0: has `extra.actions`"),
        ("/messages/0/extra/actions/0", json!({}), "/messages/0: has an action without a `command`"),
        ("/messages/0/extra/response/usage/prompt_tokens", json!(-1), "/messages/0: `/prompt_tokens` is -1"),
        ("/info/model_stats/api_calls", json!("1"), "`/info/model_stats/api_calls` is \"1\""),
        ("/info/model_stats/instance_cost", json!(-1), "`/info/model_stats/instance_cost` is -1"),
    ];
    for (pointer, value, expected) in refused {
        let error = with(pointer, value).unwrap_err();
        assert!(error.contains(expected), "{pointer}: {error}");
    }
}

#[test]
fn a_reply_that_is_not_kept_makes_the_tokens_missing() {
    let kept = with("/info/model_stats/api_calls", json!(1)).unwrap();
    assert_eq!(kept.trials[0].usage.value().unwrap().total(), 2);
    let lost = with("/info/model_stats/api_calls", json!(2)).unwrap();
    assert_eq!(lost.trials[0].usage, retrial_spec::Fact::Missing(retrial_spec::MissingReason::NoUsage));
}

#[test]
fn a_truncated_file_is_refused() {
    let directory = written(&[("a.traj.json", r#"{"trajectory_format": "mini-swe-agent-1.1", "mess"#)]);
    let error = MINI.import(directory.path()).unwrap_err();
    assert!(error.ends_with("a.traj.json`: is not JSON; expected a trajectory of mini-swe-agent"), "{error}");
}

#[test]
fn a_file_that_does_not_name_its_task_needs_one_to_be_given() {
    let trajectory = r#"{"trajectory_format": "mini-swe-agent-1", "messages": []}"#;
    assert!(MINI.refused("trajectory.json", trajectory).contains("has no `instance_id`"));
    let options = ReaderOptions { agent: Some("mini".to_owned()), ..of_task("fix-it") };
    let found = MINI.import_file("trajectory.json", trajectory, &options).unwrap();
    assert_eq!((found.trials[0].task.as_str(), found.trials[0].agent.name.as_str()), ("fix-it", "mini"));
}
