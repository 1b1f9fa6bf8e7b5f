//! `retrial view`: a run in the browser, also while it goes on.

use std::sync::Arc;

use retrial_spec::Exit;
use tokio::sync::watch;

use crate::args::ViewArgs;
use crate::failure::Failure;
use crate::out;
use crate::view::{Follower, Server};

/// Serves the page of a run until it is asked to end.
pub(crate) async fn view(args: &ViewArgs) -> Result<Exit, Failure> {
    let (follower, first) = Follower::start(args.run.clone(), args.settings.clone())?;
    let server = Server::bind(args.port).await.map_err(Failure::Serve)?;
    out::data(&format!("{}\n", server.url()))?;
    out::message("Ctrl-C ends it");
    let (sender, shown) = watch::channel(Arc::new(first));
    tokio::spawn(follower.follow(sender));
    server.serve(shown, asked_to_end()).await.map_err(Failure::Serve)?;
    Ok(Exit::Done)
}

async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
