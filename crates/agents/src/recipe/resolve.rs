//! From an experiment's agent to its recipe: a built-in name or a file, with the settings checked.

use std::path::{Path, PathBuf};

use retrial_spec::{AgentSpec, SpecError, did_you_mean};

use super::Recipe;
use super::options::OptionError;

/// Why an experiment's agent has no recipe.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No built-in recipe has the name, and it is no path.
    #[error("no recipe is named `{name}`")]
    Unknown {
        /// The name given.
        name: String,
        /// The built-in recipes.
        known: Vec<String>,
    },
    /// The recipe's file cannot be read.
    #[error("cannot read the recipe `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The recipe's file has faults; all of them stand in the message.
    #[error("the recipe `{}` has faults: {}", path.display(), listed(faults))]
    Faults {
        /// The file.
        path: PathBuf,
        /// The faults with their places.
        faults: Box<SpecError>,
    },
    /// A setting does not fit the recipe.
    #[error(transparent)]
    Option(OptionError),
}

impl ResolveError {
    /// Returns where in the agent's table the fault lies, as the rest of a JSON pointer: `recipe` or `options/<name>`.
    pub fn key(&self) -> String {
        match self {
            Self::Option(error) => {
                format!("options/{}", error.option().replace('~', "~0").replace('/', "~1"))
            }
            _ => "recipe".to_owned(),
        }
    }

    /// Returns advice, where there is any.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { name, known } => {
                Some(match did_you_mean(name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        format!(
                            "there are: {}; a recipe file is named by its path, such as `./agent.toml`",
                            known.join(", ")
                        )
                    }
                })
            }
            Self::Read { .. } => Some("paths are relative to the experiment's file".to_owned()),
            Self::Faults { .. } => None,
            Self::Option(error) => Some(error.hint()),
        }
    }

    /// Returns the faults of the recipe's file with their places, where it has any.
    pub fn spec_error(&self) -> Option<&SpecError> {
        match self {
            Self::Faults { faults, .. } => Some(faults),
            _ => None,
        }
    }
}

fn listed(error: &SpecError) -> String {
    let faults = error.faults().iter().map(|fault| format!("line {}: {fault}", fault.line()));
    faults.collect::<Vec<_>>().join("; ")
}

/// Returns the recipe that an agent of an experiment names, its settings checked. `base` is the directory of the experiment's file.
///
/// A text with a `/` or an extension such as `.toml` is a path, any other a built-in recipe's name.
///
/// # Errors
/// [`ResolveError`].
pub fn resolve(spec: &AgentSpec, base: &Path) -> Result<Recipe, ResolveError> {
    let recipe = if spec.recipe.contains('/') || Path::new(&spec.recipe).extension().is_some() {
        let path = base.join(&spec.recipe);
        let text = fs_err::read_to_string(&path)
            .map_err(|source| ResolveError::Read { path: path.clone(), source })?;
        let beside = |name: &str| fs_err::read_to_string(path.with_file_name(name));
        Recipe::parse_with(&path.display().to_string(), &text, &beside)
            .map_err(|faults| ResolveError::Faults { path, faults: Box::new(faults) })?
    } else {
        Recipe::builtin(&spec.recipe).ok_or_else(|| ResolveError::Unknown {
            name: spec.recipe.clone(),
            known: Recipe::builtins().iter().map(|recipe| recipe.name().to_owned()).collect(),
        })?
    };
    recipe.check_options(&spec.options).map_err(ResolveError::Option)?;
    Ok(recipe)
}
