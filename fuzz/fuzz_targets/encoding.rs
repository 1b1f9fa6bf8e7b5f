//! Compressed bodies.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| retrial_gateway::fuzzing::encoding(input.0, input.1));
