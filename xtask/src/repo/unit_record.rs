//! The units that cargo recorded in a build directory.
//!
//! [`super::build_dir`] says where records lie, [`super::dep_info`] how they are written,
//! [`super::unit_inputs`] what a unit read. A record that a running or a killed cargo left
//! half-written is [`Damaged`], never an error.

use super::build_dir::{Layout, ProfileDir, entries, hash_in, is_hash, split_hash};
use super::dep_info::Fingerprint;
use crate::parallel;
use anyhow::{Context, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::{fs, time::SystemTime};

/// What a unit does with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Compiles it, be it for check or for build: [`UnitRecord::product`] may tell. Also scrapes an
    /// example for documentation (unstable), which leaves no dep-info.
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
pub enum TargetKind {
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
    pub mode: Mode,
    /// From what follows it.
    pub kind: TargetKind,
    /// The target's name; a library's is that of its crate.
    pub target: String,
}

impl UnitName {
    /// Reads the name of a fingerprint; the other files of its directory give `None`.
    pub fn parse(file_name: &str) -> Option<Self> {
        if file_name.ends_with(".json") {
            return None;
        }
        let modes = [
            ("test-", Mode::Test),
            ("doc-", Mode::Doc),
            ("run-", Mode::Run),
        ];
        let prefixed = |(prefix, mode)| Some((file_name.strip_prefix(prefix)?, mode));
        let (rest, mode) = modes
            .into_iter()
            .find_map(prefixed)
            .unwrap_or((file_name, Mode::Compile));
        KINDS.iter().find_map(|(prefix, kind)| {
            let target = rest.strip_prefix(prefix)?.to_owned();
            Some(Self {
                mode,
                kind: *kind,
                target,
            })
        })
    }

    /// The name of the fingerprint's file.
    pub fn file_name(&self) -> String {
        let mode = match self.mode {
            Mode::Compile => "",
            Mode::Test => "test-",
            Mode::Doc => "doc-",
            Mode::Run => "run-",
        };
        let kind = KINDS
            .iter()
            .find(|(_, kind)| *kind == self.kind)
            .map_or("", |(name, _)| name);
        format!("{mode}{kind}{}", self.target)
    }
}

/// Cargo's `TargetKind::description`, with the dash that follows it.
const KINDS: [(&str, TargetKind); 6] = [
    ("lib-", TargetKind::Lib),
    ("bin-", TargetKind::Bin),
    ("example-", TargetKind::Example),
    ("integration-test-", TargetKind::Test),
    ("bench-", TargetKind::Bench),
    ("build-script-", TargetKind::BuildScript),
];

/// What rustc made of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// Only metadata: the unit was checked.
    Metadata,
    /// A library or an executable.
    Linked,
}

/// The record of a unit that was built to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRecord {
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
    /// What lies beside it; `None` for runs and documentation, and where no file has its hash.
    pub product: Option<Product>,
}

/// A record that says nothing to go by. Cargo builds such a unit anew if it needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// The record's file or directory.
    pub path: Utf8PathBuf,
    /// The package, where the directory's name gives it.
    pub package: Option<String>,
    /// The unit, where the record's name gives it.
    pub name: Option<UnitName>,
    /// What is wrong.
    pub reason: String,
}

/// All records of a profile directory, sorted by package, hash and name.
#[derive(Debug, Default)]
pub struct Records {
    /// Units that were built to their end.
    pub units: Vec<UnitRecord>,
    /// The rest.
    pub damaged: Vec<Damaged>,
}

impl ProfileDir {
    /// The directory that rustc writes a unit to; in V1 it is shared by many.
    pub fn output_dir(&self, package: &str, hash: &str, kind: TargetKind) -> Utf8PathBuf {
        self.path.join(match (self.layout, kind) {
            (Layout::V2, _) => format!("build/{package}/{hash}/out"),
            (_, TargetKind::BuildScript) => format!("build/{package}-{hash}"),
            (_, TargetKind::Example) => "examples".to_owned(),
            _ => "deps".to_owned(),
        })
    }

    /// Reads all records: one walk, and two small files and a stat for each unit.
    ///
    /// # Errors
    /// A directory that cannot be listed.
    pub fn records(&self) -> Result<Records> {
        let mut records = Records::default();
        let products = self.products()?;
        for (package, hash) in self.unit_dirs(&mut records, &|_| true)? {
            self.read_unit(&package, &hash, &products, &mut records)?;
        }
        Ok(records)
    }

    /// Reads the records of one unit's directory.
    pub(super) fn read_unit(
        &self,
        package: &str,
        hash: &str,
        products: &HashMap<String, Product>,
        records: &mut Records,
    ) -> Result<()> {
        let directory = self.fingerprint_dir(package, hash);
        let mut built = false;
        for name in entries(&directory)?
            .names
            .iter()
            .filter_map(|it| UnitName::parse(it))
        {
            built = true;
            let path = directory.join(name.file_name());
            let (value, fingerprint) = match read_fingerprint(&path) {
                Ok(read) => read,
                Err(reason) => {
                    records.damaged(path, Some(package), Some(name), &format!("{reason:#}"));
                    continue;
                }
            };
            let product = match (self.layout, name.mode, name.kind) {
                (_, Mode::Run | Mode::Doc, _) => None,
                // Never only checked, since it is to be run.
                (_, _, TargetKind::BuildScript) => Some(Product::Linked),
                (Layout::V1, ..) => products.get(hash).copied(),
                (Layout::V2, _, kind) => {
                    let files = entries(&self.output_dir(package, hash, kind))?.names;
                    files.iter().filter_map(|file| product_of(file)).max()
                }
            };
            let stamp = match name.mode {
                Mode::Run => self.script_output(package, hash),
                _ => directory.join(format!("dep-{}", name.file_name())),
            };
            let invoked = fs::metadata(stamp).and_then(|stamp| stamp.modified()).ok();
            records.units.push(UnitRecord {
                package: package.to_owned(),
                hash: hash.to_owned(),
                name,
                value,
                fingerprint,
                invoked,
                product,
            });
        }
        if !built {
            records.damaged(directory, Some(package), None, "never built to its end");
        }
        Ok(())
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
        let directories = self.unit_dirs(&mut Records::default(), wanted)?;
        let listed = parallel::parts(&directories, |part| {
            let listed = part.iter().map(|(package, hash)| {
                let files = entries(&self.fingerprint_dir(package, hash))?.names;
                Ok(files.iter().filter_map(|it| UnitName::parse(it)).collect())
            });
            listed.collect()
        });
        let found = directories.into_iter().zip(listed);
        let found =
            found.map(|((package, hash), names): (_, Result<_>)| Ok((package, hash, names?)));
        found.collect()
    }

    /// One unit's fingerprint, as a number and what it was made of; `None` if it is damaged.
    pub fn fingerprint(
        &self,
        package: &str,
        hash: &str,
        name: &UnitName,
    ) -> Option<(u64, Fingerprint)> {
        let directory = self.fingerprint_dir(package, hash);
        read_fingerprint(&directory.join(name.file_name())).ok()
    }

    /// Package and hash of every unit's directory of the packages that are wanted, sorted.
    pub(super) fn unit_dirs(
        &self,
        records: &mut Records,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<(String, String)>> {
        let mut units = Vec::new();
        match self.layout {
            Layout::V1 => {
                let fingerprints = self.path.join(".fingerprint");
                for name in records.list(&fingerprints)? {
                    match split_hash(&name) {
                        Some((package, hash)) if wanted(package) => {
                            units.push((package.to_owned(), hash.to_owned()))
                        }
                        Some(_) => {}
                        None => {
                            records.damaged(fingerprints.join(&name), None, None, "not cargo's")
                        }
                    }
                }
            }
            Layout::V2 => {
                let build = self.path.join("build");
                // What has a hash in its name here is of the other layout.
                for package in records
                    .list(&build)?
                    .iter()
                    .filter(|it| split_hash(it).is_none() && wanted(it))
                {
                    let hashes = records.list(&build.join(package))?.into_iter();
                    units.extend(
                        hashes
                            .filter(|it| is_hash(it))
                            .map(|hash| (package.clone(), hash)),
                    );
                }
            }
        }
        units.sort();
        Ok(units)
    }

    /// What the names in V1's shared directories say, by the hash in them.
    pub(super) fn products(&self) -> Result<HashMap<String, Product>> {
        let mut products = HashMap::new();
        if self.layout == Layout::V2 {
            return Ok(products);
        }
        for directory in ["deps", "examples"] {
            for name in entries(&self.path.join(directory))?.names {
                if let (Some(hash), Some(product)) = (hash_in(&name), product_of(&name)) {
                    let known = products.entry(hash.to_owned()).or_insert(product);
                    *known = product.max(*known);
                }
            }
        }
        Ok(products)
    }
}

impl Records {
    fn damaged(
        &mut self,
        path: Utf8PathBuf,
        package: Option<&str>,
        name: Option<UnitName>,
        reason: &str,
    ) {
        let (package, reason) = (package.map(str::to_owned), reason.to_owned());
        self.damaged.push(Damaged {
            path,
            package,
            name,
            reason,
        });
    }

    /// Lists a directory, noting names that are not UTF-8.
    fn list(&mut self, directory: &Utf8Path) -> Result<Vec<String>> {
        let entries = entries(directory)?;
        for name in entries.unreadable {
            self.damaged(directory.join(name), None, None, "its name is not UTF-8");
        }
        Ok(entries.names)
    }
}

/// Reads the fingerprint at `path` and the JSON beside it.
fn read_fingerprint(path: &Utf8Path) -> Result<(u64, Fingerprint)> {
    let text = fs::read_to_string(path)?;
    if text.is_empty() {
        bail!("the last build of it failed or was stopped");
    }
    // Cargo writes the bytes of the number in little-endian order.
    let value = u64::from_str_radix(&text, 16)
        .ok()
        .filter(|_| is_hash(&text));
    let value = value.context("it holds no fingerprint")?.swap_bytes();
    let json = fs::read(format!("{path}.json")).context("no JSON lies beside it")?;
    Ok((
        value,
        serde_json::from_slice(&json).context("the JSON beside it is not cargo's")?,
    ))
}

/// What a file of rustc's is, save notes and debug symbols.
fn product_of(file_name: &str) -> Option<Product> {
    match file_name.split_once('.').map(|(_, extension)| extension) {
        Some("rmeta") => Some(Product::Metadata),
        None | Some("rlib" | "so" | "dylib" | "dll" | "a" | "lib" | "exe" | "wasm" | "js") => {
            Some(Product::Linked)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
