//! Budgets of runs and trials, from the command line to the scorecard.

mod support;

use retrial_spec::{Ending, MissingReason};
use support::provider::{Provider, answer, calls};
use support::{Place, Ran, experiment, records};

/// An experiment of one agent with a provider's model on one task; a request takes 10,000 tokens.
fn with_provider(provider: &Provider, trials: u32, settings: &str) -> String {
    let text = experiment("fake", trials, &[]).replace("/*\"", "/fix-torn-tail\"");
    format!(
        "{text}\n{settings}\n\n[[models]]\nname = \"m\"\nbase_url = \"{}\"\nmodel = \"m-1\"\n\n[[agents]]\nname = \"a\"\n\
         model = \"m\"\n",
        provider.base_url
    )
}

fn spent_tokens(place: &Place, run: &str) -> u64 {
    let audit = place.run(&["audit", run, "--json"]).expect(0);
    let audit: serde_json::Value = serde_json::from_str(&audit.stdout).expect("JSON");
    let trials = audit["trials"].as_array().expect("trials").iter();
    let attempts = trials.flat_map(|trial| trial["attempts"].as_array().expect("attempts"));
    attempts.map(|attempt| attempt["account"]["totals"]["charged"]["tokens"].as_u64().expect("tokens")).sum()
}

#[test]
fn a_spent_trial_budget_ends_the_trial_as_over_budget() {
    let place = Place::new();
    let provider = Provider::start("200 OK", &calls("true"));
    place.write("e.toml", &with_provider(&provider, 1, "[limits]\ntokens = 25000"));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let records = records(&place.join("run"));
    assert_eq!(records[0].ending, Ending::OverBudget);
    assert_eq!(
        (records[0].requests.copied(), records[0].usage.value().expect("tokens").total()),
        (Some(3), 30_000)
    );
}

#[test]
fn a_spent_run_budget_ends_the_run_early_and_a_larger_one_lets_it_go_on() {
    let place = Place::new();
    let done = "{\"confidence\": 0.5, \"claim\": \"done\"}";
    let provider = Provider::start("200 OK", &answer(done, (9000, 1000)));
    // A trial takes 20,000: its one request and the question. Three fit, and the fourth does not: 15,000 of 75,000 are left.
    let settings = "[limits]\ntokens = 20000\n[budget]\ntokens = 75000";
    place.write("e.toml", &with_provider(&provider, 10, settings));
    let ran = place.run(&["run", "e.toml", "--out", "run", "--concurrency", "8"]).expect(3);
    assert!(ran.stderr.contains("3 of 10 trials finished: the run's budget has no room"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--budget-tokens"), "{}", ran.stderr);
    assert!(ran.stdout.contains("3 of 10 trials finished"), "the scorecard counts them: {}", ran.stdout);
    assert_eq!((records(&place.join("run")).len(), spent_tokens(&place, "run")), (3, 60_000));
    let status = place.run(&["status", "run"]).expect(0);
    assert!(status.stdout.contains("budget spent"), "{}", status.stdout);

    let still = place.run(&["run", "--resume", "run"]).expect(3);
    assert!(still.stderr.contains("3 of 10 trials finished"), "{}", still.stderr);
    assert_eq!(spent_tokens(&place, "run"), 60_000, "what was spent before counts");
    let ran = place.run(&["run", "--resume", "run", "--budget-tokens", "115000"]).expect(3);
    assert!(ran.stderr.contains("5 of 10"), "{}", ran.stderr);
    // The larger budget stays, also after a session that does not name it.
    place.run(&["run", "--resume", "run", "--budget-tokens", "1000000"]).expect(0);
    assert_eq!(records(&place.join("run")).len(), 10);
}

#[test]
fn concurrency_cannot_overspend_a_run() {
    let place = Place::new();
    let provider = Provider::start("200 OK", &calls("true"));
    // Every trial goes on until its limit: 3 requests, since the third begins below it.
    let settings = "[elicit]\nmode = \"off\"\n[limits]\nrequests = 3\n[budget]\nrequests = 10";
    place.write("e.toml", &with_provider(&provider, 20, settings));
    place.run(&["run", "e.toml", "--out", "run", "--concurrency", "16"]).expect(3);
    assert_eq!((records(&place.join("run")).len(), provider.requests()), (3, 9));
}

#[test]
fn without_limits_every_trial_gets_its_share_and_all_of_them_start() {
    let place = Place::new();
    // More than any of these trials takes: one that exceeds its share by its last request takes from those that follow.
    place.write("e.toml", &format!("{}\n[budget]\ntokens = 4000000\n", experiment("fake", 2, &["steady"])));
    let plan = place.run(&["run", "e.toml", "--dry-run"]).expect(0);
    assert!(plan.stdout.contains("400000 tokens"), "{}", plan.stdout);
    place.run(&["run", "e.toml", "--out", "run", "--concurrency", "10"]).expect(0);
    assert_eq!(records(&place.join("run")).len(), 10);
}

#[test]
fn trials_that_are_cut_off_by_their_share_are_told_at_the_end() {
    let place = Place::new();
    let provider = Provider::start("200 OK", &calls("true"));
    let told = |settings: &str, out: &str| {
        place.write("e.toml", &with_provider(&provider, 2, &format!("[elicit]\nmode = \"off\"\n{settings}")));
        place.run(&["run", "e.toml", "--out", out]).expect(0).stderr
    };
    let warned = told("[budget]\nrequests = 7", "shared");
    let wanted = "2 of the trials ended over budget: without a limit of its own each may use its share of the run's budget, 3 requests";
    assert!(warned.contains(wanted), "{warned}");
    // A limit that was given is no surprise.
    assert!(!told("[limits]\nrequests = 2\n[budget]\nrequests = 7", "limited").contains("share"));
}

#[test]
fn a_run_without_room_puts_no_question_and_says_why_there_is_no_confidence() {
    let place = Place::new();
    let provider = Provider::start("200 OK", &answer("done", (9000, 1000)));
    place.write("e.toml", &with_provider(&provider, 1, "[limits]\ntokens = 10000\n[budget]\ntokens = 10000"));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let records = records(&place.join("run"));
    assert_eq!(records[0].ending, Ending::Finished);
    assert!(matches!(records[0].confidence, retrial_spec::Fact::Missing(MissingReason::OverBudget)));
    assert_eq!(provider.requests(), 1);
}

#[test]
fn time_that_does_not_hold_another_trial_ends_the_run_early() {
    let place = Place::new();
    let slow = Provider::with("200 OK", "", &answer("done", (1, 1)), |_| {
        std::thread::sleep(std::time::Duration::from_millis(3200));
    });
    let settings = "[elicit]\nmode = \"off\"\n[limits]\nagent_sec = 17\n[budget]\nwall_sec = 20";
    place.write("e.toml", &with_provider(&slow, 4, settings));
    let ran = place.run(&["run", "e.toml", "--out", "run", "--concurrency", "1"]).expect(3);
    assert!(ran.stderr.contains("16 seconds left beside"), "{}", ran.stderr);
    assert_eq!(records(&place.join("run")).len(), 1, "17 of the 16 seconds that are left do not fit");
    let ran: Ran = place.run(&["run", "--resume", "run", "--budget-wall-sec", "3600"]).expect(0);
    assert!(ran.stdout.contains("4 of 4"), "{}", ran.stdout);
}

#[test]
fn budgets_that_cannot_work_are_refused_before_anything_runs() {
    let place = Place::new();
    let provider = Provider::start("200 OK", "{}");
    for (settings, said) in [
        ("[budget]\nusd = 1.0", "no price of its model `m-1`"),
        ("[limits]\nusd = 1.0", "no price of its model `m-1`"),
        ("[budget]\ntokens = 3", "no trial fits into the run's budget of 3 tokens"),
        (
            "[limits]\nagent_sec = 60\n[budget]\nwall_sec = 5",
            "no trial fits into the run's budget of 5 seconds",
        ),
    ] {
        place.write("e.toml", &with_provider(&provider, 4, settings));
        let ran = place.run(&["run", "e.toml", "--out", "run"]).expect(2);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("hint: "), "{}", ran.stderr);
        assert!(!place.join("run").exists());
    }
    assert_eq!(provider.requests(), 0);
}

#[test]
fn a_users_prices_make_costs_that_carry_their_date() {
    let place = Place::new();
    let provider = Provider::start("200 OK", &answer("done", (9000, 1000)));
    place.write(
        "p.toml",
        "version = 1\ndate = \"2026-02-03\"\n[[models]]\nname = \"m-1\"\ninput = 1\noutput = 10\n",
    );
    let text = with_provider(&provider, 1, "[budget]\nusd = 1.0")
        .replace("seed = 11", "seed = 11\nprices = \"p.toml\"");
    place.write("e.toml", &text);
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let cost = *records(&place.join("run"))[0].cost.value().expect("a cost");
    assert_eq!((cost.usd_micros, cost.priced_on), (19_000, "2026-02-03".parse().ok()));
    place.write("p.toml", "version = 1\ndate = \"2026-02-04\"\n");
    let ran = place.run(&["run", "--resume", "run"]).expect(2);
    assert!(ran.stderr.contains("prices changed"), "{}", ran.stderr);
}

#[test]
fn the_example_of_a_price_table_can_be_read_and_says_where_its_prices_are_from() {
    let place = Place::new();
    let experiments = support::tasks_dir().with_file_name("experiments");
    let file = experiments.join("prices.toml").display().to_string();
    let ran = place.run(&["prices", "--file", &file, "--json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let own = |model: &&serde_json::Value| model["table"] == "own";
    let own: Vec<_> = json["models"].as_array().expect("models").iter().filter(own).collect();
    assert!(own.len() > 1);
    for model in own {
        let source = model["source"].as_str().expect("a source");
        assert!(source.contains(".example/"), "the example names a provider that may exist: {source}");
        assert!(model["date"].is_string());
    }
    // The template of an experiment uses it, so that a limit in money is possible there.
    let template = fs_err::read_to_string(experiments.join("real-model.toml")).expect("the template");
    assert!(template.contains("prices = \"prices.toml\"") && template.contains("model = \"my-model-2026\""));
}

#[test]
fn prices_are_listed_with_their_dates_and_the_users_come_first() {
    let place = Place::new();
    let own = "version = 1\ndate = \"2026-02-03\"\n[[models]]\nname = \"m-1\"\ninput = 0.125\noutput = 10\n";
    place.write("p.toml", own);
    let ran = place.run(&["prices", "--file", "p.toml"]).expect(0);
    assert!(
        ran.stdout.starts_with("built-in table of 2026-11-20, own table of 2026-02-03\n"),
        "{}",
        ran.stdout
    );
    let line = ran.stdout.lines().find(|line| line.starts_with("m-1")).expect("the model");
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["m-1", "0.125", "–", "–", "10.00", "2026-02-03", "own"]
    );
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    let json: serde_json::Value =
        serde_json::from_str(&place.run(&["prices", "--json"]).expect(0).stdout).expect("JSON");
    assert_eq!((&json["schema"], &json["tables"]["builtin"]["date"]), (&1.into(), &"2026-11-20".into()));
}
