//! The files for a repository, from what it shows.

use std::io;
use std::path::{Path, PathBuf};

use retrial_runner::tasks_below;

use super::agents::{Proposal, Provider};
use super::example;
use super::refused::Refused;
use super::repository::Repository;
use super::writing::Change;

/// Trials of each task in the experiment.
const TRIALS: u32 = 5;

/// This release's tag in Retrial's repository.
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// The experiment's file.
pub(crate) const EXPERIMENT: &str = "retrial/experiment.toml";

/// The file of GitHub's workflow.
const WORKFLOW: &str = ".github/workflows/retrial.yml";

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
    ///
    /// # Errors
    /// [`Refused::Unreadable`] where a file or directory of the repository cannot be read.
    pub(crate) fn new(repository: &Repository, ci: Ci, action: Option<&str>) -> Result<Self, Refused> {
        let own = own_tasks(repository);
        let mut changes = vec![Change::file(
            EXPERIMENT,
            experiment(repository, own.as_deref()).map_err(Refused::Unreadable)?,
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
            Ci::Gitlab => gitlab(repository, &mut changes, &mut left).map_err(Refused::Unreadable)?,
            Ci::None => {}
        }
        let ignored = ["/retrial/results/", "/retrial-out/", "/.retrial/"];
        changes.push(Change::lines(".gitignore", &ignored, "leaves runs and what CI fetches out of commits"));
        Ok(Self { changes, left, next: next() })
    }
}

/// The tasks of the repository, where simulated models can do all of them: only then they can be measured at once.
fn own_tasks(repository: &Repository) -> Option<Vec<&str>> {
    let tasks = &repository.tasks;
    let can_run = !tasks.is_empty() && tasks.iter().all(|task| task.is_simulated);
    can_run.then(|| tasks.iter().map(|task| task.path.as_str()).collect())
}

fn experiment(repository: &Repository, own: Option<&[&str]>) -> io::Result<String> {
    let Proposal { recipe, provider: Provider { variable, base_url, .. }, protocol } = &repository.proposal;
    let options =
        protocol.map(|word| format!("# options = {{ protocol = \"{word}\" }}\n")).unwrap_or_default();
    let (tasks, note, sandbox) = match own {
        Some(tasks) => (listed(&repository.root, tasks)?, String::new(), "auto"),
        None => (example_alone(&repository.root)?, note(repository)?, "namespace"),
    };
    Ok(filled(
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
    ))
}

/// The tasks as the experiment names them, relative to its file: as a pattern where a directory holds just these.
fn listed(root: &Path, tasks: &[&str]) -> io::Result<String> {
    if let [first, _, ..] = tasks
        && let Some((parent, _)) = first.rsplit_once('/')
        && below(&root.join(parent))? == tasks.iter().map(|task| root.join(task)).collect::<Vec<_>>()
    {
        return Ok(quoted(&format!("../{}/*", glob::Pattern::escape(parent))));
    }
    let one = |task: &&str| match *task {
        "." => quoted(".."),
        task => quoted(&format!("../{}", glob::Pattern::escape(task))),
    };
    Ok(tasks.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// The example as the experiment names it: as a pattern that takes in what is put beside it, unless something is there that may not run.
fn example_alone(root: &Path) -> io::Result<String> {
    let example = root.join(example::DIRECTORY);
    let beside =
        example.parent().filter(|parent| parent.is_dir()).map(below).transpose()?.unwrap_or_default();
    let is_alone = beside.iter().all(|task| *task == example);
    let name = example.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    Ok(quoted(&format!("tasks/{}", if is_alone { "*" } else { &*name })))
}

/// The tasks that the pattern `*` in a directory stands for: what lies in it, and one level deeper where that is no task itself.
fn below(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(parent)? {
        found.extend(tasks_below(&entry?.path())?);
    }
    found.sort();
    Ok(found)
}

/// What is said of tasks of the repository's own beside the example.
fn note(repository: &Repository) -> io::Result<String> {
    if !repository.tasks.is_empty() {
        let paths: Vec<&str> = repository.tasks.iter().map(|task| task.path.as_str()).collect();
        return Ok(format!(
            "# Tasks of this repository that a real model can be measured on; without a `simulation.toml` a simulated one cannot:\n\
             # tasks = [{}]\n",
            listed(&repository.root, &paths)?
        ));
    }
    let image = repository.languages.first().map(|(language, image)| {
        format!("# For tasks on this repository's own {language} code, let their Dockerfile begin with `FROM {image}`.\n")
    });
    Ok(image.unwrap_or_default())
}

fn github(repository: &Repository, action: Option<&str>, changes: &mut Vec<Change>, left: &mut Vec<String>) {
    let (get, place) = match action {
        Some(_) => ("", ""),
        None => (include_str!("templates/github-get.yml"), include_str!("templates/github-place.yml")),
    };
    if action.is_none() {
        left.push(format!(
            "write OWNER/REPO with Retrial's sources as RETRIAL_REPOSITORY in {WORKFLOW}, or name the action with --action"
        ));
    }
    if let Some(branch) = repository.default_branch.as_ref().filter(|branch| branch.is_guess) {
        left.push(format!(
            "see that `{}` is the branch that changes are merged into, which is a guess, or correct it in {WORKFLOW}",
            branch.name
        ));
    }
    let branch = repository.default_branch.as_ref().map_or("main", |branch| branch.name.as_str());
    let text = filled(
        include_str!("templates/github.yml"),
        &[
            ("BRANCH", &quoted(branch)),
            ("PLACE", &filled(place, &[("REF", VERSION)])),
            ("GET", get),
            ("ACTION", action.unwrap_or("./.retrial")),
            ("KEYS", &secrets(repository)),
        ],
    );
    changes.push(Change::file(WORKFLOW, text, "measures every change on GitHub"));
}

/// The keys as a workflow passes them, to be used once a real model is.
fn secrets(repository: &Repository) -> String {
    let found: Vec<&str> = repository.keys.iter().map(|key| key.variable).collect();
    let names = if found.is_empty() { vec![repository.proposal.provider.variable] } else { found };
    let lines = names.iter().map(|name| format!("        #   {name}: ${{{{ secrets.{name} }}}}"));
    std::iter::once("        # env:".to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

/// GitLab's job is a file of its own, so that nothing of theirs is touched; `.gitlab-ci.yml` is only written where there is none.
fn gitlab(repository: &Repository, changes: &mut Vec<Change>, left: &mut Vec<String>) -> io::Result<()> {
    let text = filled(include_str!("templates/gitlab.yml"), &[("REF", VERSION)]);
    changes.push(Change::file(GITLAB_JOB, text, "measures every change on GitLab"));
    match fs_err::read(repository.root.join(".gitlab-ci.yml")) {
        // Whatever else is in it, in whatever encoding, the name of the job's file is plain.
        Ok(there) if String::from_utf8_lossy(&there).contains(GITLAB_JOB) => {}
        Ok(_) => left.push(format!("add `- local: {GITLAB_JOB}` below `include:` in .gitlab-ci.yml")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let include = format!("include:\n  - local: {GITLAB_JOB}\n");
            changes.push(Change::file(".gitlab-ci.yml", include, "includes that job"));
        }
        Err(error) => return Err(error),
    }
    left.push(
        "set the CI variable RETRIAL_REPOSITORY of the project to the address that Retrial's sources are cloned from".to_owned(),
    );
    Ok(())
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
