//! Scorecards that people read and check: one value, the [`Report`], and the forms in which it is published.
//!
//! Everything here is a pure function of the report and, where single trials are shown, of their records and evidence: the same input
//! gives the same bytes. `docs/reports.md` explains the forms to users.

mod badge;
mod comparison;
mod document;
mod evidence;
mod gate;
mod junit;
mod limits;
mod markdown;
mod outcomes;
mod page;
mod plot;
mod reading;
mod signature;
mod tables;
mod verify;
mod words;

pub use badge::{Badge, badge};
pub use comparison::{
    Detail, Section, answer, comparison_json, comparison_markdown, comparison_page, doubts, field_sections,
    pair_sections, pairs_sections,
};
pub use document::{InputFile, REPORT_VERSION, Report, ReportedRun, schema};
pub use evidence::{Evidence, EvidenceStep, EvidenceText, MOST_TEXT, evidence_place};
pub use gate::{gate_junit, gate_markdown, gate_page};
pub use junit::{Junit, JunitError};
pub use limits::{limits, limits_of_run};
pub use markdown::markdown;
pub use outcomes::{CountsAs, RunOutcomes};
pub use page::{Mode, PageError, RunTrials, page};
pub use plot::{Picture, PngError, comparison_pictures, pictures};
pub use reading::reading;
pub use signature::{SignatureError, check_signature, sign};
pub use tables::{TABLES_VERSION, TableError, TableFormat, TrialTable, documented_columns, write_measures};
pub use verify::{
    ClaimedFacts, ClaimedRun, ClaimedScorecards, Claims, ClaimsError, InputDifference, LISTED,
    VERIFICATION_VERSION, ValueDifference, Verification, is_page, verification_schema, verify,
};
