//! What `retrial init` makes of a repository's git, tasks and files.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::runs::validate;
use crate::support::{self, Place, Ran};
use crate::{files, found, git, init, paths, repository};

#[test]
fn what_the_repository_shows_is_used() {
    let place = repository();
    place.write("service/Cargo.toml", "");
    place.write("service/CLAUDE.md", "");
    place.write("service/.gitignore", "/target");
    place.write("service/sub/dir/file", "");
    git(
        &place,
        &["-C", "service", "remote", "add", "origin", "https://me:hidden-word@gitlab.example.com/a/b.git"],
    );
    let shown = place.run(&["init", "service/sub/dir", "--json"]).expect(0).stdout;
    assert!(!shown.contains("hidden-word"));
    let printed = validate("init.schema.json", &shown);
    assert!(printed["root"].as_str().unwrap().ends_with("/service"));
    assert_eq!(printed["found"]["default_branch"], "trunk");
    assert_eq!(printed["found"]["ci"], "gitlab");
    assert_eq!(printed["found"]["languages"][0], "Rust");
    assert_eq!(printed["found"]["agents"][0]["recipe"], "claude-code");
    assert!(paths(&printed).contains(&".gitlab-ci.yml"));
    let text = |path: &str| fs_err::read_to_string(place.join("service").join(path)).unwrap();
    assert!(text(".gitignore").starts_with("/target\n/retrial/results/\n"));
    assert!(text("retrial/experiment.toml").contains("# recipe = \"claude-code\""));
    assert!(text("retrial/experiment.toml").contains("FROM rust:1-bookworm"));
}

#[test]
fn tasks_of_the_repository_take_the_place_of_the_example_where_simulated_models_can_do_them() {
    let place = repository();
    copy_task(&place, "fix-torn-tail", "bench/one");
    let two = copy_task(&place, "add-time-summary", "bench/two");
    place.write("service/vendor/task.toml", "x = ");
    let printed = found(&place, &["--ci", "none"]);
    assert_eq!(printed["found"]["tasks"], serde_json::json!(["bench/one", "bench/two"]));
    assert_eq!(printed["found"]["unusable_tasks"][0]["path"], "vendor");
    let experiment = place.join("service/retrial/experiment.toml");
    assert!(fs_err::read_to_string(&experiment).unwrap().contains("tasks = [\"../bench/*\"]"));
    assert!(!place.join("service/retrial/tasks").exists());
    place.run(&["run", "service/retrial/experiment.toml", "--dry-run"]).expect(0);
    // One that no simulated model can do: the example comes back, so that something can be run at once.
    fs_err::remove_file(two.join("simulation.toml")).unwrap();
    found(&place, &["--ci", "none", "--force"]);
    let text = fs_err::read_to_string(&experiment).unwrap();
    assert!(
        text.contains("tasks = [\"tasks/*\"]\n") && text.contains("# tasks = [\"../bench/*\"]\n"),
        "{text}"
    );
    place.run(&["run", "service/retrial/experiment.toml", "--dry-run"]).expect(0);
}

/// Copies tasks of the project into the repository.
fn copy_task(place: &Place, from: &str, to: &str) -> PathBuf {
    let to = place.join("service").join(to);
    fs_err::create_dir_all(to.parent().expect("a parent")).expect("a directory");
    let copied = Command::new("cp").arg("-r").arg(support::tasks_dir().join(from)).arg(&to).status();
    assert!(copied.expect("cp starts").success());
    to
}

/// The tasks that the experiment names, and those that a run of it would have.
fn tasks_of(place: &Place) -> (Value, Vec<String>) {
    let text = fs_err::read_to_string(place.join("service/retrial/experiment.toml")).expect("an experiment");
    let line = text.lines().find_map(|line| line.strip_prefix("tasks = ")).expect("tasks");
    let planned = place.run(&["run", "service/retrial/experiment.toml", "--dry-run", "--json"]).expect(0);
    let planned = validate("plan.schema.json", &planned.stdout);
    let names = planned["tasks"].as_array().expect("tasks").iter();
    let names = names.map(|task| task["name"].as_str().expect("a name").to_owned()).collect();
    (serde_json::from_str(line).expect("an array"), names)
}

#[test]
fn a_task_that_cannot_be_used_is_not_in_the_experiment_and_neither_is_what_lies_deeper() {
    let place = repository();
    copy_task(&place, "fix-torn-tail", "bench/one");
    copy_task(&place, "add-time-summary", "bench/two");
    place.write("service/bench/broken/task.toml", "x = ");
    let printed = found(&place, &["--ci", "none"]);
    assert_eq!(printed["found"]["unusable_tasks"][0]["path"], "bench/broken");
    let (named, planned) = tasks_of(&place);
    assert_eq!(named, serde_json::json!(["../bench/one", "../bench/two"]));
    assert_eq!(planned, ["one", "two"]);

    // A pattern would take these in too.
    fs_err::remove_dir_all(place.join("service/bench/broken")).unwrap();
    place.write("service/.gitignore", "/bench/set/\n");
    copy_task(&place, "test-lease-manager", "bench/set/three");
    found(&place, &["--ci", "none", "--force"]);
    assert_eq!(tasks_of(&place).1, ["one", "two"]);
}

#[test]
fn of_tasks_with_one_name_the_first_is_measured_and_the_others_are_told() {
    let place = repository();
    copy_task(&place, "fix-torn-tail", "x/one");
    copy_task(&place, "add-time-summary", "y/one");
    let printed = found(&place, &["--ci", "none"]);
    assert_eq!(printed["found"]["tasks"], serde_json::json!(["x/one"]));
    assert_eq!(printed["found"]["unusable_tasks"][0]["path"], "y/one");
    let reason = printed["found"]["unusable_tasks"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("`x/one` has the same name"), "{reason}");
    assert_eq!(tasks_of(&place), (serde_json::json!(["../x/one"]), vec!["one".to_owned()]));
    assert!(init(&place, &["--ci", "none"]).expect(0).stderr.contains("left out   y/one: "));
}

#[test]
fn names_that_would_be_patterns_are_taken_as_they_are() {
    let place = repository();
    copy_task(&place, "fix-torn-tail", "a[x]/one");
    copy_task(&place, "add-time-summary", "ax/two");
    found(&place, &["--ci", "none"]);
    assert_eq!(tasks_of(&place).1, ["one", "two"]);
    // Also where the repository itself has such a name.
    fs_err::rename(place.join("service"), place.join("s[x]")).unwrap();
    place.run(&["init", "s[x]", "--ci", "none", "--force"]).expect(0);
    place.run(&["run", "s[x]/retrial/experiment.toml", "--dry-run"]).expect(0);
}

#[test]
fn a_broken_task_beside_the_example_is_left_alone() {
    let place = repository();
    place.write("service/retrial/tasks/mine/task.toml", "x = ");
    found(&place, &["--ci", "none"]);
    let (named, planned) = tasks_of(&place);
    assert_eq!((named, planned.len()), (serde_json::json!(["tasks/parse-durations"]), 1));
}

#[test]
fn a_repository_that_git_refuses_is_refused_with_the_words_of_git() {
    let place = repository();
    git(&place, &["init", "--quiet", "--bare", "bare.git"]);
    for directory in ["bare.git", "service/.git", "service/.git/refs"] {
        let before = files(&place.join(directory));
        let refused = place.run(&["init", directory]).expect(2);
        assert!(refused.stderr.contains("nothing was written, because git refuses"), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: name a directory of a work tree"), "{}", refused.stderr);
        assert_eq!(files(&place.join(directory)), before);
    }
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let other = Some(nix::unistd::Uid::from_raw(65534));
    nix::unistd::chown(&place.join("service"), other, None).unwrap();
    nix::unistd::chown(&place.join("service/.git"), other, None).unwrap();
    let mut command = place.command(&["init", "service"]);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let refused = Ran::from(command.output().unwrap()).expect(2);
    assert!(refused.stderr.contains("dubious ownership"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--add safe.directory"), "{}", refused.stderr);
    assert!(!place.join("service/retrial").exists());
}

#[test]
fn the_default_branch_is_what_the_remote_says_or_a_guess_that_is_told() {
    let place = repository();
    let commit =
        ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--allow-empty", "-m", "x"];
    git(&place, &[&["-C", "service"], &commit[..]].concat());
    git(&place, &["-C", "service", "branch", "master"]);
    git(&place, &["-C", "service", "checkout", "--quiet", "-b", "change"]);
    let branch = |args: &[&str]| {
        let printed = found(&place, args);
        let said = (&printed["found"]["default_branch"], &printed["found"]["default_branch_is_guess"]);
        (said.0.as_str().unwrap().to_owned(), said.1.as_bool().unwrap(), printed["left"].to_string())
    };
    // Not the branch of the change, and of the usual names the first that there is.
    let (name, is_guess, left) = branch(&["--ci", "github"]);
    assert_eq!((name.as_str(), is_guess), ("master", true));
    assert!(left.contains("see that `master` is the branch"), "{left}");
    assert!(init(&place, &["--ci", "github"]).expect(0).stderr.contains("master (a guess"));
    git(&place, &["-C", "service", "config", "init.defaultBranch", "trunk"]);
    assert_eq!(branch(&["--force", "--ci", "github"]).0, "trunk");
    // The only remote says so, whatever it is called.
    git(&place, &["-C", "service", "remote", "add", "upstream", "https://gitlab.example.com/a/b.git"]);
    git(&place, &["-C", "service", "update-ref", "refs/remotes/upstream/release/2", "HEAD"]);
    let head = ["symbolic-ref", "refs/remotes/upstream/HEAD", "refs/remotes/upstream/release/2"];
    git(&place, &[&["-C", "service"], &head[..]].concat());
    let (name, is_guess, left) = branch(&["--force", "--ci", "github"]);
    assert_eq!((name.as_str(), is_guess), ("release/2", false));
    assert!(!left.contains("see that"), "{left}");
    let workflow = fs_err::read_to_string(place.join("service/.github/workflows/retrial.yml")).unwrap();
    assert!(workflow.contains("branches: [\"release/2\"]"), "{workflow}");
    assert_eq!(found(&place, &["--ci", "none"])["found"]["ci"], "gitlab");
}
