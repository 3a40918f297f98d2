//! The workspace as `cargo metadata` describes it, reduced to what the kit needs: packages, their
//! targets, and the resolved dependencies between packages.

mod cache;
mod declared;
mod discover;
pub(crate) mod features;
mod flags;
mod guess_members;
pub(crate) mod manifest_reader;
mod metadata;
mod metadata_json;
mod platforms;
mod settings;
mod spec;
mod special;
pub(crate) mod stamps;

use std::collections::BTreeMap;

use anyhow::Result;
use cache::MetadataCache;
use camino::{Utf8Path, Utf8PathBuf};
pub use declared::{Declaration, Declared, DeclaredDependency, DependencyTable};
pub use discover::{RootManifest, likely_root, workspaces_below};
pub use guess_members::guess_members;
pub use manifest_reader::RESERVED_PROFILES;
pub use metadata::AskedWorkspace;
pub use metadata_json::target;
pub use platforms::{PlatformFacts, Platforms, may_be_host};
use serde::{Deserialize, Serialize};
pub use settings::setting_in;
pub(crate) use spec::PackageIdSpec;
pub use spec::{Specs, name_and_version};
pub use special::check_special_files;

use crate::build_dir::Directories;
use crate::lock_file::LockFile;
use crate::process::Runner;
use crate::{quote, state, usage};

/// A workspace as cargo resolves it: its members, their path dependencies, and all external
/// packages that these depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// The directory of the root manifest.
    pub root: Utf8PathBuf,
    /// The directory of final artifacts.
    pub target_directory: Utf8PathBuf,
    /// The directory of intermediate artifacts. It is the target directory unless `build.build-dir`
    /// of cargo's configuration names another directory.
    pub build_directory: Utf8PathBuf,
    /// All packages that cargo resolved, sorted by name, version and id.
    pub packages: Vec<Package>,
    /// The table `[workspace.metadata]` of the root manifest, as JSON.
    pub metadata: String,
    /// The platforms that cargo builds for, the host first; `None` for all platforms.
    pub platforms: Option<Vec<PlatformFacts>>,
    /// The lock file, and whether it agrees with the manifests.
    pub lock_file: LockFile,
    /// The sysroot of the compiler that builds the workspace; `None` if the compiler did not print
    /// a sysroot.
    pub sysroot: Option<Utf8PathBuf>,
    /// The directories and manifests of path packages that are reached through symbolic links. Maps
    /// the path that cargo uses to the canonical path.
    pub links: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    /// A hash of everything that cargo read, if none of it changed while cargo ran. A value that
    /// follows only from manifests, lock file, configuration and toolchain is valid as long as this
    /// hash is the same.
    pub inputs_hash: Option<u64>,
}

/// The index of a package in [`Workspace::packages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageIx(pub u32);

/// A package that cargo resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// The package id, as in cargo's JSON messages.
    pub id: String,
    /// The name in the manifest.
    pub name: String,
    /// The version in the manifest.
    pub version: String,
    /// The registry or git repository that the package comes from; `None` for a path package.
    pub source: Option<String>,
    /// The package's `Cargo.toml`.
    pub manifest_path: Utf8PathBuf,
    /// True if the package is a member of the workspace.
    pub member: bool,
    /// The key `links` of the manifest.
    pub links: Option<String>,
    /// The features that cargo may activate if all members and their tests are built, sorted.
    pub features: Vec<String>,
    /// The features of each build of the package (for the host, for the target). Empty if the
    /// features are not known for certain.
    pub builds: Vec<Vec<String>>,
    /// True if cargo's configuration overrides the build script (`[target.TRIPLE.LINKS]`) on every
    /// platform that cargo builds for. Cargo does not compile an overridden script.
    pub is_script_overridden: bool,
    /// The targets of the package, in cargo's order.
    pub targets: Vec<Target>,
    /// The resolved dependencies on the selected platforms.
    pub dependencies: Vec<Dependency>,
}

impl Package {
    /// Returns the directory of the manifest.
    pub fn directory(&self) -> &Utf8Path {
        self.manifest_path.parent().unwrap_or(Utf8Path::new(""))
    }

    /// Returns true if cargo may build the package with exactly these features. `features` is
    /// sorted.
    pub fn may_have_features(&self, features: &[String]) -> bool {
        match &self.builds[..] {
            [] => self.features == features,
            builds => builds.iter().any(|build| build == features),
        }
    }

    /// Returns true if the feature is on in every build of the package.
    pub fn has_always(&self, feature: &str) -> bool {
        let has = |build: &Vec<String>| build.iter().any(|on| on == feature);
        !self.builds.is_empty() && self.builds.iter().all(has)
    }

    /// Returns the library target. A proc-macro is a library target too.
    pub fn library(&self) -> Option<&Target> {
        self.targets
            .iter()
            .find(|target| target.kind == TargetKind::Lib)
    }

    /// Returns true if the library of the package is a procedural macro.
    pub fn is_proc_macro(&self) -> bool {
        self.library().is_some_and(|library| library.proc_macro)
    }
}

/// A target of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The name as cargo shows it.
    pub name: String,
    /// The kind of the target.
    pub kind: TargetKind,
    /// The root source file.
    pub src_path: Utf8PathBuf,
    /// True if other targets can link to this target. False for a library that is only a `cdylib`
    /// or `staticlib`.
    pub linkable: bool,
    /// True for a proc-macro, which cargo compiles for the host.
    pub proc_macro: bool,
    /// True if `cargo test` compiles the tests of this target.
    pub test: bool,
    /// True if `cargo bench` compiles this target as a benchmark. `--all-targets` then does so too.
    pub bench: bool,
    /// True if the target has documentation tests.
    pub doctest: bool,
    /// True if `cargo doc` documents the target.
    pub doc: bool,
    /// The features that the target requires. Cargo skips the target if one of them is off.
    pub required_features: Vec<String>,
}

/// The kind of a target.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A library of any crate type, including proc-macros.
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

/// A resolved dependency of a package, with the kinds of the dependency on the selected platforms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dependency {
    /// The package that is depended on.
    pub package: PackageIx,
    /// True if the dependency is in `[dependencies]`.
    pub normal: bool,
    /// True if the dependency is in `[dev-dependencies]`.
    pub dev: bool,
    /// True if the dependency is in `[build-dependencies]`.
    pub build: bool,
}

/// Options of [`Workspace::load`].
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The manifest to load. By default cargo searches for it, beginning in the runner's directory.
    pub manifest_path: Option<Utf8PathBuf>,
    /// The platforms whose dependencies count.
    pub platforms: Platforms,
    /// Pass `--locked` to cargo.
    pub locked: bool,
    /// Pass `--offline` to cargo.
    pub offline: bool,
    /// Start cargo even if the cached answer is still valid.
    pub no_cache: bool,
}

impl Workspace {
    /// The prefix of the names of the cache files that hold a workspace.
    pub const STATE_NAME: &str = "workspace";

    /// Loads the workspace of the runner's directory, or of the manifest in `options`. Reads the
    /// cache if the cached answer is still valid, otherwise starts `cargo metadata`.
    ///
    /// # Errors
    /// Returns cargo's own message if cargo cannot load or resolve the workspace.
    pub fn load(runner: &Runner, options: &LoadOptions) -> Result<Self> {
        if let Some(here) = Utf8Path::from_path(runner.directory()) {
            let manifest = options.manifest_path.as_ref().map(|it| here.join(it));
            let start = manifest.as_deref().and_then(Utf8Path::parent);
            check_special_files(here, start.unwrap_or(here))?;
        }
        let cache = (!options.no_cache).then(|| MetadataCache::new(runner, options));
        let Some(cache) = cache.flatten() else {
            let why = match options.no_cache {
                true => "the cache is off",
                false => "only cargo knows which workspace this is",
            };
            log::info!("metadata: not from the cache, since {why}");
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

    /// Returns the directory of the workspace's caches: see [`state::directory`].
    pub fn state_directory(&self) -> Option<Utf8PathBuf> {
        state::directory(&self.target_directory, &self.root)
    }

    /// Returns the target directory and the build directory.
    pub fn directories(&self) -> Directories {
        Directories {
            build: self.build_directory.clone(),
            target: self.target_directory.clone(),
        }
    }

    /// Returns all packages with their indexes.
    pub fn packages(&self) -> impl Iterator<Item = (PackageIx, &Package)> {
        (0u32..).map(PackageIx).zip(&self.packages)
    }

    /// Returns the members of the workspace with their indexes, sorted by name.
    pub fn members(&self) -> impl Iterator<Item = (PackageIx, &Package)> {
        self.packages().filter(|(_, package)| package.member)
    }

    /// Returns the package with this index.
    pub fn package(&self, index: PackageIx) -> &Package {
        &self.packages[index.0 as usize]
    }

    /// Returns the package that `spec` names. `spec` is a package id or a package id specification.
    /// If members and external packages match, only the members count.
    ///
    /// # Errors
    /// Returns an error if no package matches (with the nearest name as a suggestion) or if several
    /// packages match.
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
                "no package `{}` in this workspace\nhint: {}",
                quote::name(&spec),
                self.suggestion(asked.name)
            )),
            _ => {
                let specs: Vec<_> = found
                    .iter()
                    .map(|(_, package)| format!("{}@{}", package.name, package.version))
                    .collect();
                Err(usage!(
                    "`{}` names several packages\nhint: use one of {}",
                    quote::name(&spec),
                    specs.join(", ")
                ))
            }
        }
    }

    /// Returns `did you mean …?` if the name of some package is similar to `name`, otherwise the
    /// command that lists the packages. Members are preferred.
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
            .map_or_else(
                || "`cargo xtask graph` lists the packages".to_owned(),
                |(_, package)| format!("did you mean `{}`?", package.name),
            )
    }
}

#[cfg(test)]
mod tests;
