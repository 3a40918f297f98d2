//! What cargo says of a workspace, reduced to what the kit asks: packages, their targets, and the
//! resolved dependencies between them.

mod cache;
mod configured;
mod declared;
mod lock_file;
mod nearby;
mod platforms;
mod stamps;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::{Metadata, TargetKind as CargoKind};
use serde::{Deserialize, Serialize};

use cache::Cache;
pub use configured::configured_in;
pub use declared::{Declaration, Declared, Request, Table};
use lock_file::LockFiles;
pub use nearby::{RootManifest, workspaces_below};
pub use platforms::{PlatformFacts, Platforms};

use crate::process::{self, Runner};
use crate::repo::build_dir::Directories;
use crate::repo::resolved;
use crate::usage;

/// A workspace as cargo resolves it: its members, the path packages they reach, and the external
/// packages under them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// The directory of the root manifest.
    pub root: Utf8PathBuf,
    /// Where final artifacts go.
    pub target_directory: Utf8PathBuf,
    /// Where intermediate artifacts go; the target directory unless `build.build-dir` says else.
    pub build_directory: Utf8PathBuf,
    /// All packages of the resolve, sorted by name, version and id.
    pub packages: Vec<Package>,
    /// The table `[workspace.metadata]` of the root manifest, as JSON.
    pub metadata: String,
    /// The platforms that are built for, the host first; `None` for all that there are.
    pub platforms: Option<Vec<PlatformFacts>>,
    /// Whether cargo is going to write `Cargo.lock` anew when it builds.
    pub lock_is_stale: bool,
    /// Where the compiler lies that builds it, if it told.
    pub sysroot: Option<Utf8PathBuf>,
    /// Directories and manifests of path packages that symbolic links lead to: by the path as cargo
    /// knows it the one without links.
    pub links: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    /// A hash of everything that cargo went by, where that did not change while it was asked: what
    /// follows from manifests, lock file, configuration and toolchain alone holds as long.
    pub ground: Option<u64>,
}

/// The place of a package in [`Workspace::packages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageIx(pub u32);

/// One package of the resolve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// Cargo's package id, as its JSON messages carry it.
    pub id: String,
    /// Name as in the manifest.
    pub name: String,
    /// Version as in the manifest.
    pub version: String,
    /// Where it comes from; `None` for a path package.
    pub source: Option<String>,
    /// The package's `Cargo.toml`.
    pub manifest_path: Utf8PathBuf,
    /// Whether it is a member of the workspace.
    pub member: bool,
    /// `links` of the manifest.
    pub links: Option<String>,
    /// Features that the resolve activates, sorted.
    pub features: Vec<String>,
    /// Its targets, in cargo's order.
    pub targets: Vec<Target>,
    /// Resolved dependencies, on the platforms that were asked for.
    pub dependencies: Vec<Dependency>,
}

impl Package {
    /// The directory of the manifest.
    pub fn directory(&self) -> &Utf8Path {
        self.manifest_path.parent().unwrap_or(Utf8Path::new(""))
    }

    /// The library target, proc-macros included.
    pub fn library(&self) -> Option<&Target> {
        self.targets
            .iter()
            .find(|target| target.kind == TargetKind::Lib)
    }
}

/// One target of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Name as cargo shows it.
    pub name: String,
    /// Which kind.
    pub kind: TargetKind,
    /// Root source file.
    pub src_path: Utf8PathBuf,
    /// Whether other targets can link to it: anything but a library that is only a `cdylib` or
    /// `staticlib`.
    pub linkable: bool,
    /// Whether it is a proc-macro, compiled for the host.
    pub proc_macro: bool,
    /// Whether `cargo test` compiles its tests.
    pub test: bool,
    /// Whether `cargo bench`, and with it `--all-targets`, compiles it as a benchmark.
    pub bench: bool,
    /// Whether it has documentation tests.
    pub doctest: bool,
    /// Features without which cargo skips it.
    pub required_features: Vec<String>,
}

/// The kinds of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A library of whatever crate type, proc-macros included.
    Lib,
    /// A binary.
    Bin,
    /// An example.
    Example,
    /// An integration test.
    Test,
    /// A benchmark.
    Bench,
    /// A build script.
    CustomBuild,
}

/// A resolved dependency edge, with the kinds of it that hold on the platforms asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dependency {
    /// Which package.
    pub package: PackageIx,
    /// `[dependencies]`.
    pub normal: bool,
    /// `[dev-dependencies]`.
    pub dev: bool,
    /// `[build-dependencies]`.
    pub build: bool,
}

/// How the user wants cargo asked.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The manifest to start from; by default the one that cargo finds from the directory.
    pub manifest_path: Option<Utf8PathBuf>,
    /// Which platforms' dependencies count.
    pub platforms: Platforms,
    /// Pass `--locked` on.
    pub locked: bool,
    /// Pass `--offline` on.
    pub offline: bool,
    /// Ask cargo even where its last answer still holds.
    pub no_cache: bool,
}

impl Workspace {
    /// The workspace of the runner's directory or of the given manifest: what cargo last said of it,
    /// where that still holds, or says now.
    ///
    /// # Errors
    /// Cargo's own message where it cannot load or resolve the workspace.
    pub fn load(runner: &Runner, options: &LoadOptions) -> Result<Self> {
        let cache = if options.no_cache {
            None
        } else {
            Cache::new(runner, options)
        };
        if let Some(kept) = cache.as_ref().and_then(Cache::read) {
            return Ok(kept);
        }
        let (mut workspace, declared, named) = Self::ask(runner, options)?;
        if let Some(cache) = cache {
            cache.write(&mut workspace, &declared, named);
        }
        Ok(workspace)
    }

    /// Asks cargo; with what manifests declare of features, and with the manifests of path
    /// dependencies that packages name, used or not.
    pub(crate) fn ask(
        runner: &Runner,
        options: &LoadOptions,
    ) -> Result<(Self, Declared, BTreeSet<Utf8PathBuf>)> {
        let mut command = runner.cargo();
        command.args(["metadata", "--format-version", "1"]);
        if let Some(manifest) = &options.manifest_path {
            command.args(["--manifest-path", manifest.as_str()]);
        }
        let directory = Utf8PathBuf::try_from(runner.directory().to_owned())
            .context("the current directory's path is not UTF-8")?;
        let triples = options.platforms.triples(runner);
        if let Some(triples) = &triples {
            for triple in ["host-tuple"]
                .into_iter()
                .chain(triples.iter().map(String::as_str))
            {
                command.args(["--filter-platform", triple]);
            }
        }
        if options.locked {
            command.arg("--locked");
        }
        if options.offline {
            command.arg("--offline");
        }
        let start = match &options.manifest_path {
            Some(manifest) => directory.join(manifest),
            None => directory,
        };
        let lock_files = LockFiles::above(&start);
        let (output, platforms) = std::thread::scope(|scope| {
            let platforms =
                scope.spawn(|| triples.and_then(|triples| PlatformFacts::of(runner, &triples)));
            (
                process::output(&mut command),
                platforms.join().unwrap_or_default(),
            )
        });
        let output = output?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("cargo cannot load this workspace\n{}", said.trim_end());
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .context("`cargo metadata` printed something that is not its documented JSON")?;
        let dependencies = metadata.packages.iter().flat_map(|it| &it.dependencies);
        let named = dependencies
            .filter_map(|dependency| Some(dependency.path.as_ref()?.join("Cargo.toml")))
            .collect();
        let lock_is_stale = lock_files.restore(&metadata.workspace_root)?;
        let (platforms, sysroot) = platforms.unzip();
        let mut this = Self::from_metadata(&metadata, platforms)?;
        this.sysroot = sysroot;
        this.lock_is_stale = lock_is_stale;
        this.read_bench_keys();
        this.links = this.find_links();
        let declared = Declared::of(&metadata, &this);
        Ok((this, declared, named))
    }

    /// Reads the answer of `cargo metadata --format-version 1`. Cargo filters dependencies by
    /// platform, but not the kinds of one: where a package is depended on in several ways, those
    /// count that are for one of `platforms`.
    ///
    /// # Errors
    /// When the answer has no resolve, as with `--no-deps`.
    pub fn from_metadata(
        metadata: &Metadata,
        platforms: Option<Vec<PlatformFacts>>,
    ) -> Result<Self> {
        let may_match = |platform: &Platform| {
            let mut known = platforms.iter().flatten();
            platforms.is_none() || known.any(|facts| facts.matches(platform))
        };
        let resolve = metadata
            .resolve
            .as_ref()
            .context("`cargo metadata` gave no resolve")?;
        let members: std::collections::HashSet<_> = metadata.workspace_members.iter().collect();
        let mut packages: Vec<Package> = metadata
            .packages
            .iter()
            .map(|package| Package {
                id: package.id.repr.clone(),
                name: package.name.to_string(),
                version: package.version.to_string(),
                source: package.source.as_ref().map(|source| source.repr.clone()),
                manifest_path: package.manifest_path.clone(),
                member: members.contains(&package.id),
                links: package.links.clone(),
                features: Vec::new(),
                targets: package.targets.iter().filter_map(target).collect(),
                dependencies: Vec::new(),
            })
            .collect();
        packages.sort_by(|a, b| (&a.name, &a.version, &a.id).cmp(&(&b.name, &b.version, &b.id)));
        let by_id: HashMap<String, PackageIx> = (0u32..)
            .zip(&packages)
            .map(|(index, package)| (package.id.clone(), PackageIx(index)))
            .collect();
        for node in &resolve.nodes {
            let Some(&PackageIx(index)) = by_id.get(&node.id.repr) else {
                continue;
            };
            let package = &mut packages[index as usize];
            package.features = node.features.iter().map(ToString::to_string).collect();
            package.features.sort();
            package.dependencies = node
                .deps
                .iter()
                .filter_map(|dependency| {
                    let several = dependency.dep_kinds.len() > 1;
                    let mut kinds = Vec::new();
                    for known in &dependency.dep_kinds {
                        let target = known.target.as_ref().filter(|_| several);
                        if target.is_none_or(may_match) {
                            kinds.push(known.kind);
                        }
                    }
                    let has = |kind| kinds.contains(&kind);
                    Some(Dependency {
                        package: *by_id.get(&dependency.pkg.repr)?,
                        normal: has(cargo_metadata::DependencyKind::Normal),
                        dev: has(cargo_metadata::DependencyKind::Development),
                        build: has(cargo_metadata::DependencyKind::Build),
                    })
                })
                .collect();
        }
        Ok(Self {
            build_directory: metadata
                .build_directory
                .clone()
                .unwrap_or_else(|| metadata.target_directory.clone()),
            target_directory: metadata.target_directory.clone(),
            root: metadata.workspace_root.clone(),
            packages,
            metadata: metadata.workspace_metadata.to_string(),
            platforms,
            lock_is_stale: false,
            sysroot: None,
            links: BTreeMap::new(),
            ground: None,
        })
    }

    fn find_links(&self) -> BTreeMap<Utf8PathBuf, Utf8PathBuf> {
        let own = self.packages.iter().filter(|it| it.source.is_none());
        own.flat_map(|package| {
            let directory = resolved(package.directory());
            let manifest = directory.join("Cargo.toml");
            [
                (package.directory().to_owned(), directory),
                (manifest.clone(), resolved(&manifest)),
            ]
        })
        .filter(|(known, real)| known != real)
        .collect()
    }

    /// Reads the `bench` keys of targets, which cargo's metadata leaves out. They count only where
    /// there are no tests, since one harness serves both.
    fn read_bench_keys(&mut self) {
        for package in self.packages.iter_mut().filter(|package| package.member) {
            if package
                .targets
                .iter()
                .all(|target| target.test || !target.bench)
            {
                continue;
            }
            let manifest = std::fs::read_to_string(&package.manifest_path).ok();
            let manifest = manifest.and_then(|text| text.parse::<toml::Table>().ok());
            let Some(manifest) = manifest else { continue };
            for target in &mut package.targets {
                let table = match target.kind {
                    TargetKind::Lib => manifest.get("lib"),
                    TargetKind::Bin => named(manifest.get("bin"), &target.name),
                    TargetKind::Bench => named(manifest.get("bench"), &target.name),
                    _ => None,
                };
                let bench = table.and_then(|table| table.get("bench")?.as_bool());
                target.bench &= bench.unwrap_or(true);
            }
        }
    }

    /// Where it is built.
    pub fn directories(&self) -> Directories {
        Directories {
            build: self.build_directory.clone(),
            target: self.target_directory.clone(),
        }
    }

    /// All packages with their places.
    pub fn packages(&self) -> impl Iterator<Item = (PackageIx, &Package)> {
        (0u32..).map(PackageIx).zip(&self.packages)
    }

    /// The members, by name.
    pub fn members(&self) -> impl Iterator<Item = (PackageIx, &Package)> {
        self.packages().filter(|(_, package)| package.member)
    }

    /// The package that stands at a place.
    pub fn package(&self, index: PackageIx) -> &Package {
        &self.packages[index.0 as usize]
    }

    /// The one package that `spec` names: `name`, `name@version`, or a package id. Members come
    /// before external packages of the same name.
    ///
    /// # Errors
    /// When there is none (the nearest name is suggested) or several.
    pub fn find(&self, spec: &str) -> Result<PackageIx> {
        let (name, version) = match spec.split_once('@') {
            Some((name, version)) if !spec.contains("://") => (name, Some(version)),
            _ => (spec, None),
        };
        let mut found: Vec<_> = self
            .packages()
            .filter(|(_, package)| {
                package.id == spec
                    || package.name == name
                        && version.is_none_or(|version| package.version == version)
            })
            .collect();
        if found.iter().any(|(_, package)| package.member) {
            found.retain(|(_, package)| package.member);
        }
        match found[..] {
            [(index, _)] => Ok(index),
            [] => Err(usage!(
                "no package `{spec}` in this workspace{}",
                self.suggestion(name)
            )),
            _ => {
                let specs: Vec<_> = found
                    .iter()
                    .map(|(_, package)| format!("{}@{}", package.name, package.version))
                    .collect();
                Err(usage!(
                    "`{spec}` names several packages; say which: {}",
                    specs.join(", ")
                ))
            }
        }
    }

    /// `; did you mean …?` where some package's name is near.
    fn suggestion(&self, name: &str) -> String {
        let near = |package: &Package| strsim::jaro_winkler(&package.name, name);
        let (members, others): (Vec<_>, Vec<_>) =
            self.packages.iter().partition(|package| package.member);
        members
            .into_iter()
            .chain(others)
            .map(|package| (near(package), package))
            .filter(|(score, _)| *score > 0.8)
            .max_by(|(a, one), (b, other)| a.total_cmp(b).then(one.member.cmp(&other.member)))
            .map(|(_, package)| format!("; did you mean `{}`?", package.name))
            .unwrap_or_default()
    }
}

/// The table of a target in an array of such tables.
fn named<'a>(tables: Option<&'a toml::Value>, name: &str) -> Option<&'a toml::Value> {
    let is_it =
        |table: &&toml::Value| table.get("name").and_then(toml::Value::as_str) == Some(name);
    tables?.as_array()?.iter().find(is_it)
}

/// One of cargo's targets, or `None` for one of no kind.
pub(crate) fn target(target: &cargo_metadata::Target) -> Option<Target> {
    let kind = match target.kind.first()? {
        CargoKind::Bin => TargetKind::Bin,
        CargoKind::Example => TargetKind::Example,
        CargoKind::Test => TargetKind::Test,
        CargoKind::Bench => TargetKind::Bench,
        CargoKind::CustomBuild => TargetKind::CustomBuild,
        // lib, rlib, dylib, cdylib, staticlib, proc-macro, and whatever is invented next.
        _ => TargetKind::Lib,
    };
    let linkable = kind == TargetKind::Lib
        && target.crate_types.iter().any(|crate_type| {
            !matches!(
                crate_type,
                cargo_metadata::CrateType::CDyLib | cargo_metadata::CrateType::StaticLib
            )
        });
    Some(Target {
        name: target.name.clone(),
        kind,
        src_path: target.src_path.clone(),
        linkable,
        proc_macro: target.kind.contains(&CargoKind::ProcMacro),
        test: target.test,
        bench: matches!(kind, TargetKind::Lib | TargetKind::Bin | TargetKind::Bench),
        doctest: target.doctest,
        required_features: target.required_features.clone(),
    })
}

#[cfg(test)]
mod tests;
