//! Inspects the artifacts of finished builds: files that are damaged, and files that do not belong
//! together. Cargo calls such a unit fresh, because cargo compares only times and records.
//!
//! Architecture invariant: no module here changes a file.

pub(crate) mod archive;
pub(crate) mod crate_metadata;
pub(crate) mod damage;
pub(crate) mod elf;
pub(crate) mod file_format;
pub(crate) mod inventory;
pub(crate) mod stale;

#[cfg(test)]
mod tests;
