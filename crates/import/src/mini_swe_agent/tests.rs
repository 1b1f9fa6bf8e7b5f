use std::path::Path;

use retrial_testkit::shared;
use serde_json::{Value, json};

use super::*;
use crate::collected::Collected;
use crate::rendered::listed as rendered;

fn import(paths: &[PathBuf]) -> Result<Collected, ImportError> {
    let mut sink = Collected::default();
    read(paths, &SessionOptions::default(), &mut sink)?;
    Ok(sink)
}

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mini-swe-agent").join(name)
}

#[test]
fn the_fixture_has_three_actions_and_a_patch_and_no_tokens() {
    let Some(path) = shared("fixtures/mini-swe-agent/demo__one-1.traj.json") else { return };
    let found = import(&[path]).unwrap();
    insta::assert_snapshot!(rendered(&found));
    let [trial] = found.trials.as_slice() else { panic!("one trial") };
    assert_eq!(trial.evidence.patch.as_deref(), Some(&b"hi\n"[..]));
    assert_eq!(trial.cost.value().unwrap().usd_micros, 3_000_000);
}

#[test]
fn real_trajectories_have_the_tokens_of_their_replies() {
    let Some(path) = shared("captures/events/mini/native") else { return };
    insta::assert_snapshot!(rendered(&import(&[path]).unwrap()));
}

#[test]
fn a_batch_has_every_format_and_every_ending() {
    insta::assert_snapshot!(rendered(&import(&[own("batch")]).unwrap()));
}

#[test]
fn the_same_bytes_give_the_same_trials() {
    assert_eq!(import(&[own("batch")]).unwrap(), import(&[own("batch")]).unwrap());
}

/// A trajectory that is right but for what is put in place of a part of it.
fn with(pointer: &str, value: Value) -> Result<Collected, ImportError> {
    let mut file = json!({
        "trajectory_format": "mini-swe-agent-1.1",
        "info": {"model_stats": {"api_calls": 1, "instance_cost": 0.5}, "exit_status": "Submitted"},
        "messages": [{"role": "assistant", "content": "", "extra": {"timestamp": 1.5, "actions": [{"command": "ls"}],
            "response": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}}}],
    });
    *file.pointer_mut(pointer).unwrap() = value;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.traj.json");
    fs_err::write(&path, file.to_string()).unwrap();
    import(&[path])
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
        let error = with(pointer, value).unwrap_err().to_string();
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
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.traj.json");
    fs_err::write(&path, r#"{"trajectory_format": "mini-swe-agent-1.1", "mess"#).unwrap();
    let error = import(&[directory.path().to_owned()]).unwrap_err();
    assert!(
        error.to_string().ends_with("a.traj.json`: is not JSON; expected a trajectory of mini-swe-agent"),
        "{error}"
    );
}

#[test]
fn a_file_that_does_not_name_its_task_needs_one_to_be_given() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trajectory.json");
    fs_err::write(&path, r#"{"trajectory_format": "mini-swe-agent-1", "messages": []}"#).unwrap();
    assert!(import(std::slice::from_ref(&path)).unwrap_err().to_string().contains("has no `instance_id`"));
    let mut sink = Collected::default();
    let options = SessionOptions { task: Some("fix-it".to_owned()), agent: Some("mini".to_owned()) };
    read(&[path], &options, &mut sink).unwrap();
    assert_eq!((sink.trials[0].task.as_str(), sink.trials[0].agent.name.as_str()), ("fix-it", "mini"));
}
