//! How a gate compares one measure: as [`contrast`] does for exactly these tasks, but for two things that only a gate needs.
//!
//! | where | what differs |
//! |---|---|
//! | pass^k and outcome consistency | as many draws of the posteriors as the finest level that is asked for takes |
//! | a run could stop by what its trials showed | success by bounds that hold whenever it stopped; nothing else has bounds |

use retrial_stats::compare::mover::square_and_add;
use retrial_stats::fixed_groups::FixedGroupsPosterior;
use retrial_stats::sequential::mixture::BetaMixture;
use retrial_stats::{ClusterCounts, Counts, Functional, Interval as Span, Level, Method, Undefined};

use super::drafts::{Both, Rules};
use crate::decide::{Aspect, Contrast, contrast};
use crate::entrant::Entrant;
use crate::trials::TaskTrials;
use crate::value::{Bounds, Interval, Number, Reason, Value};
use crate::{MetricsError, stopping, success};

/// Draws beyond the finest quantile that is asked for: so many that the quantile is not a matter of luck.
const BEYOND: f64 = 20.0;
/// Most draws: enough for one measure at the highest confidence that a policy may ask for.
pub(super) const MOST_DRAWS: usize = 200_000;
/// Steps of the search for a p-value among levels.
const BISECTIONS: u32 = 40;

/// Why a measure that the stopping of a run may have shaped is not decided.
const MAY_STOP: Reason = Reason::fixed(
    "may_stop",
    "a run could stop by what its trials showed, which only the success rate allows for; it takes runs of fixed length",
);

/// Returns how often to draw from a posterior whose quantiles are asked for at the error rate `alpha` and, after Holm, at as little as its
/// share of `cells` measures: at least 20 draws lie beyond, up to [`MOST_DRAWS`] in all.
pub(super) fn draws(alpha: f64, cells: usize) -> usize {
    let wanted = (BEYOND * cells.max(1) as f64 / alpha).ceil();
    // Beyond what can be represented it is cut off anyway.
    (wanted as usize).clamp(success::DRAWS, MOST_DRAWS)
}

/// Compares a measure of both sides.
pub(super) fn of(aspect: Aspect, both: Both<'_>, rules: Rules<'_>) -> Result<Contrast, MetricsError> {
    let plain = || contrast(aspect, both.candidate, both.baseline, rules.settings);
    match aspect {
        Aspect::Success if both.may_stop => anytime(plain()?, both, rules),
        _ if both.may_stop => Ok(without_bounds(plain()?)),
        Aspect::PassHatK(k) => posterior(plain()?, (aspect, Functional::PassHat(k)), both, rules),
        Aspect::OutcomeConsistency => posterior(plain()?, (aspect, Functional::Consistency), both, rules),
        _ => plain(),
    }
}

/// Takes bounds and p-values away, for they do not hold.
fn without_bounds(mut found: Contrast) -> Contrast {
    if let Value::Estimate(estimate) = &mut found.value {
        estimate.interval = Bounds::Undefined(MAY_STOP);
    }
    for p in [&mut found.worse_p, &mut found.better_p, &mut found.p] {
        *p = Number::Undefined(MAY_STOP);
    }
    found
}

/// Success by the complete rounds of both sides, with the bounds that hold whenever and why ever either ended.
///
/// Each bound has the rule's confidence, and both together have it too: each side's confidence sequence errs with at most half of
/// 1 − confidence, on whichever side, at any time. The p-value is the smallest such error rate at which the bound leaves 0 out.
fn anytime(mut found: Contrast, both: Both<'_>, rules: Rules<'_>) -> Result<Contrast, MetricsError> {
    let Value::Estimate(estimate) = &mut found.value else { return Ok(found) };
    let rounds = |entrant: &Entrant| {
        let tasks: Vec<TaskTrials<'_>> = entrant.tasks.iter().map(|task| task.view()).collect();
        stopping::complete_rounds(&tasks)
    };
    let (candidate, baseline) = (rounds(both.candidate), rounds(both.baseline));
    let at = |level: Level| stopping::difference(candidate, baseline, level);
    let confidence = rules.rule.confidence;
    let level = Level::new(confidence).map_err(|_| MetricsError::Level(confidence))?;
    let (low, high) = at(level);
    // Trials of rounds that are not complete are in the point alone.
    let span = Span::new(low, high).map(|span| span.hull(estimate.point.value()));
    let interval = span.map_err(|_| Reason::from(Undefined::NotFinite));
    estimate.interval =
        interval.and_then(|span| Interval::new(span, level, Method::BetaMixtureSequence)).into();
    let [of_candidate, of_baseline] = [candidate, baseline].map(stopping::extremes);
    // However trials without a verdict ended: the side that is to be lower at its highest, the other at its lowest.
    let worse = p_below(of_candidate[1], of_baseline[0]);
    let better = p_below(of_baseline[1], of_candidate[0]);
    set_p(&mut found, &Ok((worse, better)));
    Ok(found)
}

/// The smallest error rate at which the confidence sequence of `low` lies below that of `high`, each at half of it; 1 where none does.
///
/// Both exclude a rate where its e-value reaches 2/α, and an e-value grows away from its side's own rate. So the smallest α is that of
/// the rate between them at which both e-values are equal.
fn p_below(low: Counts, high: Counts) -> f64 {
    let (Ok(mut below), Ok(mut above)) = (low.rate(), high.rate()) else { return 1.0 };
    if below >= above {
        return 1.0;
    }
    let log_e = |counts: Counts, rate: f64| BetaMixture::default().log_e(counts, rate).unwrap_or(0.0);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(below, above);
        *(if log_e(low, middle) < log_e(high, middle) { &mut below } else { &mut above }) = middle;
    }
    let rate = f64::midpoint(below, above);
    (2.0 * (-log_e(low, rate).min(log_e(high, rate))).exp()).min(1.0)
}

/// One side's posterior of the mean over its tasks.
struct Side {
    point: f64,
    drawn: FixedGroupsPosterior,
}

impl Side {
    fn new(functional: Functional, aspect: Aspect, side: &Entrant, rules: Rules<'_>) -> Result<Self, Reason> {
        let values: Vec<f64> =
            side.tasks.iter().map(|task| aspect.of_task(task, side.is_replayed)).collect::<Result<_, _>>()?;
        let counts = side.tasks.iter().map(|task| success::task_counts(&task.view())).collect();
        let counts = ClusterCounts::new(counts).map_err(|_| Reason::NO_GRADED_TRIALS)?;
        let point = retrial_stats::moments::mean(&values)?;
        let drawn = success::drawn_posterior(&counts, &[functional], rules.draws, rules.settings.seed)?;
        Ok(Self { point, drawn })
    }

    fn at(&self, functional: Functional, level: Level) -> Result<(f64, Span), Reason> {
        Ok((self.point, self.drawn.estimate(functional, self.point, level).interval?))
    }
}

/// As the plain contrast, by square-and-add of posterior intervals, from more draws.
fn posterior(
    mut found: Contrast,
    (aspect, functional): (Aspect, Functional),
    both: Both<'_>,
    rules: Rules<'_>,
) -> Result<Contrast, MetricsError> {
    let Value::Estimate(estimate) = &mut found.value else { return Ok(found) };
    // What leaves tasks out is open all the same.
    if rules.draws == success::DRAWS || !found.left_out.is_empty() {
        return Ok(found);
    }
    let level = Level::new(rules.settings.level).map_err(|_| MetricsError::Level(rules.settings.level))?;
    let sides = Side::new(functional, aspect, both.candidate, rules)
        .and_then(|first| Ok((first, Side::new(functional, aspect, both.baseline, rules)?)));
    let at = |(first, second): &(Side, Side), level: Level| -> Result<Span, Reason> {
        Ok(square_and_add(first.at(functional, level)?, second.at(functional, level)?))
    };
    let point = estimate.point.value();
    estimate.interval = sides
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|sides| Interval::new(at(sides, level)?.clamp(-1.0, 1.0).hull(point), level, Method::Mover))
        .into();
    let finest = 1.0 / rules.draws as f64;
    let p = sides.map(|sides| {
        let smallest = |is_out: &dyn Fn(Span) -> bool| {
            let is_out_at = |error: f64| {
                let level = Level::from_one_sided(1.0 - error).ok();
                level.and_then(|level| at(&sides, level).ok()).is_some_and(is_out)
            };
            smallest(finest, 0.499_999, is_out_at).unwrap_or(0.5)
        };
        (smallest(&|span| span.high() < 0.0), smallest(&|span| span.low() > 0.0))
    });
    set_p(&mut found, &p);
    Ok(found)
}

/// Puts the p-values of "not worse" and "not better" in; of both measures more is better.
fn set_p(found: &mut Contrast, p: &Result<(f64, f64), Reason>) {
    let number = |of: fn((f64, f64)) -> f64| Number::of(p.clone().map(of));
    found.worse_p = number(|(worse, _)| worse);
    found.better_p = number(|(_, better)| better);
    found.p = number(|(worse, better)| (2.0 * worse.min(better)).min(1.0));
}

/// The smallest error rate from `finest` to `coarsest` at which something holds that holds at every larger one too; none where it does
/// not hold at the largest.
fn smallest(finest: f64, coarsest: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    if !holds(coarsest) {
        return None;
    }
    if holds(finest) {
        return Some(finest);
    }
    let (mut low, mut high) = (finest, coarsest);
    for _ in 0..BISECTIONS {
        // Levels are compared by their ratio, since small ones matter most.
        let middle = (low * high).sqrt();
        *(if holds(middle) { &mut high } else { &mut low }) = middle;
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_finest_level_between_two_limits() {
        assert_eq!(draws(0.05, 0), success::DRAWS);
        assert_eq!(draws(1.0 - 0.95, 5), success::DRAWS);
        assert_eq!(draws(1.0 - 0.95, 100), 40_000);
        assert_eq!(draws(1.0 - 0.9999, 1), MOST_DRAWS);
        assert_eq!(draws(1.0 - 0.9999, 100), MOST_DRAWS);
    }

    #[test]
    fn the_p_value_of_two_sequences_is_the_level_at_which_they_part() {
        let counts = |passed, of| Counts::new(passed, of).unwrap();
        let (low, high) = (counts(60, 100), counts(180, 200));
        let p = p_below(low, high);
        let upper = |error: f64| {
            let level = Level::new(1.0 - error).unwrap();
            retrial_stats::sequential::mixture::difference_sequence(low, high, level).unwrap().high()
        };
        assert!(p < 0.05 && upper(p * 1.001) < 0.0 && upper(p * 0.999) > 0.0, "{p}");
        assert_eq!(p_below(high, low).to_bits(), 1.0_f64.to_bits());
        assert_eq!(p_below(counts(0, 0), high).to_bits(), 1.0_f64.to_bits());
        assert!(p_below(counts(0, 100), counts(100, 100)) < 1e-9);
    }
}
