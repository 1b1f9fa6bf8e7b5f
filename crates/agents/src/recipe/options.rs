//! Options: which values a recipe's settings take, and the values that an experiment gives.

use std::collections::BTreeMap;

use retrial_spec::did_you_mean;

use super::Recipe;
use super::file::{OptionKind, OptionSection, RecipeFile, RecipeProtocol};

/// A setting that does not fit the recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// The recipe has no such option.
    #[error("the recipe `{recipe}` has no option `{option}`")]
    Unknown {
        /// The recipe.
        recipe: String,
        /// The option that was set.
        option: String,
        /// The options there are.
        known: Vec<String>,
    },
    /// The option does not take the value.
    #[error("`{value}` is not a value of the option `{option}`")]
    Value {
        /// The option that was set.
        option: String,
        /// The value given.
        value: String,
        /// The values it takes, in words.
        domain: String,
    },
}

impl OptionError {
    /// Returns the option's name.
    pub fn option(&self) -> &str {
        match self {
            Self::Unknown { option, .. } | Self::Value { option, .. } => option,
        }
    }

    /// Returns advice.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { known, .. } if known.is_empty() => "this recipe has no options".to_owned(),
            Self::Unknown { option, known, .. } => {
                match did_you_mean(option, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", known.join(", ")),
                }
            }
            Self::Value { domain, .. } => format!("it takes {domain}"),
        }
    }
}

impl OptionSection {
    /// Returns whether the option takes the value.
    pub fn accepts(&self, value: &str) -> bool {
        let of_kind = match self.kind {
            OptionKind::Text => true,
            OptionKind::Count => count(value).is_some(),
        };
        of_kind && (self.choices.is_empty() || self.choices.iter().any(|choice| choice == value))
    }

    /// Returns the values it takes, in words.
    pub fn domain(&self) -> String {
        match self.kind {
            _ if !self.choices.is_empty() => format!("one of: {}", self.choices.join(", ")),
            OptionKind::Text => "any text".to_owned(),
            OptionKind::Count => "a whole number from 1 to 4294967295".to_owned(),
        }
    }
}

/// Reads a count as it has to be written: digits only.
pub(crate) fn count(value: &str) -> Option<u32> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|&number| digits && number >= 1)
}

/// The option that every recipe with several protocols has.
pub(crate) const PROTOCOL: &str = "protocol";

/// Returns the option that chooses between the recipe's protocols; none where there is no choice.
pub(crate) fn protocol_option(file: &RecipeFile) -> Option<OptionSection> {
    let [first, _, ..] = file.protocols[..] else { return None };
    Some(OptionSection {
        description: "The protocol in which it speaks to its model".to_owned(),
        default: first.as_str().to_owned(),
        kind: OptionKind::Text,
        choices: file.protocols.iter().map(|protocol| protocol.as_str().to_owned()).collect(),
    })
}

impl Recipe {
    /// Returns the protocol in which the agent speaks to its model with these settings.
    pub fn protocol(&self, given: &BTreeMap<String, String>) -> RecipeProtocol {
        let protocols = &self.file().protocols;
        let chosen = self.option(PROTOCOL, given);
        let chosen = protocols.iter().find(|protocol| chosen == Some(protocol.as_str()));
        // The schema sees to it that there is one.
        chosen.or(protocols.first()).copied().unwrap_or(RecipeProtocol::OpenaiChat)
    }

    /// Returns what a `{protocol.NAME}` stands for with these settings.
    pub(crate) fn protocol_word<'a>(
        &'a self,
        name: &str,
        given: &BTreeMap<String, String>,
    ) -> Option<&'a str> {
        self.file().protocol_words.get(&self.protocol(given))?.get(name).map(String::as_str)
    }

    /// Checks the settings an experiment gives.
    ///
    /// # Errors
    /// [`OptionError`] for the first, by name, that does not fit.
    pub fn check_options(&self, given: &BTreeMap<String, String>) -> Result<(), OptionError> {
        for (name, value) in given {
            let Some(option) = self.file().options.get(name) else {
                let known = self.file().options.keys().cloned().collect();
                return Err(OptionError::Unknown {
                    recipe: self.name().to_owned(),
                    option: name.clone(),
                    known,
                });
            };
            if !option.accepts(value) {
                let (option, value, domain) = (name.clone(), value.clone(), option.domain());
                return Err(OptionError::Value { option, value, domain });
            }
        }
        Ok(())
    }

    /// Returns the value of an option: what the experiment gives, or the default; `None` where the recipe has no such option.
    pub fn option<'a>(&'a self, name: &str, given: &'a BTreeMap<String, String>) -> Option<&'a str> {
        let option = self.file().options.get(name)?;
        Some(given.get(name).unwrap_or(&option.default))
    }
}
