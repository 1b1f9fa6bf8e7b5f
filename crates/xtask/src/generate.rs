//! Files that are generated from the code and checked in: JSON Schemas, and the tables of reference pages.

use crate::steps::root;

/// Writes every generated file, or checks that each is up to date.
pub(crate) fn generate(check: bool) -> Result<(), String> {
    let directory = root().join("docs/schemas");
    fs_err::create_dir_all(&directory).map_err(|error| error.to_string())?;
    let mut files: Vec<(&str, serde_json::Value)> =
        retrial_spec::schemas().into_iter().map(|file| (file.name, file.schema)).collect();
    for file in [
        retrial_metrics::schema(),
        retrial_metrics::report_schema(),
        retrial_metrics::decide::field::comparisons_schema(),
        retrial_metrics::decide::policy::schema(),
        retrial_metrics::decide::policy::check_schema(),
        retrial_report::schema(),
        retrial_report::verification_schema(),
    ] {
        files.push((file.name, file.schema));
    }
    files.push(("recipe.schema.json", retrial_agents::Recipe::schema()));
    files.push(("actions.schema.json", retrial_agents::ActionTable::schema()));
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
    page("docs/actions.md", &retrial_agents::ActionTable::builtin().reference(), check)
}

/// Lines between which a page's generated part stands.
const MARKS: [&str; 2] = ["<!-- generated: begin -->\n", "<!-- generated: end -->\n"];

/// Writes the generated part of a page, or checks that it is up to date.
pub(crate) fn page(name: &str, part: &str, check: bool) -> Result<(), String> {
    let path = root().join(name);
    let there = fs_err::read_to_string(&path).map_err(|error| error.to_string())?;
    let lacks = || format!("{name} lacks the lines between which its generated part stands");
    let (before, rest) = there.split_once(MARKS[0]).ok_or_else(lacks)?;
    let (_, after) = rest.split_once(MARKS[1]).ok_or_else(lacks)?;
    let text = format!("{before}{}{part}{}{after}", MARKS[0], MARKS[1]);
    if there == text {
        return Ok(());
    }
    if check {
        return Err(format!("{name} is out of date; run `cargo xtask generate`"));
    }
    fs_err::write(&path, text).map_err(|error| error.to_string())?;
    println!("wrote {name}");
    Ok(())
}
