//! `retrial report` and `retrial verify` as a user meets them.

#[path = "support/runs.rs"]
mod runs;
mod support;

use std::path::PathBuf;

use retrial_spec::{Claim, TrialRecord};
use retrial_testkit::{Change, run, trial};
use runs::{validate, write_run};
use support::Place;

/// Two agents on three tasks, four trials each, written to `run`.
fn reported() -> Place {
    let place = Place::new();
    let manifest = run(&["steady", "flaky"], &["alpha", "beta", "gamma"], 4);
    let mut records: Vec<TrialRecord> = Vec::new();
    for (agent, luck) in [("steady", 3), ("flaky", 2)] {
        for task in ["alpha", "beta", "gamma"] {
            for number in 1..=4 {
                let record = trial(task, agent, number).uses(100 * u64::from(number)).states(0.9);
                let record = record.claims(Claim::Done).does("read:cat:source edit:sed:source");
                records.push(if number > luck { record.does("run:python").fails() } else { record });
            }
        }
    }
    write_run(&place, "run", &manifest, &records);
    place
}

fn files(place: &Place, args: &[&str]) -> Vec<PathBuf> {
    let ran = place.run(args).expect(0);
    ran.stdout.lines().map(|line| place.join(line)).collect()
}

#[test]
fn a_report_in_json_fits_its_schema_and_can_be_verified() {
    let place = reported();
    let written = files(&place, &["report", "run", "--format", "json"]);
    assert_eq!(written, [place.join("run/report/report.json")]);
    validate("report.schema.json", &fs_err::read_to_string(&written[0]).unwrap());
    let ran = place.run(&["verify", "run/report/report.json", "run"]).expect(0);
    insta::assert_snapshot!(ran.snapshot(&place));
    let ran = place.run(&["verify", "run/report/report.json", "run", "--json"]).expect(0);
    validate("verification.schema.json", &ran.stdout);
}

#[test]
fn a_page_can_be_verified_as_its_report_can() {
    let place = reported();
    place.run(&["report", "run", "--level", "0.9", "--target", "fixed"]).expect(0);
    place.run(&["verify", "run/report/report.html", "run"]).expect(0);
    let path = place.join("run/report/report.html");
    let page = fs_err::read_to_string(&path).unwrap();
    let forged = page.replace("data-value=\"9\"", "data-value=\"12\"");
    assert_ne!(page, forged);
    fs_err::write(&path, forged).unwrap();
    let ran = place.run(&["verify", "run/report/report.html", "run"]).expect(1);
    assert!(ran.stdout.contains("/denominators/passed: stated 12, found 9"), "{}", ran.stdout);
    // What is no number is compared too.
    fs_err::write(&path, page.replace("Reliability report", "Reliable report")).unwrap();
    let ran = place.run(&["verify", "run/report/report.html", "run"]).expect(1);
    assert!(ran.stdout.contains("its values are the same, but not its bytes"), "{}", ran.stdout);
    place.write("page.html", "<!DOCTYPE html><p>");
    let ran = place.run(&["verify", "page.html", "run"]).expect(2);
    assert!(ran.stderr.contains("does not say what it was made of"), "{}", ran.stderr);
}

#[test]
fn a_report_is_made_again_with_its_own_settings() {
    let place = reported();
    let settings =
        ["--level", "0.9", "--target", "fixed", "--timeout", "fail", "--ungraded", "fail", "--seed", "9"];
    let args = [&["report", "run", "--format", "json", "--out", "public"], &settings[..]].concat();
    place.run(&args).expect(0);
    place.run(&["verify", "public/report.json", "run"]).expect(0);
}

#[test]
fn a_forged_number_is_found_and_named() {
    let place = reported();
    place.run(&["report", "run", "--format", "json"]).expect(0);
    let path = place.join("run/report/report.json");
    let text = fs_err::read_to_string(&path).unwrap();
    let forged = text.replacen("\"passed\": 9", "\"passed\": 12", 1);
    assert_ne!(text, forged);
    fs_err::write(&path, forged).unwrap();
    insta::assert_snapshot!(
        place.run(&["verify", "run/report/report.json", "run"]).expect(1).snapshot(&place)
    );
}

#[test]
fn a_report_of_other_records_does_not_verify() {
    let place = reported();
    place.run(&["report", "run", "--format", "json", "--out", "public"]).expect(0);
    for name in ["run/trials.jsonl", "run/events.jsonl"] {
        let text = fs_err::read_to_string(place.join(name)).unwrap();
        let (_, shorter) = text.split_once('\n').expect("a line");
        place.write(name, shorter);
    }
    let ran = place.run(&["verify", "public/report.json", "run"]).expect(1);
    assert!(ran.stdout.contains("trials.jsonl of run-1: stated"), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_verified_is_an_input_error() {
    let place = reported();
    place.write("no.json", "{}");
    place.write("later.json", r#"{"schema": 9, "generator": "retrial 9.0.0", "runs": []}"#);
    for (args, said) in [
        (vec!["verify", "none.json", "run"], "cannot read the report"),
        (vec!["verify", "no.json", "run"], "it is no report in JSON"),
        (vec!["verify", "later.json", "run"], "retrial 9.0.0"),
        (vec!["report", "run", "run"], "`--out`"),
        (vec!["report", "nowhere"], "run directory"),
    ] {
        let ran = place.run(&args).expect(2);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
    }
    place.run(&["report", "run", "--format", "json"]).expect(0);
    let ran = place.run(&["verify", "run/report/report.json", "run", "run"]).expect(2);
    assert!(ran.stderr.contains("of 1 runs, and 2 were named"), "{}", ran.stderr);
}

#[test]
fn a_signed_report_is_checked_with_the_public_key_before_anything_else() {
    let place = reported();
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    place.write("me.pub", &pair.pk.to_box().unwrap().into_string());
    place.write("me.key", &pair.sk.to_box(None).unwrap().into_string());
    let other = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    place.write("other.pub", &other.pk.to_box().unwrap().into_string());
    let written = files(&place, &["report", "run", "--format", "json", "--sign", "me.key"]);
    assert_eq!(written[1], place.join("run/report/report.json.minisig"));

    let ran = place.run(&["verify", "run/report/report.json", "run", "--public-key", "me.pub"]).expect(0);
    assert!(ran.stderr.contains("signed: file:report.json"), "{}", ran.stderr);
    let ran = place.run(&["verify", "run/report/report.json", "run", "--public-key", "other.pub"]).expect(1);
    assert!(ran.stderr.contains("report.json.minisig") && ran.stdout.is_empty(), "{}", ran.stderr);
    place.run(&["verify", "run/report/report.json", "run", "--public-key", "nowhere"]).expect(2);
    place.run(&["report", "run", "--sign", "me.key"]).expect(2);
}

#[test]
fn a_secret_key_with_a_password_is_not_used_without_it() {
    let place = reported();
    let mut key = Vec::new();
    let password = Some("open sesame".to_owned());
    minisign::KeyPair::generate_and_write_encrypted_keypair(Vec::new(), &mut key, None, password).unwrap();
    place.write("me.key", &String::from_utf8(key).unwrap());
    let args = ["report", "run", "--format", "json", "--sign", "me.key"];
    let ran = place.run(&args).expect(2);
    assert!(ran.stderr.contains("RETRIAL_SIGNING_PASSWORD"), "{}", ran.stderr);
    let signed = place.command(&args).env("RETRIAL_SIGNING_PASSWORD", "open sesame").output().unwrap();
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
}

#[test]
fn every_form_is_written_and_nothing_else_is_left() {
    let place = reported();
    let forms = "html,md,json,svg,png,junit,csv,parquet,badge";
    let args = ["report", "run", "--format", forms, "--out", "public", "--json"];
    let ran = place.run(&args).expect(0);
    let written = validate("report-files.schema.json", &ran.stdout);
    let mut written: Vec<String> =
        written["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().to_owned()).collect();
    written.sort();
    let mut found = Vec::new();
    walk(&place.join("public"), &mut found);
    let mut found: Vec<String> =
        found.iter().map(|path| path.strip_prefix(place.path()).unwrap().display().to_string()).collect();
    found.sort();
    assert_eq!(written, found);
    insta::assert_snapshot!(found.join("\n"));
    for path in found {
        assert!(fs_err::metadata(place.join(&path)).unwrap().len() > 40, "{path} is empty");
    }
}

fn walk(directory: &std::path::Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

#[test]
fn a_report_is_the_same_bytes_whenever_it_is_made() {
    let place = reported();
    for out in ["one", "two"] {
        place
            .run(&["report", "run", "--format", "html,md,json,svg,png,junit,csv,parquet,badge", "--out", out])
            .expect(0);
    }
    let mut found = Vec::new();
    walk(&place.join("one"), &mut found);
    assert!(found.len() > 10);
    for path in found {
        let other = place.join("two").join(path.strip_prefix(place.join("one")).unwrap());
        assert!(fs_err::read(&path).unwrap() == fs_err::read(&other).unwrap(), "{}", path.display());
    }
}

#[test]
fn a_full_disk_or_a_file_in_the_way_leaves_nothing_half_written() {
    let place = reported();
    place.write("taken", "");
    let ran = place.run(&["report", "run", "--out", "taken"]).expect(5);
    assert!(ran.stderr.contains("cannot write"), "{}", ran.stderr);
    assert_eq!(fs_err::read_to_string(place.join("taken")).unwrap(), "");
}

#[test]
fn a_run_without_a_graded_trial_is_reported_and_says_so() {
    let place = Place::new();
    write_run(&place, "run", &run(&["agent"], &["task"], 2), &[]);
    let ran = place.run(&["report", "run", "--format", "html,md,json,svg,junit,csv,parquet,badge"]).expect(4);
    assert!(ran.stderr.contains("nothing was evaluated"), "{}", ran.stderr);
    assert!(place.join("run/report/report.html").exists());
}
