//! Quantities of a distribution of success probabilities that the Bayesian estimators report.
//!
//! Each is a function f of one group's probability p; its expectation under Beta(a, b) has a closed form.

/// A function of a group's success probability p, averaged over groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Functional {
    /// p, the mean rate.
    Mean,
    /// 1 − 4p(1−p), outcome consistency: 1 where every item of a group ends alike, 0 for coin tosses.
    Consistency,
    /// p^k, all of `k` draws succeed.
    PassHat(u32),
    /// 1 − (1−p)^k, at least one of `k` draws succeeds.
    PassAt(u32),
}

impl Functional {
    /// Returns f(p).
    pub fn at(self, p: f64) -> f64 {
        match self {
            Self::Mean => p,
            Self::Consistency => 1.0 - 4.0 * p * (1.0 - p),
            Self::PassHat(k) => power(p, k),
            Self::PassAt(k) => 1.0 - power(1.0 - p, k),
        }
    }

    /// Expectation under Beta(a, b).
    pub(crate) fn beta_mean(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Mean => a / (a + b),
            Self::Consistency => 1.0 - 4.0 * rising_ratio(a, b, 1, 1),
            Self::PassHat(k) => rising_ratio(a, b, k, 0),
            Self::PassAt(k) => 1.0 - rising_ratio(a, b, 0, k),
        }
    }

    /// Largest power of p or 1−p that the mean and the variance need.
    pub(crate) fn largest_power(self) -> usize {
        match self {
            Self::Mean | Self::Consistency => 4,
            Self::PassHat(k) | Self::PassAt(k) => 2 * k as usize,
        }
    }
}

/// Means and variances under one Beta distribution of several functionals, from one table of moments.
pub(crate) struct BetaMoments {
    a: f64,
    b: f64,
    /// E p^j, j = 0, 1, ….
    successes: Vec<f64>,
    /// E (1−p)^j.
    failures: Vec<f64>,
}

impl BetaMoments {
    pub(crate) fn new(a: f64, b: f64, functionals: &[Functional]) -> Self {
        let largest = functionals.iter().map(|functional| functional.largest_power()).max().unwrap_or(0);
        let table = |own: f64| {
            let mut moments = Vec::with_capacity(largest + 1);
            let mut moment = 1.0;
            for i in 0..=largest {
                moments.push(moment);
                moment *= (own + i as f64) / (a + b + i as f64);
            }
            moments
        };
        Self { a, b, successes: table(a), failures: table(b) }
    }

    /// Returns the mean and the variance of a functional that was named at construction.
    pub(crate) fn of(&self, functional: Functional) -> (f64, f64) {
        let power = |table: &[f64], k: usize| (table[k], table[2 * k] - table[k] * table[k]);
        let (mean, variance) = match functional {
            Functional::Mean => power(&self.successes, 1),
            Functional::PassHat(k) => power(&self.successes, k as usize),
            Functional::PassAt(k) => {
                let (mean, variance) = power(&self.failures, k as usize);
                (1.0 - mean, variance)
            }
            Functional::Consistency => {
                let mean = rising_ratio(self.a, self.b, 1, 1);
                (1.0 - 4.0 * mean, 16.0 * (rising_ratio(self.a, self.b, 2, 2) - mean * mean))
            }
        };
        (mean, variance.max(0.0))
    }
}

fn power(p: f64, k: u32) -> f64 {
    i32::try_from(k).map_or_else(|_| p.powf(f64::from(k)), |k| p.powi(k))
}

/// E p^r (1−p)^s under Beta(a, b), as a product so that nothing overflows.
fn rising_ratio(a: f64, b: f64, r: u32, s: u32) -> f64 {
    let mut product = 1.0;
    for i in 0..r {
        product *= (a + f64::from(i)) / (a + b + f64::from(i));
    }
    for i in 0..s {
        product *= (b + f64::from(i)) / (a + b + f64::from(r + i));
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabled_moments_match_the_moments_of_the_function() {
        let functionals =
            [Functional::Mean, Functional::Consistency, Functional::PassHat(3), Functional::PassAt(4)];
        let (a, b) = (2.5, 1.5);
        let moments = BetaMoments::new(a, b, &functionals);
        for functional in functionals {
            let (mean, variance) = moments.of(functional);
            assert!((mean - functional.beta_mean(a, b)).abs() < 1e-12, "{functional:?}");
            // The midpoint rule over the density.
            let density = |p: f64| p.powf(a - 1.0) * (1.0 - p).powf(b - 1.0);
            let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
            for i in 0..200_000 {
                let p = (f64::from(i) + 0.5) / 200_000.0;
                let (weight, value) = (density(p), functional.at(p));
                total += weight;
                first += weight * value;
                second += weight * value * value;
            }
            let expected = second / total - (first / total).powi(2);
            assert!(
                (mean - first / total).abs() < 1e-6 && (variance - expected).abs() < 1e-6,
                "{functional:?}"
            );
        }
    }
}
