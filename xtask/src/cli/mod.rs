//! The parts of the command line that commands share: groups of arguments, and the only printer.

pub(crate) mod args;
pub(crate) mod change_args;
pub(crate) mod completion;
pub(crate) mod entry;
mod examples;
pub(crate) mod global;
pub(crate) mod help;
pub(crate) mod help_wrap;
pub(crate) mod lazy;
pub(crate) mod logging;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod status;
pub(crate) mod suggestion;
pub(crate) mod workspaces;
pub(crate) mod write_error;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use xtask_impact::unit_graph::Verb;

/// Returns a parser for the name of a verb. The help shows the cargo command of each verb.
pub(crate) fn verbs() -> impl TypedValueParser<Value = Verb> {
    let values = Verb::ALL.map(|verb| {
        let command = format!("`cargo {}`", verb.cargo_args().join(" "));
        PossibleValue::new(verb.name()).help(command)
    });
    PossibleValuesParser::new(values).try_map(|name| name.parse())
}
