//! `retrial task`: listing tasks, and checking that they can be admitted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use retrial_runner::{Admission, PlanError, ReadyTask, RunError, TaskDir, check_datasets, tasks_below};
use retrial_spec::{CheckedTask, Exit, Limits, OUTPUT_SCHEMA, RunId, SandboxChoice, TaskCheckOutput};
use serde::Serialize;

use crate::args::{TaskCheckArgs, TaskListArgs};
use crate::failure::Failure;
use crate::show::table;
use crate::{backend, out, places};

/// One task as it is listed.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    category: Option<String>,
    stakes: Option<String>,
    expected_minutes: Option<f64>,
    verifier: &'static str,
    digest: String,
}

/// The list as JSON; schema version 1.
#[derive(Debug, Serialize)]
struct TaskList {
    schema: u32,
    tasks: Vec<Listed>,
}

/// Lists tasks.
pub(crate) fn list(args: &TaskListArgs) -> Result<Exit, Failure> {
    let tasks: Vec<Listed> = read(&args.tasks)?.iter().map(|task| listed(task)).collect();
    if args.json {
        out::json(&TaskList { schema: 1, tasks })?;
        return Ok(Exit::Done);
    }
    let dash = || "–".to_owned();
    let rows: Vec<[String; 5]> = tasks
        .into_iter()
        .map(|task| {
            let minutes = task.expected_minutes.map_or_else(dash, |minutes| format!("{minutes} min"));
            let (category, stakes) = (task.category.unwrap_or_else(dash), task.stakes.unwrap_or_else(dash));
            [task.name, category, stakes, minutes, task.verifier.to_owned()]
        })
        .collect();
    out::data(&table::plain(&["task", "category", "stakes", "expected", "verifier"], &rows))?;
    Ok(Exit::Done)
}

fn listed(task: &TaskDir) -> Listed {
    let facts = task.task.metadata.retrial.as_ref();
    Listed {
        name: task.name.to_string(),
        category: facts.map(|facts| facts.category.clone()),
        stakes: facts.map(|facts| word(&facts.stakes)),
        expected_minutes: facts.map(|facts| facts.expected_minutes),
        verifier: if task.is_separate() { "separate" } else { "shared" },
        digest: task.digest.to_string(),
    }
}

/// The word of an enum as it stands in files.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The named tasks and those of named datasets, or those in `./tasks`.
fn read(paths: &[PathBuf]) -> Result<Vec<Arc<TaskDir>>, Failure> {
    let mut paths = paths.to_vec();
    if paths.is_empty() {
        if !Path::new("tasks").is_dir() {
            let usage = "there is no directory `tasks` here; name task directories";
            return Err(Failure::Usage(usage.to_owned()));
        }
        paths.push(PathBuf::from("tasks"));
    }
    let (mut tasks, mut datasets) = (Vec::new(), Vec::new());
    for path in paths.iter().filter(|path| !path.is_file()) {
        let below = tasks_below(path)?;
        if below.first() != Some(path) {
            datasets.push(path.clone());
        }
        // A directory without tasks is for the reader of tasks to complain about.
        let below = if below.is_empty() { vec![path.clone()] } else { below };
        for task in below {
            tasks.push(Arc::new(TaskDir::read(&task)?));
        }
    }
    check_datasets(tasks.iter().map(AsRef::as_ref), &datasets).map_err(PlanError::Dataset)?;
    if tasks.is_empty() {
        return Err(Failure::Usage("no task directory was named".to_owned()));
    }
    Ok(tasks)
}

/// Checks tasks; the exit code is 1 where one is not admitted.
pub(crate) async fn check(args: &TaskCheckArgs) -> Result<Exit, Failure> {
    let tasks = read(&args.tasks)?;
    let choice = SandboxChoice::from(args.sandbox);
    if choice == SandboxChoice::Fake {
        return Err(Failure::Usage(
            "a fake sandbox runs no real verifier; choose docker or namespace".to_owned(),
        ));
    }
    let opened = backend::open(choice, &tasks).await?;
    let backend = opened.backend;
    let run: RunId = places::run_id(Timestamp::now(), 0);
    for task in &tasks {
        ReadyTask::check(backend.as_ref(), task).map_err(RunError::Ready)?;
    }
    let mut checked = Vec::new();
    for task in &tasks {
        out::message(&format!("checking {}", task.name));
        let prepared = ReadyTask::prepare(backend.as_ref(), Arc::clone(task), &run, &Limits::default()).await;
        let ready = prepared.map_err(RunError::Ready)?;
        let admission = ready.admit(backend.as_ref(), &run, args.repeats).await?;
        checked.push(checked_task(&admission));
    }
    backend.close().await?;
    let count = checked.iter().filter(|task| !task.admitted).count();
    let of = checked.len();
    if args.json {
        let sandbox = opened.capabilities.kind.to_string();
        let repeats = args.repeats;
        out::json(&TaskCheckOutput { schema: OUTPUT_SCHEMA, sandbox, repeats, tasks: checked })?;
    } else {
        out::data(&checked.iter().map(|task| render(task, args.repeats)).collect::<String>())?;
    }
    if count == 0 { Ok(Exit::Done) } else { Err(Failure::NotAdmitted { count, of }) }
}

fn checked_task(admission: &Admission) -> CheckedTask {
    let passed = |verdict: &&retrial_spec::Verdict| verdict.passed() == Some(true);
    let failed = |verdict: &&retrial_spec::Verdict| verdict.passed() == Some(false);
    CheckedTask {
        task: admission.task.clone(),
        admitted: admission.faults.is_empty(),
        oracle_passed: admission.oracle.iter().filter(passed).count(),
        no_op_failed: admission.no_op.iter().filter(failed).count(),
        faults: admission.faults.iter().map(ToString::to_string).collect(),
    }
}

fn render(task: &CheckedTask, repeats: u32) -> String {
    let sign = if task.admitted { "✓" } else { "✗" };
    let mut text = format!(
        "{sign} {}: oracle passed {}/{repeats}, doing nothing failed {}/{repeats}\n",
        task.task, task.oracle_passed, task.no_op_failed
    );
    for fault in &task.faults {
        text.push_str("    ");
        text.push_str(fault);
        text.push('\n');
    }
    text
}
