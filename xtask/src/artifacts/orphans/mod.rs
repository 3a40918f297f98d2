//! Orphans: units of packages, versions and targets that the workspace no longer has.
//!
//! A unit that no package of the workspace claims is not always an orphan, since several workspaces
//! can build in one directory. The unit is certainly an orphan if
//!
//! - it is compiled from a path below the workspace's root, and the artifacts of its package show
//!   that the package was compiled there: rustc writes the absolute path of the root file into a
//!   library's metadata, and cargo writes that path into the `.d` file beside a final artifact; or
//! - it is compiled from a path elsewhere that no longer exists; or
//! - it belongs to a registry or git package that `Cargo.lock` does not name, and nothing in the
//!   build directory was compiled by another workspace.
//!
//! A script run is judged like its script. Any other unit without sources of its own is judged like
//! its package.

mod download;
mod witness;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::dep_info;
use xtask_impact::build_dir::unit_record::{RecordedMode, UnitName};
use xtask_impact::paths::resolved;
use xtask_impact::workspace::Workspace;
use xtask_impact::{files, quote};

use self::download::{Download, DownloadLock, Locked};
use crate::artifacts::profile_dir::{OrphanCandidate, ProfileDirScan, ScanDoubt, ScannedUnit};
use crate::artifacts::quick_hash::{QuickMap, QuickSet};
use crate::artifacts::reader::UnitRecords;

/// The packages that the workspace has on any platform: its packages, and the packages that
/// `Cargo.lock` names.
pub struct LiveSet<'a> {
    workspace: &'a Workspace,
    /// The workspace's root without symbolic links. rustc runs there, and a program sees its
    /// directory in this form.
    root: Utf8PathBuf,
    /// The text of `Cargo.lock`.
    lock_text: String,
    /// The packages that `Cargo.lock` names; see [`LiveSet::locked`].
    locked: OnceCell<Option<LockedPackages>>,
    /// The packages of cargo metadata by name. The value is true if a package of that name is a
    /// path package.
    packages: HashMap<&'a str, bool>,
}

/// The packages in `Cargo.lock`, by name.
type LockedPackages = QuickMap<String, Vec<Locked>>;

/// The units of a profile directory as the directory names them: package, hash, units.
pub(crate) type NamedUnits = [(String, String, Vec<UnitName>)];

impl<'a> LiveSet<'a> {
    /// Reads `Cargo.lock`.
    ///
    /// # Errors
    /// Returns an error if `Cargo.lock` cannot be read, since no unit can be called an orphan
    /// without it.
    pub fn new(workspace: &'a Workspace) -> Result<Self> {
        let path = &workspace.lock_file.path;
        let lock_text = files::read_text(path, files::RECORD)
            .with_context(|| format!("cannot read {}", quote::name(&path)))?;
        let mut packages: HashMap<&str, bool> = HashMap::new();
        for package in &workspace.packages {
            *packages.entry(&package.name).or_default() |= package.source.is_none();
        }
        Ok(Self {
            workspace,
            root: resolved(&workspace.root),
            lock_text,
            locked: OnceCell::new(),
            packages,
        })
    }

    /// Returns the packages that `Cargo.lock` names. Returns `None` if the file is damaged, so that
    /// no unit can be called an orphan. Most directories hold only units of known packages, and then
    /// nobody asks.
    fn locked(&self) -> Option<&LockedPackages> {
        let parsed = self.locked.get_or_init(|| {
            let lock: DownloadLock = toml::from_str(&self.lock_text).ok()?;
            let mut locked = LockedPackages::default();
            for package in lock.package {
                let named = locked.entry(package.name.clone());
                named.or_default().push(package);
            }
            Some(locked)
        });
        parsed.as_ref()
    }

    /// Returns the units that do not belong to the workspace's packages in `contents`. `script_of`
    /// returns the hash of a run's script.
    pub(crate) fn strays(
        &self,
        contents: &ProfileDirScan,
        named: &NamedUnits,
        script_of: &dyn Fn(&str, &str, &UnitName) -> Option<String>,
        records: &dyn UnitRecords,
    ) -> Vec<OrphanCandidate> {
        let known: QuickSet<_> = contents
            .units
            .iter()
            .map(|it| (&*it.package_name, &*it.hash, it.unit.as_ref()))
            .collect();
        let mut strays: Vec<OrphanCandidate> = Vec::new();
        let mut sourceless = Vec::new();
        for (package, hash, units) in named {
            let shares = units.len() > 1;
            let found = |unit: Option<&UnitName>| ScannedUnit {
                package: None,
                package_name: package.clone(),
                hash: hash.clone(),
                unit: unit.cloned(),
                root: None,
                shares,
            };
            let is_known = |unit| known.contains(&(&**package, &**hash, unit));
            if units.is_empty() && !is_known(None) {
                sourceless.push(found(None));
            }
            for unit in units.iter().filter(|unit| !is_known(Some(*unit))) {
                let mut found = found(Some(unit));
                if matches!(unit.mode, RecordedMode::Run | RecordedMode::Doc) {
                    sourceless.push(found);
                    continue;
                }
                let source = self.source(&contents.place, package, hash, unit);
                let judged = self.judge(contents, named, package, unit, source.as_deref(), records);
                found.root = source.map(|it| dep_info::absolute(&self.workspace.root, &it));
                strays.extend(judged.map(|(because, doubt)| OrphanCandidate {
                    found,
                    because,
                    doubt,
                }));
            }
        }
        // A script run is judged like its script. Any other unit without sources gets the strongest
        // doubt that a unit of its package has.
        let mut by_hash = HashMap::new();
        let mut by_package: BTreeMap<String, (String, ScanDoubt)> = BTreeMap::new();
        for OrphanCandidate {
            found,
            because,
            doubt,
        } in &strays
        {
            by_hash.insert(found.hash.clone(), (because.clone(), doubt.clone()));
            let said = by_package.entry(found.package_name.clone());
            let said = said.or_insert_with(|| (because.clone(), doubt.clone()));
            said.1 = said.1.clone().max(doubt.clone());
        }
        for found in sourceless {
            let run = found
                .unit
                .as_ref()
                .filter(|unit| unit.mode == RecordedMode::Run);
            let script = run.and_then(|unit| script_of(&found.package_name, &found.hash, unit));
            let said = match script {
                Some(script) => by_hash.get(&script).cloned(),
                None if self.packages.contains_key(&*found.package_name) => None,
                None => by_package.get(&found.package_name).cloned().or_else(|| {
                    let doubt =
                        ScanDoubt::Yes("no record names the workspace that built it".to_owned());
                    let is_gone = is_gone(&found.package_name);
                    (!self.has(&found.package_name)).then_some((is_gone, doubt))
                }),
            };
            strays.extend(said.map(|(because, doubt)| OrphanCandidate {
                found,
                because,
                doubt,
            }));
        }
        strays.sort_by(
            |OrphanCandidate { found: a, .. }, OrphanCandidate { found: b, .. }| {
                (&a.package_name, &a.hash).cmp(&(&b.package_name, &b.hash))
            },
        );
        strays
    }

    fn has(&self, package: &str) -> bool {
        let is_locked = || self.locked().is_none_or(|it| it.contains_key(package));
        self.packages.contains_key(package) || is_locked()
    }

    /// Returns what the workspace no longer has, and the doubt about it. Returns `None` for a
    /// package that only another platform uses.
    fn judge(
        &self,
        contents: &ProfileDirScan,
        named: &NamedUnits,
        package: &str,
        unit: &UnitName,
        source: Option<&Utf8Path>,
        records: &dyn UnitRecords,
    ) -> Option<(String, ScanDoubt)> {
        let doubt = |reason: &str| ScanDoubt::Yes(reason.to_owned());
        let in_workspace = self.packages.get(package) == Some(&true);
        let Some(source) = source else {
            let said = (is_gone(package), doubt("it has no dep-info"));
            return (!self.has(package)).then_some(said);
        };
        if let Some(download) = Download::of(source) {
            let mut locked = self.locked()?.get(package).into_iter().flatten();
            let (Download::Registry(version) | Download::Git(version)) = download;
            let because = format!("Cargo.lock no longer names {package} ({version})");
            return (!locked.any(|it| download.is(it)))
                .then_some((because, ScanDoubt::UnlessAlone));
        }
        let root = dep_info::absolute(&self.workspace.root, source);
        let above = root.ancestors();
        let mut above = above.take_while(|it| **it != self.workspace.root);
        if !in_workspace && self.has(package) && above.any(|it| it.join("Cargo.toml").exists()) {
            // A path package that only another platform depends on.
            return None;
        }
        let because = match in_workspace {
            true => format!(
                "{package} no longer has the target {}",
                quote::name(&unit.target)
            ),
            false => is_gone(package),
        };
        let doubt = match source.is_absolute() {
            true if source.exists() => {
                doubt(&format!("its source {} still exists", quote::name(source)))
            }
            true => ScanDoubt::No,
            false if self.compiled_here(contents, named, package, records) => ScanDoubt::No,
            false => doubt("no artifact records that it was compiled here"),
        };
        Some((because, doubt))
    }
}

fn is_gone(package: &str) -> String {
    format!("the workspace no longer has the package {package}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_lock_file_may_name_every_package() {
        for (text, has_log, has_nobody) in [
            ("version = 4\n", false, false),
            (
                "[[package]]\nname = \"log\"\nversion = \"1.0.0\"\n",
                true,
                false,
            ),
            ("<<<<<<< ours\nversion = 4\n", true, true),
        ] {
            let (_scratch, top) = xtask_impact::testing::scratch();
            let mut workspace = xtask_impact::testing::workspace("network: lib");
            workspace.lock_file.path = top.join("Cargo.lock");
            xtask_impact::testing::write(&workspace.lock_file.path, text);
            let living = LiveSet::new(&workspace).unwrap();
            assert!(living.has("network"), "{text}");
            assert_eq!(living.has("log"), has_log, "{text}");
            assert_eq!(living.has("nobody"), has_nobody, "{text}");
        }
    }
}
