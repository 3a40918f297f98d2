//! The units that cargo recorded in a build directory.
//!
//! [`crate::build_dir`] says where records lie, [`super::dep_info`] how they are written,
//! [`super::unit_inputs`] what a unit read. A record that a running or a killed cargo left
//! half-written is none, and never an error: cargo builds such a unit anew if it needs it.

use super::dep_info::Fingerprint;
use crate::build_dir::{Layout, ProfileDir, entries, hash_in, is_hash, split_hash};
use crate::files;
use crate::parallel;
use anyhow::Result;
use cargo_metadata::camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::{fs, time::SystemTime};

/// A unit's package and hash, of which its directory has its name.
pub(super) type UnitDir = (String, String);

/// What a unit does with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedMode {
    /// Compiles it, be it for check or for build. Also scrapes an example for documentation
    /// (unstable), which leaves no dep-info.
    Compile,
    /// Compiles it as a test or bench (`test-`), with or without a harness.
    Test,
    /// Documents it (`doc-`).
    Doc,
    /// Runs it, a build script (`run-`).
    Run,
}

/// The kinds of target that cargo tells apart in names; proc-macros are libraries.
#[expect(missing_docs, reason = "cargo's own words")]
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

/// A unit as a fingerprint's file names it: `test-bin-tool`, `run-build-script-build-script-build`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitName {
    /// From the prefix.
    pub mode: RecordedMode,
    /// From what follows it.
    pub kind: RecordedKind,
    /// The target's name; a library's is that of its crate.
    pub target: String,
}

impl UnitName {
    /// Reads the name of a fingerprint; the other files of its directory give `None`.
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

    /// The name of the fingerprint's file.
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

/// Cargo's `TargetKind::description`, with the dash that follows it.
const KINDS: [(&str, RecordedKind); 6] = [
    ("lib-", RecordedKind::Lib),
    ("bin-", RecordedKind::Bin),
    ("example-", RecordedKind::Example),
    ("integration-test-", RecordedKind::Test),
    ("bench-", RecordedKind::Bench),
    ("build-script-", RecordedKind::BuildScript),
];

/// The record of a unit that was built to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFingerprint {
    /// The package's name, which says nothing of version or source.
    pub package: String,
    /// The directory's 16 hexadecimal digits.
    pub hash: String,
    /// Mode, kind and target.
    pub name: UnitName,
    /// The fingerprint as one number, by which dependents refer to it.
    pub value: u64,
    /// What the number was made of.
    pub fingerprint: Fingerprint,
    /// When rustc or the script started, as cargo stamps it: inputs newer than this are changed.
    /// The mtime of the unit's dep-info or output; `None` where there is none: cargo rebuilds, or
    /// compares nothing but the fingerprint (documentation, an overridden script).
    pub invoked: Option<SystemTime>,
    /// Whether its `.d` may have a name without the hash. In V1 such a file may be another unit's,
    /// unless this one has no file with a hash.
    pub plain: bool,
}

impl ProfileDir {
    /// The directory that rustc writes a unit to; in V1 it is shared by many.
    pub fn output_dir(&self, package: &str, hash: &str, kind: RecordedKind) -> Utf8PathBuf {
        self.path.join(match (self.layout, kind) {
            (Layout::V2, _) => format!("build/{package}/{hash}/out"),
            (_, RecordedKind::BuildScript) => format!("build/{package}-{hash}"),
            (_, RecordedKind::Example) => "examples".to_owned(),
            _ => "deps".to_owned(),
        })
    }

    /// The records of one unit's directory; `hashes` are its [`ProfileDir::hashes`].
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
            let stamp = match name.mode {
                RecordedMode::Run => self.script_output(package, hash),
                _ => directory.join(format!("dep-{}", name.file_name())),
            };
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

    /// Package, hash and units of the fingerprint directories of the packages that are wanted,
    /// sorted. One without a unit was made for a build that did not get to it. No record is read.
    ///
    /// # Errors
    /// A directory that cannot be listed.
    pub fn unit_names(
        &self,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<(String, String, Vec<UnitName>)>> {
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

    /// One unit's fingerprint, as a number and what it was made of; `None` if it was never built to
    /// its end, or not read as cargo writes it.
    pub fn fingerprint(
        &self,
        package: &str,
        hash: &str,
        name: &UnitName,
    ) -> Option<(u64, Fingerprint)> {
        let path = self.fingerprint_dir(package, hash).join(name.file_name());
        // Cargo empties it before it builds the unit again.
        let text = files::read_text(&path, files::RECORD)
            .ok()
            .filter(|it| is_hash(it))?;
        // Cargo writes the bytes of the number in little-endian order.
        let value = u64::from_str_radix(&text, 16).ok()?.swap_bytes();
        let json = files::read(format!("{path}.json"), files::RECORD).ok()?;
        Some((value, serde_json::from_slice(&json).ok()?))
    }

    /// Package and hash of every unit's directory of the packages that are wanted, sorted.
    pub(super) fn unit_dirs(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<UnitDir>> {
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
                // What has a hash in its name here is of the other layout.
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

    /// The hashes in the names of what rustc made in V1's shared directories.
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

/// Whether a file of rustc's is what it made of a unit, and no note or debug symbols.
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
