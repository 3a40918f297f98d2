#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xtask_impact::fuzzing::git_output(bytes));
