//! The parsers of the kit, for the fuzz targets in `xtask/fuzz`, as in `xtask_impact::fuzzing`.
//!
//! This module exists only under `--cfg fuzzing`.

use crate::built_from;
use crate::cargo_runs::build_times::{BuildRecord, read_report, read_run};
use crate::doctor;

/// Reads a text as cargo's timing report.
pub fn timings_page(text: &str) {
    drop(read_report(text, &[]));
    drop(read_run(text));
    // The reader looks for data only in a text that looks like a whole report.
    let page = format!("<title>Cargo Build Timings — x</title>{text}</html>");
    drop(read_report(&page, &[]));
    drop(read_run(&page));
}

/// Decodes the body of a record of `freshness`.
pub fn freshness_record(bytes: &[u8]) {
    drop(postcard::from_bytes::<built_from::record::BuildRecord>(
        bytes,
    ));
}

/// Reads a text as the record of a build.
pub fn timings_record(text: &str) {
    drop(BuildRecord::head(text));
    drop(BuildRecord::read(text));
}

/// Reads a text as a workflow of a CI service, which is a YAML file.
pub fn yaml(text: &str) {
    doctor::parse_workflow(text);
}
