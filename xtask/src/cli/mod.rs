//! The parts of the command line that commands share: groups of arguments, and the only printer.

pub mod args;
pub mod output;
pub mod workspaces;
