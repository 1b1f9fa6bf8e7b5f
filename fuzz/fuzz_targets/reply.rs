//! Replies of all protocols, streamed and not, compressed and not.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &[u8])| retrial_gateway::fuzzing::reply(
    input.0,
    usize::from(input.1),
    input.2
));
