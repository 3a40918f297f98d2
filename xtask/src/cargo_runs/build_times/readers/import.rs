//! Reads records from files: exported records, cargo's report pages and cargo's build logs.

use xtask_impact::paths::hashed;

use super::{build_log, report_html};
use crate::cargo_runs::build_times::{BuildRecord, BuildTimings, Run, read_report, read_run};

/// The contents of an imported file.
#[derive(Debug)]
pub(crate) enum Imported {
    /// Records that `timings export` wrote. The second field has a message for each record that
    /// cannot be read, with the record's number and the fault.
    Records(Vec<BuildRecord>, Vec<String>),
    /// A build that cargo itself recorded, with the known facts about its run.
    Build(Box<(Run, BuildTimings)>),
}

/// Reads the text of a file. `name` is the file's name without its extension.
///
/// # Errors
/// Returns a message that says what is wrong with the file and what to do.
pub(crate) fn read(
    text: &str,
    name: &str,
    is_proc_macro: &dyn Fn(&str, &str) -> bool,
) -> Result<Imported, String> {
    if build_log::is_log(text) {
        let build = build_log::read(text, is_proc_macro)?;
        return Ok(Imported::Build(Box::new(build)));
    }
    if !text.trim_start().starts_with('{') {
        let build = read_report(text, &[]).map_err(|error| error.to_string())?;
        let mut run = read_run(text);
        run.id = match name.strip_prefix("cargo-timing-") {
            Some(id) => id.to_owned(),
            None => id_of(text),
        };
        return Ok(Imported::Build(Box::new((run, build))));
    }
    // A single record may span several lines.
    let is_one = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let parts = if is_one { vec![text] } else { lines.collect() };
    let (mut records, mut damaged) = (Vec::new(), Vec::new());
    for (number, part) in (1..).zip(parts) {
        match BuildRecord::read(part) {
            Ok(record) => records.push(record),
            Err(error) => damaged.push(format!("record {number}: {error}")),
        }
    }
    match records.is_empty() {
        true => Err(damaged.join("; ")),
        false => Ok(Imported::Records(records, damaged)),
    }
}

/// Returns an id in cargo's form for a page whose file was renamed: the build's start and a hash of
/// the page.
fn id_of(page: &str) -> String {
    let digits: String = report_html::started(page)
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .take(18)
        .collect();
    let digits = match digits.as_str() {
        "" => "unknown",
        digits => digits,
    };
    format!("{digits}Z-{:016x}", hashed(page))
}
