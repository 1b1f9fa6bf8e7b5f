//! How the amounts of resources are spread over trials.

use retrial_stats::quantile::Sorted;

use super::{Distribution, STEPS, SpreadCurve, SpreadStep, evenly};
use crate::resources::{self, Amounts};
use crate::trials::TaskTrials;
use crate::value::{Finite, Number, Reason};

/// Returns the distribution of each resource, over the trials that its measures are computed from.
pub(super) fn spread(tasks: &[TaskTrials<'_>], is_replayed: bool) -> Vec<SpreadCurve> {
    let curve = |(resource, unit, amounts): resources::OfResource| {
        let distribution = amounts.and_then(|amounts| distribution(&amounts)).into();
        SpreadCurve { resource, unit, distribution }
    };
    resources::all_amounts(tasks, is_replayed).map(curve).collect()
}

fn distribution(amounts: &Amounts) -> Result<Distribution, Reason> {
    let sorted = Sorted::new(&amounts.concat())?;
    Ok(Distribution {
        n: resources::evidence(amounts.iter()),
        steps: steps(&sorted)?,
        p50: Finite::new(sorted.median())?,
        p95: Number::of(resources::p95_of_trials(&sorted)),
    })
}

fn steps(sorted: &Sorted) -> Result<Vec<SpreadStep>, Reason> {
    let amounts = sorted.values();
    let mut shown = amounts.to_vec();
    shown.dedup();
    if shown.len() > STEPS {
        // An amount of many trials would be met many times: places are even by share, not by amount.
        shown = evenly(amounts.len()).map(|place| amounts[place]).collect();
        shown.dedup();
    }
    let step = |&amount: &f64| {
        let trials = amounts.partition_point(|&other| other <= amount);
        let share = Finite::new(trials as f64 / amounts.len() as f64)?;
        Ok(SpreadStep { amount: Finite::new(amount)?, share })
    };
    shown.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(amounts: &[f64]) -> Vec<(f64, f64)> {
        let steps = steps(&Sorted::new(amounts).unwrap()).unwrap();
        steps.iter().map(|step| (step.amount.value(), step.share.value())).collect()
    }

    #[test]
    fn equal_amounts_are_one_step() {
        assert_eq!(plain(&[7.0, 3.0, 7.0, 9.0]), [(3.0, 0.25), (7.0, 0.75), (9.0, 1.0)]);
        assert_eq!(plain(&[5.0]), [(5.0, 1.0)]);
    }

    #[test]
    fn a_thinned_distribution_keeps_its_ends_and_skips_no_share_of_note() {
        // Half of the trials have one amount, the others one each.
        let amounts: Vec<f64> = (0..4000_u32).map(|trial| f64::from(trial.max(2000))).collect();
        let steps = plain(&amounts);
        assert!(steps.len() <= STEPS && steps.len() > STEPS / 3, "{}", steps.len());
        assert_eq!(steps[0], (2000.0, 2001.0 / 4000.0));
        assert_eq!(*steps.last().unwrap(), (3999.0, 1.0));
        assert!(steps.windows(2).all(|pair| pair[1].1 - pair[0].1 <= 1.0 / (STEPS - 1) as f64 + 1e-3));
    }
}
