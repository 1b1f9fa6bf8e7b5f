//! Making the report of a run directory.

use std::borrow::Borrow;
use std::io;
use std::path::Path;

use retrial_metrics::{ActionTally, ActionUse, CurveTally, Curves, Settings, scorecard};
use retrial_report::{InputFile, ReportedRun};
use retrial_runner::{RunDir, RunDirError};
use retrial_spec::{RunManifest, TrialRecord, digest_reader};

use crate::failure::Failure;
use crate::scored::scored;

/// The files that a report follows from.
const INPUTS: [&str; 3] = ["run.json", "trials.jsonl", "events.jsonl"];

/// A run directory with its report.
#[derive(Debug)]
pub(crate) struct Reported {
    pub(crate) dir: RunDir,
    pub(crate) manifest: RunManifest,
    pub(crate) run: ReportedRun,
}

/// Makes the report of a run that is over, with the settings that fit its manifest.
pub(crate) fn reported(
    path: &Path,
    settings: impl FnOnce(&RunManifest) -> Settings,
) -> Result<Reported, Failure> {
    let (dir, manifest) = RunDir::open(path)?;
    if dir.is_locked() {
        return Err(Failure::Running { path: path.to_owned() });
    }
    let settings = settings(&manifest);
    let inputs = inputs(path)?;
    let scored = scored(path, &dir, &manifest, &settings)?;
    let (actions, curves) = tallied(&manifest, &settings, dir.trials()?)?;
    let run = ReportedRun { inputs, scored, actions, curves };
    Ok(Reported { dir, manifest, run })
}

/// Makes the report of a run that may still go on, with the records that it is made of. What it is made of changes, so that its digests
/// would say nothing.
pub(crate) fn live(
    path: &Path,
    settings: impl FnOnce(&RunManifest) -> Settings,
) -> Result<(ReportedRun, Vec<TrialRecord>), Failure> {
    let (dir, manifest) = RunDir::open(path)?;
    let settings = settings(&manifest);
    let records = dir.trials()?.collect::<Result<Vec<TrialRecord>, RunDirError>>()?;
    let failed = |source| Failure::Score { path: dir.trials_path(), line: None, source: Box::new(source) };
    let scored = scorecard(&manifest, records.iter().cloned(), &settings).map_err(failed)?;
    let (actions, curves) = tallied(&manifest, &settings, records.iter().map(Ok))?;
    Ok((ReportedRun { inputs: Vec::new(), scored, actions, curves }, records))
}

/// What is shown of records besides their scorecards.
fn tallied<R: Borrow<TrialRecord>>(
    manifest: &RunManifest,
    settings: &Settings,
    records: impl Iterator<Item = Result<R, RunDirError>>,
) -> Result<(Vec<ActionUse>, Vec<Curves>), Failure> {
    let mut actions = ActionTally::new(manifest, settings);
    let mut curves = CurveTally::new(manifest, settings);
    for record in records {
        let record = record?;
        actions.add(record.borrow());
        curves.add(record.borrow());
    }
    Ok((actions.finish(), curves.finish()))
}

/// The files that are there, with their digests.
fn inputs(path: &Path) -> io::Result<Vec<InputFile>> {
    let mut inputs = Vec::new();
    for name in INPUTS {
        let mut file = match fs_err::File::open(path.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let (digest, bytes) = digest_reader(&mut file)?;
        inputs.push(InputFile { name: name.to_owned(), bytes, digest });
    }
    Ok(inputs)
}
