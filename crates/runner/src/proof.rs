//! Proof of the sandbox policy at the start of a run: it is tried, not assumed, and what came of it is recorded.

use std::time::Duration;

use retrial_gateway::simulate::{Profile, SimulatedTrial};
use retrial_gateway::{Gateway, Revocation, Token, TrialAccess, Upstream};
use retrial_sandbox::{
    Backend, BackendKind, Capabilities, Enforcement, ExecRequest, Limit, Network, Outcome, Sandbox,
    SandboxError,
};
use retrial_spec::{Budget, PolicyProof, RunId, TrialId};

use crate::ReadyTask;
use crate::grade::{Merged, error_chain};

/// Memory of the sandbox that is asked to use more.
const MEMORY_MB: u64 = 64;

/// Processes of the sandbox that is asked to start more.
const PIDS: u64 = 24;

/// Why the policy is not proven. Nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The sandbox failed.
    #[error("cannot prove the sandbox policy")]
    Sandbox(#[source] SandboxError),
    /// The gateway failed.
    #[error("cannot prove the sandbox policy: {0}")]
    Gateway(String),
    /// Something that must not be possible is.
    #[error("the sandbox policy does not hold: {0}")]
    Broken(String),
}

impl From<SandboxError> for ProofError {
    fn from(error: SandboxError) -> Self {
        Self::Sandbox(error)
    }
}

/// Tries what a sandbox of this task must prevent, and what it must allow.
///
/// # Errors
/// [`ProofError::Broken`] where an outside address answers though the task has no network, the gateway does not answer
/// through the relay, an unprivileged agent holds capabilities, or a limit that the back end claims does not bite.
pub async fn prove_policy(
    backend: &dyn Backend,
    capabilities: &Capabilities,
    gateway: &Gateway,
    task: &ReadyTask,
    run: &RunId,
) -> Result<Option<PolicyProof>, ProofError> {
    if backend.kind() == BackendKind::Fake {
        return Ok(None);
    }
    let mut request = task.request(run, "proof");
    request.limits.memory_mb = MEMORY_MB;
    request.limits.pids = PIDS;
    let offline = request.network == Network::None;
    let sandbox = backend.create(&request).await?;
    let result = try_everything(sandbox.as_ref(), capabilities, gateway, task, offline).await;
    sandbox.stop().await?;
    result.map(Some)
}

async fn try_everything(
    sandbox: &dyn Sandbox,
    capabilities: &Capabilities,
    gateway: &Gateway,
    task: &ReadyTask,
    offline: bool,
) -> Result<PolicyProof, ProofError> {
    let token = Token::generate();
    let open = open_gateway(sandbox, gateway, &token, task).await?;
    sandbox.start().await?;
    let probe = Probe { sandbox, task };
    let outside = probe.says("exec 3<>/dev/tcp/192.0.2.1/80 && echo reached").await?;
    let answer = probe.says(&models_request(token.reveal())).await?;
    let capability = probe
        .says("while read -r key value; do [ \"$key\" = CapEff: ] && echo $value; done </proc/self/status")
        .await?;
    let mut bitten = Vec::new();
    if !probe.survives(&["bash", "-c", "x=$(head -c 209715200 /dev/zero | tr '\\0' x); echo ${#x}"]).await? {
        bitten.push(Limit::Memory);
    }
    if !probe
        .survives(&["bash", "-c", "for i in $(seq 64); do sleep 3 & done 2>&1 | grep -q . && exit 1; exit 0"])
        .await?
    {
        bitten.push(Limit::Processes);
    }
    sandbox.kill_all().await?;
    open.finish().await.map_err(|error| ProofError::Gateway(error_chain(&error)))?;
    let privileged = task.agent_user() == retrial_sandbox::User::Root;
    let proof = PolicyProof {
        outside_unreachable: !outside.contains("reached"),
        gateway_answers: answer.starts_with("HTTP/1.1 200"),
        no_capabilities: !capability.trim().is_empty() && capability.trim().bytes().all(|byte| byte == b'0'),
        limits: bitten.iter().map(ToString::to_string).collect(),
        not_enforced: not_enforced(capabilities),
    };
    let claimed = [Limit::Memory, Limit::Processes]
        .into_iter()
        .find(|&limit| capabilities.enforcement(limit) == Enforcement::Enforced && !bitten.contains(&limit));
    let broken = if offline && !proof.outside_unreachable {
        Some("an outside address was reached".to_owned())
    } else if !proof.gateway_answers {
        Some(format!("the gateway did not answer through the relay, but: {}", answer.trim()))
    } else if !privileged && !proof.no_capabilities {
        Some(format!("the agent's user holds capabilities: {}", capability.trim()))
    } else {
        claimed.map(|limit| format!("the limit on {limit} does not bite"))
    };
    broken.map_or(Ok(proof), |broken| Err(ProofError::Broken(broken)))
}

/// The limits that a back end cannot enforce here.
pub(crate) fn not_enforced(capabilities: &Capabilities) -> Vec<String> {
    let open = |enforcement: &Enforcement| matches!(enforcement, Enforcement::NotEnforced(_));
    capabilities.limits.iter().filter(|(_, held)| open(held)).map(|(limit, _)| limit.to_string()).collect()
}

async fn open_gateway(
    sandbox: &dyn Sandbox,
    gateway: &Gateway,
    token: &Token,
    task: &ReadyTask,
) -> Result<retrial_gateway::TrialGateway, ProofError> {
    let gone = |reason: &str| ProofError::Gateway(reason.to_owned());
    let socket = sandbox.gateway_socket().ok_or_else(|| gone("the sandbox has no socket"))?;
    let wire_log = socket.with_file_name("proof.zst");
    let trial: TrialId =
        format!("{}~proof~baseline~1", task.dir.name).parse().map_err(|_| gone("no such trial"))?;
    // Any upstream will do: the list of models is answered by the gateway itself.
    let step = || vec![retrial_spec::SimulationStep::Command("true".to_owned())];
    let look = vec!["true".to_owned()];
    let simulation = retrial_spec::Simulation { look, correct: step(), wrong: step() };
    let upstream = Upstream::Simulated(SimulatedTrial::new(&Profile::steady(), &simulation, 0, &trial));
    let budget = Budget::of_requests(4);
    let audit_log = socket.with_file_name("proof.jsonl");
    let access = TrialAccess {
        run: RunId::new("proof").map_err(|_| gone("no such run"))?,
        trial,
        attempt: 1,
        socket,
        socket_owner: None,
        token: token.clone(),
        model: "proof".to_owned(),
        upstream,
        budget,
        faults: None,
        reservation: None,
        revocation: Revocation::default(),
        wire_log,
        audit_log,
        recording: None,
    };
    gateway.open(access).await.map_err(|error| ProofError::Gateway(error_chain(&error)))
}

fn models_request(token: &str) -> String {
    format!(
        "exec 3<>/dev/tcp/127.0.0.1/8099 && printf 'GET /v1/models HTTP/1.1\\r\\nHost: gateway\\r\\nAuthorization: \
         Bearer {token}\\r\\nConnection: close\\r\\n\\r\\n' >&3 && IFS= read -r line <&3 && echo \"$line\""
    )
}

/// Runs short commands as the agent.
struct Probe<'a> {
    sandbox: &'a dyn Sandbox,
    task: &'a ReadyTask,
}

impl Probe<'_> {
    fn request(&self, argv: &[&str]) -> ExecRequest {
        let mut request = ExecRequest::new(argv.iter().copied(), self.task.prepared.workdir.clone());
        request.env = self.task.request_env();
        request.user = self.task.agent_user();
        request.time_limit = Some(Duration::from_secs(10));
        request.grace = Duration::from_millis(100);
        request
    }

    async fn says(&self, command: &str) -> Result<String, SandboxError> {
        let mut output = Merged::default();
        self.sandbox.exec(self.request(&["timeout", "3", "bash", "-c", command]), &mut output).await?;
        Ok(String::from_utf8_lossy(&output.bytes).into_owned())
    }

    async fn survives(&self, argv: &[&str]) -> Result<bool, SandboxError> {
        let result = self.sandbox.exec(self.request(argv), &mut Merged::default()).await?;
        Ok(result.outcome == Outcome::Exited(0) && result.oom_kills == 0)
    }
}
