//! Runs `cargo metadata` and reduces the output to a [`Workspace`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::Output;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::DependencyKind;
use cargo_metadata::cargo_platform::Platform;

use super::manifest_reader::{AskCargo, ManifestReader};
use super::{
    Declared, Dependency, LoadOptions, Package, PackageIx, PlatformFacts, TargetKind, Workspace,
};
use crate::cargo_config::CargoConfig;
use crate::cargo_config::wrapper::asking_cargo;
use crate::lock_file::{LockFile, LockState};
use crate::paths::RealPaths;
use crate::process::Runner;
use crate::workspace::metadata_json::{MetadataJson, PackageIndexes, ResolvedNode};
use crate::{files, lock_file, quote};

impl Workspace {
    /// Reads the workspace from its manifests, or runs `cargo metadata` if the manifests do not
    /// contain all information. Returns the workspace, the features that the manifests declare, and
    /// the manifests of all path dependencies that packages name, even of unused ones.
    pub(crate) fn ask(runner: &Runner, options: &LoadOptions) -> Result<AskedWorkspace> {
        let triples = options.platforms.triples(runner);
        std::thread::scope(|scope| {
            let asked = triples.clone();
            let facts = scope.spawn(|| PlatformFacts::of(runner, &asked?));
            let cargo = |because: &AskCargo| {
                log::info!(
                    "metadata: cargo is asked, since {}",
                    quote::line(&because.0)
                );
                cargo_metadata(runner, options, triples.as_deref())
            };
            let reader = ManifestReader::new(runner, options);
            let reader = reader.and_then(|it| it.proven_with(runner.cargo_version()));
            // Cargo starts while the compiler still runs.
            let output = reader.as_ref().err().map(cargo);
            let facts = facts.join().unwrap_or_default();
            if let Some(output) = output {
                return Self::of_cargo(runner, output?, facts);
            }
            match reader.and_then(|it| it.resolved(&triples, facts.as_ref())) {
                Ok(answer) => {
                    log::info!("metadata: read from the manifests and the lock file");
                    Self::completed(runner, answer, facts, LockState::Current)
                }
                Err(because) => Self::of_cargo(runner, cargo(&because)?, facts),
            }
        })
    }

    /// Runs `cargo metadata` for the workspace that [`Workspace::load`] loads.
    ///
    /// # Errors
    /// Returns cargo's own message if cargo cannot load or resolve the workspace.
    #[cfg(any(test, feature = "testing"))]
    pub fn by_cargo(runner: &Runner, options: &LoadOptions) -> Result<AskedWorkspace> {
        let triples = options.platforms.triples(runner);
        let output = cargo_metadata(runner, options, triples.as_deref())?;
        let facts = triples.and_then(|triples| PlatformFacts::of(runner, &triples));
        Self::of_cargo(runner, output, facts)
    }

    /// Reads the workspace that [`Workspace::load`] loads from its manifests. Returns the reason to
    /// ask cargo if the manifests do not contain all information.
    ///
    /// # Errors
    /// Returns an error if the answer is inconsistent.
    #[cfg(any(test, feature = "testing"))]
    pub fn by_manifests(
        runner: &Runner,
        options: &LoadOptions,
    ) -> Result<Result<AskedWorkspace, String>> {
        let triples = options.platforms.triples(runner);
        let asked = triples.clone();
        let facts = asked.and_then(|triples| PlatformFacts::of(runner, &triples));
        let reader = ManifestReader::new(runner, options);
        let answer = reader.and_then(|it| it.resolved(&triples, facts.as_ref()));
        match answer {
            Ok(answer) => Self::completed(runner, answer, facts, LockState::Current).map(Ok),
            Err(because) => Ok(Err(because.0)),
        }
    }

    fn of_cargo(
        runner: &Runner,
        (output, lock): (Output, LockState),
        facts: Option<CompilerFacts>,
    ) -> Result<AskedWorkspace> {
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("cargo cannot load this workspace\n{}", said.trim_end());
        }
        let answer: MetadataJson<'_> = serde_json::from_slice(&output.stdout)
            .context("`cargo metadata` printed something that is not its documented JSON")?;
        Self::completed(runner, answer, facts, lock)
    }

    /// Reduces an answer, and adds what `cargo metadata` does not print.
    fn completed(
        runner: &Runner,
        answer: MetadataJson<'_>,
        facts: Option<CompilerFacts>,
        lock: LockState,
    ) -> Result<AskedWorkspace> {
        let dependencies = answer.packages.iter().flat_map(|it| &it.dependencies);
        let named: HashSet<&str> = dependencies
            .filter_map(|on| Some(&*on.path.as_ref()?.0))
            .collect();
        let manifest = |directory| Utf8Path::new(directory).join("Cargo.toml");
        let named = named.into_iter().map(manifest).collect();
        let (platforms, sysroot) = facts.unzip();
        let (mut this, declared) = Self::reduced(answer, platforms)?;
        this.sysroot = sysroot;
        this.lock_file = LockFile {
            path: LockFile::path(runner, &this.root),
            state: lock,
        };
        this.read_bench_keys();
        this.links = this.find_links();
        this.narrow_activation(&declared);
        this.find_overridden_scripts(runner);
        Ok((this, declared, named))
    }

    /// Reduces the output of `cargo metadata`. Cargo filters the dependencies by platform, but not
    /// the kinds of a dependency. If a package has several kinds of dependency on another package,
    /// only the kinds for one of `platforms` count.
    fn reduced(
        answer: MetadataJson<'_>,
        platforms: Option<Vec<PlatformFacts>>,
    ) -> Result<(Self, Declared)> {
        let may_match = |platform: &Platform| {
            let mut known = platforms.iter().flatten();
            platforms.is_none() || known.any(|facts| facts.matches(platform))
        };
        let mut manifests = answer.packages;
        manifests
            .sort_by(|a, b| (&a.name, &a.version, &a.id.0).cmp(&(&b.name, &b.version, &b.id.0)));
        let places: PackageIndexes<'_> = (0u32..)
            .zip(&manifests)
            .map(|(index, manifest)| (manifest.id.clone(), PackageIx(index)))
            .collect();
        let resolve = answer.resolve.context("`cargo metadata` gave no resolve")?;
        let mut nodes: HashMap<_, _> = resolve
            .nodes
            .into_iter()
            .map(|node| (node.id.clone(), node))
            .collect();
        let members: HashSet<_> = answer.workspace_members.iter().collect();
        let (mut packages, mut declare) = (Vec::new(), Vec::new());
        for manifest in manifests {
            let ResolvedNode {
                deps, mut features, ..
            } = nodes.remove(&manifest.id).unwrap_or_default();
            features.sort();
            let dependencies = deps.iter().filter_map(|on| {
                let several = on.dep_kinds.len() > 1;
                let mut kinds = Vec::new();
                for known in &on.dep_kinds {
                    let target = known.target.as_ref().filter(|_| several);
                    if target.is_none_or(may_match) {
                        kinds.push(known.kind.unwrap_or_default());
                    }
                }
                let has = |kind| kinds.contains(&kind);
                Some(Dependency {
                    package: *places.get(&on.pkg)?,
                    normal: has(DependencyKind::Normal),
                    dev: has(DependencyKind::Development),
                    build: has(DependencyKind::Build),
                })
            });
            packages.push(Package {
                member: members.contains(&manifest.id),
                id: manifest.id.0.into_owned(),
                name: manifest.name,
                version: manifest.version,
                source: manifest.source,
                manifest_path: manifest.manifest_path,
                links: manifest.links,
                features,
                builds: Vec::new(),
                is_script_overridden: false,
                targets: manifest.targets.into_iter().filter_map(|it| it.0).collect(),
                dependencies: dependencies.collect(),
            });
            declare.push((manifest.features, manifest.dependencies, deps));
        }
        let this = Self {
            lock_file: LockFile {
                path: answer.workspace_root.join("Cargo.lock"),
                state: LockState::Current,
            },
            build_directory: answer
                .build_directory
                .unwrap_or_else(|| answer.target_directory.clone()),
            target_directory: answer.target_directory,
            root: answer.workspace_root,
            packages,
            metadata: answer.metadata.to_string(),
            platforms,
            sysroot: None,
            links: BTreeMap::new(),
            inputs_hash: None,
        };
        let declared = Declared::of(declare, &this, &places);
        Ok((this, declared))
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

    /// Finds the packages whose build script is overridden: cargo does not compile the script,
    /// because the configuration states what the script would print. A configuration that cannot be
    /// read is ignored here, because cargo itself reports it.
    fn find_overridden_scripts(&mut self, runner: &Runner) {
        let Some(platforms) = &self.platforms else {
            return;
        };
        if self.packages.iter().all(|package| package.links.is_none()) {
            return;
        }
        let root = runner.in_directory(&self.root);
        let Ok(config) = CargoConfig::of(&root) else {
            return;
        };
        for package in &mut self.packages {
            let Some(links) = &package.links else {
                continue;
            };
            let is_overridden = |platform: &PlatformFacts| {
                let value = config.get(&["target", &platform.name, links]);
                matches!(value, Ok(Some(_)))
            };
            package.is_script_overridden = platforms.iter().all(is_overridden);
        }
    }

    /// Reads the `bench` keys of targets, which `cargo metadata` leaves out. A `bench` key counts
    /// only for a target without tests, because one harness serves tests and benchmarks.
    fn read_bench_keys(&mut self) {
        for package in self.packages.iter_mut().filter(|package| package.member) {
            if package.targets.iter().all(|it| it.test || !it.bench) {
                continue;
            }
            let manifest = files::read_text(&package.manifest_path, files::SETTINGS).ok();
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

/// A loaded workspace, the features that its manifests declare, and the manifests of all path
/// dependencies that packages name.
pub type AskedWorkspace = (Workspace, Declared, Vec<Utf8PathBuf>);

/// The compiler's facts about the platforms, and its sysroot.
pub(super) type CompilerFacts = (Vec<PlatformFacts>, Utf8PathBuf);

/// Runs `cargo metadata`. Returns its output and the state of the lock file.
fn cargo_metadata(
    runner: &Runner,
    options: &LoadOptions,
    triples: Option<&[String]>,
) -> Result<(Output, LockState)> {
    let arguments = arguments(options, triples);
    lock_file::ask(&|| {
        let mut command = asking_cargo(runner);
        command.args(&arguments);
        command
    })
}

/// Returns the arguments of `cargo metadata` for the host and for these platforms.
fn arguments(options: &LoadOptions, triples: Option<&[String]>) -> Vec<String> {
    let mut arguments: Vec<&str> = vec!["metadata", "--format-version", "1"];
    if let Some(manifest) = &options.manifest_path {
        arguments.extend(["--manifest-path", manifest.as_str()]);
    }
    if let Some(triples) = triples {
        arguments.extend(["--filter-platform", "host-tuple"]);
        for triple in triples {
            arguments.extend(["--filter-platform", triple]);
        }
    }
    let flags = [(options.locked, "--locked"), (options.offline, "--offline")];
    arguments.extend(flags.iter().filter(|flag| flag.0).map(|flag| flag.1));
    arguments.into_iter().map(str::to_owned).collect()
}

/// Returns the table of the target `name` in an array of tables, such as `[[bin]]`.
fn named<'a>(tables: Option<&'a toml::Value>, name: &str) -> Option<&'a toml::Value> {
    let is_it =
        |table: &&toml::Value| table.get("name").and_then(toml::Value::as_str) == Some(name);
    tables?.as_array()?.iter().find(is_it)
}
