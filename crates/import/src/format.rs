//! The formats that are read, by name.

use std::path::{Path, PathBuf};

use retrial_spec::{ContentDigest, RunId, digest_bytes};

use crate::{ImportError, Mapping, NamedAgent, SessionOptions, Sink};
use crate::{
    atif, claude_code, codex, hal, harbor, inspect, margin, mini_swe_agent, opencode, swe_bench, table,
    tau_bench, terminal_bench,
};

macro_rules! formats {
    ($($variant:ident = $word:literal, $about:literal;)+) => {
        /// A format that is read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Format {
            $(#[doc = concat!($about, ".")] $variant,)+
        }

        impl Format {
            /// All formats, in the order in which they are shown.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the format's name, as on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Returns what the format is, as a line of help.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }
        }
    };
}

formats! {
    Harbor = "harbor", "Job directories of Harbor";
    Atif = "atif", "Trajectories in ATIF 1.0 to 1.8";
    Inspect = "inspect", "Logs of Inspect, `.eval` and `.json`";
    TerminalBench = "terminal-bench", "Runs of the first Terminal-Bench harness";
    SweBench = "swe-bench", "Reports and predictions of SWE-bench";
    MiniSweAgent = "mini-swe-agent", "Trajectories of mini-swe-agent";
    Hal = "hal", "`_UPLOAD.json` files of the Holistic Agent Leaderboard";
    TauBench = "tau-bench", "Trajectories of τ-bench";
    Margin = "margin", "Results of Margin Eval";
    ClaudeCode = "claude-code", "Session logs of Claude Code";
    Codex = "codex", "Session logs of Codex";
    Opencode = "opencode", "Session logs of opencode";
    Table = "table", "A table with a row for each trial: CSV, TSV, JSON Lines or Parquet";
}

/// What the user says of a source where it does not say it itself, or could mean several things.
#[derive(Debug, Clone, Default)]
pub struct ReaderOptions {
    /// The agent.
    pub agent: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The task.
    pub task: Option<String>,
    /// Which score is the verdict.
    pub score: Option<String>,
    /// Which column of a table is what.
    pub mapping: Mapping,
}

impl Format {
    /// Returns the name of an import that was given none.
    ///
    /// # Panics
    /// Never: the name of a format is a name.
    pub fn name(self) -> RunId {
        RunId::new(self.as_str()).expect("letters and dashes are a name")
    }

    /// Returns the options of [`ReaderOptions`] that say something of the format, as on the command line.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Self::Harbor | Self::Atif | Self::SweBench | Self::Hal => &[],
            Self::Inspect => &["score"],
            Self::TerminalBench | Self::TauBench | Self::Margin => &["agent", "model"],
            Self::MiniSweAgent | Self::ClaudeCode | Self::Codex | Self::Opencode => &["task", "agent"],
            Self::Table => &["mapping", "map"],
        }
    }
}

impl ReaderOptions {
    /// Returns the digest of everything that decides what the words of a source become.
    pub fn digest(&self, format: Format) -> ContentDigest {
        digest_bytes(format!("{} {self:?}", format.as_str()).as_bytes())
    }
}

/// Reads sources of a format and gives every trial to the sink.
///
/// # Errors
/// [`ImportError`] for the first thing that cannot be read, with its place and what was expected; and what the sink refuses.
pub fn read(
    format: Format,
    paths: &[PathBuf],
    options: &ReaderOptions,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let named = NamedAgent { agent: options.agent.clone(), model: options.model.clone(), version: None };
    let session = SessionOptions { task: options.task.clone(), agent: options.agent.clone() };
    match format {
        Format::Harbor => harbor::read(paths, sink),
        Format::Atif => atif::read(paths, sink),
        Format::Inspect => inspect::read(paths, &inspect::Options { score: options.score.clone() }, sink),
        Format::TerminalBench => terminal_bench::read(paths, &named, sink),
        Format::SweBench => swe_bench::read(paths, sink),
        Format::MiniSweAgent => mini_swe_agent::read(paths, &session, sink),
        Format::Hal => hal::read(paths, sink),
        Format::TauBench => tau_bench::read(paths, &named, sink),
        Format::Margin => margin::read(paths, &named, sink),
        Format::ClaudeCode => claude_code::read(paths, &session, sink),
        Format::Codex => codex::read(paths, &session, sink),
        Format::Opencode => opencode::read(paths, &session, sink),
        Format::Table => table::read(paths, &options.mapping, sink),
    }
}

/// Returns the bytes of everything below a path, for showing progress; what cannot be looked at counts nothing.
pub fn size(path: &Path) -> u64 {
    let files = walkdir::WalkDir::new(path).into_iter().filter_map(Result::ok);
    files
        .filter_map(|entry| entry.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|facts| facts.len())
        .sum()
}
