//! `cargo xtask agents`: the tests of every third-party agent, whose results are written into `docs/agents.md`.

use crate::steps::{root, step_with};

const BEGIN: &str = "<!-- agents: begin -->\n";
const END: &str = "<!-- agents: end -->";
const HEAD: &str = "| agent | version | protocol | trials | graded | passed | tokens known |\n|---|---|---|---|---|---|---|\n";

/// Runs the tests and writes their table.
pub(crate) fn agents() -> Result<(), String> {
    let table = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let path = table.path().to_str().ok_or("the temporary directory's path is not UTF-8")?.to_owned();
    step_with(
        &["cargo", "test", "--package", "retrial-cli", "--test", "agents", "--", "--test-threads", "1"],
        &[
            ("RETRIAL_ALL_AGENTS", "1"),
            ("RETRIAL_REQUIRE_DOCKER", "1"),
            ("RETRIAL_AGENTS_TABLE", path.as_str()),
        ],
    )?;
    let rows = fs_err::read_to_string(table.path()).map_err(|error| error.to_string())?;
    if rows.is_empty() {
        return Err("the tests wrote no table".to_owned());
    }
    let docs = root().join("docs/agents.md");
    let text = fs_err::read_to_string(&docs).map_err(|error| error.to_string())?;
    let (before, rest) =
        text.split_once(BEGIN).ok_or("docs/agents.md lacks the mark of the table's begin")?;
    let (_, after) = rest.split_once(END).ok_or("docs/agents.md lacks the mark of the table's end")?;
    let text = format!("{before}{BEGIN}{}:\n\n{HEAD}{rows}{END}{after}", today());
    fs_err::write(&docs, text).map_err(|error| error.to_string())
}

/// The date in UTC.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}
