//! Where a check runs: a back end with its environment, and the few things checks do over and over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use retrial_sandbox::{
    Backend, BackendKind, Capture, DockerBackend, Environment, ExecRequest, ExecResult, FakeBackend,
    HelperCommand, NamespaceBackend, Prepared, Runtime, Sandbox, SandboxRequest,
};

use crate::interpreter::Interpreter;

/// A back end, and an environment it has prepared.
pub(crate) struct Place {
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) prepared: Prepared,
    pub(crate) run: String,
    /// The base of the runtime directory; empty for the fake.
    pub(crate) runtime: tempfile::TempDir,
}

/// Runs a check, or says why it cannot run.
pub(crate) fn run<F, Check>(make: F, check: Check)
where
    F: AsyncFnOnce() -> Result<Place, String>,
    Check: AsyncFnOnce(&Place),
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        match make().await {
            Ok(place) => {
                check(&place).await;
                place.backend.close().await.unwrap();
            }
            Err(reason) => println!("SKIPPED: {reason}"),
        }
    });
}

/// The environment's directory: a Dockerfile and one starting file.
pub(crate) fn environment_directory(dockerfile: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("Dockerfile"), dockerfile).unwrap();
    fs_err::create_dir(directory.path().join("workspace")).unwrap();
    fs_err::write(directory.path().join("workspace/start.txt"), "hello\n").unwrap();
    directory
}

pub(crate) fn base_image() -> String {
    std::env::var("RETRIAL_BASE_IMAGE").unwrap_or_else(|_| "retrial/base:bookworm".into())
}

/// Prepares the standard environment.
pub(crate) async fn place(
    make: impl AsyncFnOnce(Arc<Runtime>) -> Result<Box<dyn Backend>, String>,
) -> Result<Place, String> {
    // Short, since sockets lie below it.
    let runtime = tempfile::Builder::new().prefix("rt").tempdir_in("/tmp").unwrap();
    let backend = make(Runtime::open_in(runtime.path().join("r")).unwrap()).await?;
    let dockerfile = format!("FROM {}\nENV FROM_IMAGE=yes\nWORKDIR /app\nCOPY workspace/ .\n", base_image());
    let directory = environment_directory(&dockerfile);
    let environment = Environment::from_directory(directory.path()).unwrap();
    let prepared = backend.prepare(&environment).await.unwrap();
    let name = std::thread::current().name().unwrap_or("check").to_owned();
    Ok(Place { backend, prepared, run: format!("{name}-{}", std::process::id()), runtime })
}

pub(crate) async fn docker() -> Result<Place, String> {
    place(async |runtime| {
        let address = std::env::var("DOCKER_HOST").ok();
        match DockerBackend::connect(runtime, address.as_deref()).await {
            Ok(backend) => Ok(Box::new(backend) as Box<dyn Backend>),
            Err(error) if std::env::var("RETRIAL_REQUIRE_DOCKER").as_deref() == Ok("1") => {
                panic!("docker is required: {error}")
            }
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}

pub(crate) fn helper() -> HelperCommand {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_retrial-namespace-helper"));
    HelperCommand { program, arguments: Vec::new() }
}

pub(crate) async fn namespace() -> Result<Place, String> {
    place(async |runtime| {
        let backend = NamespaceBackend::new(runtime, helper());
        match backend.probe().await {
            Ok(_) => Ok(Box::new(backend) as Box<dyn Backend>),
            Err(error) if std::env::var("RETRIAL_REQUIRE_NAMESPACE").as_deref() == Ok("1") => {
                panic!("namespaces are required: {error}")
            }
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}

pub(crate) async fn fake() -> Result<Place, String> {
    place(async |_| Ok(Box::new(FakeBackend::new(Interpreter)) as Box<dyn Backend>)).await
}

impl Place {
    pub(crate) fn is(&self, kind: BackendKind) -> bool {
        self.backend.kind() == kind
    }

    pub(crate) fn request(&self) -> SandboxRequest {
        SandboxRequest::new(self.run.clone(), "trial", self.prepared.clone())
    }

    /// Creates and starts a sandbox.
    pub(crate) async fn start(&self, request: &SandboxRequest) -> Box<dyn Sandbox> {
        let sandbox = self.backend.create(request).await.unwrap();
        sandbox.start().await.unwrap();
        sandbox
    }

    pub(crate) async fn sandbox(&self) -> Box<dyn Sandbox> {
        self.start(&self.request()).await
    }

    /// A shell command in the working directory, with the usual environment and a generous limit.
    pub(crate) fn shell(&self, script: &str) -> ExecRequest {
        ExecRequest::new(["sh", "-c", script], "/app")
            .env(self.request().base_env())
            .time_limit(Duration::from_mins(1))
    }

    /// Runs a shell command to its end.
    pub(crate) async fn sh(&self, sandbox: &dyn Sandbox, script: &str) -> (ExecResult, Capture) {
        let mut capture = Capture::default();
        let result = sandbox.exec(self.shell(script), &mut capture).await.unwrap();
        (result, capture)
    }

    /// Runs a shell command that must succeed; returns what it wrote to standard output.
    pub(crate) async fn ok(&self, sandbox: &dyn Sandbox, script: &str) -> String {
        let (result, capture) = self.sh(sandbox, script).await;
        let stdout = String::from_utf8_lossy(&capture.stdout).into_owned();
        assert!(result.is_success(), "{result:?}\n{stdout}\n{}", String::from_utf8_lossy(&capture.stderr));
        stdout
    }

    /// A script that starts `sleep` in the background, and ends once it really is that program.
    pub(crate) fn nap(&self, seconds: u32) -> String {
        if self.is(BackendKind::Fake) {
            return format!("sleep {seconds} &\n echo begun");
        }
        format!(
            "sleep {seconds} & until [ \"$(tr '\\0' ' ' < /proc/$!/cmdline)\" = 'sleep {seconds} ' ]; do :; done; echo begun"
        )
    }

    /// Returns the command lines of all processes but the relay and those that look.
    pub(crate) async fn processes(&self, sandbox: &dyn Sandbox) -> Vec<String> {
        let script = "for p in /proc/[0-9]*; do [ $p = /proc/1 ] || [ $p = /proc/$$ ] || tr '\\0' ' ' < $p/cmdline; \
                      echo; done 2>/dev/null";
        let script = if self.is(BackendKind::Fake) { "processes" } else { script };
        let lines = self.ok(sandbox, script).await;
        lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("tr "))
            .map(str::to_owned)
            .collect()
    }
}
