//! Cargo's unit graph in a form that can be compared between two checkouts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use anyhow::Result;
use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::unit_graph_json::{DependencyJson, UnitGraphJson, UnitJson, users_first};
use crate::paths::hashed;
use crate::workspace::name_and_version;

/// The units of one side, each with its complete configuration.
#[derive(Debug, Default)]
pub(super) struct CargoUnitGraph {
    pub(super) units: Vec<CargoUnit>,
    /// The indexes of the units, every user before its dependencies.
    pub(super) users_first: Vec<usize>,
}

/// A package, identified by values that are the same in every checkout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageKey {
    /// The name of the package.
    pub name: String,
    /// The version in the manifest.
    pub version: String,
    /// The source as cargo writes it (`registry+https://…`, `git+https://…`). For a path package it
    /// is `path+` and the directory. A directory in the repository is relative to the top level
    /// (`path+crates/a`, `path+` for the top level itself).
    pub source: String,
}

impl fmt::Display for PackageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            version,
            source,
        } = self;
        match source.starts_with("registry+") || source.starts_with("sparse+") {
            true => write!(f, "{name} {version}"),
            false => write!(f, "{name} {version} ({source})"),
        }
    }
}

/// A unit within its package. Units with equal keys are compared between the two sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetKey {
    /// The kind of target: `lib` (of any crate type, including procedural macros), `bin`,
    /// `example`, `test`, `bench` or `custom-build`.
    pub kind: String,
    /// The name of the target.
    pub name: String,
    /// The mode in cargo's words: `build` (also for check), `test` (a harness), `run-custom-build`,
    /// `doc`, ….
    pub mode: String,
    /// The target triple; `None` for the host.
    pub platform: Option<String>,
}

/// The form in which `cargo check` builds a unit.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum CheckForm {
    /// Compiled, because the unit runs on the host or is linked into such a unit.
    ObjectCode,
    /// Only checked.
    Metadata,
    /// Only checked, for the host.
    OfMacro,
}

/// The values of a unit's configuration that the record of a build shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecordedConfiguration {
    /// The features that are on.
    pub features: BTreeSet<String>,
    /// True if the unit is compiled to metadata only.
    pub is_checked: bool,
}

#[derive(Clone, Debug)]
pub(super) struct CargoUnit {
    /// The package name and the unit. The key has no version and no source, so a new version or
    /// source is a change of the unit.
    pub(super) key: (String, TargetKey),
    pub(super) facts: UnitConfiguration,
    /// True if the command itself requests the unit, not only another unit.
    pub(super) is_root: bool,
    /// The key and the facts of the unit and of everything below it, as one number.
    pub(super) deep: u64,
    /// The dependencies: the name in the source, and the index of the unit.
    pub(super) dependencies: Vec<(String, usize)>,
}

/// The configuration of one unit, without that of its dependencies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct UnitConfiguration {
    pub(super) package: PackageKey,
    pub(super) source_file: String,
    pub(super) edition: String,
    pub(super) crate_types: Vec<String>,
    pub(super) features: BTreeSet<String>,
    pub(super) profile: BTreeMap<String, String>,
    pub(super) dependencies: BTreeSet<UnitDependency>,
    /// The target's settings `doc`, `doctest` and `test`, which cargo hashes into the unit.
    pub(super) doc_doctest_test: [bool; 3],
    /// Under check and doc: true if the unit is compiled to object code, false if only to metadata.
    pub(super) object_code: bool,
    /// Under check: true if a checked procedural macro needs the unit, and other units do not share
    /// it.
    pub(super) is_of_macro: bool,
    /// With link-time optimisation: the kinds of target that use the unit. They decide if the unit
    /// is compiled to objects, bitcode or both, which the unit graph does not state directly.
    pub(super) needed_for: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct UnitDependency {
    pub(super) extern_name: String,
    pub(super) package: PackageKey,
    pub(super) target: TargetKey,
    /// The options of the dependency, such as `public` and `noprelude`.
    pub(super) options: BTreeMap<String, String>,
}

impl TargetKey {
    /// Returns true for a unit that rustdoc builds.
    pub(super) fn is_documentation(&self) -> bool {
        self.mode == "doc"
    }
}

impl CargoUnit {
    /// Returns true for build scripts and procedural macros, which never take part in link-time
    /// optimisation.
    fn is_for_host(&self) -> bool {
        self.key.1.kind == "custom-build" || self.facts.crate_types == ["proc-macro"]
    }

    /// Returns the kinds of output that this unit and its users need of the dependencies. Empty
    /// without link-time optimisation.
    fn needs(&self) -> BTreeSet<String> {
        let profile = &self.facts.profile;
        let lto = profile.get("lto").map_or("false", String::as_str);
        if matches!(lto, "false" | "off") || self.key.1.mode == "run-custom-build" {
            return BTreeSet::new();
        }
        if self.is_for_host() {
            return BTreeSet::from(["the host".to_owned()]);
        }
        let mut needs = self.facts.needed_for.clone();
        needs.insert(match self.key.1.mode.as_str() {
            "test" => "a test harness".to_owned(),
            _ => self.facts.crate_types.join(" and "),
        });
        needs
    }
}

impl CargoUnitGraph {
    /// Parses cargo's output about a workspace. `root` is the top level of the repository or of its
    /// copy.
    ///
    /// # Errors
    /// Returns an error if the text is no unit graph, or if its version is not 1.
    pub(super) fn parse(json: &[u8], root: &Utf8Path) -> Result<Self> {
        let raw = UnitGraphJson::read(json)?;
        let root = RootDirectory(root.as_str().replace('\\', "/"));
        let identities: Vec<(PackageKey, TargetKey)> = raw
            .units
            .iter()
            .map(|unit| (root.package(&unit.pkg_id), root.target(unit)))
            .collect();
        let mut units = Vec::with_capacity(raw.units.len());
        for (raw, (package, target)) in raw.units.into_iter().zip(&identities) {
            let mut dependencies = Vec::with_capacity(raw.dependencies.len());
            let mut described = BTreeSet::new();
            for DependencyJson {
                index,
                extern_crate_name,
                options,
            } in raw.dependencies
            {
                let (package, target) = identities[index].clone();
                dependencies.push((extern_crate_name.clone(), index));
                let options = options.into_iter().map(|(k, v)| (k, plain(&v))).collect();
                described.insert(UnitDependency {
                    extern_name: extern_crate_name,
                    package,
                    target,
                    options,
                });
            }
            let profile = raw.profile.into_iter().filter(|(field, _)| field != "name");
            units.push(CargoUnit {
                key: (package.name.clone(), target.clone()),
                facts: UnitConfiguration {
                    package: package.clone(),
                    source_file: root.relative(&raw.target.src_path.unwrap_or_default()),
                    edition: raw.target.edition,
                    crate_types: raw.target.crate_types,
                    features: raw.features.into_iter().collect(),
                    profile: profile
                        .map(|(field, value)| (field, plain(&value)))
                        .collect(),
                    dependencies: described,
                    doc_doctest_test: [raw.target.doc, raw.target.doctest, raw.target.test],
                    object_code: raw.mode != "check",
                    is_of_macro: false,
                    needed_for: BTreeSet::new(),
                },
                is_root: false,
                deep: 0,
                dependencies,
            });
        }
        for root in raw.roots {
            units[root].is_root = true;
        }
        Self::complete(units)
    }

    /// Returns the platforms that the units are built for.
    pub(super) fn platforms(&self) -> BTreeSet<Option<&str>> {
        let units = self.units.iter();
        units.map(|unit| unit.key.1.platform.as_deref()).collect()
    }

    /// Converts the graph of a build into the graph of `cargo check`. A check builds no binaries
    /// for tests to run. It produces object code only for units that run on the host while
    /// compiling, so a library that is used by a build script and by another library becomes two
    /// units.
    ///
    /// A check also checks the dependencies of a checked procedural macro, for the host. Without
    /// `--target`, other units share these dependencies, unless cargo runs a script below them
    /// twice, which the graph of a build does not show. With `macros_apart`, they are never shared.
    pub(super) fn checked(self, macros_apart: bool) -> Result<Self> {
        let mut forms: Vec<(usize, CheckForm)> = Vec::new();
        let mut places = HashMap::new();
        let mut place = |form: (usize, CheckForm), forms: &mut Vec<_>| {
            *places.entry(form).or_insert_with(|| {
                forms.push(form);
                forms.len() - 1
            })
        };
        for &index in &self.users_first {
            if self.units[index].is_root {
                place((index, CheckForm::Metadata), &mut forms);
            }
        }
        let mut units: Vec<CargoUnit> = Vec::new();
        while let Some(&(index, form)) = forms.get(units.len()) {
            let mut unit = self.units[index].clone();
            let below = match form {
                CheckForm::Metadata if macros_apart && unit.is_for_host() => CheckForm::OfMacro,
                form => form,
            };
            let facts = &mut unit.facts;
            facts.object_code = form == CheckForm::ObjectCode;
            facts.is_of_macro = form == CheckForm::OfMacro;
            facts.needed_for.clear();
            facts.dependencies.retain(|on| on.target.kind != "bin");
            unit.dependencies
                .retain(|(_, index)| self.units[*index].key.1.kind != "bin");
            for (_, index) in &mut unit.dependencies {
                let form = match self.units[*index].is_for_host() {
                    true => CheckForm::ObjectCode,
                    false => below,
                };
                *index = place((*index, form), &mut forms);
            }
            units.push(unit);
        }
        Self::complete(units)
    }

    /// Computes the values of a unit that follow from its users and its dependencies.
    fn complete(mut units: Vec<CargoUnit>) -> Result<Self> {
        let below = |index: usize| units[index].dependencies.iter().map(|on| on.1);
        let users_first = users_first(units.len(), below)?;
        for &index in &users_first {
            let needs = units[index].needs();
            if needs.is_empty() {
                continue;
            }
            for at in 0..units[index].dependencies.len() {
                let (_, dependency) = units[index].dependencies[at];
                let dependency = &mut units[dependency];
                if !dependency.is_for_host() {
                    dependency.facts.needed_for.extend(needs.iter().cloned());
                }
            }
        }
        for &index in users_first.iter().rev() {
            let unit = &units[index];
            let below = unit.dependencies.iter();
            let mut below: Vec<(&str, u64)> = below
                .map(|(name, index)| (name.as_str(), units[*index].deep))
                .collect();
            below.sort_unstable();
            units[index].deep = hashed((&unit.key, &unit.facts, below));
        }
        Ok(Self { units, users_first })
    }
}

/// The directory that stands for the repository's top level, with `/` as separator.
struct RootDirectory(String);

impl RootDirectory {
    /// Returns a path relative to the repository. A path outside the repository stays absolute.
    fn relative(&self, path: &str) -> String {
        let path = path.replace('\\', "/");
        match path.strip_prefix(&self.0) {
            Some("") => String::new(),
            Some(rest) if rest.starts_with('/') => rest[1..].to_owned(),
            _ => path,
        }
    }

    /// Parses a package id: `SOURCE#VERSION`, in which the last part of the URL is the name, or
    /// `SOURCE#NAME@VERSION`.
    fn package(&self, id: &str) -> PackageKey {
        let (name, version) = name_and_version(id);
        let url = id.rsplit_once('#').map_or(id, |(url, _)| url);
        let source = match url.strip_prefix("path+file://") {
            Some(path) => {
                let path = decoded(path);
                // On Windows the URL has a slash before the drive letter.
                let path = match self.0.starts_with('/') {
                    true => path.as_str(),
                    false => path.trim_start_matches('/'),
                };
                format!("path+{}", self.relative(path))
            }
            None => url.to_owned(),
        };
        PackageKey {
            name: decoded(name),
            version: version.to_owned(),
            source,
        }
    }

    fn target(&self, unit: &UnitJson) -> TargetKey {
        let kind = match unit.is_library() {
            true => "lib",
            false => unit.kind(),
        };
        TargetKey {
            kind: kind.to_owned(),
            name: unit.target.name.clone(),
            // The dependencies of documentation are checked, not built. They count as built here.
            mode: match unit.mode.as_str() {
                "check" => "build".to_owned(),
                mode => mode.to_owned(),
            },
            platform: unit.platform.as_deref().map(|it| self.relative(it)),
        }
    }
}

/// Decodes the percent-encoding of a URL.
fn decoded(url: &str) -> String {
    let mut parts = url.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let hex = part.get(..2);
        let (byte, rest) = match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (byte, &part[2..]),
            None => (b'%', part),
        };
        bytes.push(byte);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
