//! The policy by which a repository builds: what cargo's configuration comes to, and what departs
//! from it.
//!
//! Architecture invariant: nothing here starts a process, writes a file or sets a variable. The kit
//! applies the policy by starting cargo where its users would, and leaving the environment alone.

pub mod check;
pub mod members;
pub mod profiles;
pub mod settings;
pub mod subject;

#[cfg(all(test, unix))]
mod against_cargo;
