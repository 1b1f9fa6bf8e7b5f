//! From a recipe to the command of one trial: placeholders filled in, nothing executed.

use std::collections::BTreeMap;

use super::file::{Escape, RecipeKind};
use super::options::{OptionError, count};
use super::template::{Placeholder, Template};
use super::{KIT_MOUNT, Recipe};

/// Bytes that Linux takes in one argument or variable, with its closing NUL.
const ARGUMENT_BYTES: usize = 128 * 1024;

/// What a launch depends on: the values of the placeholders.
#[derive(Debug, Clone, Copy)]
pub struct LaunchContext<'a> {
    /// Where the model answers inside the sandbox, without a path and without a slash at the end.
    pub server_url: &'a str,
    /// The trial's token.
    pub token: &'a str,
    /// The model's name on the wire.
    pub model: &'a str,
    /// The task's instruction.
    pub instruction: &'a str,
    /// The agent's home directory inside the sandbox.
    pub home: &'a str,
    /// The workspace inside the sandbox.
    pub workspace: &'a str,
    /// The settings that the experiment gives.
    pub options: &'a BTreeMap<String, String>,
}

/// The command of one trial. Its standard input is to be `/dev/null`: some agents wait for ever on one that stays open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables over the sandbox's own; `HOME` is among them.
    pub env: BTreeMap<String, String>,
    /// Files to write before the start, in order.
    pub files: Vec<LaunchFile>,
    /// The absolute directory to start in.
    pub cwd: String,
}

/// A file to write before an agent starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchFile {
    /// Its absolute path inside the sandbox; directories above it may not exist yet.
    pub path: String,
    /// Its text.
    pub content: String,
}

/// Why a recipe gives no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// The recipe is carried out by the built-in loop.
    #[error("the recipe `{recipe}` launches no program")]
    NotAProgram {
        /// The recipe.
        recipe: String,
    },
    /// The recipe is not the built-in loop.
    #[error("the recipe `{recipe}` has no count named `{option}`")]
    NoCount {
        /// The recipe.
        recipe: String,
        /// The option that was asked for.
        option: &'static str,
    },
    /// A setting does not fit.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Linux takes no argument or variable of this length.
    #[error("{what} of the recipe `{recipe}` has {bytes} bytes, and Linux takes less than {ARGUMENT_BYTES}")]
    TooLong {
        /// The recipe.
        recipe: String,
        /// Which argument or variable.
        what: String,
        /// Its length.
        bytes: usize,
    },
    /// No argument or variable can hold a NUL.
    #[error("{what} of the recipe `{recipe}` holds a NUL byte")]
    Nul {
        /// The recipe.
        recipe: String,
        /// Which argument or variable.
        what: String,
    },
}

impl Recipe {
    /// Returns the command for a trial.
    ///
    /// # Errors
    /// [`RecipeError::NotAProgram`] for the built-in agent, [`RecipeError::Option`] where a setting does not fit,
    /// [`RecipeError::TooLong`] and [`RecipeError::Nul`] where the values cannot be passed to a program.
    pub fn launch(&self, context: &LaunchContext<'_>) -> Result<Launch, RecipeError> {
        self.check_options(context.options)?;
        let Some(launch) = &self.file().launch else {
            return Err(RecipeError::NotAProgram { recipe: self.name().to_owned() });
        };
        let plain = |text: &String| self.fill(text, context, Escape::None);
        let mut env: BTreeMap<String, String> =
            launch.env.iter().map(|(name, text)| (name.clone(), plain(text))).collect();
        env.entry("HOME".to_owned()).or_insert_with(|| context.home.to_owned());
        let files = launch.files.iter().map(|file| {
            let path = plain(&file.path);
            let path = if path.starts_with('/') { path } else { format!("{}/{path}", context.home) };
            LaunchFile { path, content: self.fill(&file.content, context, file.escape) }
        });
        let launch = Launch {
            argv: launch.argv.iter().map(plain).collect(),
            env,
            files: files.collect(),
            cwd: plain(&launch.cwd),
        };
        self.check_lengths(&launch)?;
        Ok(launch)
    }

    /// Returns the command that prints the installed version inside a sandbox; none where the recipe names none.
    pub fn version_argv(&self) -> Option<Vec<String>> {
        let options = BTreeMap::new();
        let context = LaunchContext {
            server_url: "",
            token: "",
            model: "",
            instruction: "",
            home: "/",
            workspace: "/",
            options: &options,
        };
        let argv = &self.file().version_argv;
        let filled = argv.iter().map(|text| self.fill(text, &context, Escape::None));
        (!argv.is_empty()).then(|| filled.collect())
    }

    /// Returns the turns after which the built-in agent stops, at least 1.
    ///
    /// # Errors
    /// [`RecipeError::NoCount`] for any other recipe, [`RecipeError::Option`] where a setting does not fit.
    pub fn max_turns(&self, options: &BTreeMap<String, String>) -> Result<u32, RecipeError> {
        self.count("max_turns", options)
    }

    /// Returns how often the built-in agent tries a model call that fails before it gives up, at least 1.
    ///
    /// # Errors
    /// As of [`Recipe::max_turns`].
    pub fn tries(&self, options: &BTreeMap<String, String>) -> Result<u32, RecipeError> {
        self.count("tries", options)
    }

    fn count(&self, option: &'static str, options: &BTreeMap<String, String>) -> Result<u32, RecipeError> {
        self.check_options(options)?;
        let value = self.option(option, options).and_then(count);
        let value = value.filter(|_| self.kind() == RecipeKind::Reference);
        value.ok_or_else(|| RecipeError::NoCount { recipe: self.name().to_owned(), option })
    }

    fn fill(&self, text: &str, context: &LaunchContext<'_>, escape: Escape) -> String {
        let template = Template::parse(text).expect("placeholders were checked when the recipe was read");
        template.fill(|placeholder| {
            let base_url;
            let value = match placeholder {
                Placeholder::BaseUrl => {
                    base_url = format!("{}/v1", context.server_url);
                    &base_url
                }
                Placeholder::ServerUrl => context.server_url,
                Placeholder::Token => context.token,
                Placeholder::Model => context.model,
                Placeholder::Instruction => context.instruction,
                Placeholder::Home => context.home,
                Placeholder::Workspace => context.workspace,
                Placeholder::Kit => KIT_MOUNT,
                Placeholder::Option(name) => self.option(name, context.options).unwrap_or_default(),
                Placeholder::Protocol(name) => self.protocol_word(name, context.options).unwrap_or_default(),
            };
            match escape {
                Escape::None => value.to_owned(),
                Escape::Json => json_inside(value),
            }
        })
    }

    fn check_lengths(&self, launch: &Launch) -> Result<(), RecipeError> {
        let arguments =
            launch.argv.iter().enumerate().map(|(at, text)| (format!("argument {at}"), text.clone()));
        let variables =
            launch.env.iter().map(|(name, value)| (format!("variable `{name}`"), format!("{name}={value}")));
        for (what, text) in arguments.chain(variables) {
            let recipe = self.name().to_owned();
            if text.contains('\0') {
                return Err(RecipeError::Nul { recipe, what });
            }
            if text.len() >= ARGUMENT_BYTES {
                return Err(RecipeError::TooLong { recipe, what, bytes: text.len() });
            }
        }
        Ok(())
    }
}

/// Returns the text as it stands between the quotes of a JSON string.
fn json_inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
