//! Reports, logs and predictions of our own, in the form of SWE-bench.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::Format;
use crate::testing::Reader;

const SWE_BENCH: Reader = Reader(Format::SweBench);

#[test]
fn every_run_id_is_a_trial_and_failures_of_the_evaluation_are_ungraded() {
    let root = SWE_BENCH.fixture("evaluated");
    let sink = SWE_BENCH.import(&root).unwrap();
    insta::assert_snapshot!(sink.rendered(&root));
    assert_eq!(sink.trials[0].evidence.patch.as_deref(), Some("diff --git a/x b/x\n".as_bytes()));
}

#[test]
fn predictions_beside_the_only_run_of_their_model_bring_its_patches() {
    let root = SWE_BENCH.fixture("one-run");
    let sink = SWE_BENCH.import(&root).unwrap();
    insta::assert_snapshot!(sink.rendered(&root));
    let patches: Vec<&[u8]> =
        sink.trials.iter().filter_map(|found| found.evidence.patch.as_deref()).collect();
    assert_eq!(patches, ["diff 2\n".as_bytes(), "diff 1\n".as_bytes()]);
}

#[test]
fn predictions_alone_are_ungraded_but_for_those_that_are_empty() {
    let root = SWE_BENCH.fixture("predictions");
    insta::assert_snapshot!(SWE_BENCH.import(&root).unwrap().rendered(&root));
}

#[test]
fn what_is_nothing_of_swe_bench_is_refused_where_it_is_wrong() {
    insta::assert_debug_snapshot!([
        SWE_BENCH.refused("m.r.json", "{}"),
        SWE_BENCH.refused("m.r.json", "{\"resolved_ids\": [\"a\""),
        SWE_BENCH.refused("m.r.json", "{\"resolved_ids\": {\"a\": 1}}"),
        SWE_BENCH.refused("m.r.json", "{\"resolved_ids\": [1.5]}"),
        SWE_BENCH.refused("report.json", "{\"resolved_ids\": []}"),
        SWE_BENCH.refused(
            "preds.jsonl",
            "{\"instance_id\": \"a\", \"model_name_or_path\": \"m\"}\n{\"instance_id\"\n"
        ),
        SWE_BENCH.refused(
            "preds.json",
            "[{\"instance_id\": \"a\", \"model_name_or_path\": \"m\", \"model_patch\": 3}]"
        ),
        SWE_BENCH.refused("preds.txt", "diff"),
    ]);
    assert!(
        SWE_BENCH
            .import(Path::new("no/such"))
            .unwrap_err()
            .starts_with("`no/such`: cannot be read; expected run reports")
    );
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("run_evaluation/run/model/a__b-1");
    fs_err::create_dir_all(&log).unwrap();
    fs_err::write(log.join("report.json"), "{\"a__b-1\": {\"resolved\": \"yes\"}}").unwrap();
    assert!(
        SWE_BENCH
            .import(directory.path())
            .unwrap_err()
            .ends_with("/a__b-1/resolved: is `\"yes\"`; expected true or false")
    );
    fs_err::write(log.join("report.json"), "{\"a__b-2\": {\"resolved\": true}}").unwrap();
    assert!(SWE_BENCH.import(directory.path()).unwrap_err().ends_with("has no `a__b-1`; expected one"));
}

#[test]
fn a_name_with_dots_is_split_where_a_known_model_ends() {
    let key = |name: &str, models: &[&str]| {
        let models = models.iter().map(|model| (*model).to_owned()).collect();
        report::key_of(Path::new(name), &models).map(|key| (key.model, key.run)).unwrap()
    };
    let pair = |model: &str, run: &str| (model.to_owned(), run.to_owned());
    assert_eq!(key("gpt-4.1.run-1.json", &[]), pair("gpt-4.1", "run-1"));
    assert_eq!(key("gpt-4.1.v2.0.json", &["gpt-4.1", "gpt-4"]), pair("gpt-4.1", "v2.0"));
}

proptest! {
    #[test]
    fn any_cut_of_a_report_is_an_error(cut in any::<prop::sample::Index>()) {
        let whole = fs_err::read_to_string(SWE_BENCH.fixture("one-run/m.r.json")).unwrap();
        let text = &whole[..cut.index(whole.trim_end().len())];
        prop_assert!(!SWE_BENCH.refused("m.r.json", text).is_empty());
    }
}
