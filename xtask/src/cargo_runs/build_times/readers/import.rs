//! Records from files: exported ones, cargo's own report pages, its build logs.

use super::{build_log, report_html};
use crate::cargo_runs::build_times::{BuildRecord, BuildTimings, Run, read_report, read_run};
use xtask_impact::paths::hashed;

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Imported {
    /// Records as `timings export` writes them; and for those that cannot be read which one it is
    /// and what is wrong.
    Records(Vec<BuildRecord>, Vec<String>),
    /// A build of which cargo itself left a record, and what is known of its run.
    Build(Box<(Run, BuildTimings)>),
}

/// Reads a file's text. `name` is the file's, without its extension.
///
/// # Errors
/// In words, what is wrong with it and what to do.
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
    // A record that somebody has laid out over several lines is one all the same.
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

/// An id in cargo's form for a page that has lost its name: its start, and a hash of the page.
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
