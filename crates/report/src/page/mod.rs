//! The page: one HTML file with everything, which needs no network and no server.
//!
//! Markup is written with escaping throughout. The script and the style sheet are part of the page and named by their digests in its
//! content security policy, so that nothing else on it can run or load. What is shown of single trials lies compressed in inert
//! elements; the script opens it when it is asked for, and writes it as text.

mod books;
mod card;
mod confidence;
mod details;
mod facts;
mod figure;
mod index;
mod measures;
mod number;
mod parting;
mod plain;
mod profile;
mod top;

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use retrial_metrics::{ActionUse, Curves, Scorecard, Scorecards};
use retrial_spec::TrialRecord;
use sha2::{Digest, Sha256};

use crate::{Picture, Report, pictures};

pub(crate) use figure::{figure, heads, wide};
pub(crate) use plain::plain;

const STYLE: &str = include_str!("../../assets/page.css");
const SCRIPT: &str = include_str!("../../assets/page.js");
const LIVE_SCRIPT: &str = include_str!("../../assets/live.js");

/// How a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// From a file, asking for nothing.
    File,
    /// From a server of this machine, which tells at `changes` beside it when there is another version.
    Live {
        /// The version of this page.
        version: u64,
    },
}

impl Mode {
    /// The scripts, which run one after the other.
    fn scripts(self) -> &'static [&'static str] {
        match self {
            Self::File => &[SCRIPT],
            Self::Live { .. } => &[SCRIPT, LIVE_SCRIPT],
        }
    }

    fn version(self) -> Option<u64> {
        match self {
            Self::File => None,
            Self::Live { version } => Some(version),
        }
    }
}

/// The single trials of a run, which a page shows beside its scorecards.
#[derive(Debug, Clone, Copy)]
pub struct RunTrials<'a> {
    /// Its records, in any order.
    pub records: &'a [TrialRecord],
    /// Its run directory, where patches, verifiers' output and conversations are read from; none leaves them out.
    pub directory: Option<&'a Path>,
}

/// Why a page cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// There must be trials for each run.
    #[error("the report has {runs} runs, and trials were given of {given}")]
    Runs {
        /// Runs of the report.
        runs: usize,
        /// Runs with trials.
        given: usize,
    },
    /// The details of trials could not be written.
    #[error("cannot write the details of trials")]
    Details(#[from] serde_json::Error),
    /// The details of trials could not be compressed.
    #[error("cannot compress the details of trials")]
    Compress(#[from] std::io::Error),
}

/// Makes the page of a report and of the trials of its runs, which are in the same order.
///
/// The page has no more than about 9 MB of texts from run directories: each patch and each verifier's output is cut at 64 KiB, and
/// further where a task would take more than its share. Where a text is cut, the page says where it lies in the run directory.
///
/// # Errors
/// [`PageError::Runs`] where trials are given of more or fewer runs than the report has.
pub fn page(report: &Report, trials: &[RunTrials<'_>], mode: Mode) -> Result<String, PageError> {
    if report.runs.len() != trials.len() {
        return Err(PageError::Runs { runs: report.runs.len(), given: trials.len() });
    }
    let pieces = details::pieces(&report.runs, trials)?;
    let cards = cards(report);
    let body = html! {
        a.skip href="#main" { "Skip to the results" }
        @if mode != Mode::File { p #live role="status" {} }
        (top::banner(report))
        div.layout {
            (top::contents(report, &cards))
            main #main tabindex="-1" {
                (top::overview(report, &cards))
                @for card in &cards { (card::section(card)) }
            }
        }
        (top::footer(report))
        (index::dialog())
        (index::claims(report)?)
        (index::index(report)?)
        @for piece in &pieces {
            script type="text/plain" id=(format!("details-{}-{}", piece.run, piece.task)) { (PreEscaped(&piece.data)) }
        }
    };
    Ok(document(&title(report), &body, mode).into_string())
}

fn document(title: &str, body: &Markup, mode: Mode) -> Markup {
    shell(title, body, mode.scripts(), mode.version())
}

/// Makes a page without scripts: a banner's and a body's markup under the style of every page.
pub(crate) fn sheet(title: &str, body: &Markup) -> String {
    shell(title, body, &[], None).into_string()
}

/// The document around a body. A page with a version is served, and may ask its server.
fn shell(title: &str, body: &Markup, scripts: &[&str], version: Option<u64>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-version=[version] {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(scripts, version.is_some()));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                @for script in scripts { script { (PreEscaped(script)) } }
            }
        }
    }
}

/// Nothing may load, and nothing may run or set styles but what the tool has put there. A served page may ask its server.
fn policy(scripts: &[&str], is_served: bool) -> String {
    let scripts = match scripts {
        [] => "'none'".to_owned(),
        some => some.iter().map(|script| allowed(script)).collect::<Vec<_>>().join(" "),
    };
    let asks = if is_served { "connect-src 'self'; " } else { "" };
    format!(
        "default-src 'none'; {asks}script-src {scripts}; style-src {}; base-uri 'none'; form-action 'none'",
        allowed(STYLE)
    )
}

/// Returns how a policy names an inline text.
fn allowed(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// A scorecard with all that is shown around it.
struct Card<'a> {
    /// The place of its run in the report.
    run: usize,
    /// Its own place in the run.
    place: usize,
    /// Whether the report has several runs, so that names alone do not tell scorecards apart.
    is_of_many: bool,
    scored: &'a Scorecards,
    scorecard: &'a Scorecard,
    /// Its curves, with their place in the run's list.
    curves: Option<(usize, &'a Curves)>,
    actions: Option<&'a ActionUse>,
    pictures: Vec<Picture>,
}

impl Card<'_> {
    /// The start of the ids of its elements.
    fn id(&self) -> String {
        format!("card-{}-{}", self.run, self.place)
    }

    /// Its place in the report's JSON.
    fn at(&self) -> String {
        format!("/runs/{}/scored/scorecards/{}", self.run, self.place)
    }

    /// What it is called; a baseline that stands alone is not named.
    fn title(&self) -> String {
        let name = match self.scorecard.condition.as_str() {
            "baseline" => self.scorecard.agent.to_string(),
            condition => format!("{}, {condition}", self.scorecard.agent),
        };
        if self.is_of_many { format!("{name} ({})", self.scored.run.run) } else { name }
    }

    /// The address of one of its trials on the page.
    fn trial(&self, task: &str, number: usize) -> String {
        let Scorecard { agent, condition, .. } = self.scorecard;
        format!("#trial={}:{task}~{agent}~{condition}~{number}", self.run)
    }
}

fn cards(report: &Report) -> Vec<Card<'_>> {
    let mut cards = Vec::new();
    for (run, reported) in report.runs.iter().enumerate() {
        let scored = &reported.scored;
        for (place, scorecard) in scored.scorecards.iter().enumerate() {
            let (agent, condition) = (&scorecard.agent, &scorecard.condition);
            let mut curves = reported.curves.iter().enumerate();
            let curves = curves.find(|(_, curves)| (&curves.agent, &curves.condition) == (agent, condition));
            let actions =
                reported.actions.iter().find(|uses| (&uses.agent, &uses.condition) == (agent, condition));
            let pictures = pictures(reported, place);
            let is_of_many = report.runs.len() > 1;
            cards.push(Card { run, place, is_of_many, scored, scorecard, curves, actions, pictures });
        }
    }
    cards
}

fn title(report: &Report) -> String {
    let mut names: Vec<&str> = report.runs.iter().map(|run| run.scored.run.experiment.as_str()).collect();
    names.dedup();
    format!("Reliability of {}", names.join(", "))
}
