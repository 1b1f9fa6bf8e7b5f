//! The ledger's format: one line of JSON for each run of an agent on a suite, which holds all that later statistics need.

use std::fmt;

use jiff::Timestamp;
use retrial_spec::{
    AgentFacts, ConditionName, ContentDigest, FormatVersion, RetrialFacts, RunId, TaskName, digest_bytes,
};
use retrial_stats::Counts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Settings, TimeoutPolicy, UngradedPolicy};

/// The version of the ledger's lines that this build writes. Changes:
/// - 1.0: the first.
pub const LEDGER_FORMAT: FormatVersion = FormatVersion { major: 1, minor: 0 };

/// Most letters of a release's name.
const LONGEST_RELEASE: usize = 80;

/// The name of a release: a line of text of 1 to 80 letters, such as `2.3.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseName(#[schemars(length(min = 1, max = 80))] String);

/// A text that is no name of a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a release's name is a line of 1 to 80 letters without control characters, and not `{0}`")]
pub struct InvalidRelease(String);

impl ReleaseName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidRelease`] for an empty text, one of more than 80 letters, and one with control characters or spaces at its ends.
    pub fn new(name: &str) -> Result<Self, InvalidRelease> {
        let is_fit = !name.is_empty()
            && name.trim() == name
            && name.chars().count() <= LONGEST_RELEASE
            && !name.chars().any(is_invisible);
        if is_fit {
            Ok(Self(name.to_owned()))
        } else {
            let shown = name.chars().filter(|letter| !is_invisible(*letter)).take(LONGEST_RELEASE).collect();
            Err(InvalidRelease(shown))
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl TryFrom<String> for ReleaseName {
    type Error = InvalidRelease;

    fn try_from(name: String) -> Result<Self, InvalidRelease> {
        Self::new(&name)
    }
}

impl From<ReleaseName> for String {
    fn from(name: ReleaseName) -> Self {
        name.0
    }
}

/// Whether a letter acts on the text around it instead of being seen.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// One line of the ledger: one agent's trials of one suite in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerEntry {
    /// The format of this line.
    pub format: FormatVersion,
    /// The suite, as [`suite_digest`] gives it.
    pub suite: ContentDigest,
    /// The experiment's name, which only names the suite for people.
    pub experiment: RunId,
    /// The agent: its name, recipe, version and model.
    pub agent: AgentFacts,
    /// The digest of what the experiment sets for the agent (recipe, model, options, limits, question for confidence); none for an
    /// imported run.
    pub setup: Option<ContentDigest>,
    /// The release of the agent.
    pub release: ReleaseName,
    /// The run.
    pub run: RunId,
    /// When the run was created; of an imported run when its trials were run.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Name and version of the tool that ran it.
    pub tool: String,
    /// The files of the run directory that the numbers follow from.
    pub inputs: Vec<LedgerInput>,
    /// The condition; mostly `baseline`.
    pub condition: ConditionName,
    /// The digest of the condition's settings; none for the baseline.
    pub condition_settings: Option<ContentDigest>,
    /// The choices that the numbers depend on.
    pub settings: Settings,
    /// Planned trials.
    pub planned: u64,
    /// The tasks, by name, each once.
    pub tasks: Vec<LedgerTask>,
    /// The headline measures of its scorecard at that time, to be read; what is compared over time is computed from the tasks' counts.
    pub measures: Vec<LedgerMeasure>,
}

/// A file of a run directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerInput {
    /// Its name within the run directory.
    pub name: String,
    /// The digest of its content.
    pub digest: ContentDigest,
}

/// The trials of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerTask {
    /// The task.
    pub name: TaskName,
    /// The content digest; none where an import's source does not state it.
    pub digest: Option<ContentDigest>,
    /// Category, stakes and so on, where the task states them.
    pub facts: Option<RetrialFacts>,
    /// Trials that count as passed.
    pub passed: u32,
    /// Trials that count as failed.
    pub failed: u32,
    /// Finished trials that count as neither.
    pub excluded: u32,
    /// What trials that count have cost; none where that is known of none of them.
    pub cost: Option<LedgerCost>,
}

/// What the trials of one task have cost, of those whose cost is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerCost {
    /// Trials that count and whose cost is known.
    pub trials: u32,
    /// Those of them that passed.
    pub passed: u32,
    /// Millionths of a US dollar that they cost together.
    pub usd_micros: u64,
}

/// A headline measure as it was when the run was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerMeasure {
    /// The measure's name.
    pub id: String,
    /// The number of draws, for pass@k and pass^k.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
    /// What is used up, for measures that every resource has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Its value.
    pub value: LedgerValue,
}

/// The value of a measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerValue {
    /// The estimate.
    Estimate {
        /// The estimate.
        point: f64,
        /// Trials it was computed from.
        trials: u64,
        /// Tasks it was computed from.
        tasks: u64,
        /// Its interval; none where it is undefined.
        interval: Option<LedgerInterval>,
    },
    /// The code of the reason why there is no estimate.
    Undefined(String),
}

/// An interval; its level and target are those of the line's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerInterval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How it was made.
    pub method: String,
}

/// What is wrong with a line that is well-formed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// It was written in another format.
    #[error("the line has format {found}, and this build reads {LEDGER_FORMAT} and later minor versions")]
    Format {
        /// Its format.
        found: FormatVersion,
    },
    /// Its tasks are not in order, or twice there.
    #[error("`tasks` lists `{0}` twice or out of order")]
    Tasks(TaskName),
    /// It has no task.
    #[error("`tasks` is empty")]
    NoTasks,
    /// Its suite is not that of its tasks.
    #[error("`suite` is not the digest of its tasks, condition and counting rules: the line was changed")]
    Suite,
    /// A cost that cannot be.
    #[error("`cost` of the task `{0}` is of more trials than count")]
    Cost(TaskName),
}

impl LedgerEntry {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// [`EntryFault`], the first that is found.
    pub fn check(&self) -> Result<(), EntryFault> {
        if self.format.major != LEDGER_FORMAT.major {
            return Err(EntryFault::Format { found: self.format });
        }
        if self.tasks.is_empty() {
            return Err(EntryFault::NoTasks);
        }
        for pair in self.tasks.windows(2) {
            if let [first, second] = pair
                && first.name >= second.name
            {
                return Err(EntryFault::Tasks(second.name.clone()));
            }
        }
        for task in &self.tasks {
            let graded = u64::from(task.passed) + u64::from(task.failed);
            let is_fit = |cost: LedgerCost| {
                u64::from(cost.trials) <= graded && cost.passed <= cost.trials.min(task.passed)
            };
            if !task.cost.is_none_or(is_fit) {
                return Err(EntryFault::Cost(task.name.clone()));
            }
        }
        if self.suite == self.own_suite() { Ok(()) } else { Err(EntryFault::Suite) }
    }

    /// Returns the digest that its suite must have.
    pub(super) fn own_suite(&self) -> ContentDigest {
        let tasks = self.tasks.iter().map(|task| (&task.name, task.digest.as_ref()));
        suite_digest(tasks, self.condition_settings.as_ref(), &self.settings)
    }

    /// Returns passed and graded trials of each task.
    pub(crate) fn counts(&self) -> Vec<Counts> {
        self.tasks.iter().map(LedgerTask::counts).collect()
    }

    /// Returns how many trials count.
    pub fn graded(&self) -> u64 {
        self.tasks.iter().map(|task| task.counts().total()).sum()
    }

    /// Returns whether what ran is known to be the same as in the other entry: recipe, kit, version, model and what the experiment
    /// sets for it. Where one of them is not known, that is not known either.
    pub fn is_unchanged_from(&self, other: &Self) -> bool {
        let is_known = self.agent.recipe.is_some()
            && self.agent.version.is_some()
            && self.agent.model.is_some()
            && self.setup.is_some();
        is_known && self.states_the_same_as(other)
    }

    /// Returns whether all that both entries state of what ran is equal, and missing in both where it is missing.
    pub fn states_the_same_as(&self, other: &Self) -> bool {
        self.agent == other.agent && self.setup == other.setup
    }
}

impl LedgerTask {
    /// Returns passed and graded trials.
    pub(crate) fn counts(&self) -> Counts {
        let (passed, failed) = (u64::from(self.passed), u64::from(self.failed));
        Counts::new(passed, passed + failed).unwrap_or_else(|_| Counts::of(&[]))
    }
}

/// Returns the digest of a suite: of the tasks' names and digests in the order of their names, the settings of a condition that is not
/// the baseline, and what a trial without a verdict or without time left counts as. Histories of different suites are never compared.
pub fn suite_digest<'a>(
    tasks: impl IntoIterator<Item = (&'a TaskName, Option<&'a ContentDigest>)>,
    condition: Option<&ContentDigest>,
    settings: &Settings,
) -> ContentDigest {
    let mut lines: Vec<String> = tasks
        .into_iter()
        .map(|(name, digest)| format!("{name}\0{}\n", digest.map_or("-", ContentDigest::as_str)))
        .collect();
    lines.sort_unstable();
    let timeout = match settings.timeout {
        TimeoutPolicy::Verdict => "verdict",
        TimeoutPolicy::Fail => "fail",
    };
    let ungraded = match settings.ungraded {
        UngradedPolicy::Exclude => "exclude",
        UngradedPolicy::Fail => "fail",
    };
    let condition = condition.map_or("baseline", ContentDigest::as_str);
    let text = format!("{}\0{condition}\0timeout {timeout}\0ungraded {ungraded}\n", lines.concat());
    digest_bytes(text.as_bytes())
}
