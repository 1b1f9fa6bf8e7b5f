//! Containers of a local Docker or Podman engine. The engine creates, starts and removes; everything in between
//! goes through the relay, which is the container's first process, because an exec through the engine costs 30–50 ms.

mod backend;
mod connect;
mod container;
mod image;

pub use backend::DockerBackend;
