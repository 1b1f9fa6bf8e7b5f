//! Outcomes as `JUnit` XML: a suite for each agent and condition, a test case for each task.
//!
//! A task is a test that passes where every trial that counts passed. Trials that do not count, such as those that failed for reasons of
//! infrastructure, fail no test, for they say nothing of the agent; a task without any trial that counts is skipped and says why.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use retrial_spec::{AgentName, Claim, ConditionName, TaskName, TrialId, TrialRecord, Verdict};

use crate::tables::{ending_detail, ungraded_detail};
use crate::words::counted;
use crate::{CountsAs, Report, ReportedRun, RunOutcomes};

/// Most trials of a task that are listed.
const LISTED: usize = 20;
/// Most characters of a cause.
const CAUSE: usize = 300;

/// A `JUnit` file that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    /// The record is of no run, agent, condition or task of the report.
    #[error("trial `{trial}` is not of the report")]
    Unknown {
        /// The trial.
        trial: Box<TrialId>,
    },
    /// The XML could not be written.
    #[error("the JUnit file could not be written: {0}")]
    Xml(#[from] quick_junit::SerializeError),
}

/// A `JUnit` file in the making; memory grows with agents, conditions and tasks, not with trials.
#[derive(Debug)]
pub struct Junit<'a>(Vec<Run<'a>>);

#[derive(Debug)]
struct Run<'a> {
    outcomes: RunOutcomes<'a>,
    /// By agent and condition.
    suites: HashMap<(&'a AgentName, &'a ConditionName), usize>,
    tasks: HashMap<&'a TaskName, usize>,
    /// By suite and task.
    cases: Vec<Vec<Case>>,
}

/// The trials of a task.
#[derive(Debug, Clone, Default)]
struct Case {
    passed: u64,
    failed: Listed,
    excluded: Listed,
    working_ms: Option<u64>,
}

/// Trials, of which those with the lowest numbers are told.
#[derive(Debug, Clone, Default)]
struct Listed {
    trials: u64,
    told: BTreeMap<u32, String>,
}

impl<'a> Junit<'a> {
    /// Prepares the file.
    pub fn new(report: &'a Report) -> Self {
        Self(report.runs.iter().map(Run::new).collect())
    }

    /// Adds a record of the run at this place of the report, in any order.
    ///
    /// # Errors
    /// [`JunitError::Unknown`] for a record that the report does not hold.
    pub fn add(&mut self, run: usize, record: &TrialRecord) -> Result<(), JunitError> {
        let unknown = || JunitError::Unknown { trial: Box::new(record.trial.clone()) };
        self.0.get_mut(run).and_then(|run| run.add(record)).ok_or_else(unknown)
    }

    /// Makes the XML.
    ///
    /// # Errors
    /// [`JunitError::Xml`] where it cannot be written.
    pub fn finish(self) -> Result<String, JunitError> {
        let mut file = quick_junit::Report::new("retrial");
        let is_one_of_several = self.0.len() > 1;
        for run in &self.0 {
            file.add_test_suites(run.suites(is_one_of_several));
        }
        if let Some(time) = total(file.test_suites.iter().map(|suite| suite.time)) {
            file.set_time(time);
        }
        Ok(file.to_string()?)
    }
}

/// Adds up the known times; none where none is known.
fn total(times: impl Iterator<Item = Option<Duration>>) -> Option<Duration> {
    times.flatten().reduce(Duration::saturating_add)
}

impl<'a> Run<'a> {
    fn new(run: &'a ReportedRun) -> Self {
        let cards = run.scored.scorecards.iter().enumerate();
        let tasks = &run.scored.run.tasks;
        Self {
            outcomes: RunOutcomes::of(run),
            suites: cards.map(|(place, card)| ((&card.agent, &card.condition), place)).collect(),
            tasks: tasks.iter().enumerate().map(|(place, task)| (&task.name, place)).collect(),
            cases: vec![vec![Case::default(); tasks.len()]; run.scored.scorecards.len()],
        }
    }

    fn add(&mut self, record: &TrialRecord) -> Option<()> {
        let counts_as = self.outcomes.of_trial(&record.trial)?;
        let suite = *self.suites.get(&(&record.trial.agent, &record.trial.condition))?;
        let task = *self.tasks.get(&record.trial.task)?;
        self.cases.get_mut(suite)?.get_mut(task)?.add(record, counts_as);
        Some(())
    }

    fn suites(&self, is_one_of_several: bool) -> impl Iterator<Item = TestSuite> {
        let run = &self.outcomes.run().scored;
        run.scorecards.iter().zip(&self.cases).map(move |(card, cases)| {
            let (agent, condition) = (&card.agent, &card.condition);
            let (prefix, class) = if is_one_of_several {
                (format!("{}: ", run.run.run), format!("{}.", run.run.run))
            } else {
                (String::new(), String::new())
            };
            let mut suite = TestSuite::new(format!("{prefix}{agent}, {condition}"));
            suite.add_property(("run", run.run.run.as_str()));
            suite.add_property(("agent", agent.as_str()));
            suite.add_property(("condition", condition.as_str()));
            if let Some(facts) = run.run.agents.iter().find(|facts| facts.name == *agent) {
                let model = facts.model.iter().map(|model| ("model".to_owned(), clean(model)));
                model.for_each(|property| {
                    suite.add_property(property);
                });
            }
            for (task, case) in run.run.tasks.iter().zip(cases) {
                let mut test = TestCase::new(task.name.as_str(), case.status(u64::from(run.run.trials)));
                test.set_classname(format!("{class}{agent}.{condition}"));
                if let Some(time) = case.time().filter(|_| !run.run.origin.is_replayed()) {
                    test.set_time(time);
                }
                if case.excluded.trials > 0 {
                    test.set_system_out(case.excluded.text("that does not count", "that do not count"));
                }
                suite.add_test_case(test);
            }
            if let Some(time) = total(suite.test_cases.iter().map(|test| test.time)) {
                suite.set_time(time);
            }
            suite
        })
    }
}

impl Case {
    fn add(&mut self, record: &TrialRecord, counts_as: CountsAs) {
        if let Some(working) = record.times.working_ms() {
            self.working_ms = Some(self.working_ms.unwrap_or(0).saturating_add(working));
        }
        match counts_as {
            CountsAs::Passed => self.passed += 1,
            CountsAs::Failed => self.failed.add(record),
            CountsAs::Excluded => self.excluded.add(record),
        }
    }

    fn time(&self) -> Option<Duration> {
        self.working_ms.map(Duration::from_millis)
    }

    fn status(&self, planned: u64) -> TestCaseStatus {
        let graded = self.passed + self.failed.trials;
        if graded == 0 {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(if self.excluded.trials == 0 {
                format!("none of {} has a record", counted(planned, "planned trial"))
            } else {
                format!("none of {} counts", counted(self.excluded.trials, "finished trial"))
            });
            return skipped;
        }
        if self.failed.trials == 0 {
            return TestCaseStatus::success();
        }
        let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let all = counted(graded, "trial");
        failure.set_message(format!("{} of {all} failed: {}", self.failed.trials, self.failed.numbers()));
        failure.set_type("trials failed");
        failure.set_description(self.failed.text("that failed", "that failed"));
        failure
    }
}

impl Listed {
    fn add(&mut self, record: &TrialRecord) {
        self.trials += 1;
        self.told.insert(record.trial.number, told(record));
        if self.told.len() > LISTED {
            self.told.pop_last();
        }
    }

    fn more(&self) -> u64 {
        self.trials.saturating_sub(self.told.len() as u64)
    }

    fn numbers(&self) -> String {
        let numbers: Vec<String> = self.told.keys().map(u32::to_string).collect();
        let more = if self.more() == 0 { String::new() } else { format!(" and {} more", self.more()) };
        format!("{}{more}", numbers.join(", "))
    }

    fn text(&self, one: &str, several: &str) -> String {
        let what = if self.trials == 1 { one } else { several };
        let lines = self.told.iter().map(|(number, text)| format!("trial {number}: {text}\n"));
        let more = if self.more() == 0 { String::new() } else { format!("and {} more\n", self.more()) };
        format!("{} {what}:\n{}{more}", counted(self.trials, "trial"), lines.collect::<String>())
    }
}

/// Says how a trial ended: ending, verdict and claim.
fn told(record: &TrialRecord) -> String {
    let details = |detail: Option<String>| detail.map_or_else(String::new, |text| format!(" ({text})"));
    let verdict = match &record.verdict {
        Verdict::Reward(reward) => format!("reward {reward}"),
        verdict => format!("{}{}", verdict.as_str(), details(ungraded_detail(verdict))),
    };
    let claim = match record.claim.value() {
        Some(Claim::Done) => ", claimed done",
        Some(Claim::NotDone) => ", claimed not done",
        Some(Claim::NeedsHuman) => ", asked for a human",
        None => "",
    };
    let ending = format!("{}{}", record.ending.as_str(), details(ending_detail(&record.ending)));
    clean(&format!("{ending}, {verdict}{claim}"))
}

/// Replaces what XML cannot hold and what would not stay on its line, and cuts what is long.
pub(crate) fn clean(text: &str) -> String {
    let safe = |letter: char| match letter {
        letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => '\u{fffd}',
        letter => letter,
    };
    let mut kept: String = text.chars().take(CAUSE).map(safe).collect();
    if text.chars().nth(CAUSE).is_some() {
        kept.push('…');
    }
    kept
}
