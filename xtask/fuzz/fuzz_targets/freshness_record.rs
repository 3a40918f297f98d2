#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xtask_kit::fuzzing::freshness_record(bytes));
