//! What lies on disk: the repository, its sources, and the build directory.
//!
//! Architecture invariant: nothing here knows of commands or of how an answer is shown.

pub mod build_dir;
pub mod cargo_config;
mod compiled_from;
pub mod dep_info;
pub mod evidence;
pub mod git;
pub mod rust_source;
pub mod state;
pub mod unit_inputs;
pub mod unit_record;
pub mod yaml;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

/// The path without symbolic links, or as it is where it does not exist.
pub fn resolved(path: &Utf8Path) -> Utf8PathBuf {
    path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
}
