//! Checks that nothing is shared, and nothing is left; and of preparing environments.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptions, RemoveImageOptions};
use retrial_sandbox::{BackendKind, BuildError, Environment, Reap};

use crate::place::{self, Place, base_image, environment_directory};

pub(crate) async fn sandboxes_share_neither_home_nor_tmp(place: &Place) {
    let (one, two) = tokio::join!(place.sandbox(), place.sandbox());
    for path in ["/home/agent/mark", "/tmp/mark", "/app/mark"] {
        place.ok(&*one, &format!("echo mine > {path}")).await;
        assert!(!place.sh(&*two, &format!("cat {path}")).await.0.is_success(), "{path} is shared");
    }
    one.stop().await.unwrap();
    two.stop().await.unwrap();
    let three = place.sandbox().await;
    assert!(!place.sh(&*three, "cat /home/agent/mark").await.0.is_success());
    three.stop().await.unwrap();
}

/// Returns the ids of containers of a run; none where there is no engine.
async fn containers(run: &str) -> Vec<String> {
    let Ok(docker) = Docker::connect_with_defaults() else { return Vec::new() };
    let Ok(docker) = docker.negotiate_version().await else { return Vec::new() };
    let filters = [("label".to_owned(), vec![format!("retrial.run={run}")])].into();
    let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
    let found = docker.list_containers(Some(options)).await.unwrap();
    found.into_iter().filter_map(|container| container.id).collect()
}

/// Returns what lies in the runtime directories below `base`, besides the owner's file and the relay.
fn leftovers(base: &Path) -> Vec<PathBuf> {
    let Ok(directories) = fs_err::read_dir(base.join("r")) else { return Vec::new() };
    directories
        .flatten()
        .flat_map(|directory| fs_err::read_dir(directory.path()).unwrap().flatten().collect::<Vec<_>>())
        .map(|entry| entry.path())
        .filter(|path| !path.ends_with("owner") && !path.ends_with("relay"))
        .collect()
}

/// Returns the control groups of a process.
fn groups(pid: u32) -> Vec<PathBuf> {
    walkdir::WalkDir::new("/sys/fs/cgroup")
        .max_depth(6)
        .into_iter()
        .flatten()
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(&format!("retrial-{pid}-")))
        })
        .collect()
}

pub(crate) async fn a_stopped_sandbox_leaves_nothing(place: &Place) {
    let sandbox = place.sandbox().await;
    place.ok(&*sandbox, &place.nap(300)).await;
    let control = sandbox.gateway_socket().map(|socket| socket.parent().unwrap().to_path_buf());
    assert!(control.as_ref().is_none_or(|control| control.exists()));
    sandbox.stop().await.unwrap();
    let never_started = place.backend.create(&place.request()).await.unwrap();
    never_started.stop().await.unwrap();
    place.backend.close().await.unwrap();
    assert_eq!(leftovers(place.runtime.path()), Vec::<PathBuf>::new());
    if place.is(BackendKind::Docker) {
        assert_eq!(containers(&place.run).await, Vec::<String>::new());
    }
    assert_eq!(groups(std::process::id()), Vec::<PathBuf>::new());
}

pub(crate) async fn a_dropped_sandbox_ends_by_itself(place: &Place) {
    let sandbox = place.sandbox().await;
    place.ok(&*sandbox, &place.nap(300)).await;
    drop(sandbox);
    place.backend.close().await.unwrap();
    assert_eq!(leftovers(place.runtime.path()), Vec::<PathBuf>::new());
    assert_eq!(groups(std::process::id()), Vec::<PathBuf>::new());
    assert_eq!(containers(&place.run).await, Vec::<String>::new());
}

const HOLD: &str = "RETRIAL_TEST_HOLD";

/// In a process of its own: starts a sandbox, says so, and waits to be killed.
pub(crate) fn hold() {
    let Ok(kind) = std::env::var(HOLD) else { return };
    let holding = async |place: &Place| {
        let sandbox = place.sandbox().await;
        place.ok(&*sandbox, &place.nap(nap(std::process::id()))).await;
        println!("RUN {}", place.run);
        println!("BASE {}", place.runtime.path().display());
        std::future::pending::<()>().await;
    };
    if kind == "docker" { place::run(place::docker, holding) } else { place::run(place::namespace, holding) }
}

/// Returns a number of seconds that only the sandbox held by the process `holder` sleeps.
fn nap(holder: u32) -> u32 {
    1_000_000 + holder
}

/// Returns how many processes on the host sleep as the sandbox held by `holder` does.
fn sleepers(holder: u32) -> usize {
    let line = format!("sleep\0{}\0", nap(holder));
    let processes = fs_err::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| fs_err::read(entry.path().join("cmdline")).ok())
        .filter(|found| *found == line.as_bytes())
        .count()
}

/// The process that holds a sandbox; killed also when the check fails.
struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) async fn what_a_killed_process_leaves_is_reaped(place: &Place) {
    let kind = place.backend.kind().to_string();
    let holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hold_a_sandbox_until_killed", "--ignored", "--nocapture"])
        .env(HOLD, kind)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut holder = Holder(holder);
    let (mut run, mut base) = (String::new(), PathBuf::new());
    for line in BufReader::new(holder.0.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if let Some((_, found)) = line.split_once("RUN ") {
            run.push_str(found);
        } else if let Some((_, found)) = line.split_once("BASE ") {
            base = found.into();
            break;
        }
    }
    assert!(!run.is_empty(), "the holder did not start");
    assert!(sleepers(holder.0.id()) > 0);
    holder.0.kill().unwrap();
    holder.0.wait().unwrap();

    // The sandbox's processes end by themselves, because their relay has lost its host.
    let begin = Instant::now();
    while sleepers(holder.0.id()) > 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "processes survive their host");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!leftovers(&base).is_empty());
    // A back end over the same runtime directory, as the next start of the program makes it.
    let runtime = retrial_sandbox::Runtime::open_in(base.join("r")).unwrap();
    let next: Box<dyn retrial_sandbox::Backend> = if place.is(BackendKind::Docker) {
        assert_eq!(containers(&run).await.len(), 1);
        Box::new(retrial_sandbox::DockerBackend::connect(runtime, None).await.unwrap())
    } else {
        Box::new(retrial_sandbox::NamespaceBackend::new(runtime, place::helper()))
    };
    let reaped = next.reap(&Reap::Run(run.clone())).await.unwrap();
    assert_eq!(reaped.directories.len(), 1);
    assert_eq!(reaped.containers.len(), usize::from(place.is(BackendKind::Docker)));
    assert_eq!(containers(&run).await, Vec::<String>::new());
    assert_eq!(leftovers(&base), Vec::<PathBuf>::new());
    drop(next);
    fs_err::remove_dir_all(base).unwrap();
}

pub(crate) async fn a_failing_build_is_an_error_with_the_end_of_its_log(place: &Place) {
    let directory = environment_directory(&format!("FROM {}\nRUN echo some words; exit 3\n", base_image()));
    let environment = Environment::from_directory(directory.path()).unwrap();
    let error = place.backend.prepare(&environment).await.unwrap_err();
    assert!(matches!(error, BuildError::Failed { .. }), "{error:?}");
    assert!(!error.is_infrastructure());
    assert!(error.to_string().contains("returned a non-zero code: 3"), "{error}");
    assert!(error.log_tail().unwrap().contains("some words"), "{error:?}");
    let missing =
        place.backend.prepare(&Environment::from_image("retrial/no-such-image:1")).await.unwrap_err();
    assert!(matches!(missing, BuildError::NoImage { .. }), "{missing:?}");
}

pub(crate) async fn an_image_is_built_once_for_all_who_ask(place: &Place) {
    let unique = format!("FROM {}\nENV NUMBER={}\n", base_image(), std::process::id());
    let directory = environment_directory(&unique);
    let environment = Environment::from_directory(directory.path()).unwrap();
    let backend = &place.backend;
    let (a, b, c) = tokio::join!(
        backend.prepare(&environment),
        backend.prepare(&environment),
        backend.prepare(&environment)
    );
    let prepared = [a.unwrap(), b.unwrap(), c.unwrap()];
    assert_eq!(prepared.iter().filter(|prepared| !prepared.build_log.is_empty()).count(), 1);
    assert!(
        prepared.iter().all(|other| other.root == prepared[0].root && other.digest == prepared[0].digest)
    );
    let docker = Docker::connect_with_defaults().unwrap().negotiate_version().await.unwrap();
    docker.remove_image(&prepared[0].root, None::<RemoveImageOptions>, None).await.unwrap();
}

pub(crate) async fn a_dockerfile_that_does_more_is_refused_with_reasons(place: &Place) {
    let directory = environment_directory("FROM x\nWORKDIR /usr/src/app\nRUN make\n");
    let environment = Environment::from_directory(directory.path()).unwrap();
    let error = place.backend.prepare(&environment).await.unwrap_err();
    let BuildError::NeedsDocker { reasons } = &error else { panic!("{error:?}") };
    assert_eq!(reasons.len(), 2, "{reasons:?}");
}

/// Puts a program of the host and the libraries it is linked to where it lies on the host.
fn install(root: &Path, program: &str) {
    let linked = Command::new("ldd").arg(program).output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    for path in linked.split_whitespace().filter(|word| word.starts_with('/')).chain([program]) {
        let to = root.join(path.trim_start_matches('/'));
        fs_err::create_dir_all(to.parent().unwrap()).unwrap();
        fs_err::copy(path, to).unwrap();
    }
}

pub(crate) async fn an_unpacked_root_takes_the_place_of_the_hosts_programs(place: &Place) {
    let root = tempfile::tempdir().unwrap();
    fs_err::set_permissions(root.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    install(root.path(), "/bin/sh");
    install(root.path(), "/bin/cat");
    fs_err::create_dir_all(root.path().join("etc")).unwrap();
    fs_err::write(root.path().join("etc/mark"), "unpacked\n").unwrap();
    fs_err::create_dir_all(root.path().join("home/someone")).unwrap();
    let directory = environment_directory("FROM x\nWORKDIR /app\nCOPY workspace/ .\n");
    let mut environment = Environment::from_directory(directory.path()).unwrap();
    environment.rootfs = Some(root.path().to_path_buf());
    let prepared = place.backend.prepare(&environment).await.unwrap();
    let request = retrial_sandbox::SandboxRequest::new(place.run.clone(), "trial", prepared);
    let sandbox = place.start(&request).await;
    assert_eq!(
        place.ok(&*sandbox, "cat /etc/mark /app/start.txt; echo new > new.txt").await,
        "unpacked\nhello\n"
    );
    for hidden in
        ["/usr/bin/python3 -c 0", "cat /etc/ssl/openssl.cnf", "cd /home/someone", "echo x > /etc/mark"]
    {
        assert!(!place.sh(&*sandbox, hidden).await.0.is_success(), "`{hidden}` succeeded");
    }
    sandbox.stop().await.unwrap();
}
