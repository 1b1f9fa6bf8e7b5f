//! The one place where a run depends on what its trials showed: a stopping rule is told the counts of complete rounds and says whether the
//! run goes on. How it decides is not the runner's business.

use std::fmt::Debug;
use std::sync::Arc;

use retrial_spec::{
    AgentName, AgentRounds, ConditionKind, ConditionName, Experiment, Look, RoundCounts, TrialId,
};

/// Decides after complete rounds whether a run goes on.
pub trait StoppingRule: Debug + Send + Sync {
    /// Says of every agent what its trials of rounds 1 to `round` show: the run stops where all are settled.
    ///
    /// `agents` are in the experiment's order, with the trials of their baseline. The same counts must give the same answer, for a run
    /// that is resumed asks again.
    fn look(&self, round: u32, agents: &[AgentRounds]) -> Look;
}

/// The rounds of a run with a stopping rule.
///
/// No trial of a round after the next look starts before that look. So a decision never depends on how many trials run at a time, nor on
/// which of them ends first.
#[derive(Debug)]
pub(crate) struct Rounds {
    rule: Arc<dyn StoppingRule>,
    experiment: Experiment,
    baseline: Option<ConditionName>,
    agents: Vec<AgentTally>,
    /// What it said last, of this and earlier sessions.
    last: Option<Look>,
}

/// The trials of one agent's baseline.
#[derive(Debug)]
struct AgentTally {
    agent: AgentName,
    tally: Tally,
    /// The sum over the rounds that were looked at.
    looked_at: RoundCounts,
}

impl Rounds {
    pub(crate) fn new(
        rule: Arc<dyn StoppingRule>,
        experiment: &Experiment,
        tasks: usize,
        last: Option<Look>,
    ) -> Self {
        let mut conditions = experiment.conditions.iter();
        let baseline = conditions.find(|condition| condition.kind == ConditionKind::Baseline);
        let agents = experiment.agents.iter().map(|agent| AgentTally {
            agent: agent.name.clone(),
            tally: Tally::new(tasks),
            looked_at: RoundCounts::default(),
        });
        Self {
            rule,
            baseline: baseline.map(|condition| condition.name.clone()),
            agents: agents.collect(),
            experiment: experiment.clone(),
            last,
        }
    }

    /// Counts a trial whose outcome is known: whether it passed, none where nobody knows.
    pub(crate) fn take(&mut self, trial: &TrialId, passed: Option<bool>) {
        if Some(&trial.condition) != self.baseline.as_ref() {
            return;
        }
        if let Some(tally) = self.agents.iter_mut().find(|tally| tally.agent == trial.agent) {
            tally.tally.add(trial.number, passed);
        }
    }

    /// Returns the round after which the rule looks next; none after the last.
    pub(crate) fn next_look(&self) -> Option<u32> {
        let most = self.experiment.trials;
        let looked = self.last.as_ref().map_or(0, |look| look.round);
        let looks =
            |round: &u32| self.experiment.stop.as_ref().is_some_and(|stop| stop.looks_after(*round, most));
        (looked + 1..=most).find(looks)
    }

    /// Returns whether a trial may start before the next look.
    pub(crate) fn may_start(&self, trial: &TrialId) -> bool {
        self.next_look().is_none_or(|round| trial.number <= round)
    }

    /// Looks. Every trial up to the round has an outcome, or none for good; one that lacks counts like one without a verdict.
    pub(crate) fn look(&mut self, round: u32) -> Look {
        let agents: Vec<AgentRounds> = self.agents.iter_mut().map(|tally| tally.up_to(round)).collect();
        let look = self.rule.look(round, &agents);
        self.last = Some(look.clone());
        look
    }

    /// Returns what the rule said last.
    pub(crate) fn last(&self) -> Option<&Look> {
        self.last.as_ref()
    }
}

impl AgentTally {
    fn up_to(&mut self, round: u32) -> AgentRounds {
        while self.looked_at.rounds < round {
            self.tally.add_next(&mut self.looked_at);
        }
        AgentRounds { agent: self.agent.clone(), counts: self.looked_at }
    }
}

/// Outcomes by round, each of which is one trial of every task.
#[derive(Debug)]
pub(crate) struct Tally {
    tasks: u64,
    rounds: Vec<RoundCounts>,
}

impl Tally {
    pub(crate) fn new(tasks: usize) -> Self {
        Self { tasks: tasks as u64, rounds: Vec::new() }
    }

    /// Counts the trial of some task in the round, whose number is from 1.
    pub(crate) fn add(&mut self, round: u32, passed: Option<bool>) {
        let Some(place) = (round as usize).checked_sub(1) else { return };
        if self.rounds.len() <= place {
            self.rounds.resize(place + 1, RoundCounts::default());
        }
        self.rounds[place].add(passed);
    }

    /// Adds the round that follows those of `sum`.
    fn add_next(&self, sum: &mut RoundCounts) {
        let round = self.rounds.get(sum.rounds as usize).copied().unwrap_or_default();
        sum.rounds += 1;
        sum.passed += round.passed;
        sum.failed += round.failed;
        sum.excluded += round.excluded + self.tasks.saturating_sub(round.trials());
    }

    /// Returns the sum over the complete rounds from the first on.
    pub(crate) fn complete(&self) -> RoundCounts {
        let mut sum = RoundCounts::default();
        for _ in self.rounds.iter().take_while(|round| round.trials() == self.tasks) {
            self.add_next(&mut sum);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    /// Stops when an agent has passed so often.
    #[derive(Debug)]
    struct After(u64);

    impl StoppingRule for After {
        fn look(&self, round: u32, agents: &[AgentRounds]) -> Look {
            let agents = agents.iter().map(|AgentRounds { agent, counts }| retrial_spec::AgentLook {
                agent: agent.clone(),
                counts: *counts,
                low: 0.0,
                high: 1.0,
                findings: vec![retrial_spec::Finding::HalfWidth {
                    half_width: self.0.saturating_sub(counts.passed) as f64,
                    at_most: 0.0,
                }],
            });
            Look { round, level: 0.95, agents: agents.collect() }
        }
    }

    fn rounds(stop: &str) -> Rounds {
        let text = format!(
            "name = 'e'\ntrials = 6\ntasks = ['t']\n[stop]\nhalf_width = 0.1\n{stop}\n[[agents]]\nname = 'a'\nmodel = \
             'simulated/steady'\n"
        );
        let (experiment, _) = Experiment::parse("e.toml", &text).unwrap();
        Rounds::new(Arc::new(After(3)), &experiment, 2, None)
    }

    fn trial(number: u32, task: &str) -> TrialId {
        format!("{task}~a~baseline~{number}").parse().unwrap()
    }

    #[test]
    fn trials_after_the_next_look_wait_for_it_and_those_before_do_not() {
        let mut rounds = rounds("min_rounds = 2\nlook_every = 3");
        assert_eq!(rounds.next_look(), Some(2));
        assert!(rounds.may_start(&trial(2, "t")) && !rounds.may_start(&trial(3, "t")));
        rounds.look(2);
        assert!(rounds.may_start(&trial(5, "t")) && !rounds.may_start(&trial(6, "t")));
        rounds.look(5);
        assert_eq!(rounds.next_look(), Some(6), "the last round is looked at");
        rounds.look(6);
        assert_eq!(rounds.next_look(), None);
    }

    #[test]
    fn what_is_looked_at_are_the_trials_up_to_the_round_whatever_their_order() {
        let mut rounds = rounds("");
        for (task, number, passed) in
            [("u", 2, Some(true)), ("t", 1, Some(true)), ("t", 3, Some(true)), ("u", 1, Some(false))]
        {
            rounds.take(&trial(number, task), passed);
        }
        rounds.take(&trial(2, "t"), None);
        rounds.take(&"t~a~other~1".parse().unwrap(), Some(true));
        let look = rounds.look(2);
        let expected = RoundCounts { rounds: 2, passed: 2, failed: 1, excluded: 1 };
        assert_eq!(look.agents[0].counts, expected);
        assert!(!look.is_settled());
        let look = rounds.look(3);
        let expected = RoundCounts { rounds: 3, passed: 3, failed: 1, excluded: 2 };
        assert_eq!(look.agents[0].counts, expected, "a trial that lacks may have been either");
        assert!(look.is_settled());
    }

    #[test]
    fn a_round_that_lacks_a_task_ends_what_is_complete() {
        let mut tally = Tally::new(2);
        for round in [1, 1, 2, 3, 3] {
            tally.add(round, Some(true));
        }
        assert_eq!(tally.complete(), RoundCounts { rounds: 1, passed: 2, failed: 0, excluded: 0 });
    }

    proptest::proptest! {
        #[test]
        fn what_the_rule_sees_does_not_depend_on_the_order_in_which_trials_end(
            outcomes in proptest::collection::vec(proptest::option::of(proptest::bool::ANY), 12),
            order in proptest::strategy::Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let seen = |order: &[usize]| {
                let mut rounds = rounds("min_rounds = 1");
                for &place in order {
                    let task = if place % 2 == 0 { "t" } else { "u" };
                    rounds.take(&trial(place as u32 / 2 + 1, task), outcomes[place]);
                }
                (1..=6).map(|round| rounds.look(round)).collect::<Vec<_>>()
            };
            let sorted: Vec<usize> = (0..12).collect();
            proptest::prop_assert_eq!(seen(&order), seen(&sorted));
        }
    }
}
