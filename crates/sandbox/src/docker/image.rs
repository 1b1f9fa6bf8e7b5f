//! Building a task's image, once per content.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bollard::Docker;
use bollard::errors::Error as EngineError;
use bollard::models::ImageInspect;
use bollard::query_parameters::{BuildImageOptions, CreateImageOptions};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::backend::Prepared;
use crate::environment::Environment;
use crate::error::BuildError;
use crate::tree::{EntryKind, TreeArchive};

/// Bytes of a build's log that are kept, from its end.
const LOG_TAIL: usize = 64 << 10;

fn engine(action: &str, source: EngineError) -> BuildError {
    BuildError::Engine { action: action.to_owned(), source: source.into() }
}

/// Returns the digest of everything that decides what the image holds: the files and the base images' identities.
pub(super) async fn digest(docker: &Docker, environment: &Environment) -> Result<String, BuildError> {
    let mut hash = Sha256::new();
    hash.update(environment.image.as_deref().unwrap_or_default());
    hash.update(environment.files_digest()?);
    for base in environment.facts.base_images.iter().chain(&environment.image) {
        // One that is not here yet is fetched by the build; its name has to do.
        let found = inspect(docker, base).await?.and_then(|image| image.id).unwrap_or_default();
        hash.update([0]);
        hash.update(base);
        hash.update([0]);
        hash.update(found);
    }
    Ok(hex::encode(hash.finalize()))
}

/// Returns the image, or `None` when the engine has none of that name.
pub(super) async fn inspect(docker: &Docker, name: &str) -> Result<Option<ImageInspect>, BuildError> {
    match docker.inspect_image(name).await {
        Ok(image) => Ok(Some(image)),
        // A name that is no valid reference, as an unresolved variable, names no image either.
        Err(EngineError::DockerResponseServerError { status_code: 400 | 404, .. }) => Ok(None),
        Err(error) => Err(engine("inspect an image", error)),
    }
}

/// Returns the image as `create` needs it.
pub(super) fn prepared(image: ImageInspect, digest: &str, build_log: String) -> Prepared {
    let config = image.config.unwrap_or_default();
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let env =
        config.env.unwrap_or_default().iter().filter_map(|line| line.split_once('=')).map(own).collect();
    Prepared {
        digest: format!("sha256:{digest}"),
        root: image.id.unwrap_or_default(),
        env,
        workdir: filled(config.working_dir).filter(|dir| dir != "/").unwrap_or_else(|| "/app".into()),
        user: filled(config.user),
        starting_files: Vec::new(),
        build_log,
    }
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Fetches an image that the engine does not have, from the registry that its name says, within the environment's limit.
pub(super) async fn pull(docker: &Docker, environment: &Environment, name: &str) -> Result<(), BuildError> {
    let limit = environment.build_limit;
    let docker = docker.clone().with_timeout(limit);
    let no_image = |reason: String| BuildError::NoImage { image: name.to_owned(), reason };
    // Without a tag the engine would fetch every one.
    let last = name.rsplit('/').next().unwrap_or(name);
    let from = if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") };
    let options = CreateImageOptions { from_image: Some(from), ..CreateImageOptions::default() };
    let pulling = async {
        let mut messages = std::pin::pin!(docker.create_image(Some(options), None, None));
        while let Some(message) = messages.next().await {
            let reason = match message {
                Ok(message) => message.error_detail.and_then(|detail| detail.message),
                Err(EngineError::DockerStreamError { error }) => Some(error),
                Err(EngineError::DockerResponseServerError { message, .. }) => Some(message),
                Err(error) => return Err(engine("pull an image", error)),
            };
            if let Some(reason) = reason {
                return Err(no_image(reason));
            }
        }
        Ok(())
    };
    let pulled = tokio::time::timeout(limit, pulling).await;
    pulled.unwrap_or_else(|_| Err(no_image(format!("it was not there after {} s", limit.as_secs()))))
}

/// Builds and tags the image; returns the end of the log.
pub(super) async fn build(
    docker: &Docker,
    environment: &Environment,
    tag: &str,
) -> Result<String, BuildError> {
    let path = environment.directory.clone().unwrap_or_default();
    let files = environment.files()?;
    let context = tokio::task::spawn_blocking(move || pack(&files))
        .await
        .map_err(std::io::Error::other)
        .and_then(|packed| packed)
        .map_err(|source| {
            let source = crate::tree::TreeError::Host { path: path.clone(), source };
            BuildError::Files { path, source }
        })?;
    let options = BuildImageOptions {
        dockerfile: "Dockerfile".into(),
        t: Some(tag.to_owned()),
        rm: true,
        forcerm: true,
        ..BuildImageOptions::default()
    };
    let limit = environment.build_limit;
    let docker = docker.clone().with_timeout(limit);
    let mut log = Log::default();
    let body = bollard::body_try_stream(read_all(context));
    let building = async {
        let mut messages = std::pin::pin!(docker.build_image(options, None, Some(body)));
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| failed(tag, error, &log))?;
            log.push(message.stream.as_deref().unwrap_or_default());
            log.push(message.status.map(|line| line + "\n").as_deref().unwrap_or_default());
            if let Some(reason) = message.error_detail.and_then(|detail| detail.message) {
                return Err(BuildError::Failed { tag: tag.to_owned(), reason, log_tail: log.text() });
            }
        }
        Ok(())
    };
    match tokio::time::timeout(limit, building).await {
        Ok(Ok(())) => Ok(log.text()),
        Ok(Err(error)) => Err(error),
        // Dropping the connection makes the engine stop.
        Err(_) => {
            Err(BuildError::TimedOut { tag: tag.to_owned(), limit_s: limit.as_secs(), log_tail: log.text() })
        }
    }
}

/// Tells a build that fails from an engine that does.
fn failed(tag: &str, error: EngineError, log: &Log) -> BuildError {
    let reason = match error {
        EngineError::DockerStreamError { error } => error,
        EngineError::DockerResponseServerError { status_code: 400..=499, message } => message,
        other => return engine("build an image", other),
    };
    BuildError::Failed { tag: tag.to_owned(), reason, log_tail: log.text() }
}

/// The end of a log.
#[derive(Default)]
struct Log(Vec<u8>);

impl Log {
    fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
        if self.0.len() > 2 * LOG_TAIL {
            self.0.drain(..self.0.len() - LOG_TAIL);
        }
    }

    fn text(&self) -> String {
        let from = self.0.len().saturating_sub(LOG_TAIL);
        String::from_utf8_lossy(&self.0[from..]).into_owned()
    }
}

/// Packs the build's context. Owners and times are left out, so that equal files hit the engine's cache.
fn pack(files: &TreeArchive) -> std::io::Result<fs_err::File> {
    let file = fs_err::File::from_parts(tempfile::tempfile()?, std::env::temp_dir());
    let mut tar = tar::Builder::new(std::io::BufWriter::new(file));
    for entry in files.entries() {
        let path = Path::new(std::ffi::OsStr::from_bytes(entry.path()));
        let mut header = tar::Header::new_gnu();
        header.set_mode(entry.mode());
        header.set_size(0);
        match entry.kind() {
            EntryKind::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                tar.append_data(&mut header, path, std::io::empty())?;
            }
            EntryKind::File { len } => {
                header.set_size(*len);
                tar.append_data(&mut header, path, files.reader(entry))?;
            }
            EntryKind::Symlink { target } => {
                header.set_entry_type(tar::EntryType::Symlink);
                tar.append_link(&mut header, path, Path::new(std::ffi::OsStr::from_bytes(target)))?;
            }
        }
    }
    let mut file = tar.into_inner()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.flush()?;
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}

fn read_all(file: fs_err::File) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold(tokio::fs::File::from_std(file.into_file()), |mut file| async move {
        let mut chunk = vec![0; 256 << 10];
        let n = file.read(&mut chunk).await?;
        chunk.truncate(n);
        Ok((n > 0).then(|| (Bytes::from(chunk), file)))
    })
}
