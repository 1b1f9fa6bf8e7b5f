//! Files that are generated from the code and checked in: JSON Schemas.

use crate::steps::root;

/// Writes every generated file, or checks that each is up to date.
pub(crate) fn generate(check: bool) -> Result<(), String> {
    let directory = root().join("docs/schemas");
    fs_err::create_dir_all(&directory).map_err(|error| error.to_string())?;
    let mut files: Vec<(&str, serde_json::Value)> =
        retrial_spec::schemas().into_iter().map(|file| (file.name, file.schema)).collect();
    let scorecard = retrial_metrics::schema();
    files.push((scorecard.name, scorecard.schema));
    files.push(("recipe.schema.json", retrial_agents::Recipe::schema()));
    for (name, schema) in files {
        let path = directory.join(name);
        let mut text = serde_json::to_string_pretty(&schema).map_err(|error| error.to_string())?;
        text.push('\n');
        let there = fs_err::read_to_string(&path).unwrap_or_default();
        if there == text {
            continue;
        }
        if check {
            return Err(format!("docs/schemas/{name} is out of date; run `cargo xtask generate`"));
        }
        fs_err::write(&path, text).map_err(|error| error.to_string())?;
        println!("wrote docs/schemas/{name}");
    }
    Ok(())
}
