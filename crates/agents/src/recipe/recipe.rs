//! A recipe: how a coding agent is installed, configured and launched. Data only; the runner carries it out.

use retrial_spec::{ContentDigest, Document, Severity, SpecError, digest_bytes, toml_schema};
use serde_json::Value;

use super::check;
use super::file::{KitSection, RecipeFile, RecipeKind};

/// The recipes that ship with the crate, by file.
const BUILTIN: [(&str, &str); 2] = [
    ("reference.toml", include_str!("../../recipes/reference.toml")),
    ("opencode.toml", include_str!("../../recipes/opencode.toml")),
];

/// A recipe without faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    file: RecipeFile,
}

impl Recipe {
    /// Reads a recipe; `file` is the name that errors show.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: syntax, unknown keys, wrong types, and then unknown placeholders, versions that are not
    /// exact, paths that leave their place, an instruction that would reach a shell.
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let (recipe, document) = Self::read(file, text)?;
        if recipe.kind() == RecipeKind::Reference {
            let hint = Some(
                "name `reference` as the recipe in the experiment, and set its options there".to_owned(),
            );
            return Err(document.error(vec![document.fault(
                "/kind",
                "only the built-in recipe is of this kind",
                hint,
            )]));
        }
        Ok(recipe)
    }

    fn read(file: &str, text: &str) -> Result<(Self, Document), SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&Self::schema(), |_| Some(Severity::Error));
        let (file, _) = document.read::<RecipeFile>(faults)?;
        let mut faults = check::faults(&file, &document);
        faults.sort_by_key(retrial_spec::Fault::line);
        if faults.is_empty() { Ok((Self { file }, document)) } else { Err(document.error(faults)) }
    }

    /// Returns the JSON Schema of recipe files.
    pub fn schema() -> Value {
        toml_schema::<RecipeFile>()
    }

    /// Returns every built-in recipe.
    ///
    /// # Panics
    /// Never: a test reads every built-in recipe.
    pub fn builtins() -> Vec<Self> {
        let read =
            |(file, text): &(&str, &str)| Self::read(file, text).expect("built-in recipes have no faults").0;
        BUILTIN.iter().map(read).collect()
    }

    /// Returns the built-in recipe of a name.
    pub fn builtin(name: &str) -> Option<Self> {
        Self::builtins().into_iter().find(|recipe| recipe.name() == name)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// Returns what carries it out.
    pub fn kind(&self) -> RecipeKind {
        self.file.kind
    }

    /// Returns everything its file states.
    pub fn file(&self) -> &RecipeFile {
        &self.file
    }

    /// Returns what is installed for it; none where it needs no kit.
    pub fn kit_section(&self) -> Option<&KitSection> {
        self.file.kit.as_ref()
    }

    /// Returns the digest of what the recipe says; comments and layout of its file do not matter.
    ///
    /// # Panics
    /// Never: a recipe is plain data, which can always be written as JSON.
    pub fn digest(&self) -> ContentDigest {
        digest_bytes(&serde_json::to_vec(&self.file).expect("a recipe is plain data"))
    }
}
