//! Which condition a run of HAL was measured under.

use std::path::Path;

use serde_json::Value;

/// A condition, and whether only the name of the run's directory tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) condition: Option<&'static str>,
    pub(super) only_by_name: bool,
}

/// Returns the condition of a run: what its configuration says, otherwise whole words of its directory's name.
pub(super) fn of_run(config: &Value, metadata: &Value, file: &Path) -> Told {
    let is_on = |value: &Value| value.as_bool() == Some(true) || value.as_str() == Some("true");
    let has =
        |argument: &str| [config, metadata].into_iter().any(|whole| is_on(&whole["agent_args"][argument]));
    let stated = if has("enable_fault_injection") {
        Some("fault")
    } else if has("enable_structural_perturbations") {
        Some("structural")
    } else if is_on(&config["prompt_sensitivity"]) || is_on(&metadata["prompt_sensitivity"]) {
        Some("prompt")
    } else {
        None
    };
    if stated.is_some() {
        return Told { condition: stated, only_by_name: false };
    }
    let directory = file.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().to_lowercase());
    let directory = directory.unwrap_or_default();
    let words: Vec<&str> = directory.split(|letter: char| !letter.is_alphanumeric()).collect();
    let says = |known: &[&str]| words.iter().any(|word| known.contains(word));
    // Whole words alone: `default_agent` has no fault.
    let condition = if says(&["fault", "faults"]) {
        Some("fault")
    } else if says(&["struct", "structural", "perturbed"]) {
        Some("structural")
    } else if says(&["prompt"]) && says(&["sensitivity", "mild", "medium", "strong", "naturalistic"]) {
        Some("prompt")
    } else {
        None
    };
    Told { condition, only_by_name: condition.is_some() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(config: &Value, directory: &str) -> Told {
        of_run(config, &Value::Null, &Path::new("results").join(directory).join("r_UPLOAD.json"))
    }

    #[test]
    fn the_configuration_comes_before_the_name_and_parts_of_words_say_nothing() {
        let by_name = |condition| Told { condition: Some(condition), only_by_name: true };
        let nothing = Told { condition: None, only_by_name: false };
        assert_eq!(told(&Value::Null, "taubench_default_agent_1"), nothing);
        assert_eq!(told(&Value::Null, "infrastructure_bot"), nothing);
        assert_eq!(told(&Value::Null, "prompt_agent"), nothing);
        assert_eq!(told(&Value::Null, "agent_fault_20pct"), by_name("fault"));
        assert_eq!(told(&Value::Null, "agent_perturbed_medium"), by_name("structural"));
        assert_eq!(told(&Value::Null, "agent_prompt_mild"), by_name("prompt"));
        let config = json!({ "agent_args": { "enable_structural_perturbations": "true" } });
        let stated = Told { condition: Some("structural"), only_by_name: false };
        assert_eq!(told(&config, "agent_fault"), stated);
        let off = json!({ "agent_args": { "enable_fault_injection": "false" }, "prompt_sensitivity": true });
        assert_eq!(told(&off, "agent").condition, Some("prompt"));
    }
}
