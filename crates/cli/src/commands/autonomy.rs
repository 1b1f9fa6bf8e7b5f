//! `retrial autonomy`: what work of a suite an agent may be left alone with, and what that rests on.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use retrial_metrics::autonomy::{AutonomyReport, EvidenceTally, Required, RunAutonomy};
use retrial_metrics::{GroupBy, Settings};
use retrial_report::{autonomy_markdown, autonomy_page};
use retrial_runner::RunDir;
use retrial_spec::{AutonomyPolicy, Exit};

use crate::args::{AutonomyArgs, SettingsArgs};
use crate::failure::Failure;
use crate::files::Files;
use crate::out;
use crate::scored::{scored, settings_beside, warn};
use crate::show::autonomy as show;

/// Decides the levels and prints them. Every run is read before anything is printed or written.
pub(crate) fn autonomy(args: &AutonomyArgs) -> Result<Exit, Failure> {
    let policy = args.policy.as_deref().map(policy).transpose()?.unwrap_or_default();
    let mut runs = Vec::new();
    for path in &args.runs {
        runs.push(run(path, args, &policy)?);
    }
    let is_empty = |(_, run): &(&PathBuf, &RunAutonomy)| run.agents.iter().all(|agent| agent.graded() == 0);
    let empty = args.runs.iter().zip(&runs).find(is_empty).map(|(path, _)| path.clone());
    let report = AutonomyReport::new(policy, &settings_of(args, 0), runs);
    if let Some(directory) = &args.out {
        write(&report, directory)?;
    }
    if args.json {
        out::json(&report)?;
    } else {
        out::data(&show::render(&report))?;
    }
    if let Some(path) = empty {
        return Err(Failure::NothingEvaluated { path });
    }
    Ok(args.require.map_or(Exit::Done, |share| decision(&report, share)))
}

fn policy(path: &Path) -> Result<AutonomyPolicy, Failure> {
    let text = fs_err::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("cannot read the policy: {error}")))?;
    AutonomyPolicy::parse(&path.display().to_string(), &text).map_err(|error| Failure::Spec(Box::new(error)))
}

fn settings_of(args: &AutonomyArgs, seed: u64) -> Settings {
    let others = Settings { seed, ..Settings::default() };
    Settings { groups: GroupBy::Nothing, ..settings_beside(&SettingsArgs::from(&args.settings), others) }
}

fn run(path: &Path, args: &AutonomyArgs, policy: &AutonomyPolicy) -> Result<RunAutonomy, Failure> {
    let (dir, manifest) = RunDir::open(path)?;
    let settings = settings_of(args, manifest.seed);
    // Scoring checks the records against what happened, and that the books balance.
    warn(&scored(path, &dir, &manifest, &settings)?, args.runs.len() > 1);
    let mut tally = EvidenceTally::new(&manifest, &settings);
    for record in dir.trials()? {
        tally.add(&record?);
    }
    Ok(RunAutonomy::new(&manifest, &tally.finish(), policy, &settings))
}

fn write(report: &AutonomyReport, directory: &Path) -> Result<(), Failure> {
    let mut files = Files::new(directory.to_owned());
    for (name, text) in [("autonomy.html", autonomy_page(report)), ("autonomy.md", autonomy_markdown(report))]
    {
        files.put::<Failure>(Path::new(name), |file| Ok(file.write_all(text.as_bytes())?))?;
    }
    for path in files.written() {
        out::message(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// Decides by the newest run; of several agents the worst answer counts.
fn decision(report: &AutonomyReport, share: f64) -> Exit {
    let newest = report.runs.last().map_or(&[][..], |run| &run.agents);
    let answers: Vec<Required> = newest.iter().map(|agent| agent.requires(share)).collect();
    for (agent, answer) in newest.iter().zip(&answers) {
        out::message(&show::answer(agent, share, *answer));
    }
    if answers.contains(&Required::Missed) {
        Exit::Negative
    } else if answers.contains(&Required::Open) {
        Exit::Inconclusive
    } else {
        Exit::Done
    }
}
