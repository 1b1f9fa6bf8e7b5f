//! The same steps in a shell, for GitLab and elsewhere, and what the documentation and `retrial init` say of them.

use std::process::{Command, Stdio};

use crate::github::{Action, path_with_the_command};
use crate::service::Service;
use crate::support::{self, Ran};

/// Runs `ci/all.sh` as GitLab or a person would.
fn in_a_shell(service: &Service, env: &[(&str, &str)]) -> Ran {
    let mut command = Command::new("bash");
    command.arg(service.checkout.join("ci/all.sh")).current_dir(&service.root).stdin(Stdio::null());
    command.env("PATH", path_with_the_command()).env("INPUT_RETRIAL", "path").envs(env.iter().copied());
    command
        .env("XDG_RUNTIME_DIR", service.place.join("runtime"))
        .env("TMPDIR", service.place.join("runtime"));
    Ran::from(command.output().expect("bash starts"))
}

#[test]
fn the_same_steps_do_in_a_shell_what_the_action_does() {
    let service = Service::new();
    let ran =
        in_a_shell(&service, &[("INPUT_TRIALS", "1"), ("GITLAB_CI", "true"), ("INPUT_COMMENT", "true")])
            .expect(0);
    assert!(ran.stdout.contains("no comment: this job does not run for a merge request"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("decision: no_baseline, exit code 0\n"), "{}", ran.stdout);
    for path in ["summary.md", "comment.md", "badge.json", "badge.svg", "report/junit.xml", "run/run.json"] {
        assert!(service.root.join("retrial-out").join(path).is_file(), "{path}");
    }
    // A second run into the same directory would mix two runs.
    let ran = in_a_shell(&service, &[("INPUT_TRIALS", "1")]).expect(2);
    assert!(ran.stderr.contains("`retrial-out/run` is there already"), "{}", ran.stderr);
}

/// The blocks of `docs/ci.md` that are marked to be run.
fn blocks() -> Vec<String> {
    let page = fs_err::read_to_string(support::tasks_dir().with_file_name("docs/ci.md")).expect("a page");
    let marked = page.split("<!-- run -->\n```sh\n").skip(1);
    marked.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_commands_of_the_documentation_are_those_that_init_prints_and_work_as_they_stand() {
    let service = Service::new();
    let printed = service.place.run(&["init", "service", "--ci", "github"]).expect(0).stdout;
    let blocks = blocks();
    let [commands, shell] = &blocks[..] else { panic!("{blocks:?}") };
    assert_eq!(*commands, printed);
    let mut command = Command::new("bash");
    command.args(["-e", "-c", shell]).current_dir(&service.root).env("PATH", path_with_the_command());
    command.env("RETRIAL_SOURCES", &service.checkout).env("INPUT_TRIALS", "1");
    command
        .env("XDG_RUNTIME_DIR", service.place.join("runtime"))
        .env("TMPDIR", service.place.join("runtime"));
    let ran = Ran::from(command.output().expect("bash starts")).expect(0);
    assert!(ran.stdout.contains("holds: retrial"), "{}", ran.stdout);
}

#[test]
fn the_workflow_that_init_writes_uses_inputs_that_the_action_has() {
    let service = Service::new();
    let action = Action::read(&service.checkout);
    let read =
        |path: &str| -> serde_json::Value { serde_saphyr::from_str(&service.text(path)).expect("YAML") };
    let workflow = read(".github/workflows/retrial.yml");
    let steps = workflow["jobs"]["reliability"]["steps"].as_array().expect("steps").clone();
    let with = &steps.last().expect("a step")["with"];
    assert_eq!(steps.last().unwrap()["uses"], "./.retrial");
    // A change from a fork has neither variables nor secrets: where the sources are stands in the file itself, for a person to fill in, and the
    // release is the one of the command that wrote it.
    let text = service.text(".github/workflows/retrial.yml");
    assert!(!text.contains("vars."), "{text}");
    let env = &workflow["jobs"]["reliability"]["env"];
    assert_eq!(env["RETRIAL_REPOSITORY"], "");
    assert_eq!(env["RETRIAL_REF"], concat!("v", env!("CARGO_PKG_VERSION")));
    let [missing, sources] = &steps[1..3] else { panic!("{text}") };
    assert_eq!(missing["if"], "env.RETRIAL_REPOSITORY == ''");
    let told = Command::new("bash").args(["-e", "-c", missing["run"].as_str().expect("a script")]).output();
    let told = Ran::from(told.expect("bash starts")).expect(1);
    assert!(told.stdout.contains("as RETRIAL_REPOSITORY"), "{}", told.stdout);
    assert_eq!(sources["with"]["repository"], "${{ env.RETRIAL_REPOSITORY }}");
    assert_eq!(sources["with"]["ref"], "${{ env.RETRIAL_REF }}");
    for name in with.as_object().expect("inputs").keys() {
        assert!(action.inputs.contains_key(name), "{name}");
    }
    service.place.run(&["init", "service", "--force", "--action", "me/retrial@v1"]).expect(0);
    let workflow = read(".github/workflows/retrial.yml");
    assert_eq!(workflow["jobs"]["reliability"]["steps"][1]["uses"], "me/retrial@v1");
    assert!(workflow["jobs"]["reliability"]["env"].is_null());
    service.place.run(&["init", "service", "--force", "--ci", "gitlab"]).expect(0);
    let job = read("retrial/gitlab-ci.yml");
    assert!(job["retrial"]["script"][1].as_str().expect("a line").contains("ci/all.sh"));
    // A red gate builds nothing again.
    assert_eq!(job["retrial"]["cache"]["when"], "always");
    assert_eq!(read(".gitlab-ci.yml")["include"][0]["local"], "retrial/gitlab-ci.yml");
}
