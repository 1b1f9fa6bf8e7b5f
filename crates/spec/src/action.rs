//! Actions: what an agent did, in order, with kinds.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What sort of thing an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Looks at the content of files.
    Read,
    /// Looks for files or text.
    Search,
    /// Changes files.
    Edit,
    /// Runs tests.
    Test,
    /// Runs a program.
    Run,
    /// Uses version control.
    Vcs,
    /// Installs software.
    Install,
    /// Talks to the network.
    Network,
    /// Plans or keeps a list of things to do.
    Plan,
    /// Anything else.
    Other,
}

impl ActionKind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Read,
        Self::Search,
        Self::Edit,
        Self::Test,
        Self::Run,
        Self::Vcs,
        Self::Install,
        Self::Network,
        Self::Plan,
        Self::Other,
    ];

    /// Returns the kind's word as it stands in files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Search => "search",
            Self::Edit => "edit",
            Self::Test => "test",
            Self::Run => "run",
            Self::Vcs => "vcs",
            Self::Install => "install",
            Self::Network => "network",
            Self::Plan => "plan",
            Self::Other => "other",
        }
    }
}

/// One thing the agent did: its kind and its fine name (a tool or program, such as `sed`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What sort of thing it does.
    pub kind: ActionKind,
    /// The fine name.
    pub name: String,
}

/// A trajectory's actions in order, as codes into a table of the distinct actions by first appearance.
///
/// The table belongs to the record, so that a record's bytes do not depend on which trial finished first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawActionLog", deny_unknown_fields)]
pub struct ActionLog {
    table: Vec<Action>,
    codes: Vec<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawActionLog {
    table: Vec<Action>,
    codes: Vec<u32>,
}

/// An action code that points outside its table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("action code {code} points outside a table of {size}")]
pub struct UnknownActionCode {
    code: u32,
    size: usize,
}

impl TryFrom<RawActionLog> for ActionLog {
    type Error = UnknownActionCode;
    fn try_from(raw: RawActionLog) -> Result<Self, UnknownActionCode> {
        let size = raw.table.len();
        match raw.codes.iter().find(|&&code| code as usize >= size) {
            Some(&code) => Err(UnknownActionCode { code, size }),
            None => Ok(Self { table: raw.table, codes: raw.codes }),
        }
    }
}

impl ActionLog {
    /// Returns the distinct actions by first appearance.
    pub fn table(&self) -> &[Action] {
        &self.table
    }

    /// Returns the actions in order, as indexes into [`Self::table`]; every code is below the table's length.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Returns the actions in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Action> {
        self.codes.iter().map(|&code| &self.table[code as usize])
    }

    /// Returns how many actions there are.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Returns whether there is no action.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

impl FromIterator<Action> for ActionLog {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        let mut log = Self::default();
        let mut known: HashMap<Action, u32> = HashMap::new();
        for action in actions {
            let next = log.table.len() as u32;
            let code = *known.entry(action.clone()).or_insert_with(|| {
                log.table.push(action);
                next
            });
            log.codes.push(code);
        }
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(kind: ActionKind, name: &str) -> Action {
        Action { kind, name: name.to_owned() }
    }

    #[test]
    fn actions_come_back_in_the_order_they_were_done() {
        let done = [
            action(ActionKind::Read, "cat"),
            action(ActionKind::Edit, "sed"),
            action(ActionKind::Read, "cat"),
        ];
        let log: ActionLog = done.iter().cloned().collect();
        assert_eq!(log.table().len(), 2);
        assert_eq!(log.iter().cloned().collect::<Vec<_>>(), done);
    }

    #[test]
    fn a_code_outside_the_table_is_refused_when_reading() {
        let bad = r#"{"table":[{"kind":"read","name":"cat"}],"codes":[0,1]}"#;
        let error = serde_json::from_str::<ActionLog>(bad).unwrap_err();
        assert!(error.to_string().contains("action code 1 points outside a table of 1"), "{error}");
    }
}
