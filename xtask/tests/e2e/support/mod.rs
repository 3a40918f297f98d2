//! The harness: projects in temporary directories, the programs that are run in them, and what
//! these say.

mod cargo;
pub(crate) mod clean;
mod output;
mod project;
mod sample;
pub(crate) mod tree;

pub(crate) use cargo::{Unit, rebuilt};
pub(crate) use output::Output;
pub(crate) use project::{Project, manifest};
