//! Where the reliability diagram would lie if confidences were perfectly calibrated.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};
use retrial_stats::calibration::brier::{self, Block};
use retrial_stats::quantile::Sorted;
use retrial_stats::{Forecast, Level, Undefined};

use super::{BandPoint, ConsistencyBand, evenly};
use crate::value::{Finite, Reason};
use crate::{Settings, calibration};

/// Returns the band of these confidences; what came of the trials does not matter to it.
pub(super) fn band(forecasts: &[Forecast], settings: &Settings) -> Result<ConsistencyBand, Reason> {
    let level = Level::new(settings.level).map_err(|_| Undefined::OutOfDomain)?;
    let stated = brier::distinct(forecasts);
    let shown: Vec<f64> = evenly(stated.len()).map(|place| stated[place].high).collect();
    let simulations = calibration::simulations(stated.len());
    let fits = fits(&stated, &shown, simulations, settings.seed)?;
    let point = |(&confidence, fits): (&f64, &Vec<f64>)| {
        let sorted = Sorted::new(fits)?;
        Ok(BandPoint {
            confidence: Finite::new(confidence)?,
            low: Finite::new(sorted.quantile(level.lower_tail()))?,
            high: Finite::new(sorted.quantile(1.0 - level.lower_tail()))?,
        })
    };
    Ok(ConsistencyBand {
        level: Finite::new(level.confidence())?,
        simulations: simulations as u64,
        seed: settings.seed,
        points: shown.iter().zip(&fits).map(point).collect::<Result<_, Reason>>()?,
    })
}

/// The fitted share of every simulation at each of the shown confidences, which ascend as the stated ones do.
fn fits(stated: &[Block], shown: &[f64], simulations: usize, seed: u64) -> Result<Vec<Vec<f64>>, Undefined> {
    let passed = |stated: &Block| Binomial::new(stated.items, stated.high);
    let passed: Vec<Binomial> =
        stated.iter().map(passed).collect::<Result<_, _>>().map_err(|_| Undefined::OutOfDomain)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut fits = vec![Vec::with_capacity(simulations); shown.len()];
    for _ in 0..simulations {
        let drawn = stated.iter().zip(&passed);
        let drawn = drawn.map(|(stated, passed)| Block { events: passed.sample(&mut random), ..*stated });
        let mut steps = brier::isotonic(drawn).into_iter().peekable();
        for (fits, &confidence) in fits.iter_mut().zip(shown) {
            while steps.next_if(|step| step.high < confidence).is_some() {}
            fits.extend(steps.peek().map(Block::frequency));
        }
    }
    Ok(fits)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use retrial_stats::special::binomial_cdf;

    use super::super::STEPS;
    use super::*;

    fn stated(confidences: impl Iterator<Item = f64>) -> Vec<Forecast> {
        confidences.map(|confidence| Forecast::new(confidence, true).unwrap()).collect()
    }

    fn of(forecasts: &[Forecast]) -> ConsistencyBand {
        band(forecasts, &Settings::default()).unwrap()
    }

    #[test]
    fn perfectly_calibrated_trials_have_19_of_20_points_of_their_fit_within() {
        let confidences: Vec<f64> = (0..400).map(|trial| f64::from(trial % 20) / 20.0 + 0.025).collect();
        let band = of(&stated(confidences.iter().copied()));
        assert_eq!(band.points.len(), 20);
        let mut random = ChaCha8Rng::seed_from_u64(99);
        let (runs, mut within) = (2000, 0);
        for _ in 0..runs {
            let drawn = confidences.iter().map(|&p| Forecast::new(p, random.random_bool(p)).unwrap());
            let corp = brier::corp(&drawn.collect::<Vec<_>>()).unwrap();
            let is_within = |point: &&BandPoint| {
                let fit = corp.fitted(point.confidence.value()).unwrap();
                point.low.value() <= fit && fit <= point.high.value()
            };
            within += band.points.iter().filter(is_within).count();
        }
        let share = within as f64 / f64::from(runs * 20);
        assert!((0.935..0.975).contains(&share), "{share}");
    }

    #[test]
    fn of_one_confidence_it_is_the_quantiles_of_a_binomial_share() {
        let (trials, confidence) = (50, 0.7);
        let band = of(&stated((0..trials).map(|_| confidence)));
        let [point] = band.points[..] else { panic!("{band:?}") };
        let quantile = |p: f64| {
            let passed = (0..=50).find(|&k| binomial_cdf(k, 50, confidence).unwrap() >= p).unwrap();
            passed as f64 / 50.0
        };
        // The quantiles of a thousand draws are at most one trial off.
        assert!((point.low.value() - quantile(0.025)).abs() <= 0.02 + 1e-12, "{point:?}");
        assert!((point.high.value() - quantile(0.975)).abs() <= 0.02 + 1e-12, "{point:?}");
    }

    #[test]
    fn certainty_leaves_no_room_and_doubt_does() {
        let points = of(&stated([0.0, 0.5, 1.0].into_iter().cycle().take(60))).points;
        let ends: Vec<(f64, f64)> =
            points.iter().map(|point| (point.low.value(), point.high.value())).collect();
        assert_eq!((ends[0], ends[2]), ((0.0, 0.0), (1.0, 1.0)));
        assert!(ends[1].0 < 0.4 && ends[1].1 > 0.6, "{ends:?}");
    }

    #[test]
    fn a_lower_level_gives_a_narrower_band_and_another_seed_another() {
        let forecasts = stated((0..200).map(|trial| f64::from(trial % 10) / 10.0));
        let half = band(&forecasts, &Settings { level: 0.5, ..Settings::default() }).unwrap();
        let (wide, width) = (of(&forecasts), |p: &BandPoint| p.high.value() - p.low.value());
        assert!(half.points.iter().zip(&wide.points).skip(1).all(|(half, wide)| width(half) < width(wide)));
        let other = band(&forecasts, &Settings { seed: 1, ..Settings::default() }).unwrap();
        assert_ne!(other.points, wide.points);
        assert_eq!(of(&forecasts), wide);
    }

    #[test]
    fn many_confidences_are_thinned_and_simulated_less_often() {
        let band = of(&stated((0..20_000).map(|trial| f64::from(trial) / 19_999.0)));
        assert_eq!((band.points.len(), band.simulations), (STEPS, 100));
        let confidence = |place: usize| band.points[place].confidence.value();
        assert_eq!((confidence(0), confidence(STEPS - 1)), (0.0, 1.0));
        let rises =
            |get: fn(&BandPoint) -> Finite| band.points.windows(2).all(|pair| get(&pair[0]) <= get(&pair[1]));
        assert!(rises(|point| point.confidence) && rises(|point| point.low) && rises(|point| point.high));
    }
}
