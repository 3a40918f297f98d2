//! Runs the binary of the kit as a user does, and compares the results with real cargo and real
//! git.
//!
//! A test builds a project in a few lines, does one thing, and compares the whole output.
//! `UPDATE_EXPECT=1` rewrites the snapshots.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests start programs by themselves"
)]

#[cfg(unix)]
mod action;
mod affected;
mod audit;
mod bad_input;
#[cfg(unix)]
mod cache;
mod cargo_flags;
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
mod cold_reads;
mod completions;
mod doctor;
#[cfg(unix)]
mod explain;
#[cfg(unix)]
mod freshness;
mod graph;
#[cfg(unix)]
mod hooks;
mod init;
mod kept;
#[cfg(unix)]
mod launcher;
mod limits;
mod lock_file;
mod names;
#[cfg(unix)]
mod oracle;
#[cfg(unix)]
mod pictures;
mod platforms;
mod policy;
#[cfg(unix)]
mod rebuilds;
mod run_affected;
mod run_time_paths;
mod schemas;
mod shared;
#[cfg(unix)]
mod signals;
mod support;
#[cfg(unix)]
mod sweep;
mod timings;
mod timings_page;
mod timings_trust;
mod unseen_files;
mod variants;
mod verbosity;
#[cfg(unix)]
mod watch;
mod workspaces;
#[cfg(unix)]
mod worlds;
