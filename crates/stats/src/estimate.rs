//! An estimate with its uncertainty as one value.
//!
//! Estimators that have an interval return [`Estimate`]. The caller adds what the number is about.

use crate::level::{Interval, Level};
use crate::undefined::Undefined;

/// A point estimate with interval, level, method and the number of independent units behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub point: f64,
    /// The interval, or why there is none. It always holds the point.
    pub interval: Result<Interval, Undefined>,
    /// The two-sided level of the interval.
    pub level: Level,
    /// How the interval was made.
    pub method: Method,
    /// Number of independent units (groups for clustered methods, else items).
    pub n: usize,
    /// Standard error, where the method has one.
    pub standard_error: Option<f64>,
}

/// How an interval was made. `Display` gives a stable kebab-case name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Wilson score interval of one binomial.
    Wilson,
    /// Clopper–Pearson exact interval of one binomial.
    ClopperPearson,
    /// Jeffreys interval of one binomial.
    Jeffreys,
    /// Student interval over group values.
    GroupT,
    /// Plain clustered standard error of the pooled rate with the normal quantile.
    ClusteredCr0,
    /// Bias-reduced clustered standard error of the pooled rate, Student quantile with Satterthwaite's degrees of freedom.
    ClusteredCr2,
    /// Wilson interval on the effective size, with the Student quantile.
    EffectiveWilson,
    /// Wilson interval on the effective size of fixed groups.
    StratifiedWilson,
    /// Hull of estimate and beta-binomial grid posterior.
    BetaBinomialGrid,
    /// Empirical Bayes for fixed groups, by seeded draws.
    FixedGroupsEmpiricalBayes,
    /// F interval of an intraclass correlation of groups of one size.
    AnovaF,
    /// Vangel's interval of a coefficient of variation.
    Vangel,
    /// Chi-square interval of a pooled log spread.
    LogChiSquare,
    /// Obuchowski's clustered variance on the logit scale with Student quantile.
    ObuchowskiLogitT,
    /// `DeLong`'s variance on the logit scale.
    DeLongLogit,
    /// Square-and-add difference of two intervals.
    Mover,
    /// Paired Student interval.
    PairedT,
    /// Percentile bootstrap over groups.
    BootstrapPercentile,
    /// Bias-corrected and accelerated bootstrap over groups.
    BootstrapBca,
    /// Linearised ratio with Student quantile.
    LinearisedRatio,
    /// Fieller's interval of a ratio.
    Fieller,
    /// Order statistics around the median.
    OrderStatistics,
    /// Beta-mixture confidence sequence, valid at any time.
    BetaMixtureSequence,
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Wilson => "wilson",
            Self::ClopperPearson => "clopper-pearson",
            Self::Jeffreys => "jeffreys",
            Self::GroupT => "group-t",
            Self::ClusteredCr0 => "clustered-cr0-z",
            Self::ClusteredCr2 => "clustered-cr2-t",
            Self::EffectiveWilson => "effective-wilson-t",
            Self::StratifiedWilson => "stratified-wilson",
            Self::BetaBinomialGrid => "beta-binomial-grid",
            Self::FixedGroupsEmpiricalBayes => "fixed-groups-empirical-bayes",
            Self::AnovaF => "anova-f",
            Self::Vangel => "vangel",
            Self::LogChiSquare => "log-chi-square",
            Self::ObuchowskiLogitT => "obuchowski-logit-t",
            Self::DeLongLogit => "delong-logit",
            Self::Mover => "mover",
            Self::PairedT => "paired-t",
            Self::BootstrapPercentile => "bootstrap-percentile",
            Self::BootstrapBca => "bootstrap-bca",
            Self::LinearisedRatio => "linearised-ratio-t",
            Self::Fieller => "fieller",
            Self::OrderStatistics => "order-statistics",
            Self::BetaMixtureSequence => "beta-mixture-sequence",
        })
    }
}
