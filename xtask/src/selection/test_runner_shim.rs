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
use camino::Utf8Path;
use xtask_impact::cargo_config::{CargoConfig, ConfigValue, Surroundings};
use xtask_impact::process::Runner;
use xtask_impact::workspace::{PackageIx, Workspace, may_be_host};
use xtask_impact::{process, quote};

use crate::cli::status::Status;
use crate::selection::{Selection, Tool, ToolOptions, config_in, configuration_args, locked};

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
    if needs_shim(tool, selection) {
        command.args(without_tests(workspace, &selection.beside));
    }
    command.args(arguments(workspace, tool, selection, options));
    command
}

/// Returns true if a selection has packages whose tests cargo would run, and must not run.
pub(crate) fn needs_shim(tool: Tool, selection: &Selection) -> bool {
    matches!(tool, Tool::Test | Tool::Bench) && !selection.beside.is_empty()
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

/// Returns the arguments that set the runner. A runner that the user configures would override or
/// contradict this setting: see [`configured_runner`].
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

/// Returns the place of a runner that the user configured for test binaries of the platforms that
/// cargo may build for. Cargo accepts only one runner. `forwarded` are the arguments for cargo.
pub(crate) fn configured_runner(runner: &Runner, forwarded: &[String]) -> Option<String> {
    let directory = Utf8Path::from_path(runner.directory())?;
    let around = Surroundings::of(runner, &config_in(Tool::Test, forwarded));
    let config = CargoConfig::in_directory(directory, &around).ok()?;
    let named = configuration_args(Tool::Test, forwarded);
    let applies = |table: &str| {
        table.starts_with("cfg(")
            || may_be_host(table)
            || named
                .iter()
                .any(|it| it.trim_start_matches("--target=") == table)
    };
    let tables = config.written().get("target").into_iter();
    let mut tables = tables.flat_map(ConfigValue::entries);
    let table = tables.find(|(name, table)| applies(name) && table.get("runner").is_some());
    let variable = || {
        let mut variables = config.variables();
        let is_runner = |name: &str| name.starts_with("CARGO_TARGET_") && name.ends_with("_RUNNER");
        variables.find(|(name, _)| is_runner(name))
    };
    table
        .map(|(name, _)| format!("the runner of `target.{}`", quote::line(name)))
        .or_else(|| variable().map(|(name, _)| format!("the variable {}", quote::line(name))))
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
