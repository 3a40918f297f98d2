//! Messages of `run-affected` about commands that are not run.

use std::time::Duration;

use xtask_impact::query::Answer;
use xtask_impact::quote;
use xtask_impact::unit_graph::Mode;

use crate::cli::output::count;
use crate::selection::{Partition, Tool};

/// Returns the reason why nothing is run.
pub(crate) fn nothing(answer: &Answer, tool: Tool, partition: Option<Partition>) -> String {
    let compared = quote::line(&answer.compared);
    match partition {
        Some(Partition { slice, of }) => {
            format!("nothing to run in slice {slice} of {of} ({compared})")
        }
        None => {
            let name = tool.name();
            format!("nothing is affected for `cargo {name}` ({compared})")
        }
    }
}

/// Returns the reason why a program is not run.
pub(crate) fn no_program(answer: &Answer) -> String {
    let compared = quote::line(&answer.compared);
    format!("nothing is affected for the program ({compared})")
}

/// Returns the line about a run that a save started.
pub(crate) fn watched(tool: Option<Tool>, first: &str, saves: usize, time: Duration) -> String {
    let more = match saves {
        0 | 1 => String::new(),
        _ => format!(" and {} more", saves - 1),
    };
    let tool = tool.map_or("the program", Tool::name);
    let first = quote::name(first);
    format!("{tool} after {first}{more} in {:.2}s", time.as_secs_f64())
}

/// Returns the note about files that a switch of the branch changed.
pub(crate) fn switched(files: usize) -> String {
    format!(
        "HEAD moved, and git wrote {}; such files do not start a run\nhint: `run-affected TOOL \
         --since @{{1}}` runs a tool on the units that they affect",
        count(files, "file")
    )
}

/// Returns a note that nextest runs no documentation tests, if some are affected.
pub(crate) fn doctests(answer: &Answer, tool: Tool) -> Option<String> {
    let affected = answer.affected.units();
    let number = affected
        .filter(|(unit, _)| answer.graph.unit(*unit).mode == Mode::Doctest)
        .count();
    (tool == Tool::Nextest && number > 0).then(|| {
        format!(
            "nextest does not run doctests, and doctests of {} are affected: run `run-affected \
             test -- --doc`",
            count(number, "package")
        )
    })
}
