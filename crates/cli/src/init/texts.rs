//! The files for a repository, from what it shows.

use super::agents::{Proposal, Provider};
use super::example;
use super::repository::Repository;
use super::writing::Change;

/// Trials of each task in the experiment.
const TRIALS: u32 = 5;

/// The file of GitLab's job.
const GITLAB_JOB: &str = "retrial/gitlab-ci.yml";

/// Where CI runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ci {
    /// GitHub Actions.
    Github,
    /// GitLab.
    Gitlab,
    /// Nowhere.
    None,
}

/// What is written for a repository and what comes after it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The files.
    pub(crate) changes: Vec<Change>,
    /// What is left to be done by hand before CI works.
    pub(crate) left: Vec<String>,
    /// The commands to go on with, at the root.
    pub(crate) next: Vec<String>,
}

impl Plan {
    /// Makes the plan; `action` is where GitHub finds the action.
    pub(crate) fn new(repository: &Repository, ci: Ci, action: Option<&str>) -> Self {
        let own = own_tasks(repository);
        let mut changes = vec![Change::file(
            "retrial/experiment.toml",
            experiment(repository, own.as_deref()),
            "what is measured: agents, tasks, trials",
        )];
        if own.is_none() {
            changes.extend(example::files());
        }
        let policy = include_str!("templates/retrial-gate.toml").to_owned();
        changes.push(Change::file("retrial-gate.toml", policy, "when a run may replace its baseline"));
        let mut left = Vec::new();
        match ci {
            Ci::Github => github(repository, action, &mut changes, &mut left),
            Ci::Gitlab => gitlab(repository, &mut changes, &mut left),
            Ci::None => {}
        }
        let ignored = ["/retrial/results/", "/retrial-out/", "/.retrial/"];
        changes.push(Change::lines(".gitignore", &ignored, "leaves runs and what CI fetches out of commits"));
        Self { changes, left, next: next() }
    }
}

/// The tasks of the repository, where simulated models can do all of them: only then they can be measured at once.
fn own_tasks(repository: &Repository) -> Option<Vec<&str>> {
    let tasks = &repository.tasks;
    let can_run = !tasks.is_empty() && tasks.iter().all(|task| task.is_simulated);
    can_run.then(|| tasks.iter().map(|task| task.path.as_str()).collect())
}

fn experiment(repository: &Repository, own: Option<&[&str]>) -> String {
    let Proposal { recipe, provider: Provider { variable, base_url, .. }, protocol } = &repository.proposal;
    let options =
        protocol.map(|word| format!("# options = {{ protocol = \"{word}\" }}\n")).unwrap_or_default();
    let (tasks, note, sandbox) = match own {
        Some(tasks) => (listed(tasks), String::new(), "auto"),
        None => (quoted("tasks/*"), note(repository), "namespace"),
    };
    filled(
        include_str!("templates/experiment.toml"),
        &[
            ("NAME", &repository.name()),
            ("TRIALS", &TRIALS.to_string()),
            ("TASKS_NOTE", &note),
            ("TASKS", &tasks),
            ("SANDBOX", sandbox),
            ("BASE_URL", base_url),
            ("MODEL", "the model's name at its provider"),
            ("KEY", variable),
            ("RECIPE", recipe),
            ("OPTIONS", &options),
        ],
    )
}

/// The tasks as the experiment names them, relative to its file: as a pattern where they are all that a directory holds.
fn listed(tasks: &[&str]) -> String {
    let parents: Vec<&str> =
        tasks.iter().map(|task| task.rsplit_once('/').map_or("", |(parent, _)| parent)).collect();
    match parents.first() {
        Some(&parent)
            if tasks.len() > 1 && !parent.is_empty() && parents.iter().all(|one| *one == parent) =>
        {
            quoted(&format!("../{parent}/*"))
        }
        _ => tasks.iter().map(|task| quoted(&format!("../{task}"))).collect::<Vec<_>>().join(", "),
    }
}

/// What is said of tasks of the repository's own beside the example.
fn note(repository: &Repository) -> String {
    if !repository.tasks.is_empty() {
        let paths: Vec<&str> = repository.tasks.iter().map(|task| task.path.as_str()).collect();
        return format!(
            "# Tasks of this repository that a real model can be measured on; without a `simulation.toml` a simulated one cannot:\n\
             # tasks = [{}]\n",
            listed(&paths)
        );
    }
    let image = repository.languages.first().map(|(language, image)| {
        format!("# For tasks on this repository's own {language} code, let their Dockerfile begin with `FROM {image}`.\n")
    });
    image.unwrap_or_default()
}

fn github(repository: &Repository, action: Option<&str>, changes: &mut Vec<Change>, left: &mut Vec<String>) {
    let branch = repository.default_branch.as_deref().unwrap_or("main");
    let get = if action.is_some() { "" } else { include_str!("templates/github-get.yml") };
    if action.is_none() {
        left.push(
            "set the variable RETRIAL_REPOSITORY of the repository on GitHub to OWNER/REPO with Retrial's sources, or name them \
             with --action"
                .to_owned(),
        );
    }
    let text = filled(
        include_str!("templates/github.yml"),
        &[
            ("BRANCH", &quoted(branch)),
            ("GET", get),
            ("ACTION", action.unwrap_or("./.retrial")),
            ("KEYS", &secrets(repository)),
        ],
    );
    changes.push(Change::file(".github/workflows/retrial.yml", text, "measures every change on GitHub"));
}

/// The keys as a workflow passes them, to be used once a real model is.
fn secrets(repository: &Repository) -> String {
    let found: Vec<&str> = repository.keys.iter().map(|key| key.variable).collect();
    let names = if found.is_empty() { vec![repository.proposal.provider.variable] } else { found };
    let lines = names.iter().map(|name| format!("        #   {name}: ${{{{ secrets.{name} }}}}"));
    std::iter::once("        # env:".to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

/// GitLab's job is a file of its own, so that nothing of theirs is touched; `.gitlab-ci.yml` is only written where there is none.
fn gitlab(repository: &Repository, changes: &mut Vec<Change>, left: &mut Vec<String>) {
    let text =
        filled(include_str!("templates/gitlab.yml"), &[("REF", concat!("v", env!("CARGO_PKG_VERSION")))]);
    changes.push(Change::file(GITLAB_JOB, text, "measures every change on GitLab"));
    match fs_err::read_to_string(repository.root.join(".gitlab-ci.yml")) {
        Ok(there) if there.contains(GITLAB_JOB) => {}
        Ok(_) => left.push(format!("add `- local: {GITLAB_JOB}` below `include:` in .gitlab-ci.yml")),
        Err(_) => {
            let include = format!("include:\n  - local: {GITLAB_JOB}\n");
            changes.push(Change::file(".gitlab-ci.yml", include, "includes that job"));
        }
    }
    left.push(
        "set the CI variable RETRIAL_REPOSITORY of the project to the address that Retrial's sources are cloned from".to_owned(),
    );
}

/// From the experiment to a scorecard and a decision, and the first baseline.
fn next() -> Vec<String> {
    [
        "retrial run retrial/experiment.toml --out retrial/results/baseline",
        "retrial report retrial/results/baseline --format html,md",
        "retrial run retrial/experiment.toml --out retrial/results/candidate",
        "retrial gate retrial/results/candidate --baseline retrial/results/baseline --policy retrial-gate.toml",
        "retrial gate retrial/results/baseline --baseline retrial/baseline --add",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Puts values in the place of `@NAME@`s.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

/// A text in double quotes, as TOML, YAML and JSON all read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
