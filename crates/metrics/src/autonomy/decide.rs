//! Which level each cell gets, alone and among the cells of its agent, and why no higher one.

use retrial_spec::{AutonomyLevel, AutonomyNeeds, AutonomyRule};
use schemars::JsonSchema;
use serde::Serialize;

use super::bounds::{BoundOf, Measured, Sure};
use super::evidence::TaskEvidence;
use super::model::{Raising, Speaking};
use super::raise::{MoreEvidence, Wanted, more_evidence};
use super::sample::Sample;
use crate::value::{Finite, Number, Reason};

/// Why a cell has its level and no higher one.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It is left alone: there is no higher level.
    Met,
    /// The policy gives such work no higher level, however reliable it is.
    NoHigherLevel,
    /// There is no bound, for this reason.
    NoBound(Reason),
    /// A need is neither shown to be met nor shown to be missed.
    NotEnoughEvidence,
    /// A need is shown to be missed.
    MeasuredTooLow,
    /// The trials that count would do, and would not if those that do not count, or did not finish, had failed.
    ExcludedTrials,
}

impl Cause {
    /// Whether more evidence could still give a higher level.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::NoBound(_) | Self::NotEnoughEvidence | Self::ExcludedTrials)
    }
}

/// A need with the bound that was compared with it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Obstacle {
    /// What it is of.
    pub of: BoundOf,
    /// How many trials in a row, for repeated success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
    /// How many in a row the bound was made of, where some task has fewer trials than `k`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    /// What was observed; with `from` that of pass^from, which pass^k never exceeds.
    pub point: Number,
    /// The bound.
    pub bound: Number,
    /// What is needed of it.
    pub need: Finite,
    /// Whether what was observed would do, so that evidence is what is missing.
    pub point_meets: bool,
    /// Whether it is shown that the need is missed.
    pub is_shown: bool,
}

/// Where a cell stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Standing {
    /// The level, which holds for all cells of the agent together.
    pub level: AutonomyLevel,
    /// The level that the cell would get if it were the only one of its agent.
    pub alone: AutonomyLevel,
    /// Why it is no higher.
    pub cause: Cause,
    /// The next higher level that the policy knows for such work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<AutonomyLevel>,
    /// The needs of the next level that are not met; where there is no next level, the need that is met most narrowly.
    pub decided_by: Vec<Obstacle>,
    /// What evidence would give the next level if it went as that there is; none where there is no next level, where what was observed
    /// misses a need of it, and where trials that do not count stand in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more: Option<MoreEvidence>,
    /// The bounds, at the confidence that the level was decided with.
    pub measured: Measured,
    /// Whether the work may turn out to be such that it can be left alone: no need of it is shown to be missed.
    pub may_be_delegated: bool,
}

/// A cell before it is decided.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) rule: &'a AutonomyRule,
    pub(super) tasks: Vec<TaskEvidence>,
    plain: Sample,
    /// With trials that say nothing taken for failures, where there are any.
    worst: Option<Sample>,
    /// With the same taken for successes.
    best: Option<Sample>,
}

/// What all cases are decided by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ruling {
    pub(super) confidence: f64,
    pub(super) repeats: u32,
    pub(super) speaking: Speaking,
    pub(super) may_stop: bool,
}

impl<'a> Case<'a> {
    pub(super) fn new(rule: &'a AutonomyRule, tasks: Vec<TaskEvidence>, ruling: Ruling) -> Self {
        let other = |of: fn(&TaskEvidence) -> TaskEvidence, raising| {
            let other: Vec<TaskEvidence> = tasks.iter().map(of).collect();
            (other != tasks).then(|| Sample::new(&other, ruling, raising))
        };
        let worst = other(TaskEvidence::at_worst, Raising::Done);
        // No lower bound of it is looked at.
        let best = other(TaskEvidence::at_best, Raising::Left);
        Self { rule, plain: Sample::new(&tasks, ruling, Raising::Done), tasks, worst, best }
    }

    /// Whether bounds can be defined, which the design decides and not the outcomes.
    pub(super) fn can_claim(&self) -> bool {
        self.plain.can_claim()
    }

    fn at_worst(&self) -> &Sample {
        self.worst.as_ref().unwrap_or(&self.plain)
    }

    fn at_best(&self) -> &Sample {
        self.best.as_ref().unwrap_or(&self.plain)
    }

    /// Returns the bounds of a sample of the case, with those on the other side as the trials that say nothing leave them at best.
    fn measured(&self, sample: &Sample, sure: Sure) -> Measured {
        let measured = sample.measured(sure);
        match &self.best {
            Some(best) => measured.beyond_of(best.measured(sure)),
            None => measured,
        }
    }
}

/// Decides the cells of one agent together.
///
/// A cell gets the highest level of which every bound meets its need. That all needs of a level must be met at once costs nothing (Berger
/// 1982, Technometrics 24, 295–300), nor does asking for level after level in one cell, since each needs what the lower ones need. Over
/// cells Holm's procedure (1979, Scandinavian J. of Statistics 6, 65–70) keeps the probability that any cell at all gets a level above
/// its true one at 1 − confidence: with m cells each is asked at 1 − (1 − confidence)/m, and a cell that is left alone hands its share
/// on to the others, as the ends of the sequences in Bretz, Maurer, Brannath & Posch 2009 (Statistics in Medicine 28, 586–604).
///
/// Only cells count for which bounds are defined; that depends on the design alone. The same is done with excluded and missing trials
/// taken for failures, and the lower level counts.
///
/// That a need is missed is a claim too. Over all cells and all that is asked of them the probability of any that is false is held at
/// 1 − confidence by Bonferroni's inequality, with excluded and missing trials taken for successes.
pub(super) fn decide(cases: &[Case<'_>], ruling: Ruling) -> Vec<Standing> {
    let plain = holm(&pairs(cases, |case| &case.plain), ruling.confidence);
    let worst = holm(&pairs(cases, Case::at_worst), ruling.confidence);
    let claims = cases.iter().filter(|case| case.at_best().can_claim()).count().max(1);
    let decided = cases.iter().zip(plain.into_iter().zip(worst));
    let standings = decided.map(|(case, (plain, worst))| {
        let beyond = 1.0 - (1.0 - ruling.confidence) / (claims * asked(case.rule)) as f64;
        standing(case, plain, worst, beyond, ruling)
    });
    standings.collect()
}

/// How many of the bounds a rule asks for at any level. A need of a higher level is shown to be missed by the same bound as one of a
/// lower level, so that levels do not count.
fn asked(rule: &AutonomyRule) -> usize {
    let needs: Vec<&AutonomyNeeds> =
        AutonomyLevel::ALL.iter().filter_map(|&level| rule.needs(level)).collect();
    let is_asked = |of: &BoundOf| needs.iter().any(|needs| of.needed(needs).is_some());
    BoundOf::ALL.iter().filter(|of| is_asked(of)).count().max(1)
}

fn pairs<'c>(
    cases: &'c [Case<'c>],
    sample: impl Fn(&'c Case<'c>) -> &'c Sample,
) -> Vec<(&'c AutonomyRule, &'c Sample)> {
    cases.iter().map(|case| (case.rule, sample(case))).collect()
}

/// A level with the one-sided confidence it was decided with.
#[derive(Debug, Clone, Copy)]
struct Decided {
    level: AutonomyLevel,
    confidence: f64,
}

fn holm(cells: &[(&AutonomyRule, &Sample)], confidence: f64) -> Vec<Decided> {
    let mut open: Vec<usize> = (0..cells.len()).filter(|&place| cells[place].1.can_claim()).collect();
    let mut decided = vec![Decided { level: AutonomyLevel::Supervised, confidence }; cells.len()];
    while !open.is_empty() {
        let shared = 1.0 - (1.0 - confidence) / open.len() as f64;
        for &place in &open {
            let (rule, sample) = cells[place];
            decided[place] = Decided { level: level(rule, sample, shared), confidence: shared };
        }
        let before = open.len();
        open.retain(|&place| decided[place].level != AutonomyLevel::Delegate);
        if open.len() == before {
            break;
        }
    }
    decided
}

/// The highest level whose needs are all met.
pub(super) fn level(rule: &AutonomyRule, sample: &Sample, confidence: f64) -> AutonomyLevel {
    let measured = sample.measured(Sure::both(confidence));
    let is_met = |level: &AutonomyLevel| rule.needs(*level).is_some_and(|needs| measured.meets(needs));
    AutonomyLevel::ALL.into_iter().rev().find(is_met).unwrap_or(AutonomyLevel::Supervised)
}

fn standing(case: &Case<'_>, plain: Decided, worst: Decided, beyond: f64, ruling: Ruling) -> Standing {
    let is_excluded = worst.level < plain.level;
    let (lower, sample) = if is_excluded { (worst, case.at_worst()) } else { (plain, &case.plain) };
    let measured = case.measured(sample, Sure { bound: lower.confidence, beyond });
    let next =
        AutonomyLevel::ALL.into_iter().find(|&above| above > lower.level && case.rule.needs(above).is_some());
    let needs = next.and_then(|next| case.rule.needs(next));
    let decided_by = match (needs, case.rule.needs(lower.level)) {
        (Some(needs), _) => unmet(needs, &measured),
        (None, Some(needs)) => narrowest(needs, &measured).into_iter().collect(),
        (None, None) => Vec::new(),
    };
    let only_shown = decided_by.iter().all(|need| need.point_meets || need.point.value().is_none());
    let wanted = next.filter(|_| only_shown && !is_excluded && !ruling.may_stop);
    let wanted = wanted.map(|level| Wanted { level, plain: plain.confidence, worst: worst.confidence });
    let alone = |sample: &Sample| level(case.rule, sample, ruling.confidence);
    Standing {
        level: lower.level,
        alone: alone(&case.plain).min(alone(case.at_worst())),
        cause: cause(lower.level, needs, &measured, is_excluded),
        next,
        may_be_delegated: case.rule.delegate.as_ref().is_some_and(|needs| !is_missed(needs, &measured)),
        decided_by,
        more: wanted.map(|wanted| more_evidence(case, wanted, ruling)),
        measured,
    }
}

fn is_missed(needs: &AutonomyNeeds, measured: &Measured) -> bool {
    BoundOf::ALL.into_iter().any(|of| of.needed(needs).is_some_and(|need| measured.of(of).misses(need)))
}

fn cause(
    level: AutonomyLevel,
    needs: Option<&AutonomyNeeds>,
    measured: &Measured,
    is_excluded: bool,
) -> Cause {
    let Some(needs) = needs else {
        return if level == AutonomyLevel::Delegate { Cause::Met } else { Cause::NoHigherLevel };
    };
    if let Number::Undefined(reason) = &measured.success.bound {
        return Cause::NoBound(reason.clone());
    }
    if is_excluded {
        Cause::ExcludedTrials
    } else if is_missed(needs, measured) {
        Cause::MeasuredTooLow
    } else {
        Cause::NotEnoughEvidence
    }
}

fn obstacle(of: BoundOf, need: f64, measured: &Measured) -> Option<Obstacle> {
    let bound = measured.of(of);
    Some(Obstacle {
        of,
        k: bound.k,
        from: bound.from,
        point: bound.point.clone(),
        bound: bound.bound.clone(),
        need: Finite::new(need).ok()?,
        point_meets: bound.point_meets(need),
        is_shown: bound.misses(need),
    })
}

/// The needs that are not met, what must get better before what only must be shown.
fn unmet(needs: &AutonomyNeeds, measured: &Measured) -> Vec<Obstacle> {
    let asked = BoundOf::ALL.into_iter().filter_map(|of| Some((of, of.needed(needs)?)));
    let missing = asked.filter(|&(of, need)| !measured.of(of).meets(need));
    let mut found: Vec<Obstacle> = missing.filter_map(|(of, need)| obstacle(of, need, measured)).collect();
    found.sort_by_key(|obstacle| obstacle.point_meets);
    found
}

/// The need that is met with the least to spare.
fn narrowest(needs: &AutonomyNeeds, measured: &Measured) -> Option<Obstacle> {
    let spare = |of: BoundOf, need: f64| measured.of(of).bound.value().map(|bound| (bound - need).abs());
    let asked = BoundOf::ALL.into_iter().filter_map(|of| {
        let need = of.needed(needs)?;
        Some((of, need, spare(of, need)?))
    });
    let (of, need, _) = asked.min_by(|a, b| a.2.total_cmp(&b.2))?;
    obstacle(of, need, measured)
}
