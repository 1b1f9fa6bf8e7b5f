//! `cargo xtask pictures`: the pictures that the documentation shows, made by the command itself of a run of simulated models.

use std::path::Path;
use std::process::Command;

use crate::steps::{root, step};

/// Which picture is shown of which agent: that whose habit it shows.
const SHOWN: [(&str, &str); 9] = [
    ("flaky", "pass-curves"),
    ("flaky", "outcome-grid"),
    ("flaky", "first-parting"),
    ("wanderer", "action-mix"),
    ("wanderer", "transitions"),
    ("wanderer", "spread"),
    ("overconfident", "reliability"),
    ("overconfident", "roc"),
    ("overconfident", "risk-coverage"),
];

/// Pages at these widths, in pixels, with a name for each.
const PAGES: [(&str, u32, u32); 2] = [("page", 1440, 1100), ("page-phone", 390, 844)];

/// Runs the experiment, writes its report, and copies pictures of it into `docs/pictures`.
pub(crate) fn pictures() -> Result<(), String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let run = scratch.path().join("run");
    let (run, shown) = (path(&run)?, root().join("docs/pictures"));
    let retrial = ["cargo", "run", "--quiet", "--package", "retrial-cli", "--"];
    let args = ["run", "experiments/quickstart.toml", "--sandbox", "fake", "--trials", "10", "--out", run];
    step(&[&retrial[..], &args].concat())?;
    step(&[&retrial[..], &["report", run, "--format", "html,png,badge"]].concat())?;
    fs_err::create_dir_all(&shown).map_err(|error| error.to_string())?;
    let report = Path::new(run).join("report");
    let of_run = fs_err::read_dir(report.join("plots")).map_err(|error| error.to_string())?;
    let of_run =
        of_run.filter_map(Result::ok).map(|entry| entry.path()).next().ok_or("there are no plots")?;
    for (agent, picture) in SHOWN {
        let from = of_run.join(format!("{agent}~baseline")).join(picture).with_extension("png");
        fs_err::copy(from, shown.join(picture).with_extension("png")).map_err(|error| error.to_string())?;
    }
    for (name, width, height) in PAGES {
        screenshot(&report.join("report.html"), &shown.join(name).with_extension("png"), (width, height))?;
    }
    Ok(())
}

fn path(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| "the temporary directory's path is not UTF-8".to_owned())
}

/// Has Chromium draw the top of a page.
fn screenshot(page: &Path, to: &Path, (width, height): (u32, u32)) -> Result<(), String> {
    let chromium = std::env::var("RETRIAL_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
    let drawn = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--screenshot={}", to.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .map_err(|error| format!("cannot start Chromium: {error}"))?;
    if drawn.status.success() && to.is_file() {
        return Ok(());
    }
    Err(format!("Chromium drew nothing: {}", String::from_utf8_lossy(&drawn.stderr)))
}
