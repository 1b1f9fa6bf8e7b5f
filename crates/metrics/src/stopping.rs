//! Stopping by what the trials so far show, without bias: the decision after each round, and the interval that holds all the same.
//!
//! The outcomes of a round, one trial of every task, are pooled. For the pooled counts S of t the mixture of likelihood ratios
//! `e_t(p) = B(½+S, ½+t−S) / (B(½, ½) p^S (1−p)^(t−S))` is, at the tasks' mean success probability, at most a supermartingale from one complete
//! round to the next, because ln E exp(λy) is concave in p. So the interval `{p: e_t(p) < 1/α}` holds at all looks together (Robbins 1970,
//! Annals of Mathematical Statistics 41, 1397–1409; Howard et al. 2021, Annals of Statistics 49, 1055–1080), whenever and why ever
//! a run ends. It speaks of exactly these tasks.
//!
//! A trial without a verdict may have been either: the lower end counts it as failed, the upper one as passed. So leaving trials out can
//! delay a decision and cannot make one.

use retrial_spec::{
    AgentLook, AgentRounds, Answer, BaselineFacts, Finding, Look, Measured, RoundCounts, StopSpec,
};
use retrial_stats::sequential::mixture::{BetaMixture, difference_sequence};
use retrial_stats::{Counts, Interval as Span, Level, Method};
use schemars::JsonSchema;
use serde::Serialize;

use crate::estimators::Context;
use crate::outcome::Outcome;
use crate::trials::TaskTrials;
use crate::value::{Bounds, Interval, Reason};
use crate::{Measure, MeasureId, MetricsError, Target, Value};

/// A stopping rule, ready to look.
#[derive(Debug, Clone)]
pub struct StopRule {
    spec: StopSpec,
    level: Level,
    baseline: Vec<AgentRounds>,
}

impl StopRule {
    /// Makes the rule of an experiment, with the counts of the run that it compares with.
    ///
    /// # Errors
    /// [`MetricsError::Level`].
    pub fn new(spec: &StopSpec, baseline: Option<&BaselineFacts>) -> Result<Self, MetricsError> {
        let level = Level::new(spec.level).map_err(|_| MetricsError::Level(spec.level))?;
        let baseline = baseline.map(|facts| facts.agents.clone()).unwrap_or_default();
        Ok(Self { spec: spec.clone(), level, baseline })
    }

    /// Says of every agent what its trials of rounds 1 to `round` show. It depends on nothing but these counts.
    pub fn look(&self, round: u32, agents: &[AgentRounds]) -> Look {
        let agents = agents.iter().map(|agent| self.look_at(agent)).collect();
        Look { round, level: self.level.confidence(), agents }
    }

    fn look_at(&self, AgentRounds { agent, counts }: &AgentRounds) -> AgentLook {
        let span = sequence(*counts, self.level);
        let half_width = self.spec.half_width;
        let half_width =
            half_width.map(|at_most| Finding::HalfWidth { half_width: span.width() / 2.0, at_most });
        let threshold = self.spec.threshold.map(|threshold| {
            let answer = answer((span.low(), span.high()), threshold);
            Finding::Threshold { threshold, answer }
        });
        let baseline = self.spec.baseline.as_ref().map(|_| {
            let theirs = self.baseline.iter().find(|theirs| theirs.agent == *agent);
            let theirs = theirs.map(|theirs| theirs.counts).unwrap_or_default();
            let (low, high) = difference(*counts, theirs, self.level);
            let margin = self.spec.margin.unwrap_or(0.0);
            Finding::Baseline { low, high, margin, answer: answer((low, high), -margin) }
        });
        AgentLook {
            agent: agent.clone(),
            counts: *counts,
            low: span.low(),
            high: span.high(),
            findings: [half_width, threshold, baseline].into_iter().flatten().collect(),
        }
    }
}

/// Where an interval lies.
fn answer((low, high): (f64, f64), of: f64) -> Answer {
    if low > of {
        Answer::Above
    } else if high < of {
        Answer::Below
    } else {
        Answer::Undecided
    }
}

/// The counts if every trial without a verdict had failed, and if each had passed.
pub(crate) fn extremes(counts: RoundCounts) -> [Counts; 2] {
    let RoundCounts { passed, failed, excluded, .. } = counts;
    let trials = passed.saturating_add(failed).saturating_add(excluded);
    // Those that passed are never more than all.
    [passed, trials - failed].map(|passed| Counts::new(passed, trials).unwrap_or(Counts::of(&[])))
}

/// The confidence sequence of the mean success probability at these counts, as wide as trials without a verdict leave it.
pub(crate) fn sequence(counts: RoundCounts, level: Level) -> Span {
    let [fewest, most] = extremes(counts);
    let upper = BetaMixture::default().confidence_sequence(most, level);
    BetaMixture::default().confidence_sequence(fewest, level).hull(upper.low()).hull(upper.high())
}

/// The confidence sequence of the difference first − second: the two sequences at half of 1 − level each, subtracted.
pub(crate) fn difference(first: RoundCounts, second: RoundCounts, level: Level) -> (f64, f64) {
    let ([first_low, first_high], [second_low, second_high]) = (extremes(first), extremes(second));
    let ends = difference_sequence(first_low, second_high, level)
        .and_then(|low| Ok((low, difference_sequence(first_high, second_low, level)?)));
    // A level whose half cannot be represented decides nothing.
    ends.map_or((-1.0, 1.0), |(low, high)| (low.low(), high.high()))
}

/// Counts the trials of the complete rounds of tasks, from the first round on; trials are in the order of their numbers.
pub(crate) fn complete_rounds(tasks: &[TaskTrials<'_>]) -> RoundCounts {
    let complete = |task: &TaskTrials<'_>| {
        let numbered = task.trials.iter().zip(1..);
        numbered.take_while(|(trial, number)| trial.number == *number).count()
    };
    let rounds = tasks.iter().map(complete).min().unwrap_or(0);
    let mut counts =
        RoundCounts { rounds: u32::try_from(rounds).unwrap_or(u32::MAX), ..RoundCounts::default() };
    for trial in tasks.iter().flat_map(|task| &task.trials[..rounds]) {
        counts.add(match trial.outcome {
            Outcome::Passed => Some(true),
            Outcome::Failed => Some(false),
            Outcome::Excluded => None,
        });
    }
    counts
}

/// Makes the measures of a run with a stopping rule say what they are worth: for exactly these tasks the success rate gets the interval
/// that holds whenever the run stopped, with the other one beside it; everything else gets a caution.
pub(crate) fn adjust(measures: &mut [Measure], tasks: &[TaskTrials<'_>], context: &Context<'_>) {
    if !context.may_stop {
        return;
    }
    let counts = complete_rounds(tasks);
    for measure in measures {
        if is_success_rate(measure) && measure.target == Target::FixedSuite {
            hold(measure, counts, context.level);
        } else {
            caution(measure, context);
        }
    }
}

/// Says of a measure of a run with a stopping rule that it does not account for the rule.
pub(crate) fn caution(measure: &mut Measure, context: &Context<'_>) {
    if context.may_stop {
        measure.caution.get_or_insert(Reason::MAY_STOP);
    }
}

/// Whether it is the success rate, or what is the same number by another name.
fn is_success_rate(measure: &Measure) -> bool {
    matches!(
        (measure.id, measure.k),
        (MeasureId::SuccessRate, _) | (MeasureId::PassAtK | MeasureId::PassHatK, Some(1))
    )
}

fn hold(measure: &mut Measure, counts: RoundCounts, level: Level) {
    let Value::Estimate(estimate) = &mut measure.value else { return };
    // Trials of a round that is not complete are in the point alone.
    let span = sequence(counts, level).hull(estimate.point.value());
    let interval = Bounds::from(Interval::new(span, level, Method::BetaMixtureSequence));
    let plain = std::mem::replace(&mut estimate.interval, interval);
    if measure.id == MeasureId::SuccessRate {
        estimate.beside.push(plain);
    }
}

/// The stopping rule of a run and what came of it, as a scorecard says it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Stopping {
    /// The rule.
    pub rule: StopSpec,
    /// The most rounds that were to be run.
    pub most_rounds: u32,
    /// What it compares with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineFacts>,
    /// What it said when it was settled; null where it was not.
    pub settled: Option<Look>,
}

impl Stopping {
    /// Returns that of a run; none where the run had no rule.
    pub(crate) fn of(measured: &Measured) -> Option<Self> {
        Some(Self {
            rule: measured.experiment.stop.clone()?,
            most_rounds: measured.experiment.trials,
            baseline: measured.stop_baseline.clone(),
            settled: measured.stopped.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use retrial_spec::AgentName;

    use super::*;

    fn counts(passed: u64, failed: u64, excluded: u64) -> RoundCounts {
        RoundCounts { rounds: 1, passed, failed, excluded }
    }

    fn rule(half_width: Option<f64>, threshold: Option<f64>, theirs: Option<RoundCounts>) -> StopRule {
        let spec = StopSpec {
            half_width,
            threshold,
            baseline: theirs.map(|_| "there".to_owned()),
            margin: theirs.map(|_| 0.1),
            min_rounds: 1,
            look_every: 1,
            level: 0.95,
        };
        let agents = theirs.map(|counts| vec![AgentRounds { agent: agent(), counts }]);
        let facts =
            agents.map(|agents| BaselineFacts { run: retrial_spec::RunId::new("there").unwrap(), agents });
        StopRule::new(&spec, facts.as_ref()).unwrap()
    }

    fn agent() -> AgentName {
        AgentName::new("a").unwrap()
    }

    fn look(rule: &StopRule, counts: RoundCounts) -> AgentLook {
        rule.look(1, &[AgentRounds { agent: agent(), counts }]).agents.remove(0)
    }

    #[test]
    fn the_interval_is_that_of_the_mixture_and_narrows_to_the_width_that_was_asked_for() {
        let found = look(&rule(Some(0.1), None, None), counts(80, 20, 0));
        let expected = BetaMixture::default().confidence_sequence(Counts::new(80, 100).unwrap(), Level::P95);
        assert_eq!((found.low, found.high), (expected.low(), expected.high()));
        assert!(!found.is_settled(), "{found:?}");
        assert!(look(&rule(Some(0.1), None, None), counts(160, 40, 0)).is_settled());
    }

    #[test]
    fn a_threshold_is_decided_on_either_side_and_not_before() {
        let rule = rule(None, Some(0.5), None);
        let answers = [counts(30, 0, 0), counts(0, 30, 0), counts(15, 15, 0)].map(|counts| {
            match look(&rule, counts).findings[..] {
                [Finding::Threshold { answer, .. }] => answer,
                ref other => panic!("{other:?}"),
            }
        });
        assert_eq!(answers, [Answer::Above, Answer::Below, Answer::Undecided]);
    }

    #[test]
    fn a_baseline_is_compared_with_at_half_of_the_error_each_and_held_against_the_margin() {
        let rule = rule(None, None, Some(counts(180, 20, 0)));
        let answers = [counts(196, 4, 0), counts(40, 160, 0), counts(160, 40, 0)].map(|counts| {
            match look(&rule, counts).findings[..] {
                [Finding::Baseline { low, high, answer, .. }] => {
                    assert!(low < high);
                    answer
                }
                ref other => panic!("{other:?}"),
            }
        });
        assert_eq!(answers, [Answer::Above, Answer::Below, Answer::Undecided]);
        let mine = Counts::new(196, 200).unwrap();
        let theirs = Counts::new(180, 200).unwrap();
        let expected = difference_sequence(mine, theirs, Level::P95).unwrap();
        assert_eq!(
            difference(counts(196, 4, 0), counts(180, 20, 0), Level::P95),
            (expected.low(), expected.high())
        );
    }

    #[test]
    fn trials_without_a_verdict_cannot_settle_what_their_outcomes_could_unsettle() {
        let all = rule(Some(0.1), Some(0.5), None);
        assert!(look(&all, counts(180, 20, 0)).is_settled());
        // As many trials: had all of them failed, the rate would be below the threshold.
        assert!(!look(&all, counts(80, 20, 100)).is_settled());
    }

    #[test]
    fn every_rule_that_is_given_must_be_settled_for_every_agent() {
        let both = rule(Some(0.05), Some(0.5), None);
        let agents = |first, second| {
            let named = |name: &str, counts| AgentRounds { agent: AgentName::new(name).unwrap(), counts };
            both.look(3, &[named("a", first), named("b", second)])
        };
        let (wide, narrow) = (counts(90, 10, 0), counts(900, 100, 0));
        assert!(agents(narrow, narrow).is_settled());
        let look = agents(narrow, wide);
        assert!(!look.is_settled(), "the second is above the threshold and too wide");
        assert!(look.agents[0].is_settled());
        assert_eq!((look.round, look.level.to_bits()), (3, 0.95_f64.to_bits()));
    }

    /// A number from 0 to 1 of a small generator, which a check of a few hundred runs may use.
    fn draws(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as f64) / (1_u64 << 31) as f64
        }
    }

    #[test]
    fn looking_after_every_round_rarely_decides_against_the_truth() {
        // Five tasks whose mean is the threshold, so that every decision is wrong.
        let tasks = [0.2, 0.4, 0.5, 0.6, 0.8];
        let rule = rule(None, Some(0.5), None);
        let mut draw = draws(1);
        let wrong = (0..400).filter(|_| {
            let mut sum = RoundCounts::default();
            (1..=40).any(|round| {
                sum.rounds = round;
                for &p in &tasks {
                    sum.add(Some(draw() < p));
                }
                look(&rule, sum).is_settled()
            })
        });
        let wrong = wrong.count();
        assert!(wrong <= 20, "{wrong} of 400 decisions are wrong, and at most 5 % may be");
    }

    proptest! {
        #[test]
        fn the_interval_holds_that_of_every_way_in_which_the_excluded_trials_may_have_ended(
            passed in 0u64..40, failed in 0u64..40, excluded in 0u64..10, would_pass in 0u64..10,
        ) {
            let would_pass = would_pass.min(excluded);
            let span = sequence(counts(passed, failed, excluded), Level::P95);
            let one = sequence(counts(passed + would_pass, failed + excluded - would_pass, 0), Level::P95);
            prop_assert!(span.low() <= one.low() + 1e-12 && one.high() <= span.high() + 1e-12);
        }
    }
}
