//! Run directories of our own, in the form of `tb`.

use proptest::prelude::*;

use super::trial::number_of;
use super::*;
use crate::collected::{Collected, fixture};

fn collect(path: &Path) -> Result<Collected, String> {
    let mut sink = Collected::default();
    let read = read(&[path.to_owned()], &NamedAgent::default(), &mut sink);
    read.map(|()| sink).map_err(|error| error.to_string().replace(&format!("{}/", path.display()), ""))
}

fn refused(files: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = directory.path().join(name);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, content).unwrap();
    }
    collect(directory.path()).unwrap_err().replace(&directory.path().display().to_string(), "RUN")
}

#[test]
fn runs_come_by_their_start_and_every_failure_mode_has_its_meaning() {
    let root = fixture("terminal-bench/two-runs");
    let sink = collect(&root).unwrap();
    insta::assert_debug_snapshot!(sink.lines(&root));
    let log = sink.trials.iter().find_map(|found| found.evidence.verifier_log.as_deref());
    assert_eq!(log, Some("2 passed\n".as_bytes()));
}

#[test]
fn the_numbers_of_a_single_run_are_those_of_its_names() {
    let root = fixture("terminal-bench/one-run");
    let sink = collect(&root).unwrap();
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
        collect(Path::new("no/such/run"))
            .unwrap_err()
            .starts_with("`no/such/run`: cannot be read; expected a run")
    );
}

#[test]
fn a_trial_whose_name_leads_elsewhere_brings_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    fs_err::create_dir_all(run.join("t")).unwrap();
    fs_err::create_dir_all(directory.path().join("panes")).unwrap();
    fs_err::write(directory.path().join("panes/post-test.txt"), "secret").unwrap();
    let results = r#"{"results": [{"task_id": "t", "trial_name": "../..", "is_resolved": true}]}"#;
    fs_err::write(run.join("results.json"), results).unwrap();
    let sink = collect(&run).unwrap();
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
        let whole = fs_err::read_to_string(fixture("terminal-bench/one-run/results.json")).unwrap();
        let text = &whole[..cut.index(whole.trim_end().len())];
        let directory = tempfile::tempdir().unwrap();
        fs_err::write(directory.path().join("results.json"), text).unwrap();
        prop_assert!(collect(directory.path()).is_err());
    }
}
