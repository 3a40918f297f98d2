//! The harness of the tests: projects in temporary directories, the programs that run in them, and
//! the output of these programs.

pub(crate) mod browser;
mod cargo;
pub(crate) mod clean;
mod output;
mod project;
pub(crate) mod sample;
pub(crate) mod tree;

pub(crate) use cargo::{Unit, UnitsWithReasons, named_unit, rebuilt};
pub(crate) use output::Output;
pub(crate) use project::{Project, manifest};
