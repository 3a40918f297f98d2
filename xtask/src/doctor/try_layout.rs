//! Builds the workspace in cargo's new layout of the build directory, as a trial.

use anyhow::{Result, bail};
use camino::Utf8Path;
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::process::Runner;
use xtask_impact::{process, usage};

use crate::checks::Finding;
use crate::cli::output;
use crate::doctor::context::{Context, LAYOUT_BUILD};
use crate::doctor::cost::from_nothing;

/// The way in which a cargo version builds in the new layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    /// Cargo uses the new layout by default, from version 1.100 on.
    Stable,
    /// Cargo needs `-Zbuild-dir-new-layout` and `RUSTC_BOOTSTRAP=1`.
    Unstable,
}

/// Builds the workspace in the new layout, in a scratch directory that is removed afterwards.
/// Returns a finding if the build fails.
///
/// # Errors
/// Returns an error if the installed cargo has no new layout, or if the build fails in both
/// layouts.
pub(crate) fn try_layout(context: &Context<'_>) -> Result<Option<Finding>> {
    let said = process::checked(context.runner.cargo().arg("--version"))?;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let Some(offer) = offer(&said) else {
        return Err(usage!(
            "--layout-v2 needs cargo 1.91 or later, and this is {said}"
        ));
    };
    context.workspace.lock_file.check()?;
    let root = &context.workspace.root;
    let scratch = TemporaryDir::outside(root)?;
    let place = scratch.path();
    output::status("Building", format_args!("in the new layout, in {place}"));
    let runner = &context.runner.in_directory(root);
    let (success, words) = build(runner, &place.join("new"), Some(offer))?;
    if success {
        output::status("Finished", "the workspace builds in the new layout");
        return Ok(None);
    }
    if offer == Offer::Unstable {
        output::status("Building", "in the old layout, to compare");
        let (success, words) = build(runner, &place.join("former"), None)?;
        if !success {
            let words = words.trim_end();
            bail!("the workspace builds in neither layout\n{words}");
        }
    }
    let message = "the workspace does not build in the new layout of the build directory";
    let fix = "Find the code that looks for a file at its old path; other findings may show it.";
    let place = context.place(&context.workspace.root.join("Cargo.toml"), None);
    let lines: Vec<_> = words.lines().filter(|it| !it.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(12)..];
    let command = format!("`cargo build --workspace --all-targets` of {said}:");
    let evidence = std::iter::once(command).chain(last.iter().map(ToString::to_string));
    let finding = LAYOUT_BUILD.found(place, message, fix).evidence(evidence);
    Ok(Some(finding.impact(from_nothing(context))))
}

fn build(runner: &Runner, target: &Utf8Path, offer: Option<Offer>) -> Result<(bool, String)> {
    let mut cargo = runner.cargo();
    cargo.args([
        "build",
        "--locked",
        "--workspace",
        "--all-targets",
        "--quiet",
    ]);
    cargo.args(["--target-dir", target.as_str()]);
    let build = format!("build.build-dir={:?}", target.as_str());
    cargo.args(runner.config_args()).args(["--config", &build]);
    if offer == Some(Offer::Unstable) {
        cargo.arg("-Zbuild-dir-new-layout");
    }
    if offer != Some(Offer::Stable) {
        cargo.env("RUSTC_BOOTSTRAP", "1");
    }
    let output = process::output(&mut cargo)?;
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}

/// Returns the way in which the cargo of a version builds in the new layout; `None` if it cannot.
/// Example of a version: `cargo 1.95.0 (f2d3ce0bd 2026-03-21)`.
fn offer(version: &str) -> Option<Offer> {
    match process::version_in(version)?.minor {
        100.. => Some(Offer::Stable),
        91.. => Some(Offer::Unstable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_option_follows_the_version_of_cargo() {
        for (version, expected) in [
            ("cargo 1.90.0 (x 2025-01-01)", None),
            ("cargo 1.95.0 (x 2026-03-21)", Some(Offer::Unstable)),
            ("cargo 1.97.0-nightly (x 2026-05-01)", Some(Offer::Unstable)),
            ("cargo 1.100.0", Some(Offer::Stable)),
            ("cargo", None),
        ] {
            assert_eq!(offer(version), expected, "{version}");
        }
    }
}
