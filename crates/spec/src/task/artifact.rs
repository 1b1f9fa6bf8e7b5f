//! `artifacts`: what is kept of the agent's sandbox after its phase.

use std::fmt;

use ignore::gitignore::GitignoreBuilder;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize};

use super::phase::MAIN_SERVICE;

/// The list of what was kept stands under this name among the artifacts.
const MANIFEST: &str = "manifest.json";

/// What lies in `/logs/artifacts` is kept under this name though no task says so.
const CONVENTION: (&str, &str) = ("/logs/artifacts", "logs-artifacts");

/// One file or directory to keep: a path, or a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArtifactTable {
    /// Where it lies in the sandbox, absolute or relative to the working directory.
    pub source: String,
    /// Where it is kept, relative to the directory of the artifacts; the source's last part where absent.
    pub destination: Option<String>,
    /// Patterns of what is left out, relative to the source, in the manner of `.gitignore`.
    pub exclude: Vec<String>,
    /// The service it is taken from; only `main` is supported.
    pub service: Option<String>,
}

impl ArtifactTable {
    /// Returns where it is kept, relative to the directory of the artifacts.
    pub fn kept_as(&self) -> &str {
        let last = || self.source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        self.destination.as_deref().map_or_else(last, |destination| destination.trim_end_matches('/'))
    }

    /// Returns why the artifact cannot be kept, with the key at fault; nothing where it can.
    pub(super) fn fault(&self) -> Option<(&'static str, String)> {
        let climbs = |path: &str| path.split('/').any(|part| part == "..");
        let foreign = |path: &str| path.contains(['\0', '\\']);
        if let Some(service) = self.service.as_deref().filter(|service| *service != MAIN_SERVICE) {
            return Some((
                "service",
                format!("side-cars are not supported, so there is no service `{service}`"),
            ));
        }
        if self.source.is_empty() || climbs(&self.source) || foreign(&self.source) {
            return Some(("source", "must be a path without `..`".to_owned()));
        }
        if let Some(pattern) = self.exclude.iter().find(|pattern| !is_pattern(pattern)) {
            return Some(("exclude", format!("holds `{pattern}`, which is no pattern")));
        }
        let kept = self.kept_as();
        if kept.starts_with('/') || kept.is_empty() || kept == "." || climbs(kept) || foreign(kept) {
            return Some(("destination", "must be a relative path without `..`".to_owned()));
        }
        let first = kept.split('/').next().unwrap_or_default();
        let is_convention = self.source.trim_end_matches('/') == CONVENTION.0;
        if first == CONVENTION.1 && !is_convention {
            return Some(("destination", format!("lies in `{first}`, where `{}` is kept", CONVENTION.0)));
        }
        (first == MANIFEST)
            .then(|| ("destination", format!("is `{MANIFEST}`, which is the list of what was kept")))
    }

    /// Returns whether two artifacts would be kept in the same place, or one within the other.
    pub(super) fn collides_with(&self, other: &Self) -> bool {
        let (one, two) = (format!("{}/", self.kept_as()), format!("{}/", other.kept_as()));
        one.starts_with(&two) || two.starts_with(&one)
    }
}

fn is_pattern(pattern: &str) -> bool {
    GitignoreBuilder::new("").add_line(None, pattern).is_ok()
}

/// The form with keys.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Keys {
    source: String,
    #[serde(default)]
    destination: Option<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    service: Option<String>,
}

impl<'de> Deserialize<'de> for ArtifactTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = ArtifactTable;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path, or a table with `source`")
            }
            fn visit_str<E>(self, source: &str) -> Result<ArtifactTable, E> {
                let source = source.to_owned();
                Ok(ArtifactTable { source, destination: None, exclude: Vec::new(), service: None })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<ArtifactTable, A::Error> {
                let Keys { source, destination, exclude, service } =
                    Keys::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ArtifactTable { source, destination, exclude, service })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for ArtifactTable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ArtifactTable".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // A schema of keys says nothing of a text, so that both forms need no alternatives, whose faults would be hard to read.
        let mut schema = Keys::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["string", "object"]));
        let description = "A path in the sandbox, or a table with `source`, `destination` and `exclude`";
        schema.insert("description".to_owned(), description.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn artifact(source: &str, destination: Option<&str>) -> ArtifactTable {
        ArtifactTable {
            source: source.to_owned(),
            destination: destination.map(str::to_owned),
            exclude: Vec::new(),
            service: None,
        }
    }

    #[test]
    fn an_artifact_is_kept_below_its_directory_or_refused() {
        for (source, destination, expected) in [
            ("/app/out.txt", None, Ok("out.txt")),
            ("/app/out/", None, Ok("out")),
            ("out", Some("a/b/"), Ok("a/b")),
            ("/", None, Err("destination")),
            ("", None, Err("source")),
            ("/app/../etc", None, Err("source")),
            ("/app", Some("../x"), Err("destination")),
            ("/app", Some("/x"), Err("destination")),
            ("/app", Some("."), Err("destination")),
            ("/app", Some("manifest.json"), Err("destination")),
            ("/app/manifest.json", None, Err("destination")),
            ("/app", Some("logs-artifacts/x"), Err("destination")),
            ("/logs/artifacts/", Some("logs-artifacts"), Ok("logs-artifacts")),
        ] {
            let artifact = artifact(source, destination);
            let found = artifact.fault().map_or(Ok(artifact.kept_as()), |(key, _)| Err(key));
            assert_eq!(found, expected, "{source} {destination:?}");
        }
        assert!(artifact("/a/x", None).collides_with(&artifact("/b/x", None)));
        assert!(artifact("/a", Some("x")).collides_with(&artifact("/b", Some("x/y"))));
        assert!(!artifact("/a", Some("x")).collides_with(&artifact("/b", Some("xy"))));
    }

    proptest! {
        #[test]
        fn no_destination_that_is_accepted_leaves_its_directory(source in ".{0,20}", destination in "[./a]{0,8}") {
            let artifact = artifact(&source, Some(&destination));
            if artifact.fault().is_none() {
                let path = std::path::Path::new(artifact.kept_as());
                prop_assert!(path.is_relative());
                prop_assert!(!path.components().any(|part| part == std::path::Component::ParentDir));
            }
        }
    }
}
