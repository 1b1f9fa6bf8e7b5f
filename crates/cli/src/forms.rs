//! The forms of a report, each with the files that it is.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use retrial_report::{
    Junit, Mode, Picture, Report, RunOutcomes, RunTrials, TableFormat, TrialTable, badge, markdown, page,
    pictures, write_measures,
};
use retrial_runner::RunDir;
use retrial_spec::TrialRecord;

use crate::args::FormatOpt;
use crate::failure::Failure;
use crate::files::Files;

/// The name of the report in JSON.
pub(crate) const JSON_FILE: &str = "report.json";

/// A report with the directories of its runs, in its order.
#[derive(Debug)]
pub(crate) struct Forms<'a> {
    pub(crate) report: &'a Report,
    pub(crate) dirs: &'a [RunDir],
}

impl Forms<'_> {
    /// Writes one form.
    pub(crate) fn write(&self, format: FormatOpt, files: &mut Files) -> Result<(), Failure> {
        match format {
            FormatOpt::Html => put(files, "report.html", &self.document(format)?),
            FormatOpt::Md => put(files, "report.md", markdown(self.report).as_bytes()),
            FormatOpt::Json => put(files, JSON_FILE, &self.document(format)?),
            FormatOpt::Svg => self.pictures("svg", files, |picture| Ok(picture.svg.clone().into_bytes())),
            FormatOpt::Png => self.pictures("png", files, |picture| Ok(picture.png(SCALE)?)),
            FormatOpt::Junit => put(files, "junit.xml", self.junit()?.as_bytes()),
            FormatOpt::Csv => self.tables(TableFormat::Csv, "csv", files),
            FormatOpt::Parquet => self.tables(TableFormat::Parquet, "parquet", files),
            FormatOpt::Badge => self.badges(files),
        }
    }

    /// Returns the page, or else the report in JSON: the forms that can be verified.
    pub(crate) fn document(&self, format: FormatOpt) -> Result<Vec<u8>, Failure> {
        match format {
            FormatOpt::Html => Ok(self.page()?.into_bytes()),
            _ => Ok(self.report.to_json().map_err(io::Error::from)?),
        }
    }

    fn page(&self) -> Result<String, Failure> {
        let mut records = Vec::new();
        for dir in self.dirs {
            records.push(dir.trials()?.collect::<Result<Vec<TrialRecord>, _>>()?);
        }
        let trials = records.iter().zip(self.dirs);
        let trials = trials.map(|(records, dir)| RunTrials { records, directory: Some(dir.path()) });
        Ok(page(self.report, &trials.collect::<Vec<_>>(), Mode::File)?)
    }

    /// Has every record of every run read, in the order of its file, with the place of its run.
    fn each_record(
        &self,
        mut take: impl FnMut(usize, &TrialRecord) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for (place, dir) in self.dirs.iter().enumerate() {
            for record in dir.trials()? {
                take(place, &record?)?;
            }
        }
        Ok(())
    }

    fn junit(&self) -> Result<String, Failure> {
        let mut junit = Junit::new(self.report);
        self.each_record(|run, record| Ok(junit.add(run, record)?))?;
        Ok(junit.finish()?)
    }

    fn tables(&self, format: TableFormat, extension: &str, files: &mut Files) -> Result<(), Failure> {
        let outcomes: Vec<RunOutcomes<'_>> = self.report.runs.iter().map(RunOutcomes::of).collect();
        files.put(&Path::new("trials").with_extension(extension), |file| {
            let mut table = TrialTable::new(format, file)?;
            self.each_record(|run, record| Ok(table.add(&outcomes[run], record)?))?;
            table.finish()?;
            Ok::<(), Failure>(())
        })?;
        files.put(&Path::new("measures").with_extension(extension), |file| {
            write_measures(self.report, format, file).map_err(Failure::from)
        })
    }

    fn badges(&self, files: &mut Files) -> Result<(), Failure> {
        for run in &self.report.runs {
            for scorecard in &run.scored.scorecards {
                let directory = Path::new("badges").join(run.scored.run.run.as_str());
                let name = format!("{}~{}", scorecard.agent, scorecard.condition);
                let badge = badge(scorecard);
                for (extension, text) in [("svg", badge.svg()), ("json", badge.endpoint())] {
                    let path = directory.join(format!("{name}.{extension}"));
                    files.put(&path, |file| file.write_all(text.as_bytes()))?;
                }
            }
        }
        Ok(())
    }

    /// Writes the pictures of every scorecard, each into the directory of its agent and condition.
    fn pictures(
        &self,
        extension: &str,
        files: &mut Files,
        encoded: impl Fn(&Picture) -> Result<Vec<u8>, Failure>,
    ) -> Result<(), Failure> {
        for run in &self.report.runs {
            for (place, scorecard) in run.scored.scorecards.iter().enumerate() {
                let directory: PathBuf = Path::new("plots")
                    .join(run.scored.run.run.as_str())
                    .join(format!("{}~{}", scorecard.agent, scorecard.condition));
                for picture in pictures(run, place) {
                    let bytes = encoded(&picture)?;
                    let name = directory.join(picture.name).with_extension(extension);
                    files.put(&name, |file| file.write_all(&bytes))?;
                }
            }
        }
        Ok(())
    }
}

/// How much larger than its SVG a PNG is drawn, for screens with many pixels.
const SCALE: f32 = 2.0;

fn put(files: &mut Files, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    Ok(files.put(Path::new(name), |file| file.write_all(bytes))?)
}
