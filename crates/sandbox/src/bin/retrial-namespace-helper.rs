//! The helper of namespace sandboxes as a program of its own, for this crate's tests; `retrial` is its own helper.

use std::process::ExitCode;

fn main() -> ExitCode {
    retrial_sandbox::namespace_helper_main()
}
