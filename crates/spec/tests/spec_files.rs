//! Reading experiments and tasks: what a user sees when a file is wrong.

use retrial_spec::{
    Experiment, FaultSettings, FileChange, RetryRule, SandboxChoice, Simulation, SimulationStep, SpecError,
    Task, VerifierMode, WireFault,
};

const GOOD: &str = r#"
name = "demo"
trials = 3
tasks = ["tasks/*"]

[[agents]]
name = "steady"
model = "simulated/steady"
"#;

fn rendered(error: &SpecError) -> String {
    let mut text = String::new();
    let handler =
        miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor()).with_width(100);
    handler.render_report(&mut text, error).expect("rendering into a text cannot fail");
    text
}

fn experiment_error(text: &str) -> SpecError {
    Experiment::parse("demo.toml", text).expect_err("the experiment is faulty")
}

#[test]
fn a_short_experiment_gets_its_defaults() {
    let (experiment, _) = Experiment::parse("demo.toml", GOOD).unwrap();
    assert_eq!(experiment.sandbox, SandboxChoice::Auto);
    assert_eq!(experiment.conditions.len(), 1);
    assert_eq!(experiment.agents[0].recipe, "reference");
    assert_eq!(experiment.limits.infrastructure_retries, 2);
}

#[test]
fn an_experiment_survives_being_written_and_read_as_json() {
    let (experiment, _) = Experiment::parse("demo.toml", GOOD).unwrap();
    let text = serde_json::to_string(&experiment).unwrap();
    assert_eq!(serde_json::from_str::<Experiment>(&text).unwrap(), experiment);
}

#[test]
fn all_faults_are_shown_at_once_with_their_places_and_hints() {
    let text = r#"
name = "my demo"
trails = 3
trials = 0
tasks = []
sandbox = "doker"

[limits]
agent_secs = 5
pids = "many"

[[agents]]
name = "a"
model = "simulated/steady"

[[agents]]
name = "a"
modl = "x"
"#;
    insta::assert_snapshot!(rendered(&experiment_error(text)));
}

#[test]
fn a_syntax_fault_names_its_line() {
    let error = experiment_error("name = \"demo\"\ntrials = = 3\n");
    assert_eq!(error.faults()[0].line(), 2);
}

#[test]
fn an_unknown_model_is_pointed_at_with_the_nearest_name() {
    let text = format!(
        "{GOOD}\n[[agents]]\nname = \"b\"\nmodel = \"gpd\"\n[[models]]\nname = \"gpt\"\nbase_url = \"http://127.0.0.1/v1\"\nmodel = \"m\"\n"
    );
    let error = experiment_error(&text);
    assert_eq!(error.faults()[0].message(), "agent `b` names the unknown model `gpd`");
    assert_eq!(error.faults()[0].hint(), Some("did you mean `gpt`?"));
}

#[test]
fn an_experiment_without_a_baseline_is_refused() {
    let text = format!("conditions = []\n{GOOD}");
    let error = experiment_error(&text);
    assert!(error.faults()[0].message().contains("conditions"), "{}", rendered(&error));
}

const BASELINE: &str = "[[conditions]]\nname = \"baseline\"\nkind = \"baseline\"\n";

#[test]
fn several_fault_conditions_stand_beside_the_baseline() {
    let text = format!(
        "{GOOD}{BASELINE}[[conditions]]\nname = \"limits\"\nkind = \"fault\"\n\
         fault = {{ what = \"rate_limit\", rate = 0.2, burst = 3, retries = \"hit\", first = 2, max = 9, retry_after_sec = 1 }}\n\
         [[conditions]]\nname = \"stalls\"\nkind = \"fault\"\n[conditions.fault]\nwhat = \"stall_in_reply\"\nrate = 1\nstall_sec = 30\n"
    );
    let (experiment, _) = Experiment::parse("demo.toml", &text).unwrap();
    let settings: Vec<_> = experiment.conditions.iter().map(|condition| condition.fault.clone()).collect();
    let limits = FaultSettings {
        what: WireFault::RateLimit,
        rate: 0.2,
        burst: 3,
        retries: RetryRule::Hit,
        first: 2,
        max: Some(9),
        retry_after_sec: Some(1),
        stall_sec: None,
    };
    let stalls = FaultSettings {
        what: WireFault::StallInReply,
        rate: 1.0,
        burst: 1,
        retries: RetryRule::Drawn,
        first: 1,
        max: None,
        retry_after_sec: None,
        stall_sec: Some(30),
    };
    assert_eq!(settings, [None, Some(limits), Some(stalls)]);
    let written = serde_json::to_string(&experiment).unwrap();
    assert_eq!(serde_json::from_str::<Experiment>(&written).unwrap(), experiment);
}

#[test]
fn faulty_settings_of_faults_are_pointed_at_all_at_once() {
    let text = format!(
        "{GOOD}{BASELINE}\n[[conditions]]\nname = \"a\"\nkind = \"fault\"\nfault = {{ what = \"server_eror\", rate = 0, brust = 2 }}\n\n\
         [[conditions]]\nname = \"b\"\nkind = \"fault\"\nfault = {{ what = \"missing_end\", rate = 1.5, first = 0 }}\n\n\
         [[conditions]]\nname = \"c\"\nkind = \"fault\"\nfault = {{ what = \"stall_in_reply\" }}\n"
    );
    insta::assert_snapshot!(rendered(&experiment_error(&text)));
}

#[test]
fn settings_of_faults_that_do_not_fit_together_are_pointed_at() {
    let text = format!(
        "{GOOD}\n[[conditions]]\nname = \"baseline\"\nkind = \"baseline\"\nfault = {{ what = \"server_error\", rate = 0.5 }}\n\n\
         [[conditions]]\nname = \"a\"\nkind = \"fault\"\n\n\
         [[conditions]]\nname = \"b\"\nkind = \"fault\"\nfault = {{ what = \"cut_in_reply\", rate = 0.5, stall_sec = 3, retry_after_sec = 3 }}\n\n\
         [[conditions]]\nname = \"c\"\nkind = \"fault\"\nfault = {{ what = \"stall_before_reply\", rate = 0.5 }}\n"
    );
    insta::assert_snapshot!(rendered(&experiment_error(&text)));
}

#[test]
fn a_task_of_our_own_is_read_with_its_facts() {
    let text = r#"
schema_version = "1.4"
[metadata]
difficulty = "easy"
[metadata.retrial]
category = "fix-bug"
stakes = "medium"
verifiability = "full"
expected_minutes = 10
[agent]
user = "1000"
[verifier]
environment_mode = "separate"
[environment]
network_mode = "no-network"
"#;
    let (task, warnings) = Task::parse("task.toml", text).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(task.verifier.mode(), VerifierMode::Separate);
    assert_eq!(task.metadata.retrial.unwrap().category, "fix-bug");
}

#[test]
fn unknown_keys_of_a_foreign_task_warn_and_of_our_own_table_are_errors() {
    let (_, warnings) = Task::parse("task.toml", "colour = \"red\"\n[verifier]\ntimeout_secs = 3\n").unwrap();
    let messages: Vec<_> = warnings.iter().map(retrial_spec::Fault::message).collect();
    assert_eq!(messages, ["unknown key `colour`", "unknown key `verifier.timeout_secs`"]);
    assert_eq!(warnings[1].hint(), Some("did you mean `timeout_sec`?"));

    let ours = "[metadata.retrial]\ncategory = \"x\"\nstakes = \"low\"\nverifiability = \"full\"\nexpected_minutes = 1\nstake = 1\n";
    let error = Task::parse("task.toml", ours).unwrap_err();
    assert_eq!(error.faults()[0].message(), "unknown key `metadata.retrial.stake`");
    assert_eq!(error.faults()[0].hint(), Some("did you mean `stakes`?"));
}

#[test]
fn a_simulation_needs_all_three_lists() {
    let error = Simulation::parse("simulation.toml", "[[look]]\ncommand = \"ls\"\n", |_| None).unwrap_err();
    let messages: Vec<_> = error.faults().iter().map(retrial_spec::Fault::message).collect();
    assert_eq!(messages, ["lacks the key `correct`", "lacks the key `wrong`"]);
}

#[test]
fn edits_of_a_simulation_are_checked_against_the_starting_files() {
    let text = r#"
[[look]]
command = "ls"

[[correct]]
command = "ls"
[[correct.edit]]
path = "a"
content = "x\n"

[[correct]]

[[correct]]
[[correct.edit]]
path = "../a"
content = "x\n"
[[correct.edit]]
path = "a"
content = "no line break"
[[correct.edit]]
path = "a"
search = "two\n"
[[correct.edit]]
path = "a"
search = "two\n"
replace = "=======\n"
[[correct.edit]]
path = "a"
search = "ne\n"
replace = ""
[[correct.edit]]
path = "unknown"
search = "anything\n"
replace = ""

[[wrong]]
[[wrong.edit]]
path = "a"
search = "one\n"
replace = "three\n"
"#;
    let starting = |path: &str| (path == "a").then(|| "one\ntwo\ntwo\n".to_owned());
    let error = Simulation::parse("simulation.toml", text, starting).unwrap_err();
    let shown: Vec<_> =
        error.faults().iter().map(|fault| format!("{}: {}", fault.line(), fault.message())).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_rewritten_file_keeps_what_it_replaces() {
    let text = "[[look]]\ncommand = 'ls'\n[[correct]]\ncommand = 'true'\n\
        [[wrong]]\n[[wrong.edit]]\npath = 'a'\ncontent = \"new\\n\"\n[[wrong.edit]]\npath = 'b'\ncontent = \"new\\n\"\n";
    let starting = |path: &str| (path == "a").then(|| "old\n".to_owned());
    let simulation = Simulation::parse("simulation.toml", text, starting).unwrap();
    let SimulationStep::Edits(edits) = &simulation.wrong[0] else { panic!("{simulation:?}") };
    let before: Vec<_> = edits
        .iter()
        .map(|edit| match &edit.change {
            FileChange::Write { before, .. } => before.as_deref(),
            FileChange::Replace { .. } => panic!("{edit:?}"),
        })
        .collect();
    assert_eq!(before, [Some("old\n"), None]);
}

fn stop_error(stop: &str) -> String {
    rendered(&experiment_error(&format!("{GOOD}\n[stop]\n{stop}\n")))
}

#[test]
fn a_stopping_rule_gets_its_defaults_and_survives_being_written() {
    let (experiment, _) =
        Experiment::parse("demo.toml", &format!("{GOOD}\n[stop]\nhalf_width = 0.05\n")).unwrap();
    let stop = experiment.stop.as_ref().unwrap();
    assert_eq!((stop.half_width, stop.min_rounds, stop.look_every), (Some(0.05), 2, 1));
    let text = serde_json::to_string(&experiment).unwrap();
    assert_eq!(serde_json::from_str::<Experiment>(&text).unwrap(), experiment);
}

#[test]
fn a_stopping_rule_that_cannot_stop_anything_is_refused_where_it_stands() {
    for (stop, said) in [
        ("min_rounds = 2", "does not say when to stop"),
        ("half_width = 0.1\nmargin = 0.1", "`stop.margin` needs a baseline"),
        ("half_width = 0.1\nmin_rounds = 4", "`stop.min_rounds` is 4, and there are at most 3 rounds"),
        ("half_width = 0.5", "it must be less than 0.5"),
        ("half_width = 0.0", "it must be greater than 0"),
        ("threshold = 1.0", "it must be less than 1"),
        ("threshold = 0.5\nlevel = 95.0", "it must be less than 1"),
        ("half_widht = 0.1", "did you mean `half_width`?"),
        ("baseline = 3", "must be a string"),
    ] {
        let text = stop_error(stop);
        assert!(text.contains(said), "{stop}:\n{text}");
    }
}
