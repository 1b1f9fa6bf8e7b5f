//! Opening the back end that a command asks for.

use std::sync::Arc;

use retrial_runner::{FakeWorld, TaskDir};
use retrial_sandbox::{
    Backend, Capabilities, DockerBackend, FakeBackend, HelperCommand, NamespaceBackend, Runtime,
};
use retrial_spec::SandboxChoice;

use crate::env_vars;
use crate::failure::Failure;
use crate::out;

/// The hidden first argument with which this program is the namespace back end's helper.
pub(crate) const NAMESPACE_HELPER: &str = "__namespace-sandbox";

/// A back end that works here.
pub(crate) struct Opened {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) capabilities: Capabilities,
    pub(crate) runtime: Arc<Runtime>,
}

impl Opened {
    async fn probe(backend: impl Backend + 'static, runtime: Arc<Runtime>) -> Result<Self, Failure> {
        let capabilities = backend.probe().await?;
        Ok(Self { backend: Arc::new(backend), capabilities, runtime })
    }
}

/// Opens the chosen back end. `auto` takes Docker where an engine answers and namespaces otherwise, and says which.
pub(crate) async fn open(choice: SandboxChoice, tasks: &[Arc<TaskDir>]) -> Result<Opened, Failure> {
    match choice {
        SandboxChoice::Docker => docker().await,
        SandboxChoice::Namespace => namespace().await,
        SandboxChoice::Fake => Opened::probe(FakeBackend::new(FakeWorld::new(tasks)), Runtime::open()?).await,
        SandboxChoice::Auto => match docker().await {
            Ok(opened) => {
                out::message(&format!("sandbox: docker ({})", opened.capabilities.version));
                Ok(opened)
            }
            Err(Failure::Probe(why)) => {
                out::message(&format!(
                    "sandbox: namespace, which isolates less than a container ({})",
                    why.reason
                ));
                namespace().await.map_err(|_| Failure::NoBackend)
            }
            Err(other) => Err(other),
        },
    }
}

/// Opens Docker or Podman.
pub(crate) async fn docker() -> Result<Opened, Failure> {
    let runtime = Runtime::open()?;
    let address = std::env::var(env_vars::DOCKER_HOST).ok().filter(|address| !address.is_empty());
    let backend = DockerBackend::connect(Arc::clone(&runtime), address.as_deref()).await?;
    Opened::probe(backend, runtime).await
}

/// Opens namespaces; this program is its own helper.
pub(crate) async fn namespace() -> Result<Opened, Failure> {
    let runtime = Runtime::open()?;
    let helper =
        HelperCommand { program: std::env::current_exe()?, arguments: vec![NAMESPACE_HELPER.into()] };
    Opened::probe(NamespaceBackend::new(Arc::clone(&runtime), helper), runtime).await
}
