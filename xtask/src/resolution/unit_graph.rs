//! Cargo's unit graph, as `--unit-graph` prints it (JSON, version 1; documented in the unstable
//! chapter of the Cargo book), in a form that two checkouts can be compared by.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use anyhow::{Result, ensure};
use cargo_metadata::camino::Utf8Path;

use super::raw::{RawDependency, RawGraph, RawUnit, users_first};
use crate::repo::hashed;
use crate::workspace::name_and_version;

/// The units of one side, each with everything cargo configures about it.
#[derive(Debug, Default)]
pub(super) struct UnitGraph {
    pub(super) units: Vec<Unit>,
    /// The units' indices, every user before its dependencies.
    pub(super) users_first: Vec<usize>,
}

/// A package, by what stays the same from one checkout to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageKey {
    /// The package's name.
    pub name: String,
    /// Its version, as in its manifest.
    pub version: String,
    /// Cargo's source (`registry+https://…`, `git+https://…`), or `path+` and the directory: one
    /// of the repository is relative to its root (`path+crates/a`, `path+` for the root itself).
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

/// Which unit of a package: what is compared with its like on the other side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    /// `lib` (of whatever crate types, procedural macros included), `bin`, `example`, `test`,
    /// `bench` or `custom-build`.
    pub kind: String,
    /// The target's name.
    pub name: String,
    /// `build` (or checked), `test` (a harness), `run-custom-build`, `doc`, …, in cargo's words.
    pub mode: String,
    /// The triple it is compiled for; `None` is the host.
    pub platform: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Packages of one name are one key: a new version or source is a change of the unit.
    pub(super) key: (String, TargetKey),
    pub(super) facts: Facts,
    /// Whether the user asked for it, not another unit.
    pub(super) is_root: bool,
    /// The key and the facts of the unit and of everything below it, as one number.
    pub(super) deep: u64,
    /// For every dependency its name in the source, and the index of its unit.
    pub(super) dependencies: Vec<(String, usize)>,
}

/// What cargo configures about one unit by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    pub(super) package: PackageKey,
    pub(super) source_file: String,
    pub(super) edition: String,
    pub(super) crate_types: Vec<String>,
    pub(super) features: BTreeSet<String>,
    pub(super) profile: BTreeMap<String, String>,
    pub(super) dependencies: BTreeSet<Dependency>,
    /// Cargo hashes these of a target's settings into its units.
    pub(super) doc_doctest_test: [bool; 3],
    /// Under check: whether it is compiled to object code, or to metadata alone.
    pub(super) object_code: bool,
    /// With link-time optimisation: the kinds of target that use it, which decide whether it is
    /// compiled to objects, bitcode or both. The graph does not say that outright.
    pub(super) needed_for: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Dependency {
    pub(super) extern_name: String,
    pub(super) package: PackageKey,
    pub(super) target: TargetKey,
    /// `public`, `noprelude` and their like.
    pub(super) options: BTreeMap<String, String>,
}

impl Unit {
    /// Build scripts and procedural macros, which never take part in link-time optimisation.
    fn is_for_host(&self) -> bool {
        self.key.1.kind == "custom-build" || self.facts.crate_types == ["proc-macro"]
    }

    /// What this unit and its users need of its dependencies.
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

impl UnitGraph {
    /// Reads what cargo printed about a workspace whose repository lies, or is copied, at `root`.
    ///
    /// # Errors
    /// Text that is no unit graph, or one of a version other than 1.
    pub(super) fn parse(json: &[u8], root: &Utf8Path) -> Result<Self> {
        let raw = RawGraph::read(json)?;
        ensure!(
            raw.version == 1,
            "version {} of cargo's unit graph is not known",
            raw.version
        );
        let root = Root(root.as_str().replace('\\', "/"));
        let identities: Vec<(PackageKey, TargetKey)> = raw
            .units
            .iter()
            .map(|unit| (root.package(&unit.pkg_id), root.target(unit)))
            .collect();
        let mut units = Vec::with_capacity(raw.units.len());
        for (raw, (package, target)) in raw.units.into_iter().zip(&identities) {
            let mut dependencies = Vec::with_capacity(raw.dependencies.len());
            let mut described = BTreeSet::new();
            for RawDependency {
                index,
                extern_crate_name,
                options,
            } in raw.dependencies
            {
                let (package, target) = identities[index].clone();
                dependencies.push((extern_crate_name.clone(), index));
                let options = options.into_iter().map(|(k, v)| (k, plain(&v))).collect();
                described.insert(Dependency {
                    extern_name: extern_crate_name,
                    package,
                    target,
                    options,
                });
            }
            let profile = raw.profile.into_iter().filter(|(field, _)| field != "name");
            units.push(Unit {
                key: (package.name.clone(), target.clone()),
                facts: Facts {
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
                    object_code: true,
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

    /// The same graph as `cargo check` sees it. It builds no binaries for tests to run, and object
    /// code only of what runs on the host as it compiles: a library used by a build script and by
    /// another library is two units.
    pub(super) fn checked(self) -> Result<Self> {
        let mut forms: Vec<(usize, bool)> = Vec::new();
        let mut places = HashMap::new();
        let mut place = |form: (usize, bool), forms: &mut Vec<_>| {
            *places.entry(form).or_insert_with(|| {
                forms.push(form);
                forms.len() - 1
            })
        };
        for &index in &self.users_first {
            if self.units[index].is_root {
                place((index, false), &mut forms);
            }
        }
        let mut units: Vec<Unit> = Vec::new();
        while let Some(&(index, object_code)) = forms.get(units.len()) {
            let mut unit = self.units[index].clone();
            let facts = &mut unit.facts;
            facts.object_code = object_code;
            facts.needed_for.clear();
            facts.dependencies.retain(|on| on.target.kind != "bin");
            unit.dependencies
                .retain(|(_, index)| self.units[*index].key.1.kind != "bin");
            for (_, index) in &mut unit.dependencies {
                let object_code = object_code || self.units[*index].is_for_host();
                *index = place((*index, object_code), &mut forms);
            }
            units.push(unit);
        }
        Self::complete(units)
    }

    /// Fills in what is known of a unit only through its users and its dependencies.
    fn complete(mut units: Vec<Unit>) -> Result<Self> {
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

/// The directory that stands for the repository, with `/` between its parts.
struct Root(String);

impl Root {
    /// A path as it is within the repository; others stay whole.
    fn relative(&self, path: &str) -> String {
        let path = path.replace('\\', "/");
        match path.strip_prefix(&self.0) {
            Some("") => String::new(),
            Some(rest) if rest.starts_with('/') => rest[1..].to_owned(),
            _ => path,
        }
    }

    /// Takes a package id specification apart: `SOURCE#VERSION`, where the URL's last part is the
    /// name, or `SOURCE#NAME@VERSION`.
    fn package(&self, id: &str) -> PackageKey {
        let (name, version) = name_and_version(id);
        let url = id.rsplit_once('#').map_or(id, |(url, _)| url);
        let source = match url.strip_prefix("path+file://") {
            Some(path) => {
                let path = decoded(path);
                // On Windows the URL has a slash before the drive.
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

    fn target(&self, unit: &RawUnit) -> TargetKey {
        let kind = match unit.target.kind.first().map_or("", String::as_str) {
            kind @ ("bin" | "example" | "test" | "bench" | "custom-build") => kind,
            _ => "lib",
        };
        TargetKey {
            kind: kind.to_owned(),
            name: unit.target.name.clone(),
            // What documentation needs is checked, not built.
            mode: match unit.mode.as_str() {
                "check" => "build".to_owned(),
                mode => mode.to_owned(),
            },
            platform: unit.platform.as_deref().map(|it| self.relative(it)),
        }
    }
}

/// Undoes a URL's percent-encoding.
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
