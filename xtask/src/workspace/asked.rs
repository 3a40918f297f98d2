//! What cargo says, asked for and reduced.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::Utf8PathBuf;
use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::{Metadata, TargetKind as CargoKind};

use super::lock_file::LockFiles;
use super::{
    Declared, Dependency, LoadOptions, Package, PackageIx, PlatformFacts, Target, TargetKind,
    Workspace,
};
use crate::process::{self, Runner};
use crate::repo::RealPaths;

impl Workspace {
    /// Asks cargo; with what manifests declare of features, and with the manifests of path
    /// dependencies that packages name, used or not.
    pub(crate) fn ask(
        runner: &Runner,
        options: &LoadOptions,
    ) -> Result<(Self, Declared, Vec<Utf8PathBuf>)> {
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
        // Of ten thousand packages these are tens of megabytes.
        drop(output);
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
        let mut real = RealPaths::default();
        let mut links = BTreeMap::new();
        for package in self.packages.iter().filter(|it| it.source.is_none()) {
            let known = package.directory();
            let mut manifest = package.manifest_path.clone();
            if let Some(directory) = real.of(known) {
                manifest = directory.join("Cargo.toml");
                links.insert(known.to_owned(), directory);
            }
            if let Some(real) = real.of(&manifest) {
                links.insert(manifest, real);
            }
        }
        links
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
