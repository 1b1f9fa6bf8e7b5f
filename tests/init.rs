//! `retrial init` as a user meets it.

#[path = "support/runs.rs"]
mod runs;
#[path = "init/repository.rs"]
mod shown;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use runs::validate;
use serde_json::Value;
use support::{Place, Ran};

/// Variables that hold keys of providers, which the machine of the test may have.
const KEYS: [&str; 6] = [
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "OPENROUTER_API_KEY",
    "DEEPSEEK_API_KEY",
    "MISTRAL_API_KEY",
    "DASHSCOPE_API_KEY",
];

/// A place with an empty git repository in `service`, whose branch is `trunk`.
fn repository() -> Place {
    let place = Place::new();
    git(&place, &["init", "--quiet", "--initial-branch", "trunk", "service"]);
    place
}

#[track_caller]
fn git(place: &Place, args: &[&str]) {
    let output = Command::new("git").args(args).current_dir(place.path()).output().expect("git starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn init_with(place: &Place, args: &[&str], keys: &[(&str, &str)]) -> Ran {
    let mut command = place.command(&[&["init", "service"], args].concat());
    for key in KEYS {
        command.env_remove(key);
    }
    Ran::from(command.envs(keys.iter().copied()).output().expect("the command starts"))
}

fn init(place: &Place, args: &[&str]) -> Ran {
    init_with(place, args, &[])
}

fn found(place: &Place, args: &[&str]) -> Value {
    let printed = init(place, &[args, &["--json"]].concat()).expect(0).stdout;
    validate("init.schema.json", &printed)
}

fn paths(printed: &Value) -> Vec<&str> {
    printed["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| file["path"].as_str().expect("a path"))
        .collect()
}

/// Runs a line as a person would, in a shell at the root of the repository, with the command on the path.
fn shell(place: &Place, line: &str) -> Ran {
    let programs = Path::new(env!("CARGO_BIN_EXE_retrial")).parent().expect("a directory");
    let path = std::env::var_os("PATH").expect("a path");
    let path = std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&path)));
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(place.join("service")).stdin(Stdio::null());
    command.env("PATH", path.expect("a path")).env("NO_COLOR", "1");
    command.env("XDG_RUNTIME_DIR", place.join("runtime")).env("TMPDIR", place.join("runtime"));
    let output: Output = command.output().expect("bash starts");
    Ran::from(output)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true if path.ends_with(".git") => {}
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

#[test]
fn the_commands_that_init_prints_for_an_empty_repository_lead_to_a_scorecard_and_a_decision() {
    let place = repository();
    let printed = init(&place, &[]).expect(0);
    let lines: Vec<&str> = printed.stdout.lines().collect();
    let [run, report, again, gate, keep] = lines[..] else { panic!("{}", printed.stdout) };
    let ran = shell(&place, run).expect(0);
    assert!(ran.stdout.contains("success rate"), "{}", ran.stdout);
    shell(&place, report).expect(0);
    let page = place.join("service/retrial/results/baseline/report/report.md");
    assert!(fs_err::read_to_string(page).unwrap().contains("agent"));
    shell(&place, again).expect(0);
    let decided = shell(&place, gate).expect(0);
    assert!(!decided.stdout.is_empty());
    shell(&place, keep).expect(0);
    // What is committed as the baseline is enough to compare with.
    shell(&place, &gate.replace("retrial/results/baseline", "retrial/baseline")).expect(0);
    // Nothing of a run is left to be committed but the baseline.
    let status = shell(&place, "git status --porcelain --untracked-files=all").expect(0).stdout;
    assert!(!status.contains("retrial/results"), "{status}");
    assert!(status.contains("?? retrial/baseline/") && status.contains("/run.json"), "{status}");
}

#[test]
fn the_example_task_is_admitted() {
    let place = repository();
    init(&place, &[]).expect(0);
    let checked =
        place.run(&["task", "check", "service/retrial/tasks/parse-durations", "--sandbox", "namespace"]);
    let checked = checked.expect(0);
    assert!(checked.stdout.contains("oracle passed 3/3, doing nothing failed 3/3"), "{}", checked.stdout);
}

#[test]
fn both_end_states_of_the_example_look_right_and_one_is() {
    let place = repository();
    init(&place, &[]).expect(0);
    let args = ["run", "service/retrial/experiment.toml", "--trials", "12", "--seed", "3", "--out", "run"];
    place.run(&args).expect(0);
    let records = support::records(&place.join("run"));
    let passed = records.iter().filter(|record| record.verdict.passed() == Some(true)).count();
    let failed = records.iter().filter(|record| record.verdict.passed() == Some(false)).count();
    assert_eq!(passed + failed, 12);
    assert!(passed > 0 && failed > 0, "{passed} passed, {failed} failed");
}

#[test]
fn a_file_in_the_way_leaves_everything_as_it_was_until_force_is_given() {
    let place = repository();
    place.write("service/retrial-gate.toml", "mine\n");
    let before = files(&place.join("service"));
    let refused = init(&place, &[]).expect(2);
    assert!(refused.stderr.contains("`retrial-gate.toml`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: `--force`"), "{}", refused.stderr);
    assert_eq!(files(&place.join("service")), before);
    let forced = found(&place, &["--force"]);
    let replaced: Vec<&Value> = forced["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["done"] == "replaced")
        .map(|file| &file["path"])
        .collect();
    assert_eq!(replaced, ["retrial-gate.toml"]);
    // What it wrote itself is in nobody's way.
    assert!(found(&place, &[])["files"].as_array().unwrap().iter().all(|file| file["done"] == "kept"));
}

#[test]
fn a_job_of_gitlab_stands_beside_a_configuration_that_is_there() {
    let place = repository();
    place.write("service/.gitlab-ci.yml", "stages: [test]\n");
    let printed = found(&place, &[]);
    assert!(paths(&printed).contains(&"retrial/gitlab-ci.yml"));
    assert_eq!(fs_err::read_to_string(place.join("service/.gitlab-ci.yml")).unwrap(), "stages: [test]\n");
    assert!(printed["left"][0].as_str().unwrap().contains("- local: retrial/gitlab-ci.yml"));
    // Once the line is there, nothing is left to be said of it.
    place.write("service/.gitlab-ci.yml", "include:\n  - local: retrial/gitlab-ci.yml\n");
    assert!(!found(&place, &[])["left"].to_string().contains("- local"));
}

#[test]
fn no_file_for_ci_is_written_where_none_is_wanted() {
    let place = repository();
    let printed = found(&place, &["--ci", "none"]);
    assert!(!paths(&printed).iter().any(|path| path.contains("gitlab") || path.contains(".github")));
}

#[test]
fn a_key_is_named_and_its_value_never_shown() {
    let place = repository();
    let secret = "sk-this-must-not-appear";
    let ran = init_with(&place, &[], &[("ANTHROPIC_API_KEY", secret)]).expect(0);
    assert!(ran.stderr.contains("ANTHROPIC_API_KEY"), "{}", ran.stderr);
    let mut all = ran.stdout + &ran.stderr;
    for file in files(&place.join("service")) {
        all += &fs_err::read_to_string(file).unwrap();
    }
    assert!(!all.contains(secret));
    // No place of a template is left to be filled.
    let is_place = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    assert!(!all.split('@').any(is_place), "{all}");
    assert!(all.contains("#   ANTHROPIC_API_KEY: ${{ secrets.ANTHROPIC_API_KEY }}"));
    assert!(all.contains("# key_env = \"ANTHROPIC_API_KEY\""));
}

#[test]
fn the_block_for_a_real_model_is_right_once_its_marks_are_taken_away() {
    let place = repository();
    place.write("service/opencode.json", "{}");
    init_with(&place, &[], &[("ANTHROPIC_API_KEY", "x")]).expect(0);
    let path = place.join("service/retrial/experiment.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    let (before, block) = text.split_once("[[agents]]").unwrap();
    let (_, block) = block.split_once("# [[models]]").unwrap();
    let block: String = block
        .lines()
        .filter(|line| line.contains(" = ") || line.contains('['))
        .map(|line| line.trim_start_matches("# ").to_owned() + "\n")
        .collect();
    fs_err::write(&path, format!("{before}\n[[models]]\n{block}")).unwrap();
    let planned = place.run(&["run", "service/retrial/experiment.toml", "--dry-run", "--json"]).expect(0);
    let planned = validate("plan.schema.json", &planned.stdout);
    assert_eq!(planned["agents"][0]["recipe"], "opencode");
    assert_eq!(planned["keys"][0]["variable"], "ANTHROPIC_API_KEY");
    assert!(block.contains("protocol = \"anthropic_messages\""), "{block}");
}

#[test]
fn a_directory_outside_of_git_gets_its_files_and_hears_of_it() {
    let place = Place::new();
    fs_err::create_dir(place.join("service")).unwrap();
    let ran = init(&place, &[]).expect(0);
    assert!(ran.stderr.contains("this is no git repository"), "{}", ran.stderr);
    assert!(place.join("service/retrial/experiment.toml").is_file());
    let ran = place.run(&["init", "nowhere"]).expect(2);
    assert!(ran.stderr.contains("cannot look at `nowhere`"), "{}", ran.stderr);
    let ran = place.run(&["init", "--action", "me/mine@$(x)"]).expect(2);
    assert!(ran.stderr.contains("OWNER/REPO@REF"), "{}", ran.stderr);
}

#[test]
fn a_configuration_of_gitlab_that_cannot_be_read_is_not_replaced() {
    let place = repository();
    let path = place.join("service/.gitlab-ci.yml");
    fs_err::write(&path, b"# caf\xe9\nstages: [test]\n").unwrap();
    let printed = found(&place, &["--ci", "gitlab", "--force"]);
    assert!(printed["left"][0].as_str().unwrap().contains("- local: retrial/gitlab-ci.yml"));
    assert_eq!(fs_err::read(&path).unwrap(), b"# caf\xe9\nstages: [test]\n");
    fs_err::remove_file(&path).unwrap();
    fs_err::create_dir(&path).unwrap();
    let refused = init(&place, &["--ci", "gitlab", "--force"]).expect(2);
    assert!(refused.stderr.contains("error: nothing was written, because a file could not be read"));
}

#[test]
fn where_nothing_can_be_written_it_says_so_and_ends_with_5() {
    let refused = Place::new().run(&["init", "/proc", "--ci", "none"]).expect(5);
    assert!(refused.stderr.starts_with("error: nothing was written\n  caused by: "), "{}", refused.stderr);
}

#[test]
fn every_margin_that_the_policy_mentions_can_be_used() {
    let place = repository();
    init(&place, &[]).expect(0);
    let text = fs_err::read_to_string(place.join("service/retrial-gate.toml")).unwrap();
    let used = |line: &str| match line.strip_prefix("# ") {
        Some(margin) if margin.contains(" = ") => format!("{margin}\n"),
        _ => format!("{line}\n"),
    };
    let all: String = text.lines().map(used).collect();
    let policy = retrial_spec::GatePolicy::parse("retrial-gate.toml", &all).expect("a policy");
    assert_ne!(policy, retrial_spec::GatePolicy::parse("retrial-gate.toml", &text).expect("a policy"));
}
