//! The relay's program; all of it is in the library, because both sides share the protocol.

use std::process::ExitCode;

fn main() -> ExitCode {
    retrial_relay::run(std::env::args_os().skip(1))
}
