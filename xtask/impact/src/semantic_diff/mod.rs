//! Compares settings by meaning, not by text: finds the units that cargo rebuilds for a difference
//! in `Cargo.toml`, `.cargo/config.toml` or `rust-toolchain`.
//!
//! All functions here are pure: they take tables or texts and return [`SemanticChange`]s. A change
//! names only the units that the difference touches *directly*; the unit graph finds their
//! dependents. A different spelling (comments, order, `"1"` instead of `{ version = "1" }`, a
//! default that is written out) is no change. An unknown key counts as the widest change that its
//! file allows.

pub mod config;
mod dependencies;
pub mod lock;
pub mod manifest;
mod targets;
pub mod toolchain;

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::workspace::TargetKind;

/// A difference of meaning between two sides of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SemanticChange {
    /// The dotted path of the key, such as `dependencies.serde.features`.
    pub key: String,
    /// The units that the difference rebuilds or reruns.
    pub what: TouchedUnits,
    /// True if a comparison of cargo's unit graphs of both sides (packages, features, profiles,
    /// dependency edges, target lists and editions) covers this difference exactly. Then `what` is
    /// needed only if cargo could not resolve both sides.
    pub covered_by_unit_graph: bool,
    /// The rule, as a clause that follows the key in a message.
    pub why: &'static str,
}

impl SemanticChange {
    fn new(
        path: &[&str],
        what: TouchedUnits,
        covered_by_unit_graph: bool,
        why: &'static str,
    ) -> Self {
        Self {
            key: dotted(path),
            what,
            covered_by_unit_graph,
            why,
        }
    }

    /// Returns true if cargo reads this key only in the manifest of a workspace root. In the
    /// manifest of any other member, the change has no effect.
    pub fn root_only(&self) -> bool {
        let root = [
            "profile",
            "patch",
            "replace",
            "workspace",
            "package.resolver",
        ];
        root.iter().any(|key| {
            self.key
                .strip_prefix(key)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// The units that a difference touches. "The package" is the package whose manifest was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TouchedUnits {
    /// Every unit of every package.
    All,
    /// Every unit of every package from a registry or from git.
    External,
    /// Every unit of every workspace member.
    Members,
    /// Every unit of the package, including its build script and the script run.
    Package,
    /// Every unit of the package and of all its direct and indirect dependencies, because features
    /// unify.
    PackageAndDependencies,
    /// The units of the package that use dependencies of this kind. Because features unify, also
    /// the units of the dependency `package` and of all its dependencies.
    Dependency {
        /// The kind of the dependency. Normal dependencies are used by all units except the build
        /// script, dev-dependencies by tests, benches, examples and harnesses, build-dependencies
        /// by the build script.
        kind: DepKind,
        /// The package name of the dependency. For an inherited dependency only its key is known.
        package: String,
    },
    /// One target of the package with its harness. Without a name, every target of the kind.
    Target {
        /// The kind of target, never a build script: see [`TouchedUnits::Package`].
        kind: TargetKind,
        /// The name of the target; `None` for a library.
        name: Option<String>,
    },
    /// The units that read one of these environment variables while they compile, and the script
    /// runs that name one in `rerun-if-env-changed`. A change of a manifest touches only the
    /// compiled units of its package, and all of them if there is no dep-info. A change of a
    /// configuration touches the units of any package.
    ReadersOf(Vec<String>),
    /// The script runs of the packages that depend on the package, because they see its `DEP_*`
    /// variables.
    DependentRuns,
    /// The script run of each package whose `links` is in the list. If a script stays overridden
    /// and is not run: the units that use the values of the override.
    OverriddenRuns {
        /// The values of `package.links`.
        links: Vec<String>,
        /// The triple of the `[target]` table that holds the override.
        platform: Option<String>,
    },
    /// The scripts of the packages whose `links` is in the list, and the units that the scripts are
    /// built from. Scripts that are still overridden are left out.
    OverriddenScripts {
        /// The values of `package.links`.
        links: Vec<String>,
        /// The triple of the `[target]` table that holds or held the override.
        platform: Option<String>,
    },
    /// The script run of the package, if the script prints no `rerun-if-*`.
    PackageScan,
    /// The units that are built in this profile, including script runs.
    Profile {
        /// The name of the profile. Other profiles may inherit from it.
        name: String,
        /// The specification in `[profile.NAME.package.SPEC]`; `*` stands for every package that is
        /// not a member.
        package: Option<String>,
    },
    /// Every unit for a platform, including script runs.
    Platform {
        /// A triple or a `cfg(…)` that the platform matches; `None` for every platform.
        platform: Option<String>,
        /// True if units for a matching host are touched even if `--target` or `build.target` names
        /// a triple. Without a named triple, units for the host are always touched.
        host_too: bool,
    },
    /// The units that are compiled with these flags, including script runs. With a target triple,
    /// units for the host are not compiled with them. Flags that are overridden by other flags
    /// touch nothing.
    Flags {
        /// The triple or `cfg(…)` of the `[target]` table that has the flags; `None` for `[build]`.
        platform: Option<String>,
    },
    /// Documentation is rebuilt and doctests rerun.
    Docs,
    /// No unit is rebuilt. Tests and benches rerun.
    Runs,
    /// The units of the members that inherit this key from the root: see [`manifest::inherited`].
    Inherited(Inherit),
}

/// A key of `[workspace]` that a member inherits with `workspace = true`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inherit {
    /// A key of `[workspace.package]`, and the units of an inheriting package that it touches.
    Package(String, Box<TouchedUnits>),
    /// An entry of `[workspace.dependencies]`.
    Dependency {
        /// The key of the entry.
        key: String,
        /// The package name of the dependency.
        package: String,
    },
    /// `[workspace.lints]`.
    Lints,
}

/// The kind of a dependency table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DepKind {
    /// `[dependencies]`
    Normal,
    /// `[dev-dependencies]`
    Dev,
    /// `[build-dependencies]`
    Build,
}

/// A key whose value differs between two tables; `None` if a table lacks the key.
#[derive(Clone, Copy)]
struct KeyChange<'a> {
    key: &'a str,
    old: Option<&'a Value>,
    new: Option<&'a Value>,
}

impl<'a> KeyChange<'a> {
    /// Returns the differences between the two values, if both are tables. An absent value counts
    /// as an empty table.
    fn inside(&self) -> Option<Vec<KeyChange<'a>>> {
        let is_table = |side: Option<&Value>| side.is_none_or(Value::is_table);
        (is_table(self.old) && is_table(self.new)).then(|| {
            changes(
                self.old.and_then(Value::as_table),
                self.new.and_then(Value::as_table),
            )
        })
    }
}

/// Returns the differences between two tables, by key. An absent table counts as an empty table.
fn changes<'a>(old: Option<&'a Table>, new: Option<&'a Table>) -> Vec<KeyChange<'a>> {
    let keys: BTreeSet<&str> = old
        .into_iter()
        .chain(new)
        .flat_map(|table| table.keys())
        .map(String::as_str)
        .collect();
    let side = |table: Option<&'a Table>, key: &str| table.and_then(|table| table.get(key));
    keys.into_iter()
        .map(|key| KeyChange {
            key,
            old: side(old, key),
            new: side(new, key),
        })
        .filter(|change| change.old != change.new)
        .collect()
}

/// Returns a dotted key as TOML writes it: parts that are not bare keys are quoted.
fn dotted(parts: &[&str]) -> String {
    let quoted = parts.iter().map(|part| {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match part {
            part if !part.is_empty() && part.chars().all(bare) => part.to_string(),
            part if part.contains('"') => format!("'{part}'"),
            part => format!("\"{part}\""),
        }
    });
    quoted.collect::<Vec<_>>().join(".")
}

/// Returns the changes for a difference in `[profile]`, which manifests and configuration files
/// have in common.
fn profiles(change: &KeyChange) -> Vec<SemanticChange> {
    let effect = |path: &[&str], package: Option<&str>| {
        let what = TouchedUnits::Profile {
            name: path[0].to_owned(),
            package: package.map(str::to_owned),
        };
        let path = [&["profile"], path].concat();
        SemanticChange::new(&path, what, true, "is a setting of the profile")
    };
    let mut effects = Vec::new();
    for profile in change.inside().unwrap_or_default() {
        for setting in profile.inside().unwrap_or_default() {
            let path = [profile.key, setting.key];
            match (setting.key, setting.inside()) {
                ("package", Some(specs)) => effects.extend(
                    specs
                        .iter()
                        .map(|spec| effect(&[path[0], path[1], spec.key], Some(spec.key))),
                ),
                _ => effects.push(effect(&path, None)),
            }
        }
    }
    effects
}
