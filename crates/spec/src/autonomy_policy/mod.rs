//! `retrial-autonomy.toml`: how reliable work must be before an agent may be left alone with it.

mod default;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::toml_schema;
use crate::{Document, Fault, Severity, SpecError, Stakes, Verifiability};

/// How far an agent may be left alone with work, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutonomyLevel {
    /// A person looks at each result.
    Supervised,
    /// A result is used only behind an automatic check that must pass.
    Gated,
    /// Results are used, and a person looks at a sample of them.
    SpotCheck,
    /// Results are used; nobody looks.
    Delegate,
}

impl AutonomyLevel {
    /// All levels, the least first.
    pub const ALL: [Self; 4] = [Self::Supervised, Self::Gated, Self::SpotCheck, Self::Delegate];

    /// Returns the level's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supervised => "supervised",
            Self::Gated => "gated",
            Self::SpotCheck => "spot-check",
            Self::Delegate => "delegate",
        }
    }

    /// Returns the level's key in files.
    fn key(self) -> &'static str {
        if self == Self::SpotCheck { "spot_check" } else { self.as_str() }
    }
}

impl std::fmt::Display for AutonomyLevel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What must be shown of work before it gets a level. Each is compared with a one-sided bound, never with what was observed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutonomyNeeds {
    /// The least success rate, for its lower bound.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub success: f64,
    /// The least probability that several trials of a task in a row succeed (pass^k), for its lower bound; none asks for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub repeated: Option<f64>,
    /// The greatest share of trials that fail without their agent saying so, for its upper bound; none asks for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub invisible: Option<f64>,
}

impl AutonomyNeeds {
    const fn new(success: f64, repeated: Option<f64>, invisible: Option<f64>) -> Self {
        Self { success, repeated, invisible }
    }

    /// Whether whatever meets these needs meets the others too.
    fn covers(&self, other: &Self) -> bool {
        self.success >= other.success
            && self.repeated.unwrap_or(0.0) >= other.repeated.unwrap_or(0.0)
            && self.invisible.unwrap_or(1.0) <= other.invisible.unwrap_or(1.0)
    }
}

/// What each level needs for work of some stakes and verifiability; a level without needs is never given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutonomyRule {
    /// What leaving the work alone needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<AutonomyNeeds>,
    /// What looking at a sample needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_check: Option<AutonomyNeeds>,
    /// What relying on an automatic check needs; only where results can be checked by machine, at least in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gated: Option<AutonomyNeeds>,
}

impl AutonomyRule {
    /// Returns what a level needs: none where it is never given, and for [`AutonomyLevel::Supervised`], which needs nothing.
    pub fn needs(&self, level: AutonomyLevel) -> Option<&AutonomyNeeds> {
        match level {
            AutonomyLevel::Delegate => self.delegate.as_ref(),
            AutonomyLevel::SpotCheck => self.spot_check.as_ref(),
            AutonomyLevel::Gated => self.gated.as_ref(),
            AutonomyLevel::Supervised => None,
        }
    }
}

/// The rules for work of some stakes, by how far it can be checked by machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct AutonomyRules {
    /// Where it hardly can.
    pub low: AutonomyRule,
    /// Where it can in part.
    pub partial: AutonomyRule,
    /// Where it can entirely.
    pub full: AutonomyRule,
}

/// How reliable work must be before an agent may be left alone with it.
///
/// Higher stakes never need less, and neither does work that can be checked less: [`Self::parse`] refuses a file that says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct AutonomyPolicy {
    /// The one-sided confidence of every bound, between 0.5 and 1.
    pub confidence: f64,
    /// How many trials of a task in a row `repeated` speaks of. Fewer trials bound it too, on the safe side.
    pub repeats: u32,
    /// Work of low stakes.
    pub low: AutonomyRules,
    /// Work of medium stakes.
    pub medium: AutonomyRules,
    /// Work of high stakes.
    pub high: AutonomyRules,
}

const STAKES: [(Stakes, &str); 3] =
    [(Stakes::Low, "low"), (Stakes::Medium, "medium"), (Stakes::High, "high")];
const VERIFIABILITY: [(Verifiability, &str); 3] =
    [(Verifiability::Low, "low"), (Verifiability::Partial, "partial"), (Verifiability::Full, "full")];

impl AutonomyPolicy {
    /// Returns the rule for work of these stakes and this verifiability.
    pub fn rule(&self, stakes: Stakes, verifiability: Verifiability) -> &AutonomyRule {
        let rules = match stakes {
            Stakes::Low => &self.low,
            Stakes::Medium => &self.medium,
            Stakes::High => &self.high,
        };
        match verifiability {
            Verifiability::Low => &rules.low,
            Verifiability::Partial => &rules.partial,
            Verifiability::Full => &rules.full,
        }
    }

    /// Reads a policy; `file` is the name that errors show. What the file does not say stays as in [`Self::default`]; a rule that it
    /// says replaces the default one whole.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: of the text, and where more stakes, less verifiability or a higher level would need less.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&toml_schema::<AutonomyPolicyFile>(), |_| Some(Severity::Error));
        let (read, _) = document.read::<AutonomyPolicyFile>(faults)?;
        let policy = read.policy();
        let faults = policy.contradictions(&document);
        if faults.is_empty() { Ok(policy) } else { Err(document.error(faults)) }
    }

    /// Returns what the policy says against itself, each where the file says it.
    fn contradictions(&self, document: &Document) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut note = |at: &str, message: String, hint: &str| {
            faults.push(document.fault(at, message, Some(hint.to_owned())));
        };
        if !(self.confidence > 0.5 && self.confidence < 1.0) {
            note("/confidence", "`confidence` must lie between 0.5 and 1".to_owned(), "0.95 is usual");
        }
        for (stakes, stakes_key) in STAKES {
            for (verifiability, key) in VERIFIABILITY {
                let (rule, at) = (self.rule(stakes, verifiability), format!("/{stakes_key}/{key}"));
                let name = format!("{stakes_key}.{key}");
                if verifiability == Verifiability::Low && rule.gated.is_some() {
                    let message = format!("`{name}.gated` relies on a check that such work does not have");
                    note(&format!("{at}/gated"), message, "leave it out");
                }
                for (above, below) in rule.contradictions() {
                    let message =
                        format!("`{name}.{}` needs less than `{name}.{}`", above.key(), below.key());
                    note(&format!("{at}/{}", above.key()), message, "a higher level needs at least as much");
                }
                let milder = [
                    previous(STAKES, stakes)
                        .map(|(it, word)| (self.rule(it, verifiability), format!("{word}.{key}"))),
                    next(VERIFIABILITY, verifiability)
                        .map(|(it, word)| (self.rule(stakes, it), format!("{stakes_key}.{word}"))),
                ];
                for (milder, other) in milder.into_iter().flatten() {
                    for level in rule.easier_than(milder) {
                        let message = format!("`{name}.{}` needs less than `{other}.{0}`", level.key());
                        let hint = "more stakes, or less that can be checked, need at least as much";
                        note(&format!("{at}/{}", level.key()), message, hint);
                    }
                }
            }
        }
        faults
    }
}

fn previous<T: Copy + PartialEq, const N: usize>(
    of: [(T, &'static str); N],
    it: T,
) -> Option<(T, &'static str)> {
    let place = of.iter().position(|one| one.0 == it)?;
    of.get(place.checked_sub(1)?).copied()
}

fn next<T: Copy + PartialEq, const N: usize>(of: [(T, &'static str); N], it: T) -> Option<(T, &'static str)> {
    let place = of.iter().position(|one| one.0 == it)?;
    of.get(place + 1).copied()
}

impl AutonomyRule {
    /// Iterates over pairs of levels of which the higher one needs less.
    fn contradictions(&self) -> Vec<(AutonomyLevel, AutonomyLevel)> {
        let levels: Vec<(AutonomyLevel, &AutonomyNeeds)> =
            AutonomyLevel::ALL.into_iter().filter_map(|level| Some((level, self.needs(level)?))).collect();
        let pairs = levels.windows(2);
        pairs.filter(|pair| !pair[1].1.covers(pair[0].1)).map(|pair| (pair[1].0, pair[0].0)).collect()
    }

    /// Returns the levels that this rule gives for less than the other, which speaks of work that should need no more.
    fn easier_than(&self, milder: &Self) -> Vec<AutonomyLevel> {
        let is_easier = |level: &AutonomyLevel| match (self.needs(*level), milder.needs(*level)) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(own), Some(other)) => !own.covers(other),
        };
        AutonomyLevel::ALL.into_iter().filter(is_easier).collect()
    }
}

/// The file as people write it.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "AutonomyPolicy")]
#[serde(deny_unknown_fields)]
pub(crate) struct AutonomyPolicyFile {
    /// The one-sided confidence of every bound; by default 0.95.
    #[schemars(range(min = 0.5, max = 1.0))]
    confidence: Option<f64>,
    /// How many trials of a task in a row `repeated` speaks of; by default 5. Fewer trials bound it too, on the safe side.
    #[schemars(range(min = 1, max = 100))]
    repeats: Option<u32>,
    /// Work of low stakes.
    low: Option<RulesTable>,
    /// Work of medium stakes.
    medium: Option<RulesTable>,
    /// Work of high stakes.
    high: Option<RulesTable>,
}

/// The rules for work of some stakes, by how far it can be checked by machine.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RulesTable {
    /// Where it hardly can.
    low: Option<AutonomyRule>,
    /// Where it can in part.
    partial: Option<AutonomyRule>,
    /// Where it can entirely.
    full: Option<AutonomyRule>,
}

impl AutonomyPolicyFile {
    fn policy(self) -> AutonomyPolicy {
        let default = AutonomyPolicy::default();
        let rules = |table: Option<RulesTable>, default: AutonomyRules| match table {
            None => default,
            Some(table) => AutonomyRules {
                low: table.low.unwrap_or(default.low),
                partial: table.partial.unwrap_or(default.partial),
                full: table.full.unwrap_or(default.full),
            },
        };
        AutonomyPolicy {
            confidence: self.confidence.unwrap_or(default.confidence),
            repeats: self.repeats.unwrap_or(default.repeats),
            low: rules(self.low, default.low),
            medium: rules(self.medium, default.medium),
            high: rules(self.high, default.high),
        }
    }
}
