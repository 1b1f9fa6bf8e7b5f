//! Reading `task.toml`: what is honoured, what is refused and by which name.

use proptest::prelude::*;
use retrial_spec::{
    ArtifactTable, Fault, MinReward, NetworkMode, PhaseUser, RewardStrategy, SpecError, Task, VerifierMode,
};

fn read(text: &str) -> Task {
    Task::parse("task.toml", text).unwrap_or_else(|error| panic!("{text}\n{}", messages(&error).join("\n"))).0
}

fn messages(error: &SpecError) -> Vec<String> {
    error.faults().iter().map(|fault| fault.message().to_owned()).collect()
}

fn refusals(text: &str) -> Vec<String> {
    messages(&Task::parse("task.toml", text).expect_err(text))
}

#[test]
fn an_empty_file_has_the_defaults_of_harbor() {
    let task = read("");
    assert_eq!(task.schema_version, "1.4");
    assert_eq!((task.agent.timeout_sec, task.verifier.timeout_sec), (None, 600.0));
    assert_eq!(
        (task.environment.build_timeout_sec, task.environment.network_mode),
        (600.0, NetworkMode::Public)
    );
    assert_eq!(task.verifier.mode(), VerifierMode::Shared);
    assert_eq!(task.multi_step_reward_strategy, RewardStrategy::Mean);
    let check = read("[environment.healthcheck]\ncommand = \"true\"\n").environment.healthcheck.unwrap();
    assert_eq!(
        (
            check.interval_sec,
            check.timeout_sec,
            check.start_period_sec,
            check.start_interval_sec,
            check.retries
        ),
        (5.0, 30.0, 0.0, 5.0, 3)
    );
    let collect = read("[[verifier.collect]]\ncommand = \"true\"\n").verifier.collect;
    assert_eq!(
        (collect[0].service.as_str(), collect[0].timeout_sec, &collect[0].user),
        ("main", 60.0, &None)
    );
}

#[test]
fn keys_of_schema_1_0_are_read_as_they_are_called_today() {
    let text =
        "version = \"1.0\"\n[environment]\nmemory = \"2G\"\nstorage = \"10G\"\nallow_internet = false\n";
    let (task, warnings) = Task::parse("task.toml", text).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(task.schema_version, "1.0");
    assert_eq!((task.environment.memory_mb, task.environment.storage_mb), (Some(2048), Some(10_240)));
    assert_eq!(task.environment.network_mode, NetworkMode::NoNetwork);
    let open = read("[environment]\nallow_internet = true\nmemory = \"2G\"\nmemory_mb = 2048\n");
    assert_eq!(open.environment.network_mode, NetworkMode::Public);
    let both = read("[environment]\nallow_internet = true\nnetwork_mode = \"no-network\"\n");
    assert_eq!(both.environment.network_mode, NetworkMode::NoNetwork);
    let verifier =
        read("[verifier.environment]\ndocker_image = \"a\"\nmemory = \"1G\"\nallow_internet = false\n");
    let own = verifier.verifier.environment.as_ref().unwrap();
    assert_eq!((own.memory_mb, verifier.verifier_network()), (Some(1024), NetworkMode::NoNetwork));
    for (text, expected) in [
        ("memory = \"2G\"\nmemory_mb = 1024", "`memory` says 2048 MB and `memory_mb` says 1024 MB"),
        ("storage = \"1G\"\nstorage_mb = 1", "`storage` says 1024 MB and `storage_mb` says 1 MB"),
        ("memory = \"2GB\"", "`2GB` is no size such as `2G`, `512M` or `65536K`"),
        ("memory = \"8M\"", "`8M` is 8 MB; the least allowed is 16 MB"),
    ] {
        assert_eq!(refusals(&format!("[environment]\n{text}\n")), [expected]);
    }
}

#[test]
fn a_user_is_root_a_number_or_a_name() {
    for (text, expected) in [
        ("\"root\"", Some(PhaseUser::Root)),
        ("0", Some(PhaseUser::Root)),
        ("1000", Some(PhaseUser::Id(1000))),
        ("\"1000\"", Some(PhaseUser::Id(1000))),
        ("\"agent\"", Some(PhaseUser::Name("agent".to_owned()))),
        ("\"_apt\"", Some(PhaseUser::Name("_apt".to_owned()))),
        ("-1", None),
        ("\"\"", None),
        ("\"99999999999\"", None),
        ("\"a:b\"", None),
        ("\"a b\"", None),
        ("\"../x\"", None),
        ("1.5", None),
    ] {
        let read = Task::parse("task.toml", &format!("[agent]\nuser = {text}\n"));
        assert_eq!(read.ok().map(|(task, _)| task.agent.user), expected.map(Some), "{text}");
    }
}

#[test]
fn artifacts_are_paths_or_tables() {
    let task = read(
        "artifacts = [\"/app/out.txt\", { source = \"logs\", destination = \"kept/logs\", exclude = [\"*.tmp\"], service = \"main\" }]\n",
    );
    let plain = ArtifactTable {
        source: "/app/out.txt".to_owned(),
        destination: None,
        exclude: Vec::new(),
        service: None,
    };
    assert_eq!(task.artifacts[0], plain);
    assert_eq!(
        (task.artifacts[1].kept_as(), task.artifacts[1].exclude.as_slice()),
        ("kept/logs", &["*.tmp".to_owned()][..])
    );
    assert_eq!(refusals("artifacts = [3]\n"), ["`artifacts[0]` must be a string or a table, not an integer"]);
    assert_eq!(
        refusals("artifacts = [{ destination = \"x\" }]\n"),
        ["`artifacts[0]` lacks the key `source`"]
    );
}

#[test]
fn steps_are_read_with_their_tables() {
    let task = read(
        "multi_step_reward_strategy = \"final\"\n[[steps]]\nname = \"one\"\nmin_reward = 1\nagent.timeout_sec = 5\n\
         [[steps]]\nname = \"two\"\nmin_reward = { tests = 0.5, style = 1 }\nverifier.user = \"root\"\nartifacts = [\"/app/x\"]\n\
         [steps.healthcheck]\ncommand = \"true\"\n",
    );
    assert_eq!(task.multi_step_reward_strategy, RewardStrategy::Final);
    assert_eq!(task.steps[0].min_reward, Some(MinReward::Single(1.0)));
    let by_key = [("style".to_owned(), 1.0), ("tests".to_owned(), 0.5)].into();
    assert_eq!(task.steps[1].min_reward, Some(MinReward::ByKey(by_key)));
    assert_eq!(task.steps[0].agent.timeout_sec, Some(5.0));
    assert!(task.steps[1].healthcheck.is_some());
}

#[test]
fn a_phase_has_a_network_mode_of_its_own_where_its_sandbox_is_its_own() {
    let text = "[environment]\nnetwork_mode = \"public\"\n[agent]\nnetwork_mode = \"no-network\"\n\
                [verifier]\nenvironment_mode = \"separate\"\n";
    let task = read(text);
    assert_eq!(
        (task.agent_network(), task.verifier_network()),
        (NetworkMode::NoNetwork, NetworkMode::Public)
    );
    let shared = read("[agent]\nnetwork_mode = \"no-network\"\n[verifier]\nnetwork_mode = \"no-network\"\n");
    assert_eq!(shared.agent_network(), NetworkMode::NoNetwork);
    let check = format!("{text}[environment.healthcheck]\ncommand = \"true\"\n");
    assert_eq!(
        refusals(&check),
        ["`agent.network_mode`: it differs from the mode of the healthcheck, which runs in the same sandbox"]
    );
}

/// What is refused: the text of a file, the key that is named, and a part of the reason.
const REFUSED: &[(&str, &str, &str)] = &[
    ("[environment]\nos = \"Windows\"", "environment.os", "only linux"),
    ("[environment]\ngpus = 1", "environment.gpus", "graphics"),
    ("[environment]\ngpu_types = [\"a\"]", "environment.gpu_types", "graphics"),
    ("[environment]\ntpu = { type = \"v\", topology = \"2x2x1\" }", "environment.tpu", "tensor"),
    ("[environment]\nnetwork_mode = \"allowlist\"", "environment.network_mode", "allowlists"),
    ("[environment]\nallowed_hosts = [\"a.example\"]", "environment.allowed_hosts", "allowlists"),
    ("[environment]\nskills_dir = \"skills\"", "environment.skills_dir", "skills"),
    ("[environment]\nworkdir = \"app\"", "environment.workdir", "absolute"),
    ("[environment]\nworkdir = \"/app/../etc\"", "environment.workdir", "absolute"),
    ("[[environment.mcp_servers]]\nname = \"a\"", "environment.mcp_servers", "tool servers"),
    ("[agent]\nallowed_hosts = [\"a.example\"]", "agent.allowed_hosts", "allowlists"),
    ("[agent]\nnetwork_mode = \"allowlist\"", "agent.network_mode", "allowlists"),
    ("[agent]\nnetwork_mode = \"no-network\"", "agent.network_mode", "the shared verifier"),
    ("[verifier]\nallowed_hosts = [\"a.example\"]", "verifier.allowed_hosts", "allowlists"),
    ("[verifier]\nnetwork_mode = \"allowlist\"", "verifier.network_mode", "allowlists"),
    ("[verifier]\nnetwork_mode = \"no-network\"", "verifier.network_mode", "of the agent"),
    ("[verifier.environment]\ncpus = 2", "verifier.environment", "docker_image"),
    (
        "[verifier]\nenvironment_mode = \"shared\"\nenvironment.docker_image = \"a\"",
        "verifier.environment_mode",
        "is given",
    ),
    ("[verifier.environment]\ndocker_image = \"a\"\ngpus = 2", "verifier.environment.gpus", "graphics"),
    ("[[verifier.collect]]\ncommand = \"x\"\nservice = \"db\"", "verifier.collect.0.service", "`db`"),
    ("artifacts = [{ source = \"/x\", service = \"db\" }]", "artifacts.0", "`db`"),
    ("artifacts = [{ source = \"/x\", exclude = [\"a{b\"] }]", "artifacts.0", "`exclude`"),
    ("artifacts = [\"../x\"]", "artifacts.0", "`source`"),
    ("artifacts = [\"/a/x\", \"/b/x\"]", "artifacts.1", "`destination`"),
    ("[[steps]]\nname = \"..\"", "steps.0.name", "directory"),
    ("[[steps]]\nname = \"a/b\"", "steps.0.name", "directory"),
    ("[[steps]]\nname = \"Maß\"\n[[steps]]\nname = \"mAß\"", "steps.1.name", "another step"),
    (
        "[[steps]]\nname = \"a\"\nverifier.environment_mode = \"separate\"",
        "steps.0.verifier.environment_mode",
        "separate",
    ),
    (
        "[[steps]]\nname = \"a\"\n[steps.verifier.environment]\ncpus = 1",
        "steps.0.verifier.environment",
        "separate",
    ),
    (
        "verifier.environment_mode = \"separate\"\n[[steps]]\nname = \"a\"",
        "verifier.environment_mode",
        "separate",
    ),
    (
        "[[steps]]\nname = \"a\"\nagent.network_mode = \"no-network\"",
        "steps.0.agent.network_mode",
        "in a step",
    ),
    ("[[steps]]\nname = \"a\"\nverifier.allowed_hosts = []", "steps.0.verifier.allowed_hosts", "allowlists"),
    (
        "artifacts = [\"/a/x\"]\n[[steps]]\nname = \"a\"\nartifacts = [\"/b/x\"]",
        "steps.0.artifacts.0",
        "`destination`",
    ),
];

#[test]
fn what_is_not_supported_is_refused_by_its_key() {
    for (text, key, why) in REFUSED {
        let found = refusals(text);
        assert!(
            found.iter().any(|message| message.starts_with(&format!("`{key}`: ")) && message.contains(why)),
            "{text}\n{found:#?}"
        );
    }
}

#[test]
fn empty_lists_of_what_is_not_supported_ask_for_nothing() {
    read("[environment]\nmcp_servers = []\ngpu_types = []\ngpus = 0\nos = \"LINUX\"\n");
}

#[test]
fn several_refusals_are_shown_at_once_with_their_places() {
    let text = "[environment]\ngpus = 1\nnetwork_mode = \"allowlist\"\nallowed_hosts = [\"index.example\"]\nmemory = \"2X\"\n";
    let error = Task::parse("task.toml", text).unwrap_err();
    let found: Vec<_> = error.faults().iter().map(|fault| (fault.line(), fault.message())).collect();
    insta::assert_debug_snapshot!(found);
    assert!(error.faults().iter().all(|fault| fault.hint().is_some() || fault.line() == 5));
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "(\\[(environment|verifier|agent|\\[steps\\])\\]\n)?([a-z_.]{1,12} = (-?[0-9]{1,20}|nan|inf|\"[^\"\n]{0,8}\"|\\[\\]|\\{\\}|true)\n){0,4}") {
        let _: Result<(Task, Vec<Fault>), SpecError> = Task::parse("task.toml", &text);
    }

    #[test]
    fn whole_steps_and_min_rewards_are_read_back(reward in -1e6_f64..1e6, names in proptest::collection::btree_set("[a-z0-9]{1,6}", 1..4)) {
        let step = |name: &String| format!("[[steps]]\nname = \"{name}\"\nmin_reward = {reward:?}\n");
        let text: String = names.iter().map(step).collect();
        let task = read(&text);
        prop_assert_eq!(task.steps.len(), names.len());
        prop_assert!(task.steps.iter().all(|step| step.min_reward == Some(MinReward::Single(reward))));
    }
}
