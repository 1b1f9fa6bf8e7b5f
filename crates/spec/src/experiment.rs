//! The experiment: a spec file that names agents × tasks × conditions × trials, with limits.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::toml_schema;
use crate::{
    AgentName, ConditionKind, ConditionSpec, Document, Fault, ModelName, RunId, Severity, SpecError, StopSpec,
};

/// An experiment as its file states it, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The experiment's name; part of the default output directory.
    pub name: RunId,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// Seeds the schedule, the simulated models and resampling.
    #[serde(default)]
    pub seed: u64,
    /// Trials per agent, task and condition; the most of them where `stop` says when to stop.
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: u32,
    /// Task directories or glob patterns, relative to the experiment's file.
    #[schemars(length(min = 1))]
    pub tasks: Vec<String>,
    /// Where trials run.
    #[serde(default)]
    pub sandbox: SandboxChoice,
    /// Trials at a time; chosen from cores and memory where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub concurrency: Option<u32>,
    /// A price table file, relative to the experiment's file; its prices add to those of the built-in table and replace them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<String>,
    /// A file that adds to the table of actions, relative to the experiment's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<String>,
    /// Whether replies are kept so that the run can be replayed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub record: bool,
    /// How a replay compares requests with the recording.
    #[serde(default, skip_serializing_if = "ReplaySpec::is_default")]
    pub replay: ReplaySpec,
    /// Limits per trial.
    #[serde(default)]
    pub limits: Limits,
    /// What the run may use in all.
    #[serde(default)]
    pub budget: RunBudget,
    /// When the run may stop before all its trials are run; never where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopSpec>,
    /// How confidence and claim are asked for.
    #[serde(default)]
    pub elicit: ElicitSpec,
    /// Model endpoints that agents may name; `simulated/<profile>` needs no entry.
    #[serde(default)]
    pub models: Vec<ModelSpec>,
    /// The agents.
    #[schemars(length(min = 1))]
    pub agents: Vec<AgentSpec>,
    /// The conditions; `baseline` alone where absent.
    #[serde(default = "baseline_only")]
    #[schemars(length(min = 1))]
    pub conditions: Vec<ConditionSpec>,
}

fn baseline_only() -> Vec<ConditionSpec> {
    vec![ConditionSpec::baseline()]
}

/// Where trials run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxChoice {
    /// Docker where an engine answers, namespaces otherwise; the choice is said.
    #[default]
    Auto,
    /// Containers of a local Docker or Podman engine.
    Docker,
    /// Linux namespaces with the host's own tools.
    Namespace,
    /// In memory and scripted, for trying out experiments and for tests.
    Fake,
}

impl SandboxChoice {
    /// Returns the choice's word as it stands in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Docker => "docker",
            Self::Namespace => "namespace",
            Self::Fake => "fake",
        }
    }
}

/// Limits per trial. Of times the lower of this and the task's own applies; memory and cores apply where the task does not say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Seconds for building the task's image; the task's own limit where absent.
    #[schemars(range(min = 1))]
    pub build_sec: Option<u64>,
    /// Seconds for making the sandbox ready.
    #[schemars(range(min = 1))]
    pub setup_sec: u64,
    /// Seconds for the agent; the task's own limit where absent, and 600 where neither says.
    #[schemars(range(min = 1))]
    pub agent_sec: Option<u64>,
    /// Seconds for the verifier; the task's own limit where absent.
    #[schemars(range(min = 1))]
    pub verify_sec: Option<u64>,
    /// Requests that a trial may send to its model; 500 where absent, or a trial's share of the run's where that is less.
    #[schemars(range(min = 1))]
    pub requests: Option<u64>,
    /// Tokens that a trial may use; a trial's share of the run's where absent, and no limit where the run has none either.
    #[schemars(range(min = 1))]
    pub tokens: Option<u64>,
    /// US dollars that a trial may cost; a trial's share of the run's where absent, and no limit where the run has none either.
    #[schemars(range(min = 0.000_001, max = 1_000_000_000.0))]
    pub usd: Option<f64>,
    /// Processes and threads in a sandbox.
    #[schemars(range(min = 16, max = 32_768))]
    pub pids: u32,
    /// Megabytes of memory where the task does not say.
    #[schemars(range(min = 64))]
    pub memory_mb: u64,
    /// Cores where the task does not say.
    #[schemars(range(min = 0.1))]
    pub cpus: f64,
    /// Megabytes kept of each of stdout and stderr; the rest is counted and dropped.
    #[schemars(range(min = 1, max = 1024))]
    pub output_mb: u64,
    /// Megabytes that the final workspace may hold.
    #[schemars(range(min = 1, max = 65_536))]
    pub workspace_mb: u64,
    /// Further attempts at a trial after failures of infrastructure.
    #[schemars(range(max = 100))]
    pub infrastructure_retries: u32,
}

impl Limits {
    /// Requests that a trial may send where neither the experiment nor the run's budget says.
    pub const REQUESTS: u64 = 500;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            build_sec: None,
            setup_sec: 120,
            agent_sec: None,
            verify_sec: None,
            requests: None,
            tokens: None,
            usd: None,
            pids: 512,
            memory_mb: 2048,
            cpus: 1.0,
            output_mb: 4,
            workspace_mb: 512,
            infrastructure_retries: 2,
        }
    }
}

/// What a run may use in all, further attempts and questions after the end included. A trial starts only where its own limits
/// fit into what is left; trials that do not fit stay planned, and the run can go on with a larger budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunBudget {
    /// Requests to models.
    #[schemars(range(min = 1))]
    pub requests: Option<u64>,
    /// Tokens.
    #[schemars(range(min = 1))]
    pub tokens: Option<u64>,
    /// US dollars.
    #[schemars(range(min = 0.000_001, max = 1_000_000_000.0))]
    pub usd: Option<f64>,
    /// Seconds in which trials may run, of all sessions together. An agent starts only where its time limit fits into what is left.
    #[schemars(range(min = 1))]
    pub wall_sec: Option<u64>,
}

/// How a replay compares requests with the recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplaySpec {
    /// What may differ, besides dates, ids and the like: JSON pointers into the body (`*` stands for every element), and regular
    /// expressions for parts of any text.
    pub ignore: Vec<String>,
}

impl ReplaySpec {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How confidence and claim are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ElicitSpec {
    /// When the question is put.
    pub mode: ElicitMode,
}

/// When the question for confidence and claim is put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ElicitMode {
    /// After the agent has ended, the gateway continues its last conversation with one question.
    #[default]
    After,
    /// The instruction asks the agent to state them at the end of its last message.
    InPrompt,
    /// They are not asked for.
    Off,
}

/// A model endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The name by which agents refer to it.
    pub name: ModelName,
    /// The base URL, with or without its version part: `https://api.example.com/v1`, `https://api.example.com`.
    #[schemars(length(min = 1))]
    pub base_url: String,
    /// The model's name at the provider.
    #[schemars(length(min = 1))]
    pub model: String,
    /// The environment variable that holds the provider's key; none where the endpoint needs no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// The file that holds the provider's key, relative to the experiment's file; refused where others than its owner may read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    /// The header that carries the key, where the provider does not take it as the protocol of the request does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_header: Option<KeyHeader>,
    /// Whether paths at the provider have no version part, so that `/v1` of an agent's path is dropped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unversioned: bool,
    /// Seconds for which the gateway makes a request wait for the provider's rate limit before the agent hears of it.
    #[serde(default = "max_wait_sec")]
    #[schemars(range(max = 86_400))]
    pub max_wait_sec: u64,
    /// Times that the gateway sends a request to a provider that limits its rate, before the agent hears of it.
    #[serde(default = "max_attempts")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_attempts: u32,
    /// Requests that all trials together may send in any minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub requests_per_minute: Option<u32>,
    /// Tokens of the replies of any minute from which on the next request waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub tokens_per_minute: Option<u64>,
    /// Requests of all trials together that may be with the provider at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub concurrent_requests: Option<u32>,
}

/// Below the time after which agents give up on a reply that does not begin; 300 s is the shortest seen.
fn max_wait_sec() -> u64 {
    240
}

fn max_attempts() -> u32 {
    20
}

/// The header that carries a provider's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyHeader {
    /// `Authorization: Bearer KEY`, as the `OpenAI` protocols have it.
    Authorization,
    /// `x-api-key: KEY`, as the `Anthropic` protocol has it.
    XApiKey,
}

/// An agent of the experiment: a recipe with the model it uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// The agent's name in results.
    pub name: AgentName,
    /// A built-in recipe's name, or the path of a recipe file relative to the experiment's file.
    #[serde(default = "reference_recipe")]
    pub recipe: String,
    /// `simulated/<profile>`, or the name of an entry of `models`.
    pub model: String,
    /// Settings of the recipe.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

fn reference_recipe() -> String {
    "reference".to_owned()
}

impl Experiment {
    /// Reads an experiment; `file` is the name that errors show.
    ///
    /// Returns it with the document, so that later checks (a task that does not exist, say) can point into it too.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: syntax, unknown keys, wrong types and values, names given twice, no baseline.
    pub fn parse(file: &str, text: &str) -> Result<(Self, Document), SpecError> {
        let document = Document::parse(file, text)?;
        let mut faults = document.check(&toml_schema::<Self>(), |_| Some(Severity::Error));
        faults.extend(twice(&document, "agents"));
        faults.extend(twice(&document, "models"));
        faults.extend(twice(&document, "conditions"));
        let (experiment, _) = document.read::<Self>(faults)?;
        let faults = experiment.unresolved(&document);
        if faults.is_empty() { Ok((experiment, document)) } else { Err(document.error(faults)) }
    }

    /// Checks what only shows once the values are typed.
    fn unresolved(&self, document: &Document) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !self.conditions.iter().any(|condition| condition.kind == ConditionKind::Baseline) {
            let hint = "add `[[conditions]]` with `name = \"baseline\"` and `kind = \"baseline\"`";
            faults.push(document.fault("/conditions", "no condition is the baseline", Some(hint.to_owned())));
        }
        for (index, condition) in self.conditions.iter().enumerate() {
            faults.extend(condition.faults(&format!("/conditions/{index}"), document));
        }
        faults.extend(self.stop.iter().flat_map(|stop| stop.faults(self.trials, document)));
        let names: Vec<&str> = self.models.iter().map(|model| model.name.as_str()).collect();
        for (index, agent) in self.agents.iter().enumerate() {
            if !agent.model.starts_with("simulated/") && !names.contains(&agent.model.as_str()) {
                let near = crate::did_you_mean(&agent.model, names.iter().copied());
                let hint = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name an entry of `[[models]]`, or a simulated model such as `simulated/steady`"
                        .to_owned(),
                };
                let message = format!("agent `{}` names the unknown model `{}`", agent.name, agent.model);
                faults.push(document.fault(&format!("/agents/{index}/model"), message, Some(hint)));
            }
        }
        for (index, model) in self.models.iter().enumerate() {
            if model.key_env.is_some() && model.key_file.is_some() {
                let message = format!("the model `{}` has its key in two places", model.name);
                let hint = "keep one of `key_env` and `key_file`".to_owned();
                faults.push(document.fault(&format!("/models/{index}/key_file"), message, Some(hint)));
            }
        }
        faults
    }
}

/// The faults of names given twice in one list of tables.
fn twice(document: &Document, list: &str) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    let entries = document.root().get(list).and_then(serde_json::Value::as_array);
    let mut faults = Vec::new();
    for (index, entry) in entries.into_iter().flatten().enumerate() {
        let Some(name) = entry.get("name").and_then(serde_json::Value::as_str) else { continue };
        if !seen.insert(name) {
            let message = format!("the name `{name}` is given twice in `{list}`");
            faults.push(document.fault(
                &format!("/{list}/{index}/name"),
                message,
                Some("names must differ".to_owned()),
            ));
        }
    }
    faults
}
