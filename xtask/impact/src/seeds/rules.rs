//! Configured rules: the units that a path affects if no unit is known to read the path.

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use glob::{MatchOptions, Pattern};
use serde::Deserialize;

use super::Effect;
use crate::workspace::{PackageIx, Workspace};
use crate::{quote, usage};

/// The rules of a workspace. The default rules come first.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<PathRule>,
}

/// A rule: path patterns, and the units that a matching path affects.
#[derive(Debug)]
pub struct PathRule {
    globs: Vec<Pattern>,
    /// The units that a matching path affects.
    pub affects: Affects,
    /// The effect on these units.
    pub effect: Effect,
}

/// The units that the paths of a rule affect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affects {
    /// No unit.
    Nothing,
    /// Every unit.
    Everything,
    /// The units of these packages. With [`Effect::Rerun`], only their tests.
    Packages(Vec<PackageIx>),
}

/// The format of the default rules' file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    rules: Vec<WrittenRule>,
}

#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WrittenRule {
    files: Vec<String>,
    affects: WrittenAffects,
    #[serde(default)]
    rerun: bool,
}

#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`affects` is \"nothing\", \"everything\" or a list of packages"
)]
enum WrittenAffects {
    Word(String),
    Packages(Vec<String>),
}

/// Checks the form of the value of `rules`, without a workspace.
///
/// # Errors
/// Returns an error if the value has another form.
#[cfg(feature = "testing")]
pub fn read_rules(value: &serde_json::Value) -> Result<(), serde_json::Error> {
    Vec::<WrittenRule>::deserialize(value).map(drop)
}

/// Adds the schema of the value of `rules` to a generator.
#[cfg(feature = "testing")]
pub fn rules_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<Vec<WrittenRule>>()
}

impl Rules {
    /// Reads the default rules and the rules of the workspace.
    ///
    /// # Errors
    /// Returns an error if a rule of the workspace is not valid, or names a package that does not
    /// exist.
    pub fn new(workspace: &Workspace) -> Result<Self> {
        let default: Defaults = toml::from_str(include_str!("default-rules.toml"))
            .context("the built-in rules are broken")?;
        let own: Vec<WrittenRule> = workspace.setting("rules")?;
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

    /// Returns the last rule that matches a path, given relative to the top level of the
    /// repository.
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

impl PathRule {
    /// Returns the patterns of the rule, for a reader.
    pub fn shown(&self) -> String {
        let globs = self.globs.iter().map(|glob| quote::name(glob.as_str()));
        globs.collect::<Vec<_>>().join(", ")
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
