//! The toolchains that are installed.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use xtask_impact::cargo_config::CargoConfig;
use xtask_impact::process;
use xtask_impact::process::Runner;

/// Returns the rustc versions of all toolchains that rustup has installed, and of the rustc in use:
/// the one on `PATH`, and the one that cargo's configuration names.
/// Returns `None` if rustup is not installed, or if the rustc of a toolchain does not answer.
pub(crate) fn installed(runner: &Runner) -> Option<BTreeSet<String>> {
    let mut rustup = runner.program("rustup");
    let said = process::checked(rustup.args(["toolchain", "list", "-v"])).ok()?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let compiler = |line: &str| -> Result<Command> {
        let at = line.find(['/', '\\']).context("no path")?;
        let start = line[..at].rfind(char::is_whitespace).map_or(0, |it| it + 1);
        let rustc = Utf8Path::new(line[start..].trim()).join("bin/rustc");
        Ok(runner.program(rustc.as_str()))
    };
    let lines = said.lines().filter(|line| !line.trim().is_empty());
    let mut compilers: Vec<_> = lines.map(compiler).collect::<Result<_>>().ok()?;
    compilers.push(runner.rustc());
    let config = CargoConfig::of(runner).ok()?;
    if let Some((named, origin)) = config.text(&["build", "rustc"]).ok()? {
        compilers.push(runner.program(config.program(&named, &origin)));
    }
    let version = |mut rustc: Command| -> Result<String> {
        let said = process::checked(rustc.arg("--version"))?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    };
    std::thread::scope(|scope| {
        let started = compilers.into_iter();
        let started: Vec<_> = started
            .map(|rustc| scope.spawn(move || version(rustc)))
            .collect();
        let versions = started.into_iter().map(|it| it.join().ok()?.ok());
        versions.collect()
    })
}
