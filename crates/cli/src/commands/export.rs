//! `retrial export`: a run in a form that other tools read.

use std::path::{Path, PathBuf};

use retrial_import::export::otlp::Traces;
use retrial_import::export::{self, ExportRun};
use retrial_import::{MadeDirectory, Place};
use retrial_report::{RunOutcomes, TableFormat, TrialTable};
use retrial_runner::{RunDir, check_records};
use retrial_spec::{Exit, OUTPUT_SCHEMA, ReportOutput, RunManifest};

use crate::args::{ExportArgs, ExportFormatOpt};
use crate::failure::Failure;
use crate::files::Files;
use crate::out;
use crate::reported::reported;
use crate::scored::default_settings;

/// Writes the form, whole or not at all.
pub(crate) fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    match form(args.to) {
        Form::Directory(form) => directory(args, &form)?,
        Form::Table(format) => table(args, format)?,
        Form::Traces => traces(args)?,
    }
    let written = args.out.display().to_string();
    if args.json {
        out::json(&ReportOutput { schema: OUTPUT_SCHEMA, files: vec![written] })?;
    } else {
        out::data(&(written + "\n"))?;
    }
    Ok(Exit::Done)
}

/// What is written: a directory of files, or one file.
enum Form {
    Directory(DirectoryForm),
    Table(TableFormat),
    Traces,
}

enum DirectoryForm {
    Atif,
    Harbor,
    Inspect,
}

fn form(format: ExportFormatOpt) -> Form {
    match format {
        ExportFormatOpt::Atif => Form::Directory(DirectoryForm::Atif),
        ExportFormatOpt::Harbor => Form::Directory(DirectoryForm::Harbor),
        ExportFormatOpt::Inspect => Form::Directory(DirectoryForm::Inspect),
        ExportFormatOpt::Parquet => Form::Table(TableFormat::Parquet),
        ExportFormatOpt::Csv => Form::Table(TableFormat::Csv),
        ExportFormatOpt::Jsonl => Form::Table(TableFormat::JsonLines),
        ExportFormatOpt::Otlp => Form::Traces,
    }
}

/// Opens a run that is over and whose records can be trusted.
fn opened(args: &ExportArgs) -> Result<RunManifest, Failure> {
    let (run, manifest) = RunDir::open(&args.run)?;
    if run.is_locked() {
        return Err(Failure::Running { path: args.run.clone() });
    }
    check_records(&run)?;
    Ok(manifest)
}

fn directory(args: &ExportArgs, form: &DirectoryForm) -> Result<(), Failure> {
    let manifest = opened(args)?;
    let made = MadeDirectory::new(&args.out)?;
    let run = ExportRun { manifest: &manifest, directory: &args.run };
    match form {
        DirectoryForm::Atif => export::atif::write(&run, made.path())?,
        DirectoryForm::Harbor => drop(export::harbor::write(&run, made.path())?),
        DirectoryForm::Inspect => drop(export::inspect::write(&run, made.path())?),
    }
    made.put_in_place()?;
    Ok(())
}

fn traces(args: &ExportArgs) -> Result<(), Failure> {
    let manifest = opened(args)?;
    let (mut files, name) = beside(&args.out)?;
    let run = ExportRun { manifest: &manifest, directory: &args.run };
    let mut written = Traces::default();
    files.put(&name, |file| {
        written = export::otlp::write(&run, file, &Place::file(&args.out))?;
        Ok::<(), Failure>(())
    })?;
    if written.without_trace > 0 {
        out::warning(&format!("{} trials have no time at all and no trace", written.without_trace));
    }
    if written.replies_without_time > 0 {
        let replies = written.replies_without_time;
        out::warning(&format!("{replies} replies have no time of their own; their spans have the trial's"));
    }
    Ok(())
}

fn table(args: &ExportArgs, format: TableFormat) -> Result<(), Failure> {
    let (mut files, name) = beside(&args.out)?;
    let made = reported(&args.run, default_settings)?;
    let outcomes = RunOutcomes::of(&made.run);
    files.put(&name, |file| {
        let mut table = TrialTable::new(format, file)?;
        for record in made.dir.trials()? {
            table.add(&outcomes, &record?)?;
        }
        table.finish()?;
        Ok::<(), Failure>(())
    })
}

/// The directory of a file that does not exist yet, and its name.
fn beside(path: &Path) -> Result<(Files, PathBuf), Failure> {
    let Some(name) = path.file_name() else {
        return Err(Failure::Usage(format!("`{}` is no name of a file", path.display())));
    };
    if path.exists() {
        return Err(Failure::Usage(format!("`{}` exists; name a file that does not", path.display())));
    }
    Ok((Files::new(path.parent().unwrap_or(Path::new("")).to_owned()), PathBuf::from(name)))
}
