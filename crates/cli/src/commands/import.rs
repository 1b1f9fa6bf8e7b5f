//! `retrial import`: other tools' results as a run directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use retrial_agents::ActionTable;
use retrial_import::{Format, ImportSettings, Look, Mapping, ReaderOptions, RunWriter, Seen, Summary};
use retrial_runner::{RunDir, read_actions};
use retrial_spec::{Exit, OUTPUT_SCHEMA, RunManifest};
use serde::Serialize;

use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::show::import::{Shown, render};
use crate::{out, places};

/// What was found, as JSON.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    schema: u32,
    /// The run directory that was made; none where nothing was to be written.
    run: Option<String>,
    agents: Vec<&'a str>,
    tasks: u64,
    conditions: &'a [String],
    most_trials: u32,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Reads and writes.
pub(crate) async fn import(args: ImportArgs) -> Result<Exit, Failure> {
    let is_over = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&is_over);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            heard.store(true, Ordering::Relaxed);
        }
    });
    let work = tokio::task::spawn_blocking(move || work(&args, &is_over));
    work.await.map_err(|error| Failure::Output(std::io::Error::other(error)))?
}

fn work(args: &ImportArgs, is_over: &AtomicBool) -> Result<Exit, Failure> {
    let format = args.format;
    let options = options(format, args)?;
    let table = match &args.actions {
        Some(path) => read_actions(path)?,
        None => ActionTable::builtin(),
    };
    let bar = bar(&args.paths);
    let on_progress = |bytes| {
        bar.inc(bytes);
        !is_over.load(Ordering::Relaxed)
    };
    let Some(path) = &args.out else {
        let mut look = Look::new(Box::new(on_progress));
        let read = retrial_import::read(format, &args.paths, &options, look.sink());
        bar.finish_and_clear();
        read?;
        return print(args, None, &look.finish());
    };
    let mut writer = RunWriter::new(path, settings(format, &options, args), &table, Box::new(on_progress))?;
    let read = retrial_import::read(format, &args.paths, &options, writer.sink());
    bar.finish_and_clear();
    read?;
    let (manifest, summary) = writer.finish()?;
    RunDir::open(path)?;
    print(args, Some(path), &seen(&manifest, summary))
}

/// Options that a format does not have are refused, so that nobody believes that they did something.
fn options(format: Format, args: &ImportArgs) -> Result<ReaderOptions, Failure> {
    let given = [
        ("agent", args.agent.is_some()),
        ("model", args.model.is_some()),
        ("task", args.task.is_some()),
        ("score", args.score.is_some()),
        ("mapping", args.mapping.is_some()),
        ("map", !args.map.is_empty()),
    ];
    let foreign = given.iter().find(|(name, is_given)| *is_given && !format.options().contains(name));
    if let Some((name, _)) = foreign {
        let known = format.options().iter().map(|name| format!("--{name}")).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {known}") };
        return Err(Failure::Usage(format!(
            "`--{name}` says nothing of the format `{}`; {known}",
            format.as_str()
        )));
    }
    let mut mapping = match &args.mapping {
        Some(path) => mapping_file(path)?,
        None => Mapping::default(),
    };
    for pair in &args.map {
        mapping.set(pair).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(ReaderOptions {
        agent: args.agent.clone(),
        model: args.model.clone(),
        task: args.task.clone(),
        score: args.score.clone(),
        mapping,
    })
}

fn mapping_file(path: &Path) -> Result<Mapping, Failure> {
    let place = || retrial_import::Place::file(path);
    let text =
        fs_err::read_to_string(path).map_err(|source| place().caused("cannot read the mapping", source))?;
    Mapping::parse(&path.display().to_string(), &text).map_err(|error| Failure::Spec(Box::new(error)))
}

fn settings(format: Format, options: &ReaderOptions, args: &ImportArgs) -> ImportSettings {
    let created_at = Timestamp::now();
    let shown = |path: &PathBuf| match path.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
    };
    ImportSettings {
        run: places::run_id(created_at, args.seed),
        name: args.name.clone().unwrap_or_else(|| format.name()),
        created_at,
        tool: places::tool(),
        seed: args.seed,
        format: format.as_str().to_owned(),
        sources: args.paths.iter().map(shown).collect(),
        settings: options.digest(format),
    }
}

/// Progress by the bytes of everything that may be read; on a terminal alone, and from the first second on.
fn bar(paths: &[PathBuf]) -> ProgressBar {
    let bytes = paths.iter().map(|path| retrial_import::size(path)).sum();
    let bar = ProgressBar::new(bytes);
    let style = ProgressStyle::with_template(
        "reading {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn seen(manifest: &RunManifest, summary: Summary) -> Seen {
    Seen {
        summary,
        agents: manifest.agents.clone(),
        tasks: manifest.tasks.clone(),
        conditions: manifest.conditions().iter().map(|condition| condition.name.to_string()).collect(),
        most_trials: manifest.trials(),
        fewer: manifest.cells_with_fewer(),
    }
}

fn print(args: &ImportArgs, run: Option<&Path>, seen: &Seen) -> Result<Exit, Failure> {
    let run = run.map(|path| path.display().to_string());
    if args.json {
        out::json(&Printed {
            schema: OUTPUT_SCHEMA,
            run,
            agents: seen.agents.iter().map(|agent| agent.name.as_str()).collect(),
            tasks: seen.tasks.len() as u64,
            conditions: &seen.conditions,
            most_trials: seen.most_trials,
            summary: &seen.summary,
        })?;
        return Ok(Exit::Done);
    }
    out::data(&render(&Shown {
        summary: &seen.summary,
        agents: &seen.agents,
        tasks: seen.tasks.len(),
        conditions: seen.conditions.clone(),
        most_trials: seen.most_trials,
        is_even: seen.fewer == 0,
    }))?;
    match run {
        Some(run) => out::message(&format!("\nimported into {run}\nnext         retrial score {run}")),
        None => out::message("\nnothing was written; name a directory with --out to import"),
    }
    Ok(Exit::Done)
}
