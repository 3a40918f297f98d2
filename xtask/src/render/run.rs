//! What `run-affected` has to say of what it does not run.

use super::count;
use super::why::nextest_because;
use crate::action::run::{Partition, Tool};
use crate::graph::Mode;
use crate::question::Answer;
use crate::quote;

/// Why nothing is run.
pub fn nothing(answer: &Answer, tool: Tool, partition: Option<Partition>) -> String {
    let compared = quote::line(&answer.compared);
    match partition {
        Some(Partition { slice, of }) => {
            format!("nothing to run in slice {slice} of {of} ({compared})")
        }
        None => {
            let name = tool.name();
            format!("nothing is affected that `cargo {name}` would do something with ({compared})")
        }
    }
}

/// Returns the reason for which nextest runs all tests again, where nextest is run.
pub fn configured(answer: &Answer, tool: Tool) -> Option<String> {
    let because = nextest_because(answer).filter(|_| tool == Tool::Nextest)?;
    Some(format!("all tests are run: {because}"))
}

/// That nextest runs no documentation tests, where some are affected.
pub fn doctests(answer: &Answer, tool: Tool) -> Option<String> {
    let affected = answer.affected.units();
    let number = affected
        .filter(|(unit, _)| answer.graph.unit(*unit).mode == Mode::Doctest)
        .count();
    (tool == Tool::Nextest && number > 0).then(|| {
        format!(
            "nextest runs no documentation tests; those of {} are affected: \
             `run-affected test -- --doc`",
            count(number, "package")
        )
    })
}
