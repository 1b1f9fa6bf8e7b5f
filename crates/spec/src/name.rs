//! Names and ids: newtypes whose constructors guarantee that a name can stand in a path, a label and a table cell.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pattern every name matches; also in the JSON Schemas.
const PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/// Separates the parts of a [`TrialId`]; no name contains it.
const SEPARATOR: char = '~';

/// A text that is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {rule}")]
pub struct InvalidName {
    what: &'static str,
    text: String,
    rule: &'static str,
}

fn check(what: &'static str, text: &str) -> Result<(), InvalidName> {
    let mut bytes = text.bytes();
    let first_ok = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest_ok = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if first_ok && rest_ok && text.len() <= 64 {
        return Ok(());
    }
    let rule = "1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit";
    Err(InvalidName { what, text: text.to_owned(), rule })
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = PATTERN))]
        pub struct $type(String);

        impl $type {
            /// Returns the name after checking it.
            ///
            /// # Errors
            /// [`InvalidName`] unless it is 1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                check($what, &text)?;
                Ok(Self(text))
            }

            /// Returns the name's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    };
}

name!(
    /// The name of a task: its directory's name.
    TaskName, "task name"
);
name!(
    /// The name of an agent, as the experiment gives it.
    AgentName, "agent name"
);
name!(
    /// The name of a condition; `baseline` always exists.
    ConditionName, "condition name"
);
name!(
    /// The name of a model endpoint, as the experiment gives it.
    ModelName, "model name"
);
name!(
    /// Identifies one run; by default made of its start time and seed.
    RunId, "run id"
);

impl ConditionName {
    /// The condition in which nothing is perturbed.
    pub fn baseline() -> Self {
        Self("baseline".to_owned())
    }
}

/// Identifies one cell of the grid: task, agent, condition and trial number from 1.
///
/// Written `task~agent~condition~number`. The derived order is by task, agent, condition and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrialId {
    /// The task that is tried.
    pub task: TaskName,
    /// The agent that tries it.
    pub agent: AgentName,
    /// The condition it is tried under.
    pub condition: ConditionName,
    /// The trial's number within its cell, from 1.
    pub number: u32,
}

impl fmt::Display for TrialId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}~{}~{}~{}", self.task, self.agent, self.condition, self.number)
    }
}

impl From<TrialId> for String {
    fn from(id: TrialId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for TrialId {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl FromStr for TrialId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName {
            what: "trial id",
            text: text.to_owned(),
            rule: "expected `task~agent~condition~number` with a number from 1",
        };
        let parts: Vec<&str> = text.split(SEPARATOR).collect();
        let [task, agent, condition, number] = parts.as_slice() else { return Err(invalid()) };
        let number: u32 = number.parse().map_err(|_| invalid())?;
        if number == 0 {
            return Err(invalid());
        }
        Ok(Self {
            task: TaskName::new(*task)?,
            agent: AgentName::new(*agent)?,
            condition: ConditionName::new(*condition)?,
            number,
        })
    }
}

impl JsonSchema for TrialId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TrialId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "task~agent~condition~number",
            "pattern": "^[^~]+~[^~]+~[^~]+~[1-9][0-9]*$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_id_survives_being_written_and_read() {
        let text = "fix-bug~steady~baseline~12";
        let id: TrialId = text.parse().unwrap();
        assert_eq!(id.number, 12);
        assert_eq!(id.to_string(), text);
    }

    #[test]
    fn names_that_could_escape_a_directory_are_refused() {
        for bad in ["", ".", "..", "../x", "a/b", "a b", "a~b", "-a", ".hidden", "a\n", &"x".repeat(65)] {
            assert!(TaskName::new(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn trial_numbers_start_at_one() {
        assert!("a~b~c~0".parse::<TrialId>().is_err());
        assert!("a~b~c".parse::<TrialId>().is_err());
    }
}
