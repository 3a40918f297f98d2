//! What cargo built, unit by unit, by its own words.

use std::collections::BTreeSet;

use cargo_metadata::Message;
use serde::Serialize;

use crate::graph::{Mode, Unit};
use crate::workspace::{TargetKind, Workspace};

/// A unit by what cargo's messages say of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct UnitKey {
    /// Cargo's package id.
    pub package: String,
    /// Kind of the target.
    pub kind: TargetKind,
    /// Name of the target.
    pub target: String,
    /// What is done with it.
    pub mode: Mode,
}

/// What cargo built, by its own words.
#[derive(Debug, Default)]
pub struct Built {
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
        Self {
            package: workspace.package(unit.package).id.clone(),
            kind: unit.kind,
            target: unit.target.clone(),
            mode: unit.mode,
        }
    }

    /// The key of a script's run, given its package.
    fn run(package: &str) -> Self {
        Self {
            package: package.to_owned(),
            kind: TargetKind::CustomBuild,
            target: String::new(),
            mode: Mode::RunCustomBuild,
        }
    }

    /// A package has one build script, so its name tells nothing; messages do not give it.
    #[must_use]
    pub fn without_script_name(mut self) -> Self {
        if self.kind == TargetKind::CustomBuild {
            self.target.clear();
        }
        self
    }
}

impl Built {
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
            let Some(target) = crate::workspace::target(&artifact.target) else {
                continue;
            };
            let key = UnitKey {
                package: artifact.package_id.repr.clone(),
                kind: target.kind,
                target: target.name,
                mode: if artifact.profile.test {
                    Mode::Test
                } else {
                    Mode::Build
                },
            };
            if target.kind == TargetKind::CustomBuild {
                scripts.extend(
                    artifact
                        .filenames
                        .iter()
                        .map(|path| (path.clone(), key.package.clone())),
                );
            }
            let key = key.without_script_name();
            built.named.insert(key.clone());
            if !artifact.fresh {
                built.rebuilt.insert(key);
            }
        }
        for line in said
            .unwrap_or_default()
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with("Running "))
        {
            // `Running `/target/debug/build/x-0123/build-script-build``; a compiler's call has
            // arguments.
            for (path, package) in &scripts {
                if line.contains(&format!("{path}`")) {
                    let run = UnitKey::run(package);
                    built.named.insert(run.clone());
                    built.rebuilt.insert(run);
                }
            }
        }
        built
    }
}
