#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| xtask_kit::fuzzing::timings_record(text));
