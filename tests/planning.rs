//! `retrial plan` as a user meets it, with every example of `docs/planning.md`.

#[path = "support/runs.rs"]
mod runs;
mod support;

use retrial_spec::{TrialRecord, UngradedReason, Verdict};
use retrial_testkit::{Change, run, trial};
use runs::{validate, write_run};
use support::{Place, tasks_dir};

/// A pilot of two agents on eight tasks, five trials each, at `results/pilot`.
fn with_pilot() -> Place {
    let place = Place::new();
    let tasks: Vec<String> = (1..=8).map(|task| format!("task-{task}")).collect();
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let manifest = run(&["steady", "flaky"], &tasks, 5);
    let mut records: Vec<TrialRecord> = Vec::new();
    for (agent, passes) in [("steady", [5, 5, 4, 5, 1, 3, 5, 2]), ("flaky", [4, 5, 2, 4, 0, 3, 4, 1])] {
        for (task, passes) in tasks.iter().zip(passes) {
            for number in 1..=5 {
                let record = trial(task, agent, number).costs(40_000 + 2_000 * u64::from(number));
                let record = record.takes(60_000 + 5_000 * u64::from(number));
                records.push(if number <= passes { record } else { record.fails() });
            }
        }
    }
    write_run(&place, "results/pilot", &manifest, &records);
    place
}

/// The commands of a page with what they print: lines after `$ ` in blocks marked `console`.
fn examples(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let of_block = |block: &str| {
        let commands = block.split("$ ").filter(|part| !part.is_empty());
        commands.map(|part| part.split_once('\n').unwrap_or((part, ""))).map(own).collect::<Vec<_>>()
    };
    blocks.flat_map(of_block).collect()
}

fn own((command, output): (&str, &str)) -> (String, String) {
    (command.to_owned(), output.to_owned())
}

/// Where it is set, the page is written anew with what the commands print; read what changed before keeping it.
const UPDATE: &str = "RETRIAL_UPDATE_PAGES";

#[test]
fn every_example_of_the_page_prints_what_the_page_says() {
    let path = tasks_dir().with_file_name("docs/planning.md");
    let mut page = fs_err::read_to_string(&path).unwrap();
    let examples = examples(&page);
    assert!(examples.len() >= 6, "{examples:?}");
    let place = with_pilot();
    for (command, output) in examples {
        let mut words = command.split_whitespace();
        assert_eq!(words.next(), Some("retrial"), "{command}");
        let ran = place.run(&words.collect::<Vec<&str>>());
        let code = ran.code.unwrap();
        assert!(code == 0 || code == 3, "{command}: {code}\n{}", ran.stderr);
        let last = if code == 3 { "(exit code 3)\n" } else { "" };
        let printed = format!("{}{last}", ran.stdout);
        if std::env::var_os(UPDATE).is_some() {
            page = page.replace(&format!("$ {command}\n{output}"), &format!("$ {command}\n{printed}"));
        } else {
            assert_eq!(printed, output, "{command}");
        }
    }
    if std::env::var_os(UPDATE).is_some() {
        fs_err::write(&path, page).unwrap();
    }
}

#[test]
fn a_plan_in_json_fits_its_schema_and_is_the_same_each_time() {
    let place = with_pilot();
    let mut first = None;
    for more in [
        &["--half-width", "0.1"][..],
        &["--difference", "0.2", "--target", "fixed", "--tasks", "8"],
        &["--gate-margin", "0.1", "--tasks-available", "8"],
        &["--tasks", "8", "--trials", "10"],
        &["--difference", "0.1", "--budget-usd", "3"],
    ] {
        let args = [&["plan", "results/pilot", "--agent", "steady", "--json"], more].concat();
        let ran = place.run(&args);
        assert!(matches!(ran.code, Some(0 | 3)), "{more:?}: {}", ran.stderr);
        validate("planning.schema.json", &ran.stdout);
        first.get_or_insert((args, ran.stdout));
    }
    let (args, printed) = first.unwrap();
    assert_eq!(place.run(&args).stdout, printed);
}

#[test]
fn a_plan_is_written_as_json_markdown_and_picture() {
    let place = with_pilot();
    let args = ["plan", "results/pilot", "--agent", "steady", "--half-width", "0.1", "--out", "plans/a"];
    let ran = place.run(&args).expect(0);
    assert_eq!(ran.stderr, "wrote plans/a/plan.json\nwrote plans/a/plan.md\nwrote plans/a/plan.svg\n");
    let read = |name: &str| fs_err::read_to_string(place.join(&format!("plans/a/{name}"))).unwrap();
    validate("planning.schema.json", &read("plan.json"));
    assert!(read("plan.md").starts_with("# Plan\n\n- **question**: "), "{}", read("plan.md"));
    assert!(read("plan.svg").starts_with("<svg "), "{}", read("plan.svg"));
    let first = ["plan.json", "plan.md", "plan.svg"].map(read);
    place.run(&args).expect(0);
    assert_eq!(first, ["plan.json", "plan.md", "plan.svg"].map(read));
}

#[test]
fn what_cannot_be_reached_ends_with_3_and_says_what_can() {
    let place = with_pilot();
    let args = ["plan", "--mu", "0.7", "--rho", "0.4", "--half-width", "0.05", "--tasks-available", "30"];
    let ran = place.run(&args).expect(3);
    assert!(ran.stdout.contains("out of reach"), "{}", ran.stdout);
    assert!(ran.stdout.contains("30 tasks are too few"), "{}", ran.stdout);
    assert!(ran.stdout.contains("better than ± 0.108"), "{}", ran.stdout);
}

#[test]
fn bad_input_is_refused_with_2_and_says_what_to_do() {
    let place = with_pilot();
    for (args, says) in [
        (&["plan", "--half-width", "0.05"][..], "name a pilot run, or give --mu and --rho"),
        (
            &["plan", "results/pilot", "--half-width", "0.05"],
            "choose one of `steady`, `flaky` with `--agent`",
        ),
        (&["plan", "results/pilot", "--agent", "nobody"], "the pilot has no agent `nobody`"),
        (&["plan", "--mu", "1.5", "--rho", "0.4"], "mu `1.5` is not strictly between 0 and 1"),
        (&["plan", "--mu", "0.7", "--rho", "0.4", "--difference", "0.9"], "leaves for it"),
        (&["plan", "--mu", "0.7", "--rho", "0.4", "--budget-usd", "5"], "give `--cost-per-trial`"),
        (
            &["plan", "--mu", "0.7", "--rho", "0.4", "--half-width", "0.1", "--difference", "0.1"],
            "cannot be used with",
        ),
        (&["plan", "nowhere"], "nowhere"),
    ] {
        let ran = place.run(args).expect(2);
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
}

/// A pilot of a cheap agent and a dear one, of whose trials the price is known or not.
fn with_dear_opponent(is_known: bool) -> Place {
    let place = Place::new();
    let tasks: Vec<String> = (1..=8).map(|task| format!("task-{task}")).collect();
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let manifest = run(&["cheap", "dear"], &tasks, 3);
    let trials = tasks.iter().flat_map(|task| (1..=3).map(move |number| (*task, number)));
    let records: Vec<TrialRecord> = trials
        .flat_map(|(task, number)| {
            let other = trial(task, "dear", number);
            let other = if is_known { other.costs(1_000_000) } else { other };
            let one = trial(task, "cheap", number).costs(50_000);
            [if number == 1 { one.fails() } else { one }, other]
        })
        .collect();
    write_run(&place, "pilot", &manifest, &records);
    place
}

#[test]
fn each_side_of_a_comparison_is_priced_at_its_own_cost() {
    let args = ["plan", "pilot", "--agent", "cheap", "--against", "dear", "--difference", "0.1"];
    let place = with_dear_opponent(true);
    let ran = place.run(&args).expect(0);
    assert!(ran.stdout.contains("a trial of cheap costs $0.0500, one of dear $1.0000"), "{}", ran.stdout);
    let plan: serde_json::Value =
        serde_json::from_str(&place.run(&[&args[..], &["--json"]].concat()).expect(0).stdout).unwrap();
    let row = &plan["answer"]["reached"];
    let (trials, cost) = (row["trials"].as_f64().unwrap(), row["usd_micros"].as_f64().unwrap());
    assert!((cost - trials / 2.0 * 1_050_000.0).abs() < 1.0, "{row}");
    // A gate compares releases of one agent.
    let gate = ["plan", "pilot", "--agent", "cheap", "--gate-margin", "0.1", "--tasks", "8"];
    assert!(place.run(&gate).stdout.contains("both sides of the gate"), "{}", place.run(&gate).stdout);
}

#[test]
fn where_the_price_of_one_side_is_not_known_no_cost_is_shown_and_a_budget_is_refused() {
    let args = ["plan", "pilot", "--agent", "cheap", "--against", "dear", "--difference", "0.1"];
    let place = with_dear_opponent(false);
    let ran = place.run(&args).expect(0);
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("what one of dear costs is not known"), "{}", ran.stdout);
    assert!(!text.contains(" cost "), "{}", ran.stdout);
    let ran = place.run(&[&args[..], &["--budget-usd", "50"]].concat()).expect(2);
    assert!(ran.stderr.contains("of a trial of each agent"), "{}", ran.stderr);
}

#[test]
fn a_pilot_with_nothing_graded_ends_with_4() {
    let place = Place::new();
    let manifest = run(&["agent"], &["alpha"], 2);
    let ungraded = |number| {
        let mut record = trial("alpha", "agent", number);
        record.verdict = Verdict::Ungraded(UngradedReason::NoReward);
        record
    };
    write_run(&place, "pilot", &manifest, &[ungraded(1), ungraded(2)]);
    let ran = place.run(&["plan", "pilot", "--half-width", "0.1"]).expect(4);
    assert!(ran.stderr.contains("nothing was evaluated"), "{}", ran.stderr);
}
