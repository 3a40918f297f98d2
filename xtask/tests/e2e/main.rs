//! The kit's binary, run as a user runs it and held against what real cargo and real git do.
//!
//! A test builds a project in a few lines, does one thing, and compares the whole output; run with
//! `UPDATE_EXPECT=1` the snapshots are written anew.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests start programs by themselves"
)]

mod affected;
mod bad_input;
mod ci;
mod clean_affected;
mod clean_choices;
#[cfg(unix)]
mod clean_exact;
#[cfg(unix)]
mod clean_fresh;
#[cfg(unix)]
mod clean_matrix;
#[cfg(unix)]
mod clean_orphans;
#[cfg(unix)]
mod clean_safely;
mod doctor;
mod graph;
#[cfg(unix)]
mod hooks;
mod kept;
mod lock_file;
mod names;
#[cfg(unix)]
mod oracle;
mod platforms;
mod policy;
mod run_affected;
mod shared;
#[cfg(unix)]
mod signals;
mod support;
mod timings;
mod timings_page;
mod unseen_files;
mod variants;
mod workspaces;
#[cfg(unix)]
mod worlds;
