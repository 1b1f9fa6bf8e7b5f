//! `retrial clean`: removes what crashed runs left behind.

use retrial_sandbox::Reap;
use retrial_spec::Exit;

use crate::args::CleanArgs;
use crate::backend::Opened;
use crate::failure::Failure;
use crate::{backend, out, places};

/// Removes leftovers of dead processes on every usable back end, and kits where asked.
pub(crate) async fn clean(args: &CleanArgs) -> Result<Exit, Failure> {
    for opened in [backend::docker().await, backend::namespace().await] {
        let Opened { backend, capabilities, .. } = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                out::message(&format!("skipped: {failure}"));
                continue;
            }
        };
        let reaped = backend.reap(&Reap::DeadOwners).await?;
        let (containers, directories) = (reaped.containers.len(), reaped.directories.len());
        out::message(&format!(
            "{}: removed {containers} containers and {directories} directories",
            capabilities.kind
        ));
        backend.close().await?;
    }
    if args.kits {
        let kits = places::cache_dir()?.join("kits");
        match fs_err::remove_dir_all(&kits) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => out::message("kits: removed"),
        }
    }
    Ok(Exit::Done)
}
