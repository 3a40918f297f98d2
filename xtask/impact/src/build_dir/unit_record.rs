//! The records of units in a build directory.
//!
//! [`crate::build_dir`] knows the place of the records, [`super::dep_info`] their format, and
//! [`super::unit_inputs`] the inputs of a unit. A record that a running or a killed cargo left
//! incomplete is treated as missing, not as an error: cargo rebuilds such a unit if it needs it.

use std::collections::HashSet;
use std::fs;
use std::time::SystemTime;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::dep_info::Fingerprint;
use crate::build_dir::{Layout, ProfileDir, entries, hash_in, is_hash, split_hash};
use crate::{files, parallel};

/// The package name and the hash of a unit, which make the name of its directory.
pub(super) type UnitDir = (String, String);

/// The package and the hash of a unit's directory, with the units that have records there.
pub type NamedUnit = (String, String, Vec<UnitName>);

/// The action of a unit on its target.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedMode {
    /// Compiles the target, for check or for build. Scraping an example for documentation
    /// (unstable) has this mode too, but leaves no dep-info.
    Compile,
    /// Compiles the target as a test or bench, with or without a harness. The prefix of the name is
    /// `test-`.
    Test,
    /// Documents the target. The prefix of the name is `doc-`.
    Doc,
    /// Runs a build script. The prefix of the name is `run-`.
    Run,
}

/// The kinds of target that cargo distinguishes in names. A proc-macro is a library.
#[expect(missing_docs, reason = "cargo's own words")]
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedKind {
    Lib,
    Bin,
    Example,
    Test,
    Bench,
    BuildScript,
}

/// The name of a unit, as in the name of its fingerprint file: `test-bin-tool`,
/// `run-build-script-build-script-build`.
#[cfg_attr(feature = "testing", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitName {
    /// The mode, from the prefix of the name.
    pub mode: RecordedMode,
    /// The kind of the target, from the second part of the name.
    pub kind: RecordedKind,
    /// The name of the target. For a library it is the crate name.
    pub target: String,
}

impl UnitName {
    /// Parses the name of a fingerprint file. Returns `None` for the other files in a fingerprint
    /// directory.
    pub fn parse(file_name: &str) -> Option<Self> {
        if file_name.ends_with(".json") {
            return None;
        }
        let (mut modes, mut kinds) = (MODES.iter(), KINDS.iter());
        let (rest, mode) = modes.find_map(|(prefix, mode)| {
            let rest = file_name.strip_prefix(prefix)?;
            Some((rest, *mode))
        })?;
        kinds.find_map(|(prefix, kind)| {
            Some(Self {
                mode,
                kind: *kind,
                target: rest.strip_prefix(prefix)?.to_owned(),
            })
        })
    }

    /// Returns the name of the fingerprint file.
    pub fn file_name(&self) -> String {
        let mode = MODES.iter().find(|(_, mode)| *mode == self.mode);
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind);
        let (mode, kind) = (mode.map_or("", |it| it.0), kind.map_or("", |it| it.0));
        format!("{mode}{kind}{}", self.target)
    }
}

const MODES: [(&str, RecordedMode); 4] = [
    ("test-", RecordedMode::Test),
    ("doc-", RecordedMode::Doc),
    ("run-", RecordedMode::Run),
    ("", RecordedMode::Compile),
];

/// The texts of cargo's `TargetKind::description`, each with the dash that follows it.
const KINDS: [(&str, RecordedKind); 6] = [
    ("lib-", RecordedKind::Lib),
    ("bin-", RecordedKind::Bin),
    ("example-", RecordedKind::Example),
    ("integration-test-", RecordedKind::Test),
    ("bench-", RecordedKind::Bench),
    ("build-script-", RecordedKind::BuildScript),
];

/// The record of a unit whose build finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFingerprint {
    /// The name of the package, without version or source.
    pub package: String,
    /// The 16 hexadecimal digits in the name of the unit's directory.
    pub hash: String,
    /// The mode, the kind and the name of the target.
    pub name: UnitName,
    /// The fingerprint as a number. Dependents refer to the record by this number.
    pub value: u64,
    /// The values that the number was computed from.
    pub fingerprint: Fingerprint,
    /// The time at which rustc or the script started, as stamped by cargo: an input newer than this
    /// time has changed. It is the mtime of the unit's dep-info or output. `None` if there is no
    /// such file: cargo rebuilds the unit, or compares only the fingerprint (documentation, an
    /// overridden script).
    pub invoked: Option<SystemTime>,
    /// True if the unit's `.d` may have a name without the hash. In V1 a file without a hash may
    /// belong to another unit, unless this unit has no file with a hash.
    pub plain: bool,
}

impl ProfileDir {
    /// Returns the directory of rustc's output for a unit. In V1 many units share this directory.
    pub fn output_dir(&self, package: &str, hash: &str, kind: RecordedKind) -> Utf8PathBuf {
        self.path
            .join(output_directory(self.layout, package, hash, kind))
    }

    /// Reads all records in the directory of a unit. `hashes` is the result of
    /// [`ProfileDir::hashes`].
    pub(super) fn read_unit(
        &self,
        package: &str,
        hash: &str,
        hashes: &HashSet<String>,
    ) -> Result<Vec<StoredFingerprint>> {
        let directory = self.fingerprint_dir(package, hash);
        let mut units = Vec::new();
        for name in entries(&directory)? {
            let Some(name) = UnitName::parse(&name) else {
                continue;
            };
            let Some((value, fingerprint)) = self.fingerprint(package, hash, &name) else {
                continue;
            };
            let stamp = self.reference(package, hash, &name);
            units.push(StoredFingerprint {
                package: package.to_owned(),
                hash: hash.to_owned(),
                value,
                fingerprint,
                invoked: fs::metadata(stamp).and_then(|stamp| stamp.modified()).ok(),
                plain: self.layout == Layout::V2
                    || name.kind != RecordedKind::BuildScript && !hashes.contains(hash),
                name,
            });
        }
        Ok(units)
    }

    /// Returns package, hash and units of each fingerprint directory of the wanted packages,
    /// sorted. A directory without a unit was created for a build that did not reach the unit. No
    /// record is read.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed.
    pub fn unit_names(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<NamedUnit>> {
        let directories = self.unit_dirs(wanted)?;
        let listed = parallel::parts(&directories, |part| {
            let listed = part.iter().map(|(package, hash)| {
                let files = entries(&self.fingerprint_dir(package, hash))?;
                Ok(files.iter().filter_map(|it| UnitName::parse(it)).collect())
            });
            listed.collect()
        });
        let found = directories.into_iter().zip(listed);
        let found =
            found.map(|((package, hash), names): (_, Result<_>)| Ok((package, hash, names?)));
        found.collect()
    }

    /// Returns package, hash and names of every unit like [`ProfileDir::unit_names`], from
    /// directories that were listed before. `names` returns the sorted names in a directory.
    pub fn listed_names<'a>(&self, names: &dyn Fn(&Utf8Path) -> Vec<&'a str>) -> Vec<NamedUnit> {
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let directories = self.unit_dirs_in(&|_| true, &|it| Ok(owned(names(it))));
        let directories = directories.unwrap_or_default().into_iter();
        let named = directories.map(|(package, hash)| {
            let files = names(&self.fingerprint_dir(&package, &hash));
            let units = files.iter().filter_map(|it| UnitName::parse(it));
            let units = units.collect();
            (package, hash, units)
        });
        named.collect()
    }

    /// Returns the fingerprint of a unit: the number, and the values that it was computed from.
    /// Returns `None` if the unit's build never finished, or if the files do not have cargo's
    /// format.
    pub fn fingerprint(
        &self,
        package: &str,
        hash: &str,
        name: &UnitName,
    ) -> Option<(u64, Fingerprint)> {
        let path = self.fingerprint_dir(package, hash).join(name.file_name());
        // Cargo empties this file before it rebuilds the unit.
        let text = files::read_text(&path, files::RECORD)
            .ok()
            .filter(|it| is_hash(it))?;
        // Cargo writes the bytes of the number in little-endian order.
        let value = u64::from_str_radix(&text, 16).ok()?.swap_bytes();
        Some((value, self.former_values(package, hash, name)?))
    }

    /// Returns the text of a unit's fingerprint JSON. If the last build of the unit did not finish,
    /// the text belongs to the build before.
    pub fn fingerprint_json(&self, package: &str, hash: &str, name: &UnitName) -> Option<String> {
        let file = format!("{}.json", name.file_name());
        let path = self.fingerprint_dir(package, hash).join(file);
        files::read_text(path, files::RECORD).ok()
    }

    /// Returns the values of a unit's last finished build, even if a later build of the unit failed.
    /// Returns `None` if no build of the unit ever finished.
    pub fn former_values(&self, package: &str, hash: &str, name: &UnitName) -> Option<Fingerprint> {
        serde_json::from_str(&self.fingerprint_json(package, hash, name)?).ok()
    }

    /// Returns package and hash of every unit directory of the wanted packages, sorted.
    pub(super) fn unit_dirs(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<UnitDir>> {
        self.unit_dirs_in(wanted, &entries)
    }

    /// Returns the directories like [`ProfileDir::unit_dirs`]. `entries` lists a directory.
    fn unit_dirs_in(
        &self,
        wanted: &dyn Fn(&str) -> bool,
        entries: &dyn Fn(&Utf8Path) -> Result<Vec<String>>,
    ) -> Result<Vec<UnitDir>> {
        let mut units = Vec::new();
        match self.layout {
            Layout::V1 => {
                let names = entries(&self.path.join(".fingerprint"))?;
                let split = names.iter().filter_map(|name| split_hash(name));
                let wanted = split.filter(|(package, _)| wanted(package));
                units.extend(wanted.map(|(package, hash)| (package.to_owned(), hash.to_owned())));
            }
            Layout::V2 => {
                let build = self.path.join("build");
                // A name with a hash belongs to the V1 layout.
                let is_wanted = |it: &String| split_hash(it).is_none() && wanted(it);
                for package in entries(&build)?.into_iter().filter(is_wanted) {
                    let hashes = entries(&build.join(&package))?.into_iter();
                    let hashes = hashes.filter(|it| is_hash(it));
                    units.extend(hashes.map(|hash| (package.clone(), hash)));
                }
            }
        }
        units.sort();
        Ok(units)
    }

    /// Returns the hashes in the names of the files that rustc wrote to the shared directories of
    /// V1. Returns nothing for V2.
    pub(super) fn hashes(&self) -> Result<HashSet<String>> {
        let mut hashes = HashSet::new();
        if self.layout == Layout::V2 {
            return Ok(hashes);
        }
        for directory in ["deps", "examples"] {
            let names = entries(&self.path.join(directory))?;
            let products = names.iter().filter(|name| is_product(name));
            hashes.extend(products.filter_map(|name| hash_in(name)).map(str::to_owned));
        }
        Ok(hashes)
    }
}

/// Returns [`ProfileDir::output_dir`], relative to the profile directory.
pub(super) fn output_directory(
    layout: Layout,
    package: &str,
    hash: &str,
    kind: RecordedKind,
) -> String {
    match (layout, kind) {
        (Layout::V2, _) => format!("build/{package}/{hash}/out"),
        (_, RecordedKind::BuildScript) => format!("build/{package}-{hash}"),
        (_, RecordedKind::Example) => "examples".to_owned(),
        _ => "deps".to_owned(),
    }
}

/// Returns true if a file of rustc is an artifact, not a dep-info file or debug symbols.
fn is_product(file_name: &str) -> bool {
    let extension = file_name.split_once('.').map(|(_, extension)| extension);
    matches!(
        extension,
        None | Some(
            "rmeta" | "rlib" | "so" | "dylib" | "dll" | "a" | "lib" | "exe" | "wasm" | "js"
        )
    )
}

#[cfg(test)]
mod tests;
