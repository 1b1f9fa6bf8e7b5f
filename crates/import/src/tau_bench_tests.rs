//! Trajectories of τ-bench: the real file and our own.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use retrial_agents::validate_trajectory;
use retrial_spec::Verdict;

use crate::testing::Reader;
use crate::{Format, ReaderOptions};

const TAU_BENCH: Reader = Reader(Format::TauBench);

fn refused(text: &str) -> String {
    TAU_BENCH.refused("t.json", text)
}

#[test]
fn the_historical_trajectories_give_the_published_figures() {
    let Some(file) = retrial_testkit::shared("data/tau_bench_gpt-4o_airline.json") else { return };
    let named = ReaderOptions { model: Some("gpt-4o".to_owned()), ..ReaderOptions::default() };
    let sink = TAU_BENCH.import_all(std::slice::from_ref(&file), &named).unwrap();
    assert_eq!(sink.trials.len(), 200);
    assert_eq!(sink.bytes, fs_err::metadata(&file).unwrap().len());
    assert!(sink.doubts.is_empty() && sink.left_out.is_empty());
    let mut passes: BTreeMap<&str, (u64, Vec<u32>)> = BTreeMap::new();
    let mut calls = 0;
    for found in &sink.trials {
        let (passed, numbers) = passes.entry(&found.task).or_default();
        *passed += u64::from(found.verdict == Verdict::Passed);
        numbers.push(found.number.unwrap());
        calls += found.calls.value().unwrap().len();
        assert_eq!(found.agent.name, "tau_bench_gpt-4o_airline");
        assert_eq!(validate_trajectory(found.evidence.trajectory.as_ref().unwrap()), []);
    }
    assert_eq!(calls, 1164);
    assert_eq!(passes.len(), 50);
    assert_eq!(passes.values().map(|(passed, _)| passed).sum::<u64>(), 84);
    let mut all_pass = Vec::new();
    for k in 1..=4_u64 {
        // The share of k-subsets of a task's four trials that pass in all.
        let choose =
            |n: u64| -> f64 { (0..k).map(|i| n.saturating_sub(i) as f64 / (k - i) as f64).product() };
        let sum: f64 = passes.values().map(|(passed, _)| choose(*passed) / choose(4)).sum();
        all_pass.push(format!("{:.3}", sum / 50.0));
    }
    assert_eq!(all_pass, ["0.420", "0.273", "0.220", "0.200"]);
    for (_, numbers) in passes.values() {
        let mut numbers = numbers.clone();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4]);
    }
}

#[test]
fn errors_of_the_provider_are_infrastructure_and_those_of_the_agent_are_not() {
    let file = TAU_BENCH.fixture("model-retail.json");
    let named = ReaderOptions { agent: Some("tool-calling".to_owned()), ..ReaderOptions::default() };
    let sink = TAU_BENCH.import_all(std::slice::from_ref(&file), &named).unwrap();
    insta::assert_snapshot!(sink.rendered(file.parent().unwrap()));
    let trajectory = sink.trials[0].evidence.trajectory.as_ref().unwrap();
    assert_eq!(trajectory["extra"]["simulated_user_cost_usd"], 0.01);
}

#[test]
fn what_is_no_list_of_trials_is_refused_where_it_is_wrong() {
    let whole = fs_err::read_to_string(TAU_BENCH.fixture("model-retail.json")).unwrap();
    insta::assert_debug_snapshot!([
        refused("[]"),
        refused("{\"results\": 3}"),
        refused("[{\"task_id\": 1}]"),
        refused(&whole[..600]),
        refused("[{\"task_id\": 1, \"reward\": \"1\", \"info\": {}, \"traj\": [], \"trial\": 0}]"),
        refused(
            "[{\"task_id\": 1, \"reward\": 1, \"info\": {}, \"traj\": [{\"role\": \"judge\"}], \"trial\": 0}]"
        ),
        refused("[{\"task_id\": 1, \"reward\": 1, \"info\": {}, \"traj\": [], \"trial\": -1}]"),
        refused("[{\"task_id\": 1, \"reward\": NaN, \"info\": {}, \"traj\": [], \"trial\": 1}]"),
    ]);
    assert!(TAU_BENCH.import(Path::new("absent.json")).is_err());
}

proptest! {
    #[test]
    fn any_cut_of_the_trajectories_is_an_error(cut in any::<prop::sample::Index>()) {
        let whole = fs_err::read_to_string(TAU_BENCH.fixture("model-retail.json")).unwrap();
        let end = cut.index(whole.trim_end().len());
        prop_assert!(!refused(&whole[..end]).is_empty());
    }
}
