//! One log being written: an archive whose members come in the order in which Inspect itself writes them.

use std::fs::Permissions;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use retrial_spec::{AgentFacts, AgentName, ConditionName, TaskFacts, TrialRecord};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::sums::Sums;
use super::{InspectExport, SCORER};
use crate::inspect::OwnLog;
use crate::own::{KEY, agent_of};
use crate::{ImportError, Place};

/// How many samples one list of the journal holds.
const BATCH: usize = 100;

/// The log of one agent under one condition.
pub(super) struct LogWriter<'r> {
    export: InspectExport<'r>,
    agent: AgentFacts,
    condition: ConditionName,
    path: PathBuf,
    zip: ZipWriter<BufWriter<NamedTempFile>>,
    options: SimpleFileOptions,
    sums: Sums,
    /// Summaries that no list of the journal holds yet.
    batch: Vec<Value>,
    batches: u32,
    /// All summaries, one after the other, for the list at the end.
    summaries: BufWriter<NamedTempFile>,
    ended_at: Timestamp,
}

/// A log that is whole and has no name yet.
pub(super) struct FinishedLog {
    file: NamedTempFile,
    path: PathBuf,
}

impl FinishedLog {
    /// Gives the log its name.
    pub(super) fn keep(self) -> Result<PathBuf, ImportError> {
        let Self { file, path } = self;
        file.persist(&path).map_err(|error| cannot_write(&path, error.error))?;
        Ok(path)
    }
}

fn cannot_write(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> ImportError {
    Place::file(path).caused("cannot be written", error)
}

impl<'r> LogWriter<'r> {
    pub(super) fn new(
        export: &InspectExport<'r>,
        agent: &AgentName,
        condition: &ConditionName,
        out: &Path,
    ) -> Result<Self, ImportError> {
        let created = export.manifest.created_at;
        let stamp = created.strftime("%Y-%m-%dT%H-%M-%S+00-00");
        let path = out.join(format!("{stamp}_{}_{agent}.{condition}.eval", export.manifest.name()));
        let known = export.manifest.agents.iter().find(|known| known.name == *agent);
        let agent = known.cloned().ok_or_else(|| {
            Place::file(&export.directory.join("run.json"))
                .error(format!("does not name the agent `{agent}`"))
        })?;
        let permissions = Permissions::from_mode(0o666);
        // As any file that a program makes; what the user's mask takes away stays away.
        let file = tempfile::Builder::new().prefix(".").permissions(permissions).tempfile_in(out);
        let file = file.map_err(|error| cannot_write(&path, error))?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Zstd)
            .last_modified_time(archive_time(created))
            .unix_permissions(0o644);
        let summaries = NamedTempFile::new_in(out).map_err(|error| cannot_write(&path, error))?;
        let mut log = Self {
            export: *export,
            agent,
            condition: condition.clone(),
            path,
            zip: ZipWriter::new(BufWriter::new(file)),
            options,
            sums: Sums::default(),
            batch: Vec::new(),
            batches: 0,
            summaries: BufWriter::new(summaries),
            ended_at: created,
        };
        let start = json!({"version": 2, "eval": log.eval(), "plan": log.plan()});
        log.member("_journal/start.json", &start)?;
        Ok(log)
    }

    /// Adds the sample of a trial.
    pub(super) fn add(&mut self, record: &TrialRecord, sample: &Value) -> Result<(), ImportError> {
        let id = sample["id"].as_str().unwrap_or_default();
        self.member(&format!("samples/{id}_epoch_{}.json", record.trial.number), sample)?;
        self.sums.add(record, id);
        let summary = summary(sample);
        let ended = sample["completed_at"].as_str().and_then(|at| at.parse().ok());
        self.ended_at = self.ended_at.max(ended.unwrap_or(self.ended_at));
        let separator = if self.sums.samples == 1 { "" } else { "," };
        write!(self.summaries, "{separator}{summary}").map_err(|error| cannot_write(&self.path, error))?;
        self.batch.push(summary);
        if self.batch.len() == BATCH { self.journal() } else { Ok(()) }
    }

    /// Writes what is left, the header at last.
    pub(super) fn finish(mut self) -> Result<FinishedLog, ImportError> {
        if !self.batch.is_empty() {
            self.journal()?;
        }
        self.list()?;
        let reductions = self.sums.reductions();
        self.member("reductions.json", &reductions)?;
        let header = self.header();
        self.member("header.json", &header)?;
        let Self { zip, path, .. } = self;
        let whole = zip.finish().map_err(|error| cannot_write(&path, error))?;
        let file = whole.into_inner().map_err(|error| cannot_write(&path, error.into_error()))?;
        file.as_file().sync_all().map_err(|error| cannot_write(&path, error))?;
        Ok(FinishedLog { file, path })
    }

    fn member(&mut self, name: &str, value: &Value) -> Result<(), ImportError> {
        self.zip.start_file(name, self.options).map_err(|error| cannot_write(&self.path, error))?;
        let mut whole = BufWriter::new(&mut self.zip);
        serde_json::to_writer(&mut whole, value).map_err(|error| cannot_write(&self.path, error))?;
        whole.flush().map_err(|error| cannot_write(&self.path, error))
    }

    fn journal(&mut self) -> Result<(), ImportError> {
        self.batches += 1;
        let batch = Value::Array(std::mem::take(&mut self.batch));
        self.member(&format!("_journal/summaries/{}.json", self.batches), &batch)
    }

    /// Writes `summaries.json` from what was kept of all samples.
    fn list(&mut self) -> Result<(), ImportError> {
        let mut copy = || -> std::io::Result<()> {
            self.zip.start_file("summaries.json", self.options)?;
            self.zip.write_all(b"[")?;
            self.summaries.flush()?;
            let file = self.summaries.get_mut();
            file.seek(SeekFrom::Start(0))?;
            std::io::copy(file, &mut self.zip)?;
            self.zip.write_all(b"]")
        };
        copy().map_err(|error| cannot_write(&self.path, error))
    }

    fn planned(&self) -> u64 {
        let manifest = self.export.manifest;
        let planned =
            |task: &TaskFacts| u64::from(manifest.planned_for(&task.name, &self.agent.name, &self.condition));
        manifest.tasks.iter().map(planned).sum()
    }

    fn model(&self) -> &str {
        self.agent.model.as_deref().unwrap_or("none/none")
    }

    fn eval(&self) -> Value {
        let manifest = self.export.manifest;
        let ids: Vec<&str> = manifest.tasks.iter().map(|task| self.export.sample_id(task)).collect();
        let own = OwnLog { agent: agent_of(&self.agent), condition: self.condition.clone() };
        let id = format!("{}~{}~{}", manifest.run, self.agent.name, self.condition);
        json!({
            "eval_id": id, "run_id": manifest.run, "created": manifest.created_at, "task": manifest.name(),
            "task_id": id, "task_version": 0, "task_attribs": {}, "task_args": {}, "task_args_passed": {},
            "solver": self.agent.name,
            "dataset": {"name": manifest.name(), "samples": ids.len(), "sample_ids": ids, "shuffled": false},
            "model": self.model(), "model_generate_config": {}, "model_args": {},
            "config": {"epochs": manifest.trials(), "epochs_reducer": ["mean"]},
            "packages": {},
            "metadata": { KEY: own, "tool": manifest.tool },
            "scorers": [{"name": SCORER, "options": {}, "metrics": [{"name": "inspect_ai/mean", "options": {}}]}],
        })
    }

    fn plan(&self) -> Value {
        json!({
            "name": "plan", "config": {},
            "steps": [{"solver": self.agent.name, "params": {}, "params_passed": {}}],
        })
    }

    fn header(&self) -> Value {
        let status = if self.sums.samples == self.planned() { "success" } else { "cancelled" };
        json!({
            "version": 2, "status": status, "eval": self.eval(), "plan": self.plan(),
            "results": self.sums.results(self.planned()),
            "stats": {
                "started_at": self.export.manifest.created_at, "completed_at": self.ended_at,
                "model_usage": self.sums.model_usage(self.model()), "role_usage": {},
            },
            "invalidated": false,
        })
    }
}

/// The time of an archive's members, in the range that archives have.
fn archive_time(at: Timestamp) -> zip::DateTime {
    let at = at.to_zoned(TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).unwrap_or(0);
    let year = u16::try_from(at.year()).unwrap_or(0);
    zip::DateTime::from_date_and_time(
        year,
        part(at.month()),
        part(at.day()),
        part(at.hour()),
        part(at.minute()),
        part(at.second()),
    )
    .unwrap_or_default()
}

/// A sample's line in the lists.
fn summary(sample: &Value) -> Value {
    let mut summary = json!({
        "metadata": {}, "completed": true,
        "retries": sample["error_retries"].as_array().map_or(0, Vec::len),
        "message_count": sample["messages"].as_array().map_or(0, Vec::len),
    });
    let same = [
        "id",
        "epoch",
        "input",
        "target",
        "scores",
        "model_usage",
        "role_usage",
        "started_at",
        "completed_at",
        "total_time",
        "working_time",
        "uuid",
        "turn_count",
    ];
    for name in same {
        if let Some(value) = sample.get(name) {
            summary[name] = value.clone();
        }
    }
    let lifted = [("error", "/error/message"), ("limit", "/limit/type"), ("limit_reason", "/limit/reason")];
    for (name, pointer) in lifted {
        if let Some(value) = sample.pointer(pointer) {
            summary[name] = value.clone();
        }
    }
    for long in ["/input", &format!("/scores/{SCORER}/explanation")] {
        if let Some(Value::String(text)) = summary.pointer_mut(long)
            && text.len() > 1024
        {
            *text = text.chars().take(1000).collect::<String>() + "…";
        }
    }
    summary
}
