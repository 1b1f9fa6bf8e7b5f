//! The action for GitHub, step by step in a shell on a fresh clone, and the same steps for GitLab and elsewhere.

#[path = "support/github.rs"]
mod github;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use github::{Action, Done, Job, clone, path_with_the_command};
use support::{Place, Ran};

/// A service that `retrial init` has been run for, beside a clone of the action.
struct Service {
    place: Place,
    checkout: PathBuf,
    root: PathBuf,
}

impl Service {
    fn new() -> Self {
        let place = Place::new();
        let root = place.join("service");
        let git = Command::new("git").args(["init", "--quiet"]).arg(&root).status().expect("git starts");
        assert!(git.success());
        place.run(&["init", "service", "--ci", "github"]).expect(0);
        let checkout = clone(&place);
        Self { place, checkout, root }
    }

    /// Has the experiment measure another model, so often, with this seed.
    fn measure(&self, model: &str, trials: u32, seed: u64) {
        let path = self.root.join("retrial/experiment.toml");
        let text = fs_err::read_to_string(&path).expect("an experiment");
        let lines = text.lines().map(|line| match line.split_once(" = ") {
            Some(("trials", _)) => format!("trials = {trials}\n"),
            Some(("seed", _)) => format!("seed = {seed}\n"),
            Some(("model", _)) => format!("model = \"{model}\"\n"),
            _ => format!("{line}\n"),
        });
        fs_err::write(&path, lines.collect::<String>()).expect("an experiment");
    }

    fn job(&self, inputs: &[(&'static str, &str)], env: &[(&'static str, String)]) -> Done {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        let mut inputs: Vec<(&str, String)> = inputs.iter().map(owned).collect();
        inputs.push(("retrial", "path".to_owned()));
        let env = env.to_vec();
        Job { place: &self.place, checkout: &self.checkout, workspace: &self.root, inputs, env }.run()
    }

    fn text(&self, path: &str) -> String {
        fs_err::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A variable with the path of an event in which a pull request comes from this repository.
    fn event(&self, head: &str) -> Vec<(&'static str, String)> {
        let event = serde_json::json!({
            "pull_request": {"number": 7, "head": {"repo": {"full_name": head}}, "title": "$(touch pwned) `touch pwned`"},
        });
        let path = self.place.write("event.json", &event.to_string());
        let path = path.display().to_string();
        vec![("GITHUB_EVENT_NAME", "pull_request".to_owned()), ("GITHUB_EVENT_PATH", path)]
    }

    /// Has the experiment need a key that nobody has.
    fn needs_a_key(&self) {
        let path = self.root.join("retrial/experiment.toml");
        let text = fs_err::read_to_string(&path).expect("an experiment");
        let text = text.replace("model = \"simulated/steady\"", "model = \"real\"")
            + "\n[[models]]\nname = \"real\"\nbase_url = \"https://model.invalid/v1\"\nmodel = \"m\"\nkey_env = \"NO_SUCH_KEY\"\n";
        fs_err::write(&path, text).expect("an experiment");
    }
}

#[test]
fn the_steps_of_the_action_leave_summary_comment_badge_junit_and_what_is_published() {
    let service = Service::new();
    let done = service.job(&[("publish", "public")], &[]);
    assert_eq!(done.code, 0, "{}", done.log);
    assert_eq!(done.outputs["decision"], "no_baseline");
    assert!(done.ran.contains(&"Keep everything".to_owned()));

    assert!(done.summary.starts_with("**No baseline yet.**"), "{}", done.summary);
    assert!(done.summary.contains("`agent`"), "{}", done.summary);
    let comment = service.text(&done.outputs["comment"]);
    assert!(
        comment.starts_with("<!-- retrial: retrial/experiment.toml -->\n**No baseline yet.**"),
        "{comment}"
    );
    assert!(comment.contains(done.summary.trim_end()));
    assert!(done.log.contains("no comment: this job does not run for a pull request"), "{}", done.log);

    let badge: serde_json::Value = serde_json::from_str(&service.text(&done.outputs["badge"])).expect("JSON");
    assert_eq!((&badge["schemaVersion"], &badge["label"]), (&1.into(), &"reliability".into()));
    assert_eq!(badge["message"], done.outputs["success"]);
    assert!(done.outputs["success"].contains('%'));
    assert!(service.text("retrial-out/badge.svg").starts_with("<svg"));
    assert!(service.text("retrial-out/report/junit.xml").contains("<testcase"));
    assert!(service.text(&done.outputs["report"]).starts_with("<!DOCTYPE html>"));

    // What is published can be checked by anybody, and its records can be the next baseline.
    service.place.run(&["verify", "service/public/report.json", "service/public/run"]).expect(0);
    let kept = service.root.join("retrial-out/baseline");
    let kept: Vec<_> = fs_err::read_dir(kept).expect("a baseline").map(|one| one.unwrap().path()).collect();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    service.place.run(&["score", &kept.display().to_string()]).expect(0);
}

#[test]
fn a_run_worse_than_its_baseline_ends_with_1_where_it_is_enforced_and_with_0_where_it_is_reported() {
    let service = Service::new();
    service.measure("simulated/steady", 24, 5);
    let first = service.job(&[], &[]);
    assert_eq!(first.code, 0, "{}", first.log);
    fs_err::create_dir_all(service.root.join("retrial")).unwrap();
    fs_err::rename(service.root.join("retrial-out/baseline"), service.root.join("retrial/baseline")).unwrap();
    fs_err::remove_dir_all(service.root.join("retrial-out")).unwrap();

    service.measure("simulated/flaky", 24, 9);
    let inputs = [("policy", "retrial-gate.toml"), ("mode", "enforce"), ("out", "enforced")];
    let enforced = service.job(&inputs, &[]);
    assert_eq!(enforced.code, 1, "{}", enforced.log);
    assert_eq!(enforced.outputs["decision"], "fail");
    // What tells of it is there all the same, and is kept before the job fails.
    let gate = service.text("enforced/gate/gate.md");
    assert!(
        !gate.is_empty() && enforced.summary.starts_with(gate.lines().next().unwrap()),
        "{}",
        enforced.summary
    );
    assert!(service.text(&enforced.outputs["comment"]).contains(gate.lines().next().unwrap()));
    assert!(service.text("enforced/gate/gate.junit.xml").contains("<failure"), "{}", enforced.log);
    let last: Vec<&str> = enforced.ran.iter().rev().take(2).map(String::as_str).collect();
    assert_eq!(last, ["Decide", "Keep everything"]);
    // It does not become the next baseline.
    assert!(!service.root.join("enforced/baseline").exists());

    let reported = service.job(&[("policy", "retrial-gate.toml"), ("out", "reported")], &[]);
    assert_eq!(reported.code, 0, "{}", reported.log);
    assert_eq!(reported.outputs["decision"], "fail");
}

#[test]
fn a_change_from_a_fork_without_keys_is_not_measured_and_says_so() {
    let service = Service::new();
    service.needs_a_key();
    let done = service.job(&[], &service.event("them/service"));
    assert_eq!(done.code, 0, "{}", done.log);
    assert_eq!(done.outputs["decision"], "not_measured");
    assert!(done.summary.contains("no access to the keys"), "{}", done.summary);
    assert!(!service.root.join("retrial-out/run").exists());

    // What runs instead is told apart from a measurement.
    let fallback =
        service.text("retrial/experiment.toml").replace("model = \"real\"", "model = \"simulated/steady\"");
    fs_err::write(service.root.join("retrial/simulated.toml"), fallback).unwrap();
    let inputs = [("fallback", "retrial/simulated.toml"), ("trials", "1"), ("out", "again")];
    let done = service.job(&inputs, &service.event("them/service"));
    assert_eq!((done.code, done.outputs["decision"].as_str()), (0, "not_measured"), "{}", done.log);
    assert!(done.summary.contains("nothing of the agent"), "{}", done.summary);
    assert!(service.root.join("again/run/run.json").exists());
    assert!(!service.root.join("again/baseline").exists());
}

#[test]
fn a_missing_key_of_ones_own_is_an_error_that_names_it() {
    let service = Service::new();
    service.needs_a_key();
    let done = service.job(&[], &service.event("me/service"));
    assert_eq!(done.code, 2, "{}", done.log);
    assert!(
        done.log.contains("::error::the experiment needs NO_SUCH_KEY in the environment"),
        "{}",
        done.log
    );
    assert_eq!(done.outputs["decision"], "not_run");
    assert!(done.summary.starts_with("**Not run.** The run ended with exit code 2"), "{}", done.summary);
    assert!(done.ran.contains(&"Keep everything".to_owned()));
    assert!(!done.ran.contains(&"Decide".to_owned()));
}

#[test]
fn texts_of_a_change_are_never_run_and_cannot_add_outputs() {
    let service = Service::new();
    let hostile = "retrial/$(touch pwned)`touch pwned`\"; touch pwned; \".toml";
    let mut env = service.event("me/service");
    env.push(("GITHUB_HEAD_REF", "$(touch pwned)".to_owned()));
    let inputs = [("experiment", hostile), ("agent", "x\ndecision=pass"), ("trials", "1; touch pwned")];
    let done = service.job(&inputs, &env);
    assert_eq!(done.code, 2, "{}", done.log);
    assert_eq!(done.outputs["decision"], "not_run");
    let left = |directory: &Path| {
        fs_err::read_dir(directory).unwrap().flatten().any(|one| one.file_name() == "pwned")
    };
    assert!(!left(&service.root) && !left(&service.checkout));
    let comment = service.text(&done.outputs["comment"]);
    assert!(
        comment.starts_with("<!-- retrial: retrial/touchpwnedtouchpwnedtouchpwned.toml -->\n"),
        "{comment}"
    );
    // No expression stands in a script's text.
    for step in Action::read(&service.checkout).runs.steps {
        assert!(step.run.is_none_or(|run| !run.contains("${{")), "{}", step.name);
    }
}

#[test]
fn a_comment_is_put_once_and_then_replaced() {
    let service = Service::new();
    let body = service.place.write("body.md", "<!-- retrial: x -->\nhello\n");
    for (kind, token, replaced) in [
        (
            "github",
            "\r\nauthorization: bearer hidden-token\r\n",
            "PATCH /repos/me/service/issues/comments/5 ",
        ),
        ("gitlab", "\r\nprivate-token: hidden-token\r\n", "PUT /projects/3/merge_requests/7/notes/5 "),
    ] {
        let added = if kind == "github" {
            "POST /repos/me/service/issues/7/comments "
        } else {
            "POST /projects/3/merge_requests/7/notes "
        };
        for (there, wanted) in [("[{\"id\": 4, \"body\": \"other\"}]", added), (NOTES, replaced)] {
            let (address, seen) = serve(there.to_owned());
            let ran = comment(&service, &body, kind, &address);
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hidden-token"));
            let seen = seen.join().expect("the server");
            assert!(seen[0].starts_with("GET "), "{seen:?}");
            assert!(seen[1].starts_with(wanted) && seen[1].to_lowercase().contains(token), "{seen:?}");
            assert!(seen[1].contains(r#"{"body": "<!-- retrial: x -->\nhello\n"}"#), "{seen:?}");
        }
    }
    // A service that says no is told, and nothing of what it says.
    let ran = comment(&service, &body, "github", "http://127.0.0.1:9");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "no comment: URLError\n"));
}

const NOTES: &str = r#"[{"id": 4, "body": "other"}, {"id": 5, "body": "<!-- retrial: x -->\nold"}]"#;

fn comment(service: &Service, body: &Path, kind: &str, address: &str) -> Ran {
    let mut command = Command::new("python3");
    command.arg(service.checkout.join("ci/comment.py")).arg(body).arg("<!-- retrial: x -->").env_clear();
    command.env("PATH", std::env::var_os("PATH").expect("a path"));
    if kind == "github" {
        command.envs(service.event("me/service")).env("GITHUB_TOKEN", "hidden-token");
        command.env("GITHUB_REPOSITORY", "me/service").env("GITHUB_API_URL", address);
    } else {
        command.env("GITLAB_CI", "true").env("RETRIAL_GITLAB_TOKEN", "hidden-token");
        command.env("CI_PROJECT_ID", "3").env("CI_MERGE_REQUEST_IID", "7").env("CI_API_V4_URL", address);
    }
    Ran::from(command.output().expect("python3 starts"))
}

/// Answers two requests, the first with these notes, and returns both as they came.
fn serve(notes: String) -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = move |reply: String| {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut seen = Vec::new();
        let mut part = [0; 4096];
        let whole = |seen: &[u8]| {
            let text = String::from_utf8_lossy(seen).into_owned();
            let (head, body) = text.split_once("\r\n\r\n")?;
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            (body.len() >= length.unwrap_or(0)).then_some(text)
        };
        loop {
            let read = stream.read(&mut part).expect("bytes");
            seen.extend_from_slice(&part[..read]);
            if let Some(text) = whole(&seen) {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    reply.len()
                );
                stream.write_all((head + &reply).as_bytes()).expect("an answer");
                return text;
            }
            assert!(read > 0, "the request ended early");
        }
    };
    (address, std::thread::spawn(move || vec![answer(notes), answer("{}".to_owned())]))
}

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
    for name in with.as_object().expect("inputs").keys() {
        assert!(action.inputs.contains_key(name), "{name}");
    }
    service.place.run(&["init", "service", "--force", "--action", "me/retrial@v1"]).expect(0);
    let workflow = read(".github/workflows/retrial.yml");
    assert_eq!(workflow["jobs"]["reliability"]["steps"][1]["uses"], "me/retrial@v1");
    service.place.run(&["init", "service", "--force", "--ci", "gitlab"]).expect(0);
    let job = read("retrial/gitlab-ci.yml");
    assert!(job["retrial"]["script"][1].as_str().expect("a line").contains("ci/all.sh"));
    assert_eq!(read(".gitlab-ci.yml")["include"][0]["local"], "retrial/gitlab-ci.yml");
}
