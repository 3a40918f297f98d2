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
use xtask_impact::build_dir::dep_info::Fingerprint;
use xtask_impact::build_dir::unit_inputs::Roots;
use xtask_impact::build_dir::unit_record::{NamedUnit, RecordedKind, RecordedMode, UnitName};
use xtask_impact::build_dir::{Layout, ProfileDir, dep_info};
use xtask_impact::paths::resolved;
use xtask_impact::records::names::{crate_name, target_kind};
use xtask_impact::workspace::{Package, PackageIx, Target, Workspace};
use xtask_impact::{build_dir, files, parallel};

use super::orphans::LiveSet;
use crate::artifacts::profile_dir::{ProfileDirScan, ScannedUnit, plain_names};
use crate::artifacts::quick_hash::quick_hash;

/// The place of a unit's records: its profile directory, and the names of its fingerprint.
#[derive(Clone, Copy, Debug)]
pub struct UnitAddress<'a> {
    /// The profile directory.
    pub place: &'a ProfileDir,
    /// The name of the package.
    pub package: &'a str,
    /// The hash in the name of the unit's directory.
    pub hash: &'a str,
    /// The name of the unit.
    pub name: &'a UnitName,
}

impl UnitAddress<'_> {
    /// Reads the fingerprint, see [`ProfileDir::fingerprint`].
    pub(crate) fn fingerprint(&self) -> Option<(u64, Fingerprint)> {
        self.place.fingerprint(self.package, self.hash, self.name)
    }
}

/// The contents of the records of units, from the disk or from memory.
pub(crate) trait UnitRecords: Sync {
    /// Returns the number of a unit's fingerprint, and the numbers of the fingerprints of its
    /// dependencies. Returns `None` if cargo never completed a build of the unit.
    fn numbers(&self, unit: UnitAddress<'_>) -> Option<(u64, Vec<u64>)>;

    /// Returns the answer to a question about the unit. `question` is a hash of everything that the
    /// answer depends on, apart from the unit's fingerprint and dep-info. `ask` reads the files.
    fn answer(
        &self,
        unit: UnitAddress<'_>,
        question: u64,
        ask: &dyn Fn() -> Option<bool>,
    ) -> Option<bool>;
}

/// The records on the disk, read each time.
pub(crate) struct RecordsOnDisk;

impl UnitRecords for RecordsOnDisk {
    fn numbers(&self, unit: UnitAddress<'_>) -> Option<(u64, Vec<u64>)> {
        let (value, fingerprint) = unit.fingerprint()?;
        Some((value, fingerprint.deps.iter().map(|it| it.3).collect()))
    }

    fn answer(&self, _: UnitAddress<'_>, _: u64, ask: &dyn Fn() -> Option<bool>) -> Option<bool> {
        ask()
    }
}

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
        let mut contents = self.read_named(place, target, &named, &RecordsOnDisk);
        contents.list(target)?;
        Ok(contents)
    }

    /// Reads one profile directory like [`ProfileReader::read`], but does not list the shared
    /// directories. `named` are the units in it that were listed before.
    pub(crate) fn read_named(
        &mut self,
        place: &ProfileDir,
        target: &Utf8Path,
        named: &[NamedUnit],
        records: &dyn UnitRecords,
    ) -> ProfileDirScan {
        let mut units = Vec::new();
        let mut runs = Vec::new();
        let (workspace, by_name) = (self.workspace, &self.by_name);
        // Finds the packages of a unit. A script run is left out, since its script shows the
        // package.
        let owners_of = |name: &str, hash: &str, unit: &UnitName| -> Vec<PackageIx> {
            let packages = by_name.get(name).filter(|_| unit.mode != RecordedMode::Run);
            let packages = packages.into_iter().flatten().copied();
            let unit = UnitAddress {
                place,
                package: name,
                hash,
                name: unit,
            };
            packages
                .filter(|&package| is_of(workspace, package, unit, records))
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
                    && let Some((number, _)) = records.numbers(UnitAddress {
                        place,
                        package: name,
                        hash,
                        name: unit,
                    })
                {
                    let script = (whose.first().copied(), hash.clone());
                    self.scripts.insert(number, script);
                }
            }
        }
        runs.retain(|run| self.is_run_of(place, run, records));
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
                let run = UnitAddress {
                    place,
                    package: name,
                    hash,
                    name: unit,
                };
                Some(self.script_of(run, records)?.1.clone())
            };
            contents.strays = living.strays(&contents, named, &script_of, records);
        }
        contents
    }

    fn is_run_of(&self, place: &ProfileDir, run: &ScannedUnit, records: &dyn UnitRecords) -> bool {
        let unit = run.unit.as_ref().map(|name| UnitAddress {
            place,
            package: &run.package_name,
            hash: &run.hash,
            name,
        });
        let script = unit.and_then(|it| self.script_of(it, records));
        script.is_none_or(|(package, _)| *package == run.package)
    }

    /// Returns the script of a run, if the script's record was read.
    fn script_of(
        &self,
        run: UnitAddress<'_>,
        records: &dyn UnitRecords,
    ) -> Option<&(Option<PackageIx>, String)> {
        let (_, dependencies) = records.numbers(run)?;
        let mut scripts = dependencies.iter();
        scripts.find_map(|dependency| self.scripts.get(dependency))
    }
}

/// Returns true if a compiled or documented unit belongs to this package.
fn is_of(
    workspace: &Workspace,
    package: PackageIx,
    unit: UnitAddress<'_>,
    records: &dyn UnitRecords,
) -> bool {
    let package = workspace.package(package);
    let Some(root) = root_of(package, unit.name) else {
        return false;
    };
    let is_path = package.source.is_none();
    // Texts are hashed faster than the parts of paths.
    let paths = [&*workspace.root, root, &package.manifest_path].map(Utf8Path::as_str);
    let question = quick_hash((paths, is_path));
    let ask = || Some(is_compiled_from(workspace, package, root, unit));
    records.answer(unit, question, &ask) == Some(true)
}

/// Returns true if the dep-info of a unit names the root file of a package's target.
fn is_compiled_from(
    workspace: &Workspace,
    package: &Package,
    root: &Utf8Path,
    unit: UnitAddress<'_>,
) -> bool {
    let UnitAddress {
        place, hash, name, ..
    } = unit;
    // A manifest may name the root file by way of the parent directory: `../lib.rs`.
    let place_of = |file: &Utf8Path| dep_info::absolute(&workspace.root, file);
    let root = place_of(root);
    let rustcs = place.read_dep_info(&package.name, hash, name);
    if let Some(found) = rustcs.and_then(|(_, text)| dep_info::parse_rustc(&text)) {
        return found.files.iter().any(|file| place_of(file) == root);
    }
    // Cargo's own dep-info names files below a package without the package's name, and names no
    // file of a registry package.
    let roots = Roots {
        workspace: &workspace.root,
        package: package.directory(),
    };
    match place.cargo_sources(&package.name, hash, name, roots) {
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
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed.
    pub(crate) fn list(&mut self, target: &Utf8Path) -> Result<()> {
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
