//! A recipe: how a coding agent is installed, configured and launched. Data only; the runner carries it out.

use retrial_spec::{ContentDigest, Document, Severity, SpecError, digest_bytes, toml_schema};
use serde_json::Value;

use super::file::{KitSection, RecipeFile, RecipeKind};
use super::lock::{self, Beside};
use super::{check, options};

/// A recipe that ships with the crate: its file's name and text, and that of its lock.
struct Builtin {
    file: &'static str,
    text: &'static str,
    lock: Option<&'static str>,
}

macro_rules! builtin {
    ($name:literal) => {
        Builtin {
            file: concat!($name, ".toml"),
            text: include_str!(concat!("../../recipes/", $name, ".toml")),
            lock: None,
        }
    };
    ($name:literal with lock) => {
        Builtin { lock: Some(include_str!(concat!("../../recipes/", $name, ".lock"))), ..builtin!($name) }
    };
}

/// The recipes that ship with the crate.
const BUILTIN: [Builtin; 7] = [
    builtin!("reference"),
    builtin!("codex"),
    builtin!("opencode"),
    builtin!("qwen-code"),
    builtin!("claude-code"),
    builtin!("mini-swe-agent" with lock),
    builtin!("aider" with lock),
];

/// A recipe without faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    file: RecipeFile,
    /// The text of the lock that its kit names.
    lock: Option<String>,
}

impl Recipe {
    /// Reads a recipe that names no lock; `file` is the name that errors show.
    ///
    /// # Errors
    /// As [`parse_with`](Self::parse_with).
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        Self::parse_with(file, text, &|_| Err(std::io::ErrorKind::NotFound.into()))
    }

    /// Reads a recipe; `file` is the name that errors show, and `beside` reads a file that lies beside it, by its name.
    ///
    /// # Errors
    /// [`SpecError`] with all faults: syntax, unknown keys, wrong types, and then unknown placeholders, versions that are not
    /// exact, paths that leave their place, an instruction that would reach a shell, a lock that does not pin everything.
    pub fn parse_with(file: &str, text: &str, beside: Beside<'_>) -> Result<Self, SpecError> {
        let (recipe, document) = Self::read(file, text, beside)?;
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

    fn read(file: &str, text: &str, beside: Beside<'_>) -> Result<(Self, Document), SpecError> {
        let document = Document::parse(file, text)?;
        let faults = document.check(&Self::schema(), |_| Some(Severity::Error));
        let (mut file, _) = document.read::<RecipeFile>(faults)?;
        let mut faults = check::faults(&file, &document);
        let lock = lock::read(&file, &document, beside).unwrap_or_else(|mut found| {
            faults.append(&mut found);
            None
        });
        faults.sort_by_key(retrial_spec::Fault::line);
        if !faults.is_empty() {
            return Err(document.error(faults));
        }
        if let Some(option) = options::protocol_option(&file) {
            file.options.insert(options::PROTOCOL.to_owned(), option);
        }
        Ok((Self { file, lock }, document))
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
        let read = |builtin: &Builtin| {
            let lock = |_: &str| builtin.lock.map(str::to_owned).ok_or(std::io::ErrorKind::NotFound.into());
            Self::read(builtin.file, builtin.text, &lock).expect("built-in recipes have no faults").0
        };
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

    /// Returns the text of the list of everything that `pip` installs; none for a recipe without.
    pub fn lock(&self) -> Option<&str> {
        self.lock.as_deref()
    }

    /// Returns the digest of what the recipe says, and of its lock; comments and layout of its file do not matter.
    ///
    /// # Panics
    /// Never: a recipe is plain data, which can always be written as JSON.
    pub fn digest(&self) -> ContentDigest {
        digest_bytes(&serde_json::to_vec(&(&self.file, &self.lock)).expect("a recipe is plain data"))
    }
}
