//! Reads a profile directory and finds the package of each unit.
//!
//! The directory of a fingerprint names the package and the unit. All other files of the unit have
//! the same hash (see [`build_dir`]). If several packages have that name, rustc's dep-info tells
//! which package is meant: only the right package has the target's root file in the dep-info, by
//! path or by version. A script run leads to its script by the number of the script's fingerprint.
//! If nothing is readable, the package name decides, since cargo does not reuse such a unit.
//!
//! [`build_dir`]: xtask_impact::build_dir

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::unit_inputs::Roots;
use xtask_impact::build_dir::unit_record::{NamedUnit, RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{Layout, ProfileDir, dep_info};
use xtask_impact::paths::resolved;
use xtask_impact::records::names::{crate_name, target_kind};
use xtask_impact::workspace::{Package, PackageIx, Target, Workspace};
use xtask_impact::{build_dir, files, parallel};

use super::orphans::LiveSet;
use crate::artifacts::profile_dir::{ProfileDirScan, ScannedUnit, plain_names};

/// A reader of profile directories. It reads the host's directories before the directories of other
/// target triples, since the record of a script lies with the host even if the record of the
/// script's run does not.
pub struct ProfileReader<'a> {
    workspace: &'a Workspace,
    by_name: HashMap<&'a str, Vec<PackageIx>>,
    /// The package and hash of each script, by the number of the script's fingerprint.
    scripts: HashMap<u64, (Option<PackageIx>, String)>,
    running: Option<&'a Utf8Path>,
    living: Option<&'a LiveSet<'a>>,
}

impl<'a> ProfileReader<'a> {
    /// Returns a reader of the units of these packages. `running` is the kit's own executable. If
    /// `living` is given, the reader also reads units that belong to no package of the workspace.
    pub fn new(
        workspace: &'a Workspace,
        packages: impl Iterator<Item = PackageIx>,
        running: Option<&'a Utf8Path>,
        living: Option<&'a LiveSet<'a>>,
    ) -> Self {
        let packages: Vec<_> = match living {
            Some(_) => workspace.packages().map(|(package, _)| package).collect(),
            None => packages.collect(),
        };
        let mut by_name: HashMap<_, Vec<_>> = packages
            .into_iter()
            .map(|package| (workspace.package(package).name.as_str(), Vec::new()))
            .collect();
        for (index, package) in workspace.packages() {
            if let Some(named) = by_name.get_mut(package.name.as_str()) {
                named.push(index);
            }
        }
        Self {
            workspace,
            by_name,
            scripts: HashMap::new(),
            running,
            living,
        }
    }

    /// Reads one profile directory. `target` is the directory into which cargo puts final
    /// artifacts.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed.
    pub fn read(&mut self, place: &ProfileDir, target: &Utf8Path) -> Result<ProfileDirScan> {
        let wanted = |name: &str| self.living.is_some() || self.by_name.contains_key(name);
        let named = place.unit_names(&wanted)?;
        self.read_named(place, target, &named)
    }

    /// Reads one profile directory like [`ProfileReader::read`]. `named` are the units in it that
    /// were listed before.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed.
    pub fn read_named(
        &mut self,
        place: &ProfileDir,
        target: &Utf8Path,
        named: &[NamedUnit],
    ) -> Result<ProfileDirScan> {
        let mut units = Vec::new();
        let mut runs = Vec::new();
        let (workspace, by_name) = (self.workspace, &self.by_name);
        // Finds the packages of a unit. A script run is left out, since its script shows the
        // package.
        let owners_of = |name: &str, hash: &str, unit: &UnitName| -> Vec<PackageIx> {
            let packages = by_name.get(name).filter(|_| unit.mode != RecordedMode::Run);
            let packages = packages.into_iter().flatten().copied();
            packages
                .filter(|&package| is_of(workspace, package, place, hash, unit))
                .collect()
        };
        let owners = parallel::parts(named, |part| {
            let owners = part.iter().map(|(name, hash, units)| {
                let owners = units.iter().map(|unit| owners_of(name, hash, unit));
                owners.collect::<Vec<_>>()
            });
            owners.collect()
        });
        for ((name, hash, names), owners) in named.iter().zip(owners) {
            let packages = self.by_name.get(name.as_str());
            let found = |package, unit: Option<&UnitName>| ScannedUnit {
                package: Some(package),
                package_name: name.clone(),
                hash: hash.clone(),
                root: unit.and_then(|unit| root_of(self.workspace.package(package), unit).cloned()),
                unit: unit.cloned(),
                shares: names.len() > 1,
            };
            let packages = || packages.into_iter().flatten().copied();
            if names.is_empty() {
                units.extend(packages().map(|package| found(package, None)));
            }
            for (unit, whose) in names.iter().zip(owners) {
                if unit.mode == RecordedMode::Run {
                    runs.extend(packages().map(|package| found(package, Some(unit))));
                    continue;
                }
                units.extend(whose.iter().map(|&package| found(package, Some(unit))));
                if unit.kind == RecordedKind::BuildScript
                    && let Some((number, _)) = place.fingerprint(name, hash, unit)
                {
                    let script = (whose.first().copied(), hash.clone());
                    self.scripts.insert(number, script);
                }
            }
        }
        runs.retain(|run| self.is_run_of(place, run));
        units.append(&mut runs);
        units.sort_by(|a, b| (&a.package_name, &a.hash).cmp(&(&b.package_name, &b.hash)));
        let outputs = place.outputs(target);
        let holds = |exe: &&Utf8Path| {
            [&outputs, &place.path]
                .iter()
                .any(|directory| exe.starts_with(resolved(directory)))
        };
        let running = self.running.filter(holds);
        let mut contents = ProfileDirScan {
            running: running.and_then(Utf8Path::file_stem).map(str::to_owned),
            documentation: None,
            outputs,
            place: place.clone(),
            units,
            strays: Vec::new(),
            names: BTreeMap::new(),
            dep_infos: HashMap::new(),
        };
        if let Some(living) = self.living {
            let script_of = |name: &str, hash: &str, unit: &UnitName| {
                Some(self.script_of(place, name, hash, unit)?.1.clone())
            };
            contents.strays = living.strays(&contents, named, &script_of);
        }
        contents.list(target)?;
        Ok(contents)
    }

    fn is_run_of(&self, place: &ProfileDir, run: &ScannedUnit) -> bool {
        let unit = run.unit.as_ref();
        let script = unit.and_then(|it| self.script_of(place, &run.package_name, &run.hash, it));
        script.is_none_or(|(package, _)| *package == run.package)
    }

    /// Returns the script of a run, if the script's record was read.
    fn script_of(
        &self,
        place: &ProfileDir,
        package: &str,
        hash: &str,
        run: &UnitName,
    ) -> Option<&(Option<PackageIx>, String)> {
        let (_, fingerprint) = place.fingerprint(package, hash, run)?;
        let mut scripts = fingerprint.deps.iter();
        scripts.find_map(|dependency| self.scripts.get(&dependency.3))
    }
}

/// Returns true if a compiled or documented unit belongs to this package.
fn is_of(
    workspace: &Workspace,
    package: PackageIx,
    place: &ProfileDir,
    hash: &str,
    unit: &UnitName,
) -> bool {
    let package = workspace.package(package);
    let Some(root) = root_of(package, unit) else {
        return false;
    };
    // A manifest may name the root file by way of the parent directory: `../lib.rs`.
    let place_of = |file: &Utf8Path| dep_info::absolute(&workspace.root, file);
    let root = place_of(root);
    let rustcs = place.read_dep_info(&package.name, hash, unit);
    if let Some(found) = rustcs.and_then(|(_, text)| dep_info::parse_rustc(&text)) {
        return found.files.iter().any(|file| place_of(file) == root);
    }
    // Cargo's own dep-info names files below a package without the package's name, and names no
    // file of a registry package.
    let roots = Roots {
        workspace: &workspace.root,
        package: package.directory(),
    };
    match place.cargo_sources(&package.name, hash, unit, roots) {
        Some(found) if package.source.is_none() => {
            found.files.iter().any(|file| place_of(file) == root)
        }
        _ => true,
    }
}

/// Returns the root file of a unit's target, or `None` if the package does not have the target (any
/// more).
pub fn root_of<'a>(package: &'a Package, unit: &UnitName) -> Option<&'a Utf8PathBuf> {
    let kind = target_kind(unit.kind);
    let name = crate_name(kind, &unit.target);
    let is_it = |target: &&Target| target.kind == kind && crate_name(kind, &target.name) == name;
    Some(&package.targets.iter().find(is_it)?.src_path)
}

impl ProfileDirScan {
    /// Lists the files in shared directories that may belong to the units, and reads the dep-infos
    /// without a hash in their names.
    fn list(&mut self, target: &Utf8Path) -> Result<()> {
        let strays = self.strays.iter().map(|stray| &stray.found);
        let found: Vec<_> = self.units.iter().chain(strays).collect();
        let units = found.iter().filter_map(|found| found.unit.as_ref());
        let plain: HashSet<String> = units.flat_map(plain_names).collect();
        let hashes: HashSet<&str> = found.iter().map(|found| &*found.hash).collect();
        // Only a few of thousands of names are wanted.
        let is_wanted = |name: &str| match build_dir::hash_in(name) {
            Some(hash) => hashes.contains(hash),
            None => {
                let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
                let crate_name = name.rsplit_once('-').map(|(crate_name, _)| crate_name);
                plain.contains(stem) || crate_name.is_some_and(|it| plain.contains(it))
            }
        };
        let mut shared = Vec::new();
        // Files in a directory that is not provably cargo's are not touched.
        if build_dir::is_cargos(target, &self.outputs) {
            shared.extend([self.outputs.clone(), self.outputs.join("examples")]);
            self.documentation = Some(self.outputs.with_file_name("doc"));
        }
        let inner: &[&str] = match self.place.layout {
            Layout::V1 => &["deps", "examples", "build", "incremental"],
            Layout::V2 => &["incremental"],
        };
        shared.extend(inner.iter().map(|name| self.place.path.join(name)));
        for directory in shared {
            if self.names.contains_key(&directory) {
                continue;
            }
            let names = build_dir::entries_such(&directory, &is_wanted)?;
            for name in &names {
                let stem = name.strip_suffix(".d");
                let path = directory.join(name);
                if stem.is_some_and(|stem| plain.contains(stem))
                    && let Ok(text) = files::read_text(&path, files::RECORD)
                {
                    self.dep_infos.insert(path, text);
                }
            }
            self.names.insert(directory, names);
        }
        Ok(())
    }
}
