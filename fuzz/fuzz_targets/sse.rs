//! Server-sent events out of bytes that come in any pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| retrial_gateway::fuzzing::events(usize::from(input.0), input.1));
