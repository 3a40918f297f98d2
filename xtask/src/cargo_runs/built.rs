//! What cargo built, unit by unit, by its own words.

use std::collections::BTreeSet;

use cargo_metadata::Message;
use cargo_metadata::camino::Utf8PathBuf;
use serde::Serialize;

use xtask_impact::unit_graph::{Mode, Unit};
use xtask_impact::workspace::{TargetKind, Workspace};

/// A unit by what cargo's messages say of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct UnitKey {
    /// Cargo's package id.
    pub package: String,
    /// Kind of the target.
    pub kind: TargetKind,
    /// Name of the target; empty for a build script.
    pub target: String,
    /// What is done with it.
    pub mode: Mode,
}

/// What cargo built, by its own words.
#[derive(Debug, Default)]
pub struct BuildOutcome {
    /// Every unit that was compiled or run, not taken as it was.
    pub rebuilt: BTreeSet<UnitKey>,
    /// Every unit that cargo named, fresh ones included.
    pub named: BTreeSet<UnitKey>,
    /// Whether the runs of build scripts are known, which messages alone do not tell.
    pub runs_are_known: bool,
}

impl UnitKey {
    /// The key of a unit of the graph.
    pub fn new(workspace: &Workspace, unit: &Unit) -> Self {
        let package = &workspace.package(unit.package).id;
        Self::of(package, unit.kind, &unit.target, unit.mode)
    }

    fn of(package: &str, kind: TargetKind, target: &str, mode: Mode) -> Self {
        Self {
            package: package.to_owned(),
            kind,
            // A package has one script, so its name tells nothing; messages of runs do not give it.
            target: match kind {
                TargetKind::CustomBuild => String::new(),
                _ => target.to_owned(),
            },
            mode,
        }
    }
}

impl BuildOutcome {
    /// Reads the JSON messages of a build, and if it is there what cargo said with `-v` on standard
    /// error: the messages name a script's run also where it was not run, `Running …` lines tell.
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
            let key = UnitKey::of(package, target.kind, &target.name, mode);
            built.named.insert(key.clone());
            if !artifact.fresh {
                built.rebuilt.insert(key);
            }
        }
        let lines = said.unwrap_or_default().lines().map(str::trim_start);
        for line in lines.filter(|line| line.starts_with("Running ")) {
            // `Running `/target/debug/build/x-0123/build-script-build``; a compiler's call has
            // arguments.
            for (path, package) in &scripts {
                if line.contains(&format!("{path}`")) {
                    let run =
                        UnitKey::of(package, TargetKind::CustomBuild, "", Mode::RunCustomBuild);
                    built.named.insert(run.clone());
                    built.rebuilt.insert(run);
                }
            }
        }
        built
    }
}
