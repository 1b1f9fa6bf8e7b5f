//! Robustness: what faults on the wire do to success, against the baseline and paired by task, and what agents make of them.
//!
//! Only trials in which a fault landed are compared; those that were spared by chance say nothing of faults and are counted apart.

use retrial_spec::{AgentName, ConditionName, WireFault};
use retrial_stats::compare::ratio::ratio_of_means;
use retrial_stats::{ClusterCounts, Counts, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use crate::estimators::{self, Context};
use crate::paired::PairedCounts;
use crate::trials::{TaskTrials, Trial};
use crate::value::{Bounds, Estimate, Interval, Reason};
use crate::{Measure, MeasureId, Target};

/// What the faults of one condition do to one agent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Robustness {
    /// The agent.
    pub agent: AgentName,
    /// The condition with the faults.
    pub condition: ConditionName,
    /// The condition it is compared with.
    pub baseline: ConditionName,
    /// What goes wrong.
    pub fault: WireFault,
    /// How many trials and faults there were.
    pub counts: FaultTotals,
    /// The measures of robustness.
    pub measures: Vec<Measure>,
}

/// Trials under a fault condition, and the faults in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FaultTotals {
    /// Finished trials in which a fault landed.
    pub hit: u64,
    /// Finished trials in which none did; they are not compared.
    pub not_hit: u64,
    /// Faults that reached the agent.
    pub landed: u64,
    /// Faults that did not, and do not count.
    pub not_landed: u64,
}

impl Robustness {
    /// Returns the value of a measure.
    pub fn measure(&self, id: MeasureId) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.id == id)
    }
}

/// One agent's trials of the same tasks under a fault condition and under the baseline.
pub(crate) struct Comparison<'a> {
    pub(crate) agent: &'a AgentName,
    pub(crate) condition: &'a ConditionName,
    pub(crate) baseline: &'a ConditionName,
    pub(crate) fault: WireFault,
    /// By task: under the fault, and under the baseline.
    pub(crate) tasks: Vec<(TaskTrials<'a>, TaskTrials<'a>)>,
}

impl Comparison<'_> {
    pub(crate) fn robustness(&self, context: &Context<'_>) -> Robustness {
        let pairs = self.pairs();
        let of_pairs = |value: fn(&PairedCounts, &Context<'_>) -> Result<Estimate, Reason>| {
            pairs.as_ref().map_err(Clone::clone).and_then(|pairs| value(pairs, context))
        };
        let measures = [
            (MeasureId::FaultSuccess, of_pairs(|pairs, context| estimators::rate(&pairs.first, context))),
            (MeasureId::FaultBaseline, of_pairs(|pairs, context| estimators::rate(&pairs.second, context))),
            (
                MeasureId::FaultDifference,
                of_pairs(|pairs, context| pairs.difference(context.target(), context.level)),
            ),
            (MeasureId::FaultRatio, of_pairs(ratio)),
            (MeasureId::FaultRecovery, self.share_of_faults(|trial| trial.faults().recovered, context)),
            (MeasureId::FaultContinued, self.share_of_faults(|trial| trial.faults().went_on, context)),
            (MeasureId::FaultFinished, self.finished(context)),
        ];
        Robustness {
            agent: self.agent.clone(),
            condition: self.condition.clone(),
            baseline: self.baseline.clone(),
            fault: self.fault,
            counts: self.totals(),
            measures: measures.map(|(id, value)| Measure::new(id, context.target(), value)).into(),
        }
    }

    fn totals(&self) -> FaultTotals {
        let mut totals = FaultTotals::default();
        for trial in self.tasks.iter().flat_map(|(faulty, _)| faulty.trials) {
            totals.landed += trial.faults().landed;
            totals.not_landed += trial.faults().not_landed;
            if trial.is_hit() {
                totals.hit += 1;
            } else {
                totals.not_hit += 1;
            }
        }
        totals
    }

    /// The tasks with graded trials on both sides, of those under the fault the ones that were hit.
    fn pairs(&self) -> Result<PairedCounts, Reason> {
        let counts = |outcomes: Vec<bool>| Counts::of(&outcomes);
        let hit: Vec<(Counts, &TaskTrials<'_>)> = self
            .tasks
            .iter()
            .map(|(faulty, plain)| {
                let hit = faulty.graded().filter(|trial| trial.is_hit());
                (counts(hit.map(Trial::is_passed).collect()), plain)
            })
            .filter(|(hit, _)| hit.total() > 0)
            .collect();
        if hit.is_empty() {
            return Err(Reason::NO_LANDED_FAULTS);
        }
        let both = hit
            .into_iter()
            .map(|(hit, plain)| (hit, counts(plain.graded().map(Trial::is_passed).collect())))
            .filter(|(_, plain)| plain.total() > 0);
        let (faulty, plain): (Vec<Counts>, Vec<Counts>) = both.unzip();
        if faulty.is_empty() {
            return Err(Reason::NO_BASELINE);
        }
        PairedCounts::new(faulty, plain)
    }

    /// The share of landed faults of which something holds, mean over tasks. Faults of one trial are no independent evidence, hence
    /// the interval from the tasks' own spread.
    fn share_of_faults(&self, of: fn(&Trial) -> u64, context: &Context<'_>) -> Result<Estimate, Reason> {
        let (mut shares, mut trials) = (Vec::new(), 0);
        for (faulty, _) in &self.tasks {
            let hit: Vec<&Trial> = faulty.ran().filter(|trial| trial.is_hit()).collect();
            let landed: u64 = hit.iter().map(|trial| trial.faults().landed).sum();
            if landed > 0 {
                let such: u64 = hit.iter().map(|trial| of(trial)).sum();
                shares.push(such as f64 / landed as f64);
                trials += hit.len() as u64;
            }
        }
        if shares.is_empty() {
            return Err(Reason::NO_LANDED_FAULTS);
        }
        estimators::mean_over_tasks(&shares, trials, (0.0, 1.0), context)
    }

    /// The share of hit trials whose agent finished by itself, without an error.
    fn finished(&self, context: &Context<'_>) -> Result<Estimate, Reason> {
        let counts = |faulty: &TaskTrials<'_>| {
            let hit = faulty.ran().filter(|trial| trial.is_hit());
            Counts::of(&hit.map(|trial| trial.finished).collect::<Vec<bool>>())
        };
        let counts = self.tasks.iter().map(|(faulty, _)| counts(faulty));
        let counts: Vec<Counts> = counts.filter(|counts| counts.total() > 0).collect();
        if counts.is_empty() {
            return Err(Reason::NO_LANDED_FAULTS);
        }
        let counts = ClusterCounts::new(counts).map_err(|_| Reason::from(Undefined::Empty))?;
        estimators::rate(&counts, context)
    }
}

/// Success under the fault as a share of success without. Not cut off at 1, which would bias it downwards.
fn ratio(pairs: &PairedCounts, context: &Context<'_>) -> Result<Estimate, Reason> {
    let ratio = ratio_of_means(&pairs.rates()?, context.level)?;
    let range = (0.0, f64::MAX);
    let is_flat = ratio.estimate.standard_error.is_some_and(|error| error < 1e-15);
    let of_population = |interval: Result<Interval, Reason>| match context.target() {
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
        Target::Population if is_flat => Err(Undefined::ZeroVariance.into()),
        Target::Population => interval,
    };
    let linear = of_population(Interval::of(&ratio.estimate, range));
    let fieller = ratio.fieller.map_err(Reason::from).and_then(|interval| {
        let interval = interval.clamp(range.0, range.1);
        Interval::new(interval, context.level, retrial_stats::Method::Fieller)
    });
    let mut estimate = Estimate::new(ratio.estimate.point, pairs.evidence(), context.target(), linear)?;
    if context.target() == Target::Population && pairs.first.len() > 1 {
        estimate.beside = vec![Bounds::from(of_population(fieller))];
    }
    Ok(estimate)
}
