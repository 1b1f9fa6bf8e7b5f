//! A service whose agent is measured.

use std::path::PathBuf;
use std::process::Command;

use crate::github::{Done, Job, clone};
use crate::support::Place;

/// A service that `retrial init` has been run for, beside a clone of the action.
pub(crate) struct Service {
    pub(crate) place: Place,
    pub(crate) checkout: PathBuf,
    pub(crate) root: PathBuf,
}

impl Service {
    /// Makes one whose gate reports.
    pub(crate) fn new() -> Self {
        let place = Place::new();
        let root = place.join("service");
        let git = Command::new("git").args(["init", "--quiet"]).arg(&root).status().expect("git starts");
        assert!(git.success());
        place.run(&["init", "service", "--ci", "github"]).expect(0);
        let checkout = clone(&place, "action");
        Self { place, checkout, root }
    }

    /// Has the experiment measure another model, so often, with this seed.
    pub(crate) fn measure(&self, model: &str, trials: u32, seed: u64) {
        let path = self.root.join("retrial/experiment.toml");
        let text = fs_err::read_to_string(&path).expect("an experiment");
        let lines = text.lines().map(|line| match line.split_once(" = ") {
            Some(("trials", _)) => format!("trials = {trials}\n"),
            Some(("seed", _)) => format!("seed = {seed}\n"),
            Some(("model", _)) => format!("model = \"{model}\"\n"),
            _ => format!("{line}\n"),
        });
        fs_err::write(&path, lines.collect::<String>()).expect("an experiment");
    }

    /// A job with the command under test.
    pub(crate) fn job(&self, inputs: &[(&'static str, &str)], env: &[(&'static str, String)]) -> Done {
        self.job_that_gets_the_command(&[inputs, &[("retrial", "path")]].concat(), env)
    }

    /// A job whose command is not said to be on the path.
    pub(crate) fn job_that_gets_the_command(
        &self,
        inputs: &[(&'static str, &str)],
        env: &[(&'static str, String)],
    ) -> Done {
        let inputs = inputs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let env = env.to_vec();
        Job { place: &self.place, checkout: &self.checkout, workspace: &self.root, inputs, env }.run()
    }

    /// The text of a file of the service.
    pub(crate) fn text(&self, path: &str) -> String {
        fs_err::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A variable with the path of an event in which a pull request comes from this repository.
    pub(crate) fn event(&self, head: &str) -> Vec<(&'static str, String)> {
        let event = serde_json::json!({
            "pull_request": {"number": 7, "head": {"repo": {"full_name": head}}, "title": "$(touch pwned) `touch pwned`"},
        });
        let path = self.place.write("event.json", &event.to_string());
        let path = path.display().to_string();
        vec![("GITHUB_EVENT_NAME", "pull_request".to_owned()), ("GITHUB_EVENT_PATH", path)]
    }

    /// Has the experiment need a key that nobody has.
    pub(crate) fn needs_a_key(&self) {
        let path = self.root.join("retrial/experiment.toml");
        let text = fs_err::read_to_string(&path).expect("an experiment");
        let text = text.replace("model = \"simulated/steady\"", "model = \"real\"")
            + "\n[[models]]\nname = \"real\"\nbase_url = \"https://model.invalid/v1\"\nmodel = \"m\"\nkey_env = \"NO_SUCH_KEY\"\n";
        fs_err::write(&path, text).expect("an experiment");
    }
}
