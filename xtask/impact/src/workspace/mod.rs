//! What cargo says of a workspace, reduced to what the kit asks: packages, their targets, and the
//! resolved dependencies between them.

mod cache;
mod configured;
mod declared;
mod discover;
mod expected;
pub(crate) mod features;
mod flags;
mod metadata;
mod metadata_json;
mod platforms;
mod spec;
mod special;
mod stamps;

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use cache::MetadataCache;
pub use configured::configured_in;
pub use declared::{Declaration, Declared, DeclaredDependency, DependencyTable};
pub use discover::{RootManifest, likely_root, workspaces_below};
pub use expected::expected;
pub use metadata_json::target;
pub use platforms::{PlatformFacts, Platforms, may_be_host};
pub(crate) use spec::PackageIdSpec;
pub use spec::Specs;
pub use spec::name_and_version;
pub use special::check_special_files;

use crate::build_dir::Directories;
use crate::lock_file::LockFile;
use crate::process::Runner;
use crate::quote;
use crate::state;
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
    /// The lock file, and whether it fits the manifests.
    pub lock_file: LockFile,
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
    /// Features that cargo may activate where all members and their tests are built, sorted.
    pub features: Vec<String>,
    /// The features of each build of the package, for the host and for the target; empty where they
    /// are not known for certain.
    pub builds: Vec<Vec<String>>,
    /// Whether cargo's configuration takes the place of the build script (`[target.TRIPLE.LINKS]`) on
    /// every platform that is built for, so that cargo does not compile the script.
    pub is_script_overridden: bool,
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

    /// Returns whether cargo may build the package with exactly these features, sorted.
    pub fn may_have_features(&self, features: &[String]) -> bool {
        match &self.builds[..] {
            [] => self.features == features,
            builds => builds.iter().any(|build| build == features),
        }
    }

    /// Returns whether a feature is on in every build of the package.
    pub fn has_always(&self, feature: &str) -> bool {
        let has = |build: &Vec<String>| build.iter().any(|on| on == feature);
        !self.builds.is_empty() && self.builds.iter().all(has)
    }

    /// The library target, proc-macros included.
    pub fn library(&self) -> Option<&Target> {
        self.targets
            .iter()
            .find(|target| target.kind == TargetKind::Lib)
    }

    /// Whether its library is a procedural macro.
    pub fn is_proc_macro(&self) -> bool {
        self.library().is_some_and(|library| library.proc_macro)
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
    /// Whether `cargo doc` documents it.
    pub doc: bool,
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
    /// What the names begin with of the files in which it is kept.
    pub const KEPT: &str = "workspace";

    /// The workspace of the runner's directory or of the given manifest: what cargo last said of it,
    /// where that still holds, or says now.
    ///
    /// # Errors
    /// Cargo's own message where it cannot load or resolve the workspace.
    pub fn load(runner: &Runner, options: &LoadOptions) -> Result<Self> {
        if let Some(here) = Utf8Path::from_path(runner.directory()) {
            let manifest = options.manifest_path.as_ref().map(|it| here.join(it));
            let start = manifest.as_deref().and_then(Utf8Path::parent);
            check_special_files(here, start.unwrap_or(here))?;
        }
        let cache = (!options.no_cache).then(|| MetadataCache::new(runner, options));
        let Some(cache) = cache.flatten() else {
            return Ok(Self::ask(runner, options)?.0);
        };
        let before = match cache.read() {
            Ok(kept) => return Ok(kept),
            Err(before) => before,
        };
        let (mut workspace, declared, named) = Self::ask(runner, options)?;
        cache.write(&mut workspace, &declared, named, before);
        Ok(workspace)
    }

    /// Returns the directory that caches of the workspace are kept in: see [`state::directory`].
    pub fn kept(&self) -> Option<Utf8PathBuf> {
        state::directory(&self.target_directory, &self.root)
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

    /// The one package that `spec` names, a package id or what cargo takes for one. Members come
    /// before external packages of the same name.
    ///
    /// # Errors
    /// When there is none (the nearest name is suggested) or several.
    pub fn find(&self, spec: &str) -> Result<PackageIx> {
        let asked = PackageIdSpec::new(spec);
        let mut found: Vec<_> = self
            .packages()
            .filter(|(_, package)| asked.matches(package))
            .collect();
        if found.iter().any(|(_, package)| package.member) {
            found.retain(|(_, package)| package.member);
        }
        match found[..] {
            [(index, _)] => Ok(index),
            [] => Err(usage!(
                "no package `{}` in this workspace{}",
                quote::name(&spec),
                self.suggestion(asked.name)
            )),
            _ => {
                let specs: Vec<_> = found
                    .iter()
                    .map(|(_, package)| format!("{}@{}", package.name, package.version))
                    .collect();
                Err(usage!(
                    "`{}` names several packages; say which: {}",
                    quote::name(&spec),
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

#[cfg(test)]
mod tests;
