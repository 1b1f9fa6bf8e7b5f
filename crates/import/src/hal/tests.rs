//! Runs of our own, in the form of HAL.

use proptest::prelude::*;
use retrial_spec::{Fact, Source, Usage};

use crate::testing::Reader;
use crate::{Format, ReaderOptions};

const HAL: Reader = Reader(Format::Hal);

#[test]
fn both_forms_of_results_and_logs_are_read_and_a_fraction_is_no_failure() {
    let root = HAL.fixture("runs");
    let sink = HAL.import(&root).unwrap();
    insta::assert_snapshot!(sink.rendered(&root));
    let first = &sink.trials.iter().find(|found| found.task == "1" && found.condition.is_none()).unwrap();
    assert_eq!(first.calls.value().unwrap()[0].arguments, "{\"id\":1}");
    assert_eq!(first.confidence.value(), Some(&0.9));
}

#[test]
fn encrypted_traces_and_what_is_no_run_are_refused() {
    let config = r#""config": {"agent_name": "a"}"#;
    let with = |results: &str| format!("{{{config}, \"raw_eval_results\": {results}}}");
    insta::assert_debug_snapshot!([
        HAL.refused("trace.zip", "PK"),
        HAL.refused("t.json", "{\"encrypted_data\": \"x\", \"salt\": \"y\"}"),
        HAL.refused("r_UPLOAD.json", "{}"),
        HAL.refused("r_UPLOAD.json", &with("{}")),
        HAL.refused("r_UPLOAD.json", &with("{\"1\": 3}")),
        HAL.refused("r_UPLOAD.json", &with("{\"1\": {\"reward\": \"good\"}}")),
        HAL.refused("r_UPLOAD.json", &with("{\"1\": {\"reward\": 1, \"cost\": -1}}")),
        HAL.refused("r_UPLOAD.json", &with("{\"1\": {\"reward\": 1, \"confidence\": 90}}")),
        HAL.refused("r_UPLOAD.json", &with("{\"1\": {\"taken_actions\": [{}]}}")),
        HAL.refused("r_UPLOAD.json", &with("{\"1\": {")),
        HAL.refused("r_UPLOAD.json", "{\"config\": {}, \"raw_eval_results\": {\"1\": {}}}"),
    ]);
    assert!(HAL.import(&HAL.fixture("runs/locked")).unwrap_err().contains("is an encrypted trace"));
    assert!(HAL.import(tempfile::tempdir().unwrap().path()).unwrap_err().contains("holds no run"));
}

#[test]
fn a_task_with_a_call_whose_tokens_contradict_themselves_has_no_sum() {
    let usage = |cached: u64| {
        format!(
            "{{\"prompt_tokens\": 5, \"completion_tokens\": 1, \"prompt_tokens_details\": {{\"cached_tokens\": {cached}}}}}"
        )
    };
    let call =
        |usage: &str| format!("{{\"weave_task_id\": \"1\", \"summary\": {{\"usage\": {{\"m\": {usage}}}}}}}");
    let of_logs = |logs: &str| {
        let results = "\"raw_eval_results\": {\"1\": {\"reward\": 1}}";
        let run = format!(
            "{{\"config\": {{\"agent_name\": \"a\"}}, {results}, \"raw_logging_results\": [{logs}]}}"
        );
        let sink = HAL.import_file("r_UPLOAD.json", &run, &ReaderOptions::default()).unwrap();
        (sink.trials[0].requests, sink.trials[0].usage.copied().ok_or(sink.doubts.len()))
    };
    let two = Fact::known(2, Source::Computed);
    let sum = Usage { uncached_input: 7, cache_read: Some(3), cache_write: None, output: 2, reasoning: None };
    assert_eq!(of_logs(&format!("{}, {}", call(&usage(1)), call(&usage(2)))), (two, Ok(sum)));
    assert_eq!(of_logs(&format!("{}, {}", call(&usage(1)), call(&usage(6)))), (two, Err(1)));
    let silent = "{\"weave_task_id\": \"1\", \"summary\": {\"usage\": {}}}";
    assert_eq!(of_logs(&format!("{}, {silent}", call(&usage(1)))), (two, Err(0)));
}

proptest! {
    #[test]
    fn any_cut_of_a_run_is_an_error(cut in any::<prop::sample::Index>()) {
        let whole = fs_err::read_to_string(HAL.fixture("runs/taubench_run_2/r_UPLOAD.json")).unwrap();
        let text = &whole[..cut.index(whole.trim_end().len())];
        prop_assert!(!HAL.refused("r_UPLOAD.json", text).is_empty());
    }
}
