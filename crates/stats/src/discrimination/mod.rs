//! Does a score tell positive from negative items?
//!
//! [`auroc`]: area under the curve with clustered and independent variances. [`selective`]: risk against
//! coverage.

pub mod auroc;
pub mod selective;
