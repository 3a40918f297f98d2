//! Is the answer right? What was named, held against what cargo really built.
//!
//! Pure: the answer and cargo's own words in, figures and differences out.

use std::collections::BTreeSet;

use cargo_metadata::Message;
use serde::Serialize;

use crate::graph::{Mode, Unit};
use crate::impact::Effect;
use crate::question::Answer;
use crate::repo::git::Commit;
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

/// One answer held against one build.
#[derive(Debug, Default, Serialize)]
pub struct Comparison {
    /// How many units were named and rebuilt.
    pub hits: usize,
    /// Rebuilt and not named: the answer was wrong.
    pub missed: Vec<UnitKey>,
    /// Named and not rebuilt, with the reason that they were named for.
    pub besides: Vec<(UnitKey, String)>,
}

/// One commit, replayed.
#[derive(Debug, Serialize)]
pub struct Step {
    /// The commit.
    pub commit: Commit,
    /// The first line of its message.
    pub subject: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of replaying a commit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Cargo built it, and the answer was held against that.
    Compared(Comparison),
    /// It, or the commit before it, does not build here, so there is nothing to compare with.
    DoesNotBuild,
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
    fn without_script_name(mut self) -> Self {
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

impl Comparison {
    /// Holds an answer against a build.
    pub fn new(answer: &Answer, built: &Built) -> Self {
        let mut comparison = Self::default();
        let mut named = BTreeSet::new();
        for (index, effect) in answer.affected.units() {
            let unit = answer.graph.unit(index);
            let is_known = built.runs_are_known || unit.mode != Mode::RunCustomBuild;
            if effect != Effect::Rebuilt || !is_known {
                continue;
            }
            let key = UnitKey::new(&answer.workspace, unit).without_script_name();
            if built.rebuilt.contains(&key) {
                comparison.hits += 1;
            } else {
                let seed = answer.affected.chain(index).map(|(_, seed)| seed);
                let because = seed.map(|seed| match &seed.path {
                    Some(path) => format!("{path}: {}", seed.because),
                    None => seed.because.clone(),
                });
                comparison
                    .besides
                    .push((key.clone(), because.unwrap_or_default()));
            }
            named.insert(key);
        }
        comparison.missed = built.rebuilt.difference(&named).cloned().collect();
        comparison
    }
}

#[cfg(test)]
mod tests;
