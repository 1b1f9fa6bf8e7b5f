//! Statistics on slices: estimators, intervals, tests, calibration, resampling.
//!
//! Pure functions over validated values. No files, no clock, no global state; where random numbers are drawn
//! the seed is a parameter, and the same input gives the same output. This crate knows nothing of what is
//! counted: items come in *groups*, and estimators over groups give each group the same weight unless they
//! say otherwise.
//!
//! # Values
//!
//! - [`Level`]: two-sided confidence, `Level::P95`; `Level::from_one_sided(0.95)` gives the two-sided level
//!   whose ends are one-sided bounds. [`Interval`]: `low() <= high()`.
//! - [`Counts`]: successes of a total. [`ClusterCounts`]: several non-empty groups of them.
//! - [`Forecast`]: probability and outcome. [`Scored`]: any score and class. Grouped data are `&[G]` with `G:
//!   AsRef<[T]>`, such as `Vec<Vec<Forecast>>`.
//! - [`Undefined`]: why a statistic has no value (`code()` is machine-readable). [`Invalid`]: why an input is
//!   malformed.
//! - [`Estimate`]: point, interval (or why none), level, method, n, standard error. The function returns
//!   `Err` only where there is no point either.
//!
//! # Which target
//!
//! *Population*: groups like these ([`cluster::effective_wilson`], [`hierarchical::GridPosterior`],
//! [`moments::mean_t`]). *Fixed groups*: exactly these ([`cluster::stratified_wilson`],
//! [`fixed_groups::FixedGroupsPosterior`], [`compare::mover`]). The caller states which; the two must not be
//! mixed.
//!
//! # Where to find what
//!
//! | question | functions |
//! |---|---|
//! | one rate | [`proportion`]: `wilson`, `clopper_pearson`, `jeffreys`, `exact_upper_bound` |
//! | mean of group rates | [`cluster`]: `mean_rate_t`, `effective_wilson`, `stratified_wilson`, `clustered_errors` |
//! | at least one / all of k | [`passk`]: `pass_at_k`, `pass_hat_k` of [`Counts`]; `mean_pass_at_k`, `mean_pass_hat_k` over groups |
//! | default intervals of rate, pass@k, pass^k, consistency | [`hierarchical::GridPosterior::new`] once, then `.estimate(Functional, point, level)`; fixed groups: [`fixed_groups::FixedGroupsPosterior::new`], then the same |
//! | do items of a group end alike | [`agreement`]: `outcome_consistency`, `mean_outcome_consistency`; [`ClusterCounts::partition`] |
//! | mix of symbols | [`divergence`]: `Histogram::new(&[u32])`, `jensen_shannon_bits`; `jaccard` of sets |
//! | order of symbols | [`edit`]: `levenshtein_normalised`, `first_divergence_of_all`, `prefix_agreement`, `modes` |
//! | mean over pairs of a group | [`pairwise::Pairwise`]: `of(&items, f)`, `.mean()`, `.mean_among(&keep)` |
//! | mean over groups of any value | [`moments::mean_t`], [`moments::mean_of_group_means`], [`passk::mean_over_groups`] |
//! | spread of amounts | [`spread`]: `pooled_geometric_spread`, `coefficient_of_variation`; [`quantile::Sorted`] |
//! | calibration | [`calibration::brier`]: `brier`, `clustered_brier`, `corp`, `bias`; [`calibration::binned`]: `Binning`, `expected_error`, `null_error`; `smooth`, `spiegelhalter` |
//! | discrimination | [`discrimination::auroc`]: `auroc_clustered`; [`discrimination::selective::risk_coverage`] |
//! | difficulty or noise | [`variance::BinaryVariance`], [`variance::OneWay`] |
//! | first against second, same groups | [`compare::mover::mover_difference`], [`compare::paired::PairedDifference`], [`compare::stratified::StratifiedExact`], [`compare::stratified_bound::StratifiedBound`], [`compare::ratio::ratio_of_means`] |
//! | many comparisons | [`compare::multiplicity::adjust`] |
//! | any statistic | [`bootstrap::BootstrapDistribution`] |
//! | while data come in | [`sequential`]: `mixture::BetaMixture`, `betting`, `sprt`, `cusum`, `evalue` |
//! | how many are needed | [`power`]: `Design`, `PairedTest`, `zero_failure_items` |
//!
//! # Example
//!
//! The mean rate of five groups of five, for groups like these and for exactly these.
//!
//! ```
//! use retrial_stats::{ClusterCounts, Counts, Functional, Level, cluster, fixed_groups::FixedGroupsPosterior};
//! use retrial_stats::{hierarchical::GridPosterior, passk};
//!
//! let groups = [5, 3, 0, 4, 5].map(|successes| Counts::new(successes, 5).unwrap());
//! let groups = ClusterCounts::new(groups.to_vec())?;
//! let posterior = GridPosterior::new(&groups)?;
//! let rate = posterior.estimate(Functional::Mean, groups.mean_rate()?, Level::P95);
//! assert!((rate.interval?.low() - 0.3098).abs() < 1e-4);
//!
//! let here = cluster::stratified_wilson(&groups, Level::P95)?.estimate;
//! assert!(here.interval?.width() < rate.interval?.width());
//!
//! let all_of_three = passk::mean_pass_hat_k(&groups, 3, Level::P95)?.estimate.point;
//! let draws = FixedGroupsPosterior::new(&groups, &posterior, &[Functional::PassHat(3)], 2000, 1)?;
//! assert!(draws.estimate(Functional::PassHat(3), all_of_three, Level::P95).interval?.contains(all_of_three));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod agreement;
pub mod bootstrap;
pub mod calibration;
pub mod cluster;
pub mod compare;
mod counts;
pub mod discrimination;
pub mod divergence;
pub mod edit;
mod estimate;
pub mod fixed_groups;
mod forecast;
mod functional;
pub mod hierarchical;
pub mod histogram;
pub mod kernel;
mod level;
pub mod moments;
pub mod pairwise;
pub mod passk;
pub mod power;
pub mod proportion;
pub mod quantile;
pub mod sequential;
pub mod special;
pub mod spread;
mod tally;
mod undefined;
pub mod variance;

pub use counts::{ClusterCounts, Counts, Partition};
pub use estimate::{Estimate, Method};
pub use forecast::{Forecast, Scored};
pub use functional::Functional;
pub use level::{Interval, Level};
pub use undefined::{Invalid, Undefined};
