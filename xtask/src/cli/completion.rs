//! Completions of the shell: the names of packages, by clap's dynamic engine. The shell starts the
//! kit with the variable `COMPLETE` for each completion.

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;
use clap_complete::engine::ArgValueCompleter;
use clap_complete::env::CompleteEnv;
use serde::Deserialize;
use xtask_impact::process::{self, Runner};

use crate::cli::help;

#[derive(Deserialize)]
struct MetadataPackages {
    packages: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    name: String,
}

/// Answers the shell and ends the process, if the shell asks for completions.
pub(crate) fn answer<C: clap::Parser>() {
    CompleteEnv::with_factory(|| help::prepared(C::command())).complete();
}

/// Returns a completer for arguments that name a package of the workspace.
pub(crate) fn packages() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let typed = typed.to_string_lossy();
        let names = names().unwrap_or_default().into_iter();
        let names = names.filter(|name| name.starts_with(&*typed));
        names.map(CompletionCandidate::new).collect()
    })
}

/// Returns the names of the members; `None` if cargo cannot say.
fn names() -> Option<Vec<String>> {
    let runner = Runner::new().ok()?;
    let mut command = runner.cargo();
    command.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let told = process::checked(&mut command).ok()?;
    let metadata: MetadataPackages = serde_json::from_slice(&told).ok()?;
    Some(metadata.packages.into_iter().map(|it| it.name).collect())
}
