//! `retrial gate` as a user and a job meet it: every verdict with its exit code, and what must never pass.

#[path = "gate/baselines.rs"]
mod baselines;
#[path = "support/runs.rs"]
mod runs;
mod support;

use retrial_spec::{Claim, RunId, RunManifest, TrialRecord, digest_bytes};
use retrial_testkit::{Change, measured_mut, run, trial};
use runs::{validate, write_run};
use support::{Place, Ran};

const TASKS: [&str; 5] = ["alpha", "beta", "delta", "epsilon", "gamma"];

/// A run of one agent under an id.
struct Build {
    id: &'static str,
    agents: Vec<&'static str>,
    tasks: Vec<&'static str>,
    trials: u32,
    /// The share of trials that pass, in per cent, spread evenly over a task's trials.
    passing: u32,
}

fn build(id: &'static str, passing: u32) -> Build {
    Build { id, agents: vec!["agent"], tasks: TASKS.to_vec(), trials: 20, passing }
}

impl Build {
    fn made(&self) -> (RunManifest, Vec<TrialRecord>) {
        let mut manifest = run(&self.agents, &self.tasks, self.trials);
        manifest.run = RunId::new(self.id).expect("an id");
        let mut records = Vec::new();
        for agent in &self.agents {
            for (place, task) in (0..).zip(&self.tasks) {
                for number in 1..=self.trials {
                    let passes = passes(number, place, self.passing);
                    records.push(one(task, agent, number, passes, self.id));
                }
            }
        }
        (manifest, records)
    }

    fn write(&self, place: &Place) {
        let (manifest, records) = self.made();
        write_run(place, self.id, &manifest, &records);
    }
}

/// Spreads the failures evenly, so that each task has its share of them.
fn passes(number: u32, place: u32, passing: u32) -> bool {
    ((number + place) * passing) / 100 > ((number + place - 1) * passing) / 100
}

/// A trial whose amounts depend on the run as well, as those of runs do.
fn one(task: &str, agent: &str, number: u32, passes: bool, run: &str) -> TrialRecord {
    let mixed = digest_bytes(format!("{run} {task} {number}").as_bytes()).to_string();
    let luck = mixed.bytes().rev().take(4).map(u64::from).sum::<u64>();
    let amount = 500 + luck * 2 + task.len() as u64 * 100;
    let record = trial(task, agent, number).uses(amount).costs(amount * 20).takes(amount * 10);
    let record = record.claims(Claim::Done).states(0.6 + (luck % 40) as f64 / 100.0);
    if passes { record } else { record.fails() }
}

fn gate(place: &Place, args: &[&str]) -> Ran {
    place.run(&[&["gate"], args].concat())
}

/// The line that says what decided.
fn line(ran: &Ran) -> &str {
    ran.stdout.lines().next().unwrap_or_default()
}

#[test]
fn a_candidate_as_good_as_its_baseline_passes_and_the_decision_is_read_in_one_line() {
    let place = Place::new();
    build("old", 90).write(&place);
    build("new", 90).write(&place);
    let ran = gate(&place, &["new", "--baseline", "old"]).expect(0);
    insta::assert_snapshot!("pass", ran.snapshot(&place));
}

#[test]
fn a_candidate_that_got_worse_fails() {
    let place = Place::new();
    build("old", 90).write(&place);
    build("new", 60).write(&place);
    let ran = gate(&place, &["new", "--baseline", "old"]).expect(1);
    insta::assert_snapshot!("fail", ran.snapshot(&place));
}

#[test]
fn few_trials_are_inconclusive_and_say_how_many_would_decide() {
    let place = Place::new();
    Build { trials: 4, ..build("old", 75) }.write(&place);
    Build { trials: 4, ..build("new", 75) }.write(&place);
    let ran = gate(&place, &["new", "--baseline", "old"]).expect(3);
    insta::assert_snapshot!("inconclusive", ran.snapshot(&place));
    Build { trials: 2, ..build("older", 100) }.write(&place);
    Build { trials: 2, ..build("newer", 100) }.write(&place);
    let ran = gate(&place, &["newer", "--baseline", "older"]).expect(3);
    assert!(
        line(&ran).starts_with(
            "inconclusive: no task of the baseline decides: 5 planned for fewer than 3 trials there"
        ),
        "{}",
        ran.stdout
    );
    let ran = gate(&place, &["newer", "--baseline", "old"]).expect(3);
    assert!(line(&ran).contains("fewer than 3 graded trials on a side of `alpha`"), "{}", ran.stdout);
}

#[test]
fn tasks_and_agents_that_vanished_fail_by_name_however_well_the_rest_does() {
    let place = Place::new();
    build("old", 90).write(&place);
    Build { tasks: vec!["alpha", "beta", "gamma"], ..build("new", 100) }.write(&place);
    let ran = gate(&place, &["new", "--baseline", "old"]).expect(1);
    assert!(
        line(&ran)
            .starts_with("fail: 2 tasks of the baseline vanished: `delta`, `epsilon`; 3 of 5 tasks judged"),
        "{}",
        ran.stdout
    );
    // Planned and never finished is as good as not planned.
    let (mut manifest, mut records) = build("cut", 100).made();
    manifest.run = RunId::new("cut").expect("an id");
    records.retain(|record| record.trial.task.as_str() != "beta");
    write_run(&place, "cut", &manifest, &records);
    let ran = gate(&place, &["cut", "--baseline", "old"]).expect(1);
    assert!(line(&ran).starts_with("fail: 1 task of the baseline vanished: `beta`"), "{}", ran.stdout);
    Build { agents: vec!["agent", "other"], ..build("two", 90) }.write(&place);
    let ran = gate(&place, &["new", "--baseline", "two"]).expect(1);
    assert!(line(&ran).starts_with("fail: the candidate has no agent `other`"), "{}", ran.stdout);
}

#[test]
fn other_tasks_under_the_same_names_and_other_conditions_are_invalid() {
    let place = Place::new();
    build("old", 90).write(&place);
    let (mut manifest, records) = build("new", 90).made();
    manifest.tasks[1].digest = Some(digest_bytes(b"other"));
    write_run(&place, "new", &manifest, &records);
    let ran = gate(&place, &["new", "--baseline", "old"]).expect(4);
    assert!(line(&ran).starts_with("invalid: tasks whose content is not the same: beta"), "{}", ran.stdout);
    let ran = gate(&place, &["new", "--baseline", "old", "--mode", "report"]).expect(4);
    assert!(line(&ran).starts_with("invalid"), "{}", ran.stdout);
}

#[test]
fn records_without_their_events_decide_nothing() {
    let place = Place::new();
    build("old", 90).write(&place);
    build("new", 90).write(&place);
    fs_err::remove_file(place.join("new/events.jsonl")).expect("events");
    for args in [["new", "--baseline", "old"], ["old", "--baseline", "new"]] {
        let ran = gate(&place, &args).expect(4);
        assert!(ran.stderr.contains("finished trials and no events.jsonl"), "{}", ran.stderr);
    }
    gate(&place, &["new", "--baseline", "old", "--mode", "report"]).expect(4);
    // What only shows numbers goes on with a warning.
    place.run(&["score", "new"]).expect(0);
}

#[test]
fn a_run_that_is_its_own_baseline_is_invalid() {
    let place = Place::new();
    build("old", 90).write(&place);
    let ran = gate(&place, &["old", "--baseline", "old"]).expect(4);
    assert!(line(&ran).starts_with("invalid: the candidate is its own baseline"), "{}", ran.stdout);
}

/// Which trials are lost.
type IsLost = fn(&TrialRecord) -> bool;

#[test]
fn holes_of_infrastructure_never_pass_on_either_side() {
    let place = Place::new();
    build("whole", 100).write(&place);
    build("fresh", 100).write(&place);
    // One task of all is lost altogether, or a tenth of everything, or more.
    let lost: [(&str, IsLost); 3] = [
        ("task", |record| record.trial.task.as_str() == "beta"),
        ("some", |record| record.trial.number % 8 == 0),
        ("half", |record| record.trial.number % 2 == 0),
    ];
    for (name, is_lost) in lost {
        for is_missing in [false, true] {
            let (mut manifest, records) = build("x", 100).made();
            manifest.run = RunId::new(format!("{name}-{is_missing}")).expect("an id");
            let records: Vec<TrialRecord> = records
                .into_iter()
                .filter(|record| !(is_missing && is_lost(record)))
                .map(|record| if is_lost(&record) { record.infrastructure() } else { record })
                .collect();
            let run = format!("{name}-{is_missing}");
            write_run(&place, &run, &manifest, &records);
            for args in [[run.as_str(), "--baseline", "whole"], ["fresh", "--baseline", &run]] {
                let ran = gate(&place, &args);
                assert!(matches!(ran.code, Some(1 | 3)), "{args:?}: {:?}\n{}", ran.code, ran.stdout);
            }
        }
    }
    let ran = gate(&place, &["half-false", "--baseline", "whole"]).expect(3);
    assert!(
        line(&ran).starts_with(
            "inconclusive: 50 of 100 planned trials of the candidate are graded, 50 % and less than 100 %"
        ),
        "{}",
        ran.stdout
    );
}

#[test]
fn nothing_to_judge_never_passes() {
    let place = Place::new();
    build("old", 90).write(&place);
    fs_err::create_dir(place.join("empty")).expect("a directory");
    gate(&place, &["empty", "--baseline", "old"]).expect(2);
    gate(&place, &["old", "--baseline", "empty"]).expect(2);
    let ran = gate(&place, &["old", "--baseline", "nowhere"]).expect(2);
    assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
    gate(&place, &["old"]).expect(2);
    let (mut nobody, _) = build("nobody", 90).made();
    nobody.agents.clear();
    write_run(&place, "nobody", &nobody, &[]);
    let ran = gate(&place, &["old", "--baseline", "nobody"]).expect(4);
    assert!(line(&ran).starts_with("invalid: no measure of any agent is judged"), "{}", ran.stdout);
    let (manifest, records) = build("none", 90).made();
    write_run(&place, "none", &manifest, &[]);
    let lost: Vec<TrialRecord> = records.into_iter().map(Change::infrastructure).collect();
    write_run(&place, "lost", &manifest, &lost);
    for run in ["none", "lost"] {
        let ran = gate(&place, &[run, "--baseline", "old"]).expect(4);
        assert!(line(&ran).starts_with("invalid: the candidate has no graded trial"), "{}", ran.stdout);
        gate(&place, &["old", "--baseline", run]).expect(4);
    }
}

const POLICY: &str = "[gate]\nminimum_trials = 5\n[margins]\nsuccess = 0.10\npass_hat_k = { k = 3, margin = 0.30 }\nconsistency = 0.4\n\
                      invisible_failures = 0.10\nbrier = 0.15\ntoken_spread = 0.6\ncost = 0.20\ntime = 0.30\n";

#[test]
fn a_policy_judges_every_measure_that_has_a_margin_and_writes_every_form() {
    let place = Place::new();
    build("old", 95).write(&place);
    build("new", 95).write(&place);
    place.write("retrial-gate.toml", POLICY);
    let args = ["new", "--baseline", "old", "--policy", "retrial-gate.toml", "--out", "out"];
    let ran = gate(&place, &args);
    insta::assert_snapshot!("policy", ran.snapshot(&place));
    let markdown = fs_err::read_to_string(place.join("out/gate.md")).expect("a file");
    insta::assert_snapshot!("markdown", markdown);
    let document = fs_err::read_to_string(place.join("out/gate.json")).expect("a file");
    validate("gate.schema.json", &document);
    let junit = fs_err::read_to_string(place.join("out/gate.junit.xml")).expect("a file");
    assert_eq!(junit.matches("<testcase ").count(), 9, "{junit}");
    let page = fs_err::read_to_string(place.join("out/gate.html")).expect("a file");
    assert!(page.contains("What decided it"), "{page}");
    // The picture says in words what it shows: each measure once, as the table does.
    let words = page.split_once("0 is no change, 1 the margin").expect("a picture").1;
    for label in ["success rate: ", "outcome consistency: ", "cost per trial: "] {
        assert!(words.contains(label), "{label}: {words}");
    }
    let printed = gate(&place, &["new", "--baseline", "old", "--policy", "retrial-gate.toml", "--json"]);
    assert_eq!(printed.stdout, document);
}

#[test]
fn a_measure_that_nobody_recorded_leaves_the_gate_open_by_name() {
    let place = Place::new();
    for id in ["old", "new"] {
        let (manifest, records) = build(id, 100).made();
        let took = if id == "old" { 1000 } else { 2000 };
        let plain: Vec<TrialRecord> = records
            .iter()
            .map(|record| trial(record.trial.task.as_str(), "agent", record.trial.number).takes(took))
            .collect();
        write_run(&place, id, &manifest, &plain);
    }
    place.write("p.toml", "[margins]\ncost = 0.2\nbrier = 0.1\n");
    let ran = gate(&place, &["new", "--baseline", "old", "--policy", "p.toml"]).expect(3);
    assert!(line(&ran).starts_with("inconclusive: Brier score: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("cost per trial: "), "{}", ran.stdout);
}

#[test]
fn a_faulty_policy_is_refused_with_the_line_and_the_key_that_was_meant() {
    let place = Place::new();
    build("old", 90).write(&place);
    build("new", 90).write(&place);
    place.write("p.toml", "[margins]\nsucess = 0.1\n");
    let ran = gate(&place, &["new", "--baseline", "old", "--policy", "p.toml"]).expect(2);
    insta::assert_snapshot!("faulty_policy", ran.snapshot(&place));
    gate(&place, &["new", "--baseline", "old", "--policy", "nowhere.toml"]).expect(2);
}

#[test]
fn report_mode_says_the_same_and_ends_with_0() {
    let place = Place::new();
    build("old", 90).write(&place);
    build("new", 60).write(&place);
    let enforced = gate(&place, &["new", "--baseline", "old"]).expect(1);
    let reported = gate(&place, &["new", "--baseline", "old", "--mode", "report"]).expect(0);
    assert_eq!(line(&enforced), line(&reported));
    place.write("p.toml", "[gate]\nmode = 'report'\n");
    gate(&place, &["new", "--baseline", "old", "--policy", "p.toml"]).expect(0);
    gate(&place, &["new", "--baseline", "old", "--policy", "p.toml", "--mode", "enforce"]).expect(1);
}

#[test]
fn a_task_in_quarantine_informs_until_its_last_day_and_decides_again_after() {
    let place = Place::new();
    build("old", 95).write(&place);
    let (manifest, records) = build("new", 95).made();
    let broken: Vec<TrialRecord> = records
        .into_iter()
        .map(|record| if record.trial.task.as_str() == "gamma" { record.fails() } else { record })
        .collect();
    write_run(&place, "new", &manifest, &broken);
    place.write("p.toml", "[gate]\nquarantine = 'q.toml'\n[margins]\nsuccess = 0.15\n");
    place.write(
        "q.toml",
        "[[task]]\nname = 'gamma'\nreason = 'its verifier depends on the clock'\nadded = 2026-11-01\nuntil = 2026-12-01\n",
    );
    let args = ["new", "--baseline", "old", "--policy", "p.toml", "--today"];
    let before = gate(&place, &[&args[..], &["2026-12-01"]].concat()).expect(0);
    assert!(before.stdout.contains("tasks in quarantine: gamma (0/20 from "), "{}", before.stdout);
    let after = gate(&place, &[&args[..], &["2026-12-02"]].concat()).expect(1);
    assert_eq!(after.stderr, "warning: the quarantine of `gamma` is over since 2026-12-01: it decides\n");
    place.write("q.toml", "[[task]]\nname = 'gama'\nreason = 'x'\nadded = 2026-11-01\nuntil = 2026-12-01\n");
    let unknown = gate(&place, &[&args[..], &["2026-11-02"]].concat()).expect(2);
    assert!(unknown.stderr.contains("did you mean `gamma`?"), "{}", unknown.stderr);
    let many = ["beta", "gamma"].map(|name| {
        format!("[[task]]\nname = '{name}'\nreason = 'x'\nadded = 2026-11-01\nuntil = 2026-12-01\n")
    });
    place.write("q.toml", &many.concat());
    let too_many = gate(&place, &[&args[..], &["2026-11-02"]].concat()).expect(4);
    assert!(
        line(&too_many).starts_with("invalid: 2 of 5 tasks are in quarantine, more than the limit of 20 %")
    );
}

#[test]
fn a_new_task_in_one_run_of_the_baseline_decides_once_enough_trials_are_planned() {
    let place = Place::new();
    build("first", 90).write(&place);
    Build { trials: 2, tasks: vec!["alpha", "zeta"], ..build("second", 100) }.write(&place);
    Build { tasks: [&TASKS[..], &["zeta"]].concat(), ..build("new", 90) }.write(&place);
    let ran = gate(&place, &["new", "--baseline", "first", "--baseline", "second"]).expect(0);
    assert!(
        ran.stdout.contains("tasks not deciding yet, for the baseline has too few trials: zeta"),
        "{}",
        ran.stdout
    );
    assert!(line(&ran).ends_with("; 5 of 6 tasks judged"), "{}", ran.stdout);
    // It may not go away again, though.
    let without = build("without", 90);
    without.write(&place);
    gate(&place, &["without", "--baseline", "first", "--baseline", "second"]).expect(1);
}

#[test]
fn agents_are_judged_by_name_or_as_they_are_named() {
    let place = Place::new();
    Build { agents: vec!["fast", "steady"], ..build("old", 90) }.write(&place);
    let (mut manifest, records) = Build { agents: vec!["fast", "steady"], ..build("new", 90) }.made();
    manifest.seed = 3;
    let records: Vec<TrialRecord> =
        records
            .into_iter()
            .map(|one| {
                if one.trial.agent.as_str() == "fast" && one.trial.number % 2 == 0 {
                    one.fails()
                } else {
                    one
                }
            })
            .collect();
    write_run(&place, "new", &manifest, &records);
    let ran = gate(&place, &["new", "--baseline", "old"]).expect(1);
    assert!(line(&ran).starts_with("fail: `fast`: success rate −"), "{}", ran.stdout);
    gate(&place, &["new", "--baseline", "old", "--agent", "steady"]).expect(0);
    gate(&place, &["new:steady", "--baseline", "old"]).expect(0);
    gate(&place, &["new:steady", "--baseline", "new:fast"]).expect(0);
    gate(&place, &["new", "--agent", "fast", "--baseline", "old", "--baseline-agent", "steady"]).expect(1);
    let ran = gate(&place, &["new", "--baseline", "old", "--agent", "stedy"]).expect(2);
    assert!(ran.stderr.contains("has no agent `stedy`"), "{}", ran.stderr);
}

#[test]
fn the_baseline_against_itself_says_whether_the_policy_can_pass_at_all() {
    let place = Place::new();
    Build { trials: 40, ..build("large", 95) }.write(&place);
    let ran = gate(&place, &["--baseline", "large", "--check-baseline"]).expect(0);
    insta::assert_snapshot!("check_baseline", ran.stdout);
    Build { trials: 4, ..build("small", 75) }.write(&place);
    let ran = gate(&place, &["--baseline", "small", "--check-baseline", "--json"]).expect(3);
    let document = validate("gate-baseline-check.schema.json", &ran.stdout);
    assert_eq!(document["same_size"]["times"], 200);
    let again = gate(&place, &["--baseline", "small", "--check-baseline", "--json"]);
    assert_eq!(again.stdout, ran.stdout);
    build("bad", 40).write(&place);
    let ran = gate(&place, &["--baseline", "large", "--baseline", "bad", "--check-baseline"]).expect(1);
    assert!(
        line(&ran).starts_with("fail: the baseline's run `bad` against its others: fail: "),
        "{}",
        ran.stdout
    );
}

#[test]
fn runs_that_differ_besides_are_said_to_and_judged() {
    let place = Place::new();
    build("old", 90).write(&place);
    let (mut manifest, records) = build("new", 90).made();
    measured_mut(&mut manifest).experiment.limits.agent_sec = Some(77);
    write_run(&place, "new", &manifest, &records);
    let ran = gate(&place, &["new", "--baseline", "old"]).expect(0);
    assert!(ran.stdout.contains("  the trials had different limits (baseline `old`)\n"), "{}", ran.stdout);
}

/// The parts of a page between fences of a kind.
fn fenced<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let start = format!("```{kind}\n");
    page.split(start.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_commands_and_files_of_the_documentation_work() {
    let place = Place::new();
    let page = fs_err::read_to_string(support::tasks_dir().with_file_name("docs/gate.md")).expect("the page");
    for id in ["old", "older", "new"] {
        Build { trials: 40, ..build(id, 95) }.write(&place);
    }
    for file in fenced(&page, "toml") {
        let name = file.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a name");
        place.write(name, file);
    }
    let commands: Vec<&str> = fenced(&page, "console").iter().flat_map(|text| text.lines()).collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let args: Vec<&str> = command.strip_prefix("$ retrial ").expect("a command").split(' ').collect();
        place.run(&args).expect(0);
    }
    assert!(place.join("gate/gate.md").is_file());
}
