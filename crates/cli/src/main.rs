//! The `retrial` command.
fn main() {}
