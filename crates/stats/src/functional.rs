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

    /// Variance under Beta(a, b).
    pub(crate) fn beta_variance(self, a: f64, b: f64) -> f64 {
        let (square, mean, scale) = match self {
            Self::Mean => (rising_ratio(a, b, 2, 0), rising_ratio(a, b, 1, 0), 1.0),
            Self::Consistency => (rising_ratio(a, b, 2, 2), rising_ratio(a, b, 1, 1), 16.0),
            Self::PassHat(k) => (rising_ratio(a, b, 2 * k, 0), rising_ratio(a, b, k, 0), 1.0),
            Self::PassAt(k) => (rising_ratio(a, b, 0, 2 * k), rising_ratio(a, b, 0, k), 1.0),
        };
        (scale * (square - mean * mean)).max(0.0)
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
