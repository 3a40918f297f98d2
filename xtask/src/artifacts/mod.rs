//! Plans for the removal of artifacts, and their execution under cargo's locks. A plan is a plain
//! value, which a dry run prints and a test compares.
//!
//! Architecture invariant: only [`apply`], [`lock`] and [`remove`] change files in a build directory.

pub mod apply;
pub(crate) mod disk_size;
pub(crate) mod disk_usage;
pub(crate) mod inspect;
pub(crate) mod invalidate;
pub mod lock;
pub(crate) mod mirror;
pub mod orphans;
pub mod plan;
pub mod profile_dir;
pub(crate) mod quick_hash;
pub mod reader;
pub mod remove;
pub(crate) mod sweep_table;
pub mod text;
pub(crate) mod toolchains;
pub(crate) mod unused_incremental;
pub mod verify;
