//! The toolchains that are installed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;
use xtask_impact::process;
use xtask_impact::process::Runner;

/// Returns the rustc versions of all toolchains that rustup has installed, and of the rustc in use.
/// Returns `None` if rustup is not installed, or if the rustc of a toolchain does not answer.
pub(crate) fn installed(runner: &Runner) -> Option<BTreeSet<String>> {
    let mut rustup = runner.program("rustup");
    let said = process::checked(rustup.args(["toolchain", "list", "-v"])).ok()?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let version = |line: &str| -> Result<String> {
        let at = line.find(['/', '\\']).context("no path")?;
        let start = line[..at].rfind(char::is_whitespace).map_or(0, |it| it + 1);
        let rustc = Utf8Path::new(line[start..].trim()).join("bin/rustc");
        let said = process::checked(runner.program(rustc.as_str()).arg("--version"))?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    };
    let lines = said.lines().filter(|line| !line.trim().is_empty());
    let mut versions: BTreeSet<_> = lines.map(version).collect::<Result<_>>().ok()?;
    let own = process::checked(runner.rustc().arg("--version")).ok()?;
    versions.insert(String::from_utf8_lossy(&own).trim().to_owned());
    Some(versions)
}
