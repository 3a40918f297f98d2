//! Configured rules: what a path affects that no unit is known to read.

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;
use glob::{MatchOptions, Pattern};
use serde::Deserialize;

use super::Effect;
use crate::usage;
use crate::workspace::{PackageIx, Workspace};

/// The rules in force, the default ones first.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<PathRule>,
}

/// One rule: paths, and what they affect.
#[derive(Debug)]
pub struct PathRule {
    globs: Vec<Pattern>,
    /// What a path that matches affects.
    pub affects: Affects,
    /// Whether cargo would build it again, or it must only be run again.
    pub effect: Effect,
}

/// What a rule's paths affect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affects {
    /// No unit.
    Nothing,
    /// Every unit.
    Everything,
    /// The units of these packages; with [`Effect::Rerun`] their tests.
    Packages(Vec<PackageIx>),
}

/// The default rules' file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WrittenRule {
    files: Vec<String>,
    affects: WrittenAffects,
    #[serde(default)]
    rerun: bool,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`affects` is \"nothing\", \"everything\" or a list of packages"
)]
enum WrittenAffects {
    Word(String),
    Packages(Vec<String>),
}

impl Rules {
    /// The default rules and those of the workspace.
    ///
    /// # Errors
    /// Where a rule of the workspace cannot be read, or names a package that is not there.
    pub fn new(workspace: &Workspace) -> Result<Self> {
        let default: Defaults = toml::from_str(include_str!("default-rules.toml"))
            .context("the kit's own default rules are broken")?;
        let own: Vec<WrittenRule> = workspace.configured("rules")?;
        let mut rules = Vec::new();
        for written in default.rules {
            rules.push(written.resolve(workspace)?);
        }
        for (index, written) in own.into_iter().enumerate() {
            rules.push(written.resolve(workspace).with_context(|| {
                format!(
                    "{}: rule {} of [workspace.metadata.xtask]",
                    workspace.root.join("Cargo.toml"),
                    index + 1
                )
            })?);
        }
        Ok(Self { rules })
    }

    /// The last rule that matches a path, given relative to the repository's top level.
    pub fn of(&self, path: &Utf8Path) -> Option<&PathRule> {
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::new()
        };
        self.rules.iter().rev().find(|rule| {
            rule.globs
                .iter()
                .any(|glob| glob.matches_with(path.as_str(), options))
        })
    }
}

impl WrittenRule {
    fn resolve(self, workspace: &Workspace) -> Result<PathRule> {
        let globs = self
            .files
            .iter()
            .map(|glob| Pattern::new(glob).map_err(|error| usage!("`{glob}`: {error}")))
            .collect::<Result<_>>()?;
        let affects = match self.affects {
            WrittenAffects::Word(word) if word == "nothing" => Affects::Nothing,
            WrittenAffects::Word(word) if word == "everything" => Affects::Everything,
            WrittenAffects::Word(word) => {
                return Err(usage!(
                    "`affects = {word:?}`: write \"nothing\", \"everything\" or a list of packages"
                ));
            }
            WrittenAffects::Packages(names) => Affects::Packages(
                names
                    .iter()
                    .map(|name| workspace.find(name))
                    .collect::<Result<_>>()?,
            ),
        };
        let effect = if self.rerun {
            Effect::Rerun
        } else {
            Effect::Rebuilt
        };
        Ok(PathRule {
            globs,
            affects,
            effect,
        })
    }
}

#[cfg(test)]
mod tests;
