//! The plan: an experiment with its files read, its names resolved and its trials in order. Nothing is executed here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use retrial_agents::{ActionTable, Kit, Recipe};
use retrial_gateway::simulate::{Profile, SimulatedTrial};
use retrial_gateway::{PriceError, PriceTable, Upstream, Volatile};
use retrial_spec::{
    AgentName, BaselineFacts, BudgetKind, ContentDigest, Document, Experiment, Fault, ModelSpec, RunBudget,
    SandboxChoice, Simulation, SpecError, TaskName, TrialId, digest_bytes,
};

use crate::endpoint::{self, EndpointError};
use crate::schedule::schedule;
use crate::{DatasetError, TaskDir, TaskDirError, check_datasets, tasks_below};

/// What the command line changes of an experiment.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Trials per cell.
    pub trials: Option<u32>,
    /// The seed.
    pub seed: Option<u64>,
    /// Where trials run.
    pub sandbox: Option<SandboxChoice>,
    /// Trials at a time.
    pub concurrency: Option<u32>,
    /// Agents to keep; all where empty.
    pub agents: Vec<String>,
    /// Tasks to keep; all where empty.
    pub tasks: Vec<String>,
    /// Budgets of the run; those that are absent stay as they are.
    pub budget: RunBudget,
    /// Whether to record in any case.
    pub record: bool,
}

/// An experiment that can be run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The experiment with overrides applied, and with absolute paths.
    pub experiment: Experiment,
    /// The tasks, by name.
    pub tasks: Vec<Arc<TaskDir>>,
    /// The agents, in the experiment's order.
    pub agents: Vec<PlannedAgent>,
    /// The price table.
    pub prices: PriceTable,
    /// The table that tells actions.
    pub actions: Arc<ActionTable>,
    /// The counts that the experiment's stopping rule compares with, where it names a baseline.
    pub stop_baseline: Option<BaselineFacts>,
}

/// An agent whose recipe and model are resolved.
#[derive(Debug, Clone)]
pub struct PlannedAgent {
    /// Its name in the experiment.
    pub name: AgentName,
    /// How it is launched.
    pub recipe: Recipe,
    /// Its installation, once there is one.
    pub kit: Option<Kit>,
    /// Its model.
    pub model: PlannedModel,
    /// The model as the experiment names it.
    pub model_name: String,
    /// Settings of the recipe.
    pub options: std::collections::BTreeMap<String, String>,
}

/// A model that trials can be connected to.
#[derive(Debug, Clone)]
pub enum PlannedModel {
    /// A simulated model, by its profile.
    Simulated(Profile),
    /// An endpoint. Its key is read for each trial and kept nowhere else.
    Endpoint(ModelSpec),
}

impl PlannedModel {
    /// Returns the model's name as it stands on the wire.
    pub fn wire_name(&self) -> &str {
        match self {
            Self::Simulated(profile) => &profile.name,
            Self::Endpoint(model) => &model.model,
        }
    }

    /// Returns the model's name in price tables.
    pub(crate) fn priced_as(&self) -> String {
        match self {
            Self::Simulated(profile) => format!("simulated/{}", profile.name),
            Self::Endpoint(model) => model.model.clone(),
        }
    }

    /// Returns what answers a trial's requests.
    ///
    /// # Errors
    /// [`EndpointError`]; a simulated model on a task without a simulation, which a plan has excluded, is none.
    pub(crate) fn upstream(
        &self,
        simulation: Option<&Simulation>,
        seed: u64,
        trial: &TrialId,
    ) -> Result<Option<Upstream>, EndpointError> {
        match self {
            Self::Simulated(profile) => {
                let simulated = |simulation| SimulatedTrial::new(profile, simulation, seed, trial);
                Ok(simulation.map(simulated).map(Upstream::Simulated))
            }
            Self::Endpoint(model) => endpoint::upstream(model).map(Upstream::Http).map(Some),
        }
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The experiment's file, or a file it names, cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The experiment has faults.
    #[error("the experiment has faults")]
    Spec(#[source] Box<SpecError>),
    /// A task cannot be used.
    #[error("a task cannot be used")]
    Task(#[source] Box<TaskDirError>),
    /// A dataset cannot be used.
    #[error("a dataset cannot be used")]
    Dataset(#[source] DatasetError),
    /// The price table cannot be used.
    #[error("the price table cannot be used")]
    Prices(#[source] PriceError),
    /// The file that adds to the table of actions has faults.
    #[error("the table of actions cannot be used")]
    Actions(#[source] Box<SpecError>),
    /// The table of actions changed since the run was started.
    #[error("the table of actions changed since the run was started")]
    ActionsChanged,
    /// A filter matches nothing.
    #[error("no {what} is named `{name}`")]
    NoSuch {
        /// `agent` or `task`.
        what: &'static str,
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Two task directories have the same name.
    #[error("two tasks are named `{name}`: `{}` and `{}`", first.display(), second.display())]
    SameName {
        /// The name.
        name: TaskName,
        /// One directory.
        first: PathBuf,
        /// The other directory.
        second: PathBuf,
    },
    /// A task changed since the run was started.
    #[error("the task `{name}` changed since the run was started")]
    Changed {
        /// The task.
        name: TaskName,
    },
    /// The run was read from another tool's files.
    #[error("the run was imported: there is nothing that could go on")]
    Imported,
    /// The price tables are not those that the run was started with.
    #[error("the prices changed since the run was started")]
    PricesChanged,
    /// A budget in money needs the price of every model.
    #[error(
        "agent `{agent}` has a budget in money, and the price tables hold no price of its model `{model}`"
    )]
    NoPrice {
        /// The agent.
        agent: AgentName,
        /// The model as the price tables would name it.
        model: String,
    },
    /// Not even one trial fits into the run's budget.
    #[error("no trial fits into the run's budget of {budget}: one may use {needed}")]
    BudgetTooSmall {
        /// Which budget.
        kind: BudgetKind,
        /// The run's budget, in words.
        budget: String,
        /// What a trial may use, in words.
        needed: String,
    },
    /// A simulated model cannot do a task without a simulation.
    #[error("agent `{agent}` uses a simulated model, and the task `{task}` has no simulation.toml")]
    NoSimulation {
        /// The agent.
        agent: AgentName,
        /// The task.
        task: TaskName,
    },
}

impl PlanError {
    /// Returns the faults of the file that is wrong, where it is a file that people write.
    pub fn spec_error(&self) -> Option<&SpecError> {
        match self {
            Self::Spec(error) | Self::Actions(error) => Some(error),
            Self::Task(error) => error.spec_error(),
            _ => None,
        }
    }

    /// Returns advice, where there is any.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuch { known, name, .. } => {
                let near = retrial_spec::did_you_mean(name, known.iter().map(String::as_str));
                Some(near.map_or_else(
                    || format!("there are: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                ))
            }
            Self::NoSimulation { .. } => {
                Some("name a real model, or add a simulation.toml to the task".to_owned())
            }
            Self::Changed { .. } => {
                Some("start a new run: results of different tasks do not belong together".to_owned())
            }
            Self::ActionsChanged => {
                Some("start a new run: actions of different tables do not belong together".to_owned())
            }
            Self::SameName { .. } => Some("rename one of the directories".to_owned()),
            Self::Imported => Some("import again from the source, which may have more trials now".to_owned()),
            Self::Dataset(error) => error.hint(),
            Self::PricesChanged => Some("put back the price table as it was, or start a new run".to_owned()),
            Self::NoPrice { model, .. } => Some(format!(
                "add `[[models]]` with `name = \"{model}\"` to a price table and name it as `prices`, or limit tokens instead"
            )),
            Self::BudgetTooSmall { .. } => {
                Some("give the run a larger budget, or its trials lower limits".to_owned())
            }
            _ => None,
        }
    }
}

impl Plan {
    /// Returns a warning for every agent and task of which the task gives less memory than the agent needs.
    pub fn memory_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for agent in &self.agents {
            let Some(needed) = agent.recipe.file().memory_mb else { continue };
            for task in &self.tasks {
                let given = task.task.environment.memory_mb.unwrap_or(self.experiment.limits.memory_mb);
                if given < needed {
                    warnings.push(format!(
                        "the task `{}` gives {given} MB of memory, and the agent `{}` may not work with less than {needed} MB",
                        task.name, agent.name
                    ));
                }
            }
        }
        warnings
    }

    /// Reads an experiment's file and everything it names.
    ///
    /// # Errors
    /// [`PlanError`] with all faults of the first file that has any.
    pub fn read(path: &Path, overrides: &Overrides) -> Result<Self, PlanError> {
        let read = |source| PlanError::Read { path: path.to_owned(), source };
        let text = fs_err::read_to_string(path).map_err(read)?;
        let base = path.canonicalize().map_err(read)?.parent().map_or_else(PathBuf::new, Path::to_owned);
        let shown = path.display().to_string();
        let (mut experiment, document) =
            Experiment::parse(&shown, &text).map_err(|error| PlanError::Spec(Box::new(error)))?;
        if let Err(error) = Volatile::new(&experiment.replay.ignore) {
            let fault = document.fault(&format!("/replay/ignore/{}", error.index), error.to_string(), None);
            return Err(PlanError::Spec(Box::new(document.error(vec![fault]))));
        }
        let (directories, datasets) = task_directories(&experiment, &document, &base)?;
        experiment.tasks = directories;
        experiment.prices = experiment.prices.map(|prices| base.join(prices).display().to_string());
        for model in &mut experiment.models {
            model.key_file = model.key_file.take().map(|file| base.join(file).display().to_string());
        }
        experiment.actions = experiment.actions.map(|actions| base.join(actions).display().to_string());
        overrides.apply(&mut experiment)?;
        let mut plan = Self::resolve(experiment, &document, &base)?;
        check_datasets(plan.tasks.iter().map(AsRef::as_ref), &datasets).map_err(PlanError::Dataset)?;
        plan.keep_tasks(&overrides.tasks)?;
        plan.read_baseline(&document, &base)?;
        plan.check()?;
        plan.share_budget()?;
        Ok(plan)
    }

    /// Makes the plan of a run from its `run.json` again.
    ///
    /// # Errors
    /// [`PlanError`]; [`PlanError::Changed`] where a task is no longer what it was.
    pub fn of_run(manifest: &retrial_spec::RunManifest) -> Result<Self, PlanError> {
        // Faults of a run's experiment can only point at the run as a whole.
        let document = Document::parse("run.json", "").map_err(|error| PlanError::Spec(Box::new(error)))?;
        let measured = manifest.measured().ok_or(PlanError::Imported)?;
        let plan = Self::resolve(measured.experiment.clone(), &document, Path::new("/"))?;
        if *plan.actions.digest() != manifest.actions {
            return Err(PlanError::ActionsChanged);
        }
        for (now, then) in plan.tasks.iter().zip(&manifest.tasks) {
            if Some(&now.digest) != then.digest.as_ref() || now.simulation_digest != then.simulation {
                return Err(PlanError::Changed { name: now.name.clone() });
            }
        }
        if *plan.prices.facts() != measured.prices {
            return Err(PlanError::PricesChanged);
        }
        Ok(Self { stop_baseline: measured.stop_baseline.clone(), ..plan })
    }

    fn resolve(experiment: Experiment, document: &Document, base: &Path) -> Result<Self, PlanError> {
        let mut tasks: Vec<Arc<TaskDir>> = Vec::new();
        for directory in &experiment.tasks {
            let task =
                TaskDir::read(Path::new(directory)).map_err(|error| PlanError::Task(Box::new(error)))?;
            if let Some(other) = tasks.iter().find(|other| other.name == task.name) {
                let (first, second) = (other.path.clone(), task.path);
                return Err(PlanError::SameName { name: task.name, first, second });
            }
            tasks.push(Arc::new(task));
        }
        tasks.sort_by(|a, b| a.name.cmp(&b.name));
        let agents = planned_agents(&experiment, document, base)?;
        let prices = match &experiment.prices {
            Some(path) => read_prices(Path::new(path))?,
            None => PriceTable::builtin(),
        };
        let actions = match &experiment.actions {
            Some(path) => read_actions(Path::new(path))?,
            None => ActionTable::builtin(),
        };
        Ok(Self { experiment, tasks, agents, prices, actions: Arc::new(actions), stop_baseline: None })
    }

    fn keep_tasks(&mut self, keep: &[String]) -> Result<(), PlanError> {
        let known: Vec<String> = self.tasks.iter().map(|task| task.name.to_string()).collect();
        known_or("task", keep, &known)?;
        if !keep.is_empty() {
            self.tasks.retain(|task| keep.iter().any(|name| name == task.name.as_str()));
        }
        self.experiment.tasks = self.tasks.iter().map(|task| task.path.display().to_string()).collect();
        Ok(())
    }

    /// Reads the run that the stopping rule compares with.
    fn read_baseline(&mut self, document: &Document, base: &Path) -> Result<(), PlanError> {
        let Some(stop) = &mut self.experiment.stop else { return Ok(()) };
        let Some(baseline) = &mut stop.baseline else { return Ok(()) };
        let path = base.join(&*baseline);
        let tasks = self.tasks.iter().map(AsRef::as_ref);
        let facts = crate::baseline::read(&path, &tasks, &self.agents, document)
            .map_err(|fault| PlanError::Spec(Box::new(document.error(vec![*fault]))))?;
        *baseline = path.display().to_string();
        self.stop_baseline = Some(facts);
        Ok(())
    }

    /// Checks that agents and tasks fit together.
    fn check(&self) -> Result<(), PlanError> {
        for agent in &self.agents {
            let without = self.tasks.iter().find(|task| task.simulation.is_none());
            if let (PlannedModel::Simulated(_), Some(task)) = (&agent.model, without) {
                return Err(PlanError::NoSimulation { agent: agent.name.clone(), task: task.name.clone() });
            }
        }
        Ok(())
    }

    /// Returns every trial in the order it is started.
    pub fn order(&self) -> Vec<TrialId> {
        let tasks: Vec<_> = self.tasks.iter().map(|task| task.name.clone()).collect();
        let agents: Vec<_> = self.agents.iter().map(|agent| agent.name.clone()).collect();
        let conditions: Vec<_> =
            self.experiment.conditions.iter().map(|condition| condition.name.clone()).collect();
        schedule(&tasks, &agents, &conditions, self.experiment.trials, self.experiment.seed)
    }

    /// Returns the digest of the experiment as resolved, the same wherever its files lie.
    pub fn digest(&self) -> ContentDigest {
        let mut portable = self.experiment.clone();
        portable.tasks = self.tasks.iter().map(|task| format!("{} {}", task.name, task.digest)).collect();
        let own = self.prices.facts().own.as_ref().map(|table| &table.digest);
        portable.prices = Some(own.unwrap_or(&self.prices.facts().builtin.digest).to_string());
        for model in &mut portable.models {
            model.key_file = model.key_file.take().map(|_| String::new());
        }
        portable.actions = Some(self.actions.digest().to_string());
        if let Some(stop) = &mut portable.stop {
            // The counts stand for the run, wherever it lies.
            let facts =
                self.stop_baseline.as_ref().map(|facts| serde_json::to_string(facts).unwrap_or_default());
            stop.baseline = facts;
        }
        for (spec, agent) in portable.agents.iter_mut().zip(&self.agents) {
            spec.recipe = agent.recipe.digest().to_string();
        }
        // An experiment is plain data; were it not, all its digests would be that of nothing.
        digest_bytes(&serde_json::to_vec(&portable).unwrap_or_default())
    }
}

impl Overrides {
    fn apply(&self, experiment: &mut Experiment) -> Result<(), PlanError> {
        experiment.trials = self.trials.unwrap_or(experiment.trials);
        experiment.seed = self.seed.unwrap_or(experiment.seed);
        experiment.sandbox = self.sandbox.unwrap_or(experiment.sandbox);
        experiment.concurrency = self.concurrency.or(experiment.concurrency);
        crate::shares::change(&mut experiment.budget, self.budget);
        experiment.record |= self.record;
        let known: Vec<String> = experiment.agents.iter().map(|agent| agent.name.to_string()).collect();
        known_or("agent", &self.agents, &known)?;
        if !self.agents.is_empty() {
            experiment.agents.retain(|agent| self.agents.iter().any(|name| name == agent.name.as_str()));
        }
        Ok(())
    }
}

/// Reads a price table of the user's own; its prices come before those of the built-in table.
///
/// # Errors
/// [`PlanError::Read`], [`PlanError::Prices`].
pub fn read_prices(path: &Path) -> Result<PriceTable, PlanError> {
    let text =
        fs_err::read_to_string(path).map_err(|source| PlanError::Read { path: path.to_owned(), source })?;
    PriceTable::builtin().with_own(&path.display().to_string(), &text).map_err(PlanError::Prices)
}

/// Reads the built-in table of actions with what a file adds to it.
///
/// # Errors
/// [`PlanError::Read`], [`PlanError::Actions`].
pub fn read_actions(path: &Path) -> Result<ActionTable, PlanError> {
    let text =
        fs_err::read_to_string(path).map_err(|source| PlanError::Read { path: path.to_owned(), source })?;
    let table = ActionTable::extended(&path.display().to_string(), &text);
    table.map_err(|error| PlanError::Actions(Box::new(error)))
}

fn known_or(what: &'static str, names: &[String], known: &[String]) -> Result<(), PlanError> {
    match names.iter().find(|name| !known.contains(name)) {
        Some(name) => Err(PlanError::NoSuch { what, name: name.clone(), known: known.to_vec() }),
        None => Ok(()),
    }
}

/// Resolves the patterns of `tasks` to absolute directories, in the order of the file, each once. Returns with them the directories of
/// tasks that were named as a whole.
fn task_directories(
    experiment: &Experiment,
    document: &Document,
    base: &Path,
) -> Result<(Vec<String>, Vec<PathBuf>), PlanError> {
    let (mut found, mut datasets) = (Vec::new(), Vec::new());
    let mut faults = Vec::new();
    for (index, pattern) in experiment.tasks.iter().enumerate() {
        let pointer = format!("/tasks/{index}");
        // Only what the file says is a pattern, whatever the directory it lies in is called.
        let full = Path::new(&glob::Pattern::escape(&base.to_string_lossy())).join(pattern);
        let paths = match glob::glob(&full.to_string_lossy()) {
            Ok(paths) => paths.filter_map(Result::ok),
            Err(error) => {
                faults.push(document.fault(&pointer, format!("`{pattern}` is not a pattern: {error}"), None));
                continue;
            }
        };
        let mut matches: Vec<PathBuf> = Vec::new();
        for path in paths {
            let tasks =
                tasks_below(&path).map_err(|source| PlanError::Read { path: path.clone(), source })?;
            if tasks.first().is_some_and(|first| *first != path) {
                datasets.push(path);
            }
            matches.extend(tasks);
        }
        if matches.is_empty() {
            let hint = "a task is a directory with a task.toml, a dataset one with tasks directly below it; paths are relative to \
                        the experiment's file";
            faults.push(document.fault(&pointer, format!("no task at `{pattern}`"), Some(hint.to_owned())));
        }
        for path in matches {
            let path = path.canonicalize().unwrap_or(path).display().to_string();
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    if faults.is_empty() {
        Ok((found, datasets))
    } else {
        Err(PlanError::Spec(Box::new(document.error(faults))))
    }
}

fn planned_agents(
    experiment: &Experiment,
    document: &Document,
    base: &Path,
) -> Result<Vec<PlannedAgent>, PlanError> {
    let mut agents = Vec::new();
    let mut faults: Vec<Fault> = Vec::new();
    for (index, spec) in experiment.agents.iter().enumerate() {
        let recipe = retrial_agents::resolve(spec, base);
        if is_misleading(spec) {
            let pointer = format!("/agents/{index}/name");
            let message = format!("the agent `{}` would be the reference agent", spec.name);
            let hint = format!(
                "add `recipe = \"{0}\"`, or give it another name than that of the recipe `{0}`",
                spec.name
            );
            faults.push(document.fault(&pointer, message, Some(hint)));
        }
        let model = planned_model(experiment, &spec.model);
        match (recipe, model) {
            (Ok(recipe), Ok(model)) => agents.push(PlannedAgent {
                name: spec.name.clone(),
                recipe,
                kit: None,
                model,
                model_name: spec.model.clone(),
                options: spec.options.clone(),
            }),
            (recipe, model) => {
                if let Err(error) = recipe {
                    let pointer = format!("/agents/{index}/{}", error.key());
                    faults.push(document.fault(&pointer, crate::grade::error_chain(&error), error.hint()));
                }
                if let Err((message, hint)) = model {
                    faults.push(document.fault(&format!("/agents/{index}/model"), message, Some(hint)));
                }
            }
        }
    }
    if faults.is_empty() { Ok(agents) } else { Err(PlanError::Spec(Box::new(document.error(faults)))) }
}

/// Whether an agent has the name of a built-in recipe and is the reference agent, because `recipe` was forgotten.
fn is_misleading(spec: &retrial_spec::AgentSpec) -> bool {
    let name = spec.name.as_str();
    spec.recipe == "reference" && name != "reference" && Recipe::builtin(name).is_some()
}

/// Resolves a model's name; the error is a message with a hint.
fn planned_model(experiment: &Experiment, name: &str) -> Result<PlannedModel, (String, String)> {
    if let Some(profile) = name.strip_prefix("simulated/") {
        return Profile::named(profile).map(PlannedModel::Simulated).ok_or_else(|| {
            let known: Vec<String> = Profile::all().into_iter().map(|profile| profile.name).collect();
            let hint = match retrial_spec::did_you_mean(profile, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `simulated/{near}`?"),
                None => format!("there are: {}", known.join(", ")),
            };
            (format!("no simulated model is named `{profile}`"), hint)
        });
    }
    let spec = experiment.models.iter().find(|model| model.name.as_str() == name);
    spec.cloned()
        .map(PlannedModel::Endpoint)
        .ok_or_else(|| (format!("no model is named `{name}`"), "add it to `[[models]]`".to_owned()))
}
