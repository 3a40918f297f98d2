//! The units that cargo built, from cargo's own messages.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use cargo_metadata::Message;
use xtask_impact::unit_graph::{Mode, UnitId};
use xtask_impact::workspace::TargetKind;

/// The units that cargo built and the units that cargo named.
#[derive(Debug, Default)]
pub struct BuildOutcome {
    /// The units that were compiled or run, without fresh units.
    pub rebuilt: BTreeSet<UnitId>,
    /// The units that cargo named, fresh units included.
    pub named: BTreeSet<UnitId>,
    /// True if the runs of build scripts are known. JSON messages alone do not contain them.
    pub runs_are_known: bool,
}

impl BuildOutcome {
    /// Reads the JSON messages of a build, and, if given, the standard error of cargo with `-v`.
    /// The messages name a script's run even if the script did not run; the lines `Running …` on
    /// standard error show the run.
    pub fn new(messages: &[Message], said: Option<&str>) -> Self {
        let mut built = Self {
            runs_are_known: said.is_some(),
            ..Self::default()
        };
        let mut scripts = Vec::new();
        for message in messages {
            let Message::CompilerArtifact(artifact) = message else {
                continue;
            };
            let Some(target) = xtask_impact::workspace::target(&artifact.target) else {
                continue;
            };
            let package = &artifact.package_id.repr;
            let is_page = |file: &Utf8PathBuf| file.extension() == Some("html");
            let mode = match artifact.profile.test {
                true => Mode::Test,
                false if artifact.filenames.iter().any(is_page) => Mode::Doc,
                false => Mode::Build,
            };
            if target.kind == TargetKind::CustomBuild {
                scripts.extend(artifact.filenames.iter().map(|path| (path, package)));
            }
            let key = UnitId::new(package, target.kind, &target.name, mode);
            built.named.insert(key.clone());
            if !artifact.fresh {
                built.rebuilt.insert(key);
            }
        }
        let lines = said.unwrap_or_default().lines().map(str::trim_start);
        for line in lines.filter(|line| line.starts_with("Running ")) {
            // A line of a script's run is "Running
            // `/target/debug/build/x-0123/build-script-build`". A compiler's call has arguments.
            for (path, package) in &scripts {
                if line.contains(&format!("{path}`")) {
                    let run =
                        UnitId::new(package, TargetKind::CustomBuild, "", Mode::RunCustomBuild);
                    built.named.insert(run.clone());
                    built.rebuilt.insert(run);
                }
            }
        }
        built
    }
}
