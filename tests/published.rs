//! The scorecards in `results/published`: what stands there can be checked by anybody, and says nothing of the machine it was made on.

mod support;

use std::path::{Path, PathBuf};

use support::{Place, tasks_dir};

fn published() -> Vec<PathBuf> {
    let directory = tasks_dir().with_file_name("results").join("published");
    let entries = fs_err::read_dir(directory).expect("published results");
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn every_published_scorecard_follows_from_the_records_beside_it() {
    let place = Place::new();
    for scorecard in published() {
        let [report, run] = ["report.json", "run"].map(|name| scorecard.join(name).display().to_string());
        let verified = place.run(&["verify", &report, &run]).expect(0);
        assert!(verified.stdout.starts_with("holds"), "{}", verified.stdout);
        // The Markdown and the badge say the same as the report.
        let out = place.join("again").display().to_string();
        place.run(&["report", &run, "--format", "md,badge", "--out", &out]).expect(0);
        let again = fs_err::read_to_string(place.join("again/report.md")).unwrap();
        assert_eq!(fs_err::read_to_string(scorecard.join("report.md")).unwrap(), again);
        let badge = fs_err::read_to_string(scorecard.join("badge.svg")).unwrap();
        let badges = files(&place.join("again/badges"));
        assert!(badges.iter().any(|path| fs_err::read_to_string(path).unwrap() == badge));
    }
}

#[test]
fn nothing_that_is_published_names_a_machine_or_a_path_on_it() {
    let host = nix::sys::utsname::uname().unwrap().nodename().to_string_lossy().into_owned();
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned();
    let here = [std::env::home_dir(), Some(std::env::temp_dir()), Some(checkout)];
    let here: Vec<String> = here.into_iter().flatten().map(|place| format!("{}/", place.display())).collect();
    for path in published().iter().flat_map(|scorecard| files(scorecard)) {
        let text = fs_err::read_to_string(&path).unwrap();
        for place in here.iter().filter(|place| place.len() > 2) {
            assert!(!text.contains(place.as_str()), "{} holds `{place}`", path.display());
        }
        // Nothing in a report or a record is an absolute path, of whatever machine.
        let is_path = |rest: &str| rest.starts_with(|letter: char| letter.is_alphanumeric());
        let mut after_quotes = text.split("\"/").skip(1);
        assert!(!after_quotes.any(is_path), "{} has an absolute path", path.display());
        assert!(host.len() < 4 || !text.contains(&host), "{} holds the machine's name", path.display());
    }
}

#[test]
fn the_reports_lines_of_the_readme_work_as_they_stand() {
    let place = Place::new();
    // With a run in the place of the quick start's.
    let run = published()[0].join("run");
    fs_err::create_dir(place.join("mine")).unwrap();
    for file in files(&run) {
        fs_err::copy(&file, place.join("mine").join(file.file_name().unwrap())).unwrap();
    }
    let readme = fs_err::read_to_string(tasks_dir().with_file_name("README.md")).unwrap();
    let lines = |command: &str| -> Vec<String> {
        let lines = readme
            .lines()
            .filter(|line| line.starts_with(command) && line.contains("results/quickstart/<run>"));
        lines
            .map(|line| line.split('#').next().unwrap().replace("results/quickstart/<run>", "mine"))
            .collect()
    };
    let lines = [lines("retrial report"), lines("retrial verify")].concat();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let args: Vec<&str> = line.split_whitespace().skip(1).collect();
        place.run(&args).expect(0);
    }
}

#[test]
fn what_is_published_is_small() {
    for scorecard in published() {
        let bytes: u64 = files(&scorecard).iter().map(|path| fs_err::metadata(path).unwrap().len()).sum();
        assert!(bytes < 1_000_000, "{} has {bytes} bytes", scorecard.display());
    }
}
