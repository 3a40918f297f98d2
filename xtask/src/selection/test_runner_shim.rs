//! The test-runner shim, which builds a package's tests without running them.
//!
//! `cargo test` runs the tests of all packages that it builds, even of packages that are selected
//! only to keep features. Therefore cargo gets a runner: the kit itself, which starts a test binary
//! or a documentation test unless it belongs to such a package. Changing the runner makes no unit
//! stale.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use cargo_metadata::camino::Utf8Path;
use xtask_impact::cargo_config::configuration_files;
use xtask_impact::process::Runner;
use xtask_impact::workspace::{PackageIx, Workspace};
use xtask_impact::{files, process};

use crate::cli::status::Status;
use crate::selection::{Selection, Tool, ToolOptions, locked};

/// Returns the cargo command for a selection.
pub(crate) fn cargo(
    runner: &Runner,
    workspace: &Workspace,
    tool: Tool,
    selection: &Selection,
    options: &ToolOptions<'_>,
) -> Command {
    let mut command = runner.cargo();
    command.args(options.color);
    if tool == Tool::Test && !selection.beside.is_empty() && !has_runner(&workspace.root) {
        command.args(without_tests(workspace, &selection.beside));
    }
    command.args(arguments(workspace, tool, selection, options));
    command
}

/// Returns the arguments of the cargo command for a selection. `--locked` keeps the lock file
/// unchanged.
pub(crate) fn arguments(
    workspace: &Workspace,
    tool: Tool,
    selection: &Selection,
    options: &ToolOptions<'_>,
) -> Vec<String> {
    let arguments = selection.arguments(workspace, tool, options);
    match tool == Tool::Fmt || options.in_private_copy {
        true => arguments,
        false => locked(arguments),
    }
}

/// Returns the arguments that set the runner. A runner that the user configures for a triple
/// overrides this setting.
fn without_tests(workspace: &Workspace, beside: &BTreeSet<PackageIx>) -> Vec<String> {
    let Ok(kit) = std::env::current_exe() else {
        return Vec::new();
    };
    let names = beside.iter().map(|&it| workspace.package(it).name.as_str());
    let names = names.collect::<Vec<_>>().join(",");
    let words = [
        &*kit.to_string_lossy(),
        "run-test",
        "--without",
        &names,
        "--",
    ];
    let words = words.map(toml::Value::from).to_vec();
    let runner = toml::Value::Array(words);
    let setting = format!("target.\"cfg(all())\".runner={runner}");
    vec!["--config".to_owned(), setting]
}

/// Returns true if cargo's configuration may have a runner for a `cfg(…)`. Cargo accepts only one
/// such runner.
fn has_runner(root: &Utf8Path) -> bool {
    configuration_files(root).iter().any(|file| {
        let text = files::read_text(file, files::SETTINGS);
        text.is_ok_and(|text| {
            text.contains("include") || text.contains("cfg(") && text.contains("runner")
        })
    })
}

/// Runs a test that cargo built, unless its package is in `without`. Cargo names the package by the
/// variable `CARGO_PKG_NAME`.
///
/// # Errors
/// Returns an error if the test cannot be started.
pub(crate) fn run_test(without: &[String], program: &Path, arguments: &[String]) -> Result<Status> {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    if without.contains(&package) {
        return Ok(Status::Done);
    }
    process::instead(program, arguments).map(crate::cargo_runs::forwarded)
}
