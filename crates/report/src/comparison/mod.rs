//! What is published of a comparison: the answer in sentences, tables, a page, Markdown and JSON.
//!
//! Every form is made of the same sections, so that no form says more or other things than another.

mod answer;
mod contenders;
mod field;
mod lacks;
mod markdown;
mod numbers;
mod page;
mod pair;

use retrial_metrics::decide::field::Comparisons;

pub use answer::{answer, doubts};
pub use markdown::comparison_markdown;
pub use page::comparison_page;

/// A part of a comparison: sentences, and a table where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name in addresses, in kebab case.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// Sentences before the table.
    pub before: Vec<String>,
    /// The heads of the table's columns; empty where there is no table.
    pub heads: Vec<String>,
    /// The rows, each with a cell for each head.
    pub rows: Vec<Vec<String>>,
    /// Sentences after the table.
    pub after: Vec<String>,
}

impl Section {
    fn new(id: &'static str, title: impl Into<String>) -> Self {
        let none = Vec::new;
        Self { id, title: title.into(), before: none(), heads: Vec::new(), rows: Vec::new(), after: none() }
    }

    fn table(mut self, heads: &[&str], rows: Vec<Vec<String>>) -> Self {
        self.heads = heads.iter().map(|&head| head.to_owned()).collect();
        self.rows = rows;
        self
    }

    fn says(mut self, sentences: impl IntoIterator<Item = String>) -> Self {
        self.before.extend(sentences);
        self
    }

    fn adds(mut self, sentences: impl IntoIterator<Item = String>) -> Self {
        self.after.extend(sentences);
        self
    }

    /// Whether there is nothing in it.
    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.rows.is_empty() && self.after.is_empty()
    }
}

/// How much is shown of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// At most ten tasks and actions of a pair, and how many more there are.
    Short,
    /// Every row.
    All,
}

impl Detail {
    fn rows(self) -> usize {
        match self {
            Self::Short => 10,
            Self::All => usize::MAX,
        }
    }

    /// Says how many rows of a table are left out, and where they are; none where all are shown.
    fn left_out(self, all: usize, what: &str) -> Option<String> {
        let left = all.saturating_sub(self.rows());
        (left > 0).then(|| format!("… and {left} more {what}, which the page and the JSON hold."))
    }
}

/// Returns the sections that speak of all contenders together.
pub fn field_sections(comparisons: &Comparisons) -> Vec<Section> {
    let sections = [
        contenders::contenders(comparisons),
        field::pairs(comparisons),
        field::ranks(comparisons),
        contenders::costs(comparisons),
        field::called(comparisons),
        field::flips(comparisons),
    ];
    sections.into_iter().filter(|section| !section.is_empty()).collect()
}

/// Returns the compact sections about all pairs: their differences, what procedures call different, and who changes places.
pub fn pairs_sections(comparisons: &Comparisons) -> Vec<Section> {
    let sections = [
        contenders::successes(comparisons),
        field::pairs(comparisons),
        field::called(comparisons),
        field::flips(comparisons),
    ];
    sections.into_iter().filter(|section| !section.is_empty()).collect()
}

/// Returns the sections of the pair at a place of the list; none where there is no such place.
pub fn pair_sections(comparisons: &Comparisons, place: usize, detail: Detail) -> Vec<Section> {
    let Some(of_pair) = comparisons.pairs.get(place) else { return Vec::new() };
    let sections = [
        pair::measures(comparisons, of_pair),
        pair::tasks(comparisons, of_pair, detail),
        pair::trajectories(comparisons, of_pair, detail),
        pair::purchase(comparisons, of_pair),
    ];
    sections.into_iter().filter(|section| !section.is_empty()).collect()
}

/// Returns the comparison as its JSON file has it.
///
/// # Errors
/// None that a comparison could cause: all its numbers are finite and all its keys are texts.
pub fn comparison_json(comparisons: &Comparisons) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(comparisons)?;
    text.push(b'\n');
    Ok(text)
}
