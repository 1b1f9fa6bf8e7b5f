//! Texts with placeholders such as `{model}`: read once, filled in for every trial.
//!
//! `{name}`, `{option.name}` and `{protocol.name}` are placeholders where the name is made of small letters, digits and `_`; any other brace is
//! itself, so that JSON needs no escaping, and `{{name}}` is the literal text `{name}`.

use std::fmt;

/// A value that a recipe may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Placeholder {
    BaseUrl,
    ServerUrl,
    Token,
    Model,
    Instruction,
    Home,
    Workspace,
    Kit,
    Option(String),
    Protocol(String),
}

impl Placeholder {
    /// The names of all placeholders but those of options and protocols.
    pub(crate) const NAMES: [&'static str; 8] =
        ["base_url", "server_url", "token", "model", "instruction", "home", "workspace", "kit"];

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "base_url" => Self::BaseUrl,
            "server_url" => Self::ServerUrl,
            "token" => Self::Token,
            "model" => Self::Model,
            "instruction" => Self::Instruction,
            "home" => Self::Home,
            "workspace" => Self::Workspace,
            "kit" => Self::Kit,
            _ => match name.split_once('.')? {
                ("option", option) => Self::Option(option.to_owned()),
                ("protocol", value) => Self::Protocol(value.to_owned()),
                _ => return None,
            },
        })
    }
}

/// A name in braces that is no placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownPlaceholder(pub(crate) String);

impl fmt::Display for UnknownPlaceholder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unknown placeholder `{{{}}}`", self.0)
    }
}

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

impl Template {
    /// Reads a text; the error names every unknown placeholder in order.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<UnknownPlaceholder>> {
        let mut parts = Vec::new();
        let mut unknown = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            literal.push_str(before);
            if let Some(name) = from.strip_prefix("{{").and_then(name_before_brace)
                && from[2 + name.len()..].starts_with("}}")
            {
                literal.push_str(&from[1..=name.len() + 2]);
                rest = &from[name.len() + 4..];
            } else if let Some(name) = name_before_brace(&from[1..]) {
                match Placeholder::named(name) {
                    Some(placeholder) => {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                        parts.push(Part::Value(placeholder));
                    }
                    None => unknown.push(UnknownPlaceholder(name.to_owned())),
                }
                rest = &from[name.len() + 2..];
            } else {
                literal.push('{');
                rest = &from[1..];
            }
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        if unknown.is_empty() { Ok(Self(parts)) } else { Err(unknown) }
    }

    /// Returns the placeholders in order.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(placeholder) => Some(placeholder),
        })
    }

    /// Returns the text with every placeholder replaced by what `value` gives for it.
    pub(crate) fn fill(&self, value: impl Fn(&Placeholder) -> String) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Value(placeholder) => value(placeholder),
            })
            .collect()
    }
}

/// Returns the name at the start of the text, if a brace closes it.
fn name_before_brace(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.'))?;
    let name = &text[..end];
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    (starts_well && text[end..].starts_with('}')).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> String {
        Template::parse(text).unwrap().fill(|placeholder| format!("<{placeholder:?}>"))
    }

    #[test]
    fn placeholders_are_replaced_and_other_braces_stay() {
        assert_eq!(filled("{kit}/bin/x"), "<Kit>/bin/x");
        assert_eq!(filled(r#"{"a":{"b":{}}} {env:KEY} { model }"#), r#"{"a":{"b":{}}} {env:KEY} { model }"#);
        assert_eq!(filled(r#"{"limit":{option.size}}"#), r#"{"limit":<Option("size")>}"#);
    }

    #[test]
    fn doubled_braces_stand_for_themselves() {
        assert_eq!(filled("{{model}} {model}"), "{model} <Model>");
        assert_eq!(filled("{{model}"), "{<Model>");
    }

    #[test]
    fn every_unknown_placeholder_is_named() {
        let unknown = Template::parse("{modle} {token} {nothing}").unwrap_err();
        assert_eq!(unknown.iter().map(|u| u.0.as_str()).collect::<Vec<_>>(), ["modle", "nothing"]);
    }

    proptest! {
        #[test]
        fn a_text_without_names_in_braces_is_unchanged(text in "[{}\\[\\]A-Z \"é:,]*") {
            prop_assert_eq!(Template::parse(&text).unwrap().fill(|_| unreachable!()), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[{}a-c._é]*") {
            let _ = Template::parse(&text);
        }
    }
}
