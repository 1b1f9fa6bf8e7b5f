//! Whom a phase runs as.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The user of a phase: root, a numeric user id (written as a number or as text), or a name of the image's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseUser {
    /// User id 0.
    Root,
    /// Another user id, used as group id too.
    Id(u32),
    /// A name, looked up inside the image.
    Name(String),
}

impl PhaseUser {
    /// Reads a user's id or name; nothing for a text that can be neither.
    fn read(text: &str) -> Option<Self> {
        let is_name = |text: &str| {
            !text.is_empty()
                && text.len() <= 64
                && !text.starts_with('-')
                && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':' && byte != b'/')
        };
        match text.parse() {
            Ok(0) => Some(Self::Root),
            Ok(id) => Some(Self::Id(id)),
            Err(_) if text == "root" => Some(Self::Root),
            // A number that is no user id is not a name either.
            Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => None,
            Err(_) => is_name(text).then(|| Self::Name(text.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for PhaseUser {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = PhaseUser;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`root`, a numeric user id, or a user's name")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PhaseUser, E> {
                let invalid = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                PhaseUser::read(text).ok_or_else(invalid)
            }
            fn visit_i64<E: serde::de::Error>(self, id: i64) -> Result<PhaseUser, E> {
                match u32::try_from(id) {
                    Ok(0) => Ok(PhaseUser::Root),
                    Ok(id) => Ok(PhaseUser::Id(id)),
                    Err(_) => Err(E::invalid_value(serde::de::Unexpected::Signed(id), &self)),
                }
            }
            fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<PhaseUser, E> {
                self.visit_i64(i64::try_from(id).unwrap_or(-1))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for PhaseUser {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PhaseUser".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let description = "`root`, a numeric user id, or the name of a user of the image";
        schemars::json_schema!({ "type": ["string", "integer"], "description": description })
    }
}
