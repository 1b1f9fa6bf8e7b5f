//! Looking at data while they come in.
//!
//! Intervals of fixed-size methods fail when looked at repeatedly; what is here stays valid at any time.
//! [`mixture`]: Bernoulli items. [`betting`]: any values in [0, 1]. [`sprt`]: two simple hypotheses.
//! [`cusum`]: a change over time. [`evalue`]: combining evidence.

pub mod betting;
pub mod cusum;
pub mod evalue;
pub mod mixture;
pub mod sprt;
