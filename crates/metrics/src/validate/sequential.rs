//! How often looking after every complete round is wrong, ever.

use retrial_stats::sequential::mixture::{BetaMixture, difference_sequence};
use retrial_stats::{Counts, Level};

use super::report::{Cell, Tallies};
use super::simulate::Simulator;

/// The confidence sequence of the success rate leaves the true mean out, in rows.
pub(super) const RATE: &str = "success rate: the true mean ever left out";
/// Two identical agents are ever called different, in rows.
pub(super) const PAIR: &str = "identical agents: ever called different";
/// Looking at Wilson's interval of the pooled trials in the same way, for comparison, in rows.
const WILSON: &str = "success rate: Wilson's interval ever leaves it out";

/// Lets two identical agents try every task once in each round, as many rounds as the design has trials, and looks after each.
pub(super) fn run(cell: &Cell, tallies: &mut Tallies) {
    let mut simulator = Simulator::new(cell.seed, cell.stream());
    for _ in 0..cell.repetitions {
        let probabilities = simulator.probabilities(cell.scenario, cell.design.tasks as usize);
        let mean = probabilities.iter().sum::<f64>() / probabilities.len() as f64;
        let looks = Looks::new(&mut simulator, &probabilities, cell.design.trials, mean);
        tallies.event(RATE, looks.left_out);
        tallies.event(PAIR, looks.different);
        tallies.event(WILSON, looks.wilson);
    }
}

/// What was seen at any look.
#[derive(Default)]
struct Looks {
    left_out: bool,
    different: bool,
    wilson: bool,
}

impl Looks {
    fn new(simulator: &mut Simulator, probabilities: &[f64], rounds: u32, mean: f64) -> Self {
        let mut looks = Self::default();
        let (mut first, mut second, mut trials) = (0, 0, 0);
        for _ in 0..rounds {
            first += simulator.round(probabilities);
            second += simulator.round(probabilities);
            trials += probabilities.len() as u64;
            let (Ok(first), Ok(second)) = (Counts::new(first, trials), Counts::new(second, trials)) else {
                return looks;
            };
            looks.left_out |= leaves_out(first, mean, Level::P95);
            looks.different = looks.different || differ(first, second);
            looks.wilson |= retrial_stats::proportion::wilson(first, Level::P95)
                .is_ok_and(|interval| !(interval.low()..=interval.high()).contains(&mean));
        }
        looks
    }
}

/// Whether the confidence sequence leaves `p` out: its e-value has reached 1/α. This is how the sequence is defined, without the search
/// for its ends.
fn leaves_out(counts: Counts, p: f64, level: Level) -> bool {
    BetaMixture::default().log_e(counts, p).is_ok_and(|log_e| log_e >= -level.alpha().ln())
}

/// Whether the sequence of the difference leaves 0 out.
///
/// It does not where both sides' sequences hold the pooled rate, which spares the search for their ends in nearly every look.
fn differ(first: Counts, second: Counts) -> bool {
    let Ok(each) = Level::new(1.0 - Level::P95.alpha() / 2.0) else { return false };
    let trials = first.total() + second.total();
    let pooled = (first.successes() + second.successes()) as f64 / trials as f64;
    if !leaves_out(first, pooled, each) && !leaves_out(second, pooled, each) {
        return false;
    }
    difference_sequence(first, second, Level::P95)
        .is_ok_and(|interval| interval.low() > 0.0 || interval.high() < 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_looks_spare_is_what_the_sequences_say() {
        let mixture = BetaMixture::default();
        for trials in [1, 5, 40, 300] {
            for first in (0..=trials).step_by(1 + trials as usize / 12) {
                let counts = Counts::new(first, trials).unwrap();
                let sequence = mixture.confidence_sequence(counts, Level::P95);
                for p in (1..100).map(|percent| f64::from(percent) / 100.0) {
                    let outside = p < sequence.low() || p > sequence.high();
                    assert_eq!(leaves_out(counts, p, Level::P95), outside, "{counts:?} {p}");
                }
                for second in (0..=trials).step_by(1 + trials as usize / 12) {
                    let other = Counts::new(second, trials).unwrap();
                    let interval = difference_sequence(counts, other, Level::P95).unwrap();
                    let zero_out = interval.low() > 0.0 || interval.high() < 0.0;
                    assert_eq!(differ(counts, other), zero_out, "{counts:?} {other:?}");
                }
            }
        }
    }
}
