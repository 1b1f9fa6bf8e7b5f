//! What is known of a run under way: trials one by one, and what they have used up.

use std::collections::BTreeMap;

use retrial_spec::{AgentName, Cost, Ending, Event, Look, RunBudget, TrialId, TrialRecord, Verdict};

/// What has become of a trial so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Waiting,
    Running,
    Passed,
    Failed,
    Ungraded,
}

/// The trials of one task by one agent under one condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// What is shown before the marks.
    pub(crate) label: String,
    /// The trials, by number.
    pub(crate) marks: Vec<Mark>,
    /// When something last became of one of them, as a count of events; 0 for never.
    pub(crate) changed: u64,
}

impl Row {
    pub(crate) fn count(&self, mark: Mark) -> usize {
        self.marks.iter().filter(|&&one| one == mark).count()
    }
}

/// The counts of one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) planned: u64,
    pub(crate) running: u64,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ungraded: u64,
}

impl Tally {
    pub(crate) fn finished(&self) -> u64 {
        self.passed + self.failed + self.ungraded
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            planned: self.planned + other.planned,
            running: self.running + other.running,
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ungraded: self.ungraded + other.ungraded,
        }
    }
}

/// What the trials that finished have used up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) usd_micros: u64,
    /// Trials whose cost is not known.
    pub(crate) unpriced: u64,
    pub(crate) tokens: u64,
    pub(crate) requests: u64,
}

impl Spent {
    fn take(&mut self, record: &TrialRecord) {
        self.requests += record.requests.copied().unwrap_or(0);
        self.tokens += record.usage.value().map_or(0, retrial_spec::Usage::total);
        match (record.cost.value(), record.elicitation_cost.value()) {
            (None, None) => self.unpriced += 1,
            (work, question) => {
                let micros = |cost: Option<&Cost>| cost.map_or(0, |cost| cost.usd_micros);
                self.usd_micros += micros(work) + micros(question);
            }
        }
    }
}

/// The counts of a run under way.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    /// By agent, in the experiment's order.
    pub(crate) agents: Vec<(AgentName, Tally)>,
    /// By task, then in the order of the agents.
    pub(crate) rows: Vec<Row>,
    pub(crate) spent: Spent,
    pub(crate) budget: RunBudget,
    /// What the stopping rule said last.
    pub(crate) look: Option<Look>,
    /// The most trials of a row.
    pub(crate) most: u32,
    places: BTreeMap<(String, String, String), usize>,
    events: u64,
}

impl Counts {
    /// Starts with the trials of a plan, none of which has begun.
    pub(crate) fn new(agents: &[AgentName], order: &[TrialId]) -> Self {
        let agents = agents.iter().map(|name| (name.clone(), Tally::default())).collect();
        let mut counts = Self {
            agents,
            rows: Vec::new(),
            spent: Spent::default(),
            budget: RunBudget::default(),
            look: None,
            most: order.iter().map(|trial| trial.number).max().unwrap_or(0),
            places: BTreeMap::new(),
            events: 0,
        };
        let has_one = |different: &dyn Fn(&TrialId) -> String| {
            let first = order.first().map(different);
            order.iter().all(|trial| Some(different(trial)) == first)
        };
        let one_agent = has_one(&|trial| trial.agent.to_string());
        let one_condition = has_one(&|trial| trial.condition.to_string());
        let place = |trial: &TrialId| counts.agents.iter().position(|(name, _)| *name == trial.agent);
        let mut sorted: Vec<&TrialId> = order.iter().collect();
        sorted
            .sort_by_cached_key(|trial| (trial.task.to_string(), place(trial), trial.condition.to_string()));
        for trial in sorted {
            counts.plan(trial, one_agent, one_condition);
        }
        counts
    }

    /// Makes room for a trial. What all trials have in common is not said of each.
    fn plan(&mut self, trial: &TrialId, one_agent: bool, one_condition: bool) {
        if let Some(tally) = self.tally(&trial.agent) {
            tally.planned += 1;
        }
        let place = *self.places.entry(key(trial)).or_insert(self.rows.len());
        if place == self.rows.len() {
            let mut label = trial.task.to_string();
            if !one_agent {
                label = format!("{label} {}", trial.agent);
            }
            if !one_condition {
                label = format!("{label} {}", trial.condition);
            }
            self.rows.push(Row { label, marks: Vec::new(), changed: 0 });
        }
        let marks = &mut self.rows[place].marks;
        let length = marks.len().max(trial.number as usize);
        marks.resize(length, Mark::Waiting);
    }

    fn tally(&mut self, agent: &AgentName) -> Option<&mut Tally> {
        self.agents.iter_mut().find(|(name, _)| name == agent).map(|(_, tally)| tally)
    }

    /// Returns the counts of all agents together.
    pub(crate) fn all(&self) -> Tally {
        self.agents.iter().fold(Tally::default(), |sum, (_, tally)| sum.plus(tally))
    }

    /// Whether every planned trial has finished.
    pub(crate) fn is_complete(&self) -> bool {
        let all = self.all();
        all.finished() >= all.planned
    }

    /// Takes the record of a trial, of this session or an earlier one.
    pub(crate) fn record(&mut self, record: &TrialRecord) {
        let mark = match record.verdict {
            Verdict::Passed => Mark::Passed,
            Verdict::Failed | Verdict::Reward(_) => Mark::Failed,
            Verdict::Ungraded(_) => Mark::Ungraded,
        };
        self.spent.take(record);
        self.mark(&record.trial, mark);
    }

    /// Takes an event.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::SessionStarted { budget, .. } => self.budget = *budget,
            Event::AttemptStarted { trial, .. } => self.mark(trial, Mark::Running),
            Event::AttemptFailed { trial, .. } => self.mark(trial, Mark::Waiting),
            Event::TrialFinished { record, .. } => self.record(record),
            Event::RuleLooked { look, .. } => self.look = Some(look.clone()),
            Event::RunStopped { look, .. } => self.stop(look),
            Event::TrialRevoked { .. }
            | Event::PolicyProven { .. }
            | Event::FaultInjected { .. }
            | Event::SessionEnded { .. } => {}
        }
    }

    /// Forgets the trials of rounds that are not run any more.
    pub(crate) fn stop(&mut self, look: &Look) {
        self.look = Some(look.clone());
        for row in &mut self.rows {
            row.marks.truncate(look.round as usize);
        }
        for (_, tally) in &mut self.agents {
            tally.planned = tally.finished();
        }
    }

    /// Notes what has become of a trial; the agent's counts follow from what it was before.
    fn mark(&mut self, trial: &TrialId, mark: Mark) {
        self.events += 1;
        let Some(&place) = self.places.get(&key(trial)) else { return };
        let row = &mut self.rows[place];
        let Some(known) = row.marks.get_mut((trial.number as usize).wrapping_sub(1)) else { return };
        let before = std::mem::replace(known, mark);
        row.changed = self.events;
        if let Some(tally) = self.tally(&trial.agent) {
            if let Some(count) = tally.of(before) {
                *count = count.saturating_sub(1);
            }
            if let Some(count) = tally.of(mark) {
                *count += 1;
            }
        }
    }
}

impl Tally {
    fn of(&mut self, mark: Mark) -> Option<&mut u64> {
        match mark {
            Mark::Waiting => None,
            Mark::Running => Some(&mut self.running),
            Mark::Passed => Some(&mut self.passed),
            Mark::Failed => Some(&mut self.failed),
            Mark::Ungraded => Some(&mut self.ungraded),
        }
    }
}

fn key(trial: &TrialId) -> (String, String, String) {
    (trial.task.to_string(), trial.agent.to_string(), trial.condition.to_string())
}

/// Says in a line what went wrong with a trial, where something did.
pub(crate) fn failure(record: &TrialRecord) -> Option<String> {
    let how = match (&record.verdict, &record.ending) {
        (Verdict::Passed, _) => return None,
        (Verdict::Failed | Verdict::Reward(_), Ending::Finished)
            if record.claim.value() == Some(&retrial_spec::Claim::Done) =>
        {
            "failed, and says that it is done".to_owned()
        }
        (Verdict::Failed | Verdict::Reward(_), Ending::Finished) => "failed".to_owned(),
        (Verdict::Failed | Verdict::Reward(_), ending) => format!("failed ({})", ending.as_str()),
        (Verdict::Ungraded(_), Ending::Infrastructure { phase, cause }) => {
            format!("not graded: {} failed: {cause}", phase.as_str())
        }
        (Verdict::Ungraded(_), ending) => format!("not graded ({})", ending.as_str()),
    };
    Some(format!("{}: {how}", record.trial))
}
