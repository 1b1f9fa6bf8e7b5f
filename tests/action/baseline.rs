//! What is laid out as a baseline and what is published, and what happens where there is no baseline.

use std::path::PathBuf;

use crate::service::Service;

fn below(service: &Service, directory: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(service.root.join(directory));
    entries.map(|all| all.flatten().map(|one| one.path()).collect()).unwrap_or_default()
}

/// Has the experiment hold these lines too.
fn extend(service: &Service, lines: &str) {
    let path = service.root.join("retrial/experiment.toml");
    let text = fs_err::read_to_string(&path).expect("an experiment");
    fs_err::write(&path, text + lines).expect("an experiment");
}

#[test]
fn where_the_gate_is_enforced_a_baseline_that_holds_no_run_is_no_pass_unless_it_is_the_first() {
    let service = Service::new();
    let one = [("trials", "1"), ("baseline", "retrial/baselin")];
    // By the policy it reports; by its own default, or by the input, it enforces.
    for (number, stricter) in
        [[("mode", "enforce"), ("policy", "retrial-gate.toml")], [("policy", ""), ("mode", "")]]
            .iter()
            .enumerate()
    {
        let out = format!("vanished-{number}");
        let done = service.job(&[&one[..], stricter, &[("out", &out)]].concat(), &[]);
        assert_eq!((done.code, done.outputs["decision"].as_str()), (3, "no_baseline"), "{}", done.log);
        assert!(done.summary.contains("`retrial/baselin` holds no run"), "{}", done.summary);
        assert!(done.ran.contains(&"Keep everything".to_owned()));
        assert!(below(&service, &format!("{out}/baseline")).is_empty());
    }
    let done =
        service.job(&[&one[..], &[("mode", "enforce"), ("first", "true"), ("out", "first")]].concat(), &[]);
    assert_eq!((done.code, done.outputs["decision"].as_str()), (0, "no_baseline"), "{}", done.log);
    assert_eq!(below(&service, "first/baseline").len(), 1);
    let done =
        service.job(&[&one[..], &[("policy", "retrial-gate.toml"), ("out", "reported")]].concat(), &[]);
    assert_eq!(done.code, 0, "{}", done.log);
    assert!(done.summary.starts_with("**No baseline yet.**"), "{}", done.summary);
    // One that says so for good would not notice that its baseline has vanished.
    let inputs = [
        ("trials", "1"),
        ("first", "true"),
        ("mode", "report"),
        ("out", "again"),
        ("baseline", "first/baseline"),
    ];
    let done = service.job(&inputs, &[]);
    assert!(done.log.contains("::warning::`first` says that there is no baseline yet"), "{}", done.log);
}

#[test]
fn a_run_that_lacks_something_is_no_first_baseline_and_ends_as_it_ended() {
    let service = Service::new();
    service.measure("simulated/steady", 6, 5);
    extend(&service, "\n[limits]\nrequests = 40\n[budget]\nrequests = 90\n");
    let inputs = [("policy", "retrial-gate.toml"), ("out", "spent")];
    let done = service.job(&inputs, &[]);
    assert_eq!((done.code, done.outputs["decision"].as_str()), (3, "no_baseline"), "{}", done.log);
    assert!(
        done.summary.starts_with("**Nothing to compare with.** The run ended before"),
        "{}",
        done.summary
    );
    assert!(below(&service, "spent/baseline").is_empty());

    // A verifier that says nothing grades nothing.
    let service = Service::new();
    service.place.write("service/retrial/tasks/parse-durations/tests/test.sh", "#!/bin/sh\nexit 0\n");
    service.place.write("service/public/report.md", "what was published before");
    let inputs = [("trials", "1"), ("policy", "retrial-gate.toml"), ("publish", "public")];
    let done = service.job(&inputs, &[]);
    assert_eq!((done.code, done.outputs["decision"].as_str()), (4, "no_baseline"), "{}", done.log);
    assert!(below(&service, "retrial-out/baseline").is_empty());
    assert_eq!(service.text("public/report.md"), "what was published before");
    assert_eq!(below(&service, "public").len(), 1);
}

#[test]
fn a_run_that_its_rule_has_stopped_is_published_with_what_the_rule_said() {
    let service = Service::new();
    service.measure("simulated/steady", 40, 5);
    extend(&service, "\n[stop]\nhalf_width = 0.45\n");
    let inputs = [("policy", "retrial-gate.toml"), ("publish", "public")];
    let done = service.job(&inputs, &[]);
    assert_eq!(done.code, 0, "{}", done.log);
    assert!(service.root.join("public/run/stop.json").is_file(), "{}", done.log);
    service.place.run(&["verify", "service/public/report.json", "service/public/run"]).expect(0);
    let [kept] = &below(&service, "retrial-out/baseline")[..] else { panic!("{}", done.log) };
    service.place.run(&["score", &kept.display().to_string()]).expect(0);
}

#[test]
fn what_is_published_is_replaced_once_the_new_is_whole() {
    let service = Service::new();
    for (path, text) in
        [("run/old", ""), ("report.html", "old"), ("report.json", "old"), ("README.md", "mine")]
    {
        service.place.write(&format!("service/public/{path}"), text);
    }
    let inputs = [("trials", "1"), ("policy", "retrial-gate.toml"), ("publish", "public"), ("out", "one")];
    // A command that cannot verify leaves everything as it was.
    let cannot =
        format!("#!/bin/sh\n[ \"$1\" != verify ] || exit 1\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_retrial"));
    let program = service.place.write("cannot/retrial", &cannot);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs_err::set_permissions(&program, mode).expect("permissions");
    let program = program.display().to_string();
    let done = service.job_that_gets_the_command(&[&inputs[..], &[("retrial", &program)]].concat(), &[]);
    assert_eq!(done.code, 1, "{}", done.log);
    assert_eq!(
        (service.text("public/report.json"), service.text("public/run/old")),
        ("old".to_owned(), String::new())
    );
    let hidden = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(".retrial");
    assert!(!below(&service, "").iter().any(hidden));

    let done = service.job(&[&inputs[..3], &[("out", "two")]].concat(), &[]);
    assert_eq!(done.code, 0, "{}", done.log);
    assert!(!service.root.join("public/run/old").exists());
    assert_eq!(service.text("public/README.md"), "mine");
    service.place.run(&["verify", "service/public/report.json", "service/public/run"]).expect(0);
    assert!(!below(&service, "").iter().any(hidden));
}

#[test]
fn nothing_is_published_that_names_a_place_of_the_machine() {
    let mut service = Service::new();
    // The checkout is reached by a link: its paths are not those that a run has.
    let link = service.place.join("link");
    std::os::unix::fs::symlink(&service.root, &link).expect("a link");
    let root = std::mem::replace(&mut service.root, link);
    let inputs = [("trials", "1"), ("policy", "retrial-gate.toml"), ("publish", "public"), ("out", "inside")];
    let done = service.job(&inputs, &[]);
    assert_eq!(done.code, 0, "{}", done.log);
    let manifest = service.text("public/run/run.json");
    assert!(manifest.contains("\"retrial/tasks/parse-durations\""), "{manifest}");

    // A task outside of the checkout has no name that says nothing of the machine.
    let outside = service.place.join("outside");
    fs_err::rename(root.join("retrial/tasks/parse-durations"), &outside).expect("a task");
    let path = root.join("retrial/experiment.toml");
    let text = fs_err::read_to_string(&path).expect("an experiment");
    let text = text.replace("\"tasks/*\"", &format!("{:?}", outside.display().to_string()));
    fs_err::write(&path, text).expect("an experiment");
    let done = service.job(&[&inputs[..3], &[("out", "outside")]].concat(), &[]);
    assert_eq!(done.code, 2, "{}", done.log);
    assert!(done.log.contains(&format!("outside of the checkout: {}", outside.display())), "{}", done.log);
    assert_eq!(service.text("public/run/run.json"), manifest);
}
