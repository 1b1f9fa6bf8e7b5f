//! `retrial report`: the scorecards of runs as files.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use retrial_report::{Report, ReportedRun, sign};
use retrial_runner::RunDir;
use retrial_spec::{Exit, OUTPUT_SCHEMA, ReportOutput};

use crate::args::{FormatOpt, ReportArgs};
use crate::failure::Failure;
use crate::files::Files;
use crate::forms::{Forms, JSON_FILE};
use crate::reported::{Reported, reported};
use crate::scored::{settings, warn};
use crate::{env_vars, out};

/// Writes the report. Every run is read before anything is written.
pub(crate) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let mut files = Files::new(directory(args)?);
    let signer = args.sign.as_deref().map(|key| Signer::read(key, &args.format)).transpose()?;
    let mut made = Vec::new();
    for path in &args.runs {
        made.push(reported(path, |manifest| settings(&args.settings, manifest))?);
    }
    for one in &made {
        warn(&one.run.scored, made.len() > 1);
    }
    let empty = made.iter().find(|one| one.run.scored.graded() == 0).map(|one| one.dir.path().to_owned());
    let (dirs, runs): (Vec<RunDir>, Vec<ReportedRun>) =
        made.into_iter().map(|Reported { dir, run, .. }| (dir, run)).unzip();
    let report = Report::new(runs);
    let forms = Forms { report: &report, dirs: &dirs };
    for format in args.format.iter().copied().collect::<BTreeSet<_>>() {
        forms.write(format, &mut files)?;
    }
    if let Some(signer) = signer {
        signer.sign(&report, &mut files)?;
    }
    let written = files.written().iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    if args.json {
        out::json(&ReportOutput { schema: OUTPUT_SCHEMA, files: written })?;
    } else {
        out::data(&written.into_iter().map(|path| path + "\n").collect::<String>())?;
    }
    empty.map_or(Ok(Exit::Done), |path| Err(Failure::NothingEvaluated { path }))
}

/// Who signs a report.
struct Signer {
    path: PathBuf,
    key: String,
    password: Option<String>,
}

impl Signer {
    fn read(path: &Path, formats: &[FormatOpt]) -> Result<Self, Failure> {
        if !formats.contains(&FormatOpt::Json) {
            return Err(Failure::Usage("`--sign` signs the report in JSON; add `--format json`".to_owned()));
        }
        let key = fs_err::read_to_string(path)
            .map_err(|error| Failure::Usage(format!("cannot read the secret key: {error}")))?;
        let password = std::env::var(env_vars::SIGNING_PASSWORD).ok();
        Ok(Self { path: path.to_owned(), key, password })
    }

    fn sign(self, report: &Report, files: &mut Files) -> Result<(), Failure> {
        let text = report.to_json().map_err(std::io::Error::from)?;
        let signature = sign(&text, JSON_FILE, &self.key, self.password)
            .map_err(|source| Failure::Signature { path: self.path, source })?;
        files.put(Path::new(&format!("{JSON_FILE}.minisig")), |file| file.write_all(signature.as_bytes()))?;
        Ok(())
    }
}

/// Where the files go.
fn directory(args: &ReportArgs) -> Result<PathBuf, Failure> {
    match (&args.out, args.runs.as_slice()) {
        (Some(out), _) => Ok(out.clone()),
        (None, [run]) => Ok(run.join("report")),
        (None, _) => Err(Failure::Usage("say with `--out` where a report of several runs goes".to_owned())),
    }
}
