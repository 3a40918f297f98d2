//! Compares the units that real cargo built with the units that the kit predicted.

use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;

use camino::Utf8PathBuf;
use cargo_metadata::{Message, TargetKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Output, Project};

/// A unit, named as in `xtask affected --format json`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub(crate) struct Unit {
    /// Cargo's package id.
    pub(crate) package: String,
    pub(crate) kind: String,
    pub(crate) target: String,
    pub(crate) mode: String,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            package,
            kind,
            target,
            mode,
        } = self;
        let package = package.rsplit('/').next().unwrap_or(package);
        write!(f, "{package} {kind} {target} {mode}")
    }
}

/// The units that cargo built, and the lines in which cargo says why it built packages again.
pub(crate) type UnitsWithReasons = (BTreeSet<Unit>, Vec<String>);

impl Project {
    /// Runs cargo. Returns the units that cargo compiled and the build scripts that cargo ran, or
    /// cargo's output if cargo failed.
    pub(crate) fn build(&self, arguments: &[&str]) -> Result<BTreeSet<Unit>, String> {
        self.build_with_reasons(arguments).map(|(units, _)| units)
    }

    /// Builds as [`Self::build`] does, and also returns cargo's reasons.
    pub(crate) fn build_with_reasons(
        &self,
        arguments: &[&str],
    ) -> Result<UnitsWithReasons, String> {
        let mut command = Command::new("cargo");
        command
            .args(arguments)
            .args(["--verbose", "--message-format", "json"]);
        command.current_dir(self.root());
        self.isolate(&mut command);
        let configuration = std::fs::read_to_string(self.path(".cargo/config.toml"));
        if configuration.is_ok_and(|text| text.contains("[unstable]")) {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(said);
        }
        let started: Vec<&str> = said
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("Running `"))
            .collect();
        let mut units = BTreeSet::new();
        for message in Message::parse_stream(&*output.stdout) {
            let Message::CompilerArtifact(artifact) = message.unwrap() else {
                continue;
            };
            let kind = match artifact.target.kind[0] {
                TargetKind::Bin => "bin",
                TargetKind::Example => "example",
                TargetKind::Test => "test",
                TargetKind::Bench => "bench",
                TargetKind::CustomBuild => "custom-build",
                _ => "lib",
            };
            let unit = |mode: &str| Unit {
                package: artifact.package_id.repr.clone(),
                kind: kind.to_owned(),
                target: artifact.target.name.clone(),
                mode: mode.to_owned(),
            };
            // Only `-v` announces the run of a script. The JSON message about a script also comes
            // if the script is fresh.
            let is_run = kind == "custom-build"
                && started.iter().any(|line| {
                    artifact.filenames.iter().any(|file| {
                        line.trim_end_matches(['`', '\'', '"'])
                            .ends_with(file.as_str())
                    })
                });
            units.extend(is_run.then(|| unit("run-custom-build")));
            if !artifact.fresh {
                let is_page = |file: &Utf8PathBuf| file.extension() == Some("html");
                units.insert(unit(if artifact.profile.test {
                    "test"
                } else if artifact.filenames.iter().any(is_page) {
                    "doc"
                } else {
                    "build"
                }));
            }
        }
        let reasons = said.lines().map(str::trim);
        let reasons = reasons.filter(|line| line.starts_with("Dirty "));
        Ok((units, reasons.map(str::to_owned).collect()))
    }

    /// Returns the kit's answer as JSON, or the kit's output if the kit failed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value, Output> {
        let output = self.kit(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).map_err(|_| self.redacted(&output))
    }

    /// Returns the units that cargo will rebuild, as the kit predicts, each with the first change
    /// of its chain. Returns the kit's output if the kit failed.
    pub(crate) fn affected(&self, arguments: &[&str]) -> Result<Vec<(Unit, String)>, Output> {
        let answer =
            self.json(&[&["affected", "--rebuilt", "--format", "json"], arguments].concat())?;
        let units = answer["units"].as_array().unwrap();
        Ok(units
            .iter()
            .map(|unit| (named_unit(unit), because(unit)))
            .collect())
    }

    /// Returns the units that cargo will rebuild, as the kit predicts.
    pub(crate) fn named(&self, arguments: &[&str]) -> BTreeSet<Unit> {
        let named = self.affected(arguments).unwrap();
        named.into_iter().map(|(unit, _)| unit).collect()
    }
}

/// Returns the rebuilt units of a JSON answer, each with the first change of its chain.
pub(crate) fn rebuilt(answer: &Value) -> Vec<(Unit, String)> {
    let units = answer["units"].as_array().unwrap().iter();
    units
        .filter(|unit| unit["effect"] == "rebuilt")
        .map(|unit| (named_unit(unit), because(unit)))
        .collect()
}

/// Returns the unit of an entry in a JSON report.
pub(crate) fn named_unit(unit: &Value) -> Unit {
    let text = |name: &str| unit[name].as_str().unwrap().to_owned();
    Unit {
        package: text("package_id"),
        kind: text("kind"),
        target: text("target"),
        mode: text("mode"),
    }
}

fn because(unit: &Value) -> String {
    let seed = &unit["seed"];
    let text = |name: &str| seed[name].as_str().unwrap_or("-").to_owned();
    format!("{}: {} ({})", text("path"), text("because"), text("rule"))
}
