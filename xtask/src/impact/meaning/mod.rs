//! Meaning, not text: which of cargo's units a difference in `Cargo.toml`, `.cargo/config.toml` or
//! `rust-toolchain` rebuilds.
//!
//! Everything here is pure: tables or text in, [`Effect`]s out. An effect names what the difference
//! touches *directly*; what depends on those units is the graph's business. Spelling (comments,
//! order, `"1"` for `{ version = "1" }`, a default written out) has no effect, and a key nobody
//! here knows has the widest one its file allows.

pub mod config;
mod dependencies;
pub mod lock;
pub mod manifest;
mod targets;
pub mod toolchain;

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::workspace::TargetKind;

/// One difference of meaning between two sides of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The dotted path of the key, such as `dependencies.serde.features`.
    pub key: String,
    /// What the difference rebuilds, or makes run again.
    pub what: Units,
    /// Whether a comparison of cargo's unit graphs of both sides (packages, features, profiles,
    /// dependency edges, target lists and editions) answers this exactly. The effect is then only
    /// needed where cargo could not resolve both sides.
    pub told_by_graph: bool,
    /// The rule, as a clause that follows the key.
    pub why: &'static str,
}

impl Effect {
    fn new(path: &[&str], what: Units, told_by_graph: bool, why: &'static str) -> Self {
        Self {
            key: dotted(path),
            what,
            told_by_graph,
            why,
        }
    }

    /// Whether cargo reads this key in the manifest of a workspace root alone, so that the effect
    /// is void for any other member's manifest.
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

/// What a difference touches. "The package" is the one whose manifest was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Units {
    /// Every unit of every package.
    All,
    /// Every unit of every package from a registry or from git.
    External,
    /// Every unit of every workspace member.
    Members,
    /// Every unit of the package, its build script and the script's run included.
    Package,
    /// The same, and of whatever it depends on by any path, since features unify.
    PackageAndDependencies,
    /// The package's units that use dependencies of this kind, and, since features unify, the
    /// named package with whatever it depends on.
    Dependency {
        /// Normal dependencies are used by all units but the build script, dev-dependencies by
        /// tests, benches, examples and harnesses, build-dependencies by the build script.
        kind: DepKind,
        /// The dependency's package name; of an inherited dependency only its key is known.
        package: String,
    },
    /// One target of the package with its harness, or with no name every target of the kind.
    Target {
        /// The kind of target; a build script is none here: see [`Units::Package`].
        kind: TargetKind,
        /// The target's name; a library needs none.
        name: Option<String>,
    },
    /// The units that read one of these environment variables as they compile, and script runs
    /// that name one in `rerun-if-env-changed`. Said of a manifest: only compiled units, only of
    /// the package, and all of them where no dep-info tells. Said of a configuration: of any
    /// package.
    ReadersOf(Vec<String>),
    /// The script runs of the packages that depend on the package: they see its `DEP_*` variables.
    DependentRuns,
    /// The script run of each package whose `links` is one of these, or, of a script that stays
    /// overridden and is not run, whatever uses what the configuration says in its place.
    OverriddenRuns {
        /// Values of `package.links`.
        links: Vec<String>,
        /// The triple of the `[target]` table that holds the override.
        platform: Option<String>,
    },
    /// The scripts of the packages whose `links` is one of these, with what the scripts are built
    /// from, where nothing overrides them.
    OverriddenScripts {
        /// Values of `package.links`.
        links: Vec<String>,
        /// The triple of the `[target]` table that holds the override, or held it.
        platform: Option<String>,
    },
    /// The package's script run, if the script prints no `rerun-if-*`.
    PackageScan,
    /// What is built in this profile, script runs included.
    Profile {
        /// The profile's name; others may inherit from it.
        name: String,
        /// The specification in `[profile.NAME.package.SPEC]`; `*` is every package but members.
        package: Option<String>,
    },
    /// Every unit for a platform, script runs included.
    Platform {
        /// A triple or `cfg(…)` that the platform matches, or any.
        platform: Option<String>,
        /// Whether units for the host are reached where the platform matches it, even though
        /// `--target` or `build.target` names a triple. Without either, host units always are.
        host_too: bool,
    },
    /// What is compiled with these flags, script runs included: all but what is built for the host
    /// where a triple is named, if no flags go before these.
    Flags {
        /// The triple or `cfg(…)` of the `[target]` table that has them; `None` for `[build]`.
        platform: Option<String>,
    },
    /// Documentation is built anew, and doctests run again.
    Docs,
    /// No unit is rebuilt; tests and benches run again.
    Runs,
    /// What members inherit from this root: see [`manifest::inherited`].
    Inherited(Inherit),
}

/// A key of `[workspace]` that members inherit with `workspace = true`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inherit {
    /// A key of `[workspace.package]`, and what it means to a package that inherits it.
    Package(String, Box<Units>),
    /// An entry of `[workspace.dependencies]`.
    Dependency {
        /// The entry's key.
        key: String,
        /// The dependency's package name.
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

/// A key whose value differs between two tables.
#[derive(Clone, Copy)]
struct Change<'a> {
    key: &'a str,
    old: Option<&'a Value>,
    new: Option<&'a Value>,
}

impl<'a> Change<'a> {
    /// The differences inside, if whatever is present on either side is a table.
    fn inside(&self) -> Option<Vec<Change<'a>>> {
        let is_table = |side: Option<&Value>| side.is_none_or(Value::is_table);
        (is_table(self.old) && is_table(self.new)).then(|| {
            changes(
                self.old.and_then(Value::as_table),
                self.new.and_then(Value::as_table),
            )
        })
    }
}

/// The differences of two tables, by key; an absent table is an empty one.
fn changes<'a>(old: Option<&'a Table>, new: Option<&'a Table>) -> Vec<Change<'a>> {
    let keys: BTreeSet<&str> = old
        .into_iter()
        .chain(new)
        .flat_map(|table| table.keys())
        .map(String::as_str)
        .collect();
    let side = |table: Option<&'a Table>, key: &str| table.and_then(|table| table.get(key));
    keys.into_iter()
        .map(|key| Change {
            key,
            old: side(old, key),
            new: side(new, key),
        })
        .filter(|change| change.old != change.new)
        .collect()
}

/// A dotted key as TOML writes it: parts that are not bare are quoted.
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

/// The effects of a difference in `[profile]`, which manifests and configuration share.
fn profiles(change: &Change) -> Vec<Effect> {
    let effect = |path: &[&str], package: Option<&str>| {
        let what = Units::Profile {
            name: path[0].to_owned(),
            package: package.map(str::to_owned),
        };
        let path = [&["profile"], path].concat();
        Effect::new(&path, what, true, "is a setting of the profile")
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
