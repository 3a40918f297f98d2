//! Plans for the removal of artifacts, and their execution under cargo's locks. A plan is a plain
//! value, which a dry run prints and a test compares.
//!
//! Architecture invariant: only [`apply`], [`lock`] and [`remove`] change files.

pub mod apply;
pub(crate) mod inspect;
pub(crate) mod invalidate;
pub mod lock;
pub mod orphans;
pub mod plan;
pub mod profile_dir;
pub mod reader;
pub mod remove;
pub mod text;
pub mod verify;
