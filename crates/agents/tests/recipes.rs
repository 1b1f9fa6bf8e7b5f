//! Recipes as their users meet them: what a file becomes, and how its faults are told.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use retrial_agents::{
    KitManager, LaunchContext, OptionError, Recipe, RecipeError, RecipeKind, ResolveError, resolve,
};
use retrial_spec::{AgentName, AgentSpec};

fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn context(options: &BTreeMap<String, String>) -> LaunchContext<'_> {
    LaunchContext {
        server_url: "http://127.0.0.1:8099",
        token: "trial-token",
        model: "simulated-steady",
        instruction: "Fix `it`; say \"done\" $HOME",
        home: "/home/agent",
        workspace: "/workspace",
        options,
    }
}

fn spec(recipe: &str, options: BTreeMap<String, String>) -> AgentSpec {
    let name = AgentName::new("agent").unwrap();
    AgentSpec { name, recipe: recipe.to_owned(), model: "simulated/steady".to_owned(), options }
}

/// A recipe in which one line can be replaced.
const MINIMAL: &str = r#"name = "mine"
description = "an agent"
licence = "MIT"
protocols = ["openai_chat"]

[kit]
manager = "npm"
packages = [{ name = "@org/mine", version = "1.2.3", programs = { mine = "bin/mine.js" } }]

[launch]
argv = ["{kit}/bin/mine", "--model={model}", "--", "{instruction}"]
env = { MODE = "{option.mode}" }

[options.mode]
description = "how careful it is"
default = "fast"
choices = ["fast", "careful"]
"#;

fn faults(text: &str) -> Vec<String> {
    let error = Recipe::parse("mine.toml", text).unwrap_err();
    error
        .faults()
        .iter()
        .map(|fault| format!("{}: {fault} ({})", fault.line(), fault.hint().unwrap_or("no hint")))
        .collect()
}

#[test]
fn the_launch_of_opencode_is_as_expected() {
    let given = options(&[("context", "64000")]);
    let launch = Recipe::builtin("opencode").unwrap().launch(&context(&given)).unwrap();
    insta::assert_debug_snapshot!(launch);
}

#[test]
fn the_configuration_of_opencode_stays_json_whatever_the_model_is_called() {
    let given = BTreeMap::new();
    let odd = LaunchContext { model: "a\"b\\c\n{token}", ..context(&given) };
    let launch = Recipe::builtin("opencode").unwrap().launch(&odd).unwrap();
    let file = launch.files.iter().find(|file| file.path.ends_with("opencode.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&file.content).unwrap();
    let models = config["provider"]["retrial"]["models"].as_object().unwrap();
    assert_eq!(models.keys().collect::<Vec<_>>(), ["a\"b\\c\n{token}"]);
}

#[test]
fn built_in_recipes_are_found_by_name_and_pin_what_they_install() {
    let names: Vec<String> = Recipe::builtins().iter().map(|recipe| recipe.name().to_owned()).collect();
    assert_eq!(
        names,
        ["reference", "codex", "opencode", "qwen-code", "claude-code", "mini-swe-agent", "aider"]
    );
    let opencode = Recipe::builtin("opencode").unwrap();
    assert_eq!(opencode.kind(), RecipeKind::Program);
    let versions = opencode.kit_section().unwrap().packages.iter().map(|package| package.version.as_str());
    assert!(versions.into_iter().all(|version| version == "1.18.33"));
    assert_eq!(opencode.version_argv().unwrap(), ["/opt/retrial/kit/bin/opencode", "--version"]);
    assert!(Recipe::builtin("nothing").is_none());
}

#[test]
fn every_built_in_recipe_launches_in_each_of_its_protocols() {
    for recipe in Recipe::builtins().iter().filter(|recipe| recipe.kind() == RecipeKind::Program) {
        for protocol in &recipe.file().protocols {
            let given = match recipe.file().protocols.len() {
                1 => BTreeMap::new(),
                _ => options(&[("protocol", protocol.as_str())]),
            };
            assert_eq!(recipe.protocol(&given), *protocol, "{}", recipe.name());
            let launch = recipe.launch(&context(&given)).unwrap();
            let text = format!("{launch:?}");
            let passed = text.matches("127.0.0.1:8099").count();
            assert!(passed > 0, "{} is not told where its model is", recipe.name());
            assert!(text.contains("trial-token") && text.contains("simulated-steady"), "{}", recipe.name());
            assert!(!text.contains("{protocol") && !text.contains("{option"), "{}: {text}", recipe.name());
        }
    }
}

#[test]
fn the_protocol_decides_what_its_words_stand_for() {
    let mini = Recipe::builtin("mini-swe-agent").unwrap();
    let argv =
        |protocol: &str| mini.launch(&context(&options(&[("protocol", protocol)]))).unwrap().argv.join(" ");
    assert!(argv("openai_chat").contains("--model-class litellm -m openai/simulated-steady"));
    assert!(argv("openai_responses").contains("--model-class litellm_response -m openai/simulated-steady"));
    assert!(argv("anthropic_messages").contains("--model-class litellm -m anthropic/simulated-steady"));
    let refused = mini.launch(&context(&options(&[("protocol", "smoke_signals")])));
    assert!(matches!(refused, Err(RecipeError::Option(OptionError::Value { .. }))));
    let codex = Recipe::builtin("codex").unwrap();
    let unknown = codex.launch(&context(&options(&[("protocol", "openai_responses")])));
    assert!(
        matches!(unknown, Err(RecipeError::Option(OptionError::Unknown { .. }))),
        "an agent of one protocol has no choice"
    );
}

#[test]
fn faults_of_protocols_are_told_all_at_once() {
    let text = MINIMAL
        .replace("[\"openai_chat\"]", "[\"openai_chat\", \"openai_responses\"]")
        .replace("--model={model}", "--model={protocol.provder}/{model}")
        + "\n[options.protocol]\ndescription = \"x\"\ndefault = \"y\"\n\n[protocol_words.openai_chat]\nprovider = \"x\"\n\
           \n[protocol_words.anthropic_messages]\nprovider = \"z\"\n";
    insta::assert_snapshot!(faults(&text).join("\n"));
}

#[test]
fn a_kit_from_pip_needs_a_lock_that_pins_its_packages() {
    let text = MINIMAL
        .replace("manager = \"npm\"", "manager = \"pip\"\nlock = \"mine.lock\"\npython = [\"3.11\"]")
        .replace("@org/mine", "mine")
        .replace("bin/mine.js", "mine");
    let read = |lock: &'static str| {
        Recipe::parse_with("mine.toml", &text, &move |name| {
            assert_eq!(name, "mine.lock");
            Ok(lock.to_owned())
        })
    };
    let pinned = "mine==1.2.3 \\\n    --hash=sha256:00\nother==2 --hash=sha256:00\n";
    let recipe = read(pinned).unwrap();
    assert_eq!(recipe.lock(), Some(pinned));
    assert_ne!(recipe.digest(), read("mine==1.2.3 --hash=sha256:00\n").unwrap().digest());
    let error = read("mine==1.2.4 --hash=sha256:00\n").unwrap_err();
    assert_eq!(error.faults()[0].to_string(), "the lock `mine.lock` does not pin `mine==1.2.3`");
    assert!(
        Recipe::parse("mine.toml", &text).unwrap_err().faults()[0]
            .to_string()
            .contains("cannot read the lock")
    );
}

#[test]
fn hashes_of_npm_packages_are_whole_and_complete() {
    let hash = format!("sha512-{}==", "A".repeat(86));
    let with = |hash: &str| {
        MINIMAL.replace("version = \"1.2.3\"", &format!("version = \"1.2.3\", integrity = \"{hash}\""))
    };
    assert!(Recipe::parse("mine.toml", &with(&hash)).is_ok());
    assert!(
        faults(&with("sha1-AAAA")).concat().contains("`sha1-AAAA` is not a SHA-512 hash as npm writes it")
    );
    let open = with(&hash).replace("packages = [", "packages = [{ name = \"other\", version = \"2.0.0\" }, ");
    assert!(faults(&open).concat().contains("`other` lacks the hash that other packages have"));
}

#[test]
fn the_kits_from_npm_that_ship_with_retrial_are_pinned_by_hash() {
    // The registry that the hashes were read from does not have this one.
    let open = ["opencode-linux-arm64"];
    let mut pinned = 0;
    for recipe in Recipe::builtins() {
        let Some(kit) = recipe.kit_section().filter(|kit| kit.manager == KitManager::Npm) else { continue };
        for package in kit.packages.iter().filter(|package| !open.contains(&package.name.as_str())) {
            assert!(package.integrity.is_some(), "{}", package.name);
            pinned += 1;
        }
    }
    assert!(pinned >= 10);
}

#[test]
fn a_file_of_ones_own_needs_no_rust() {
    let recipe = Recipe::parse("mine.toml", MINIMAL).unwrap();
    let given = options(&[("mode", "careful")]);
    let launch = recipe.launch(&context(&given)).unwrap();
    assert_eq!(
        launch.argv,
        ["/opt/retrial/kit/bin/mine", "--model=simulated-steady", "--", "Fix `it`; say \"done\" $HOME"]
    );
    assert_eq!(launch.env, options(&[("MODE", "careful"), ("HOME", "/home/agent")]));
    assert_eq!(launch.cwd, "/workspace");
}

#[test]
fn the_digest_follows_what_a_recipe_says_and_not_its_layout() {
    let digest = |text: &str| Recipe::parse("mine.toml", text).unwrap().digest();
    assert_eq!(digest(MINIMAL), digest(&format!("# a comment\n\n{MINIMAL}")));
    assert_ne!(digest(MINIMAL), digest(&MINIMAL.replace("1.2.3", "1.2.4")));
}

#[test]
fn wrong_keys_and_types_are_told_all_at_once() {
    let text =
        MINIMAL.replace("licence", "license").replace("argv = [", "argvs = [").replace("\"npm\"", "\"nmp\"");
    insta::assert_snapshot!(faults(&text).join("\n"), @r#"
    1: lacks the key `licence` (add it)
    3: unknown key `license` (did you mean `licence`?)
    7: `kit.manager` is "nmp"; allowed: `npm`, `pip` (did you mean `npm`?)
    10: `launch` lacks the key `argv` (add it)
    11: unknown key `launch.argvs` (did you mean `argv`?)
    "#);
}

#[test]
fn what_the_schema_cannot_say_is_told_all_at_once() {
    let text = MINIMAL
        .replace("1.2.3", "^1.2")
        .replace("@org/mine", "../mine")
        .replace("bin/mine.js", "../../bin/sh")
        .replace("{model}", "{modle}")
        .replace("{option.mode}", "{option.mood}")
        .replace("default = \"fast\"", "default = \"slow\"");
    insta::assert_snapshot!(faults(&text).join("\n"), @r"
    8: `../mine` is not a package name (write `name` or `@scope/name`)
    8: `^1.2` is not an exact version (pin one version, such as `1.2.3`)
    8: `../../bin/sh` is not a plain relative path (write it without `..` and leading `/`)
    11: unknown placeholder `{modle}` (did you mean `{model}`? for the text itself, double the braces)
    12: the recipe has no option `mood` (add `[options.mood]`)
    16: `slow` is not a value of this option (it takes one of: fast, careful)
    ");
}

#[test]
fn an_instruction_that_a_shell_would_read_is_refused() {
    for argv in [
        r#"["bash", "-lc", "agent {instruction}"]"#,
        r#"["/bin/sh", "-c", "{instruction}"]"#,
        r#"["env", "X=1", "sh", "-ec", "x '{instruction}'"]"#,
    ] {
        let old = r#"["{kit}/bin/mine", "--model={model}", "--", "{instruction}"]"#;
        let found = faults(&MINIMAL.replace(old, argv));
        assert!(found.iter().any(|fault| fault.contains("read by a shell")), "{argv}: {found:?}");
    }
    let fine = MINIMAL.replace(r#"["{kit}/bin/mine","#, r#"["sh", "-c", "exec mine \"$@\"", "sh","#);
    assert!(Recipe::parse("mine.toml", &fine).is_ok());
}

#[test]
fn an_instruction_that_goes_nowhere_is_refused() {
    let found = faults(&MINIMAL.replace(", \"--\", \"{instruction}\"", ""));
    assert!(found[0].contains("nothing passes the instruction on"), "{found:?}");
}

#[test]
fn the_kind_of_the_reference_agent_is_not_for_files() {
    let found = faults(
        "name = \"x\"\nkind = \"reference\"\ndescription = \"x\"\nlicence = \"MIT\"\nprotocols = [\"openai_chat\"]\n",
    );
    assert!(found[0].contains("only the built-in recipe is of this kind"), "{found:?}");
}

#[test]
fn values_that_no_program_can_be_given_are_refused() {
    let recipe = Recipe::parse("mine.toml", MINIMAL).unwrap();
    let given = BTreeMap::new();
    let long = "x".repeat(128 * 1024);
    let too_long = LaunchContext { instruction: &long, ..context(&given) };
    assert!(matches!(recipe.launch(&too_long), Err(RecipeError::TooLong { .. })));
    let nul = LaunchContext { instruction: "a\0b", ..context(&given) };
    assert!(matches!(recipe.launch(&nul), Err(RecipeError::Nul { .. })));
}

#[test]
fn the_turns_and_tries_of_the_reference_agent_are_options() {
    let reference = Recipe::builtin("reference").unwrap();
    assert_eq!(reference.tries(&BTreeMap::new()), Ok(5));
    assert_eq!(reference.tries(&options(&[("tries", "1")])), Ok(1));
    assert_eq!(reference.max_turns(&BTreeMap::new()), Ok(50));
    assert_eq!(reference.max_turns(&options(&[("max_turns", "7")])), Ok(7));
    for bad in ["0", "-1", "+3", "many", "1.5", "99999999999"] {
        let refused = reference.max_turns(&options(&[("max_turns", bad)]));
        assert!(matches!(refused, Err(RecipeError::Option(OptionError::Value { .. }))), "{bad}");
    }
    let given = BTreeMap::new();
    assert!(matches!(reference.launch(&context(&given)), Err(RecipeError::NotAProgram { .. })));
    assert!(matches!(
        Recipe::builtin("opencode").unwrap().max_turns(&given),
        Err(RecipeError::NoCount { option: "max_turns", .. })
    ));
}

#[test]
fn names_and_paths_are_resolved() {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("mine.toml"), MINIMAL).unwrap();
    for path in ["mine.toml", "./mine.toml", directory.path().join("mine.toml").to_str().unwrap()] {
        assert_eq!(resolve(&spec(path, BTreeMap::new()), directory.path()).unwrap().name(), "mine");
    }
    assert_eq!(resolve(&spec("reference", BTreeMap::new()), directory.path()).unwrap().name(), "reference");
}

#[test]
fn an_unknown_name_is_told_with_the_nearest_one() {
    let error = resolve(&spec("opncode", BTreeMap::new()), Path::new("/")).unwrap_err();
    assert_eq!(error.to_string(), "no recipe is named `opncode`");
    assert_eq!((error.key().as_str(), error.hint().as_deref()), ("recipe", Some("did you mean `opencode`?")));
    let error = resolve(&spec("./absent.toml", BTreeMap::new()), Path::new("/")).unwrap_err();
    assert!(matches!(error, ResolveError::Read { .. }));
}

#[test]
fn an_unknown_option_is_told_with_the_nearest_one() {
    let error = resolve(&spec("reference", options(&[("max_turn", "3")])), Path::new("/")).unwrap_err();
    assert_eq!(error.to_string(), "the recipe `reference` has no option `max_turn`");
    let hint = error.hint();
    assert_eq!(
        (error.key().as_str(), hint.as_deref()),
        ("options/max_turn", Some("did you mean `max_turns`?"))
    );
    let error = resolve(&spec("opencode", options(&[("context", "big")])), Path::new("/")).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("it takes a whole number from 1 to 4294967295"));
}

#[test]
fn the_faults_of_a_recipe_file_reach_whoever_names_it() {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("mine.toml"), MINIMAL.replace("{model}", "{modle}")).unwrap();
    let error = resolve(&spec("mine.toml", BTreeMap::new()), directory.path()).unwrap_err();
    assert!(error.to_string().ends_with("has faults: line 11: unknown placeholder `{modle}`"), "{error}");
    assert_eq!(error.spec_error().unwrap().faults().len(), 1);
}
