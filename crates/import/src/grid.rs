//! Who tried what: the agents, tasks and conditions of a source, and which trial is which.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use retrial_spec::{
    AgentFacts, AgentName, ConditionKind, ConditionName, ConditionSpec, ContentDigest, PlannedTrials,
    TaskFacts, TaskName,
};

use crate::names::{Texts, named, renamed};
use crate::{Found, FoundAgent, Unfinished};

/// The agents, tasks and conditions found so far, and the cells that they make.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    agents: Vec<FoundAgent>,
    agent_places: HashMap<FoundAgent, u32>,
    tasks: Vec<(String, Option<ContentDigest>)>,
    task_places: HashMap<String, Vec<u32>>,
    /// The titles of tasks that have one beside their name.
    titles: HashMap<u32, String>,
    conditions: Texts,
    cells: HashMap<Cell, u32>,
    order: Vec<Cell>,
    /// How many trials of each cell have no result.
    unfinished: HashMap<u32, u32>,
}

/// An agent, a task and a condition, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Cell {
    agent: u32,
    task: u32,
    condition: u32,
}

/// What decides which trial of its cell a trial is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    cell: u32,
    number: u32,
    started_us: i64,
}

/// The names of everything, and the number of each trial.
pub(crate) struct Settled {
    pub(crate) agents: Vec<AgentFacts>,
    pub(crate) tasks: Vec<TaskFacts>,
    pub(crate) conditions: Vec<ConditionSpec>,
    pub(crate) planned: PlannedTrials,
    pub(crate) renamed: BTreeMap<String, String>,
    /// The number of each entry within its cell, from 1.
    numbers: Vec<u32>,
    /// `task~agent~condition` of each cell.
    cells: Vec<String>,
}

impl Settled {
    /// Returns the id of the trial of an index.
    pub(crate) fn id(&self, index: u32, entries: &[Entry]) -> String {
        let index = index as usize;
        let cell = entries.get(index).and_then(|entry| self.cells.get(entry.cell as usize));
        let number = self.numbers.get(index).copied().unwrap_or_default();
        format!("{}~{number}", cell.map_or("", |cell| cell))
    }
}

const BASELINE: &str = "baseline";

impl Grid {
    pub(crate) fn entry(&mut self, found: &Found) -> Entry {
        let condition = found.condition.as_deref();
        let cell = self.cell(&found.agent, (&found.task, found.task_digest.as_ref()), condition);
        if let (Some(title), Some(of)) = (&found.task_title, self.order.get(cell as usize)) {
            self.titles.entry(of.task).or_insert_with(|| title.clone());
        }
        Entry {
            cell,
            number: found.number.unwrap_or(u32::MAX),
            started_us: found.started_at.map_or(i64::MAX, Timestamp::as_microsecond),
        }
    }

    pub(crate) fn unfinished(&mut self, unfinished: &Unfinished) {
        // Its content is that of the trials of the same name, if there are any.
        let known = self.task_places.get(&unfinished.task).and_then(|places| places.first());
        let digest = known.and_then(|&place| self.tasks[place as usize].1.clone());
        let task = (&unfinished.task[..], digest.as_ref());
        let cell = self.cell(&unfinished.agent, task, unfinished.condition.as_deref());
        *self.unfinished.entry(cell).or_default() += 1;
    }

    fn cell(
        &mut self,
        agent: &FoundAgent,
        (task, digest): (&str, Option<&ContentDigest>),
        condition: Option<&str>,
    ) -> u32 {
        let cell = Cell {
            agent: self.agent(agent),
            task: self.task(task, digest),
            condition: self.conditions.place(condition.unwrap_or(BASELINE)),
        };
        let next = self.order.len() as u32;
        let place = *self.cells.entry(cell).or_insert(next);
        if place == next {
            self.order.push(cell);
        }
        place
    }

    fn agent(&mut self, agent: &FoundAgent) -> u32 {
        if let Some(&place) = self.agent_places.get(agent) {
            return place;
        }
        let place = self.agents.len() as u32;
        self.agents.push(agent.clone());
        self.agent_places.insert(agent.clone(), place);
        place
    }

    /// Tasks of the same name and different content are different tasks.
    fn task(&mut self, name: &str, digest: Option<&ContentDigest>) -> u32 {
        if let Some(places) = self.task_places.get(name)
            && let Some(&place) =
                places.iter().find(|&&place| self.tasks[place as usize].1.as_ref() == digest)
        {
            return place;
        }
        let place = self.tasks.len() as u32;
        self.tasks.push((name.to_owned(), digest.cloned()));
        self.task_places.entry(name.to_owned()).or_default().push(place);
        place
    }

    /// Gives everything its name and every trial its number.
    pub(crate) fn settle(self, entries: &[Entry]) -> Settled {
        let agent_texts = agent_texts(&self.agents);
        let task_texts: Vec<String> = self.tasks.iter().map(|task| self.task_text(task)).collect();
        let condition_texts = self.conditions.order();
        let (agents, tasks) = (named(&agent_texts), named(&task_texts));
        let conditions = named(condition_texts);
        let mut all = renamed(&agent_texts, &agents);
        all.extend(renamed(&task_texts, &tasks));
        all.extend(renamed(condition_texts, &conditions));
        let cell = |cell: &Cell| {
            let (task, agent) = (&tasks[cell.task as usize], &agents[cell.agent as usize]);
            format!("{task}~{agent}~{}", conditions[cell.condition as usize])
        };
        let cells: Vec<String> = self.order.iter().map(cell).collect();
        let (numbers, recorded) = numbers(entries, self.order.len());
        let counts = (0_u32..).zip(recorded);
        let counts =
            counts.map(|(cell, recorded)| recorded + self.unfinished.get(&cell).copied().unwrap_or(0));
        let planned: HashMap<&str, u32> = cells.iter().map(String::as_str).zip(counts).collect();
        let planned = planned_trials(&planned, (&tasks, &agents, &conditions));
        Settled {
            agents: agent_facts(&self.agents, &agents),
            tasks: self.task_facts(&tasks),
            conditions: condition_specs(&conditions),
            planned,
            renamed: all,
            numbers,
            cells,
        }
    }

    /// By name.
    fn task_facts(&self, names: &[String]) -> Vec<TaskFacts> {
        let tasks = (0_u32..).zip(self.tasks.iter().zip(names));
        let facts = |(place, ((text, digest), name)): (u32, (&(String, Option<ContentDigest>), &String))| {
            let stated = self.titles.get(&place).cloned();
            Some(TaskFacts {
                name: TaskName::new(name.clone()).ok()?,
                title: stated.or_else(|| (text != name).then(|| text.clone())),
                version: None,
                digest: digest.clone(),
                simulation: None,
                environment: None,
                facts: None,
            })
        };
        let mut facts: Vec<TaskFacts> = tasks.filter_map(facts).collect();
        facts.sort_by(|a, b| a.name.cmp(&b.name));
        facts
    }

    fn task_text(&self, (name, digest): &(String, Option<ContentDigest>)) -> String {
        let is_alone = self.task_places.get(name).is_none_or(|places| places.len() == 1);
        match digest {
            Some(digest) if !is_alone => format!("{name}@{}", digest.short()),
            _ => name.clone(),
        }
    }
}

/// The names of agents, with model and version only where the name alone would not tell them apart.
fn agent_texts(agents: &[FoundAgent]) -> Vec<String> {
    let text = |agent: &FoundAgent| {
        let same = || agents.iter().filter(|other| other.name == agent.name);
        let mut text = agent.name.clone();
        let parts: [fn(&FoundAgent) -> Option<&str>; 2] =
            [|agent| agent.model.as_deref(), |agent| agent.version.as_deref()];
        for part in parts {
            if let Some(own) = part(agent)
                && same().any(|other| part(other) != Some(own))
            {
                text = format!("{text}+{own}");
            }
        }
        text
    };
    agents.iter().map(text).collect()
}

/// Numbers trials within their cells by the number that the source states, then by their start, then as they were found; and counts
/// them.
fn numbers(entries: &[Entry], cells: usize) -> (Vec<u32>, Vec<u32>) {
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    let key = |&place: &u32| {
        let entry = &entries[place as usize];
        (entry.cell, entry.number, entry.started_us, place)
    };
    order.sort_unstable_by_key(key);
    let (mut numbers, mut counts) = (vec![0; entries.len()], vec![0_u32; cells]);
    for place in order {
        let count = &mut counts[entries[place as usize].cell as usize];
        *count += 1;
        numbers[place as usize] = *count;
    }
    (numbers, counts)
}

fn planned_trials(
    planned: &HashMap<&str, u32>,
    (tasks, agents, conditions): (&[String], &[String], &[String]),
) -> PlannedTrials {
    let most = planned.values().copied().max().unwrap_or(0);
    let mut fewer = BTreeMap::new();
    for task in tasks {
        for agent in agents {
            for condition in conditions {
                let key = format!("{task}~{agent}~{condition}");
                let trials = planned.get(&key[..]).copied().unwrap_or(0);
                if trials < most {
                    fewer.insert(key, trials);
                }
            }
        }
    }
    PlannedTrials { most, fewer }
}

/// By name.
fn agent_facts(agents: &[FoundAgent], names: &[String]) -> Vec<AgentFacts> {
    let facts = |(agent, name): (&FoundAgent, &String)| {
        Some(AgentFacts {
            name: AgentName::new(name.clone()).ok()?,
            recipe: None,
            version: agent.version.clone(),
            model: agent.model.clone(),
        })
    };
    let mut facts: Vec<AgentFacts> = agents.iter().zip(names).filter_map(facts).collect();
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    facts
}

/// The baseline first, then by name. A condition named `fault` is taken for one with faults, whatever they were.
fn condition_specs(names: &[String]) -> Vec<ConditionSpec> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_by_key(|name| (*name != BASELINE, *name));
    let spec = |name: &String| {
        let kind = match &name[..] {
            BASELINE => ConditionKind::Baseline,
            "fault" => ConditionKind::Fault,
            _ => ConditionKind::Imported,
        };
        Some(ConditionSpec { name: ConditionName::new(name.clone()).ok()?, kind, fault: None })
    };
    names.into_iter().filter_map(spec).collect()
}
