//! What a task wants kept of its agent's sandbox: copied into the attempt's directory with a list, and handed to a separate verifier.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use retrial_sandbox::{Entry, EntryKind, Sandbox, SandboxError, TreeArchive, TreeError, User};
use retrial_spec::ArtifactTable;
use serde::Serialize;

use crate::ReadyTask;
use crate::grade::error_chain;
use crate::kept_tree::{self, KEPT_BYTES};
use crate::native_logs::NativeLogError;
use crate::ready_part::ReadyPart;

/// The directory inside that of the attempt or step.
const DIRECTORY: &str = "artifacts";

/// The list of what was kept, and of what was not.
const MANIFEST: &str = "manifest.json";

/// What lies here is kept though no task says so, as by Harbor's convention.
const CONVENTION: &str = "/logs/artifacts";

/// Where it is kept.
const CONVENTION_KEPT_AS: &str = "logs-artifacts";

/// An artifact as it lay in the sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    /// Where it lay, absolute.
    source: String,
    is_file: bool,
    tree: TreeArchive,
}

/// What was gathered after an agent.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) artifacts: Vec<Artifact>,
    /// Why one of them could not be read, though it is there.
    pub(crate) unreadable: Option<SandboxError>,
}

/// What became of an artifact.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// It is kept.
    Ok,
    /// It was not there, or could not be read.
    Failed,
    /// It is a directory without files.
    Empty,
    /// It is larger than what is kept.
    Skipped,
}

/// A line of the list.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    source: &'a str,
    destination: String,
    /// `file` or `directory`; nothing where it was not there.
    r#type: Option<&'static str>,
    status: Status,
    service: &'a str,
    exclude: &'a [String],
}

impl ReadyTask {
    /// Makes the directory whose content is kept without being asked for.
    pub(crate) async fn make_convention(&self, sandbox: &dyn Sandbox) -> Result<(), SandboxError> {
        sandbox.copy_in(&TreeArchive::empty(), CONVENTION, self.agent_user()).await
    }

    /// Keeps the artifacts of a part below `directory`. One that is not there or cannot be read is listed as failed.
    pub(crate) async fn gather(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
        directory: &Path,
    ) -> Result<Gathered, NativeLogError> {
        let directory = directory.join(DIRECTORY);
        let (mut gathered, mut list) = (Gathered::default(), Vec::new());
        let convention = convention();
        let is_stated =
            part.artifacts.iter().any(|artifact| artifact.source.trim_end_matches('/') == CONVENTION);
        let stated = part.artifacts.iter().map(|artifact| (artifact, true));
        for (artifact, is_asked_for) in stated.chain((!is_stated).then_some((&convention, false))) {
            let source = self.absolute(&artifact.source);
            let read = self.read_artifact(sandbox, artifact, &source).await;
            let is_infrastructure = read.as_ref().is_err_and(SandboxError::is_infrastructure);
            match read {
                Err(error) if is_infrastructure => return Err(error.into()),
                // Nobody asked for it.
                Err(_) if !is_asked_for => {}
                Ok(found) if !is_asked_for && found.is_empty() => {}
                Err(error) => {
                    list.push(listed(artifact, None, Status::Failed));
                    note(&directory, artifact, &error_chain(&error))?;
                    if !is_missing(&error) {
                        gathered.unreadable = Some(error);
                    }
                }
                Ok(found) => {
                    list.push(found.keep(artifact, &directory)?);
                    gathered.artifacts.push(found);
                }
            }
        }
        if !list.is_empty() {
            fs_err::create_dir_all(&directory)?;
            let text = serde_json::to_string_pretty(&list).map_err(std::io::Error::other)? + "\n";
            fs_err::write(directory.join(MANIFEST), text)?;
        }
        Ok(gathered)
    }

    /// Reads the artifacts of a part without keeping them. What is not there is left out.
    pub(crate) async fn artifacts(
        &self,
        sandbox: &dyn Sandbox,
        part: &ReadyPart,
    ) -> Result<Vec<Artifact>, SandboxError> {
        let mut artifacts = Vec::new();
        for artifact in part.artifacts.iter().chain([&convention()]) {
            match self.read_artifact(sandbox, artifact, &self.absolute(&artifact.source)).await {
                Ok(found) => artifacts.push(found),
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(artifacts)
    }

    async fn read_artifact(
        &self,
        sandbox: &dyn Sandbox,
        artifact: &ArtifactTable,
        source: &str,
    ) -> Result<Artifact, SandboxError> {
        let tree = sandbox.copy_out(source, self.limits.workspace).await?;
        let mut is_file = kept_tree::is_the_file(&tree, source);
        if is_file {
            let mut request = self.shell("", User::Root);
            request.argv = ["sh", "-c", "[ -d \"$1\" ]", "sh", source].map(str::to_owned).to_vec();
            let tested = sandbox.exec(request, &mut retrial_sandbox::Discard).await;
            is_file = !tested.is_ok_and(|tested| tested.is_success());
        }
        let excluded = excluded(&artifact.exclude);
        let keep = |entry: &Entry| {
            let is_directory = matches!(entry.kind(), EntryKind::Directory);
            !excluded.matched_path_or_any_parents(entry.display_path(), is_directory).is_ignore()
        };
        let tree = if is_file || artifact.exclude.is_empty() { tree } else { tree.filter(keep) };
        Ok(Artifact { source: source.to_owned(), is_file, tree })
    }

    fn absolute(&self, source: &str) -> String {
        if source.starts_with('/') {
            source.to_owned()
        } else {
            format!("{}/{source}", self.prepared.workdir)
        }
    }

    /// Puts artifacts where they lay, in the sandbox of a separate verifier.
    pub(crate) async fn hand_over(
        &self,
        sandbox: &dyn Sandbox,
        artifacts: &[Artifact],
    ) -> Result<(), SandboxError> {
        for artifact in artifacts {
            let source = artifact.source.trim_end_matches('/');
            let parent = source.rsplit_once('/').map_or("/", |(parent, _)| parent);
            let to = match (artifact.is_file, parent) {
                (false, _) => source,
                (true, "") => "/",
                (true, parent) => parent,
            };
            sandbox.copy_in(&artifact.tree, to, self.handed_to()).await?;
        }
        Ok(())
    }
}

impl Artifact {
    fn is_empty(&self) -> bool {
        !self.tree.entries().iter().any(|entry| matches!(entry.kind(), EntryKind::File { .. }))
    }

    fn keep<'a>(&self, artifact: &'a ArtifactTable, directory: &Path) -> std::io::Result<Listed<'a>> {
        let kind = if self.is_file { "file" } else { "directory" };
        let place = kept_tree::place(directory, artifact.kept_as());
        let status = if self.tree.content_bytes() > KEPT_BYTES {
            let why = format!("it holds {} bytes; {KEPT_BYTES} are kept at most", self.tree.content_bytes());
            note(directory, artifact, &why)?;
            Status::Skipped
        } else if self.is_empty() && self.is_file {
            note(directory, artifact, "it is a link, which is not followed")?;
            Status::Failed
        } else if self.is_empty() {
            fs_err::create_dir_all(&place)?;
            Status::Empty
        } else {
            kept_tree::write(&self.tree, &place, self.is_file)?;
            Status::Ok
        };
        Ok(listed(artifact, Some(kind), status))
    }
}

fn listed<'a>(artifact: &'a ArtifactTable, r#type: Option<&'static str>, status: Status) -> Listed<'a> {
    let kept_as = kept_tree::place(Path::new(""), artifact.kept_as());
    Listed {
        source: &artifact.source,
        destination: kept_as.to_string_lossy().into_owned(),
        r#type,
        status,
        service: artifact.service.as_deref().unwrap_or("main"),
        exclude: &artifact.exclude,
    }
}

/// Says why an artifact is not kept, beside where it would be.
fn note(directory: &Path, artifact: &ArtifactTable, why: &str) -> std::io::Result<()> {
    let mut place = kept_tree::place(directory, artifact.kept_as()).into_os_string();
    place.push(".left-out");
    let place = Path::new(&place);
    fs_err::create_dir_all(place.parent().unwrap_or(directory))?;
    fs_err::write(place, format!("{}: {why}\n", artifact.source))
}

fn is_missing(error: &SandboxError) -> bool {
    matches!(error, SandboxError::Tree { source: TreeError::Missing, .. })
}

fn convention() -> ArtifactTable {
    ArtifactTable {
        source: CONVENTION.to_owned(),
        destination: Some(CONVENTION_KEPT_AS.to_owned()),
        exclude: Vec::new(),
        service: None,
    }
}

/// The patterns of what is left out, which the task's reader has checked.
fn excluded(patterns: &[String]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let _ = builder.add_line(None, pattern);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
