//! Published figures, from real and reference results that are imported and scored by the command.

mod support;

use std::path::Path;

use retrial_testkit::{shared, shared_json};
use serde_json::{Value, json};
use support::Place;

/// The scorecards of a run, as the command prints them.
fn scored(place: &Place, args: &[&str]) -> Value {
    let ran = place.run(&[&["score"], args, &["--json"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// The point of a scorecard's measure.
fn point(card: &Value, id: &str, k: Option<u64>) -> f64 {
    let measures = card["measures"].as_array().expect("measures");
    let found = measures.iter().find(|measure| measure["id"] == id && measure["k"].as_u64() == k);
    let found = found.unwrap_or_else(|| panic!("no {id} {k:?}"));
    found["value"]["estimate"]["point"].as_f64().unwrap_or_else(|| panic!("{id} is {}", found["value"]))
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn the_figures_that_the_authors_of_tau_bench_published_come_out() {
    let Some(source) = shared("data/tau_bench_gpt-4o_airline.json") else { return };
    let place = Place::new();
    let args = ["import", "tau-bench", &path(&source), "--agent", "tool-calling", "--model", "gpt-4o"];
    place.run(&[&args[..], &["--out", "run"]].concat()).expect(0);
    let cards = scored(&place, &["run"]);
    let card = &cards["scorecards"][0];
    assert_eq!((&card["denominators"]["graded"], &card["denominators"]["passed"]), (&json!(200), &json!(84)));
    let curve: Vec<String> = (2..=4).map(|k| format!("{:.3}", point(card, "pass_hat_k", Some(k)))).collect();
    assert_eq!(format!("{:.3}", point(card, "success_rate", None)), "0.420");
    assert_eq!(curve, ["0.273", "0.220", "0.200"]);
}

/// A row of the published table: the cells by the heads of their columns.
type Row = Vec<(String, String)>;

/// The table of a page whose first head is `first`.
fn table(page: &str, first: &str) -> Vec<Row> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = page.lines().skip_while(|line| !line.starts_with(&format!("| {first} |")));
    let heads = cells(lines.next().expect("the table"));
    let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(cells);
    rows.map(|row| heads.iter().cloned().zip(row).collect()).collect()
}

/// Whether a number, to the digits that are printed, is what is printed. Half a digit may go either way.
fn is_rounded(number: f64, printed: &str) -> bool {
    let digits = printed.split_once('.').map_or(0, |(_, digits)| digits.len());
    let printed: f64 = printed.parse().expect("a number");
    (number - printed).abs() <= 0.5 * 0.1_f64.powi(i32::try_from(digits).expect("few digits")) + 1e-12
}

/// What a scorecard says for the columns of the published table.
fn figures(card: &Value) -> Vec<(&'static str, f64)> {
    let errors = &card["clustered_errors"]["known"];
    let error = |which: &str| errors[which].as_f64().unwrap_or_else(|| panic!("no {which} in {errors}"));
    let hat = |k| point(card, "pass_hat_k", Some(k));
    let classes = card["denominators"]["books"]["classes"].as_array().expect("classes");
    let ungraded = classes.iter().filter(|class| class["verdict"] == "ungraded");
    let ungraded: u64 = ungraded.map(|class| class["trials"].as_u64().expect("a count")).sum();
    vec![
        ("pass@1", point(card, "success_rate", None)),
        ("naive SE", error("naive")),
        ("task-clustered SE", error("cr1")),
        ("ICC", point(card, "outcome_icc", None)),
        ("pass^2", hat(2)),
        ("pass^3", hat(3)),
        ("pass^5", hat(5)),
        ("pass@5", point(card, "pass_at_k", Some(5))),
        ("unstable tasks", card["solved"]["sometimes"].as_array().expect("tasks").len() as f64),
        ("ungraded trials", ungraded as f64),
    ]
}

#[test]
fn the_published_figures_of_the_terminal_bench_leaderboard_come_out_to_the_printed_digits() {
    let place = Place::new();
    let Some(()) = leaderboard(&place) else { return };
    let page = fs_err::read_to_string(shared("peers/FEATURES.md").expect("beside the data")).expect("a page");
    let cards = scored(&place, &["run", "--ungraded", "fail", "--timeout", "verdict"]);
    let published = table(&page, "submission");
    let cards = cards["scorecards"].as_array().expect("scorecards");
    assert_eq!(cards.len(), 8);
    for card in cards {
        let name = card["agent"].as_str().expect("a name");
        let row = published.iter().find(|row| row[0].1 == name).unwrap_or_else(|| panic!("no row of {name}"));
        for (head, ours) in figures(card) {
            let theirs = &row.iter().find(|(column, _)| column == head).expect("a column").1;
            assert!(is_rounded(ours, theirs), "{name}, {head}: {ours} is not printed as {theirs}");
        }
    }
}

/// Imports the submissions to the Terminal-Bench leaderboard.
fn leaderboard(place: &Place) -> Option<()> {
    let source = shared("data/terminal_bench_trials.csv")?;
    let mapping =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/interop/terminal-bench-leaderboard.toml");
    let args = ["import", "table", &path(&source), "--mapping", &path(&mapping), "--out", "run"];
    place.run(&args).expect(0);
    Some(())
}

/// The counts of an independent script on the same table: trials without a grade as failed, 28 pairs of 8 submissions of 80 tasks.
#[test]
fn as_many_pairs_of_the_terminal_bench_leaderboard_are_called_different_as_was_counted_independently() {
    let place = Place::new();
    let Some(()) = leaderboard(&place) else { return };
    let ran = place.run(&["compare", "run", "--pairs", "--ungraded", "fail"]).expect(0);
    for line in [
        "naive: trials as independent         18 of 28",
        "clustered by task, unpaired          9 of 28",
        "paired by task                       17 of 28",
        "paired by task, Holm over all pairs  10 of 28",
    ] {
        assert!(ran.stdout.lines().any(|printed| printed == line), "{line}\n{}", ran.stdout);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/comparing.md");
    let page = fs_err::read_to_string(page).expect("the page");
    assert!(
        page.contains(ran.stdout.trim_end()),
        "docs/comparing.md does not show what is printed:\n{}",
        ran.stdout
    );
}

#[test]
fn the_leader_by_single_trials_of_the_terminal_bench_leaderboard_is_not_the_one_by_five_in_a_row() {
    let place = Place::new();
    let Some(()) = leaderboard(&place) else { return };
    let ran = place.run(&["compare", "run", "--ungraded", "fail", "--json"]).expect(0);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let flips = &found["flips"]["known"];
    let name = |place: &Value| {
        found["contenders"][place.as_u64().expect("a place") as usize]["name"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    assert_eq!(flips["k"], 5);
    assert_eq!(name(&flips["by_single"][0]), "20250924_droid_gpt-5");
    assert_eq!(name(&flips["by_all"][0]), "20250923_droid_claude-4-sonnet");
    let pairs: Vec<(String, String, bool)> = flips["flips"]
        .as_array()
        .expect("flips")
        .iter()
        .map(|flip| {
            let shown = flip["shown"].as_bool().expect("shown");
            (name(&flip["ahead_by_single"]), name(&flip["ahead_by_all"]), shown)
        })
        .collect();
    let gpt = || "20250924_droid_gpt-5".to_owned();
    assert_eq!(
        pairs,
        [
            (gpt(), "20250911_chaterm_claude-4-sonnet".to_owned(), false),
            (gpt(), "20250923_droid_claude-4-sonnet".to_owned(), false),
        ]
    );
    assert_eq!(found["ranks"]["fixed_suite"]["best"].as_array().expect("places").len(), 3);
}

/// Their columns that follow from what a record holds, by our names. What a judge said, and how many actions failed, no record holds.
const THEIRS: [(&str, &str); 10] = [
    ("accuracy", "accuracy"),
    ("outcome_consistency", "consistency_outcome"),
    ("trajectory_distribution", "consistency_trajectory_distribution"),
    ("trajectory_sequence", "consistency_trajectory_sequence"),
    ("fault_robustness", "robustness_fault_injection"),
    ("environment_robustness", "robustness_structural"),
    ("prompt_robustness", "robustness_prompt_variation"),
    ("calibration", "predictability_calibration"),
    ("discrimination", "predictability_roc_auc"),
    ("brier", "predictability_brier_score"),
];

/// A row of their tables as a row of ours.
fn our_row(row: &Value) -> Value {
    let sum = |key: &str| -> f64 {
        let calls = row["calls"].as_array().expect("calls").iter();
        calls.map(|call| call[key].as_f64().expect("a number")).sum()
    };
    json!({
        "agent": row["agent"], "condition": row["phase"], "trial": row["run"], "task": row["task"],
        "reward": row["reward"], "confidence": row["confidence"], "actions": row["actions"],
        "cost_usd": row["cost_usd"], "agent_seconds": row["wall_s"],
        "requests": row["calls"].as_array().expect("calls").len(), "model_ms": sum("latency_ms"),
        "input_tokens": sum("prompt_tokens"), "output_tokens": sum("completion_tokens"),
    })
}

#[test]
fn the_tables_of_princetons_harness_come_out_of_imported_trials() {
    let Some(files) = shared_json("vectors/princeton") else { return };
    let (_, whole) = files.into_iter().find(|(name, _)| name == "end_to_end").expect("the whole tables");
    let mut compared = 0;
    for case in whole["cases"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let rows = case["input"]["trials"].as_array().expect("trials").iter();
        let place = Place::new();
        place.write("trials.jsonl", &rows.map(|row| our_row(row).to_string() + "\n").collect::<String>());
        place.run(&["import", "table", "trials.jsonl", "--out", "run"]).expect(0);
        let profile = scored(&place, &["run", "--profile", "princeton"]);
        let agents = profile["runs"][0]["princeton"]["agents"].as_array().expect("agents");
        for agent in agents {
            let of = agent["agent"].as_str().expect("a name");
            let expected = &case["expected"]["agents"][of];
            for (ours, theirs) in THEIRS {
                let numbers = agent["numbers"].as_array().expect("numbers");
                let number = numbers.iter().find(|number| number["id"] == ours).expect("a number");
                match (number["theirs"]["known"].as_f64(), expected[theirs].as_f64()) {
                    (Some(found), Some(wanted)) => {
                        assert!((found - wanted).abs() < 1e-9, "{name}, {of}, {ours}: {found}, {wanted}");
                        compared += 1;
                    }
                    (None, None) => {}
                    (found, wanted) => panic!("{name}, {of}, {ours}: {found:?}, {wanted:?}"),
                }
            }
        }
    }
    assert!(compared > 100, "only {compared} numbers were compared");
}
