//! Scorecards over time: the ledger's format, and what a ledger says of releases, changes and reputations.
//!
//! Pure functions: entries in, findings out, in whatever order the entries come. `docs/history.md` explains it to users.
//!
//! | question | place |
//! |---|---|
//! | what is kept of a run | [`LedgerEntry`], [`NewEntry`] |
//! | how is a ledger read, and put together after a merge | [`read_ledger`], [`Ledger::new`] |
//! | since when is an agent worse or better | `changes`, [`Change`] |
//! | is it the agent's own doing | `attribution`, `witnesses`, [`Attribution`] |
//! | what has an agent earned | [`Reputation`] |
//! | is the newest release worse | [`check`] |

mod attribution;
mod changes;
mod check;
mod entry;
mod findings;
mod making;
mod pooled;
mod reading;
mod releases;
mod reputation;
#[cfg(test)]
mod simulated;
mod suites;
#[cfg(test)]
mod tests;
mod witnesses;

pub use attribution::{Attribution, Because, Verdict};
pub use check::{Check, CheckedAgent, NewestRelease, check};
pub use entry::{
    EntryFault, InvalidRelease, LEDGER_FORMAT, LedgerCost, LedgerEntry, LedgerInput, LedgerInterval,
    LedgerMeasure, LedgerTask, LedgerValue, ReleaseName, suite_digest,
};
pub use findings::{
    AgentHistory, Change, ChangedFact, Direction, HISTORY_SCHEMA, History, HistoryOptions, PMethod,
    ReleaseRow, RunPoint, RunRef, SuiteHistory, history_schema, ledger_schema,
};
pub use making::{NewEntry, NoEntry, Tally};
pub use reading::{Ledger, LedgerConflict, LedgerFile, LedgerLineError, read_ledger};
pub use reputation::{NewestBound, PassHat, Reputation, Standing, SuiteRecord};
pub use suites::history;
pub use witnesses::{Witness, WitnessKind};
