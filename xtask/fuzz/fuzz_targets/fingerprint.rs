#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| xtask_impact::fuzzing::fingerprint(text));
