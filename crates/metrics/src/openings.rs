//! Where runs part: how long two trials of a task do the same, action by action from the first one on.

use schemars::JsonSchema;
use serde::Serialize;

use retrial_stats::Undefined;

use crate::estimators::{self, Context};
use crate::sequences::Sequences;
use crate::value::{Estimate, Finite, Known, Number, Reason};
use crate::{Among, Granularity, Measure, MeasureId};

/// Longest opening of the curves; where trials agree for longer the curve says nothing new.
const LONGEST_OPENING: usize = 100;

/// How the trials of one task part, by granularity.
pub(crate) struct TaskOpenings {
    name: Parting,
    kind: Parting,
}

/// How the pairs of one task's trials part.
struct Parting {
    /// Trials compared: all, and those that passed.
    trials: (usize, usize),
    all: Pairs,
    successes: Pairs,
}

/// Sums over pairs of trials.
#[derive(Default)]
struct Pairs {
    count: u64,
    /// Of the shares of the longer trial that both open with.
    shared: f64,
    /// Pairs that differ somewhere.
    parted: u64,
    /// Of the places, from 1, at which they first differ.
    place: u64,
    /// By length of the common opening, the longest together.
    agreeing: Vec<u64>,
    /// Actions of the longest trial.
    longest: usize,
}

impl Pairs {
    fn add(&mut self, a: &[u32], b: &[u32]) {
        let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let longer = a.len().max(b.len());
        self.count += 1;
        self.shared += if longer == 0 { 1.0 } else { common as f64 / longer as f64 };
        if common < longer {
            self.parted += 1;
            self.place += common as u64 + 1;
        }
        let length = common.min(LONGEST_OPENING);
        if self.agreeing.len() <= length {
            self.agreeing.resize(length + 1, 0);
        }
        self.agreeing[length] += 1;
        self.longest = self.longest.max(longer);
    }

    fn shared(&self) -> Option<f64> {
        (self.count > 0).then(|| self.shared / self.count as f64)
    }

    fn place(&self) -> Option<f64> {
        (self.parted > 0).then(|| self.place as f64 / self.parted as f64)
    }

    /// The share of pairs that agree in their first 1, 2, … actions.
    fn curve(&self) -> Vec<f64> {
        let mut agreeing = 0;
        let lengths = (1..=self.longest.min(LONGEST_OPENING)).rev();
        let mut curve: Vec<f64> = lengths
            .map(|length| {
                agreeing += self.agreeing.get(length).copied().unwrap_or(0);
                agreeing as f64 / self.count as f64
            })
            .collect();
        curve.reverse();
        curve
    }
}

impl Parting {
    fn of(sequences: &[Vec<u32>], passed: &[bool]) -> Self {
        let (mut all, mut successes) = (Pairs::default(), Pairs::default());
        for (index, first) in sequences.iter().enumerate() {
            for (other, second) in sequences.iter().enumerate().skip(index + 1) {
                all.add(first, second);
                if passed[index] && passed[other] {
                    successes.add(first, second);
                }
            }
        }
        let passes = passed.iter().filter(|&&passed| passed).count();
        Self { trials: (sequences.len(), passes), all, successes }
    }

    fn among(&self, among: Among) -> (&Pairs, usize) {
        match among {
            Among::All => (&self.all, self.trials.0),
            Among::Successes => (&self.successes, self.trials.1),
        }
    }
}

impl TaskOpenings {
    pub(crate) fn new(sequences: &Sequences) -> Self {
        Self {
            name: Parting::of(&sequences.names, &sequences.passed),
            kind: Parting::of(&sequences.kinds, &sequences.passed),
        }
    }

    fn of(&self, granularity: Granularity, among: Among) -> (&Pairs, usize) {
        match granularity {
            Granularity::Name => self.name.among(among),
            Granularity::Kind => self.kind.among(among),
        }
    }

    /// The mean place of the first difference of two trials of the task, by fine names.
    pub(crate) fn first_divergence(&self) -> Number {
        let (pairs, trials) = self.of(Granularity::Name, Among::All);
        let too_few = || Reason::from(Undefined::TooFewItems { have: trials, need: 2 });
        Number::of(pairs.place().ok_or_else(|| if pairs.count == 0 { too_few() } else { Reason::NEVER_PART }))
    }
}

/// Every combination of granularity and trials, the headline first.
const VIEWS: [(Granularity, Among); 4] = [
    (Granularity::Name, Among::All),
    (Granularity::Kind, Among::All),
    (Granularity::Name, Among::Successes),
    (Granularity::Kind, Among::Successes),
];

/// Returns the shared opening and the place of the first difference.
pub(crate) fn measures(
    openings: &[&TaskOpenings],
    recorded: &Result<(), Reason>,
    context: &Context<'_>,
) -> Vec<Measure> {
    let mut measures = Vec::with_capacity(2 * VIEWS.len());
    for (id, estimate) in
        [(MeasureId::SharedOpening, shared as Estimator), (MeasureId::FirstDivergence, first_divergence)]
    {
        for view in VIEWS {
            let value = recorded.clone().and_then(|()| estimate(openings, view, context));
            measures.push(Measure {
                granularity: Some(view.0),
                among: Some(view.1),
                headline: view == VIEWS[0],
                ..Measure::new(id, context.target(), value)
            });
        }
    }
    measures
}

type View = (Granularity, Among);
type Estimator = fn(&[&TaskOpenings], View, &Context<'_>) -> Result<Estimate, Reason>;

fn shared(openings: &[&TaskOpenings], view: View, context: &Context<'_>) -> Result<Estimate, Reason> {
    let (values, trials) = of_tasks(openings, view, Pairs::shared)?;
    estimators::mean_over_tasks(&values, trials, (0.0, 1.0), context)
}

fn first_divergence(
    openings: &[&TaskOpenings],
    view: View,
    context: &Context<'_>,
) -> Result<Estimate, Reason> {
    let (values, trials) = of_tasks(openings, view, Pairs::place)?;
    if values.is_empty() {
        return Err(Reason::NEVER_PART);
    }
    estimators::mean_above(&values, trials, 1.0, context)
}

/// A value of each task that has one, and the trials of these tasks.
fn of_tasks(
    openings: &[&TaskOpenings],
    (granularity, among): View,
    value: fn(&Pairs) -> Option<f64>,
) -> Result<(Vec<f64>, u64), Reason> {
    let compared = openings.iter().map(|task| task.of(granularity, among));
    let most = compared.clone().map(|(_, trials)| trials).max().unwrap_or(0);
    if most < 2 {
        return Err(Undefined::TooFewItems { have: most, need: 2 }.into());
    }
    let used = compared.filter_map(|(pairs, trials)| Some((value(pairs)?, trials as u64)));
    let (values, trials): (Vec<f64>, Vec<u64>) = used.unzip();
    Ok((values, trials.into_iter().sum()))
}

/// How many pairs of trials of a task agree in their first actions, averaged over tasks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PrefixAgreement {
    /// What counts as the same action.
    pub granularity: Granularity,
    /// Which trials are compared.
    pub among: Among,
    /// The curve, by number of first actions.
    pub curve: Known<Vec<AgreementPoint>>,
}

/// One point of the curve of prefix agreement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct AgreementPoint {
    /// So many first actions.
    pub actions: u32,
    /// The share of pairs of trials of a task that have them in common, averaged over tasks.
    pub agreement: Finite,
    /// Tasks with a trial that is so long; the shorter ones say nothing.
    pub tasks: u64,
}

/// Returns the curves of prefix agreement.
pub(crate) fn curves(openings: &[&TaskOpenings], recorded: &Result<(), Reason>) -> Vec<PrefixAgreement> {
    let curve = |view| recorded.clone().and_then(|()| curve(openings, view));
    VIEWS.map(|view| PrefixAgreement { granularity: view.0, among: view.1, curve: curve(view).into() }).into()
}

fn curve(openings: &[&TaskOpenings], (granularity, among): View) -> Result<Vec<AgreementPoint>, Reason> {
    of_tasks(openings, (granularity, among), Pairs::shared)?;
    let compared = openings.iter().map(|task| task.of(granularity, among).0);
    let curves: Vec<Vec<f64>> = compared.filter(|pairs| pairs.count > 0).map(Pairs::curve).collect();
    let longest = curves.iter().map(Vec::len).max().unwrap_or(0);
    let point = |place: usize| {
        let values: Vec<f64> = curves.iter().filter_map(|curve| curve.get(place).copied()).collect();
        let agreement = Finite::new(retrial_stats::moments::mean(&values)?)?;
        Ok(AgreementPoint { actions: place as u32 + 1, agreement, tasks: values.len() as u64 })
    };
    (0..longest).map(point).collect()
}
