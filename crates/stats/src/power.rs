//! How many groups and items does a question need?
//!
//! Planning for means of rates over groups: μ is the mean rate, ρ the correlation of items within a group
//! (see [`crate::hierarchical`]), n the items of each group.

use crate::compare::mover::cohen_h;
use crate::level::Level;
use crate::moments;
use crate::special;
use crate::undefined::Undefined;

/// Most groups that a search considers.
const MOST_GROUPS: u64 = 10_000_000;

/// Panels of Simpson's rule for the noncentral t distribution.
const PANELS: u32 = 800;

/// A design: mean rate, correlation within groups and items of each group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    mu: f64,
    rho: f64,
    items: f64,
}

impl Design {
    /// Creates a design.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `0 ≤ mu ≤ 1`, `0 ≤ rho ≤ 1` and `items ≥ 1`.
    pub fn new(mu: f64, rho: f64, items: u64) -> Result<Self, Undefined> {
        let unit = 0.0..=1.0;
        if unit.contains(&mu) && unit.contains(&rho) && items >= 1 {
            Ok(Self { mu, rho, items: items as f64 })
        } else {
            Err(Undefined::OutOfDomain)
        }
    }

    /// Returns the variance of one group's rate, μ(1−μ)[ρ + (1−ρ)/n].
    pub fn rate_variance(self) -> f64 {
        self.mu * (1.0 - self.mu) * (self.rho + (1.0 - self.rho) / self.items)
    }

    /// Returns the design effect 1 + (n−1)ρ: by how much clustering inflates the variance of the mean.
    pub fn design_effect(self) -> f64 {
        1.0 + (self.items - 1.0) * self.rho
    }

    /// Returns the standard deviation over groups of the difference of two parties' rates.
    ///
    /// √(2μ(1−μ)[ρ(1−r) + (1−ρ)/n]), r the correlation of the parties' true rates over groups. Source: Miller
    /// 2024, arXiv 2411.00640, section 5. With `r = 1` it is the noise of items alone, as for exactly these
    /// groups.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `-1 ≤ r ≤ 1`.
    pub fn paired_deviation(self, r: f64) -> Result<f64, Undefined> {
        if !(-1.0..=1.0).contains(&r) {
            return Err(Undefined::OutOfDomain);
        }
        let variance =
            2.0 * self.mu * (1.0 - self.mu) * (self.rho * (1.0 - r) + (1.0 - self.rho) / self.items);
        Ok(variance.sqrt())
    }

    /// Returns the smallest number of groups T with t·√(V/T) at most `half_width`.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `half_width` is positive, [`Undefined::NotReached`] beyond ten
    /// million groups.
    pub fn groups_for_half_width(self, half_width: f64, level: Level) -> Result<u64, Undefined> {
        positive(half_width)?;
        let variance = self.rate_variance();
        smallest_groups(|groups| {
            let t = groups as f64;
            Ok(level.t(t - 1.0)? * (variance / t).sqrt() <= half_width)
        })
    }
}

/// Returns the smallest true difference that a one-sided test over exactly these groups finds with the given
/// power.
///
/// (z of the test's confidence + z of the power)·sd/√T, with sd from [`Design::paired_deviation`] at r = 1.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless confidence and power lie strictly between 0 and 1 and there is a group.
pub fn fixed_groups_detectable(
    design: Design,
    groups: u64,
    confidence: f64,
    power: f64,
) -> Result<f64, Undefined> {
    if groups == 0 {
        return Err(Undefined::OutOfDomain);
    }
    let quantiles = special::normal_quantile(confidence)? + special::normal_quantile(power)?;
    Ok(quantiles * design.paired_deviation(1.0)? / (groups as f64).sqrt())
}

/// Returns the items of each group with which a one-sided test over exactly these groups finds `difference`.
///
/// The inverse of [`fixed_groups_detectable`]; `design` gives mean and correlation, its own items do not
/// matter.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `difference` is positive, confidence and power lie strictly between 0
/// and 1 and there is a group.
pub fn fixed_groups_items_needed(
    design: Design,
    groups: u64,
    difference: f64,
    confidence: f64,
    power: f64,
) -> Result<u64, Undefined> {
    positive(difference)?;
    let single = fixed_groups_detectable(Design { items: 1.0, ..design }, groups, confidence, power)?;
    Ok((single / difference).powi(2).ceil().max(1.0) as u64)
}

/// Returns the number of items of each group that spends a budget best, √(cost of group/cost of item ·
/// (1−ρ)/ρ), at least 1.
///
/// Continuous; keep at least 3, or 5 where consistency matters. Source: Cochran 1977, *Sampling Techniques*,
/// section 10.6.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless costs are positive and `0 < rho ≤ 1`.
pub fn best_items_per_group(cost_of_group: f64, cost_of_item: f64, rho: f64) -> Result<f64, Undefined> {
    positive(cost_of_group)?;
    positive(cost_of_item)?;
    if !(rho > 0.0 && rho <= 1.0) {
        return Err(Undefined::OutOfDomain);
    }
    Ok((cost_of_group / cost_of_item * (1.0 - rho) / rho).sqrt().max(1.0))
}

/// Returns how many items without any failure show that the failure rate is below `rate`:
/// ⌈ln(1−confidence)/ln(1−rate)⌉.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless both lie strictly between 0 and 1.
///
/// # Example
///
/// The "rule of three" (Hanley & Lippman-Hand 1983, JAMA 249, 1743–1745): about 3/rate items, 299 for one in a hundred.
///
/// ```
/// assert_eq!(retrial_stats::power::zero_failure_items(0.01, 0.95)?, 299);
/// # Ok::<(), retrial_stats::Undefined>(())
/// ```
pub fn zero_failure_items(rate: f64, confidence: f64) -> Result<u64, Undefined> {
    if !(rate > 0.0 && rate < 1.0 && confidence > 0.0 && confidence < 1.0) {
        return Err(Undefined::OutOfDomain);
    }
    Ok(((-confidence).ln_1p() / (-rate).ln_1p()).ceil() as u64)
}

/// Returns the items needed on each side to tell two independent proportions apart, by Cohen's h; not
/// rounded.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless proportions lie in [0, 1] and differ, and alpha and power strictly
/// between 0 and 1.
pub fn items_for_two_proportions(p1: f64, p2: f64, alpha: f64, power: f64) -> Result<f64, Undefined> {
    let h = cohen_h(p1, p2)?;
    let quantiles = special::normal_quantile(1.0 - alpha / 2.0)? + special::normal_quantile(power)?;
    if h.abs() > 0.0 { Ok(2.0 * (quantiles / h).powi(2)) } else { Err(Undefined::OutOfDomain) }
}

/// Returns P(T > x) of the noncentral t distribution, by Simpson's rule over the chi distribution of the
/// denominator.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `df ≥ 1` and all are finite.
pub fn noncentral_t_sf(x: f64, df: f64, noncentrality: f64) -> Result<f64, Undefined> {
    if !(df >= 1.0 && df.is_finite() && x.is_finite() && noncentrality.is_finite()) {
        return Err(Undefined::OutOfDomain);
    }
    let center = df.sqrt();
    let (low, high) = ((center - 9.0).max(0.0), center + 9.0);
    let step = (high - low) / f64::from(PANELS);
    let norm = std::f64::consts::LN_2 * (1.0 - df / 2.0) - special::ln_gamma(df / 2.0)?;
    let value = |u: f64| {
        // At the origin only one degree of freedom has density.
        let log_power = if u > 0.0 {
            (df - 1.0) * u.ln()
        } else if df > 1.0 {
            f64::NEG_INFINITY
        } else {
            0.0
        };
        (norm + log_power - u * u / 2.0).exp() * special::normal_sf(x * u / center - noncentrality)
    };
    let weight = |i: u32| {
        if i == 0 || i == PANELS {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    let sum = moments::sum((0..=PANELS).map(|i| weight(i) * value(low + f64::from(i) * step)));
    Ok((sum * step / 3.0).clamp(0.0, 1.0))
}

/// A paired test over groups: standard deviation of the differences and error rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedTest {
    deviation: f64,
    alpha: f64,
}

impl PairedTest {
    /// Creates the test.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `deviation` is positive and `0 < alpha < 1`.
    pub fn new(deviation: f64, alpha: f64) -> Result<Self, Undefined> {
        positive(deviation)?;
        if alpha > 0.0 && alpha < 1.0 { Ok(Self { deviation, alpha }) } else { Err(Undefined::OutOfDomain) }
    }

    /// Returns the power of the two-sided Student test to find a mean difference of `delta`.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFewGroups`] below two groups, [`Undefined::OutOfDomain`].
    pub fn power_two_sided(self, groups: u64, delta: f64) -> Result<f64, Undefined> {
        let (df, noncentrality) = self.parameters(groups, delta)?;
        let bound = special::t_quantile(1.0 - self.alpha / 2.0, df)?;
        Ok((noncentral_t_sf(bound, df, noncentrality)? + noncentral_t_sf(bound, df, -noncentrality)?)
            .min(1.0))
    }

    /// Returns the power of the one-sided Student test to find a mean difference of `delta > 0`.
    ///
    /// # Errors
    ///
    /// As [`Self::power_two_sided`].
    pub fn power_one_sided(self, groups: u64, delta: f64) -> Result<f64, Undefined> {
        let (df, noncentrality) = self.parameters(groups, delta)?;
        noncentral_t_sf(special::t_quantile(1.0 - self.alpha, df)?, df, noncentrality)
    }

    fn parameters(self, groups: u64, delta: f64) -> Result<(f64, f64), Undefined> {
        if groups < 2 {
            return Err(Undefined::TooFewGroups { have: groups as usize, need: 2 });
        }
        Ok((groups as f64 - 1.0, delta / self.deviation * (groups as f64).sqrt()))
    }

    /// Returns the difference found with the given power by the normal approximation, (z + z)·sd/√T.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `0 < power < 1` and there is a group.
    pub fn detectable_normal(self, groups: u64, power: f64) -> Result<f64, Undefined> {
        if groups == 0 {
            return Err(Undefined::OutOfDomain);
        }
        let quantiles = special::normal_quantile(1.0 - self.alpha / 2.0)? + special::normal_quantile(power)?;
        Ok(quantiles * self.deviation / (groups as f64).sqrt())
    }

    /// Returns the difference found with the given power by the two-sided Student test.
    ///
    /// # Errors
    ///
    /// As [`Self::power_two_sided`]; [`Undefined::OutOfDomain`] unless `alpha < power < 1`,
    /// [`Undefined::NotReached`].
    pub fn detectable(self, groups: u64, power: f64) -> Result<f64, Undefined> {
        self.check_power(power)?;
        let (mut low, mut high) = (0.0, self.deviation);
        while self.power_two_sided(groups, high)? < power {
            low = high;
            high *= 2.0;
            if high > 1e6 * self.deviation {
                return Err(Undefined::NotReached);
            }
        }
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if self.power_two_sided(groups, middle)? < power {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(f64::midpoint(low, high))
    }

    /// Returns the smallest number of groups with which the two-sided Student test finds `delta` with the
    /// given power.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `delta` is positive and `alpha < power < 1`,
    /// [`Undefined::NotReached`].
    ///
    /// # Example
    ///
    /// The textbook case of a medium effect, half a standard deviation (Cohen 1988): 34 pairs for a power of .8.
    ///
    /// ```
    /// use retrial_stats::power::PairedTest;
    /// assert_eq!(PairedTest::new(1.0, 0.05)?.groups_needed(0.5, 0.8)?, 34);
    /// # Ok::<(), retrial_stats::Undefined>(())
    /// ```
    pub fn groups_needed(self, delta: f64, power: f64) -> Result<u64, Undefined> {
        positive(delta)?;
        self.check_power(power)?;
        smallest_groups(|groups| Ok(self.power_two_sided(groups, delta)? >= power))
    }

    fn check_power(self, power: f64) -> Result<(), Undefined> {
        if power > self.alpha && power < 1.0 { Ok(()) } else { Err(Undefined::OutOfDomain) }
    }
}

/// Smallest number of groups, at least 2, for which a condition holds that stays true once it is.
fn smallest_groups(enough: impl Fn(u64) -> Result<bool, Undefined>) -> Result<u64, Undefined> {
    let (mut low, mut high) = (1, 2);
    while !enough(high)? {
        low = high;
        high *= 2;
        if high > MOST_GROUPS {
            return Err(Undefined::NotReached);
        }
    }
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if enough(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

fn positive(x: f64) -> Result<(), Undefined> {
    if x > 0.0 && x.is_finite() { Ok(()) } else { Err(Undefined::OutOfDomain) }
}
