//! Is one better than the other?
//!
//! [`mover`]: difference of rates over exactly these groups, the default for decisions about them.
//! [`paired`]: groups as a sample, Student and sign flips. [`stratified`]: exact and Mantel–Haenszel tests of
//! "no group changed"; [`stratified_bound`] where the exact one takes too long. [`mcnemar`]: one item each. [`ratio`]:
//! ratio of means. [`multiplicity`]: many comparisons at once. [`superiority`]: two Beta posteriors.
//!
//! Differences are first minus second throughout.

pub mod mcnemar;
pub mod mover;
pub mod multiplicity;
pub mod paired;
pub mod ratio;
pub mod stratified;
pub mod stratified_bound;
pub mod superiority;

/// Two values of the same group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<T> {
    /// Of the first party, say the candidate.
    pub first: T,
    /// Of the second party, say the baseline.
    pub second: T,
}
