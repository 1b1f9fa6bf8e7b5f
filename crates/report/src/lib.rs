//! Scorecards that people read and check: one value, the [`Report`], and the forms in which it is published.
//!
//! Everything here is a pure function of the report and, where single trials are shown, of their records and evidence: the same input
//! gives the same bytes. `docs/reports.md` explains the forms to users.

mod autonomy;
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
mod planning;
mod plot;
mod reading;
mod signature;
mod tables;
pub mod timeline;
mod verify;
mod words;

pub use autonomy::{
    autonomy_change, autonomy_markdown, autonomy_page, autonomy_reason, autonomy_share, autonomy_speaks,
};
pub use badge::{Badge, badge};
pub use comparison::{
    Detail, Section, answer, comparison_json, comparison_markdown, comparison_page, doubts, field_sections,
    pair_sections, pairs_sections,
};
pub use document::{InputFile, REPORT_VERSION, Report, ReportedRun, schema};
pub use evidence::{Evidence, EvidenceStep, EvidenceText, MOST_TEXT, evidence_place};
pub use gate::{GATE_COLUMNS, gate_junit, gate_markdown, gate_page, gate_row};
pub use junit::{Junit, JunitError};
pub use limits::{limits, limits_of_run};
pub use markdown::markdown;
pub use outcomes::{CountsAs, RunOutcomes};
pub use page::{Mode, PageError, RunTrials, page};
pub use planning::{plan_facts, plan_legend, plan_markdown, plan_question, plan_table};
pub use plot::{Picture, PngError, comparison_pictures, pictures, plan_picture};
pub use reading::reading;
pub use signature::{SignatureError, check_signature, sign};
pub use tables::{TABLES_VERSION, TableError, TableFormat, TrialTable, documented_columns, write_measures};
pub use verify::{
    ClaimedFacts, ClaimedRun, ClaimedScorecards, Claims, ClaimsError, InputDifference, LISTED,
    VERIFICATION_VERSION, ValueDifference, Verification, is_page, verification_schema, verify,
};
