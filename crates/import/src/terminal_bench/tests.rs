//! Run directories of our own, in the form of `tb`.

use proptest::prelude::*;

use super::trial::number_of;
use super::*;
use crate::Format;
use crate::testing::{Reader, written};

const TERMINAL_BENCH: Reader = Reader(Format::TerminalBench);

fn refused(files: &[(&str, &str)]) -> String {
    let run = written(files);
    let root = run.path().display().to_string();
    TERMINAL_BENCH.import(run.path()).unwrap_err().replace(&format!("{root}/"), "").replace(&root, "RUN")
}

#[test]
fn runs_come_by_their_start_and_every_failure_mode_has_its_meaning() {
    let root = TERMINAL_BENCH.fixture("two-runs");
    let sink = TERMINAL_BENCH.import(&root).unwrap();
    insta::assert_snapshot!(sink.rendered(&root));
    let log = sink.trials.iter().find_map(|found| found.evidence.verifier_log.as_deref());
    assert_eq!(log, Some("2 passed\n".as_bytes()));
}

#[test]
fn the_numbers_of_a_single_run_are_those_of_its_names() {
    let root = TERMINAL_BENCH.fixture("one-run");
    let sink = TERMINAL_BENCH.import(&root).unwrap();
    assert_eq!(sink.trials.iter().map(|found| found.number).collect::<Vec<_>>(), [Some(2), Some(1)]);
    assert_eq!(sink.trials[0].agent, FoundAgent { name: "orchestrator".to_owned(), ..FoundAgent::default() });
}

#[test]
fn what_is_no_run_is_refused_where_it_is_wrong() {
    let metadata = ("run_metadata.json", r#"{"agent_name": "a", "model_name": "m"}"#);
    insta::assert_debug_snapshot!([
        refused(&[("other.json", "{}")]),
        refused(&[("results.json", "{\"results\": [{\"id\": \"1\"")]),
        refused(&[("results.json", "{\"results\": [{\"id\": \"1\"}]}"), metadata]),
        refused(&[("results.json", "{\"results\": [{\"task_id\": \"t\", \"is_resolved\": 1}]}"), metadata]),
        refused(&[
            ("results.json", "{\"results\": [{\"task_id\": \"t\", \"total_input_tokens\": -1}]}"),
            metadata
        ]),
        refused(&[
            ("results.json", "{\"results\": [{\"task_id\": \"t\", \"trial_started_at\": \"noon\"}]}"),
            metadata
        ]),
        refused(&[("results.json", "{\"results\": []}"), ("run_metadata.json", "[]")]),
    ]);
    assert!(
        TERMINAL_BENCH
            .import(Path::new("no/such/run"))
            .unwrap_err()
            .starts_with("`no/such/run`: cannot be read; expected a run")
    );
}

#[test]
fn a_trial_whose_name_leads_elsewhere_brings_no_file() {
    let results = r#"{"results": [{"task_id": "t", "trial_name": "../..", "is_resolved": true}]}"#;
    let directory = written(&[("panes/post-test.txt", "secret"), ("run/results.json", results)]);
    let run = directory.path().join("run");
    fs_err::create_dir_all(run.join("t")).unwrap();
    let sink = TERMINAL_BENCH.import(&run).unwrap();
    assert_eq!((sink.trials.len(), &sink.trials[0].evidence.verifier_log), (1, &None));
    assert_eq!(sink.doubts.len(), 1, "the run does not name its agent");
}

#[test]
fn numbers_stand_in_names() {
    assert_eq!(number_of("blind-maze.easy.2-of-5"), Some(2));
    assert_eq!(number_of("hello.1-of-1.2025-01-01__00-00-00"), Some(1));
    for name in ["hello", "hello.6-of-5", "hello.0-of-5", "hello.x-of-y.z"] {
        assert_eq!(number_of(name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn any_cut_of_the_results_is_an_error(cut in any::<prop::sample::Index>()) {
        let whole = fs_err::read_to_string(TERMINAL_BENCH.fixture("one-run/results.json")).unwrap();
        let text = &whole[..cut.index(whole.trim_end().len())];
        let directory = written(&[("results.json", text)]);
        prop_assert!(TERMINAL_BENCH.import(directory.path()).is_err());
    }
}
